"""Plans are drafted, tried, started and ended; on each day at most one pays."""

from datetime import date, timedelta
from typing import Any

import pytest

from kernel import clock
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from mall.commands import commission
from mall.commands.commission import Said
from mall.errors import (
    CommissionPlanIsLive,
    CommissionPlanNotLive,
    CommissionPlanOver,
    CommissionPlansOverlap,
    PreviewTooLarge,
    TooManyCommissionPlans,
)
from mall.models import CommissionEntry, CommissionPlan, CommissionPlanState
from mall.models.commissioning import Rate
from mall.queries.commission import plans as queries
from mall.queries.commission import previewing
from tests.factories import World, build_customer, build_world, reload
from tests.mall.commissions import GUIDE, MANAGER, NOON, RATES, draft, earned, product, running, work_off
from tests.mall.trading import count, place, refund
from tests.refusals import snapshot

TODAY = NOON.date()


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def end(ground: Ground, world: World, plan: CommissionPlan, day: date) -> CommissionPlan:
    async with unit_of_work(ground, world.hq) as work:
        return await commission.end_plan(work, plan.id, day)


async def start(ground: Ground, world: World, plan: CommissionPlan) -> CommissionPlan:
    async with unit_of_work(ground, world.hq) as work:
        return await commission.start_plan(work, plan.id)


async def test_a_draft_is_written_anew_started_and_ended(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        plan = await draft(ground, world)
        async with unit_of_work(ground, world.hq) as work:
            said = Said(" 夏季 ", TODAY, None, [Rate(GUIDE, " 鞋履 ", 1_000)])
            await commission.save_plan(work, said, plan.id, expected_version=1)
        await start(ground, world, plan)
        await end(ground, world, plan, TODAY)

    found = await reload(ground, plan)
    assert (found.name, found.state, found.from_day, found.until_day, found.version) == (
        "夏季",
        CommissionPlanState.LIVE,
        TODAY,
        TODAY,
        4,
    )
    assert found.rates == [{"role": "guide", "category": "鞋履", "rate": 1_000}]


@pytest.mark.parametrize(
    "values",
    [
        {"name": " "},
        {"rates": []},
        {"rates": [Rate(GUIDE, None, 5_001)]},
        {"rates": [Rate(GUIDE, None, -1)]},
        {"rates": [Rate(GUIDE, None, 1), Rate(GUIDE, " ", 2)]},
        {"rates": [Rate(GUIDE, f"{number}", 1) for number in range(201)]},
        {"until_day": date(2026, 2, 28)},
    ],
)
async def test_a_plan_that_makes_no_sense_is_refused(ground: Ground, world: World, values: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"name": "方案", "from_day": date(2026, 3, 1), "until_day": None, "rates": RATES}
    before = await snapshot(ground)

    with pytest.raises(Invalid):
        async with unit_of_work(ground, world.hq) as work:
            await commission.save_plan(work, Said(**usual | values))

    assert await snapshot(ground) == before


async def test_only_headquarters_writes_starts_and_ends_plans(ground: Ground, world: World) -> None:
    plan = await draft(ground, world)
    before = await snapshot(ground)

    def tries(actor: Actor) -> Any:
        async def tried(act: Any) -> None:
            with pytest.raises(Forbidden):
                async with unit_of_work(ground, actor) as work:
                    await act(work)

        return tried

    for actor in (world.shop.guide, world.shop.manager, world.east_manager):
        refused = tries(actor)
        await refused(lambda work: commission.save_plan(work, Said("x", TODAY, None, RATES)))
        await refused(lambda work: commission.start_plan(work, plan.id))
        await refused(lambda work: commission.end_plan(work, plan.id, TODAY))
        await refused(lambda work: commission.remove_plan(work, plan.id))
        await refused(lambda work: commission.close_period(work, TODAY))
    assert await snapshot(ground) == before


async def test_a_live_plan_is_neither_edited_nor_removed_nor_started_again(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        plan = await running(ground, world)
        before = await snapshot(ground)
        acts: list[Any] = [
            lambda work: commission.save_plan(work, Said("x", TODAY, None, RATES), plan.id),
            lambda work: commission.remove_plan(work, plan.id),
            lambda work: commission.start_plan(work, plan.id),
        ]
        for act in acts:
            with pytest.raises(CommissionPlanIsLive):
                async with unit_of_work(ground, world.hq) as work:
                    await act(work)

    assert await snapshot(ground) == before


async def test_a_draft_is_removed_and_so_is_a_plan_that_has_not_begun(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        later = await running(ground, world, from_day=TODAY + timedelta(days=1))
        for plan in (later, await draft(ground, world)):
            async with unit_of_work(ground, world.hq) as work:
                await commission.remove_plan(work, plan.id)

    assert await count(ground, world.brand.id, CommissionPlan) == 0


async def test_an_older_version_a_draft_that_is_ended_and_nothing_are_refused(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        plan = await draft(ground, world)
        with pytest.raises(StaleVersion):
            async with unit_of_work(ground, world.hq) as work:
                await commission.start_plan(work, plan.id, expected_version=7)
        with pytest.raises(CommissionPlanNotLive):
            await end(ground, world, plan, TODAY)
        with pytest.raises(NotFound):
            async with unit_of_work(ground, world.hq) as work:
                await commission.start_plan(work, world.brand.id)

    assert (await reload(ground, plan)).version == 1


@pytest.mark.parametrize(("until", "days"), [(None, 30), (TODAY, 0), (TODAY + timedelta(days=30), -90)])
async def test_two_plans_never_pay_for_the_same_day(
    ground: Ground, world: World, until: date | None, days: int
) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world, until_day=until)
        second = await draft(ground, world, from_day=TODAY + timedelta(days=days))
        before = await snapshot(ground)

        with pytest.raises(CommissionPlansOverlap):
            await start(ground, world, second)

    assert await snapshot(ground) == before


async def test_one_plan_follows_another_on_the_next_day(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        first = await running(ground, world)
        await end(ground, world, first, TODAY)
        await running(ground, world, [Rate(MANAGER, None, 1)], from_day=TODAY + timedelta(days=1))
        with pytest.raises(CommissionPlansOverlap):
            await end(ground, world, first, TODAY + timedelta(days=1))


async def test_a_plan_ends_today_at_the_earliest_and_then_stays_ended(ground: Ground, world: World) -> None:
    """Orders may have been paid by it until now."""
    with clock.stopped_at(NOON):
        plan = await running(ground, world)
        with pytest.raises(CommissionPlanOver):
            await end(ground, world, plan, TODAY - timedelta(days=1))
        await end(ground, world, plan, TODAY)
    with clock.stopped_at(NOON + timedelta(days=1)), pytest.raises(CommissionPlanOver):
        await end(ground, world, plan, TODAY + timedelta(days=9))


async def test_a_brand_writes_two_hundred_plans_at_most(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_PLANS", 1)
    await draft(ground, world)

    with pytest.raises(TooManyCommissionPlans):
        await draft(ground, world)

    assert await count(ground, world.brand.id, CommissionPlan) == 1


async def test_a_preview_says_what_the_plan_then_pays_and_posts_nothing(ground: Ground, world: World) -> None:
    await product(ground, world, "P1", "鞋履")
    with clock.stopped_at(NOON):
        for amount in (19_900, 4_321):
            await place(ground, world, await build_customer(ground, world.shop.guide), amount=amount)
        third = await place(ground, world, await build_customer(ground, world.shop.guide), amount=1_000)
        await refund(ground, world, third.id, amount=300)
        plan = await draft(ground, world)
        async with ground.db.read() as session:
            seen = await previewing.preview(session, world.hq, plan.id, TODAY, TODAY)
            nothing = await previewing.preview(session, world.hq, plan.id, date(2026, 3, 1), date(2026, 3, 2))
        posted = await count(ground, world.brand.id, CommissionEntry)
        await start(ground, world, plan)
        await work_off(ground)

    assert posted == 0
    assert (seen.orders, nothing.orders, nothing.amount, nothing.sums) == (3, 0, 0, [])
    assert seen.amount == sum((await earned(ground, world)).values())
    assert [(each.role, each.category, each.basis) for each in seen.sums] == [
        (GUIDE, "鞋履", 24_921),
        (MANAGER, "鞋履", 24_921),
    ]


async def test_a_preview_of_too_many_orders_is_refused(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previewing, "MOST_PREVIEWED", 1)
    with clock.stopped_at(NOON):
        for _ in range(2):
            await place(ground, world)
        plan = await draft(ground, world)
        async with ground.db.read() as session:
            with pytest.raises(PreviewTooLarge):
                await previewing.preview(session, world.hq, plan.id, TODAY, TODAY)
            with pytest.raises(Forbidden):
                await previewing.preview(session, world.shop.manager, plan.id, TODAY, TODAY)
            with pytest.raises(Invalid):
                await previewing.preview(session, world.hq, plan.id, TODAY, date(2026, 1, 1))


async def test_guides_see_what_they_are_paid_by_and_no_drafts(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        live, sketch = await running(ground, world), await draft(ground, world)

    async with ground.db.read() as session:
        for actor, seen in ((world.hq, {live.id, sketch.id}), (world.shop.guide, {live.id})):
            assert set(await queries.by_ids(session, actor, [live.id, sketch.id])) == seen
