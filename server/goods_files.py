"""Files of products and of stock: checked as a whole, then put in short steps.

A file that was cut off on the way is simply sent again: what was put already changes nothing.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from starlette.responses import Response
from starlette.routing import Route

from directory.models import Brand
from intake.commands.goods_file import GoodsFile, check_products, check_stock, product_batches, stock_batches
from intake.errors import EncodingWrong, MappingUnknown
from intake.models.goods_mapping import AnyGoodsMapping, GoodsKind, ProductMapping, StockMapping
from intake.queries import mappings
from kernel import bulk, clock
from kernel.actor import Actor
from kernel.errors import Invalid, NotFound
from kernel.work import Ground, Work, carry_out
from mall import commands
from mall.models import Change, ProductNews, StockCount, minor_digits
from mall.policy import require_catalogue_keeper
from mall.queries import skus, stock
from server import files
from server.files import Asked

LARGEST = 32 * 1024 * 1024
SECONDS = 600.0
_AT_ONCE = 1_000
_GROWN = frozenset({1, 4, 16, 64, 256})
_PLACE = re.compile(r"input\.(\d+)\.(.*)")
T = TypeVar("T")
Progress = Callable[[int], None]


@dataclass(slots=True)
class Counts:
    """What became of the products, or SKUs, of a file."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def note(self, change: Change) -> None:
        setattr(self, change.value, getattr(self, change.value) + 1)


@dataclass(slots=True)
class Tally:
    """What became, or would become, of a file. `taken` are counts that stand now, `left_out` those of no known SKU."""

    rows: int = 0
    products: Counts = field(default_factory=Counts)
    skus: Counts = field(default_factory=Counts)
    taken: int = 0
    left_out: int = 0

    def said(self, kind: GoodsKind) -> dict[str, int]:
        """As it is told over HTTP, and as JSON."""
        if kind is GoodsKind.STOCK:
            known = self.rows - self.taken - self.left_out
            return {"rows": self.rows, "taken": self.taken, "unchanged": known, "leftOut": self.left_out}
        return {
            "rows": self.rows,
            "productsAdded": self.products.added,
            "productsChanged": self.products.changed,
            "productsUnchanged": self.products.unchanged,
            "skusAdded": self.skus.added,
            "skusChanged": self.skus.changed,
            "skusUnchanged": self.skus.unchanged,
        }


class _OnlyTried(Exception):
    """Nothing is to be kept."""


async def carry_in(
    ground: Ground,
    actor: Actor,
    path: Path,
    mapping: AnyGoodsMapping,
    *,
    is_dry: bool,
    progress: Progress = lambda _rows: None,
) -> Tally:
    """Check a file of up to 200,000 rows, and put it; or only say what that would change.

    Nothing is put unless all of it is right by itself. Where it doesn't go together with what is there, the rows before
    that stay put, and the refusal says how many. What isn't UTF-8 although the mapping says so is read as GB 18030.
    Raises `FORBIDDEN`, `GOODS_FILE_WRONG` with what is wrong place by place, or what is refused of files.
    """
    require_catalogue_keeper(actor)
    try:
        return await _carry_in(ground, actor, GoodsFile(path, mapping), is_dry, progress)
    except EncodingWrong:
        if mapping.file.encoding != "utf-8":
            raise
    chinese = mapping.model_copy(update={"file": mapping.file.model_copy(update={"encoding": "gb18030"})})
    return await _carry_in(ground, actor, GoodsFile(path, chinese), is_dry, progress)


async def products(asked: Asked) -> Response:
    """Put a CSV, CSV.gz or XLSX file of products of at most 32 MiB; with `?dryRun=true` only say what would change.

    `?mapping=` names one of the mappings that come with daogou. `FORBIDDEN`, `MAPPING_UNKNOWN`, `REQUEST_TOO_LARGE`,
    `GOODS_FILE_WRONG` with `problems`, and what is refused of files.
    """
    return await _answered(asked, GoodsKind.PRODUCTS)


async def stocks(asked: Asked) -> Response:
    """The same for counts of stock."""
    return await _answered(asked, GoodsKind.STOCK)


ROUTES = [
    Route("/files/products", files.endpoint(products, seconds=SECONDS), methods=["POST"]),
    Route("/files/stock", files.endpoint(stocks, seconds=SECONDS), methods=["POST"]),
]


async def _answered(asked: Asked, kind: GoodsKind) -> Response:
    require_catalogue_keeper(asked.actor)
    name = asked.request.query_params.get("mapping", f"{kind.value}-zh")
    if name not in mappings.shipped():
        raise MappingUnknown(name=name[:40], known=", ".join(mappings.shipped()))
    mapping = mappings.load_goods(name, kind)
    body = await asked.body(LARGEST)
    is_dry = asked.request.query_params.get("dryRun", "").lower() in ("true", "1")
    with TemporaryDirectory() as folder:
        path = Path(folder) / kind.value
        await asyncio.to_thread(path.write_bytes, body)
        del body
        tally = await carry_in(asked.edge.ground, asked.actor, path, mapping, is_dry=is_dry)
    return files.as_json({"dryRun": is_dry} | tally.said(kind))


async def _carry_in(ground: Ground, actor: Actor, file: GoodsFile, is_dry: bool, progress: Progress) -> Tally:
    match file.mapping:
        case ProductMapping() as mapping:
            return await _products(ground, actor, file, mapping, is_dry, progress)
        case StockMapping() as mapping:
            return await _stock(ground, actor, file, mapping, is_dry, progress)


async def _products(
    ground: Ground, actor: Actor, file: GoodsFile, mapping: ProductMapping, is_dry: bool, progress: Progress
) -> Tally:
    digits = await _digits(ground, actor)
    tally = Tally(rows=await asyncio.to_thread(check_products, file, mapping, digits))
    file.require_right()
    seen: set[str] = set()
    done = 0
    async for batch in _steps(ground, product_batches(file, mapping, digits)):
        with _blamed_on(file, batch, rows_put=0 if is_dry else done):
            put = await _put(ground, actor, batch, is_dry)
        # Rows of one product may lie far apart, and agree: what the first of them did to it is what became of it.
        for code in put.products.keys() - seen:
            tally.products.note(put.products[code])
        for change in put.skus.values():
            tally.skus.note(change)
        seen |= put.products.keys()
        progress(done := done + len(put.skus))
    return tally


async def _put(ground: Ground, actor: Actor, batch: Sequence[tuple[int, ProductNews]], is_dry: bool) -> commands.Put:
    return await _step(ground, actor, lambda work: commands.put_products(work, [news for _, news in batch]), is_dry)


@contextmanager
def _blamed_on(file: GoodsFile, batch: Sequence[tuple[int, ProductNews]], *, rows_put: int) -> Iterator[None]:
    """Only what is there already can make it wrong by now: together, a product has too many SKUs."""
    try:
        yield
    except Invalid as refusal:
        found = _PLACE.fullmatch(f"{refusal.facts.get('field')}.")
        line = batch[int(found[1])][0] if found else 0
        file.blame(line, "product", str(refusal.facts.get("reason")), str(refusal.facts.get("reason_zh")))
        file.require_right(rows_put=rows_put)
        raise


async def _stock(
    ground: Ground, actor: Actor, file: GoodsFile, mapping: StockMapping, is_dry: bool, progress: Progress
) -> Tally:
    came_at = clock.now()
    rows, stores, codes = await asyncio.to_thread(check_stock, file, mapping, came_at)
    await _check_stores(ground, actor, file, stores)
    unknown = await _unknown_skus(ground, actor, list(codes))
    if mapping.unknown_skus == "refuse":
        for code in unknown:
            file.blame(codes[code], "sku", "the catalogue has no such SKU.", "商品库中没有这个 SKU。")
    file.require_right()
    tally = Tally(rows=rows)
    done = 0
    async for batch in _steps(ground, stock_batches(file, mapping, came_at)):
        counts = [count for _, count in batch if count.sku_code not in unknown]
        tally.left_out += len(batch) - len(counts)
        if counts:
            tally.taken += len(await _take(ground, actor, counts, is_dry))
        progress(done := done + len(batch))
    return tally


async def _take(ground: Ground, actor: Actor, counts: Sequence[StockCount], is_dry: bool) -> list[commands.Counted]:
    return await _step(ground, actor, lambda work: commands.put_stock(work, counts), is_dry)


async def _step(ground: Ground, actor: Actor, act: Callable[[Work], Awaitable[T]], is_dry: bool) -> T:
    """One short transaction, taken back again if it is only tried."""

    async def tried(work: Work) -> T:
        done = await act(work)
        if is_dry:
            raise _OnlyTried(done)
        return done

    try:
        return await carry_out(ground, actor, tried)
    except _OnlyTried as only:
        found: T = only.args[0]
        return found


async def _digits(ground: Ground, actor: Actor) -> int:
    async with ground.db.read() as session:
        brand = await session.get(Brand, actor.brand_id)
    if brand is None:
        raise NotFound
    return minor_digits(brand.currency)


async def _check_stores(ground: Ground, actor: Actor, file: GoodsFile, stores: dict[str, int]) -> None:
    known: set[str] = set()
    for codes in _pieces(list(stores)):
        async with ground.db.read() as session:
            known |= (await stock.stores_named(session, actor, [], codes))[1].keys()
    for code in stores.keys() - known:
        file.blame(stores[code], "store", "there is no such store.", "没有这家门店。")


async def _unknown_skus(ground: Ground, actor: Actor, codes: Sequence[str]) -> set[str]:
    unknown = set(codes)
    for some in _pieces(codes):
        async with ground.db.read() as session:
            unknown -= (await skus.places_of_codes(session, actor, some)).keys()
    return unknown


def _pieces(codes: Sequence[str]) -> Iterator[Sequence[str]]:
    return (codes[start : start + _AT_ONCE] for start in range(0, len(codes), _AT_ONCE))


async def _steps(ground: Ground, batches: Iterator[T]) -> AsyncIterator[T]:
    """What is read meanwhile others are served: reading a workbook takes its time."""
    taken = 0
    while (batch := await asyncio.to_thread(next, batches, None)) is not None:
        yield batch
        taken += 1
        if taken in _GROWN:
            await bulk.look_at_sizes(ground.db, "product", "sku", "stock")
