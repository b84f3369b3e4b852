"""What may go wrong with figures goes wrong here on purpose, and is noticed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Select, and_
from sqlmodel import col

import kpi.reactions
import mall.commands.refunds
import server.wiring
from kernel import clock
from kernel.work import Ground, Work
from kpi.commands import recounting
from kpi.models import Grain
from kpi.models.measures import DISTINCT, WORK
from kpi.queries import store_days
from kpi.queries.counted import over, sold
from kpi.queries.counted.statements import of_days, of_spans
from kpi.queries.store_days import brand
from mall.models import Order, OrderState
from tests.factories import World, build_customer, build_world
from tests.kpi.counting import at, count_marked, wrong
from tests.kpi.deeds import DEEDS, MIDNIGHT
from tests.mall.earning import build_share, correct
from tests.mall.trading import place, refund
from tests.tagging.auditing import plant

on_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def test_there_is_a_deed_for_each_event_that_marks_days() -> None:
    assert set(DEEDS) == set(kpi.reactions.MARKED)


@on_sqlite
@pytest.mark.parametrize("event", kpi.reactions.MARKED, ids=lambda event: event.__name__)
async def test_a_mark_that_is_dropped_is_noticed(ground: Ground, event: type, monkeypatch: pytest.MonkeyPatch) -> None:
    async def nothing(_work: Work, _events: Sequence[Any]) -> None:
        pass

    plant(monkeypatch, wrong=())
    with clock.stopped_at(at(MIDNIGHT)):
        for is_dropped in (False, True):
            world = await build_world(ground, f"town-{is_dropped}")
            deed = await DEEDS[event](ground, world)
            await count_marked(ground, world.brand.id)
            assert await wrong(ground, world.brand.id) == {}
            if is_dropped:
                kept = tuple(mark for mark in server.wiring.MARKS[event] if mark is not kpi.reactions.MARKED[event])
                monkeypatch.setitem(server.wiring.MARKS, event, (*kept, nothing))
            await deed()
            await count_marked(ground, world.brand.id)

            assert (await wrong(ground, world.brand.id) != {}) is is_dropped


async def business(ground: Ground, world: World) -> None:
    """Some weeks of all that the mutants below are about, told to the product, and counted."""
    shop = world.shop
    customer = await build_customer(ground, shop.guide)
    for moment in ("2026-03-03T23:30+08:00", "2026-03-04T00:30+08:00"):
        await build_share(ground, shop.guide, at(moment))
        await place(ground, world, customer, placed_at=at(moment), amount=900)
    order = await place(ground, world, customer, placed_at=at("2026-03-03T12:00+08:00"), amount=900)
    await place(ground, world, customer, placed_at=at("2026-03-03T12:00+08:00"), state=OrderState.CANCELLED)
    await refund(ground, world, order.id, amount=100, placed_at=at("2026-03-05T12:00+08:00"))
    await correct(ground, shop.manager, order, (shop.other_guide, 10_000))
    await count_marked(ground, world.brand.id)


def in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day lasts from midnight to midnight in Greenwich."""

    def bounds(day: date, _zone: str) -> tuple[datetime, datetime]:
        since = datetime.combine(day, time.min, UTC)
        return since, since + timedelta(days=1)

    monkeypatch.setattr(clock, "day_bounds", bounds)


def orders_in_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written down of an order's day is that in Greenwich."""
    monkeypatch.setattr(clock, "store_day", lambda moment, _zone: moment.astimezone(UTC).date())


def when_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refund counts on the day on which it arrived."""
    late = SimpleNamespace(now=clock.now, store_day=lambda _at, zone: clock.store_day(clock.now(), zone))
    monkeypatch.setattr(mall.commands.refunds, "clock", late)


def on_its_orders_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refund counts on the day of its order."""
    days = SimpleNamespace(now=clock.now, store_day=lambda _at, _zone: date(2026, 3, 3))
    monkeypatch.setattr(mall.commands.refunds, "clock", days)


def to_who_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks after an order now has the credit."""

    def credited(orders: Any) -> Select[*tuple[Any, ...]]:
        parts = sold._part(orders, Grain.ACCOUNT, col(Order.serving_account_id), orders.c.amount)
        served = parts.join(Order, and_(col(Order.brand_id) == brand(), col(Order.id) == orders.c.id))
        return served.where(col(Order.serving_account_id).is_not(None))

    monkeypatch.setattr(sold, "_credited", credited)


def added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A week's customers are those of its days, added up."""
    monkeypatch.setattr(over, "WORK", (*WORK, *DISTINCT))
    monkeypatch.setattr(over, "DISTINCT", ())
    monkeypatch.setattr(over, "_active", lambda *_: ())


def cancelled_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders count whatever became of them."""
    monkeypatch.setattr(store_days, "COUNTED_STATES", tuple(OrderState))


@pytest.fixture(autouse=True)
def statements() -> Iterator[None]:
    """Statements are made once in a process: those of a mutant are its own."""
    made = (of_days, of_spans, store_days._peculiar, recounting._statements)
    for each in made:
        each.cache_clear()
    yield
    for each in made:
        each.cache_clear()


MUTANTS = (in_utc, orders_in_utc, when_heard, on_its_orders_day, to_who_serves, added_up, cancelled_too)


@on_sqlite
@pytest.mark.parametrize("mutant", [None, *MUTANTS], ids=lambda each: each.__name__ if each else "none")
async def test_what_is_counted_otherwise_is_noticed(
    ground: Ground, mutant: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mutant is not None:
        mutant(monkeypatch)
    with clock.stopped_at(at("2026-03-20T12:00+08:00")):
        world = await build_world(ground)
        await business(ground, world)

        assert (await wrong(ground, world.brand.id) != {}) is (mutant is not None)
