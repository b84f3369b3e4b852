"""In random days across time zones and changes of the clock no promise of planning is ever broken."""

import importlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from customers.models import Customer
from directory.models import Store
from kernel import clock
from kernel.work import Ground, unit_of_work
from tasks import commands
from tasks.models import PlanSetting, Task, TaskState
from tasks.models.choosing import choose
from tasks.models.hours import Times, is_quiet, times
from tests.factories import World, build_customer, build_world
from tests.tasks import days
from tests.tasks.planning import everybody, plan_all, rows, set_up

# Each town lives from some weeks before a change of its clocks until some weeks after it.
TOWNS, DAYS = 12, 28
BEGINS = (date(2026, 3, 15), date(2026, 10, 11), date(2024, 2, 20))

judging = importlib.import_module("tasks.models.judging.judge")


def walk(seed: int) -> days.Town:
    town = days.build(seed)
    days.live(town, BEGINS[seed % len(BEGINS)], DAYS)
    return town


def test_in_a_thousand_random_days_nothing_is_broken() -> None:
    towns = [walk(seed) for seed in range(TOWNS)]

    assert TOWNS * DAYS * 3 >= 1000  # each store has days of its own
    assert [days.broken(town) for town in towns] == [set()] * TOWNS
    assert sum(len(town.log) for town in towns) > 1000


def _without_cool_down(of: Callable[..., Any]) -> Callable[..., Any]:
    return lambda setting, subject, day: of(setting, replace(subject, turned_to=None), day)


def _without_consent(of: Callable[..., Any]) -> Callable[..., Any]:
    return lambda setting, subject, day: of(setting, replace(subject, do_not_contact=False), day)


def _without_asking_whose_they_are(of: Callable[..., Any]) -> Callable[..., Any]:
    free = {"is_primary": True, "is_open": False, "turned_to": None}
    return lambda setting, subject, day: of(setting, replace(subject, **free), day)


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        (_without_cool_down, "cool_down"),
        (_without_consent, "do_not_contact"),
        (_without_asking_whose_they_are, "two calls on one day"),
    ],
)
def test_whoever_judges_wrongly_is_found_out(
    monkeypatch: pytest.MonkeyPatch, broken: Callable[..., Any], promise: str
) -> None:
    monkeypatch.setattr(judging, "excluded", broken(judging.excluded))

    assert promise in set().union(*(days.broken(walk(seed)) for seed in range(4)))


def test_whoever_forgets_the_quota_or_the_quiet_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def one_more(judged: Any, rules: Any, its: PlanSetting, *rest: Any) -> Any:
        return choose(judged, rules, its.model_copy(update={"quota": its.quota + 1}), *rest)

    def at_once(its: PlanSetting, zone: str, day: date, now: datetime, priority: int) -> Times:
        return replace(times(its, zone, day, now, priority), alert_at=now)

    for name, broken, promise in (("choose", one_more, "quota"), ("times", at_once, "quiet hours")):
        with monkeypatch.context() as patched:
            patched.setattr(days, name, broken)
            assert promise in set().union(*(days.broken(walk(seed)) for seed in range(4)))


async def test_a_real_brand_keeps_its_promises_over_days(ground: Ground) -> None:
    """The same with tables, jobs and commands: two weeks around a change of the clock, in three time zones."""
    dice, world = random.Random(7), await build_world(ground)
    await everybody(ground, world)
    setting = await set_up(ground, world, quota=2, cool_down_days=3, plans_at="02:30", expires_after_days=2)
    for shop, zone in zip(world.shops, ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe"), strict=True):
        await _move_to(ground, shop.store, zone)
    customers = [await build_customer(ground, dice.choice(shop.guides)) for shop in world.shops for _ in range(6)]
    since = datetime(2026, 10, 20, 12, tzinfo=UTC)
    alone: dict[Any, datetime] = {}
    for step in range(14 * 2):
        moment = since + timedelta(hours=12 * step)
        await plan_all(ground, moment)
        with clock.stopped_at(moment + timedelta(minutes=1)):
            await _do_some(ground, world, dice)
            left_alone = dice.choice(customers)
            if step % 5 == 0 and left_alone.id not in alone:
                alone[left_alone.id] = moment + timedelta(minutes=1)
                async with ground.db.write() as session:
                    found = await session.get(Customer, (world.brand.id, left_alone.id))
                    assert found
                    found.consent(True, clock.now())

    zones = {shop.store.id: shop.store.time_zone for shop in world.shops}
    made = [task for task in await rows(ground, world, Task, "id") if task.rule_id is not None]
    assert len(made) > 30
    assert max(Counter((task.account_id, task.contact_day) for task in made).values()) <= setting.quota
    assert max(Counter((task.customer_id, task.contact_day) for task in made).values()) == 1
    for task in made:
        assert task.created_at <= alone.get(task.customer_id, task.created_at)
        assert not is_quiet(setting, zones[task.store_id], task.alert_at)
        earlier = [one for one in made if one.customer_id == task.customer_id and one.contact_day < task.contact_day]
        assert all((task.contact_day - one.contact_day).days >= setting.cool_down_days for one in earlier)


async def _move_to(ground: Ground, store: Store, zone: str) -> None:
    store.time_zone = zone
    async with ground.db.write() as session:
        await session.execute(
            update(Store).where(col(Store.brand_id) == store.brand_id, col(Store.id) == store.id).values(time_zone=zone)
        )


async def _do_some(ground: Ground, world: World, dice: random.Random) -> None:
    """Guides complete most of what they have."""
    actors = {guide.account_ids[0]: guide for shop in world.shops for guide in shop.guides}
    for task in await rows(ground, world, Task, "id"):
        if task.state is TaskState.PENDING and dice.random() < 0.6:
            async with unit_of_work(ground, actors[task.account_id]) as work:
                await commands.complete(work, task.id)
