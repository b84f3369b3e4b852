"""Products, orders and refunds in GraphQL."""

from schema.mall.commission import CommissionPlanMutations, CommissionPlanQueries
from schema.mall.commission_statements import CommissionPeriodMutations, CommissionStatementQueries
from schema.mall.mutations import MallMutations
from schema.mall.profiles import PurchaseProfile
from schema.mall.queries import MallQueries
from schema.mall.types import Order, Product, Refund, order_of, product_of, refund_of

__all__ = [
    "CommissionPeriodMutations",
    "CommissionPlanMutations",
    "CommissionPlanQueries",
    "CommissionStatementQueries",
    "MallMutations",
    "MallQueries",
    "Order",
    "Product",
    "PurchaseProfile",
    "Refund",
    "order_of",
    "product_of",
    "refund_of",
]
