"""`daogou handover`: plan, run, look at and verify handovers from a terminal."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from handover.models import HandoverState, Strategy
from server import report_commands
from server import settings as configuration
from server.errors import CannotStart
from server.options import Brand

_EXAMPLES = "[bold]Examples[/bold]\n\n"
MOST_LISTED = 100
MOST_SHOWN = 1_000

handover_app = typer.Typer(no_args_is_help=True, help="Handovers: plan, run and verify them.")
handover_app.command("report", epilog=report_commands.REPORT)(report_commands.report)
handover_app.command("check", epilog=report_commands.CHECK)(report_commands.check)
handover_app.command("key", epilog=report_commands.KEY)(report_commands.key)

Id = Annotated[UUID, typer.Argument(help="The handover's id, as `plan` and `list` show it.")]


@handover_app.command(
    epilog=_EXAMPLES + "daogou handover plan --staff G0002\n\n"
    "daogou handover plan --staff G0002 --strategy to_one --to G0003\n\n"
    "daogou handover plan --closing SH01 --into SH02 --into SH03 --strategy balanced"
)
def plan(
    staff: Annotated[str | None, typer.Option(help="Who leaves, by staff number.")] = None,
    closing: Annotated[str | None, typer.Option(help="Instead of a person: the code of a store that closes.")] = None,
    into: Annotated[list[str] | None, typer.Option(help="A store that takes over where one closes, by code.")] = None,
    to: Annotated[list[str] | None, typer.Option(help="Only this guide takes over, by staff number.")] = None,
    transfer: Annotated[bool, typer.Option("--transfer", help="They stay with the brand, elsewhere.")] = False,
    strategy: Annotated[Strategy, typer.Option(help="How takeover guides are chosen.")] = Strategy.AFFINITY,
    brand: Brand = None,
) -> None:
    """Begin a handover and show its plan. Nothing moves before `run`; whoever resigns takes on nothing new from now."""
    if (staff is None) == (closing is None):
        raise CannotStart("Say either --staff or --closing.")
    row, takings = asyncio.run(_plan(brand, staff, closing, into or [], to or [], transfer, strategy))
    table = Table("接手 takes over", "现有 holds", "接收 gets", "之后 then", "上限 limit")
    for each in takings:
        limit = "" if each.capacity is None else str(each.capacity)
        table.add_row(each.name, str(each.held), str(each.given), str(each.held + each.given), limit)
    console = Console()
    console.print(table)
    said = row.plan
    typer.echo(f"{said['relationships']} relationships; {said['overflow']} found no guide with room", nl=False)
    typer.echo("" if said["gap"] is None else f"; at most {said['gap']:.2%} dearer than the best plan")
    typer.echo(f"Handover {row.id}")


@handover_app.command(epilog=_EXAMPLES + "daogou handover run 0199…")
def run(id: Id, brand: Brand = None) -> None:
    """Approve a handover's plan and move everything; goes on where it stopped, too."""
    state = asyncio.run(_run(brand, id))
    typer.echo(f"{state.value}")
    if state not in (HandoverState.DONE, HandoverState.SETTLING):
        raise typer.Exit(1)


@handover_app.command(epilog=_EXAMPLES + "daogou handover verify\n\ndaogou handover verify 0199… --brand qinghe")
def verify(
    id: Annotated[UUID | None, typer.Argument(help="One handover; without it, the whole brand.")] = None,
    brand: Brand = None,
) -> None:
    """Hold every invariant against the tables, by SQL; print what is broken, and exit with 1 if anything is."""
    found = asyncio.run(_verify(brand, id))
    for each in found[:MOST_SHOWN]:
        typer.echo(f"{each.code}: {each.words} {', '.join(str(key) for key in each.ids)}")
    if found:
        typer.echo(f"Violations: {len(found)}.", err=True)
        raise typer.Exit(1)
    typer.echo("Every relationship is where it should be, and the ledgers add up.")


@handover_app.command("list", epilog=_EXAMPLES + "daogou handover list --brand qinghe")
def list_(brand: Brand = None) -> None:
    """Show the newest handovers, at most 100, and how far each has come."""
    rows = asyncio.run(_list(brand))
    names = ("started", "kind", "state", "moved", "of")
    table = Table(Column("id", min_width=36, no_wrap=True), *(Column(name, overflow="fold") for name in names))
    for row, moved, total in rows:
        table.add_row(str(row.id), f"{row.started_at:%Y-%m-%d %H:%M}", row.kind, row.state, str(moved), str(total))
    Console().print(table)


async def _plan(
    brand: str | None,
    number: str | None,
    store: str | None,
    into: Sequence[str],
    to: Sequence[str],
    is_transfer: bool,
    strategy: Strategy,
) -> tuple[Any, Any]:
    from server import handing_by_hand, operating

    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        with Console(stderr=True).status("规划中 planning"):
            asked = handing_by_hand.Asked(number, store, into, to, is_transfer, strategy)
            return await handing_by_hand.plan(ground, chosen.id, asked)


async def _run(brand: str | None, handover_id: UUID) -> HandoverState:
    from server import handing_by_hand, operating

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("交接中 moving", total=None)
            row = await handing_by_hand.run(
                ground, chosen.id, handover_id, lambda done, total: bar.update(task, completed=done, total=total)
            )
    return HandoverState(row.state)


async def _verify(brand: str | None, handover_id: UUID | None) -> Sequence[Any]:
    from handover.queries import verifying
    from server import operating

    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        async with ground.db.read() as session:
            return await verifying.violations(session, chosen.id, handover_id)


async def _list(brand: str | None) -> Sequence[tuple[Any, int, int]]:
    from handover.models import HeldHere
    from handover.queries import handovers
    from kernel.actor import system
    from kernel.pages import Page
    from server import operating

    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        async with ground.db.read() as session:
            rows = (await handovers.page(session, system(chosen.id), Page(MOST_LISTED)))[:MOST_LISTED]
            counted = await handovers.progress(session, system(chosen.id), [row.id for row in rows])
    return [(row, counted[row.id].get(HeldHere.MOVED, 0), sum(counted[row.id].values())) for row in rows]
