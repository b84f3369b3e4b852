"""Managers hear 30 days before of what the partner takes no more: once, in each store, until it is settled."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from handover.commands import limits, undoing
from handover.models import GroupChat, Handover, HandoverItem, HandoverKind, HandoverState, PartnerTie
from handover.partner import Found
from kernel import clock, feed, ids
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from server import chores
from tasks.models import Task, TaskState
from tests.factories import NOON, build_world, said, save
from tests.handover.handing import build_handover
from tests.handover.partners import Case, name_at_partner, settling_case, tie

YEAR = timedelta(days=365)
NEAR = NOON + YEAR - timedelta(days=30)


async def waiting_case(ground: Ground, count: int = 2, **values: Any) -> Case:
    """The leaver left at noon, and customers haven't decided."""
    with clock.stopped_at(NOON):
        case = await settling_case(ground, await build_world(ground), count, **values)
        await case.settle()
    return case


async def mind(ground: Ground, *moments: Any) -> None:
    for moment in moments:
        with clock.stopped_at(moment):
            await chores.mind_limits(ground)


async def to_dos(ground: Ground) -> Sequence[Task]:
    async with ground.db.read() as session:
        found = await session.scalars(select(Task).order_by(col(Task.id)))
    return [task for task in found if (task.source_key or "").startswith("partner-limit:")]


async def test_managers_get_a_to_do_thirty_days_before_a_year_is_over(ground: Ground) -> None:
    case = await waiting_case(ground)

    assert chores.mind_limits in chores.CHORES
    await mind(ground, NOON, NEAR - timedelta(seconds=1))
    assert await to_dos(ground) == []
    await mind(ground, NEAR)

    [to_do] = await to_dos(ground)
    store = case.world.shop.store
    assert to_do.title.endswith("还有 2 位顾客、0 个客户群未在企业微信转交")
    limit = NOON + YEAR
    assert f"截止 {limit.year} 年 {limit.month} 月 {limit.day} 日" in (to_do.reason or "")
    assert (to_do.account_id, to_do.expires_at) == (case.world.shop.public.id, limit)
    assert to_do.source_key == f"partner-limit:{case.handover.id}:{store.id}"
    assert ("put", "task", to_do.id) in await said(ground, feed.of_desk(store.id))


async def test_it_comes_once_also_when_somebody_has_closed_it(ground: Ground) -> None:
    case = await waiting_case(ground)
    await mind(ground, NEAR, NEAR)
    async with ground.db.write() as session:
        await session.execute(
            update(Task).where(col(Task.brand_id) == case.world.brand.id).values(state=TaskState.SKIPPED)
        )

    await mind(ground, NEAR + timedelta(days=1))

    assert [task.state for task in await to_dos(ground)] == [TaskState.SKIPPED]


async def test_it_is_done_by_itself_once_all_is_settled(ground: Ground) -> None:
    case = await waiting_case(ground)
    await mind(ground, NEAR)
    case.partner.decide(Found.ACCEPTED, "wm-0", "wm-1")
    with clock.stopped_at(NEAR + timedelta(days=1)):
        await case.settle()
    assert await case.state() is HandoverState.DONE

    await mind(ground, NEAR + timedelta(days=1))

    assert [task.state for task in await to_dos(ground)] == [TaskState.DONE]
    await mind(ground, NEAR + timedelta(days=2))
    assert len(await to_dos(ground)) == 1


async def test_it_goes_with_a_handover_that_is_undone(ground: Ground) -> None:
    case = await waiting_case(ground)
    await mind(ground, NEAR)
    async with ground.db.write() as session:
        await session.execute(
            update(Handover).where(col(Handover.brand_id) == case.world.brand.id).values(undo_until=NEAR + YEAR)
        )
    with clock.stopped_at(NEAR):
        async with unit_of_work(ground, case.world.hq) as work:
            await undoing.undo(work, case.handover.id)

    await mind(ground, NEAR)

    assert [task.state for task in await to_dos(ground)] == [TaskState.DONE]


async def test_what_is_settled_is_not_counted_and_group_chats_are(ground: Ground) -> None:
    case = await waiting_case(ground, 3)
    case.partner.decide(Found.ACCEPTED, "wm-0")
    case.partner.decide(Found.REFUSED, "wm-1")
    with clock.stopped_at(NOON + timedelta(days=2)):
        await case.settle()
    leaver = case.leaver.account_ids[0]
    brand_id = case.world.brand.id
    async with ground.db.write() as session:
        await session.execute(update(Handover).where(col(Handover.brand_id) == brand_id).values(chats_listed_at=None))
    chats = [
        GroupChat(
            brand_id=brand_id,
            id=ids.new(),
            account_id=leaver,
            owner_user_id="leaver",
            chat_id=f"wr-{number}",
            told_at=NOON,
            gone_at=NOON if number == 0 else None,
        )
        for number in range(3)
    ]
    await save(ground, *chats)

    await mind(ground, NEAR)

    [to_do] = await to_dos(ground)
    assert "还有 1 位顾客、2 个客户群" in to_do.title


async def test_of_several_stores_each_hears_of_its_own(ground: Ground) -> None:
    case = await waiting_case(ground, 3)
    south = case.world.shops[1]
    async with ground.db.write() as session:
        await session.execute(
            update(HandoverItem)
            .where(
                col(HandoverItem.brand_id) == case.world.brand.id,
                col(HandoverItem.relationship_id) == case.relationships[0].id,
            )
            .values(to_account_id=south.other_guide.account_ids[0], attempt_id=None)
        )
        # It is another store's by now; what was tried about it is settled.
        attempts = [each for each in await case.attempts() if each.relationship_id == case.relationships[0].id]
        for each in attempts:
            row = await session.merge(each)
            row.todo, row.next_at = None, None

    await mind(ground, NEAR)

    told = {task.store_id: task.title.split("：")[1] for task in await to_dos(ground)}
    assert told == {
        case.world.shop.store.id: "还有 2 位顾客、0 个客户群未在企业微信转交",
        south.store.id: "还有 1 位顾客、0 个客户群未在企业微信转交",
    }


async def test_what_has_not_even_moved_is_counted_too(ground: Ground) -> None:
    world = await build_world(ground)
    with clock.stopped_at(NOON):
        await name_at_partner(ground, world.shop.guide.account_ids[0], world.brand.id, "leaver")
        await tie(ground, world.brand.id)
        case = await settling_case(ground, world, 2, is_tied=False)
        # Whoever held them by then leaves, too, and nobody carries it out.
        await build_handover(ground, world, leaver=case.taker, takers=world.shop.guide.account_ids)
        await case.settle()
    async with ground.db.write() as session:
        await session.execute(
            update(Handover)
            .where(col(Handover.brand_id) == world.brand.id, col(Handover.id) == case.handover.id)
            .values(state=HandoverState.CANCELLED)
        )

    await mind(ground, NEAR)

    [to_do] = await to_dos(ground)
    assert "还有 2 位顾客" in to_do.title


@pytest.mark.parametrize("is_tied", [True, False])
async def test_nothing_is_said_where_the_partner_sets_no_limit(ground: Ground, is_tied: bool) -> None:
    """Whoever works elsewhere now can be handed over as long as they work; and without a partner there is none."""
    case = await waiting_case(ground, kind=HandoverKind.TRANSFER if is_tied else HandoverKind.RESIGNATION)
    if not is_tied:
        async with ground.db.write() as session:
            for each in await session.scalars(
                select(PartnerTie).where(col(PartnerTie.brand_id) == case.world.brand.id)
            ):
                await session.delete(each)

    await mind(ground, NEAR, NOON + YEAR)

    assert await to_dos(ground) == []


async def test_when_it_is_too_late_nobody_is_warned_any_more(ground: Ground) -> None:
    await waiting_case(ground)

    await mind(ground, NOON + YEAR)

    assert await to_dos(ground) == []


async def test_a_worker_that_comes_second_finds_them_warned(ground: Ground) -> None:
    case = await waiting_case(ground)
    with clock.stopped_at(NEAR):
        for expected in (True, False):
            async with unit_of_work(ground, system(case.world.brand.id)) as work:
                assert await limits.warn(work, case.handover.id) is expected

    assert len(await to_dos(ground)) == 1
