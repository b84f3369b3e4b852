"""What can be done in this domain; the only writer of its tables."""

from mall.commands.answering import answer_order
from mall.commands.checking import check_order
from mall.commands.correcting import Wanted, correct_credit
from mall.commands.credit_rules import change_credit_rules
from mall.commands.lifecycle import cancel_order, complete_order, ship_order
from mall.commands.load import load
from mall.commands.many import record_orders
from mall.commands.orders import record_order, take_order
from mall.commands.products import Put, put_product, put_products
from mall.commands.quick_entry import add_product
from mall.commands.refunds import record_refund
from mall.commands.serving import move_serving, move_serving_many
from mall.commands.settings import change_mall_setting
from mall.commands.shares import end_share, note_open, share_look, share_page, share_product
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
    "Wanted",
    "add_product",
    "answer_order",
    "cancel_order",
    "change_credit_rules",
    "change_mall_setting",
    "check_order",
    "complete_order",
    "correct_credit",
    "end_share",
    "load",
    "move_serving",
    "move_serving_many",
    "note_open",
    "put_product",
    "put_products",
    "put_stock",
    "record_order",
    "record_orders",
    "record_refund",
    "set_stock",
    "share_look",
    "share_page",
    "share_product",
    "ship_order",
    "take_order",
]
