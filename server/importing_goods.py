"""`daogou import products` and `daogou import stock`: put a catalogue, and what the stores have, from files."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from intake.errors import GoodsFileWrong
from intake.models.goods_mapping import GoodsKind
from intake.queries import mappings
from kernel.actor import system
from kernel.errors import Refusal
from server import goods_files, operating
from server import settings as configuration
from server.errors import CANNOT_START
from server.goods_files import Progress, Tally
from server.options import Brand

PRODUCTS = (
    "daogou import products 商品.xlsx --mapping products-zh --dry-run\n\n"
    "daogou import products catalogue.csv --mapping my-catalogue.toml --brand qinghe"
)
STOCK = (
    "daogou import stock 库存.csv --mapping stock-zh\n\n"
    "daogou import stock stock.csv.gz --mapping my-stock.toml --brand qinghe --json"
)
File = Annotated[Path, typer.Argument(help="A CSV, CSV.gz or XLSX file of at most 200,000 rows.")]
Mapping = Annotated[str, typer.Option(help="The name of a mapping that comes with daogou, or a TOML file.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and check everything, say what would change, keep none.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


def products(
    file: File, mapping: Mapping = "products-zh", brand: Brand = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Add products with their SKUs, and change those that differ. The same file twice changes nothing."""
    _carry(file, mapping, GoodsKind.PRODUCTS, brand, dry_run, as_json)


def stock(
    file: File, mapping: Mapping = "stock-zh", brand: Brand = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Take counts of what stores have. An older count never overwrites a newer one."""
    _carry(file, mapping, GoodsKind.STOCK, brand, dry_run, as_json)


def _carry(file: Path, mapping: str, kind: GoodsKind, brand: str | None, dry_run: bool, as_json: bool) -> None:
    try:
        tally = asyncio.run(_carried(file, mapping, kind, brand, dry_run))
    except Refusal as refusal:
        if isinstance(refusal, GoodsFileWrong):
            for wrong in refusal.problems:
                typer.echo(f"line {wrong.line}, column {wrong.column}: {wrong.reason}", err=True)
        typer.echo(f"{refusal.say('zh')} {refusal.say('en')}", err=True)
        raise typer.Exit(CANNOT_START) from refusal
    said = tally.said(kind)
    if as_json:
        typer.echo(json.dumps({"dryRun": dry_run} | said))
        return
    typer.echo("Nothing was changed; this would become of it:" if dry_run else "Done:")
    for name, count in said.items():
        typer.echo(f"  {_TITLES[name]:24} {count:,}")


_TITLES = {
    "rows": "rows read",
    "productsAdded": "products added",
    "productsChanged": "products changed",
    "productsUnchanged": "products as they were",
    "skusAdded": "SKUs added",
    "skusChanged": "SKUs changed",
    "skusUnchanged": "SKUs as they were",
    "taken": "counts taken",
    "unchanged": "counts known before",
    "leftOut": "left out: no such SKU",
}


async def _carried(file: Path, name: str, kind: GoodsKind, code: str | None, dry_run: bool) -> Tally:
    mapping = mappings.load_goods(name, kind)
    async with operating.ready(configuration.load()) as ground:
        brand = await operating.brand_of(ground, code)
        with _shown() as progress:
            return await goods_files.carry_in(
                ground, system(brand.id), file, mapping, is_dry=dry_run, progress=progress
            )


@contextmanager
def _shown() -> Iterator[Progress]:
    """How far it is, where somebody looks on."""
    with Console(stderr=True).status("核对 Checking") as status:
        yield lambda rows: status.update(f"写入 Putting: {rows:,}")
