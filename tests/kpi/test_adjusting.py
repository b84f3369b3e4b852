"""What takeover guides have from those who left can be taken off their figures, to the piece and the penny."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from customers import commands as customers
from customers.models import Customer, HoldingReason
from kernel import clock
from kernel.actor import Actor
from kernel.errors import Invalid
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from kpi.models import Days, Grain
from kpi.models.definitions import Figure
from kpi.queries import adjusting, ranking, reading
from kpi.queries.adjusting import TAKEN_OFF
from kpi.queries.ranking import RankedBy, Wanted
from kpi.queries.reading import Question, Summed
from kpi.queries.scoping import By, Scope
from mall.commands import Line
from tasks.models import Outcome, TaskState
from tests.factories import World, build_customer, build_task, build_world, relationship_of
from tests.handover.handing import build_handover, leave, run
from tests.handover.moved import Scene, build_scene
from tests.kpi.test_every_change import count_all
from tests.mall.trading import place, refund
from tests.statements import statements

MARCH_2 = datetime(2026, 3, 2, 4, tzinfo=UTC)
HANDED_OVER = MARCH_2 + timedelta(days=1)
DAYS = Days(date(2026, 3, 1), date(2026, 4, 30))
DONE = {"state": TaskState.DONE, "outcome": Outcome.BOUGHT}


def after(days: float) -> datetime:
    return HANDED_OVER + timedelta(days=days)


async def handed(ground: Ground, world: World, days: Days = DAYS, **narrowed: Any) -> Summed:
    scope = Scope(world.brand.id, Grain.ACCOUNT, **narrowed)
    async with ground.db.read() as session:
        return await adjusting.handed(session, scope, days)


async def sums(ground: Ground, world: World) -> Summed:
    scope = Scope(world.brand.id, Grain.ACCOUNT)
    async with ground.db.read() as session:
        return await reading.sums(session, scope, Question(DAYS, TAKEN_OFF, By.GUIDE))


async def sell(ground: Ground, scene: Scene, customer: Customer, amount: int, at: datetime) -> Any:
    line = Line("P1", "羊绒衫", 2, amount)
    return await place(ground, scene.world, customer, amount=amount, lines=[line], placed_at=at, paid_at=at)


@pytest.fixture
async def scene(ground: Ground) -> Scene:
    """A guide left on 3 March; whoever took over sold to, and called, their own customer and those taken over."""
    with clock.stopped_at(MARCH_2):
        scene = await build_scene(ground, 2)
        own = await build_customer(ground, scene.taker)
        await build_task(ground, scene.leaver, scene.customers[0], due_at=MARCH_2 - timedelta(days=1))
    with clock.stopped_at(HANDED_OVER):
        await leave(ground, scene.leaver)
        await run(ground, await build_handover(ground, scene.world))
    theirs = scene.customers[0]
    with clock.stopped_at(after(31)):
        first = await sell(ground, scene, theirs, 10_000, after(2))
        await sell(ground, scene, theirs, 700, after(30))
        mine = await sell(ground, scene, own, 5_000, after(2))
        await refund(ground, scene.world, first.id, amount=1_000, placed_at=after(30.5))
        await refund(ground, scene.world, mine.id, amount=500, placed_at=after(3))
        await refund(ground, scene.world, customer_id=theirs.id, amount=300, placed_at=after(4))
        await refund(ground, scene.world, customer_id=theirs.id, amount=40, placed_at=after(30.2))
        await build_task(ground, scene.taker, theirs, due_at=after(5), closed_at=after(4), **DONE)
        await build_task(ground, scene.taker, theirs, due_at=after(30), closed_at=after(29), **DONE)
        await build_task(ground, scene.taker, own, due_at=after(5), closed_at=after(6), **DONE)
        await build_task(ground, scene.taker, theirs, due_at=after(6), state=TaskState.CANCELLED, closed_at=after(1))
    return scene


async def test_what_was_handed_over_is_told_to_the_penny(ground: Ground, scene: Scene) -> None:
    assert await handed(ground, scene.world) == {
        scene.taker.id: {
            "orders": 1,
            "gross": 10_000,
            "units": 2,
            "refund_count": 2,
            "refunds": 1_300,
            "tasks_due": 4,  # two that moved, one that was overdue, one that came since
            "tasks_done": 1,
            "tasks_on_time": 1,
            "contacts_due": 4,
            "contacts_reached": 1,
            "contacts_bought": 1,
        }
    }


async def test_rows_without_it_are_what_the_guide_did_with_their_own(ground: Ground, scene: Scene) -> None:
    with clock.stopped_at(after(40)):
        await count_all(ground, scene.world.brand.id)

    found = await sums(ground, scene.world)
    left = adjusting.less(found, await handed(ground, scene.world))

    assert (found[scene.taker.id]["gross"], found[scene.taker.id]["tasks_due"]) == (15_700, 6)
    assert left[scene.taker.id] == {
        "orders": 2,
        "gross": 5_700,
        "units": 4,
        "refund_count": 2,
        "refunds": 540,
        "tasks_due": 2,
        "tasks_done": 2,
        "tasks_on_time": 1,
        "contacts_due": 2,
        "contacts_reached": 2,
        "contacts_bought": 2,
    }
    assert not {scene.leaver.id} & (found.keys() | left.keys()), "who did nothing there is left out"


async def test_it_is_told_of_the_days_the_stores_and_the_orders_asked_for(ground: Ground, scene: Scene) -> None:
    world, day = scene.world, date(2026, 3, 5)

    assert (await handed(ground, world, Days(day, day)))[scene.taker.id] == {"orders": 1, "gross": 10_000, "units": 2}
    assert await handed(ground, world, store_ids=(world.shops[1].store.id,)) == {}
    assert await handed(ground, world, account_ids=scene.leaver.account_ids) == {}
    assert (await handed(ground, world, account_ids=scene.taker.account_ids, store_ids=(world.shop.store.id,))) == (
        await handed(ground, world)
    )
    by_source = (await handed(ground, world, source="pos"))[scene.taker.id]
    assert (by_source["gross"], by_source["refunds"], by_source.get("tasks_due")) == (10_000, 1_300, None)
    assert await handed(ground, world, source="wechat") == {}
    channel = (await handed(ground, world, channel="pos"))[scene.taker.id]
    assert (channel["gross"], channel["refunds"]) == (10_000, 1_000)


async def take_over(ground: Ground, world: World, customer: Customer, to: Actor, at: datetime) -> None:
    with clock.stopped_at(at):
        relationship = await relationship_of(ground, customer)
        async with unit_of_work(ground, world.shop.manager) as work:
            await customers.reassign(
                work, relationship.id, to_account_id=to.account_ids[0], reason=HoldingReason.HANDOVER
            )


async def test_who_gets_back_whom_they_had_has_nothing_handed(ground: Ground) -> None:
    world = await build_world(ground)
    guide, other = world.shop.guides
    customer = await build_customer(ground, guide)
    await take_over(ground, world, customer, other, MARCH_2 + timedelta(hours=1))
    await take_over(ground, world, customer, guide, MARCH_2 + timedelta(hours=2))
    with clock.stopped_at(after(5)):
        await place(ground, world, customer, placed_at=after(4))

    assert await handed(ground, world) == {}


async def test_what_was_closed_before_they_took_over_is_their_own(ground: Ground) -> None:
    world = await build_world(ground)
    guide, other = world.shop.guides
    customer = await build_customer(ground, guide)
    await build_task(ground, other, customer, due_at=HANDED_OVER, closed_at=MARCH_2, **DONE)
    await take_over(ground, world, customer, other, after(1))

    assert await handed(ground, world) == {}


async def test_it_takes_two_statements_however_much_was_handed_over(ground: Ground, scene: Scene) -> None:
    for account_ids in (None, scene.taker.account_ids):
        with statements(ground) as sent:
            await handed(ground, scene.world, account_ids=account_ids)
        assert len(sent) == 2


@pytest.mark.parametrize("days", [0, 365])
async def test_another_length_of_time_would_be_noticed(
    ground: Ground, scene: Scene, days: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mutants: nobody settles in, or nobody ever has."""
    monkeypatch.setattr(adjusting, "SETTLING_IN", timedelta(days=days))

    with pytest.raises(AssertionError):
        await test_what_was_handed_over_is_told_to_the_penny(ground, scene)


async def test_a_ranking_of_guides_can_leave_it_out_and_no_other_can(ground: Ground, scene: Scene) -> None:
    with clock.stopped_at(after(40)):
        await count_all(ground, scene.world.brand.id)
    usual = Wanted(RankedBy.GUIDE, Figure.GROSS, DAYS)

    found = {}
    async with ground.db.read() as session:
        for is_adjusted in (False, True):
            lines = await ranking.page(session, scene.world.hq, Page(), replace(usual, is_adjusted=is_adjusted))
            found[is_adjusted] = {line.id: line.value for line in lines}[scene.taker.id]
        with pytest.raises(Invalid):
            await ranking.page(session, scene.world.hq, Page(), replace(usual, by=RankedBy.STORE, is_adjusted=True))

    assert found == {False: 15_700, True: 5_700}
