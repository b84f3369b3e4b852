"""Periods are closed for good, statements are frozen, and everything ties; what was tampered with is found."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update
from sqlmodel import col

from kernel import clock
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from mall.commands import commission
from mall.commands.commission import periods as closing
from mall.errors import (
    CommissionPeriodClosed,
    CommissionPeriodNotOver,
    CommissionRhythmTooEarly,
    EarlierPeriodOpen,
)
from mall.models import CommissionPeriod, CommissionStatement, OrderLine
from mall.models.periods import Rhythm, Span
from mall.queries.commission import ledger as entries_of
from mall.queries.commission import periods, reconciling, statements, verifying
from tests.factories import World, build_customer, build_world
from tests.mall.commissions import (
    APRIL,
    MAY,
    NEXT_MONTH,
    NOON,
    WHOLE,
    buy,
    close,
    ledger,
    product,
    running,
    said,
    work_off,
)
from tests.mall.trading import count, place, refund, till
from tests.refusals import snapshot
from tests.statements import statements as sent_to

SPAN = Span(APRIL, date(2026, 4, 30))


@pytest.fixture
async def world(ground: Ground) -> World:
    world = await build_world(ground)
    await product(ground, world, "S1", "鞋履")
    return world


async def trade(ground: Ground, world: World) -> None:
    """A plan, orders in two shops, a refund on one and one that names none."""
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world)
        await refund(ground, world, order.id, amount=7_003)
        await refund(ground, world, amount=500)
        customer = await build_customer(ground, world.shops[1].guide)
        await place(ground, world, customer, **WHOLE, store_id=world.shops[1].store.id)


async def differences(ground: Ground, world: World) -> list[str]:
    return [line async for line in verifying.differences(ground.db.read, world.brand.id)]


async def test_a_close_freezes_what_the_entries_say(ground: Ground, world: World) -> None:
    await trade(ground, world)
    live = await shown(ground, world)
    with clock.stopped_at(NEXT_MONTH):
        await close(ground, world, date(2026, 4, 17))

    frozen = await shown(ground, world)
    assert frozen == live
    assert len(live) == await count(ground, world.brand.id, CommissionStatement) == 4
    assert await differences(ground, world) == []
    async with ground.db.read() as session:
        [period] = [each for each in await periods.latest(session, world.hq) if each.first_day == APRIL]
    assert period.digest
    assert period.closed_at == NEXT_MONTH


async def shown(ground: Ground, world: World, actor: Any = None) -> list[statements.Statement]:
    async with ground.db.read() as session:
        return list(await statements.page(session, actor or world.hq, Page(100), APRIL))


async def test_a_digest_is_the_same_in_however_many_steps(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing, "SEALED_AT_ONCE", 3)
    await trade(ground, world)
    with clock.stopped_at(NEXT_MONTH):
        await close(ground, world, APRIL)

    assert await differences(ground, world) == []
    assert await count(ground, world.brand.id, CommissionStatement) == 4


async def test_a_period_is_closed_once_when_it_is_over_and_in_its_turn(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON), pytest.raises(NotFound):
        await close(ground, world, date(2026, 3, 1))
    await trade(ground, world)
    before = await snapshot(ground)
    over = clock.day_bounds(date(2026, 4, 30), "Asia/Shanghai")[1]
    with clock.stopped_at(over - timedelta(seconds=1)), pytest.raises(CommissionPeriodNotOver):
        await close(ground, world, APRIL)
    with clock.stopped_at(NEXT_MONTH + timedelta(days=40)), pytest.raises(EarlierPeriodOpen):
        await close(ground, world, MAY)
    assert await snapshot(ground) == before

    with clock.stopped_at(over):
        await close(ground, world, APRIL)
        closed = await snapshot(ground)
        for day in (APRIL, date(2026, 3, 5)):
            with pytest.raises(CommissionPeriodClosed):
                await close(ground, world, day)

    assert await snapshot(ground) == closed


async def test_of_two_who_close_at_once_one_does(ground: Ground, world: World) -> None:
    await trade(ground, world)

    async def shut() -> None:
        async with unit_of_work(ground, world.hq) as work:
            await commission.close_period(work, APRIL)

    with clock.stopped_at(NEXT_MONTH):
        came = await asyncio.gather(shut(), shut(), return_exceptions=True)
        await work_off(ground)

    assert sorted(type(each).__name__ for each in came) == ["CommissionPeriodClosed", "NoneType"]
    assert await count(ground, world.brand.id, CommissionPeriod) == 1
    assert await differences(ground, world) == []


async def test_months_turn_into_quarters_with_the_next_period(ground: Ground, world: World) -> None:
    await trade(ground, world)

    async def say(rhythm: Rhythm, day: date | None = None, version: int | None = None) -> Any:
        async with unit_of_work(ground, world.hq) as work:
            return await commission.set_rhythm(work, rhythm, day, expected_version=version)

    with clock.stopped_at(NOON):
        before = await snapshot(ground)
        for day in (APRIL, date(2026, 3, 1)):
            with pytest.raises(CommissionRhythmTooEarly):
                await say(Rhythm.QUARTERLY, day)
        with pytest.raises(Invalid):
            await say(Rhythm.QUARTERLY, date(2026, 5, 2))
        with pytest.raises(StaleVersion):
            await say(Rhythm.QUARTERLY, version=9)
        assert await snapshot(ground) == before
        await say(Rhythm.QUARTERLY)
    with clock.stopped_at(NEXT_MONTH):
        await buy(ground, world)
        with pytest.raises(CommissionRhythmTooEarly):
            await say(Rhythm.MONTHLY, date(2026, 6, 1))
        with pytest.raises(CommissionPeriodNotOver):
            await close(ground, world, MAY)
        async with ground.db.read() as session:
            found = await periods.of_day(session, world.hq, date(2026, 7, 31))

    assert (found.first_day, found.last_day) == (MAY, date(2026, 7, 31))
    assert {entry[5] for entry in await said(ground, world)} == {APRIL, MAY}


async def test_before_anything_is_posted_any_month_may_begin_the_quarters(ground: Ground, world: World) -> None:
    async with unit_of_work(ground, world.hq) as work:
        await commission.set_rhythm(work, Rhythm.QUARTERLY, date(2026, 2, 1))
    await trade(ground, world)

    assert {entry[5] for entry in await said(ground, world)} == {date(2026, 2, 1)}


async def test_everybody_sees_their_own_managers_their_stores_and_headquarters_all(
    ground: Ground, world: World
) -> None:
    await trade(ground, world)
    here, there = world.shops[0], world.shops[1]

    seen = {
        name: {(each.store_id, each.staff_id) for each in await shown(ground, world, actor)}
        for name, actor in {
            "guide": here.guide,
            "colleague": here.other_guide,
            "manager": here.manager,
            "region": world.east_manager,
            "hq": world.hq,
            "reporter": till(world, "reports:read"),
            "till": till(world, "orders:read"),
        }.items()
    }

    ours = {(here.store.id, here.guide.id), (here.store.id, here.manager.id)}
    theirs = {(there.store.id, there.guide.id), (there.store.id, there.manager.id)}
    assert seen == {
        "guide": {(here.store.id, here.guide.id)},
        "colleague": set(),
        "manager": ours,
        "region": ours | theirs,
        "hq": ours | theirs,
        "reporter": ours | theirs,
        "till": set(),
    }


@pytest.mark.parametrize("orders", [1, 3])
async def test_a_page_of_statements_and_entries_takes_as_many_statements_whatever_is_on_it(
    ground: Ground, world: World, orders: int
) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        for _ in range(orders):
            await buy(ground, world)

    async with ground.db.read() as session:
        with sent_to(ground) as sent:
            rows = await entries_of.page(session, world.hq, Page(100), APRIL)
            pairs = await statements.page(session, world.hq, Page(1), APRIL)

    assert (len(rows), len(pairs), len(sent)) == (4 * orders, 2, 4)


async def test_goods_discounts_refunds_and_commission_tie_to_the_penny(ground: Ground, world: World) -> None:
    await trade(ground, world)

    async with ground.db.read() as session:
        before = await reconciling.in_all(session, world.hq, SPAN)
    with clock.stopped_at(NEXT_MONTH):
        await close(ground, world, APRIL)
    async with ground.db.read() as session:
        after = await reconciling.in_all(session, world.hq, SPAN)
        stores = await reconciling.by_store(session, world.hq, SPAN, Page(100))
        untied = await reconciling.untied(session, world.hq, SPAN)

    entries = await ledger(ground, world.brand.id)
    assert before == after
    assert after.is_tied
    assert (after.goods, after.discounts, after.services, after.orders) == (80_000, 8_000, 2_000, 74_000)
    assert (after.refunds, after.net, after.order_count) == (7_503, 66_497, 2)
    assert after.commission == after.statements == sum(entry.amount for entry in entries)
    assert after.guide_basis == after.manager_basis == 72_000 - 7_003
    assert [each.ties.is_tied for each in stores] == [True] * 3
    assert sum(each.ties.commission for each in stores) == after.commission
    assert untied == []


async def test_what_does_not_tie_is_named_with_its_order(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world)
    async with ground.db.write() as session:
        await session.execute(
            update(OrderLine)
            .where(col(OrderLine.brand_id) == world.brand.id, col(OrderLine.line) == 1)
            .values(amount=30_001)
        )

    async with ground.db.read() as session:
        ties = await reconciling.in_all(session, world.hq, SPAN)
        untied = await reconciling.untied(session, world.hq, SPAN)

    assert not ties.is_tied
    assert [(each.number, each.lines, each.amount) for each in untied] == [(order.number, 37_001, 37_000)]
    assert [line for line in await differences(ground, world) if order.number in line] != []


async def test_only_accountants_reconcile(ground: Ground, world: World) -> None:
    async with ground.db.read() as session:
        for actor in (world.shop.guide, world.shop.manager, world.east_manager, till(world)):
            with pytest.raises(Forbidden):
                await reconciling.in_all(session, actor, SPAN)


TAMPERED = {
    "an amount": "UPDATE commission_entry SET amount = amount + 1 WHERE reason = 'reversal' AND role = 'guide'",
    "a period": "UPDATE commission_entry SET period = '2026-05-01' WHERE reason = 'reversal' AND role = 'guide'",
    "a row less": "DELETE FROM commission_entry WHERE reason = 'reversal' AND role = 'guide'",
    "a statement": "UPDATE commission_statement SET amount = amount + 1",
    "a refund": "UPDATE refund SET amount = amount - 1 WHERE order_id IS NOT NULL",
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_somebody_changed_by_hand_is_found(ground: Ground, world: World, what: str) -> None:
    await trade(ground, world)
    with clock.stopped_at(NEXT_MONTH):
        await close(ground, world, APRIL)
    assert await differences(ground, world) == []
    async with ground.db.write() as session:
        for statement in _without_guard(ground):
            await session.execute(text(statement))
        await session.execute(text(TAMPERED[what]))

    assert await differences(ground, world) != []
    await _guard_again(ground)


def _without_guard(ground: Ground) -> list[str]:
    if ground.db.is_sqlite:
        return [f"DROP TRIGGER keep_commission_entry_{act}" for act in ("update", "delete")]
    return ["ALTER TABLE commission_entry DISABLE TRIGGER keep_commission_entry"]


async def _guard_again(ground: Ground) -> None:
    """PostgreSQL's tables are the next test's."""
    if not ground.db.is_sqlite:
        async with ground.db.write() as session:
            await session.execute(text("ALTER TABLE commission_entry ENABLE TRIGGER keep_commission_entry"))
