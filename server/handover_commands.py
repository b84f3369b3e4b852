"""`daogou handover`: plan, run, look at and verify handovers from a terminal."""

import asyncio
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from server import settings as configuration
from server.options import Brand

_EXAMPLES = "[bold]Examples[/bold]\n\n"
MOST_LISTED = 100

handover_app = typer.Typer(no_args_is_help=True, help="Handovers: plan, run and verify them.")


@handover_app.command("list", epilog=_EXAMPLES + "daogou handover list --brand qinghe")
def list_(brand: Brand = None) -> None:
    """Show the newest handovers, at most 100, and how far each has come."""
    rows = asyncio.run(_list(brand))
    table = Table("id", "started", "kind", "state", "moved", "of")
    for row, moved, total in rows:
        table.add_row(str(row.id), f"{row.started_at:%Y-%m-%d %H:%M}", row.kind, row.state, str(moved), str(total))
    Console().print(table)


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
            counted = await handovers.progress(session, chosen.id, [row.id for row in rows])
    return [(row, counted[row.id].get(HeldHere.MOVED, 0), sum(counted[row.id].values())) for row in rows]
