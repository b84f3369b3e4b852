"""`daogou import` and `daogou figures`: carry files in, and say what the tables add up to."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from intake.models import Kind
from intake.queries import mappings
from kernel.crypto import Vault
from kernel.errors import Refusal
from kpi.queries.figures import figures
from server import operating
from server import settings as configuration
from server.carry_in import Report, carry_in
from server.errors import CANNOT_START
from server.settings import Settings

import_app = typer.Typer(no_args_is_help=True, help="Carry order histories, members, products and stock in from files.")

_STAGES = {
    "read": "读取 Reading",
    "compare": "核对 Comparing",
    "places": "门店 Stores",
    "members": "会员 Members",
    "customers": "顾客 Customers",
    "invoices": "订单 Orders",
    "finishing": "收尾 Finishing",
    "done": "完成 Done",
}
_EXAMPLES = "[bold]Examples[/bold]\n\n"

File = Annotated[Path, typer.Argument(help="A CSV, CSV.gz or XLSX file.")]
Mapping = Annotated[str, typer.Option(help="The name of a mapping that comes with daogou, or a TOML file.")]
Brand = Annotated[str | None, typer.Option(help="The brand's code; made if there is none. By default the mapping's.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and check everything, say what would change, keep none.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Leave out what is dated after this day.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


@import_app.command(
    epilog=_EXAMPLES
    + "daogou import orders online-retail.csv.gz --mapping online-retail\n\n"
    + "daogou import orders 订单.xlsx --mapping orders-zh --brand qinghe --dry-run\n\n"
    + "daogou import orders export.csv --mapping my-shop.toml --as-of 2026-06-30"
)
def orders(
    file: File,
    mapping: Mapping,
    brand: Brand = None,
    dry_run: DryRun = False,
    as_of: Day = None,
    as_json: AsJson = False,
) -> None:
    """Carry invoice lines in as orders and refunds. The same file twice changes nothing; a cut one goes on."""
    _carry(file, mapping, Kind.ORDERS, brand, dry_run, as_of, as_json)


@import_app.command(
    epilog=_EXAMPLES
    + "daogou import members 会员.xlsx --mapping members-zh --brand qinghe\n\n"
    + "daogou import members members.csv --mapping my-members.toml --dry-run"
)
def members(
    file: File, mapping: Mapping, brand: Brand = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Carry members in as customers. Their phones are sealed before anything is written."""
    _carry(file, mapping, Kind.MEMBERS, brand, dry_run, None, as_json)


def figures_command(
    brand: Annotated[str | None, typer.Option(help="The brand's code; needed when there are several.")] = None,
    as_of: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Up to this day; by default the last there is.")
    ] = None,
    customer: Annotated[list[str] | None, typer.Option(help="A member number to show alone; may be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
) -> None:
    """Add up a brand's orders and refunds: totals, months, cohorts, rankings, gaps, lapsed customers."""
    settings = _settings()
    found = asyncio.run(_figures(settings, brand, as_of.date() if as_of else None, customer or []))
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=2))
        return
    table = Table("figure", "value")
    for key, value in found.items():
        if isinstance(value, int | float | str):
            table.add_row(key, f"{value:,}" if isinstance(value, int | float) else value)
    Console().print(table)


async def _figures(settings: Settings, code: str | None, as_of: date | None, customers: list[str]) -> dict[str, Any]:
    async with operating.ready(settings) as ground:
        brand = await operating.brand_of(ground, code)
        async with ground.db.read() as session:
            return await figures(session, brand, as_of, customers)


def _carry(
    file: Path,
    mapping: str,
    kind: Kind,
    brand: str | None,
    dry_run: bool,
    as_of: datetime | None,
    as_json: bool,
) -> None:
    settings = _settings()
    try:
        report = asyncio.run(_carried(settings, file, mapping, kind, brand, dry_run, as_of.date() if as_of else None))
    except Refusal as refusal:
        typer.echo(f"{refusal.say('zh')} {refusal.say('en')}", err=True)
        raise typer.Exit(CANNOT_START) from refusal
    if as_json:
        typer.echo(json.dumps(_as_data(report), ensure_ascii=False, indent=2))
    else:
        _show(report)


async def _carried(
    settings: Settings,
    file: Path,
    name: str,
    kind: Kind,
    brand: str | None,
    dry_run: bool,
    as_of: date | None,
) -> Report:
    mapping = mappings.load(name, kind)
    vault = Vault(settings.data_key_bytes)
    async with operating.ready(settings) as ground:
        with _bar() as (bar, task):

            def progress(stage: str, done: int, total: int) -> None:
                bar.update(task, description=_STAGES[stage], completed=done, total=total or None)

            return await carry_in(
                ground, file, mapping, vault, brand_code=brand, dry_run=dry_run, as_of=as_of, progress=progress
            )


def _settings() -> Settings:
    return configuration.load()


@contextmanager
def _bar() -> Iterator[tuple[Progress, TaskID]]:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield bar, bar.add_task(_STAGES["read"], total=None)


def _as_data(report: Report) -> dict[str, Any]:
    counts = {key: value for key, value in report.counts.items() if key != "vacated"}
    return counts | {"seconds": round(report.seconds, 1), "resumed": report.resumed, "dry_run": report.dry_run}


def _show(report: Report) -> None:
    counts = report.counts
    table = Table(title="试运行，未写入 Dry run, nothing kept" if report.dry_run else "导入完成 Imported")
    table.add_column("")
    table.add_column("", justify="right")
    for title, key in (
        ("读取行数 rows read", "rows"),
        ("订单 orders", "orders"),
        ("退款 refunds", "refunds"),
        ("顾客 customers", "customers"),
    ):
        table.add_row(title, f"{counts.get(key, 0):,}")
    for outcome, title in (("new", "新增 new"), ("changed", "变更 changed"), ("unchanged", "未变 unchanged")):
        table.add_row(title, f"{counts['invoices'][outcome]:,}")
    for reason, count in counts["ignored"].items():
        table.add_row(f"忽略 ignored: {reason}", f"{count:,}")
    for title, key in (("晚于截止日 later than --as-of", "left_out"), ("手机号重复 shared phones", "shared_phones")):
        if counts.get(key):
            table.add_row(title, f"{counts[key]:,}")
    table.add_row("秒 seconds", f"{report.seconds:.1f}")
    Console().print(table)
    if report.resumed:
        typer.echo("接着上次中断处完成。It went on where an earlier import was cut off.")
