"""Read files of products and of stock by a mapping, find all that is wrong with them, and hand them over in steps."""

from intake.commands.goods_file.checking import check_products, check_stock
from intake.commands.goods_file.reading import AT_ONCE, GoodsFile, product_batches, stock_batches

__all__ = ["AT_ONCE", "GoodsFile", "check_products", "check_stock", "product_batches", "stock_batches"]
