"""`daogou wecom contacts` and `compare`: load who is whose contact, and hold it against what WeCom says."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from handover.commands import contacts, reconciling
from handover.commands.contacts import AT_A_TIME, TAKEN, Load, Outcome
from handover.commands.reconciling import Differences
from handover.errors import ContactFileWrong, PartnerNotTied
from handover.partner import PartnerAway, PartnerRefused
from handover.queries import contact_file
from handover.queries import partner as ties
from handover.queries.contact_file import ContactLine
from kernel import bulk, clock
from kernel.actor import system
from kernel.crypto import Vault
from kernel.work import Work, carry_out
from server import operating, sheets
from server import settings as configuration
from server.errors import CannotStart
from server.options import Brand
from server.settling import unassigned
from server.sheets import Cell
from server.wecom.connecting import partner_of

CONTACTS = (
    "[bold]Examples[/bold]\n\ndaogou wecom contacts contacts.xlsx --brand qinghe --dry-run\n\n"
    "daogou wecom contacts contacts.csv --as-of 2026-03-01T20:00 --answers answers.csv"
)
COMPARE = "[bold]Examples[/bold]\n\ndaogou wecom compare --brand qinghe"
MOST_SHOWN = 100
_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]

WORDS = {
    Outcome.LINKED: "linked",
    Outcome.KNOWN: "known already",
    Outcome.GONE: "deleted since, left alone",
    Outcome.NO_CUSTOMER: "no customer has this number or phone",
    Outcome.NO_MEMBER: "no account has this user id or staff number",
    Outcome.NOT_IN_STORE: "the customer isn't one of a store of this guide's",
    Outcome.OTHER_CUSTOMER: "this external user id is another customer's",
    Outcome.OTHER_ID: "the guide knows this customer by another external user id",
}


class _OnlyTried(Exception):
    """Nothing is to be kept."""


def load(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV, CSV.gz or XLSX: external_user_id, member_number or phone, user_id or number.",
            exists=True,
            dir_okay=False,
        ),
    ],
    brand: Brand = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come of it.")] = False,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=_FORMATS, help="When the list was taken (UTC); by default when the file was written."),
    ] = None,
    answers: Annotated[
        Path | None, typer.Option(help="Write what came of each line there, as CSV.", dir_okay=False)
    ] = None,
) -> None:
    """Load who is whose contact in WeCom. Twice is as good as once; what WeCom told later than the list stays.

    Of a file that can't be read, or that gainsays itself, nothing is taken. Lines about somebody who isn't known here
    are left out, and named; the exit code is 1 then.
    """
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC) if as_of is None else as_of.replace(tzinfo=UTC)
    try:
        lines = contact_file.read(file)
    except ContactFileWrong as refusal:
        for wrong in refusal.wrong:
            typer.echo(f"line {wrong.line}, column {wrong.column}: {wrong.reason}", err=True)
        typer.echo(f"Mistakes: {refusal.facts['count']}. Nothing was taken.", err=True)
        raise typer.Exit(1) from None
    done = asyncio.run(_load(brand, lines, min(written, clock.now()), dry_run=dry_run))
    if answers is not None:
        answers.write_bytes(sheets.as_csv(_answers(done)))
    _show(done, dry_run=dry_run)
    if not set(done.tally) <= TAKEN:
        raise typer.Exit(1)


def compare(brand: Brand = None) -> None:
    """Hold the whole of WeCom's list of what leavers left behind against what is known here; changes nothing.

    Exits with 1 if the two don't agree.
    """
    try:
        found = asyncio.run(_compare(brand))
    except PartnerRefused as refusal:
        raise CannotStart(f"WeCom says no ({refusal.code}): {refusal.what}") from refusal
    except PartnerAway as away:
        raise CannotStart(f"WeCom can't be reached now: {away.what}") from away
    if not _show_differences(found):
        raise typer.Exit(1)


async def _load(brand: str | None, lines: Sequence[ContactLine], as_of: datetime, *, dry_run: bool) -> Load:
    settings = configuration.load()
    done = Load(Vault(settings.data_key_bytes), as_of)
    async with operating.ready(settings) as ground:
        actor = system((await operating.brand_of(ground, brand)).id)
        for begin in range(0, len(lines), AT_A_TIME):
            with suppress(_OnlyTried):
                some = lines[begin : begin + AT_A_TIME]
                await carry_out(ground, actor, partial(_take, done=done, lines=some, dry_run=dry_run))
        if not dry_run:
            await bulk.look_at_sizes(ground.db, "contact_link")
            await carry_out(ground, actor, partial(contacts.note, load=done))
    return done


async def _take(work: Work, done: Load, lines: Sequence[ContactLine], *, dry_run: bool) -> None:
    await contacts.take(work, done, lines)
    if dry_run:
        raise _OnlyTried


async def _compare(brand: str | None) -> Differences:
    settings = configuration.load()
    async with operating.ready(settings) as ground:
        chosen = await operating.brand_of(ground, brand)
        async with ground.db.read() as session:
            if await ties.tie_of(session, chosen.id) is None:
                raise PartnerNotTied
        wecom = await partner_of(ground, Vault(settings.data_key_bytes), settings, chosen.id)
        if wecom is None:
            raise CannotStart("The tie is paused: daogou wecom resume")
        listed = await unassigned(wecom)
        return await carry_out(ground, system(chosen.id), lambda work: reconciling.compare(work, listed))


def _answers(done: Load) -> Iterator[list[Cell]]:
    yield ["line", "answer", "words"]
    for line, outcome in _in_order(done):
        yield [line, outcome.value, WORDS[outcome]]


def _in_order(done: Load) -> list[tuple[int, Outcome]]:
    return sorted(done.outcomes.items())


def _show(done: Load, *, dry_run: bool) -> None:
    typer.echo("Nothing was changed; this would come of it:" if dry_run else "Done:")
    tally = done.tally
    for outcome in Outcome:
        if tally[outcome]:
            typer.echo(f"  {tally[outcome]:7} {WORDS[outcome]}")
    left_out = [(line, outcome) for line, outcome in _in_order(done) if outcome not in TAKEN]
    for line, outcome in left_out[:MOST_SHOWN]:
        typer.echo(f"line {line}: {WORDS[outcome]}", err=True)
    if len(left_out) > MOST_SHOWN:
        typer.echo(f"… and {len(left_out) - MOST_SHOWN} more; --answers FILE names all.", err=True)


def _show_differences(found: Differences) -> bool:
    """Print them; whether there are none."""
    parts = (
        (found.unknown, "left behind in WeCom, and not known here as a contact of theirs"),
        (found.unheard, "left behind in WeCom, known here, and not asked for"),
        (found.settled, "left behind in WeCom, and taken over by what is known here"),
        (found.absent, "a leaver's contact here, and not in WeCom's list"),
    )
    shown = 0
    for pairs, words in parts:
        typer.echo(f"{len(pairs):7} {words}")
        for user_id, external_user_id in pairs[: MOST_SHOWN - shown]:
            typer.echo(f"        {user_id} {external_user_id}")
        shown = min(shown + len(pairs), MOST_SHOWN)
    return not any(pairs for pairs, _ in parts)
