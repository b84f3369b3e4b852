"""Products, orders and refunds in GraphQL."""

from schema.mall.credit import Credit, CreditMutations, CreditQueries
from schema.mall.mutations import MallMutations
from schema.mall.profiles import PurchaseProfile
from schema.mall.queries import MallQueries
from schema.mall.settings import MallSettingMutations, MallSettingQueries
from schema.mall.sharing import Share, ShareMutations, ShareQueries, share_of
from schema.mall.types import Order, Product, Refund, order_of, product_of, refund_of

__all__ = [
    "Credit",
    "CreditMutations",
    "CreditQueries",
    "MallMutations",
    "MallQueries",
    "MallSettingMutations",
    "MallSettingQueries",
    "Order",
    "Product",
    "PurchaseProfile",
    "Refund",
    "Share",
    "ShareMutations",
    "ShareQueries",
    "order_of",
    "product_of",
    "refund_of",
    "share_of",
]
