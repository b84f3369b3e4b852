"""Go through a whole file before anything of it is put: each cell by itself, and the rows together."""

from datetime import datetime

from intake.commands.goods_file.reading import GoodsFile, product_rows, stock_rows
from intake.models.goods_mapping import ProductMapping, StockMapping
from mall.commands.wares import MOST_SKUS
from mall.models import ProductNews


def check_products(file: GoodsFile, mapping: ProductMapping, digits: int) -> int:
    """How many rows there are. Blames what is wrong; of what was read, codes are remembered and nothing else."""
    told: dict[str, tuple[int, int]] = {}
    skus: dict[str, int] = {}
    of_product: dict[str, int] = {}
    rows = 0
    for line, news in product_rows(file, mapping, digits):
        rows += 1
        first, said = told.setdefault(news.code, (line, _said(news)))
        if said != _said(news):
            file.blame(
                line, "product", f"says other things of the product than line {first}.", f"与第 {first} 行所述不一致。"
            )
        code = news.skus[0].code
        if code in skus:
            file.blame(line, "sku", f"is also in line {skus[code]}.", f"与第 {skus[code]} 行重复。")
        skus.setdefault(code, line)
        of_product[news.code] = of_product.get(news.code, 0) + 1
        if of_product[news.code] == MOST_SKUS + 1:
            file.blame(line, "product", f"has more than {MOST_SKUS} SKUs.", f"的 SKU 超过 {MOST_SKUS} 个。")
    return rows


def check_stock(
    file: GoodsFile, mapping: StockMapping, came_at: datetime
) -> tuple[int, dict[str, int], dict[str, int]]:
    """How many rows there are, and the stores and SKUs that are named, with the lines where they are first."""
    stores: dict[str, int] = {}
    skus: dict[str, int] = {}
    counts: dict[int, int] = {}
    rows = 0
    for line, count in stock_rows(file, mapping, came_at):
        rows += 1
        stores.setdefault(count.store_code or "", line)
        skus.setdefault(count.sku_code, line)
        first = counts.setdefault(hash((count.store_code, count.sku_code, count.counted_at)), line)
        if first != line:
            file.blame(line, "sku", f"was counted in line {first} already.", f"与第 {first} 行重复。")
    return rows, stores, skus


def _said(news: ProductNews) -> int:
    details = {**news.details, "images": tuple(news.details.get("images", ()))}
    return hash((news.name, news.price, *sorted(details.items(), key=lambda item: item[0])))
