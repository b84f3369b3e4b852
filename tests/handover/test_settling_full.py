"""A takeover guide who is full at the partner is followed by the next of the plan."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col

from customers.models import Relationship
from directory.models import Account, AccountKind, Staff, StaffState
from handover.commands.welcoming import WELCOME
from handover.models import HandoverItem, HandoverState, ItemReason, LinkedThere
from handover.partner import Answer, Course, Found, Told
from kernel import clock, feed, ids, jobs
from kernel.actor import Role
from kernel.work import Ground
from server import handing_over
from tasks.models import Task, TaskState
from tests.factories import NOON, build_task, build_world, reload, save
from tests.handover.partners import Case, name_at_partner, settling_case
from tests.handover.settlements import OVER, plan_for, relationship, settle_at, tasks_of, third

FULL = [Answer(Told.TAKEOVER_FULL, 40099)]


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
