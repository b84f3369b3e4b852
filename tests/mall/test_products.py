"""The catalogue is kept by HQ and by machines that may."""

import asyncio

import pytest

from kernel.errors import Forbidden, Invalid, StaleVersion
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models import Product
from mall.queries import products
from tests.factories import build_world, reload
from tests.mall.trading import count, till


async def test_a_product_is_added_and_brought_up_to_date_under_its_code(ground: Ground) -> None:
    world = await build_world(ground)
    async with unit_of_work(ground, world.hq) as work:
        added = await commands.put_product(work, code=" P1 ", name="羊绒衫", price=19_900, category="上装")

    async with unit_of_work(ground, till(world, "products:write")) as work:
        await commands.put_product(work, code="P1", name="羊绒衫", price=17_900, expected_version=1)

    kept = await reload(ground, added)
    assert (kept.code, kept.price, kept.category, kept.version) == ("P1", 17_900, None, 2)


async def test_the_same_again_changes_nothing(ground: Ground) -> None:
    world = await build_world(ground)

    for _ in range(2):
        async with unit_of_work(ground, world.hq) as work:
            product = await commands.put_product(work, code="P1", name="羊绒衫", price=19_900)

    assert (await reload(ground, product)).version == 1


async def test_the_same_product_at_the_same_time_is_one_product(ground: Ground) -> None:
    world = await build_world(ground)

    async def put(price: int) -> Product:
        async with unit_of_work(ground, world.hq) as work:
            return await commands.put_product(work, code="P1", name="羊绒衫", price=price)

    await asyncio.gather(*(put(price) for price in range(4)))

    assert await count(ground, world.brand.id, Product) == 1


async def test_wrong_or_unasked_changes_are_refused(ground: Ground) -> None:
    world = await build_world(ground)
    async with unit_of_work(ground, world.hq) as work:
        product = await commands.put_product(work, code="P1", name="羊绒衫", price=19_900)

    for actor in (world.shop.guide, world.shop.manager, world.east_manager, till(world)):
        with pytest.raises(Forbidden):
            async with unit_of_work(ground, actor) as work:
                await commands.put_product(work, code="P1", name="别的", price=1)
    with pytest.raises(Invalid):
        async with unit_of_work(ground, world.hq) as work:
            await commands.put_product(work, code="P1", name="羊绒衫", price=-1)
    with pytest.raises(StaleVersion):
        async with unit_of_work(ground, world.hq) as work:
            await commands.put_product(work, code="P1", name="羊绒衫", price=1, expected_version=9)

    assert (await reload(ground, product)).version == 1


async def test_the_catalogue_is_paged_by_code_within_the_brand(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    async with unit_of_work(ground, world.hq) as work:
        for code in ("C", "A", "B"):
            await commands.put_product(work, code=code, name=code, price=1, category="x" if code != "B" else None)
    async with unit_of_work(ground, other.hq) as work:
        await commands.put_product(work, code="AA", name="AA", price=1, category="x")

    async with ground.db.read() as session:
        everything = await products.page(session, world.shop.guide, Page(2))
        rest = await products.page(session, world.shop.guide, Page(2, ["B"]))
        narrowed = await products.page(session, world.shop.guide, Page(), products.Filter(category="x"))

    assert [row.code for row in everything] == ["A", "B", "C"]
    assert [row.code for row in rest] == ["C"]
    assert [row.code for row in narrowed] == ["A", "C"]
