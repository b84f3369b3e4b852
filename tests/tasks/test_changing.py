"""Tasks are opened, put off, skipped, taken back and given away: by whom, how far, and many at once or none."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from customers.errors import HolderUnfit, OtherStore
from kernel import clock, feed, ids
from kernel.actor import Actor, system
from kernel.errors import Forbidden, Invalid, NotFound, Refusal, StaleVersion
from kernel.work import Ground, Work, unit_of_work
from tasks import commands
from tasks.commands import add_made
from tasks.errors import (
    ContactTaken,
    DueInThePast,
    SkipInstead,
    SnoozeInThePast,
    TaskClosed,
    TaskFollowsCustomer,
)
from tasks.models import Outcome, SkipReason, StepKind, Task, TaskKind, TaskSource, TaskState, TaskStep
from tests.factories import build_customer, build_task, build_world, relationship_of, reload, said
from tests.refusals import refused

AT = datetime(2026, 5, 30, 4, tzinfo=UTC)  # noon in Shanghai
DAY = date(2026, 5, 30)
HOUR = timedelta(hours=1)
QUIET_OVER = datetime(2026, 5, 31, 1, tzinfo=UTC)  # nine o'clock the next morning

Act = Callable[[Work], Awaitable[Any]]


async def do(ground: Ground, actor: Actor, act: Callable[..., Awaitable[Any]], *given: Any, **named: Any) -> Any:
    async with unit_of_work(ground, actor) as work:
        return await act(work, *given, **named)


async def history(ground: Ground, task: Task) -> list[tuple[StepKind, UUID | None]]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(TaskStep)
            .where(col(TaskStep.brand_id) == task.brand_id, col(TaskStep.task_id) == task.id)
            .order_by(col(TaskStep.id))
        )
        return [(step.kind, step.by_staff_id) for step in found]


async def test_a_task_is_opened_once_by_whoever_keeps_it(ground: Ground) -> None:
    world = await build_world(ground)
    first, second, closed = [
        await build_task(ground, world.shop.guide, state=state)
        for state in (TaskState.PENDING, TaskState.PENDING, TaskState.DONE)
    ]

    with clock.stopped_at(AT):
        some = await do(ground, world.shop.guide, commands.mark_seen, [first.id])
    with clock.stopped_at(AT + HOUR):
        ids_ = [closed.id, second.id, first.id]
        more = await do(ground, world.shop.guide, commands.mark_seen, ids_)

    assert [[task.id for task in tasks] for tasks in (some, more)] == [[first.id], [second.id]]
    assert [(await reload(ground, task)).seen_at for task in (first, second, closed)] == [AT, AT + HOUR, None]
    assert await history(ground, first) == [(StepKind.SEEN, world.shop.guide.id)]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [
        ("put", "task", first.id),
        ("put", "task", second.id),
    ]
    for actor, refusal in [(world.shop.manager, Forbidden), (world.hq, Forbidden), (world.shop.other_guide, NotFound)]:
        async with refused(ground, refusal):
            await do(ground, actor, commands.mark_seen, [first.id])


async def test_skipping_says_why_and_other_reasons_need_words(ground: Ground) -> None:
    world = await build_world(ground)
    task, other = await build_task(ground, world.shop.guide), await build_task(ground, world.shop.guide)

    for remark in (None, "  ", "长" * 501):
        async with refused(ground, Invalid):
            await do(
                ground,
                world.shop.guide,
                commands.skip,
                task.id,
                reason=SkipReason.OTHER,
                remark=remark,
            )
    for actor, refusal in [
        (world.hq, Forbidden),
        (world.shop.other_guide, NotFound),
        (world.shops[1].manager, NotFound),
    ]:
        async with refused(ground, refusal):
            await do(ground, actor, commands.skip, task.id, reason=SkipReason.BAD_TIME)
    with clock.stopped_at(AT):
        await do(
            ground,
            world.shop.guide,
            commands.skip,
            task.id,
            reason=SkipReason.OTHER,
            remark=" 出国 ",
            expected_version=1,
        )
        await do(ground, world.shop.manager, commands.skip, other.id, reason=SkipReason.BAD_TIME)

    rows = [await reload(ground, each) for each in (task, other)]
    assert [(row.state, row.skip_reason, row.outcome_remark, row.closed_by_id) for row in rows] == [
        (TaskState.SKIPPED, SkipReason.OTHER, "出国", world.shop.guide.id),
        (TaskState.SKIPPED, SkipReason.BAD_TIME, None, world.shop.manager.id),
    ]
    assert await history(ground, task) == [(StepKind.SKIPPED, world.shop.guide.id)]
    async with refused(ground, TaskClosed):
        await do(ground, world.shop.guide, commands.complete, task.id)


async def test_who_may_take_a_task_back(ground: Ground) -> None:
    world = await build_world(ground)
    guide, manager = world.shop.guide, world.shop.manager
    planned = [await build_task(ground, guide, source=TaskSource.RULE) for _ in range(2)]
    asked = await build_task(ground, guide)
    of_hq = await build_task(ground, guide, created_by_id=world.hq.id)

    async with refused(ground, SkipInstead):
        await do(ground, guide, commands.cancel, planned[0].id)
    for actor in (world.hq, world.east_manager):
        async with refused(ground, Forbidden):
            await do(ground, actor, commands.cancel, asked.id)
    for actor, task in [(manager, planned[0]), (guide, asked), (world.hq, of_hq)]:
        await do(ground, actor, commands.cancel, task.id)
        closed = await reload(ground, task)
        assert (closed.state, closed.closed_by_id) == (TaskState.CANCELLED, actor.id)
    assert (await reload(ground, planned[1])).state is TaskState.PENDING


async def test_putting_off_moves_what_follows_from_being_due(ground: Ground) -> None:
    world = await build_world(ground)
    times: dict[str, Any] = {"due_at": AT + HOUR, "escalates_at": AT + 2 * HOUR, "expires_at": AT + 3 * HOUR}
    task = await build_task(ground, world.shop.guide, **times)
    urgent = await build_task(ground, world.shop.guide, priority=100, due_at=AT + 48 * HOUR, escalates_at=None)
    night = AT + 12 * HOUR  # midnight in Shanghai

    with clock.stopped_at(AT):
        await do(ground, world.shop.guide, commands.snooze, task.id, until=AT + HOUR / 2)
        early = await reload(ground, task)
        for each in (task, urgent):
            await do(ground, world.shop.guide, commands.snooze, each.id, until=night)

    assert (early.snoozed_until, early.alert_at) == (AT + HOUR / 2, AT + HOUR / 2)
    assert (early.due_at, early.escalates_at, early.expires_at) == tuple(times.values())
    late, at_once = await reload(ground, task), await reload(ground, urgent)
    assert (late.snoozed_until, late.alert_at) == (night, QUIET_OVER)
    assert (late.due_at, late.escalates_at, late.expires_at) == (night, night + HOUR, night + 2 * HOUR)
    assert (at_once.due_at, at_once.alert_at, at_once.expires_at) == (AT + 48 * HOUR, night, None)
    assert [kind for kind, _ in await history(ground, task)] == [StepKind.SNOOZED] * 2
    for until, refusal in [(AT, SnoozeInThePast), (AT + timedelta(days=3_000), Invalid)]:
        async with refused(ground, refusal):
            with clock.stopped_at(AT):
                await do(ground, world.shop.guide, commands.snooze, task.id, until=until)


async def test_a_claim_of_a_customer_goes_along_to_a_later_day_that_is_free(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    task = await build_task(ground, world.shop.guide, customer, contact_day=DAY)
    await build_task(ground, world.shop.guide, customer, contact_day=DAY + timedelta(days=1), state=TaskState.DONE)

    async def snooze(days: int, hours: int = 0) -> None:
        until = AT + timedelta(days=days, hours=hours)
        with clock.stopped_at(AT):
            await do(ground, world.shop.guide, commands.snooze, task.id, until=until)

    await snooze(0, 2)
    same = (await reload(ground, task)).contact_day
    async with refused(ground, ContactTaken):
        await snooze(1)
    async with refused(ground, ContactTaken):
        await snooze(0, 12)  # the first instant of the next day in Shanghai
    await snooze(2)

    assert (same, (await reload(ground, task)).contact_day) == (DAY, DAY + timedelta(days=2))


async def test_of_two_that_move_to_one_day_at_once_one_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    relationship_id = (await relationship_of(ground, customer)).id
    task = await build_task(ground, world.shop.guide, customer, contact_day=DAY)
    row = {
        "kind": TaskKind.REVISIT,
        "title": "回访",
        "due_at": AT,
        "source": TaskSource.RULE,
        "relationship_id": relationship_id,
        "contact_day": DAY + timedelta(days=1),
    }

    with clock.stopped_at(AT):
        answers = await asyncio.gather(
            do(ground, world.shop.guide, commands.snooze, task.id, until=AT + timedelta(days=1)),
            do(ground, system(world.brand.id), add_made, [row]),
            return_exceptions=True,
        )

    moved = (await reload(ground, task)).contact_day
    if isinstance(answers[0], BaseException):
        assert isinstance(answers[0], ContactTaken)
        assert (moved, len(answers[1])) == (DAY, 1)  # type: ignore[arg-type]
    else:
        assert (moved, answers[1]) == (DAY + timedelta(days=1), [])


async def test_a_manager_gives_a_task_about_nobody_to_somebody_of_the_store(ground: Ground) -> None:
    world = await build_world(ground)
    former, new = world.shop.guide, world.shop.other_guide
    task = await build_task(ground, former, seen_at=AT - HOUR, alert_at=AT - HOUR)
    to = {"to_account_id": new.account_ids[0]}

    for actor, refusal in [(former, Forbidden), (world.shops[1].manager, NotFound)]:
        async with refused(ground, refusal):
            await do(ground, actor, commands.reassign, task.id, **to)
    with clock.stopped_at(AT + 12 * HOUR):
        for _ in range(2):
            await do(ground, world.shop.manager, commands.reassign, task.id, **to)

    row = await reload(ground, task)
    assert (row.account_id, row.seen_at, row.alert_at, row.version) == (new.account_ids[0], None, QUIET_OVER, 2)
    assert await history(ground, task) == [(StepKind.MOVED, world.shop.manager.id)]
    assert await said(ground, feed.of_staff(former.id)) == [("del", "task", task.id)]
    assert await said(ground, feed.of_staff(new.id)) == [("put", "task", task.id)]


async def test_what_may_not_be_given_to_somebody_else(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    about, todo, done = [
        await build_task(ground, world.shop.guide, customer),
        await build_task(ground, world.shop.guide),
        await build_task(ground, world.shop.guide, state=TaskState.DONE),
    ]
    taker = world.shop.other_guide.account_ids[0]
    elsewhere = world.shops[1].guide.account_ids[0]

    for actor, task, account_id, refusal in [
        (world.shop.manager, about, taker, TaskFollowsCustomer),
        (world.shop.manager, done, taker, TaskClosed),
        (world.east_manager, todo, elsewhere, OtherStore),
        (world.shop.manager, todo, elsewhere, NotFound),
        (world.shop.manager, todo, ids.new(), NotFound),
    ]:
        async with refused(ground, refusal):
            await do(
                ground,
                actor,
                commands.reassign,
                task.id,
                to_account_id=account_id,
            )
    await do(ground, world.hq, customers.close_access, world.shop.other_guide.id)
    async with refused(ground, HolderUnfit):
        await do(ground, world.shop.manager, commands.reassign, todo.id, to_account_id=taker)


Many = Callable[[Work, list[UUID]], Awaitable[list[Task]]]


def _to_other(work: Work, task_ids: list[UUID], account_id: UUID) -> Awaitable[list[Task]]:
    return commands.reassign_many(work, task_ids, to_account_id=account_id)


@pytest.mark.parametrize("name", ["complete", "skip", "snooze", "cancel", "reassign", "see"])
async def test_many_at_once_are_all_changed_or_none(ground: Ground, name: str) -> None:
    world = await build_world(ground)
    taker = world.shop.other_guide.account_ids[0]
    # Of whom the public account's keeper can open and close all: the store's manager.
    manager = world.shop.manager
    acts: dict[str, Many] = {
        "complete": lambda work, some: commands.complete_many(work, some, outcome=Outcome.NOT_REACHED),
        "skip": lambda work, some: commands.skip_many(work, some, reason=SkipReason.IN_TOUCH),
        "snooze": lambda work, some: commands.snooze_many(work, some, until=clock.now() + HOUR),
        "cancel": lambda work, some: commands.cancel_many(work, some),
        "reassign": lambda work, some: _to_other(work, some, taker),
        "see": lambda work, some: commands.mark_seen(work, some),
    }
    tasks = sorted([await build_task(ground, manager) for _ in range(3)], key=lambda task: task.id, reverse=True)
    foreign = await build_task(ground, world.shops[1].guide)
    named = [task.id for task in tasks]

    for wrong, index, refusal in [
        ([*named[:1], foreign.id, *named[1:]], 1, NotFound),
        ([*named, ids.new()], 3, NotFound),
        ([], None, Invalid),
        ([ids.new() for _ in range(101)], None, Invalid),
    ]:
        async with refused(ground, refusal):
            try:
                await do(ground, manager, acts[name], wrong)
            except Refusal as caught:
                assert caught.index == index
                raise
    changed = await do(ground, manager, acts[name], [*named, *named[:1]])

    assert [task.id for task in changed] == sorted(named)
    assert {(await reload(ground, task)).version for task in tasks} == {2}
    assert [len(await history(ground, task)) for task in tasks] == [1] * 3
    assert sorted(await said(ground, feed.of_desk(world.shop.store.id))) == sorted(
        ("put", "task", each) for each in named
    )
    if name in ("complete", "skip", "cancel"):
        fresh = await build_task(ground, manager)
        async with refused(ground, TaskClosed):
            try:
                await do(ground, manager, acts[name], [fresh.id, named[1]])
            except Refusal as caught:
                assert caught.index == 1
                raise


async def test_two_phones_at_once_one_wins_and_both_hear(ground: Ground) -> None:
    """The account's owner and the store's manager, each with the same version of the same task."""
    world = await build_world(ground)
    tasks = [await build_task(ground, world.shop.guide) for _ in range(4)]
    for task in tasks:
        answers = await asyncio.gather(
            do(
                ground,
                world.shop.guide,
                commands.complete,
                task.id,
                outcome=Outcome.REACHED,
            ),
            do(
                ground,
                world.shop.manager,
                commands.skip,
                task.id,
                reason=SkipReason.BAD_TIME,
            ),
            return_exceptions=True,
        )

        row = await reload(ground, task)
        [lost] = [answer for answer in answers if isinstance(answer, BaseException)]
        assert isinstance(lost, TaskClosed)
        assert str(lost) == f"This task is already closed: it was {row.state.value}."
        assert (row.outcome is None) == (row.state is TaskState.SKIPPED)
        assert len(await history(ground, task)) == 1
    heard = [("put", "task", task.id) for task in tasks]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == heard
    assert await said(ground, feed.of_desk(world.shop.store.id)) == heard


async def test_many_by_two_at_once_never_wait_for_each_other_for_ever(ground: Ground) -> None:
    world = await build_world(ground)
    tasks = [await build_task(ground, world.shop.guide) for _ in range(30)]
    named = [task.id for task in tasks]

    answers = await asyncio.gather(
        do(ground, world.shop.guide, commands.complete_many, named),
        do(ground, world.shop.manager, commands.cancel_many, named[::-1]),
        return_exceptions=True,
    )

    assert [type(answer) for answer in answers if isinstance(answer, BaseException)] == [TaskClosed]
    assert len({(await reload(ground, task)).state for task in tasks}) == 1


async def test_an_older_version_is_refused_everywhere(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)
    to = world.shop.other_guide.account_ids[0]
    stale: list[Act] = [
        lambda work: commands.complete(work, task.id, expected_version=7),
        lambda work: commands.skip(work, task.id, reason=SkipReason.BAD_TIME, expected_version=7),
        lambda work: commands.snooze(work, task.id, until=clock.now() + HOUR, expected_version=7),
        lambda work: commands.cancel(work, task.id, expected_version=7),
        lambda work: commands.reassign(work, task.id, to_account_id=to, expected_version=7),
    ]

    for act in stale:
        async with refused(ground, StaleVersion):
            await do(ground, world.shop.manager, act)


async def test_what_a_person_asks_for_is_due_in_time_and_heard_of_out_of_the_quiet(ground: Ground) -> None:
    world = await build_world(ground)
    night = AT + 12 * HOUR

    async def ask(**values: Any) -> Task:
        usual: dict[str, Any] = {"title": "整理陈列", "due_at": night + HOUR}
        with clock.stopped_at(night):
            task: Task = await do(ground, world.shop.guide, commands.add, **usual | values)
        return task

    task = await ask(due_at=night + HOUR, expires_at=night + 2 * HOUR)
    assert (task.alert_at, task.escalates_at, task.expires_at) == (QUIET_OVER, night + 25 * HOUR, night + 2 * HOUR)
    assert await history(ground, task) == [(StepKind.ADDED, world.shop.guide.id)]
    urgent = await ask(priority=100)
    assert (urgent.alert_at, urgent.expires_at) == (night, None)
    assert (await ask(due_at=night - timedelta(minutes=15))).due_at < night
    for values, refusal in [
        ({"due_at": night - timedelta(minutes=16)}, DueInThePast),
        ({"due_at": night + timedelta(days=3_000)}, Invalid),
        ({"expires_at": night + HOUR}, Invalid),
        ({"expires_at": night + timedelta(days=3_000)}, Invalid),
    ]:
        async with refused(ground, refusal):
            await ask(**values)


async def test_a_task_on_somebody_elses_customer_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    theirs = await build_customer(ground, world.shop.other_guide)
    foreign = await build_customer(ground, world.shops[1].guide)

    for customer in (theirs, foreign):
        async with refused(ground, NotFound):
            await do(
                ground,
                world.shop.guide,
                commands.add,
                title="回访",
                due_at=clock.now() + HOUR,
                customer_id=customer.id,
            )


async def test_tasks_that_move_with_a_customer_are_heard_of_out_of_the_quiet(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    night = AT + 12 * HOUR
    usual, urgent, later = [
        await build_task(ground, world.shop.guide, customer, seen_at=AT, **values)
        for values in ({"alert_at": AT}, {"priority": 100}, {"alert_at": night + 48 * HOUR})
    ]
    relationship = await relationship_of(ground, customer)

    with clock.stopped_at(night):
        await do(
            ground,
            system(world.brand.id),
            commands.move_open,
            [relationship.id],
            world.shop.other_guide.account_ids[0],
        )

    rows = [await reload(ground, task) for task in (usual, urgent, later)]
    assert [(row.alert_at, row.seen_at) for row in rows] == [
        (QUIET_OVER, None),
        (night, None),
        (night + 48 * HOUR, None),
    ]
    assert [await history(ground, row) for row in rows] == [[(StepKind.MOVED, None)]] * 3
