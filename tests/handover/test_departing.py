"""Somebody is leaving: they get no new customers, keep the old ones, are shut out in time, and may come back."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from customers.errors import AlreadyHeld, HolderUnfit
from customers.events import DepartureReported
from customers.models import Customer
from customers.queries import relationships
from directory.errors import AccessClosed, NotLeaving, OwnAccess
from directory.models import Assignment, StaffState
from handover import commands as handover
from handover.errors import HandoverInFlight
from handover.models import Handover, HandoverKind, HandoverState, Strategy
from kernel import clock, ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground, Work, unit_of_work
from mall.queries import landing
from server import chores
from tasks import commands as tasks
from tasks.models import CampaignAim
from tests.asking import VAULT
from tests.factories import World, build_customer, build_world, relationship_of, reload, said, save
from tests.handover.leaving import (
    FRIDAY,
    MONDAY,
    TODAY,
    close,
    mark,
    person,
    reopen,
    report,
    withdraw,
)
from tests.mall.sharing import build_product, build_share
from tests.refusals import refused
from tests.tasks.sending import sent, tasks_of


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def hand_on(ground: Ground, by: Actor, customer: Customer, to: Actor) -> None:
    relationship = await relationship_of(ground, customer)
    async with unit_of_work(ground, by) as work:
        await handover.reassign(work, relationship.id, to_account_id=to.account_ids[0])


async def build_handover(ground: Ground, world: World, leaver: Actor, state: HandoverState) -> Handover:
    row = Handover(
        brand_id=world.brand.id,
        id=ids.new(),
        kind=HandoverKind.RESIGNATION,
        state=state,
        staff_id=leaver.id,
        store_id=leaver.store_id,
        strategy=Strategy.AFFINITY,
        started_at=MONDAY,
    )
    await save(ground, row)
    return row


async def test_a_manager_marks_somebody_who_goes_on_serving_until_access_is_closed(
    ground: Ground, world: World
) -> None:
    guide = world.shop.guide
    customer = await build_customer(ground, guide)

    with clock.stopped_at(MONDAY):
        await mark(ground, world.shop.manager, guide, FRIDAY)
        async with unit_of_work(ground, guide) as work:
            await customers.add_note(work, customer.id, body="周末来")
            await tasks.add(work, title="整理陈列", due_at=MONDAY, account_id=guide.account_ids[0])

    found = await person(ground, guide)
    assert (found.state, found.last_day, found.access_closed_at) == (StaffState.LEAVING, FRIDAY, None)
    assert (await said(ground, guide.id))[0] == ("put", "staff", guide.id)


async def test_marked_again_only_the_last_day_is_news(ground: Ground, world: World) -> None:
    guide, manager = world.shop.guide, world.shop.manager
    with clock.stopped_at(MONDAY):
        first = await mark(ground, manager, guide, FRIDAY)
        same = await mark(ground, manager, guide, FRIDAY)
        later = await mark(ground, manager, guide, FRIDAY + timedelta(days=1))
        without = await mark(ground, manager, guide)

    assert [each.version for each in (first, same, later, without)] == [2, 2, 3, 4]
    assert (await person(ground, guide)).last_day is None
    assert len(await said(ground, guide.id)) == 3


async def test_two_who_mark_at_once_mark_once(ground: Ground, world: World) -> None:
    marked = await asyncio.gather(*(mark(ground, world.hq, world.shop.guide) for _ in range(2)))

    assert {each.version for each in marked} == {2}
    assert len(await said(ground, world.shop.guide.id)) == 1


@pytest.mark.parametrize("day", [TODAY - timedelta(days=1), TODAY + timedelta(days=367)])
async def test_a_last_day_is_today_or_within_a_year(ground: Ground, world: World, day: date) -> None:
    with clock.stopped_at(MONDAY):
        async with refused(ground, Invalid):
            await mark(ground, world.hq, world.shop.guide, day)
        await mark(ground, world.hq, world.shop.guide, TODAY)


async def test_only_managers_above_mark_and_withdraw_and_nobody_their_own(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    for actor, kind in (
        (world.shop.other_guide, Forbidden),
        (guide, OwnAccess),
        (world.shops[1].manager, NotFound),
    ):
        for act in (mark, withdraw):
            async with refused(ground, kind):
                await act(ground, actor, guide)
    async with refused(ground, StaleVersion):
        await mark(ground, world.hq, guide, expected_version=7)
    async with refused(ground, NotLeaving):
        await withdraw(ground, world.hq, guide)
    await close(ground, world.hq, guide)
    for act in (mark, withdraw):
        async with refused(ground, AccessClosed):
            await act(ground, world.hq, guide)


async def test_whom_a_leaver_takes_on_belongs_to_the_store_and_nobody_is_sent_away(
    ground: Ground, world: World
) -> None:
    guide = world.shop.guide
    known = await build_customer(ground, world.shops[1].guide)
    taken = await build_customer(ground, world.shop.other_guide)
    await mark(ground, world.shop.manager, guide)

    async with unit_of_work(ground, guide) as work:
        new = await customers.create(work, VAULT, name="李娜")
        await customers.register(work, VAULT, name="周芷若", phone="13812345678")
        await customers.claim(work, VAULT, member_number=known.member_number)

    async with refused(ground, AlreadyHeld), unit_of_work(ground, guide) as work:
        await customers.claim(work, VAULT, member_number=taken.member_number)
    assert (await relationship_of(ground, new)).holder_id == world.shop.public.id
    async with unit_of_work(ground, world.hq) as work:
        assert await _held(work, guide) == 0


@pytest.mark.parametrize("by", ["manager", "hq"])
async def test_nobody_gives_a_leaver_customers(ground: Ground, world: World, by: str) -> None:
    guide, actor = world.shop.guide, world.hq if by == "hq" else world.shop.manager
    other = await build_customer(ground, world.shop.other_guide)
    await mark(ground, world.shop.manager, guide)

    async with refused(ground, HolderUnfit):
        await hand_on(ground, actor, other, guide)
    async with refused(ground, HolderUnfit), unit_of_work(ground, actor) as work:
        await customers.create(work, VAULT, name="李娜", account_id=guide.account_ids[0])


async def test_access_closes_by_itself_when_the_last_day_is_over_where_they_work(ground: Ground, world: World) -> None:
    guide, idle = world.shop.guides
    await build_customer(ground, guide)
    with clock.stopped_at(MONDAY):
        for each in (guide, idle):
            await mark(ground, world.shop.manager, each, FRIDAY)
    midnight = clock.day_bounds(FRIDAY, "Asia/Shanghai")[1]

    with clock.stopped_at(midnight - timedelta(seconds=1)):
        await chores.end_last_days(ground)
    assert (await person(ground, guide)).access_closed_at is None
    for _ in range(2):
        with clock.stopped_at(midnight):
            await chores.end_last_days(ground)

    assert (await person(ground, guide)).access_closed_at == midnight
    assert [(await person(ground, each)).state for each in (guide, idle)] == [StaffState.LEAVING, StaffState.DEPARTED]


async def test_who_may_stay_after_all_isnt_shut_out_at_the_last_moment(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    with clock.stopped_at(MONDAY):
        await mark(ground, world.shop.manager, guide, TODAY)
        await withdraw(ground, world.shop.manager, guide)
    with clock.stopped_at(MONDAY + timedelta(days=3)):
        async with unit_of_work(ground, world.hq) as work:
            assert not await customers.close_after_last_day(work, guide.id)

    stays = await person(ground, guide)
    assert (stays.state, stays.last_day, stays.access_closed_at) == (StaffState.ACTIVE, None, None)


async def test_the_whole_circle_ends_with_somebody_who_holds_nothing_and_may_hold_again(
    ground: Ground, world: World
) -> None:
    guide, colleague, manager = world.shop.guide, world.shop.other_guide, world.shop.manager
    held = [await build_customer(ground, guide) for _ in range(2)]
    await mark(ground, manager, guide)
    await close(ground, manager, guide)
    assert (await person(ground, guide)).state is StaffState.LEAVING
    for customer in held:
        await hand_on(ground, manager, customer, colleague)
    assert (await person(ground, guide)).state is StaffState.DEPARTED
    await reopen(ground, manager, guide)

    back = await person(ground, guide)
    assert (back.state, back.last_day, back.access_closed_at) == (StaffState.ACTIVE, None, None)
    async with unit_of_work(ground, world.hq) as work:
        assert await _held(work, guide) == 0
    await hand_on(ground, manager, held[0], guide)
    assert (await relationship_of(ground, held[0])).holder_id == guide.account_ids[0]
    async with ground.db.read() as session:
        stays = await session.scalars(select(Assignment).where(col(Assignment.staff_id) == guide.id))
        assert [each.ends_at is None for each in sorted(stays, key=lambda each: each.starts_at)] == [False, True]


async def test_who_holds_nothing_but_still_works_here_has_not_departed(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    customer = await build_customer(ground, guide)
    await mark(ground, world.hq, guide)
    await hand_on(ground, world.hq, customer, world.shop.other_guide)
    assert (await person(ground, guide)).state is StaffState.LEAVING

    await close(ground, world.hq, guide)

    assert (await person(ground, guide)).state is StaffState.DEPARTED


@pytest.mark.parametrize("way", ["withdraw", "reopen"])
async def test_who_stays_ends_the_draft_of_their_handover_but_none_that_is_approved(
    ground: Ground, world: World, way: str
) -> None:
    guide = world.shop.guide
    await build_customer(ground, guide)
    await mark(ground, world.hq, guide)
    if way == "reopen":
        await close(ground, world.hq, guide)
    stay = withdraw if way == "withdraw" else reopen
    row = await build_handover(ground, world, guide, HandoverState.APPROVED)

    async with refused(ground, HandoverInFlight):
        await stay(ground, world.hq, guide)
    async with ground.db.write() as session:
        found = await session.get(Handover, (world.brand.id, row.id))
        assert found
        found.state = HandoverState.DRAFT
    await stay(ground, world.hq, guide)

    assert (await reload(ground, row)).state is HandoverState.CANCELLED
    assert (await person(ground, guide)).state is StaffState.ACTIVE


@pytest.mark.parametrize(
    ("said_of_them", "state", "is_shut_out"),
    [
        ({}, StaffState.LEAVING, False),
        ({"last_day": FRIDAY}, StaffState.LEAVING, False),
        ({"last_day": TODAY - timedelta(days=1)}, StaffState.LEAVING, True),
        ({"has_left": True}, StaffState.LEAVING, True),
    ],
)
async def test_what_is_reported_is_news_once(
    ground: Ground,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    said_of_them: dict[str, Any],
    state: StaffState,
    is_shut_out: bool,
) -> None:
    guide, heard = world.shop.guide, []
    await build_customer(ground, guide)
    record = Work.record

    def listen(work: Work, event: Any) -> None:
        heard.append(event)
        record(work, event)

    monkeypatch.setattr(Work, "record", listen)

    with clock.stopped_at(MONDAY):
        for _ in range(2):
            await report(ground, guide, **said_of_them)

    found = await person(ground, guide)
    assert (found.state, found.access_closed_at is not None) == (state, is_shut_out)
    assert [event for event in heard if isinstance(event, DepartureReported)] == [
        DepartureReported(guide.id, found.version)
    ]


async def test_a_report_without_a_day_leaves_the_day_that_is_known(ground: Ground, world: World) -> None:
    with clock.stopped_at(MONDAY):
        await mark(ground, world.hq, world.shop.guide, FRIDAY)
        assert await report(ground, world.shop.guide) is None

    assert (await person(ground, world.shop.guide)).last_day == FRIDAY


async def _held(work: Work, guide: Actor) -> int:
    return await relationships.count_held_by(work.session, guide.brand_id, guide.id)


@pytest.mark.parametrize("aim", [CampaignAim.CUSTOMERS, CampaignAim.GUIDES])
async def test_who_is_leaving_is_given_work_until_access_is_closed(
    ground: Ground, world: World, aim: CampaignAim
) -> None:
    guide = world.shop.guide
    for expected, act in ((1, mark), (0, close)):
        for each in world.shop.guides:
            await build_customer(ground, each)
        await act(ground, world.hq, guide)
        campaign = await sent(ground, world.shop.manager, aim=aim)
        given = [task.account_id for task in await tasks_of(ground, campaign)]
        assert given.count(guide.account_ids[0]) == expected
        assert given.count(world.shop.other_guide.account_ids[0]) == 1


async def test_the_links_of_who_is_leaving_lead_to_them_until_access_is_closed(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    share = await build_share(ground, guide, await build_product(ground, world))
    await build_customer(ground, guide)

    async def asked() -> str | None:
        async with ground.db.read() as session:
            found = await landing.of_code(session, share.code)
        assert found
        return found.guide

    await mark(ground, world.hq, guide)
    assert await asked() == "qinghe-1-G1"
    await close(ground, world.hq, guide)
    assert await asked() is None
