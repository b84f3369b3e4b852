"""`daogou kpi`: see that the rows of figures are what the base rows say, and count them anew."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from server import settings as configuration
from server.errors import CannotStart
from server.options import Brand

_EXAMPLES = "[bold]Examples[/bold]\n\n"
_VERIFY = _EXAMPLES + "daogou kpi verify\n\ndaogou kpi verify --brand qinghe --json"
_REBUILD = (
    _EXAMPLES + "daogou kpi rebuild --brand qinghe\n\n"
    "daogou kpi rebuild --brand qinghe --store QH0001 --from 2026-03-01 --until 2026-03-31"
)

_DAY = ["%Y-%m-%d"]

kpi_app = typer.Typer(no_args_is_help=True, help="Rows of figures: verify them, and count them anew.")

Json = Annotated[bool, typer.Option("--json", help="Print it as JSON.")]


@kpi_app.callback(epilog=_VERIFY)
def kpi() -> None:
    """Rows of figures: verify them, and count them anew."""


@kpi_app.command(epilog=_VERIFY)
def verify(brand: Brand = None, as_json: Json = False) -> None:
    """Work all figures out again from orders, links, tasks …; print what differs, and exit with 1 if anything does.

    Days that were changed a moment ago are about to be counted: they are no differences, and are told by themselves.
    """
    verdict, codes = asyncio.run(_verify(brand))
    if as_json:
        typer.echo(orjson.dumps(_said(verdict, codes), option=orjson.OPT_INDENT_2).decode())
    else:
        _show(verdict, codes)
    if verdict.count:
        raise typer.Exit(1)


@kpi_app.command(epilog=_REBUILD)
def rebuild(
    brand: Brand = None,
    store: Annotated[list[str] | None, typer.Option(help="A store's code; all stores, without one.")] = None,
    since: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="The first day; the stores' first, without one.")
    ] = None,
    until: Annotated[
        datetime | None, typer.Option("--until", formats=_DAY, help="The last day; today, without one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Throw rows of figures away and count them anew, a month of some stores at a time, while everything goes on."""
    if since is not None and until is not None and until < since:
        raise CannotStart("--until must not be before --from.")
    rebuilt = asyncio.run(_rebuild(brand, store or [], since and since.date(), until and until.date()))
    if as_json:
        said = {"stores": rebuilt.stores, "storeDays": rebuilt.days, "seconds": round(rebuilt.seconds, 1)}
        typer.echo(orjson.dumps(said, option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo(f"Counted anew: {rebuilt.days:,} days of {_stores(rebuilt.stores)} in {rebuilt.seconds:.1f} s.")


async def _verify(brand: str | None) -> tuple[Any, dict[Any, str]]:
    from kpi.queries import keeping
    from server import figures_by_hand, operating

    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        with _bar("核对中 verifying") as progress:
            verdict = await figures_by_hand.verify(ground, chosen.id, progress)
        async with ground.db.read() as session:
            return verdict, await keeping.codes(session, chosen.id)


async def _rebuild(brand: str | None, codes: list[str], since: Any, until: Any) -> Any:
    from server import figures_by_hand, operating

    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        with _bar("重算中 counting") as progress:
            return await figures_by_hand.rebuild(ground, chosen.id, codes, since, until, progress)


@contextmanager
def _bar(words: str) -> Iterator[Callable[[int, int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(verdict: Any, codes: dict[Any, str]) -> None:
    for difference in verdict.shown:
        typer.echo(_line(difference, codes))
    typer.echo(f"Compared {verdict.days:,} days of {_stores(verdict.stores)}.", err=True)
    if verdict.waiting:
        typer.echo(f"About to be counted: {verdict.waiting:,} days.", err=True)
    if verdict.behind:
        typer.echo(f"Stores whose today has no figures yet, a worker counts them: {verdict.behind}.", err=True)
    if verdict.count:
        typer.echo(f"Differences: {verdict.count}.", err=True)
    else:
        typer.echo("The figures are what they should be.")


def _stores(count: int) -> str:
    return "1 store" if count == 1 else f"{count} stores"


def _line(difference: Any, codes: dict[Any, str]) -> str:
    key = _key(difference, codes)
    words = " ".join(f"{name}={value}" for name, value in key.items())
    return f"{difference.table} {words}: {difference.column} is {difference.kept}, should be {difference.counted}"


def _said(verdict: Any, codes: dict[Any, str]) -> dict[str, Any]:
    return {
        "stores": verdict.stores,
        "storeDays": verdict.days,
        "aboutToBeCounted": verdict.waiting,
        "behind": verdict.behind,
        "differenceCount": verdict.count,
        "differences": [
            {
                "table": each.table,
                "key": _key(each, codes),
                "column": each.column,
                "kept": each.kept,
                "counted": each.counted,
            }
            for each in verdict.shown
        ],
    }


_NAMES = ("span", "grain", "startsOn", "store", "accountId", "channel", "source")


def _key(difference: Any, codes: dict[Any, str]) -> dict[str, str]:
    """The row's key without its brand, with its store's code where it has one."""
    said = dict(zip(_NAMES, (str(part) for part in difference.key[1:]), strict=False))
    return said | {"store": codes.get(difference.key[4], said["store"])}
