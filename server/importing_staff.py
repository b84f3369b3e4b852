"""`daogou import staff`: put a brand's regions, stores and staff in order from a file."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from directory import commands as directory
from intake.commands.directory_file import DirectoryFile, Tally, apply, read
from intake.errors import DirectoryFileWrong
from kernel import ids
from kernel.actor import system
from kernel.work import Ground, Work, unit_of_work
from server import addresses, logs, operating
from server import settings as configuration
from server.settings import Settings
from tasks.commands import rules

EXAMPLES = (
    "daogou import staff staff.xlsx --brand qinghe --dry-run\n\n"
    "daogou import staff staff.csv --brand qinghe --new-brand 青禾 --currency CNY"
)


class _OnlyTried(Exception):
    """Nothing is to be kept."""


def staff(
    file: Annotated[Path, typer.Argument(help="CSV, CSV.gz or XLSX with kind, code, name, region, store, role …")],
    brand: Annotated[str | None, typer.Option(help="The brand's code; needed where there are several.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would change.")] = False,
    new_brand: Annotated[str | None, typer.Option(help="Begin the brand, under this name.")] = None,
    currency: Annotated[str, typer.Option(help="Of a new brand: three letters, ISO 4217.")] = "CNY",
) -> None:
    """Add and change regions, stores and staff as a file says. All of it or nothing; twice is as good as once.

    Passwords are not in the file: new staff sign in once somebody above them has set one.
    """
    settings = configuration.load()
    logs.configure(settings)
    addresses.require_addresses(settings)
    try:
        tally = asyncio.run(_staff(settings, file, brand, dry_run, new_brand, currency))
    except DirectoryFileWrong as refusal:
        _show_wrong(refusal)
        raise typer.Exit(1) from None
    _show(tally, dry_run)


async def carry_in(
    ground: Ground,
    file: DirectoryFile,
    brand: str | None,
    *,
    dry_run: bool = False,
    new_brand: str | None = None,
    currency: str = "CNY",
) -> Tally:
    """Apply a file that was read, in one transaction; with `dry_run` take all of it back again.

    Raises `DIRECTORY_FILE_WRONG`, `CODE_TAKEN` for a new brand that isn't, and `CannotStart` for an unknown one.
    """
    tally = Tally()
    try:
        if new_brand is not None:
            async with unit_of_work(ground, system(ids.new())) as work:
                await directory.found(work, code=brand or "", name=new_brand, currency=currency)
                await rules.begin(work)
                tally = await _apply(work, file, dry_run)
        else:
            async with unit_of_work(ground, system((await operating.brand_of(ground, brand)).id)) as work:
                tally = await _apply(work, file, dry_run)
    except _OnlyTried as tried:
        (tally,) = tried.args
    return tally


async def _apply(work: Work, file: DirectoryFile, dry_run: bool) -> Tally:
    tally = await apply(work, file)
    if dry_run:
        raise _OnlyTried(tally)
    return tally


async def _staff(
    settings: Settings, path: Path, brand: str | None, dry_run: bool, new_brand: str | None, currency: str
) -> Tally:
    file = await asyncio.to_thread(read, path)
    async with operating.ready(settings) as ground:
        return await carry_in(ground, file, brand, dry_run=dry_run, new_brand=new_brand, currency=currency)


def _show(tally: Tally, dry_run: bool) -> None:
    typer.echo("Nothing was changed; this would become of it:" if dry_run else "Done:")
    for name, counts in (("regions", tally.regions), ("stores", tally.stores), ("staff", tally.staff)):
        typer.echo(f"  {name:8} {counts.added} added, {counts.changed} changed, {counts.unchanged} as they were")
    if tally.left:
        typer.echo(f"  {tally.left} have left and stay as they are; reopen their access to change that.")
    if tally.leaving:
        typer.echo(f"  {tally.leaving} are leaving, or have left: look at what they hold.")
    if tally.without_password:
        typer.echo(f"  {tally.without_password} have no password: they can't sign in until somebody above sets one.")


def _show_wrong(refusal: DirectoryFileWrong) -> None:
    for wrong in refusal.wrong:
        typer.echo(f"line {wrong.line}, column {wrong.column}: {wrong.reason}", err=True)
    typer.echo(f"Mistakes: {refusal.facts['count']}. Nothing was changed.", err=True)
