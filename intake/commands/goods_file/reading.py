"""Read the rows of a file of products or stock: each cell exactly, and never more than a few rows at a time."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from intake.errors import FileEmpty, GoodsFileWrong, Wrong
from intake.models.cells import Refused, day_reader, number_reader, time_reader, whole
from intake.models.goods_mapping import AnyGoodsMapping, ProductMapping, StockMapping
from intake.models.rules import Fields, named
from intake.queries import files
from kernel.errors import Invalid
from mall.commands import wares
from mall.models import ProductDetails, ProductNews, SkuDetails, SkuNews, StockCount

T = TypeVar("T")
Reader = Callable[[Fields], T]

MOST_ROWS = 200_000
AT_ONCE = 200
_BETWEEN = re.compile(r"[\s;；|]+")
_FIELDS = {
    "code": "product",
    "listedOn": "listed_on",
    "skus.0.code": "sku",
    "skus.0.variant": "variant",
    "skus.0.barcode": "barcode",
    "skus.0.price": "sku_price",
    "skuCode": "sku",
    "storeCode": "store",
    "countedAt": "counted_at",
}


@dataclass(slots=True)
class GoodsFile:
    """A file, how it is written, and what is wrong with it: all of it is counted, the first hundred are named."""

    path: Path
    mapping: AnyGoodsMapping
    wrong: list[Wrong] = field(default_factory=list)
    mistakes: int = 0
    titles: dict[str, str] = field(default_factory=dict)

    def blame(self, line: int, column: str, reason: str, reason_zh: str) -> None:
        """Say what is wrong with a field in a line."""
        self.mistakes += 1
        if len(self.wrong) < GoodsFileWrong.MOST:
            self.wrong.append(Wrong(line, self.titles.get(column, column or "-"), reason, reason_zh))

    def blame_for(self, line: int, refusal: Invalid) -> None:
        """The same, where the mall refused it."""
        place = str(refusal.facts.get("field", ""))
        column = _FIELDS.get(place, place.partition(".")[0])
        self.blame(line, column, str(refusal.facts.get("reason")), str(refusal.facts.get("reason_zh")))

    def require_right(self, *, rows_put: int = 0) -> None:
        """Raises `GOODS_FILE_WRONG` with what is wrong, and how many rows were put before that showed."""
        if self.wrong:
            wrong = sorted(self.wrong, key=lambda wrong: wrong.line)
            raise GoodsFileWrong(self.path.name, self.mistakes, wrong, rows_put=rows_put)


def product_rows(file: GoodsFile, mapping: ProductMapping, digits: int) -> Iterator[tuple[int, ProductNews]]:
    """Each row as a product with its SKU; `digits` are the decimals of the brand's minor unit."""
    return _rows(file, _product_reader(mapping, digits))


def stock_rows(file: GoodsFile, mapping: StockMapping, came_at: datetime) -> Iterator[tuple[int, StockCount]]:
    """Each row as a count, at `came_at` unless it says when."""
    return _rows(file, _stock_reader(mapping, came_at))


def product_batches(file: GoodsFile, mapping: ProductMapping, digits: int) -> Iterator[list[tuple[int, ProductNews]]]:
    """The products of some rows at a time, each once, with its SKUs and the line where it is first."""
    for rows in _batched(product_rows(file, mapping, digits)):
        together: dict[str, tuple[int, ProductNews]] = {}
        for line, news in rows:
            first, known = together.get(news.code, (line, None))
            skus = (*(known.skus if known else ()), *news.skus)
            together[news.code] = (first, ProductNews(news.code, news.name, news.price, news.details, skus))
        yield list(together.values())


def stock_batches(file: GoodsFile, mapping: StockMapping, came_at: datetime) -> Iterator[list[tuple[int, StockCount]]]:
    """Some counts at a time."""
    return _batched(stock_rows(file, mapping, came_at))


def _batched(rows: Iterator[tuple[int, T]]) -> Iterator[list[tuple[int, T]]]:
    batch: list[tuple[int, T]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch


def _rows(file: GoodsFile, read: Reader[T]) -> Iterator[tuple[int, T]]:
    """What is wrong with a row by itself is blamed, and the row is left out."""
    count = 0
    with _opened(file) as sheet:
        for line, cells in sheet.rows:
            count += 1
            if count > MOST_ROWS:
                file.blame(line, "-", f"more than {MOST_ROWS} rows.", f"超过 {MOST_ROWS} 行。")
                return
            try:
                yield line, read(files.fields_of(sheet, file.path.name, line, cells))
            except Refused as refused:
                file.blame(line, refused.field, refused.reason, refused.reason_zh)
            except Invalid as refusal:
                if type(refusal) is not Invalid:
                    raise  # of the file as such
                file.blame_for(line, refusal)
    if not count:
        raise FileEmpty(file=file.path.name)


@contextmanager
def _opened(file: GoodsFile) -> Iterator[files.Sheet]:
    mapping = file.mapping
    with files.opened(file.path, mapping.file, mapping.columns, mapping.time.formats[0], mapping.optional) as sheet:
        file.titles = sheet.titles
        yield sheet


def _product_reader(mapping: ProductMapping, digits: int) -> Reader[ProductNews]:
    number, day = number_reader(mapping.numbers), day_reader(mapping.time)
    yes = frozenset(word.upper() for word in mapping.yes)

    def price(fields: Fields, name: str) -> int:
        return _minor(named(name, number, fields[name]), digits, name)

    def read(fields: Fields) -> ProductNews:
        _require(fields, *ProductMapping.NEEDED)
        details = ProductDetails()
        if fields.get("category"):
            details["category"] = fields["category"]
        if fields.get("images"):
            details["images"] = [each for each in _BETWEEN.split(fields["images"]) if each]
        if fields.get("listed_on"):
            details["listed_on"] = named("listed_on", day, fields["listed_on"])
        if fields.get("withdrawn"):
            details["is_withdrawn"] = fields["withdrawn"].upper() in yes
        sku = SkuDetails()
        if fields.get("variant"):
            sku["variant"] = fields["variant"]
        if fields.get("barcode"):
            sku["barcode"] = fields["barcode"]
        if fields.get("sku_price"):
            sku["price"] = price(fields, "sku_price")
        code = fields["product"]
        skus = (SkuNews(fields.get("sku") or code, sku),)
        return wares.checked_product("", ProductNews(code, fields["name"], price(fields, "price"), details, skus))

    return read


def _stock_reader(mapping: StockMapping, came_at: datetime) -> Reader[StockCount]:
    number, instant = number_reader(mapping.numbers), time_reader(mapping.time)

    def read(fields: Fields) -> StockCount:
        _require(fields, *StockMapping.NEEDED)
        quantity = named("quantity", lambda cell: whole(number(cell)), fields["quantity"])
        at = came_at
        if fields.get("counted_at"):
            at = datetime.fromtimestamp(named("counted_at", instant, fields["counted_at"]), UTC)
        return wares.checked_count("", StockCount(fields["sku"], quantity, at, store_code=fields["store"]))

    return read


def _require(fields: Fields, *names: str) -> None:
    for name in names:
        if not fields[name]:
            raise Refused("must not be empty.", "不能为空。", field=name)


def _minor(price: Decimal, digits: int, name: str) -> int:
    found = price.scaleb(digits)
    if found != found.to_integral_value():
        raise Refused(f"at most {digits} decimals.", f"最多 {digits} 位小数。", field=name)
    return int(found)
