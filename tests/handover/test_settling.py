"""Settling with the partner: what is asked, and when it is done.

Each defect that was found in a system in use, as far as it is one of settling, is a test by its own name here or in
a module beside this one.
"""

import asyncio
from datetime import timedelta

from sqlalchemy import update
from sqlmodel import col

from customers.models import Relationship
from handover.models import HandoverSetting, HandoverState
from handover.partner import Course, Found
from handover.queries import rooms
from kernel import clock
from kernel.work import Ground
from tests.factories import NOON, build_customer, build_world, relationship_of, save
from tests.handover.partners import Case, name_at_partner, settling_case
from tests.handover.settlements import OVER, plan_for, settle_at, third


async def test_who_has_moved_here_is_asked_for_and_the_handover_is_done_once_all_are_taken_over(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 3)
    await settle_at(case, NOON)
    assert case.partner.requests == [(Course.RESIGNED, "leaver", "taker", ["wm-0", "wm-1", "wm-2"])]
    assert await case.there() == ["waiting"] * 3
    assert await case.state() is HandoverState.SETTLING

    case.partner.decide(Found.ACCEPTED, "wm-0", "wm-1", "wm-2")
    await settle_at(case, OVER)

    assert await case.there() == ["accepted"] * 3
    assert await case.state() is HandoverState.DONE
    assert await case.contacts(case.taker) == {"wm-0", "wm-1", "wm-2"}
    assert await case.contacts(case.leaver) == set()
    assert len(case.partner.requests) == 1


async def test_without_a_partner_nothing_is_asked_and_it_is_done_at_once(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), is_tied=False)

    await settle_at(case, NOON)

    assert case.partner.requests == []
    assert await case.there() == ["not_linked"]
    assert await case.state() is HandoverState.DONE


async def test_running_it_again_asks_for_nothing_twice(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 2)

    for minutes in range(5):
        await settle_at(case, NOON + timedelta(minutes=minutes))

    assert len(case.partner.requests) == 1
    assert len(await case.attempts()) == 2


async def test_two_workers_at_once_ask_for_everybody_once(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 7)

    with clock.stopped_at(NOON):
        await asyncio.gather(*(case.settle() for _ in range(3)))

    asked = [each for *_, customers in case.partner.requests for each in customers]
    assert sorted(asked) == [f"wm-{number}" for number in range(7)]


async def test_who_is_a_contact_already_needs_nothing_and_no_add_event_is_waited_for(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 2)
    await case.link(case.taker, 0)

    await settle_at(case, NOON)

    assert await case.there() == ["already_linked", "waiting"]
    assert case.partner.requests == [(Course.RESIGNED, "leaver", "taker", ["wm-1"])]


async def test_who_was_no_contact_of_the_leavers_is_ineligible_and_nothing_is_asked(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), is_linked=False)

    await settle_at(case, NOON)

    assert (await case.there(), case.partner.requests) == (["ineligible"], [])
    assert await case.state() is HandoverState.DONE


async def test_a_public_account_that_the_partner_does_not_know_is_ineligible(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    await plan_for(case, 0, third(case))

    await settle_at(case, NOON)

    assert (await case.there(), case.partner.requests) == (["ineligible"], [])
    assert await case.state() is HandoverState.DONE


async def test_whoever_holds_it_by_now_is_asked_for_not_who_the_plan_said(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    await name_at_partner(ground, third(case).account_ids[0], case.world.brand.id, "shop")
    async with ground.db.write() as session:
        await session.execute(
            update(Relationship)
            .where(col(Relationship.brand_id) == case.world.brand.id)
            .values(holder_id=third(case).account_ids[0])
        )

    await settle_at(case, NOON)

    assert case.partner.requests == [(Course.RESIGNED, "leaver", "shop", ["wm-0"])]


async def test_the_leavers_contacts_whom_others_hold_go_to_these(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    customer = await build_customer(ground, case.taker)
    case.relationships.append(await relationship_of(ground, customer))
    await case.link(case.leaver, 1)

    await settle_at(case, NOON)
    assert case.partner.requests == [(Course.RESIGNED, "leaver", "taker", ["wm-0", "wm-1"])]

    case.partner.decide(Found.ACCEPTED, "wm-0", "wm-1")
    await settle_at(case, OVER)
    assert await case.contacts(case.taker) == {"wm-0", "wm-1"}
    assert await case.state() is HandoverState.DONE


async def end(case: Case, relationship: Relationship) -> None:
    async with case.ground.db.write() as session:
        await session.execute(
            update(Relationship)
            .where(col(Relationship.brand_id) == case.world.brand.id, col(Relationship.id) == relationship.id)
            .values(ended_at=NOON)
        )


async def test_a_contact_of_what_ended_with_its_store_goes_to_nobody(ground: Ground) -> None:
    """Whoever held it at the end is no successor."""
    case = await settling_case(ground, await build_world(ground))
    case.relationships.append(await relationship_of(ground, await build_customer(ground, case.taker)))
    await case.link(case.leaver, 1)
    await end(case, case.relationships[1])

    await settle_at(case, NOON)

    assert case.partner.requests == [(Course.RESIGNED, "leaver", "taker", ["wm-0"])]


async def test_what_ended_with_its_store_takes_no_room(ground: Ground) -> None:
    world = await build_world(ground)
    case = await settling_case(ground, world, 2)
    await save(ground, HandoverSetting(brand_id=world.brand.id, capacity=2))
    await end(case, case.relationships[1])

    async with ground.db.read() as session:
        store_id = world.shop.store.id
        found = (await rooms.of_plan(session, world.brand.id, case.handover.id, [store_id]))[store_id]

    assert [(room.account_id, room.left) for room in found] == [(case.taker.account_ids[0], 1)]
