"""What can be done in this domain; the only writer of its tables."""

from mall.commands.lifecycle import cancel_order, complete_order, ship_order
from mall.commands.load import load
from mall.commands.many import record_orders
from mall.commands.orders import record_order
from mall.commands.products import put_product
from mall.commands.refunds import record_refund
from mall.commands.serving import move_serving
from mall.models import Line, OrderNews, RefundNews

__all__ = [
    "Line",
    "OrderNews",
    "RefundNews",
    "cancel_order",
    "complete_order",
    "load",
    "move_serving",
    "put_product",
    "record_order",
    "record_orders",
    "record_refund",
    "ship_order",
]
