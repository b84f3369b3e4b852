"""`daogou commission`: work commission out again, and see that it is what was posted."""

import asyncio

import typer

from server import settings as configuration
from server.options import Brand

_EXAMPLES = "[bold]Examples[/bold]\n\ndaogou commission verify\n\ndaogou commission verify --brand qinghe"
MOST_SHOWN = 1_000

commission_app = typer.Typer(no_args_is_help=True, help="Commission: is the ledger what it should be?")


@commission_app.callback(epilog=_EXAMPLES)
def commission() -> None:
    """Commission: is the ledger what it should be?"""


@commission_app.command(epilog=_EXAMPLES)
def verify(brand: Brand = None) -> None:
    """Work everything out again from orders, refunds, credit and plans; print what differs, and exit with 1 if any."""
    found = asyncio.run(_differences(brand))
    for line in found[:MOST_SHOWN]:
        typer.echo(line)
    if found:
        typer.echo(f"Differences: {len(found)}.", err=True)
        raise typer.Exit(1)
    typer.echo("The ledger is what it should be.")


async def _differences(brand: str | None) -> list[str]:
    from mall.queries.commission import verifying
    from server import operating

    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        return [line async for line in verifying.differences(ground.db.read, chosen.id)]
