"""Products, orders and refunds in GraphQL."""

from mall.models import Channel
from schema.mall.catalogue import CatalogueMutations, CatalogueQueries
from schema.mall.commission import CommissionPlanMutations, CommissionPlanQueries
from schema.mall.commission_statements import CommissionPeriodMutations, CommissionStatementQueries
from schema.mall.credit import Credit, CreditMutations, CreditQueries
from schema.mall.mutations import MallMutations
from schema.mall.profiles import PurchaseProfile
from schema.mall.queries import MallQueries
from schema.mall.settings import MallSettingMutations, MallSettingQueries
from schema.mall.sharing import Share, ShareMutations, ShareQueries, share_of
from schema.mall.types import Order, Refund, order_of, refund_of
from schema.mall.wares import Product, Sku, product_of, sku_of

__all__ = [
    "CatalogueMutations",
    "CatalogueQueries",
    "Channel",
    "CommissionPeriodMutations",
    "CommissionPlanMutations",
    "CommissionPlanQueries",
    "CommissionStatementQueries",
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
    "Sku",
    "order_of",
    "product_of",
    "refund_of",
    "share_of",
    "sku_of",
]
