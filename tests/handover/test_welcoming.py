"""Takeover guides are asked to welcome whoever came to them, a few a day, the most valuable first."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from directory.models import Store
from handover.commands import undoing
from handover.models import Handover, HandoverSetting
from handover.models.spreading import open_days, spread
from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from mall.models import PurchaseProfile
from server import handing_over
from tasks.models import Task, TaskKind, TaskState
from tests.factories import NOON, World, build_customer, build_task, build_world, relationship_of, save
from tests.handover.handing import build_handover, leave, run


async def moved(ground: Ground, world: World) -> Handover:
    await leave(ground, world.shop.guide)
    handover = await build_handover(ground, world)
    await run(ground, handover)
    return handover


async def welcome(ground: Ground, handover: Handover) -> None:
    await handing_over.welcome(ground, handover.brand_id, handover_id=str(handover.id))


async def welcomes(ground: Ground, keeper: Actor) -> list[Task]:
    """The open welcome tasks of somebody, the soonest first."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(Task)
            .where(
                col(Task.brand_id) == keeper.brand_id,
                col(Task.account_id).in_(keeper.account_ids),
                col(Task.kind) == TaskKind.WELCOME,
                col(Task.state) == TaskState.PENDING,
            )
            .order_by(col(Task.due_at))
        )
        return list(found)


async def test_a_few_a_day_on_days_when_the_shop_is_open_the_most_valuable_first(ground: Ground) -> None:
    with clock.stopped_at(NOON):  # a Monday
        world = await build_world(ground)
        await save(ground, HandoverSetting(brand_id=world.brand.id, welcomes_a_day=2))
        async with ground.db.write() as session:
            store = await session.get(Store, (world.brand.id, world.shop.store.id))
            assert store
            store.opening_hours = [["10:00", "18:00"], ["10:00", "18:00"], None, *[["10:00", "18:00"]] * 4]
        known = [await build_customer(ground, world.shop.guide) for _ in range(5)]
        for place, customer in enumerate(known):
            await save(ground, _profile(customer, place * 100))
        handover = await moved(ground, world)

        await welcome(ground, handover)
        await welcome(ground, handover)

        found = await welcomes(ground, world.shop.other_guide)
    days = Counter(clock.store_day(task.due_at, "Asia/Shanghai") for task in found)
    tuesday = date(2026, 3, 3)
    assert days == {tuesday: 2, tuesday + timedelta(days=2): 2, tuesday + timedelta(days=3): 1}
    assert {task.customer_id for task in found[:2]} == {each.id for each in known[3:]}
    assert found[-1].customer_id == known[0].id
    week = [["10:00", "18:00"]] * 7
    for task in found:
        assert task.snoozed_until
        assert clock.is_open(week, task.snoozed_until, "Asia/Shanghai")
        assert clock.is_open(week, task.due_at, "Asia/Shanghai")


async def test_whoever_wants_to_be_left_alone_or_is_welcomed_already_isnt_welcomed(ground: Ground) -> None:
    world = await build_world(ground)
    quiet = await build_customer(ground, world.shop.guide, do_not_contact=True)
    known = await build_customer(ground, world.shop.guide)
    there = await build_task(ground, world.shop.guide, known, kind=TaskKind.WELCOME)
    other = await build_customer(ground, world.shop.guide)
    handover = await moved(ground, world)

    await welcome(ground, handover)

    found = await welcomes(ground, world.shop.other_guide)
    assert {task.customer_id for task in found} == {known.id, other.id}
    assert there.id in {task.id for task in found}
    assert quiet.id not in {task.customer_id for task in found}


async def test_a_welcome_that_was_closed_is_not_made_again(ground: Ground) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.guide)
    handover = await moved(ground, world)
    await welcome(ground, handover)
    [task] = await welcomes(ground, world.shop.other_guide)
    async with ground.db.write() as session:
        row = await session.get(Task, (task.brand_id, task.id))
        assert row
        row.state = TaskState.DONE

    await welcome(ground, handover)

    assert await welcomes(ground, world.shop.other_guide) == []


async def test_what_goes_to_the_store_is_welcomed_by_nobody(ground: Ground) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.guide)
    await leave(ground, world.shop.guide)
    handover = await build_handover(ground, world, takers=[world.shop.public.id])
    await run(ground, handover)

    await welcome(ground, handover)

    assert await welcomes(ground, world.shop.manager) == []


async def test_an_undone_handover_takes_its_welcomes_back(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    handover = await moved(ground, world)
    await welcome(ground, handover)
    async with unit_of_work(ground, world.shop.manager) as work:
        back = await undoing.undo(work, handover.id)
    await run(ground, back)

    await welcome(ground, handover)
    await welcome(ground, back)

    assert await welcomes(ground, world.shop.other_guide) == await welcomes(ground, world.shop.guide) == []
    assert (await relationship_of(ground, customer)).holder_id == world.shop.guide.account_ids[0]


@given(
    st.integers(0, 200),
    st.dictionaries(st.integers(0, 30).map(lambda each: date(2026, 3, 2) + timedelta(days=each)), st.integers(0, 9)),
    st.integers(1, 7),
    st.lists(st.booleans(), min_size=7, max_size=7),
)
def test_no_day_has_more_than_its_share_and_none_is_shut(
    count: int, taken: dict[date, int], most: int, is_open: list[bool]
) -> None:
    week = [["10:00", "22:00"] if each else None for each in is_open]
    days = spread(count, open_days(week, date(2026, 3, 2)), taken, most)

    assert len(days) == count
    assert days == sorted(days)
    assert all(week[day.weekday()] for day in days) or not any(week)
    for day, number in Counter(days).items():
        assert number + taken.get(day, 0) <= max(most, taken.get(day, 0))


def _profile(customer: Any, net: int) -> PurchaseProfile:
    return PurchaseProfile(
        brand_id=customer.brand_id, customer_id=customer.id, net=net, net_12_months=net, as_of=NOON.date()
    )
