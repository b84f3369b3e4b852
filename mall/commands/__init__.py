"""What can be done in this domain; the only writer of its tables."""

from mall.commands.lifecycle import cancel_order, complete_order, ship_order
from mall.commands.load import load
from mall.commands.orders import record_order
from mall.commands.products import Put, put_product, put_products
from mall.commands.quick_entry import add_product
from mall.commands.refunds import record_refund
from mall.commands.serving import move_serving
from mall.commands.stock import Counted, put_stock, set_stock
from mall.models import Line, OrderNews, ProductNews, RefundNews, SkuNews, StockCount

__all__ = [
    "Counted",
    "Line",
    "OrderNews",
    "ProductNews",
    "Put",
    "RefundNews",
    "SkuNews",
    "StockCount",
    "add_product",
    "cancel_order",
    "complete_order",
    "load",
    "move_serving",
    "put_product",
    "put_products",
    "put_stock",
    "record_order",
    "record_refund",
    "set_stock",
    "ship_order",
]
