"""What the mall domain refuses."""

from collections.abc import Iterable
from itertools import islice
from typing import Self

from kernel.errors import Conflict, Invalid, NotFound


class OrderMovedOn(Conflict):
    """The order is in a state from which it can't go there."""

    code = "ORDER_MOVED_ON"
    en = "The order has moved on meanwhile. Refresh to see its state."
    zh = "订单状态已经变化，请刷新后查看。"


class OrderDiffers(Conflict):
    """The number is known, with another store, customer, time or currency."""

    code = "ORDER_DIFFERS"
    en = "An order with this number is known, with another {what}."
    zh = "这个单号已被另一笔订单使用（{what_zh}不同）。"


class RefundDiffers(Conflict):
    """The number is known, with another order or amount."""

    code = "REFUND_DIFFERS"
    en = "A refund with this number is known, with another {what}."
    zh = "这个退款单号已被另一笔退款使用（{what_zh}不同）。"


class OrderRefunded(Conflict):
    """Money was given back already, so the order can't be cancelled as a whole."""

    code = "ORDER_REFUNDED"
    en = "Part of this order was refunded already: refund the rest instead."
    zh = "这笔订单已有退款，不能取消，请对余额退款。"


class OrderUnpaid(Conflict):
    """Nothing was paid on the order, so nothing can be given back."""

    code = "ORDER_UNPAID"
    en = "Nothing has been paid on this order: nothing can be refunded."
    zh = "这笔订单尚未付款，不能退款。"


class RefundExceedsOrder(Conflict):
    """All refunds of an order together never exceed its amount."""

    code = "REFUND_EXCEEDS_ORDER"
    en = "At most {left} can be refunded on this order."
    zh = "这笔订单最多还能退 {left}（最小货币单位）。"


class AmountsDiffer(Invalid):
    """The lines do not add up to the amount."""

    code = "AMOUNTS_DIFFER"
    en = "The lines add up to {lines}, the amount is {amount}. Give a discount as a service line below zero."
    zh = "明细合计 {lines}，总额 {amount}，两者不一致。折扣请作为负数的服务行列出。"


class WrongCurrency(Invalid):
    """A brand trades in one currency."""

    code = "WRONG_CURRENCY"
    en = "This brand trades in {currency}."
    zh = "本品牌的币种是 {currency}。"


class CutTooEarly(Invalid):
    """Nothing had been bought by then."""

    code = "CUT_TOO_EARLY"
    en = "No customer had bought anything by {cut}: nothing can be ranked as of that day."
    zh = "截至 {cut} 还没有顾客购买，无法按这一天排序。"


class CutTooLate(Invalid):
    """What came of the customers isn't known yet."""

    code = "CUT_TOO_LATE"
    en = "Orders reach to {last}: who stayed away for {days} days after {cut} isn't known. {latest} is the latest cut."
    zh = "订单只到 {last}，{cut} 之后 {days} 天内谁没有再来还不知道。最晚可用 {latest}。"


class NobodyBoughtTwice(Invalid):
    """Without a second purchase day there is no rhythm to judge by."""

    code = "NOBODY_BOUGHT_TWICE"
    en = "No customer had bought on two days by {cut}: there is no rhythm to judge by."
    zh = "截至 {cut} 没有顾客在两天以上购买，无法判断购买节奏。"


class SkuUnknown(NotFound):
    """The catalogue has no SKU of that code; names up to ten of them."""

    code = "SKU_UNKNOWN"
    en = "{field}: the catalogue doesn't have these SKUs: {codes}"
    zh = "{field}：商品库中没有这些 SKU：{codes}"

    @classmethod
    def of(cls, field: str, codes: Iterable[str]) -> Self:
        """The refusal that names the first place and the first codes."""
        return cls(field=field, codes=", ".join(islice(dict.fromkeys(codes), 10)))


class StoreUnknown(NotFound):
    """The brand has no such store."""

    code = "STORE_UNKNOWN"
    en = "{field}: there is no such store."
    zh = "{field}：没有这家门店。"
