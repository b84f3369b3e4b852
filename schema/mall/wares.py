"""What products, SKUs and stock look like."""

from datetime import date, datetime
from uuid import UUID

import strawberry

from mall.queries import products, skus, stock
from schema.context import Info
from schema.fields import field
from schema.scalars import Fen, shown_as, sought_id
from schema.versioned import Versioned


@strawberry.type(
    description="How many pieces of a SKU a store has (库存). Everybody of the brand sees what every store has, which "
    "is named here: of other stores, a guide sees nothing else."
)
class Stock:
    store_id: strawberry.ID
    store_code: str
    store_name: str
    store_city: str | None
    quantity: int = strawberry.field(description="From 0 on.")
    counted_at: datetime = strawberry.field(description="When it was so, in UTC. The newest count stands.")


@strawberry.type(
    description="One kind of a product that is counted by itself, such as a size in a colour. Changes don't tell of "
    "SKUs: ask when you show one."
)
class Sku(Versioned):
    code: str = strawberry.field(description="Unique in the brand.")
    variant: str | None = strawberry.field(description="Size, colour or the like.")
    barcode: str | None
    price: Fen | None = strawberry.field(description="If it has one of its own; otherwise the product's is meant.")
    is_withdrawn: bool = strawberry.field(description="It is sold no more.")
    product_id: strawberry.Private[UUID]

    @field("What it is a kind of.")
    async def product(self, info: Info) -> "Product | None":
        return await product_of(info, self.product_id)

    @field("What that store has of it, by default the viewer's own; null if it was never counted there.")
    async def stock(self, info: Info, store_id: strawberry.ID | None = None) -> Stock | None:
        store = sought_id(store_id) or info.context.actor.store_id
        row = await info.context.load(stock.in_store, self.id, store_id=store) if store else None
        return shown_as(Stock, row)

    @field("The open stores that have some of it, those with most first; at most 50.")
    async def stocks(self, info: Info) -> list[Stock]:
        return shown_as(list[Stock], await info.context.load(stock.of_skus, self.id) or [])


@strawberry.type(description="Something that is sold (商品). Changes don't tell of products: ask when you show one.")
class Product(Versioned):
    code: str = strawberry.field(description="Unique in the brand.")
    name: str
    category: str | None
    price: Fen
    images: list[str] = strawberry.field(description="Up to 9 addresses; the first stands for the product.")
    listed_on: date | None = strawberry.field(description="The day it came, or comes; null if nobody said.")
    is_withdrawn: bool = strawberry.field(description="It is sold no more.")

    @field("Its sizes, colours and the like, by code; at most 200.")
    async def skus(self, info: Info) -> list[Sku]:
        return shown_as(list[Sku], await info.context.load(skus.of_products, self.id) or [])


@strawberry.type(description="A category of the catalogue, and how many products are in it.")
class Category:
    name: str
    products: int
    offered: int = strawberry.field(description="How many of them are not withdrawn.")


async def product_of(info: Info, product_id: UUID | None) -> Product | None:
    """The product, if the brand sells it."""
    return shown_as(Product, await info.context.load(products.by_ids, product_id)) if product_id else None


async def sku_of(info: Info, sku_id: UUID | None) -> Sku | None:
    """The SKU, if the brand sells it."""
    return shown_as(Sku, await info.context.load(skus.by_ids, sku_id)) if sku_id else None
