"""What can be done in this domain; the only writer of its tables."""

from mall.commands.lifecycle import cancel_order, complete_order, ship_order
from mall.commands.load import load
from mall.commands.orders import record_order
from mall.commands.products import put_product
from mall.commands.refunds import record_refund
from mall.commands.serving import move_serving
from mall.commands.settings import change_mall_setting
from mall.commands.shares import end_share, note_open, share_look, share_page, share_product
from mall.models import Line, OrderNews, RefundNews

__all__ = [
    "Line",
    "OrderNews",
    "RefundNews",
    "cancel_order",
    "change_mall_setting",
    "complete_order",
    "end_share",
    "load",
    "move_serving",
    "note_open",
    "put_product",
    "record_order",
    "record_refund",
    "share_look",
    "share_page",
    "share_product",
    "ship_order",
]
