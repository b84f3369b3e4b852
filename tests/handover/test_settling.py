"""Settling with the partner: what is asked, what its answers mean, and what is never done twice.

Each defect that was found in a system in use, as far as it is one of settling, is a test here by its own name.
"""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from customers.models import Relationship
from directory.models import Account, AccountKind, Staff, StaffState
from handover.commands import asking_again, attempting
from handover.commands import settling as commands
from handover.commands.welcoming import WELCOME
from handover.errors import HandoverMovedOn, NothingToAskAgain
from handover.models import (
    Handover,
    HandoverItem,
    HandoverKind,
    HandoverSetting,
    HandoverState,
    ItemReason,
    LinkedThere,
)
from handover.partner import Answer, Course, Found, Standing, Told
from handover.queries import rooms
from kernel import clock, feed, ids, jobs
from kernel.actor import Actor, Role, system
from kernel.errors import NotFound
from kernel.work import Ground, carry_out, unit_of_work
from server import handing_over, settling
from tasks.models import Task, TaskKind, TaskState
from tests.factories import NOON, Shop, build_customer, build_task, build_world, relationship_of, reload, save
from tests.handover.partners import (
    Case,
    Scripted,
    moved_item,
    name_at_partner,
    settling_case,
    settling_handover,
)

DAY = timedelta(hours=24)
OVER = NOON + DAY + timedelta(minutes=11)
FULL = [Answer(Told.TAKEOVER_FULL, 40099)]


async def settle_at(case: Case, moment: datetime) -> None:
    with clock.stopped_at(moment):
        await case.settle()


async def tasks_of(case: Case) -> list[Task]:
    async with case.ground.db.read() as session:
        found = await session.scalars(select(Task).where(col(Task.brand_id) == case.world.brand.id))
    return list(found)


async def relationship(case: Case, number: int = 0) -> Relationship:
    return await reload(case.ground, case.relationships[number])


def third(case: Case, shop: Shop | None = None) -> Actor:
    """The store manager's account: the store's public one."""
    return (shop or case.world.shop).manager


async def plan_for(case: Case, number: int, actor: Actor) -> None:
    """Let the plan name somebody else, too: another customer has gone to them."""
    async with case.ground.db.write() as session:
        for model, key in ((HandoverItem, "to_account_id"), (Relationship, "holder_id")):
            table: Any = model
            name = table.relationship_id if model is HandoverItem else table.id
            await session.execute(
                update(model)
                .where(col(table.brand_id) == case.world.brand.id, col(name) == case.relationships[number].id)
                .values({key: actor.account_ids[0]})
            )


# What is asked, and when it is done


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


# What the partner says


async def test_a_customer_who_was_gone_before_the_partner_was_asked_is_lost(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 2)
    case.partner.answers = {("taker", "wm-0"): [Answer(Told.NO_LINK, 84061)]}

    await settle_at(case, NOON)

    assert await case.there() == ["lost", "waiting"]
    [first, _] = sorted(await case.attempts(), key=lambda each: each.external_user_id)
    assert (first.told, first.code, first.todo) == (Told.NO_LINK, 84061, None)


async def test_only_the_word_for_each_customer_counts(ground: Ground) -> None:
    """The outer code alone was looked at, and the first customer's: the request went well, and so did everybody."""
    case = await settling_case(ground, await build_world(ground), 4)
    case.partner.answers = {
        ("taker", "wm-1"): [Answer(Told.NO_LINK, 84061)],
        ("taker", "wm-2"): [Answer(Told.UNKNOWN_CUSTOMER, 40096)],
        ("taker", "wm-3"): [Answer(Told.TRY_LATER, 45009)],
    }

    await settle_at(case, NOON)

    assert await case.there() == ["waiting", "lost", "lost", "requested"]
    assert await case.state() is HandoverState.SETTLING


async def test_more_than_a_hundred_go_in_requests_of_a_hundred(ground: Ground) -> None:
    """All customers of a leaver went in one call, which the partner refuses."""
    case = await settling_case(ground, await build_world(ground), 3)
    extra = [(f"wm-x{number}", case.relationships[number % 3].id) for number in range(247)]
    wanted = [
        attempting.Wanted(
            case.handover.id,
            relationship_id,
            Course.RESIGNED,
            case.leaver.account_ids[0],
            case.taker.account_ids[0],
            "leaver",
            "taker",
            name,
            NOON + 365 * DAY,
        )
        for name, relationship_id in extra
    ]
    with clock.stopped_at(NOON):
        await carry_out(ground, system(case.world.brand.id), lambda work: attempting.begin(work, wanted))

    await settle_at(case, NOON)

    assert sorted(len(customers) for *_, customers in case.partner.requests) == [47, 100, 100]


async def test_a_transfer_that_was_started_is_not_done_and_our_clock_never_makes_it_so(ground: Ground) -> None:
    """Rows began with the status of "taken over" before anything was done."""
    case = await settling_case(ground, await build_world(ground))
    await settle_at(case, NOON)
    for days in (1, 2, 30):
        await settle_at(case, NOON + days * DAY + timedelta(hours=1))
        assert await case.there() == ["waiting"]

    assert await case.state() is HandoverState.SETTLING
    assert await case.contacts(case.taker) == set()
    assert len(case.partner.requests) == 1


async def test_a_leaver_is_not_called_done_while_anybody_is_unsettled(ground: Ground) -> None:
    """The leaver was marked as allocated whatever had come of it."""
    case = await settling_case(ground, await build_world(ground), 2)
    await settle_at(case, NOON)
    case.partner.decide(Found.ACCEPTED, "wm-0")

    await settle_at(case, OVER)

    assert await case.there() == ["accepted", "waiting"]
    assert await case.state() is HandoverState.SETTLING


async def test_all_rows_of_two_members_are_settled_by_one_look_at_all_its_pages(ground: Ground) -> None:
    """One row was looked at in each run of a timer, by the first page only; and the result was fetched for each row."""
    case = await settling_case(ground, await build_world(ground), 7)
    case.partner.page_size = 2
    await settle_at(case, NOON)
    case.partner.decide(Found.ACCEPTED, *(f"wm-{number}" for number in range(7)))
    case.partner.looks.clear()

    await settle_at(case, OVER)

    assert await case.there() == ["accepted"] * 7
    assert [cursor for *_, cursor in case.partner.looks] == [None, "2", "4", "6"]


async def test_each_way_has_its_own_call(ground: Ground) -> None:
    """Of somebody who had left the customers were asked for as of somebody at work, and one call gave both results."""
    world = await build_world(ground)
    case = await settling_case(ground, world, kind=HandoverKind.TRANSFER)

    await settle_at(case, NOON)
    await settle_at(case, NOON + timedelta(hours=1))

    assert {course for course, *_ in case.partner.requests} == {Course.ON_JOB}
    assert {course for course, *_ in case.partner.looks} == {Course.ON_JOB}


async def test_what_the_partner_has_of_each_is_stored_as_that_and_not_one_off(ground: Ground) -> None:
    """An ordinal was stored for the code: "waiting" as "taken over", "refused" as "waiting", "full" as "refused"."""
    case = await settling_case(ground, await build_world(ground), 4)
    await settle_at(case, NOON)
    case.partner.decide(Found.ACCEPTED, "wm-0")
    case.partner.decide(Found.REFUSED, "wm-2")
    case.partner.decide(Found.TAKEOVER_FULL, "wm-3")

    await settle_at(case, OVER)

    assert await case.there() == ["accepted", "waiting", "refused", "successor_full"]


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
    case = await settling_case(ground, await build_world(ground))
    await settle_at(case, NOON)
    case.partner.decide(Found.REFUSED, "wm-0")
    await settle_at(case, OVER)

    later = NOON + 5 * DAY
    with clock.stopped_at(later):
        async with unit_of_work(ground, case.world.shop.manager) as work:
            await asking_again.ask_again(work, case.handover.id, case.relationships[0].id)
        await case.settle()

    assert await case.there() == ["waiting"]
    first, second = await case.attempts()
    assert (first.there.value, second.there.value, second.is_again) == ("refused", "waiting", True)
    assert second.by_staff_id == case.world.shop.manager.staff_id
    case.partner.decide(Found.ACCEPTED, "wm-0")
    await settle_at(case, later + DAY + timedelta(minutes=11))
    assert await case.there() == ["accepted"]


async def test_an_old_record_never_settles_a_new_attempt(ground: Ground) -> None:
    """Rows were found by customer and takeover member alone, so that one attempt's end was another one's, too."""
    case = await settling_case(ground, await build_world(ground))
    await settle_at(case, NOON)
    case.partner.decide(Found.REFUSED, "wm-0")
    await settle_at(case, OVER)
    later = NOON + 5 * DAY
    with clock.stopped_at(later):
        async with unit_of_work(ground, case.world.shop.manager) as work:
            await asking_again.ask_again(work, case.handover.id, case.relationships[0].id)
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


async def test_a_leaver_who_is_still_a_member_there_is_waited_for(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.answers = {("taker", "wm-0"): [Answer(Told.NOT_DEPARTED, 40097), Answer(Told.STARTED)]}

    await settle_at(case, NOON)
    assert await case.there() == ["requested"]
    await settle_at(case, NOON + timedelta(minutes=1))
    assert len(case.partner.requests) == 1
    await settle_at(case, NOON + timedelta(minutes=16))

    assert await case.there() == ["waiting"]
    assert len(case.partner.requests) == 2


async def test_days_of_waiting_for_a_leaver_to_leave_there_give_nobody_up_at_the_first_hitch(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    still, busy = Answer(Told.NOT_DEPARTED, 40097), Answer(Told.TRY_LATER, -1)
    case.partner.answers = {("taker", "wm-0"): [*[still] * 12, busy, Answer(Told.STARTED)]}

    for half_days in range(16):
        await settle_at(case, NOON + half_days * timedelta(hours=12, minutes=1))

    assert len(case.partner.requests) == 14
    assert await case.there() == ["waiting"]


async def test_a_third_move_in_ninety_days_waits_until_it_is_allowed(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), kind=HandoverKind.TRANSFER)
    case.partner.answers = {("taker", "wm-0"): [Answer(Told.TOO_OFTEN, 40128), Answer(Told.STARTED)]}

    await settle_at(case, NOON)
    await settle_at(case, NOON + 6 * DAY)
    assert (await case.there(), len(case.partner.requests)) == (["requested"], 1)
    [attempt] = await case.attempts()
    assert (attempt.told, attempt.code) == (Told.TOO_OFTEN, 40128)

    await settle_at(case, NOON + 8 * DAY)
    assert (await case.there(), len(case.partner.requests)) == (["waiting"], 2)


async def test_what_cannot_be_handed_over_any_more_after_a_year_is_given_up_and_shown(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.answers = {("taker", "wm-0"): [Answer(Told.NOT_DEPARTED, 40097)]}
    async with ground.db.write() as session:
        await session.execute(
            update(Staff)
            .where(col(Staff.brand_id) == case.world.brand.id, col(Staff.id) == case.leaver.staff_id)
            .values(access_closed_at=NOON - 364 * DAY)
        )
    await settle_at(case, NOON)
    [attempt] = await case.attempts()
    assert attempt.deadline == NOON + DAY

    for hours in range(1, 30):
        await settle_at(case, NOON + timedelta(hours=hours))

    [attempt] = await case.attempts()
    assert (await case.there(), attempt.code) == (["ineligible"], 40097)
    assert await case.state() is HandoverState.DONE


async def test_whose_time_is_over_first_is_asked_for_first(ground: Ground) -> None:
    world = await build_world(ground)
    case = await settling_case(ground, world)
    for name, days in (("wm-late", 300), ("wm-soon", 3)):
        wanted = attempting.Wanted(
            case.handover.id,
            case.relationships[0].id,
            Course.RESIGNED,
            case.leaver.account_ids[0],
            case.taker.account_ids[0],
            f"member-of-{name}",
            "taker",
            name,
            NOON + days * DAY,
        )
        with clock.stopped_at(NOON):
            await carry_out(ground, system(world.brand.id), lambda work, each=wanted: attempting.begin(work, [each]))  # type: ignore[misc]

    await settle_at(case, NOON)

    assert [customers[0] for *_, customers in case.partner.requests] == ["wm-soon", "wm-late"]


# A full successor


async def test_a_full_guide_is_followed_by_the_next_of_the_plan_here_and_there(ground: Ground) -> None:
    world = await build_world(ground)
    case = await settling_case(ground, world, 2)
    await name_at_partner(ground, world.shop.public.id, world.brand.id, "shop")
    case.partner.answers = {("taker", "*"): FULL}
    task = await build_task(ground, case.taker, case.customers[0])

    await settle_at(case, NOON)

    items = await case.items()
    assert [item.to_account_id for item in items] == [world.shop.public.id] * 2
    assert [item.reason for item in items] == [ItemReason.FALLBACK] * 2
    assert [item.there.value for item in items] == ["waiting"] * 2
    moved = await relationship(case)
    assert (moved.holder_id, moved.version) == (world.shop.public.id, items[0].version_after)
    assert (await reload(ground, task)).account_id == world.shop.public.id
    assert case.partner.requests[1:] == [(Course.RESIGNED, "leaver", "shop", ["wm-0", "wm-1"])]


async def third_guide(case: Case) -> UUID:
    """The account of one more guide of the shop, whom the partner knows and the plan names for another customer."""
    shop, brand_id = case.world.shop, case.world.brand.id
    staff = Staff(
        brand_id=brand_id,
        id=ids.new(),
        number="G3",
        name="三号",
        role=Role.GUIDE,
        state=StaffState.ACTIVE,
        store_id=shop.store.id,
        hired_at=NOON,
    )
    account = Account(
        brand_id=brand_id,
        id=ids.new(),
        store_id=shop.store.id,
        kind=AccountKind.GUIDE,
        staff_id=staff.id,
        partner_user_id="third",
    )
    await save(case.ground, staff, account)
    async with case.ground.db.write() as session:
        await feed.open_feeds(session, brand_id, [staff.id])
        await session.execute(
            update(HandoverItem)
            .where(
                col(HandoverItem.brand_id) == brand_id,
                col(HandoverItem.relationship_id) == case.relationships[1].id,
            )
            .values(to_account_id=account.id, there=LinkedThere.ALREADY_LINKED)
        )
    return account.id


@pytest.mark.parametrize("was_welcomed", [False, True])
async def test_the_next_guide_is_asked_to_welcome_the_customer_too(ground: Ground, was_welcomed: bool) -> None:
    case = await settling_case(ground, await build_world(ground), 2)
    brand_id, third = case.world.brand.id, await third_guide(case)
    case.partner.answers = {("taker", "*"): FULL}
    with clock.stopped_at(NOON):
        if was_welcomed:
            await handing_over.welcome(ground, brand_id, handover_id=str(case.handover.id))
            async with ground.db.write() as session:
                await session.execute(update(Task).where(col(Task.brand_id) == brand_id).values(state=TaskState.DONE))
        await case.settle()
        async with ground.db.read() as session:
            asked = await jobs.waiting(session, brand_id, WELCOME)
        for args in [*asked, *asked]:
            await handing_over.welcome(ground, brand_id, **args)

    assert ((await relationship(case)).holder_id, (await case.items())[0].reason) == (third, ItemReason.FALLBACK)
    assert len(asked) == 1
    welcomes = {(task.account_id, task.state) for task in await tasks_of(case)}
    assert welcomes == {(third, TaskState.PENDING)} | (
        {(case.taker.account_ids[0], TaskState.DONE)} if was_welcomed else set()
    )
    assert len(await tasks_of(case)) == len(welcomes)


async def test_where_nobody_has_room_it_stays_so_and_is_shown(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.answers = {("taker", "*"): FULL}

    for hours in (0, 1, 48):
        await settle_at(case, NOON + timedelta(hours=hours))

    assert await case.there() == ["successor_full"]
    assert (await relationship(case)).holder_id == case.taker.account_ids[0]
    assert len(case.partner.requests) == 1
    assert await case.state() is HandoverState.DONE


async def test_a_guide_who_turned_out_full_gets_nobody_by_falling_back(ground: Ground) -> None:
    world = await build_world(ground)
    case = await settling_case(ground, world, 2)
    await name_at_partner(ground, world.shop.public.id, world.brand.id, "shop")
    await plan_for(case, 1, third(case))
    case.partner.answers = {("taker", "*"): FULL, ("shop", "*"): FULL}

    await settle_at(case, NOON)

    assert await case.there() == ["successor_full"] * 2
    assert sorted(taker for _, _, taker, _ in case.partner.requests) == ["shop", "taker"]


async def test_a_customer_whom_somebody_gave_to_another_guide_stays_with_them_when_the_first_is_full(
    ground: Ground,
) -> None:
    world = await build_world(ground)
    case = await settling_case(ground, world)
    await name_at_partner(ground, world.shop.public.id, world.brand.id, "shop")
    await settle_at(case, NOON)
    async with ground.db.write() as session:
        await session.execute(
            update(Relationship)
            .where(col(Relationship.brand_id) == world.brand.id)
            .values(holder_id=world.shop.public.id, version=7)
        )
    case.partner.decide(Found.TAKEOVER_FULL, "wm-0")

    await settle_at(case, OVER)

    assert ((await relationship(case)).holder_id, (await relationship(case)).version) == (world.shop.public.id, 7)
    assert case.partner.requests[-1] == (Course.RESIGNED, "leaver", "shop", ["wm-0"])


# What goes wrong on the way


async def test_pages_that_lead_round_are_given_up_and_looked_at_later(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 3)
    await settle_at(case, NOON)
    case.partner.page_size = 1
    case.partner.leads_round = True

    await settle_at(case, OVER)

    assert len(case.partner.looks) == 3
    assert await case.there() == ["waiting"] * 3
    case.partner.leads_round = False
    case.partner.decide(Found.ACCEPTED, "wm-0", "wm-1", "wm-2")
    await settle_at(case, OVER + timedelta(minutes=6))
    assert await case.there() == ["accepted"] * 3


async def test_pages_that_never_end_are_given_up(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "MOST_PAGES", 2)
    case = await settling_case(ground, await build_world(ground), 3)
    await settle_at(case, NOON)
    case.partner.page_size = 1

    await settle_at(case, OVER)

    assert len(case.partner.looks) == 2
    assert await case.there() == ["waiting"] * 3


async def test_a_partner_that_never_answers_keeps_no_worker(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settling, "MOST_SECONDS", 0.2)
    case = await settling_case(ground, await build_world(ground))
    case.partner.sleeps = 60

    async with asyncio.timeout(5):
        await settle_at(case, NOON)

    assert await case.there() == ["requested"]
    async with ground.db.read() as session:
        assert len(await jobs.waiting(session, case.world.brand.id, commands.SETTLE)) == 1


async def test_an_answer_that_was_lost_is_read_from_the_records_and_nothing_is_asked_twice(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 3)
    case.partner.loses_answers = 1

    await settle_at(case, NOON)
    assert await case.there() == ["requested"] * 3
    await settle_at(case, NOON + timedelta(minutes=3))

    assert await case.there() == ["waiting"] * 3
    assert len(case.partner.requests) == 1


async def test_a_request_that_never_arrived_is_made_again_once_the_records_know_nothing_of_it(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.is_away = 1

    await settle_at(case, NOON)
    assert case.partner.requests == []
    await settle_at(case, NOON + timedelta(minutes=3))

    assert await case.there() == ["waiting"]
    assert len(case.partner.requests) == 1


async def test_a_worker_that_died_while_it_asked_leaves_nothing_asked_twice(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await settling_case(ground, await build_world(ground), 2)
    actor = system(case.world.brand.id)

    class Killed(BaseException):
        pass

    async def killed(*args: Any) -> Any:
        await Scripted.transfer(case.partner, *args)
        raise Killed

    monkeypatch.setattr(case.partner, "transfer", killed)
    with clock.stopped_at(NOON), pytest.raises(Killed):
        await case.settle()
    monkeypatch.undo()
    with clock.stopped_at(NOON + timedelta(minutes=1)):
        assert await carry_out(ground, actor, commands.take_request) is None
    await settle_at(case, NOON + timedelta(minutes=3))

    assert await case.there() == ["waiting"] * 2
    assert len(case.partner.requests) == 1


async def test_an_answer_that_comes_after_its_end_is_known_changes_nothing(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    actor = system(case.world.brand.id)
    await settle_at(case, NOON)
    [attempt] = await case.attempts()
    pair = commands.Pair(Course.RESIGNED, "leaver", "taker")
    asking = commands.Asking(pair, NOON, [attempt.id], ["wm-0"])

    with clock.stopped_at(NOON):
        await carry_out(
            ground, actor, lambda work: commands.note_answers(work, asking, {"wm-0": Answer(Told.NO_LINK, 84061)})
        )

    assert await case.there() == ["waiting"]


async def test_a_refusal_of_the_whole_request_does_nothing_and_is_tried_again_later(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.refuses = [84074]

    await settle_at(case, NOON)
    [attempt] = await case.attempts()
    assert (await case.there(), attempt.code, attempt.asked_at) == (["requested"], 84074, None)

    await settle_at(case, NOON + timedelta(minutes=16))
    assert await case.there() == ["waiting"]


async def test_a_partner_that_is_away_is_asked_again_after_a_while(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.is_away = 1

    await settle_at(case, NOON)

    async with ground.db.read() as session:
        found = await session.scalars(select(jobs.Job).where(col(jobs.Job.brand_id) == case.world.brand.id))
    assert [(job.name, job.run_at - NOON) for job in found] == [("handover.settle", timedelta(minutes=1))]


# Undoing


async def test_what_was_not_asked_for_yet_is_asked_for_no_more_once_it_is_undone(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.is_away = 1
    case.partner.answers = {("taker", "wm-0"): [Answer(Told.NOT_DEPARTED, 40097), Answer(Told.STARTED)]}
    await settle_at(case, NOON)
    await settle_at(case, NOON + timedelta(minutes=3))
    async with ground.db.write() as session:
        await session.execute(
            update(Handover).where(col(Handover.brand_id) == case.world.brand.id).values(state=HandoverState.UNDONE)
        )

    await settle_at(case, NOON + timedelta(hours=9))

    assert len(case.partner.requests) == 1
    assert [each.todo for each in await case.attempts()] == [None]


async def test_what_is_given_back_waits_for_what_is_on_its_way_and_comes_back_the_other_way(
    ground: Ground,
) -> None:
    world = await build_world(ground)
    case = await settling_case(ground, world)
    await settle_at(case, NOON)
    async with ground.db.write() as session:
        await session.execute(
            update(Handover).where(col(Handover.brand_id) == world.brand.id).values(state=HandoverState.UNDONE)
        )
        await session.execute(
            update(Relationship)
            .where(col(Relationship.brand_id) == world.brand.id)
            .values(holder_id=case.leaver.account_ids[0])
        )
    back = await settling_handover(ground, world, HandoverKind.RESIGNATION, case.taker, undoes_id=case.handover.id)
    await save(ground, moved_item(back, case.relationships[0].id, case.taker, case.leaver))
    undo = Case(ground, world, case.partner, back, case.taker, case.leaver, case.customers, case.relationships)
    await settle_at(undo, NOON + timedelta(hours=1))
    assert (await undo.there(), len(case.partner.requests)) == (["not_linked"], 1)

    case.partner.decide(Found.ACCEPTED, "wm-0")
    await settle_at(undo, OVER)

    assert case.partner.requests[-1] == (Course.ON_JOB, "taker", "leaver", ["wm-0"])
    assert await undo.there() == ["waiting"]


# Asking again


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
