"""Whoever declined is asked again by people only."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import update
from sqlmodel import col

from handover.commands import asking_again
from handover.errors import HandoverMovedOn, NothingToAskAgain
from handover.models import Handover, HandoverKind, HandoverState
from handover.partner import Course, Found, Standing
from kernel import clock
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.work import Ground, unit_of_work
from tasks.models import TaskKind
from tests.factories import NOON, build_world, save
from tests.handover.partners import Case, moved_item, settling_case, settling_handover
from tests.handover.settlements import DAY, OVER, relationship, settle_at, tasks_of


async def test_a_customer_who_declined_comes_before_the_manager_once_and_is_asked_by_no_machine(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    await settle_at(case, NOON)
    case.partner.decide(Found.REFUSED, "wm-0")
    for hours in (1, 25, 300, 3000):
        await settle_at(case, NOON + timedelta(hours=hours))

    assert await case.there() == ["refused"]
    assert len(case.partner.requests) == 1
    [task] = await tasks_of(case)
    assert (task.kind, task.account_id) == (TaskKind.RETENTION, case.world.shop.public.id)
    assert (task.customer_id, task.relationship_id) == (case.customers[0].id, None)
    assert await case.state() is HandoverState.DONE
    assert (await relationship(case)).holder_id == case.taker.account_ids[0]


@pytest.mark.parametrize("is_held_by_the_leaver", [True, False])
async def test_a_customer_who_declined_is_asked_by_no_later_handover_either(
    ground: Ground, is_held_by_the_leaver: bool
) -> None:
    """The leaver was hired again with what they had, or their contact is still there when they leave once more."""
    world = await build_world(ground)
    case = await settling_case(ground, world, 2)
    await settle_at(case, NOON)
    case.partner.decide(Found.REFUSED, "wm-0")
    case.partner.decide(Found.ACCEPTED, "wm-1")
    await settle_at(case, OVER)
    again = await settling_handover(ground, world, HandoverKind.RESIGNATION, case.leaver)
    if is_held_by_the_leaver:
        await save(ground, moved_item(again, case.relationships[0].id, case.leaver, case.taker))
    second = replace(case, handover=again, relationships=case.relationships[:1])

    for hours in (48, 300):
        await settle_at(second, NOON + timedelta(hours=hours))

    assert len(case.partner.requests) == 1
    assert await second.state() is HandoverState.DONE
    if is_held_by_the_leaver:
        assert await second.there() == ["refused"]
        async with unit_of_work(ground, world.shop.manager) as work:
            await asking_again.ask_again(work, again.id, case.relationships[0].id)
        await second.settle()
        assert len(case.partner.requests) == 2


async def test_a_customer_who_declined_can_be_asked_again_by_hand(ground: Ground) -> None:
    """Whoever had declined could never be handed over again."""
    later = NOON + 5 * DAY
    case = await _asked_again(ground, later)
    await settle_at(case, later)

    assert await case.there() == ["waiting"]
    first, second = await case.attempts()
    assert (first.there.value, second.there.value, second.is_again) == ("refused", "waiting", True)
    assert second.by_staff_id == case.world.shop.manager.staff_id
    case.partner.decide(Found.ACCEPTED, "wm-0")
    await settle_at(case, later + DAY + timedelta(minutes=11))
    assert await case.there() == ["accepted"]


async def test_an_old_record_never_settles_a_new_attempt(ground: Ground) -> None:
    """Rows were found by customer and takeover member alone, so that one attempt's end was another one's, too."""
    later = NOON + 5 * DAY
    case = await _asked_again(ground, later)
    case.partner.keeps_records = False  # the partner is slow: its records still tell of the first attempt
    case.partner.loses_answers = 1
    await settle_at(case, later)
    await settle_at(case, later + timedelta(minutes=3))

    assert await case.there() == ["requested"]
    over = later + DAY + timedelta(minutes=1)
    case.partner.records[Course.RESIGNED, "leaver", "taker"]["wm-0"] = Standing("wm-0", Found.WAITING, over)
    await settle_at(case, later + timedelta(hours=2))
    assert await case.there() == ["waiting"]
    assert len(case.partner.requests) == 2


async def test_asking_again_is_for_managers_who_see_it_and_only_where_something_came_to_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    case = await settling_case(ground, world)
    await settle_at(case, NOON)
    north = world.shops[2].manager
    own = next(each for each in (case.leaver,))
    tries: list[tuple[Actor, type[Exception]]] = [
        (world.shop.manager, NothingToAskAgain),
        (north, NotFound),
        (own, NotFound),
        (case.taker, NotFound),
    ]
    for actor, refusal in tries:
        with pytest.raises(refusal):
            async with unit_of_work(ground, actor) as work:
                await asking_again.ask_again(work, case.handover.id, case.relationships[0].id)

    assert len(await case.attempts()) == 1
    assert await case.there() == ["waiting"]


async def test_asking_again_twice_is_refused_and_asks_once(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    await settle_at(case, NOON)
    case.partner.decide(Found.REFUSED, "wm-0")
    await settle_at(case, OVER)

    async def again() -> None:
        async with unit_of_work(ground, case.world.shop.manager) as work:
            await asking_again.ask_again(work, case.handover.id, case.relationships[0].id)

    answers = await asyncio.gather(again(), again(), return_exceptions=True)

    assert [type(each) for each in answers if each is not None] == [NothingToAskAgain]
    assert len(await case.attempts()) == 2


async def test_nothing_is_asked_again_before_everything_has_moved_here(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    async with ground.db.write() as session:
        await session.execute(
            update(Handover).where(col(Handover.brand_id) == case.world.brand.id).values(state=HandoverState.MOVING)
        )
    with pytest.raises(HandoverMovedOn):
        async with unit_of_work(ground, case.world.hq) as work:
            await asking_again.ask_again(work, case.handover.id, case.relationships[0].id)


async def _asked_again(ground: Ground, at: datetime) -> Case:
    """A customer who declined, and whom a manager has the partner asked about once more."""
    case = await settling_case(ground, await build_world(ground))
    await settle_at(case, NOON)
    case.partner.decide(Found.REFUSED, "wm-0")
    await settle_at(case, OVER)
    with clock.stopped_at(at):
        async with unit_of_work(ground, case.world.shop.manager) as work:
            await asking_again.ask_again(work, case.handover.id, case.relationships[0].id)
    return case
