"""Products, orders and refunds in GraphQL."""

from schema.mall.catalogue import CatalogueMutations, CatalogueQueries
from schema.mall.mutations import MallMutations
from schema.mall.profiles import PurchaseProfile
from schema.mall.queries import MallQueries
from schema.mall.types import Order, Refund, order_of, refund_of
from schema.mall.wares import Product, Sku, product_of, sku_of

__all__ = [
    "CatalogueMutations",
    "CatalogueQueries",
    "MallMutations",
    "MallQueries",
    "Order",
    "Product",
    "PurchaseProfile",
    "Refund",
    "Sku",
    "order_of",
    "product_of",
    "refund_of",
    "sku_of",
]
