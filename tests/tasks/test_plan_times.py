"""When stores plan: each by its own clock, once a day, also where clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import update
from sqlmodel import col

from directory.models import Store, StoreState
from kernel import clock, ids
from kernel.work import Ground
from server import chores, worker
from tasks.models import (
    PlanCandidate,
    PlanRun,
    PlanSetting,
    RevisitRule,
    RevisitRuleState,
    Verdict,
)
from tasks.queries import plans
from tests.factories import NOON, World, build_customer, build_shop, build_world, save
from tests.statements import statements
from tests.tasks.planning import candidates, everybody, plan_all, planned, runs, set_up
from tests.tasks.revisiting import TODAY


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def move_to(ground: Ground, store: Store, time_zone: str) -> None:
    async with ground.db.write() as session:
        await session.execute(
            update(Store)
            .where(col(Store.brand_id) == store.brand_id, col(Store.id) == store.id)
            .values(time_zone=time_zone)
        )


async def test_each_store_plans_when_its_own_clock_says_so(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    await set_up(ground, world, plans_at="06:00")
    east, west = world.shops[0].store, world.shops[1].store
    await move_to(ground, west, "Asia/Urumqi")  # two hours behind
    morning = datetime(2026, 3, 2, 6, tzinfo=ZoneInfo("Asia/Shanghai"))

    await plan_all(ground, morning - timedelta(seconds=1))
    assert await runs(ground, world) == []
    await plan_all(ground, morning)
    assert {run.store_id for run in await runs(ground, world)} == {east.id, world.shops[2].store.id}
    await plan_all(ground, morning + timedelta(hours=2))
    assert {run.store_id for run in await runs(ground, world)} == {shop.store.id for shop in world.shops}


async def test_a_stores_own_setting_counts_instead_of_the_brands(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    await set_up(ground, world, plans_at="05:00")
    late, off = world.shops[0].store, world.shops[1].store
    for store, is_on, plans_at in ((late, True, "13:00"), (off, False, "05:00")):
        own = PlanSetting(brand_id=world.brand.id, id=ids.new(), store_id=store.id, is_on=is_on, plans_at=plans_at)
        await save(ground, own)

    await plan_all(ground, NOON)

    assert {run.store_id for run in await runs(ground, world)} == {world.shops[2].store.id}


async def test_without_any_setting_stores_plan_at_six(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    six = datetime(2026, 3, 2, 6, tzinfo=ZoneInfo("Asia/Shanghai"))

    await plan_all(ground, six - timedelta(minutes=1))
    assert await runs(ground, world) == []
    await plan_all(ground, six)
    assert len(await runs(ground, world)) == 3


async def test_a_store_that_is_shut_and_a_brand_without_live_rules_plan_nothing(ground: Ground, world: World) -> None:
    rule = await everybody(ground, world)
    await set_up(ground, world)
    async with ground.db.write() as session:
        await session.execute(
            update(Store)
            .where(col(Store.brand_id) == world.brand.id, col(Store.id) == world.shop.store.id)
            .values(state=StoreState.CLOSED)
        )
    other = await build_world(ground, "other")

    await plan_all(ground)

    assert world.shop.store.id not in {run.store_id for run in await runs(ground, world)}
    assert await runs(ground, other) == []
    async with ground.db.write() as session:
        await session.execute(
            update(RevisitRule).where(col(RevisitRule.brand_id) == rule.brand_id).values(state=RevisitRuleState.PAUSED)
        )
    await plan_all(ground, NOON + timedelta(days=1))
    assert {run.day for run in await runs(ground, world)} == {TODAY}


async def test_what_was_missed_is_planned_for_today_only(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    await set_up(ground, world)
    await plan_all(ground)

    await plan_all(ground, NOON + timedelta(days=5))

    assert {run.day for run in await runs(ground, world)} == {TODAY, TODAY + timedelta(days=5)}


@pytest.mark.parametrize(
    ("zone", "plans_at", "day", "expected"),
    [
        # Put forward from 02:00 to 03:00: half past two never comes, and at three it has passed.
        ("Europe/Berlin", "02:30", date(2026, 3, 29), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        # Put back from 03:00 to 02:00: half past two comes twice.
        ("Europe/Berlin", "02:30", date(2026, 10, 25), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        # Put forward over midnight, into the day itself.
        ("America/Asuncion", "00:30", date(2023, 10, 1), datetime(2023, 10, 1, 4, tzinfo=UTC)),
        # Put forward from 23:00 to the next day's midnight: the day is over before half past eleven.
        ("America/Nuuk", "23:30", date(2025, 3, 29), datetime(2025, 3, 30, 0, 59, tzinfo=UTC)),
    ],
)
async def test_where_clocks_change_a_day_is_planned_once(
    ground: Ground, world: World, zone: str, plans_at: str, day: date, expected: datetime
) -> None:
    await everybody(ground, world)
    await set_up(ground, world, plans_at=plans_at)
    for shop in world.shops:
        await move_to(ground, shop.store, zone)
    begins, ends = clock.day_bounds(day, zone)

    with clock.stopped_at(begins):
        await chores.begin_plans(ground)
    for minutes in range(0, int((ends - begins).total_seconds()) // 60):
        if minutes % 10 == 9 or minutes % 30 == 0:
            with clock.stopped_at(begins + timedelta(minutes=minutes)):
                await chores.begin_plans(ground)

    of_day = [run for run in await runs(ground, world) if run.day == day]
    assert [run.begun_at for run in of_day] == [expected] * 3


async def test_a_sweep_with_nothing_to_do_asks_twice_however_many_stores_there_are(
    ground: Ground, world: World
) -> None:
    await everybody(ground, world)
    await set_up(ground, world)
    await plan_all(ground)
    with clock.stopped_at(NOON + timedelta(minutes=5)):
        with statements(ground) as few:
            await chores.begin_plans(ground)
        for number in range(4):
            shop = await build_shop(ground, world.brand, world.regions["east"], f"more-{number}")
            await save(ground, PlanRun(brand_id=world.brand.id, store_id=shop.store.id, day=TODAY, begun_at=NOON))
        await build_world(ground, "other")
        with statements(ground) as many:
            await chores.begin_plans(ground)

    assert len(few) == len(many) == 2


async def test_stores_that_should_have_planned_and_have_not_are_known(ground: Ground, world: World) -> None:
    await everybody(ground, world)
    await set_up(ground, world, plans_at="06:00")
    six = datetime(2026, 3, 2, 6, tzinfo=ZoneInfo("Asia/Shanghai"))

    async def late(at: datetime) -> int:
        async with ground.db.read() as session:
            return len(await plans.unplanned(session, world.brand.id, at, 10))

    assert await late(six + plans.LATE_AFTER - timedelta(minutes=1)) == 0
    assert await late(six + plans.LATE_AFTER) == 3
    with clock.stopped_at(six):
        await chores.begin_plans(ground)
    assert await late(six + plans.LATE_AFTER + timedelta(minutes=1)) == 3  # begun, not made
    await plan_all(ground, six)
    assert await late(six + plans.LATE_AFTER + timedelta(minutes=1)) == 0


async def test_what_is_old_is_forgotten_and_what_is_not_stays(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await everybody(ground, world)
    await set_up(ground, world, cool_down_days=0, expires_after_days=0)
    for _ in range(5):
        await build_customer(ground, world.shop.guide)
    await plan_all(ground)
    [kept] = await planned_runs(ground, world)
    for days in (30, 31, 400, 401):
        day = TODAY - timedelta(days=days)
        old = PlanRun(brand_id=world.brand.id, store_id=kept.store_id, day=day, begun_at=NOON, done_at=NOON)
        await save(ground, old)
        for each in await candidates(ground, world):
            if each.day == TODAY:
                await save(ground, PlanCandidate(**each.model_dump() | {"day": day, "verdict": Verdict.OVER_QUOTA}))
    monkeypatch.setattr(plans, "AT_ONCE", 2)

    with clock.stopped_at(NOON):
        await worker.keep_house(ground)

    assert {each.day for each in await candidates(ground, world)} == {TODAY, TODAY - timedelta(days=30)}
    assert {run.day for run in await planned_runs(ground, world)} == {
        TODAY - timedelta(days=days) for days in (0, 30, 31, 400)
    }
    assert len(await planned(ground, world)) == 5


async def planned_runs(ground: Ground, world: World) -> list[PlanRun]:
    return [run for run in await runs(ground, world) if run.store_id == world.shop.store.id]
