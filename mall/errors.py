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


class CreditUndecided(Conflict):
    """Nobody has the credit of the order yet: it hasn't been paid."""

    code = "CREDIT_UNDECIDED"
    en = "Who earned this order is decided when it is paid. There is nothing to correct yet."
    zh = "订单付款后才会确定业绩归属，目前没有可以更正的内容。"


class CreditRulesWrong(Invalid):
    """The rules can't be kept; `place` says where."""

    code = "CREDIT_RULES_WRONG"

    en = "{place}: {reason}"
    zh = "{place}：{reason_zh}"


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


class ShareOver(Conflict):
    """The link has expired, or was ended before."""

    code = "SHARE_OVER"
    en = "This link is over already."
    zh = "这个链接已经失效。"


class ProductWithdrawn(Conflict):
    """The product is sold no more."""

    code = "PRODUCT_WITHDRAWN"
    en = "{name} has been withdrawn and can't be shared."
    zh = "{name} 已下架，不能分享。"


class CommissionPlanIsLive(Conflict):
    """A plan that pays is never edited nor removed: what was paid by it stays explained."""

    code = "COMMISSION_PLAN_LIVE"
    en = "This plan has been started. End it, and let a new one follow."
    zh = "该方案已启用，不能修改或删除，请结束后新建方案。"


class CommissionPlanNotLive(Conflict):
    """A draft pays nothing, so there is nothing to end."""

    code = "COMMISSION_PLAN_DRAFT"
    en = "This plan is a draft: edit or remove it."
    zh = "该方案还是草稿，请直接修改或删除。"


class CommissionPlansOverlap(Conflict):
    """On each day at most one plan pays."""

    code = "COMMISSION_PLANS_OVERLAP"
    en = "The plan “{name}” already pays from {from_day} to {until_day}. Choose days of its own."
    zh = "方案“{name}”已覆盖 {from_day} 至 {until_day}，请选择不重叠的日期。"


class CommissionPlanOver(Conflict):
    """Its last day has passed, and orders were paid by it."""

    code = "COMMISSION_PLAN_OVER"
    en = "A plan ends today at the earliest, and one that is over stays as it is."
    zh = "方案最早只能在今天结束；已经结束的方案不能更改。"


class TooManyCommissionPlans(Conflict):
    """A brand has written too many plans."""

    code = "TOO_MANY_COMMISSION_PLANS"
    en = "A brand has at most {most} plans."
    zh = "每个品牌最多 {most} 个方案。"


class CommissionRhythmTooEarly(Conflict):
    """What has begun, or has postings, keeps its length."""

    code = "COMMISSION_RHYTHM_TOO_EARLY"
    en = "A new rhythm begins with a period that has not begun: on {earliest} at the earliest."
    zh = "新的结算周期只能从尚未开始的周期起生效，最早为 {earliest}。"


class CommissionPeriodNotOver(Conflict):
    """It isn't over in all stores."""

    code = "COMMISSION_PERIOD_NOT_OVER"
    en = "This period ends on {last_day}. Close it when that day is over in every store."
    zh = "该结算期到 {last_day} 才结束，请在所有门店当日结束后再结账。"


class CommissionPeriodClosed(Conflict):
    """What is closed stays closed."""

    code = "COMMISSION_PERIOD_CLOSED"
    en = "This period has been closed already."
    zh = "该结算期已经结账。"


class EarlierPeriodOpen(Conflict):
    """Periods are closed in their order."""

    code = "EARLIER_COMMISSION_PERIOD_OPEN"
    en = "Close the period from {first_day} first: it has postings."
    zh = "请先为 {first_day} 开始的结算期结账，其中有记录。"


class PreviewTooLarge(Invalid):
    """A preview works everything out while somebody waits."""

    code = "COMMISSION_PREVIEW_TOO_LARGE"
    en = "More than {most} orders were paid on these days. Choose fewer days."
    zh = "这段时间的订单超过 {most} 笔，请缩短日期范围。"


class SkuUnknown(NotFound):
    """The catalogue has no SKU of that code; names up to ten of them."""

    code = "SKU_UNKNOWN"
    en = "{field}: the catalogue doesn't have these SKUs: {codes}. Add them first."
    zh = "{field}：商品库中没有这些 SKU：{codes}。请先添加。"

    @classmethod
    def of(cls, field: str, codes: Iterable[str]) -> Self:
        """The refusal that names the first place and the first codes."""
        some = list(islice(dict.fromkeys(codes), 11))
        return cls(field=field, codes=", ".join(some[:10]) + (" …" if len(some) > 10 else ""))


class StoreUnknown(NotFound):
    """The brand has no such store."""

    code = "STORE_UNKNOWN"
    en = "{field}: the brand has no store {store}. Add it, or name another."
    zh = "{field}：品牌没有门店 {store}。请添加该门店，或改用其他门店。"


class ExportTooLarge(Invalid):
    """A workbook is written as a whole."""

    code = "COMMISSION_EXPORT_TOO_LARGE"
    en = "This period has more than {most} entries, too many for a workbook. Take the CSV file."
    zh = "该结算期的明细超过 {most} 条，无法导出为 Excel，请下载 CSV 文件。"
