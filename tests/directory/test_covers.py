"""Cover for leave is arranged, begins and ends by its dates, and is refused where it makes no sense."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from customers import commands as customers
from directory import commands as directory
from directory.commands import covers as commands
from directory.errors import (
    AbsentUnfit,
    CoverChain,
    CoverDates,
    CoverOver,
    CoverOverlaps,
    CoverUnderWay,
    DelegateUnfit,
    OwnCover,
    TooManyCovers,
)
from directory.models import Cover, CoverState, Staff
from directory.queries import covers
from kernel import clock
from kernel.actor import Actor, Covered, Role, system
from kernel.audit import AuditEntry
from kernel.errors import Forbidden, NotFound, Refusal, StaleVersion
from kernel.pages import Page
from kernel.work import Ground, Work, unit_of_work
from server import chores
from tests.directory.covering import as_now, cover
from tests.factories import NOON, World, build_customer, build_world, relationship_of, reload, said
from tests.refusals import refused

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def do(ground: Ground, actor: Actor, act: Callable[[Work], Awaitable[Any]]) -> Any:
    async with unit_of_work(ground, actor) as work:
        return await act(work)


def ending(which: Cover) -> Callable[[Work], Awaitable[Any]]:
    return partial(commands.end, cover_id=which.id)


def its(absent: Actor) -> tuple[Covered, ...]:
    return (Covered(absent.account_ids[0], absent.id),)


async def test_a_cover_from_now_on_is_in_force_at_once_and_its_people_are_told(ground: Ground) -> None:
    world = await build_world(ground)

    arranged = await cover(ground, world)

    assert (arranged.state, arranged.version) == (CoverState.ACTIVE, 1)
    absent, delegate = world.shop.guides
    assert (await as_now(ground, delegate)).covered == its(absent)
    assert (await as_now(ground, delegate)).account_ids == delegate.account_ids
    assert (await as_now(ground, absent)).covered == ()
    assert await said(ground, delegate.id) == [("put", "staff", delegate.id)]
    assert await said(ground, absent.id) == [("put", "staff", absent.id)]
    async with ground.db.read() as session:
        assert (await session.scalars(select(col(AuditEntry.action)))).all() == ["cover.arranged"]


async def test_the_dates_decide_to_the_instant_whether_anybody_notes_it_or_not(ground: Ground) -> None:
    world = await build_world(ground)
    absent, delegate = world.shop.guides
    with clock.stopped_at(NOON):
        await cover(ground, world, starts_at=NOON + DAY, hours=24)

    in_force = {}
    for at in (NOON + DAY - timedelta(microseconds=1), NOON + DAY, NOON + 2 * DAY - timedelta(microseconds=1)):
        with clock.stopped_at(at):
            in_force[at] = (await as_now(ground, delegate)).covered
    with clock.stopped_at(NOON + 2 * DAY):
        after = (await as_now(ground, delegate)).covered

    assert list(in_force.values()) == [(), its(absent), its(absent)]
    assert after == ()


async def test_that_it_has_begun_and_is_over_is_told_once_also_by_two_workers(ground: Ground) -> None:
    world = await build_world(ground)
    absent, delegate = world.shop.guides
    with clock.stopped_at(NOON):
        arranged = await cover(ground, world, starts_at=NOON + DAY, hours=24)
        await chores.mind_covers(ground)
    states, told = [], []
    for at in (NOON + DAY, NOON + 2 * DAY):
        with clock.stopped_at(at):
            await asyncio.gather(*(chores.mind_covers(ground) for _ in range(2)))
            await chores.mind_covers(ground)
        states.append((await reload(ground, arranged)).state)
        told.append(len(await said(ground, delegate.id)))

    assert states == [CoverState.ACTIVE, CoverState.ENDED]
    assert told == [2, 3]
    assert len(await said(ground, absent.id)) == 3


async def test_one_that_nobody_noted_before_it_was_over_is_noted_as_over(ground: Ground) -> None:
    world = await build_world(ground)
    with clock.stopped_at(NOON):
        arranged = await cover(ground, world, starts_at=NOON + DAY, hours=1)

    with clock.stopped_at(NOON + 9 * DAY):
        await chores.mind_covers(ground)

    assert (await reload(ground, arranged)).state is CoverState.ENDED


async def test_a_worker_whose_clock_is_fast_takes_nothing_from_anybody(ground: Ground) -> None:
    world = await build_world(ground)
    with clock.stopped_at(NOON):
        arranged = await cover(ground, world)
    with clock.stopped_at(NOON + 2 * DAY):
        await chores.mind_covers(ground)
    with clock.stopped_at(NOON + HOUR):
        early = await reload(ground, arranged)
        still = (await as_now(ground, world.shop.other_guide)).covered
        async with refused(ground, CoverOverlaps):
            await cover(ground, world)
        longer = await do(ground, world.hq, partial(commands.date, cover_id=arranged.id, ends_at=NOON + 2 * DAY))

    assert early.state is CoverState.ENDED
    assert still == its(world.shop.guide)
    assert longer.state is CoverState.ACTIVE


async def test_a_start_that_is_over_means_now(ground: Ground) -> None:
    world = await build_world(ground)
    with clock.stopped_at(NOON):
        arranged = await cover(ground, world, starts_at=NOON - HOUR, hours=2)

    assert (arranged.starts_at, arranged.ends_at) == (NOON, NOON + HOUR)


async def test_it_is_ended_early_and_cancelled_before_it_begins(ground: Ground) -> None:
    world = await build_world(ground)
    with clock.stopped_at(NOON):
        active = await cover(ground, world)
        planned = await cover(ground, world, starts_at=NOON + 9 * DAY)
    with clock.stopped_at(NOON + HOUR):
        for each in (active, planned):
            await do(ground, world.shop.manager, ending(each))
        now = (await as_now(ground, world.shop.other_guide)).covered
    with clock.stopped_at(NOON + 9 * DAY):
        later = (await as_now(ground, world.shop.other_guide)).covered

    assert (now, later) == ((), ())
    active, planned = await reload(ground, active), await reload(ground, planned)
    assert (active.state, active.ends_at) == (CoverState.ENDED, NOON + HOUR)
    assert (planned.state, planned.ends_at) == (CoverState.CANCELLED, NOON + 10 * DAY)
    assert active.ended_by_id == planned.ended_by_id == world.shop.manager.id


async def test_dates_are_changed_and_of_a_cover_under_way_only_the_end(ground: Ground) -> None:
    world = await build_world(ground)
    manager = world.shop.manager
    with clock.stopped_at(NOON):
        planned = await cover(ground, world, starts_at=NOON + 9 * DAY)
        active = await cover(ground, world)
        dated = await do(ground, manager, lambda work: commands.date(work, planned.id, starts_at=NOON + 8 * DAY))
        longer = await do(ground, manager, lambda work: commands.date(work, active.id, ends_at=NOON + 3 * DAY))
        async with refused(ground, CoverUnderWay):
            await do(ground, manager, lambda work: commands.date(work, active.id, starts_at=NOON + DAY))
        await do(ground, manager, ending(active))
        begun = await do(ground, manager, lambda work: commands.date(work, planned.id, starts_at=NOON - DAY))

    assert (dated.starts_at, longer.ends_at) == (NOON + 8 * DAY, NOON + 3 * DAY)
    assert (begun.starts_at, begun.state) == (NOON, CoverState.ACTIVE)


REFUSED: dict[str, tuple[type[Refusal], Callable[[World], dict[str, Any]]]] = {
    "for oneself": (OwnCover, lambda world: {"delegate": world.shop.guide}),
    "of a manager": (AbsentUnfit, lambda world: {"absent": world.shop.manager}),
    "by a guide of another store": (DelegateUnfit, lambda world: {"delegate": world.shops[1].guide, "by": world.hq}),
    "by headquarters": (DelegateUnfit, lambda world: {"delegate": world.hq, "by": world.hq}),
    "of nobody in sight": (NotFound, lambda world: {"absent": world.shops[1].guide}),
    "arranged by a guide": (Forbidden, lambda world: {"by": world.shop.other_guide}),
    "of no time": (CoverDates, lambda _world: {"hours": 0}),
    "of more than 90 days": (CoverDates, lambda _world: {"hours": 90 * 24 + 1}),
    "over already": (CoverDates, lambda _world: {"starts_at": NOON - 2 * DAY}),
    "in more than a year": (CoverDates, lambda _world: {"starts_at": NOON + 366 * DAY}),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(ground: Ground, case: str) -> None:
    kind, given = REFUSED[case]
    world = await build_world(ground)

    with clock.stopped_at(NOON):
        async with refused(ground, kind):
            await cover(ground, world, **given(world))


async def test_whoever_answers_for_the_store_arranges_and_the_manager_may_cover(ground: Ground) -> None:
    world = await build_world(ground)
    here = world.shop

    for by in (here.manager, world.east_manager, world.hq, system(world.brand.id)):
        arranged = await cover(ground, world, delegate=here.manager, by=by)
        assert (await as_now(ground, here.manager)).covered == its(here.guide)
        await do(ground, by, ending(arranged))


async def test_nobody_who_is_leaving_covers_but_a_leaver_is_covered(ground: Ground) -> None:
    world = await build_world(ground)
    leaver, other = world.shop.guides
    await build_customer(ground, leaver)
    await do(ground, world.shop.manager, lambda work: customers.close_access(work, leaver.id))

    async with refused(ground, DelegateUnfit):
        await cover(ground, world, other, leaver)
    await cover(ground, world, leaver, other)

    assert (await as_now(ground, other)).covered == its(leaver)


async def test_two_covers_of_the_same_two_people_may_follow_each_other_but_not_overlap(ground: Ground) -> None:
    world = await build_world(ground)
    with clock.stopped_at(NOON):
        first = await cover(ground, world, hours=24)
        second = await cover(ground, world, starts_at=NOON + DAY, hours=24)
        async with refused(ground, CoverOverlaps):
            await cover(ground, world, starts_at=NOON + DAY - HOUR, hours=0.5)
        async with refused(ground, CoverOverlaps):
            await do(ground, world.hq, lambda work: commands.date(work, first.id, ends_at=NOON + DAY + HOUR))
        await do(ground, world.hq, ending(second))
        await do(ground, world.hq, lambda work: commands.date(work, first.id, ends_at=NOON + DAY + HOUR))


async def test_one_guide_covers_several_and_is_covered_by_several_but_never_in_a_chain(ground: Ground) -> None:
    world = await build_world(ground)
    here = world.shop
    third = await _hired(ground, world)

    await cover(ground, world, here.guide, here.other_guide)
    await cover(ground, world, third, here.other_guide)
    await cover(ground, world, here.guide, here.manager)
    assert len((await as_now(ground, here.other_guide)).covered) == 2
    for absent, delegate in ((here.other_guide, here.guide), (here.other_guide, third), (third, here.guide)):
        async with refused(ground, CoverChain):
            await cover(ground, world, absent, delegate)


async def test_of_two_that_would_form_a_chain_one_is_refused_also_side_by_side(ground: Ground) -> None:
    world = await build_world(ground)
    one, other = world.shop.guides

    for _ in range(5):
        found = await asyncio.gather(
            cover(ground, world, one, other), cover(ground, world, other, one), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in found) == ["Cover", "CoverChain"]
        [arranged] = [each for each in found if isinstance(each, Cover)]
        await do(ground, world.hq, ending(arranged))


async def test_nobody_covers_more_than_ten_at_a_time(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "MOST_AT_ONCE", 1)
    world = await build_world(ground)
    third = await _hired(ground, world)
    await cover(ground, world)

    for absent, delegate in ((third, world.shop.other_guide), (world.shop.guide, third)):
        async with refused(ground, TooManyCovers):
            await cover(ground, world, absent, delegate)


async def test_what_is_over_stays_so_and_older_versions_are_refused(ground: Ground) -> None:
    world = await build_world(ground)
    manager = world.shop.manager
    arranged = await cover(ground, world)
    for act in (commands.end, commands.date):
        async with refused(ground, StaleVersion):
            await do(ground, manager, partial(act, cover_id=arranged.id, expected_version=77))
        async with refused(ground, Forbidden):
            await do(ground, world.shop.guide, partial(act, cover_id=arranged.id))
        async with refused(ground, NotFound):
            await do(ground, world.shops[1].manager, partial(act, cover_id=arranged.id))
    await do(ground, manager, ending(arranged))

    for act in (commands.end, commands.date):
        async with refused(ground, CoverOver):
            await do(ground, manager, partial(act, cover_id=arranged.id))


async def close_access(work: Work, person: Actor, _elsewhere: UUID) -> None:
    await customers.close_access(work, person.id)


async def begin_leaving(work: Work, person: Actor, _elsewhere: UUID) -> None:
    await directory.begin_leaving(work, person.id)


async def move(work: Work, person: Actor, elsewhere: UUID) -> None:
    await customers.move_staff(work, person.id, role=Role.GUIDE, store_id=elsewhere)


@pytest.mark.parametrize("act", [close_access, begin_leaving, move])
async def test_whoever_leaves_or_moves_covers_nothing_from_that_moment_on(
    ground: Ground, act: Callable[[Work, Actor, UUID], Awaitable[None]]
) -> None:
    world = await build_world(ground)
    if act is not move:  # whoever holds nothing has departed at once, and whoever holds something stays
        await build_customer(ground, world.shop.other_guide)
    active = await cover(ground, world)
    planned = await cover(ground, world, starts_at=clock.now() + 9 * DAY)

    await do(ground, world.hq, lambda work: act(work, world.shop.other_guide, world.shops[1].store.id))

    assert (await reload(ground, active)).state is CoverState.ENDED
    assert (await reload(ground, planned)).state is CoverState.CANCELLED


async def test_the_cover_of_a_leaver_goes_on_until_they_have_departed(ground: Ground) -> None:
    world = await build_world(ground)
    leaver, delegate = world.shop.guides
    customer = await build_customer(ground, leaver)
    arranged = await cover(ground, world)
    await do(ground, world.hq, lambda work: customers.close_access(work, leaver.id))
    assert (await as_now(ground, delegate)).covered == its(leaver)

    held = await relationship_of(ground, customer)
    taker = delegate.account_ids[0]
    await do(ground, world.hq, lambda work: customers.reassign(work, held.id, to_account_id=taker))

    assert (await reload(ground, arranged)).state is CoverState.ENDED
    assert (await as_now(ground, delegate)).covered == ()


async def test_a_delegate_who_was_put_elsewhere_by_hand_serves_for_nobody(ground: Ground) -> None:
    """Whatever a file or an operator does to the rows: it is looked at where somebody works now."""
    world = await build_world(ground)
    await cover(ground, world)
    delegate = world.shop.other_guide
    async with ground.db.write() as session:
        theirs = (col(Staff.brand_id) == delegate.brand_id, col(Staff.id) == delegate.id)
        await session.execute(update(Staff).where(*theirs).values(store_id=world.shops[1].store.id))

    assert (await as_now(ground, world.shop.other_guide)).covered == ()
    async with ground.db.read() as session:
        assert await covers.covered(session, world.brand.id) == {}


async def test_managers_see_the_covers_of_their_stores_and_guides_their_own(ground: Ground) -> None:
    world = await build_world(ground)
    here, next_door, _ = world.shops
    third = await _hired(ground, world)
    ours = await cover(ground, world)
    theirs = await cover(ground, world, next_door.guide, next_door.other_guide, by=world.hq)

    async def seen(actor: Actor) -> set[Any]:
        async with ground.db.read() as session:
            return {row.id for row in await covers.page(session, actor, Page(100))}

    assert await seen(here.manager) == {ours.id}
    assert await seen(world.east_manager) == await seen(world.hq) == {ours.id, theirs.id}
    assert await seen(here.guide) == await seen(here.other_guide) == {ours.id}
    assert await seen(third) == await seen(next_door.manager) - {theirs.id} == set()


async def _hired(ground: Ground, world: World) -> Actor:
    """One more guide of the shop."""
    async with unit_of_work(ground, world.hq) as work:
        person = await directory.hire(work, number="G3", name="新人", role=Role.GUIDE, store_id=world.shop.store.id)
    return await as_now(ground, Actor(world.brand.id, person.id, Role.GUIDE))
