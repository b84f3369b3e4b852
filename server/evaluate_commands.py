"""`daogou evaluate`: try on a brand's own past what the product goes by."""

import asyncio
import json
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server import settings as configuration
from server.options import Brand

if TYPE_CHECKING:
    from mall.queries.churn_evaluation import Evaluation

_EXAMPLES = (
    "[bold]Examples[/bold]\n\ndaogou evaluate churn --cut 2011-09-09\n\n"
    "daogou evaluate churn --cut 2011-09-09 --brand qinghe --json"
)

evaluate_app = typer.Typer(no_args_is_help=True, help="Try on a brand's own past what the product goes by.")

_RANKINGS = {
    "rule_90_days": "silent for over 90 days",
    "days_since_last": "days of silence",
    "stays_away": "P0",
}
_TIMES = {"nothing": "", "gross": " × gross", "net": " × net"}


@evaluate_app.callback(epilog=_EXAMPLES)
def evaluate() -> None:
    """Try on a brand's own past what the product goes by."""


@evaluate_app.command(epilog=_EXAMPLES)
def churn(
    cut: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="Judge as of this day; 91 more must be known.")],
    brand: Brand = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Compare rankings of customers about to leave: judged as of a day, held against the 91 days after it."""
    found = asyncio.run(_evaluated(brand, cut.date()))
    if as_json:
        typer.echo(json.dumps(asdict(found), default=str, indent=2))
    else:
        _show(found)


async def _evaluated(brand: str | None, cut: date) -> "Evaluation":
    from mall.queries.churn_evaluation import evaluate
    from server import operating

    async with operating.ready(configuration.load()) as ground:
        chosen = await operating.brand_of(ground, brand)
        async with ground.db.read() as session:
            return await evaluate(session, chosen.id, cut)


def _show(found: "Evaluation") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("ranked by", title=f"As of {found.cut}: who bought nothing in the 91 days after it")
    for heading in ("AUC", "of gross lost", "of net lost"):
        table.add_column(heading, justify="right")
    for each in found.rated:
        name = _RANKINGS[each.ranking] + _TIMES[each.times]
        table.add_row(name, *map(_figure, (each.auc, each.gross_share, each.net_share)))
    table.caption = (
        f"{found.customers:,} customers, {found.lost:,} lost, a = {found.patience_days:.6f} days. Shares: what the top "
        "tenth catches of the lost customers' spend in the 365 days to the cut; of equals at its border, the average."
    )
    Console().print(table)


def _figure(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}"
