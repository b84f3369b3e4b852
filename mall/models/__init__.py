"""Tables and rules of the mall, without I/O."""

from mall.models.catalogue import Product, Sku, Stock
from mall.models.credit import WHOLE, Credit, CreditDecision, CreditReason, CreditSetting
from mall.models.landing import Landing, Shown
from mall.models.news import Line, OrderNews, RefundNews
from mall.models.orders import (
    COUNTED_STATES,
    EXACT_DIGITS,
    OPEN_STATES,
    Channel,
    LineKind,
    NamedBy,
    Order,
    OrderLine,
    OrderState,
    OrderStep,
    OrderStepKind,
    minor_digits,
)
from mall.models.profiles import (
    AT_RISK_AFTER_ONE_DAY,
    DUE,
    LAPSED_AFTER_ONE_DAY,
    ChurnBand,
    ChurnRisk,
    PurchaseProfile,
    Purchases,
    ScoreScale,
    churn_band,
    patience,
    year_before,
)
from mall.models.refunds import Refund, RefundCharge, RefundLine
from mall.models.setting import MallSetting
from mall.models.sharing import Share, ShareKey, ShareKind, ShareOpen

__all__ = [
    "AT_RISK_AFTER_ONE_DAY",
    "COUNTED_STATES",
    "DUE",
    "EXACT_DIGITS",
    "LAPSED_AFTER_ONE_DAY",
    "OPEN_STATES",
    "WHOLE",
    "Channel",
    "ChurnBand",
    "ChurnRisk",
    "Credit",
    "CreditDecision",
    "CreditReason",
    "CreditSetting",
    "Landing",
    "Line",
    "LineKind",
    "MallSetting",
    "NamedBy",
    "Order",
    "OrderLine",
    "OrderNews",
    "OrderState",
    "OrderStep",
    "OrderStepKind",
    "Product",
    "PurchaseProfile",
    "Purchases",
    "Refund",
    "RefundCharge",
    "RefundLine",
    "RefundNews",
    "ScoreScale",
    "Share",
    "ShareKey",
    "ShareKind",
    "ShareOpen",
    "Shown",
    "Sku",
    "Stock",
    "churn_band",
    "minor_digits",
    "patience",
    "year_before",
]
