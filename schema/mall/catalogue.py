"""Looking through the catalogue, and keeping it: by machines, by HQ, and by hand in the shops."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, cast
from uuid import UUID

import strawberry
from strawberry import UNSET

from kernel.work import Work
from mall import commands
from mall.models import ProductDetails, ProductNews, SkuDetails, SkuNews, StockCount
from mall.queries import products, skus
from schema.context import Info
from schema.fields import field, mutation
from schema.mall.wares import Category, Product, Sku, product_of, sku_of
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, Fen, given_id, read_id, shown_as, sought_id


@strawberry.type(description="The product as it is after the change.")
class ProductChanged:
    product: Product | None = seen()
    places: list[Place] = told()


@strawberry.type(description="What came of the products.")
class ProductsPut:
    changed: list[Product] = strawberry.field(
        description="Those that are new or not as they were, or have such SKUs, in the order given; none if all of "
        "it was known."
    )
    places: list[Place] = told()


@strawberry.type(description="What came of the counts.")
class StockPut:
    taken: int = strawberry.field(
        description="How many of them stand now: the others are no newer than what was known."
    )
    places: list[Place] = told()


@strawberry.type(description="The SKU whose stock in the viewer's store was counted: ask for its `stock`.")
class StockChanged:
    sku: Sku | None = seen()
    places: list[Place] = told()


ProductResult = Annotated[ProductChanged | Problem, strawberry.union("ProductResult")]
ProductsResult = Annotated[ProductsPut | Problem, strawberry.union("ProductsResult")]
StockPutResult = Annotated[StockPut | Problem, strawberry.union("StockPutResult")]
StockResult = Annotated[StockChanged | Problem, strawberry.union("StockResult")]


@strawberry.input(description="A SKU as it is to be. What is left out stays as it is; null takes it away.")
class SkuInput:
    code: str = strawberry.field(description="Unique in the brand, in 1 to 64 characters.")
    variant: str | None = strawberry.field(default=UNSET, description="Size, colour or the like: 100 characters.")
    barcode: str | None = strawberry.field(default=UNSET, description="At most 32 characters.")
    price: Fen | None = strawberry.field(default=UNSET, description="From 0; without one the product's is meant.")
    is_withdrawn: bool | None = strawberry.field(default=UNSET, description="Whether it is sold no more.")


@strawberry.input(description="A product as it is to be. What is left out stays as it is; null takes it away.")
class ProductInput:
    code: str = strawberry.field(description="Unique in the brand, in 1 to 64 characters.")
    name: str = strawberry.field(description="1 to 200 characters.")
    price: Fen = strawberry.field(description="From 0.")
    category: str | None = strawberry.field(default=UNSET, description="At most 60 characters.")
    images: list[str] | None = strawberry.field(
        default=UNSET, description="Up to 9 addresses in https of up to 500 characters."
    )
    listed_on: date | None = strawberry.field(default=UNSET, description="From 1970 to 2199.")
    is_withdrawn: bool | None = strawberry.field(default=UNSET, description="Whether it is sold no more.")
    skus: list[SkuInput] = strawberry.field(
        default_factory=list, description="Up to 200; those that are not named stay as they are."
    )


@strawberry.input(description="How many pieces of a SKU a store had. Name the store by id or by code.")
class StockInput:
    sku_code: str
    quantity: int = strawberry.field(description="From 0 to 1,000,000.")
    counted_at: datetime = strawberry.field(description="When it was so. An older count never overwrites a newer one.")
    store_id: strawberry.ID | None = None
    store_code: str | None = None


@strawberry.type
class CatalogueQueries:
    @field(
        "The brand's catalogue by code; at most 100 a page. `text` is part of a name, or a whole code or barcode; "
        "`inStockIn` a store that has some of it."
    )
    async def products(
        self,
        info: Info,
        category: str | None = None,
        text: str | None = None,
        only_offered: bool = False,
        in_stock_in: strawberry.ID | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[Product]:
        page = page_of(first, after)
        wanted = products.Filter(text, category, only_offered, sought_id(in_stock_in))
        async with info.context.read() as session:
            rows = await products.page(session, info.context.actor, page, wanted)
        return connection(Product, rows, page, lambda row: (row.code,))

    @field("One product; null if the brand doesn't sell it.")
    async def product(self, info: Info, id: strawberry.ID) -> Product | None:
        return await product_of(info, sought_id(id))

    @field("The product of this code; null if the brand doesn't sell it.")
    async def product_by_code(self, info: Info, code: str) -> Product | None:
        async with info.context.read() as session:
            return shown_as(Product, await products.by_code(session, info.context.actor, code))

    @field("The SKU of this code; null if the brand doesn't sell it.")
    async def sku_by_code(self, info: Info, code: str) -> Sku | None:
        async with info.context.read() as session:
            return shown_as(Sku, await skus.by_code(session, info.context.actor, code))

    @field("The SKUs with this barcode: one, unless the same was given to several; at most 20.")
    async def skus_by_barcode(self, info: Info, barcode: str) -> list[Sku]:
        async with info.context.read() as session:
            return shown_as(list[Sku], await skus.by_barcode(session, info.context.actor, barcode))

    @field("The categories of the catalogue by name; the first 500.")
    async def categories(self, info: Info) -> list[Category]:
        async with info.context.read() as session:
            return shown_as(list[Category], await products.categories(session, info.context.actor))


@strawberry.type
class CatalogueMutations:
    @mutation(
        "Add the product of this code, or bring it up to date; without `listedOn`, `images` or `isWithdrawn` these "
        "stay as they are. For HQ and machines with the scope `products:write`: `FORBIDDEN`, `INVALID`, "
        "`STALE_VERSION`.",
        edited=(Product, product_of),
    )
    async def put_product(
        self,
        info: Info,
        code: str,
        name: str,
        price: Fen,
        category: str | None = None,
        images: list[str] | None = None,
        listed_on: date | None = None,
        is_withdrawn: bool | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> ProductResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.put_product(
                work,
                code=code,
                name=name,
                price=price,
                category=category,
                images=images,
                listed_on=listed_on,
                is_withdrawn=is_withdrawn,
                expected_version=expected_version,
            ),
        )
        return ProductChanged(product=await product_of(info, done.id), places=done.places)

    @mutation(
        "Add 1 to 200 products with their SKUs, or bring them up to date, all or none; the same again changes nothing. "
        "At most 2,000 SKUs at once, and 200 of one product. For HQ and machines with the scope `products:write`: "
        "`FORBIDDEN`, `INVALID`, which names the place as in `input.3.skus.0.price`."
    )
    async def put_products(
        self, info: Info, input: list[ProductInput], idempotency_key: str | None = None
    ) -> ProductsResult:
        news = [_product_news(product) for product in input]

        async def act(work: Work) -> Sequence[UUID]:
            return (await commands.put_products(work, news)).changed_ids

        done = await info.context.mutate_many(info, idempotency_key, act)
        rows = await asyncio.gather(*(product_of(info, product_id) for product_id in done.ids))
        return ProductsPut(changed=[row for row in rows if row is not None], places=done.places)

    @mutation(
        "Take 1 to 500 counts of stock, all or none. An older count never overwrites a newer one; of two of the same "
        "moment the smaller stands. For HQ and machines with the scope `products:write`: `FORBIDDEN`, `SKU_UNKNOWN`, "
        "`STORE_UNKNOWN`, `INVALID`, which name the place as in `rows.3.skuCode`."
    )
    async def put_stock(self, info: Info, rows: list[StockInput], idempotency_key: str | None = None) -> StockPutResult:
        counts = [_count(row) for row in rows]

        async def act(work: Work) -> Sequence[UUID]:
            return [counted.id for counted in await commands.put_stock(work, counts)]

        done = await info.context.mutate_many(info, idempotency_key, act)
        return StockPut(taken=len(done.ids), places=done.places)

    @mutation(
        "Add a product by hand, with one SKU of the same code, which is made here. `quantity` is what the viewer's own "
        "store has of it. For store managers, and for guides where the brand lets them: `FORBIDDEN`, `INVALID`."
    )
    async def add_product(
        self,
        info: Info,
        name: str,
        price: Fen,
        category: str | None = None,
        images: list[str] | None = None,
        quantity: int | None = None,
        idempotency_key: str | None = None,
    ) -> ProductResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.add_product(
                work, name=name, price=price, category=category, images=images or (), quantity=quantity
            ),
        )
        return ProductChanged(product=await product_of(info, done.id), places=done.places)

    @mutation(
        "Say how many pieces of a SKU there are in the viewer's own store, from 0 to 1,000,000, by default now; an "
        "older count than the one that stands changes nothing. For store managers, and for guides where the brand lets "
        "them: `NOT_FOUND`, `FORBIDDEN`, `INVALID`."
    )
    async def set_stock(
        self,
        info: Info,
        sku_id: strawberry.ID,
        quantity: int,
        counted_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> StockResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.set_stock(work, read_id(sku_id), quantity=quantity, counted_at=counted_at),
        )
        return StockChanged(sku=await sku_of(info, done.id), places=done.places)


def _said(**values: Any) -> dict[str, Any]:
    """What was not left out; null for what is a list or a yes or no is the same as none."""
    empty: dict[str, Any] = {"images": [], "is_withdrawn": False}
    return {name: empty.get(name) if value is None else value for name, value in values.items() if value is not UNSET}


def _product_news(given: ProductInput) -> ProductNews:
    details = cast(
        ProductDetails,
        _said(
            category=given.category,
            images=given.images,
            listed_on=given.listed_on,
            is_withdrawn=given.is_withdrawn,
        ),
    )
    return ProductNews(given.code, given.name, given.price, details, tuple(_sku_news(sku) for sku in given.skus))


def _sku_news(given: SkuInput) -> SkuNews:
    said = _said(variant=given.variant, barcode=given.barcode, price=given.price, is_withdrawn=given.is_withdrawn)
    return SkuNews(given.code, cast(SkuDetails, said))


def _count(given: StockInput) -> StockCount:
    return StockCount(given.sku_code, given.quantity, given.counted_at, given_id(given.store_id), given.store_code)
