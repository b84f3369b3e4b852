"""Many products at once: all or nothing, once, in a constant number of statements."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlmodel import col

import mall.commands.products
from kernel import bulk
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid
from kernel.feed import FeedEvent
from kernel.pages import Page
from kernel.work import Ground, carry_out, unit_of_work
from mall import commands
from mall.commands import ProductNews, Put, SkuNews
from mall.models import Change, Product, ProductDetails, Sku, SkuDetails
from mall.queries import products, skus
from tests.factories import World, build_world
from tests.mall.trading import count, till
from tests.statements import statements

IMAGE = "https://img.example.com/p1.jpg"


def machine(world: World) -> Actor:
    return till(world, "products:write")


def news(code: str = "P1", *sku_codes: str, name: str = "羊绒衫", price: int = 19_900, **details: Any) -> ProductNews:
    return ProductNews(
        code, name, price, cast(ProductDetails, details), tuple(SkuNews(each, SkuDetails()) for each in sku_codes)
    )


async def put(ground: Ground, world: World, *told: ProductNews) -> Put:
    return await carry_out(ground, machine(world), lambda work: commands.put_products(work, told))


async def shelf(ground: Ground, world: World) -> list[tuple[Any, ...]]:
    """The whole catalogue, with versions."""
    async with ground.db.read() as session:
        found = await session.execute(
            select(
                *(col(column) for column in (Product.code, Product.name, Product.price, Product.category)),
                *(col(column) for column in (Product.images, Product.is_withdrawn, Product.version)),
                *(col(column) for column in (Sku.code, Sku.variant, Sku.barcode, Sku.price, Sku.version)),
            )
            .outerjoin(Sku, (col(Sku.brand_id) == col(Product.brand_id)) & (col(Sku.product_id) == col(Product.id)))
            .where(col(Product.brand_id) == world.brand.id)
            .order_by(col(Product.code), col(Sku.code))
        )
        return [tuple(row) for row in found]


async def test_products_come_with_their_skus_and_are_brought_up_to_date(ground: Ground) -> None:
    world = await build_world(ground)
    skirt = ProductNews(
        " P1 ",
        "半身裙",
        39_900,
        ProductDetails(category="下装", images=[IMAGE]),
        (SkuNews("P1-S", SkuDetails(variant="S", barcode="690", price=37_900)), SkuNews("P1-M")),
    )

    first = await put(ground, world, skirt, news("P2"))
    second = await put(ground, world, news("P1", name="百褶裙", price=29_900), news("P2", "P2-1", category="上装"))

    assert first.products == {"P1": Change.ADDED, "P2": Change.ADDED}
    assert second.skus == {"P2-1": Change.ADDED}
    assert await shelf(ground, world) == [
        ("P1", "百褶裙", 29_900, "下装", [IMAGE], False, 2, "P1-M", None, None, None, 1),
        ("P1", "百褶裙", 29_900, "下装", [IMAGE], False, 2, "P1-S", "S", "690", 37_900, 1),
        ("P2", "羊绒衫", 19_900, "上装", [], False, 2, "P2-1", None, None, None, 1),
    ]


async def test_the_same_again_changes_nothing_and_tells_nobody(ground: Ground) -> None:
    world = await build_world(ground)
    told = [news("P2", "P2-1", "P2-2", category="上装", images=[IMAGE]), news("P1", "P1-1")]

    once = await put(ground, world, *told)
    before = await shelf(ground, world)
    again = await put(ground, world, *reversed(told))

    assert len(once.changed_ids) == 2
    assert (list(again.changed_ids), set(again.products.values()), set(again.skus.values())) == (
        [],
        {Change.UNCHANGED},
        {Change.UNCHANGED},
    )
    assert await shelf(ground, world) == before
    assert await count(ground, world.brand.id, FeedEvent) == 0


async def test_a_product_changed_in_nothing_but_a_sku_is_named_as_changed_and_keeps_its_version(ground: Ground) -> None:
    world = await build_world(ground)
    first = await put(ground, world, news("P1", "P1-1"), news("P2", "P2-1"))

    dearer = ProductNews("P2", "羊绒衫", 19_900, skus=(SkuNews("P2-1", SkuDetails(price=1)),))
    second = await put(ground, world, news("P1", "P1-1"), dearer)

    assert list(second.changed_ids) == [first.changed_ids[1]]
    assert [(row[6], row[-1]) for row in await shelf(ground, world)] == [(1, 1), (1, 2)]


async def test_a_sku_belongs_to_the_product_that_named_it_last(ground: Ground) -> None:
    world = await build_world(ground)
    await put(ground, world, news("P1", "X"), news("P2"))

    await put(ground, world, news("P2", "X"))

    assert [(row[0], row[7]) for row in await shelf(ground, world)] == [("P1", None), ("P2", "X")]


BROKEN: dict[str, list[ProductNews]] = {
    "input": [],
    "input.1.code": [news("A"), news(" A ")],
    "input.0.code": [news(" ")],
    "input.1.name": [news("A"), news("B", name="x" * 201)],
    "input.1.price": [news("A"), news("B", price=-1)],
    "input.0.category": [news("A", category="x" * 61)],
    "input.0.images": [news("A", images=[IMAGE] * 10)],
    "input.0.images.1": [news("A", images=[IMAGE, "http://img.example.com/a.jpg"])],
    "input.0.images.0": [news("A", images=["https://" + "x" * 500])],
    "input.0.skus.0.code": [news("A", "x" * 65)],
    "input.1.skus.0.code": [news("A", "X"), news("B", "X")],
    "input.0.skus.0.price": [ProductNews("A", "a", 1, skus=(SkuNews("X", SkuDetails(price=-1)),))],
    "input.0.skus.0.barcode": [ProductNews("A", "a", 1, skus=(SkuNews("X", SkuDetails(barcode="1" * 33)),))],
    "input.0.skus": [news("A", *(f"X{number}" for number in range(201)))],
}


async def test_what_is_wrong_is_refused_with_its_place_and_changes_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    await put(ground, world, news("A", "A-1", name="before"))
    before = await shelf(ground, world)

    named = []
    for told in BROKEN.values():
        with pytest.raises(Invalid) as refused:
            await put(ground, world, *told)
        named.append(refused.value.facts["field"])

    assert named == list(BROKEN)
    assert await shelf(ground, world) == before


async def test_more_than_two_hundred_at_once_are_refused(ground: Ground) -> None:
    world = await build_world(ground)
    many = [news(f"P{number}", *(f"S{number}-{size}" for size in range(11))) for number in range(200)]

    for told in ([*many, news("Q")], many):
        with pytest.raises(Invalid):
            await put(ground, world, *told)

    assert await count(ground, world.brand.id, Product) == 0


async def test_a_product_never_has_more_than_two_hundred_skus_however_they_come(ground: Ground) -> None:
    world = await build_world(ground)
    await put(ground, world, news("P1", *(f"A{number}" for number in range(150))))

    with pytest.raises(Invalid) as refused:
        await put(ground, world, news("P0"), news("P1", *(f"B{number}" for number in range(51))))
    await put(ground, world, news("P1", *(f"B{number}" for number in range(50))))

    assert refused.value.facts["field"] == "input.1.skus"
    assert await count(ground, world.brand.id, Sku) == 200


async def test_only_headquarters_and_machines_that_may_put_products(ground: Ground) -> None:
    world = await build_world(ground)

    for actor in (world.shop.guide, world.shop.manager, world.east_manager, till(world)):
        with pytest.raises(Forbidden):
            async with unit_of_work(ground, actor) as work:
                await commands.put_products(work, [news()])

    assert await count(ground, world.brand.id, Product) == 0


async def test_any_number_of_products_takes_as_many_statements(ground: Ground) -> None:
    world = await build_world(ground)

    async def sent(*told: ProductNews) -> int:
        with statements(ground) as found:
            await put(ground, world, *told)
        return len(found)

    few = [await sent(news("A", "A1", price=price)) for price in (1, 1, 2)]
    many = [
        await sent(*(news(f"B{number}", f"B{number}-1", f"B{number}-2", price=price) for number in range(40)))
        for price in (1, 1, 2)
    ]

    assert few == many


async def test_overlapping_products_at_once_all_come_in_without_a_deadlock(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In opposite orders, and half of them known: nobody has to be ended and begin again."""
    world = await build_world(ground)
    codes = [f"P{number}" for number in range(8)]
    await put(ground, world, *(news(code, f"{code}-1", price=1) for code in codes[::2]))

    found = await bring_both_ways(ground, world, codes, monkeypatch)

    kept = await shelf(ground, world)
    assert found == [None] * 4
    assert len({row[2] for row in kept}) == 1
    assert [row[7] for row in kept] == [f"{code}-{size}" for code in codes for size in (1, 2)]


async def test_without_an_order_of_codes_some_would_have_to_be_ended(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: new rows in the order in which they were told. SQLite has one writer at a time."""
    world = await build_world(ground)
    monkeypatch.setattr(mall.commands.products, "sorted", lambda rows, **_: list(rows), raising=False)

    found = await bring_both_ways(ground, world, [f"P{number}" for number in range(8)], monkeypatch)

    assert any(isinstance(each, DBAPIError) for each in found) is not ground.db.is_sqlite


async def bring_both_ways(
    ground: Ground, world: World, codes: Sequence[str], monkeypatch: pytest.MonkeyPatch
) -> list[BaseException | None]:
    """Four at once, two from either end, each slowly enough to meet the others."""
    insert = bulk.insert_missing

    async def slowly(session: Any, model: Any, rows: Sequence[Any]) -> list[Any]:
        added: list[Any] = []
        for row in rows:
            added += await insert(session, model, [row])
            await asyncio.sleep(0.003)
        return added

    async def bring(price: int, order: Sequence[str]) -> None:
        async with unit_of_work(ground, machine(world)) as work:
            await commands.put_products(work, [news(code, f"{code}-1", f"{code}-2", price=price) for code in order])

    with monkeypatch.context() as patched:
        patched.setattr(bulk, "insert_missing", slowly)
        turns = (bring(number, codes if number % 2 else codes[::-1]) for number in range(2, 6))
        return await asyncio.gather(*turns, return_exceptions=True)


async def test_the_catalogue_is_searched_by_text_codes_barcodes_category_and_state(ground: Ground) -> None:
    world = await build_world(ground)
    scarf = ProductNews("A1", "羊绒围巾", 1, skus=(SkuNews("A1-R", SkuDetails(barcode="690")),))
    await put(ground, world, scarf, news("B1", category="上装", is_withdrawn=True), news("C_1", name="100% 棉"))

    async def found(**wanted: Any) -> list[str]:
        async with ground.db.read() as session:
            rows = await products.page(session, world.shop.guide, Page(), products.Filter(**wanted))
            return [row.code for row in rows]

    assert await found() == ["A1", "B1", "C_1"]
    assert await found(text=" 羊绒 ") == ["A1", "B1"]
    assert await found(text="羊绒", only_offered=True) == ["A1"]
    assert await found(text="A1-R") == await found(text="690") == await found(text="A1") == ["A1"]
    assert await found(text="0%") == ["C_1"]
    assert await found(text="_") == []
    assert await found(category="上装") == ["B1"]
    assert await found(text="\x00") == await found(in_store=world.shop.store.id) == []


async def test_categories_are_counted_within_the_brand(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    await put(
        ground,
        world,
        news("A", category="上装"),
        news("B", category="上装", is_withdrawn=True),
        news("C", category="下装"),
        news("D"),
    )
    await put(ground, other, news("A", "A-1", category="别家"))

    async with ground.db.read() as session:
        found = await products.categories(session, world.shop.guide)
        foreign = await skus.by_code(session, world.shop.guide, "A-1")

    assert {tuple(row) for row in found} == {("上装", 2, 1), ("下装", 1, 1)}
    assert foreign is None
