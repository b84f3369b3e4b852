"""Links are made by those who serve customers, and ended by them or their manager."""

import asyncio
import itertools
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kernel import clock, ids
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion, Unavailable
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import shares as making
from mall.errors import ProductWithdrawn, ShareOver
from mall.models import Share, ShareKind
from mall.queries import shares
from tests.factories import NOON, build_world, reload
from tests.mall.sharing import build_page_share, build_product, build_share
from tests.mall.trading import count, till
from tests.refusals import refused
from tests.statements import statements


async def test_a_guide_shares_a_product_for_as_long_as_the_brand_says(ground: Ground) -> None:
    world = await build_world(ground)
    product = await build_product(ground, world)
    async with unit_of_work(ground, world.hq) as work:
        await commands.change_mall_setting(work, share_days=7)

    with clock.stopped_at(NOON):
        share = await reload(ground, await build_share(ground, world.shop.guide, product))
        short = await build_share(ground, world.shop.guide, product, days=1)

    assert (share.kind, share.title, share.product_id) == (ShareKind.PRODUCT, "羊绒衫", product.id)
    assert (share.store_id, share.account_id) == (world.shop.store.id, world.shop.guide.account_ids[0])
    assert share.expires_at == NOON + timedelta(days=7)
    assert short.expires_at == NOON + timedelta(days=1)
    assert len(share.code) == 10
    assert set(share.code) <= set(making.CODE_LETTERS)
    assert not set(making.CODE_LETTERS) & set("01ilo")
    assert len(making.CODE_LETTERS) ** making.CODE_LENGTH >= 2**47


async def test_a_manager_shares_as_the_stores_public_account(ground: Ground) -> None:
    world = await build_world(ground)

    share = await build_page_share(ground, world.shop.manager, "/周年庆?tab=1", " 周年庆 ")

    assert share.account_id == world.shop.public.id
    assert (share.kind, share.page, share.title) == (ShareKind.PAGE, "/周年庆?tab=1", "周年庆")


async def test_a_look_keeps_the_order_of_its_products(ground: Ground) -> None:
    world = await build_world(ground)
    products = [(await build_product(ground, world, f"商品{number}")).id for number in range(9)]

    async with unit_of_work(ground, world.shop.guide) as work:
        share = await commands.share_look(work, products[::-1], title="通勤一周")

    assert (await reload(ground, share)).look == [str(each) for each in products[::-1]]


async def test_who_serves_nobody_shares_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    product = await build_product(ground, world)

    for actor in (world.hq, world.east_manager, till(world)):
        async with refused(ground, Forbidden), unit_of_work(ground, actor) as work:
            await commands.share_product(work, product.id)
        async with refused(ground, Forbidden), unit_of_work(ground, actor) as work:
            await commands.share_page(work, "/new", title="新")
        async with refused(ground, Forbidden), unit_of_work(ground, actor) as work:
            await commands.share_look(work, [product.id, product.id], title="新")


@pytest.mark.parametrize(
    "page",
    [
        "",
        "new",
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/a/../b",
        "/..",
        "/a b",
        "/a\nb",
        "/a#b",
        "/" + "a" * 500,
        "javascript:alert(1)",
    ],
)
async def test_what_is_no_path_of_the_mall_is_refused(ground: Ground, page: str) -> None:
    world = await build_world(ground)

    async with refused(ground, Invalid), unit_of_work(ground, world.shop.guide) as work:
        await commands.share_page(work, page, title="新")


async def test_wrong_days_titles_and_looks_are_refused(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    first, second = [await build_product(ground, world) for _ in range(2)]
    gone = await build_product(ground, world)
    gone.is_withdrawn = True
    async with ground.db.write() as session:
        await session.merge(gone)
    foreign = await build_product(ground, other)
    guide = world.shop.guide

    for days in (0, 366, -1):
        async with refused(ground, Invalid), unit_of_work(ground, guide) as work:
            await commands.share_product(work, first.id, days=days)
    for title in ("", " ", "长" * 101, "a\x00"):
        async with refused(ground, Invalid), unit_of_work(ground, guide) as work:
            await commands.share_page(work, "/new", title=title)
    for look in ([first.id], [first.id, first.id], [ids.new() for _ in range(10)]):
        async with refused(ground, Invalid), unit_of_work(ground, guide) as work:
            await commands.share_look(work, look, title="新")
    for unknown in (foreign.id, ids.new()):
        async with refused(ground, NotFound), unit_of_work(ground, guide) as work:
            await commands.share_product(work, unknown)
        async with refused(ground, NotFound), unit_of_work(ground, guide) as work:
            await commands.share_look(work, [first.id, second.id, unknown], title="新")
    async with refused(ground, ProductWithdrawn), unit_of_work(ground, guide) as work:
        await commands.share_product(work, gone.id)
    async with refused(ground, ProductWithdrawn), unit_of_work(ground, guide) as work:
        await commands.share_look(work, [first.id, gone.id], title="新")


async def test_a_code_that_is_taken_by_any_brand_is_not_given_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    mine, theirs = await build_product(ground, world), await build_product(ground, other)
    taken = (await build_share(ground, other.shop.guide, theirs)).code
    codes = iter([taken, taken, "fresh23456"])
    monkeypatch.setattr(making, "new_code", lambda: next(codes))

    share = await build_share(ground, world.shop.guide, mine)

    assert share.code == "fresh23456"
    assert (await reload(ground, share)).brand_id == world.brand.id
    monkeypatch.setattr(making, "new_code", lambda: taken)
    async with refused(ground, Unavailable), unit_of_work(ground, world.shop.guide) as work:
        await commands.share_product(work, mine.id)


async def test_two_who_draw_the_same_code_at_once_get_two(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await build_world(ground)
    product = await build_product(ground, world)
    numbers = itertools.count()
    monkeypatch.setattr(making, "new_code", lambda: f"same{next(numbers) // 2:06}")

    made = await asyncio.gather(*(build_share(ground, world.shop.guide, product) for _ in range(3)))

    assert len({share.code for share in made}) == 3
    assert await count(ground, world.brand.id, Share) == 3


async def test_its_maker_and_the_stores_manager_end_a_link(ground: Ground) -> None:
    world = await build_world(ground)
    product = await build_product(ground, world)
    for keeper in (world.shop.guide, world.shop.manager):
        share = await build_share(ground, world.shop.guide, product)
        async with refused(ground, StaleVersion), unit_of_work(ground, keeper) as work:
            await commands.end_share(work, share.id, expected_version=2)

        with clock.stopped_at(NOON):
            async with unit_of_work(ground, keeper) as work:
                await commands.end_share(work, share.id, expected_version=1)

        ended = await reload(ground, share)
        assert (ended.expires_at, ended.version) == (NOON, 2)
        async with refused(ground, ShareOver), unit_of_work(ground, keeper) as work:
            await commands.end_share(work, share.id)


async def test_others_may_not_end_a_link(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))

    for actor in (world.hq, world.east_manager):
        async with refused(ground, Forbidden), unit_of_work(ground, actor) as work:
            await commands.end_share(work, share.id)
    for actor in (world.shop.other_guide, world.shops[1].manager, other.hq, other.shop.manager):
        async with refused(ground, NotFound), unit_of_work(ground, actor) as work:
            await commands.end_share(work, share.id)


async def test_two_who_end_a_link_at_once_end_it_once(ground: Ground) -> None:
    world = await build_world(ground)
    share = await build_share(ground, world.shop.guide, await build_product(ground, world))

    async def end() -> Any:
        async with unit_of_work(ground, world.shop.guide) as work:
            return await commands.end_share(work, share.id)

    ends = await asyncio.gather(end(), end(), return_exceptions=True)

    assert {type(each) for each in ends} == {Share, ShareOver}
    assert (await reload(ground, share)).version == 2


async def test_guides_see_what_they_made_and_managers_their_stores(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    product = await build_product(ground, world)
    own = await build_share(ground, world.shop.guide, product)
    colleagues = await build_page_share(ground, world.shop.other_guide)
    stores = await build_page_share(ground, world.shop.manager)
    next_door = await build_share(ground, world.shops[1].guide, product)
    north = await build_share(ground, world.shops[2].guide, product)

    async def seen(actor: Any, **narrowed: Any) -> list[UUID]:
        async with ground.db.read() as session:
            rows = await shares.page(session, actor, Page(10), shares.Filter(**narrowed))
        return [row.id for row in rows]

    everything = [north.id, next_door.id, stores.id, colleagues.id, own.id]
    assert await seen(world.shop.guide) == [own.id]
    assert await seen(world.shop.manager) == everything[2:]
    assert await seen(world.shop.manager, is_own=True) == [stores.id]
    assert await seen(world.east_manager) == everything[1:]
    assert await seen(world.hq) == await seen(till(world)) == everything
    assert await seen(till(world, "products:write")) == await seen(other.hq) == []
    assert await seen(world.hq, product_id=product.id) == [north.id, next_door.id, own.id]
    assert await seen(world.hq, store_id=world.shops[1].store.id) == [next_door.id]
    assert await seen(world.hq, account_id=own.account_id) == [own.id]
    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.end_share(work, own.id)
    assert await seen(world.hq, is_live=True) == everything[:-1]


async def test_a_page_of_links_is_one_statement_however_long(ground: Ground) -> None:
    world = await build_world(ground)
    product = await build_product(ground, world)
    taken = []
    for _ in (1, 2):
        await build_share(ground, world.shop.guide, product)
        await build_share(ground, world.shop.guide, product)
        with statements(ground) as sent:
            async with ground.db.read() as session:
                rows = await shares.page(session, world.hq, Page(3))
        taken.append((len(rows), len(sent)))
    async with ground.db.read() as session:
        rest = await shares.page(session, world.hq, Page(3, [rows[2].created_at.isoformat(), str(rows[2].id)]))

    assert taken == [(2, 1), (4, 1)]
    assert [row.id for row in rest] == [rows[3].id]
