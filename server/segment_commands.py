"""`daogou segments`: see to the bitmaps that segments are counted with."""

import asyncio

import typer

from server import settings as configuration
from server.options import Brand

_EXAMPLES = "[bold]Examples[/bold]\n\ndaogou segments rebuild --brand qinghe"

segment_app = typer.Typer(no_args_is_help=True, help="See to the bitmaps that segments are counted with.")


@segment_app.callback(epilog=_EXAMPLES)
def segments() -> None:
    """See to the bitmaps that segments are counted with."""


@segment_app.command(epilog=_EXAMPLES)
def rebuild(brand: Brand = None) -> None:
    """Write the bitmaps anew from the tables; a worker does it, and counts are slower until then, not wrong."""
    from server import operating

    asyncio.run(operating.rebuild_segments(configuration.load(), brand))
    typer.echo("It is asked for: a worker writes them anew, and SQL counts meanwhile.")
