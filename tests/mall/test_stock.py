"""Counts of stock: in any order, as often as they like, and the newest stands."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlmodel import col

import mall.commands.stock
from directory.models import Store, StoreState
from kernel import clock, ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, Refusal
from kernel.pages import Page
from kernel.work import Ground, carry_out, unit_of_work
from mall import commands
from mall.commands import Counted, StockCount
from mall.errors import SkuUnknown, StoreUnknown
from mall.models import MallSetting, Product, Sku, Stock
from mall.queries import products, skus, stock
from tests.factories import World, build_world, save
from tests.mall.test_catalogue import machine, news, put
from tests.mall.trading import count, till
from tests.statements import statements

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def counted(world: World, sku: str, quantity: int, minutes: int = 0, shop: int = 0) -> StockCount:
    return StockCount(sku, quantity, AT + timedelta(minutes=minutes), store_code=world.shops[shop].store.code)


async def take(ground: Ground, world: World, *counts: StockCount) -> list[Counted]:
    return await carry_out(ground, machine(world), lambda work: commands.put_stock(work, counts))


async def shelves(ground: Ground, world: World) -> list[tuple[Any, ...]]:
    """What every store has of what: store, SKU, quantity, minutes behind `AT`."""
    async with ground.db.read() as session:
        found = await session.execute(
            select(col(Store.code), col(Sku.code), col(Stock.quantity), col(Stock.counted_at))
            .join(Store, (col(Store.brand_id) == col(Stock.brand_id)) & (col(Store.id) == col(Stock.store_id)))
            .join(Sku, (col(Sku.brand_id) == col(Stock.brand_id)) & (col(Sku.id) == col(Stock.sku_id)))
            .where(col(Stock.brand_id) == world.brand.id)
            .order_by(col(Store.code), col(Sku.code))
        )
        return [(store, sku, quantity, (at - AT) / timedelta(minutes=1)) for store, sku, quantity, at in found]


async def test_counts_are_taken_and_older_ones_never_overwrite_newer_ones(ground: Ground) -> None:
    world = await build_world(ground)
    await put(ground, world, news("P1", "A", "B"))

    first = await take(ground, world, counted(world, "A", 5), counted(world, "A", 9, shop=1), counted(world, "B", 1))
    late = await take(ground, world, counted(world, "A", 7, -1), counted(world, "B", 0, 1))
    again = await take(ground, world, counted(world, "A", 5), counted(world, "B", 0, 1))

    assert (len(first), len(late), len(again)) == (3, 1, 0)
    assert await shelves(ground, world) == [("qinghe-1", "A", 5, 0), ("qinghe-1", "B", 0, 1), ("qinghe-2", "A", 9, 0)]


@st.composite
def histories(draw: st.DrawFn) -> list[list[tuple[str, int, int, int]]]:
    """Counts of two SKUs in two stores at few moments, so that they often meet; cut into deliveries."""
    each = st.tuples(st.sampled_from("AB"), st.integers(0, 9), st.integers(0, 4), st.integers(0, 1))
    return draw(st.lists(st.lists(each, min_size=1, max_size=5), min_size=1, max_size=4))


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), order=st.randoms(use_true_random=False))
async def test_any_order_and_any_repetition_of_counts_gives_the_newest(
    ground: Ground, history: list[list[tuple[str, int, int, int]]], order: Any
) -> None:
    world = await build_world(ground, f"b{ids.new().hex[-12:]}")
    await put(ground, world, news("P1", "A", "B"))
    deliveries = [*history, *history]
    order.shuffle(deliveries)

    for delivery in deliveries:
        await take(ground, world, *(counted(world, *each) for each in delivery))

    newest: dict[tuple[int, str], tuple[int, int]] = {}
    for sku, quantity, minutes, shop in (each for delivery in history for each in delivery):
        newest[shop, sku] = max(newest.get((shop, sku), (-1, 0)), (minutes, -quantity))
    assert await shelves(ground, world) == [
        (world.shops[shop].store.code, sku, -less, minutes) for (shop, sku), (minutes, less) in sorted(newest.items())
    ]


async def test_two_of_the_same_moment_give_the_same_in_either_order(ground: Ground) -> None:
    world = await build_world(ground)
    await put(ground, world, news("P1", "A"))

    kept = []
    for at, order in enumerate(permutations((3, 8))):
        for quantity in order:
            await take(ground, world, counted(world, "A", quantity, at))
        kept.append((await shelves(ground, world))[0][2])
    await take(ground, world, counted(world, "A", 8, 5), counted(world, "A", 3, 5))

    assert [*kept, (await shelves(ground, world))[0][2]] == [3, 3, 3]


async def test_a_count_that_always_overwrites_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: whatever came last stands."""
    monkeypatch.setattr(mall.commands.stock, "or_", lambda *_: col(Stock.quantity) >= 0)

    with pytest.raises(AssertionError):
        await test_counts_are_taken_and_older_ones_never_overwrite_newer_ones(ground)


WRONG: dict[str, tuple[type[Refusal], dict[str, Any]]] = {
    "rows.1.quantity": (Invalid, {"quantity": -1}),
    "rows.1.countedAt": (Invalid, {"counted_at": datetime(2199, 1, 1, tzinfo=UTC)}),
    "rows.1.skuCode": (SkuUnknown, {"sku_code": "Z"}),
    "rows.1.store": (StoreUnknown, {"store_code": "nowhere"}),
}


async def test_one_wrong_count_is_refused_with_its_place_and_none_is_taken(ground: Ground) -> None:
    world = await build_world(ground)
    await put(ground, world, news("P1", "A"))

    for place, (kind, values) in WRONG.items():
        wrong: dict[str, Any] = {"sku_code": "A", "quantity": 1, "counted_at": AT} | values
        with pytest.raises(kind) as refused:
            await take(ground, world, counted(world, "A", 1), StockCount(**{"store_code": "qinghe-1"} | wrong))
        assert refused.value.facts["field"] == place

    assert await count(ground, world.brand.id, Stock) == 0


async def test_stores_and_skus_of_another_brand_are_unknown(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    await put(ground, world, news("P1", "A"))
    await put(ground, other, news("P1", "B"))

    for wrong in (
        StockCount("A", 1, AT, store_id=other.shop.store.id),
        StockCount("B", 1, AT, store_id=world.shop.store.id),
    ):
        with pytest.raises(NotFound):
            await take(ground, world, wrong)
    with pytest.raises(Invalid):
        await take(ground, world, *[counted(world, "A", 1)] * 501)
    for actor in (world.shop.guide, world.shop.manager, world.east_manager, till(world)):
        with pytest.raises(Forbidden):
            async with unit_of_work(ground, actor) as work:
                await commands.put_stock(work, [counted(world, "A", 1)])

    assert await count(ground, world.brand.id, Stock) == await count(ground, other.brand.id, Stock) == 0


async def test_counts_at_once_in_opposite_orders_all_come_in(ground: Ground) -> None:
    world = await build_world(ground)
    codes = [f"S{number:02}" for number in range(40)]
    await put(ground, world, news("P1", *codes))

    async def bring(turn: int, order: Sequence[str]) -> None:
        async with unit_of_work(ground, machine(world)) as work:
            await commands.put_stock(work, [counted(world, code, turn, turn) for code in order])

    await asyncio.gather(*(bring(turn, codes if turn % 2 else codes[::-1]) for turn in range(6)))

    assert [row[2:] for row in await shelves(ground, world)] == [(5, 5)] * 40


async def test_any_number_of_counts_takes_as_many_statements(ground: Ground) -> None:
    world = await build_world(ground)
    await put(ground, world, news("P1", *(f"S{number}" for number in range(60))))

    sent = []
    for many in (1, 60):
        with statements(ground) as found:
            await take(ground, world, *(counted(world, f"S{number}", 1, many) for number in range(many)))
        sent.append(len(found))

    assert sent[0] == sent[1]


async def test_a_manager_adds_a_product_by_hand_and_counts_it(ground: Ground) -> None:
    world = await build_world(ground)
    manager, other = world.shop.manager, world.shops[1].manager

    async with unit_of_work(ground, manager) as work:
        product = await commands.add_product(work, name="手工皂", price=3_900, category="家居", quantity=12)
    async with ground.db.read() as session:
        sku = await skus.by_code(session, manager, product.code)
    assert sku is not None
    async with unit_of_work(ground, other) as work:
        await commands.set_stock(work, sku.id, quantity=3)
    async with unit_of_work(ground, manager) as work:
        await commands.set_stock(work, sku.id, quantity=99, counted_at=clock.now() - timedelta(days=1))

    assert (product.price, product.category, sku.product_id) == (3_900, "家居", product.id)
    assert [row[:3] for row in await shelves(ground, world)] == [
        ("qinghe-1", product.code, 12),
        ("qinghe-2", product.code, 3),
    ]


async def test_guides_may_do_so_where_the_brand_lets_them(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    await put(ground, world, news("P1", "A"))
    async with ground.db.read() as session:
        sku = await skus.by_code(session, guide, "A")
    assert sku is not None

    for actor in (guide, world.east_manager, world.hq, machine(world)):
        with pytest.raises(Forbidden):
            async with unit_of_work(ground, actor) as work:
                await commands.add_product(work, name="皂", price=1)
        with pytest.raises(Forbidden):
            async with unit_of_work(ground, actor) as work:
                await commands.set_stock(work, sku.id, quantity=1)
    untouched = (await count(ground, world.brand.id, Product), await count(ground, world.brand.id, Stock))
    await save(ground, MallSetting(brand_id=world.brand.id, guides_may_add_products=True))
    async with unit_of_work(ground, guide) as work:
        await commands.add_product(work, name="皂", price=1, quantity=2)
        await commands.set_stock(work, sku.id, quantity=1)

    assert untouched == (1, 0)
    assert [row[0] for row in await shelves(ground, world)] == [world.shop.store.code] * 2


async def test_wrong_entries_by_hand_change_nothing(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    await put(ground, other, news("P1", "A"))
    async with ground.db.read() as session:
        foreign = await skus.by_code(session, other.hq, "A")
    assert foreign is not None

    async def act(actor: Actor, refusal: type[Refusal], **values: Any) -> None:
        with pytest.raises(refusal):
            async with unit_of_work(ground, actor) as work:
                if "name" in values:
                    await commands.add_product(work, **values)
                else:
                    await commands.set_stock(work, **values)

    await act(world.shop.manager, Invalid, name="", price=1)
    await act(world.shop.manager, Invalid, name="皂", price=-1)
    await act(world.shop.manager, Invalid, name="皂", price=1, quantity=-1)
    await act(world.shop.manager, Invalid, name="皂", price=1, images=["javascript:alert(1)"])
    await act(world.shop.manager, NotFound, sku_id=foreign.id, quantity=1)

    assert [await count(ground, world.brand.id, table) for table in (Product, Sku, Stock)] == [0, 0, 0]


async def test_everybody_sees_which_open_stores_have_a_size_those_with_most_first(ground: Ground) -> None:
    world = await build_world(ground)
    await put(ground, world, news("P1", "A", "B"), news("P2", "C"))
    await take(
        ground,
        world,
        *(counted(world, "A", quantity, shop=shop) for shop, quantity in enumerate((2, 5, 0))),
        counted(world, "B", 1, shop=2),
    )
    guide = world.shops[2].guide
    async with ground.db.read() as session:
        sku = await skus.by_code(session, guide, "A")
        assert sku is not None
        everywhere = await stock.of_skus(session, guide, [sku.id])
        here = await stock.in_store(session, guide, [sku.id], store_id=world.shops[2].store.id)
        there = [
            [row.code for row in await products.page(session, guide, Page(), products.Filter(in_store=shop.store.id))]
            for shop in world.shops
        ]
    await close(ground, world.shops[1].store)
    async with ground.db.read() as session:
        open_ones = await stock.of_skus(session, guide, [sku.id])

    assert [(row.store_code, row.quantity) for row in everywhere[sku.id]] == [("qinghe-2", 5), ("qinghe-1", 2)]
    assert here[sku.id].quantity == 0
    assert there == [["P1"], ["P1"], ["P1"]]
    assert [row.store_code for row in open_ones[sku.id]] == ["qinghe-1"]


async def close(ground: Ground, store: Store) -> None:
    async with ground.db.write() as session:
        await session.execute(
            update(Store)
            .where(col(Store.brand_id) == store.brand_id, col(Store.id) == store.id)
            .values(state=StoreState.CLOSED)
        )
