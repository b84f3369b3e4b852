"""`daogou handover report`, `check` and `key`: take a signed report away, and see whether one is genuine."""

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from server import settings as configuration
from server.errors import CannotStart
from server.options import Brand

_EXAMPLES = "[bold]Examples[/bold]\n\n"
REPORT = _EXAMPLES + "daogou handover report ID --out handover.json\n\ndaogou handover report ID --out handover.xlsx"
CHECK = (
    _EXAMPLES + "daogou handover check handover.json --key key.pem\n\n"
    "daogou handover check handover.json --key key.pem --book handover.xlsx"
)
KEY = _EXAMPLES + "daogou handover key > key.pem"


class Format(StrEnum):
    """What a report is written as."""

    JSON = "json"
    XLSX = "xlsx"


def report(
    handover_id: Annotated[UUID, typer.Argument(metavar="ID", help="The handover's id.")],
    out: Annotated[Path, typer.Option(help="The file to write; it must not be there yet.")],
    format: Annotated[Format | None, typer.Option(help="By default as the file's name ends, or else JSON.")] = None,
    brand: Brand = None,
) -> None:
    """Write the signed report of a handover."""
    is_book = (format or (Format.XLSX if out.suffix.lower() == ".xlsx" else Format.JSON)) is Format.XLSX
    content = asyncio.run(_report(handover_id, brand, is_book=is_book))
    try:
        with out.open("xb") as stream:
            stream.write(content)
    except OSError as error:
        raise CannotStart(f"{out} can't be written: {error.strerror}.") from error
    typer.echo(f"{out}: {len(content)} bytes.")


def check(
    file: Annotated[Path, typer.Argument(help="A report in JSON.")],
    key: Annotated[Path, typer.Option(help="The public key in PEM: of `daogou handover key`.")],
    book: Annotated[Path | None, typer.Option(help="The workbook of the same report, to be compared with it.")] = None,
) -> None:
    """Say whether a report is, byte for byte, what was signed; exit with 1 if not. Needs no database and no network."""
    from server import handover_reports, signing

    try:
        found = handover_reports.checked(_read(file), signing.from_pem(_read(key)))
    except signing.KeyUnreadable as error:
        raise CannotStart(f"{key} is no Ed25519 public key in PEM.") from error
    if found is None:
        typer.echo(f"{file} is not what was signed.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{file} is what was signed.")
    if book is None:
        return
    differing = handover_reports.differences(found, _read(book))
    if differing:
        typer.echo(f"{book} says something else: {', '.join(differing)}.", err=True)
        raise typer.Exit(1)
    typer.echo(f"{book} says the same.")


def key() -> None:
    """Print the public key that this installation's reports are checked with."""
    from kernel.crypto import Vault
    from server import signing

    vault = Vault(configuration.load().data_key_bytes)
    typer.echo(signing.as_pem(vault.signing_key.public_key()).decode(), nl=False)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CannotStart(f"{file} can't be read: {error.strerror}.") from error


async def _report(handover_id: UUID, brand: str | None, *, is_book: bool) -> bytes:
    from kernel.actor import system
    from kernel.crypto import Vault
    from server import handover_reports, operating

    settings = configuration.load()
    async with operating.ready(settings) as ground:
        chosen = await operating.brand_of(ground, brand)
        vault = Vault(settings.data_key_bytes)
        made = await handover_reports.made(ground, vault, system(chosen.id), handover_id, in_a_book=is_book)
    return made.as_book() if is_book else made.as_json()
