"""What is overdue comes before the manager, and what is of no use any more ends by itself: once, store by store."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from kernel import clock, feed, jobs
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from server.chores import tend_tasks
from server.wiring import HANDLERS
from tasks import commands
from tasks.commands import tending
from tasks.errors import TaskClosed
from tasks.models import StepKind, Task, TaskState, TaskStep
from tasks.queries import due
from tasks.queries import tasks as queries
from tests.factories import World, build_task, build_world, reload, said
from tests.statements import statements

AT = datetime(2026, 5, 30, 4, tzinfo=UTC)
HOUR = timedelta(hours=1)


async def asked(ground: Ground, world: World) -> list[jobs.Job]:
    async with ground.db.read() as session:
        found = await session.scalars(select(jobs.Job).where(col(jobs.Job.brand_id) == world.brand.id))
        return [job for job in found if job.name == tending.TEND_STORE]


async def tend(ground: Ground, world: World, store_id: UUID | None = None) -> None:
    """Carry the store's job out, and what it asks for, until nothing is left."""
    handler = HANDLERS[tending.TEND_STORE]
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await handler(work, store_id=str(store_id or world.shop.store.id))
        more = bool(work.requests)
    if more:
        await tend(ground, world, store_id)


async def steps(ground: Ground, task: Task) -> list[StepKind]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(TaskStep).where(col(TaskStep.brand_id) == task.brand_id, col(TaskStep.task_id) == task.id)
        )
        return [step.kind for step in found]


async def test_overdue_tasks_come_before_the_manager_once_and_stay_with_their_keeper(ground: Ground) -> None:
    world = await build_world(ground)
    overdue = await build_task(ground, world.shop.guide, due_at=AT - HOUR, escalates_at=AT)
    later = await build_task(ground, world.shop.guide, escalates_at=AT + HOUR)
    never = await build_task(ground, world.shop.guide, due_at=AT - HOUR)

    with clock.stopped_at(AT):
        await tend(ground, world)
        await tend(ground, world)

    rows = [await reload(ground, task) for task in (overdue, later, never)]
    assert [(row.escalated_at, row.state, row.version) for row in rows] == [
        (AT, TaskState.PENDING, 2),
        (None, TaskState.PENDING, 1),
        (None, TaskState.PENDING, 1),
    ]
    assert await steps(ground, overdue) == [StepKind.ESCALATED]
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "task", overdue.id)]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "task", overdue.id)]
    with clock.stopped_at(AT):
        async with ground.db.read() as session:
            shown = [
                [row.id for row in await queries.escalated(session, actor, 20)]
                for actor in (world.shop.manager, world.shops[1].manager, world.east_manager, world.shop.other_guide)
            ]
    assert shown == [[overdue.id], [], [overdue.id], []]


async def test_what_has_expired_ends_and_does_not_escalate_first(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide, escalates_at=AT - HOUR, expires_at=AT)

    with clock.stopped_at(AT - HOUR / 2):
        await tend(ground, world)
    escalated = await reload(ground, task)
    other = await build_task(ground, world.shop.guide, escalates_at=AT - HOUR, expires_at=AT)
    with clock.stopped_at(AT):
        await tend(ground, world)

    assert (escalated.state, escalated.escalated_at) == (TaskState.PENDING, AT - HOUR / 2)
    ended = [await reload(ground, each) for each in (task, other)]
    assert [(row.state, row.closed_at, row.closed_by_id) for row in ended] == [(TaskState.EXPIRED, AT, None)] * 2
    assert ended[1].escalated_at is None
    assert await steps(ground, other) == [StepKind.EXPIRED]
    with pytest.raises(TaskClosed, match="allowed to expire"):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.complete(work, task.id)


async def test_many_are_seen_to_in_chunks(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tending, "AT_ONCE", 2)
    world = await build_world(ground)
    expiring = [await build_task(ground, world.shop.guide, expires_at=AT) for _ in range(5)]
    overdue = [await build_task(ground, world.shop.guide, escalates_at=AT) for _ in range(4)]

    with clock.stopped_at(AT):
        await tend(ground, world)

    assert {(await reload(ground, task)).state for task in expiring} == {TaskState.EXPIRED}
    assert {(await reload(ground, task)).escalated_at for task in overdue} == {AT}
    told = await said(ground, feed.of_desk(world.shop.store.id))
    assert sorted(told) == sorted(("put", "task", task.id) for task in (*expiring, *overdue))


async def test_each_store_with_something_to_see_to_is_asked_for_once(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "baihe")
    for shop in (*world.shops[:2], other.shop):
        await build_task(ground, shop.guide, escalates_at=AT)
        await build_task(ground, shop.guide, expires_at=AT)
    await build_task(ground, world.shops[2].guide, escalates_at=AT + HOUR)

    with clock.stopped_at(AT):
        await tend_tasks(ground)
        await tend_tasks(ground)

    wanted = {str(shop.store.id) for shop in world.shops[:2]}
    assert {job.args["store_id"] for job in await asked(ground, world)} == wanted
    assert len(await asked(ground, world)) == 2
    assert [job.args["store_id"] for job in await asked(ground, other)] == [str(other.shop.store.id)]


async def test_where_nothing_is_due_looking_takes_one_statement_a_brand(ground: Ground) -> None:
    world = await build_world(ground)
    await build_task(ground, world.shop.guide, escalates_at=AT + HOUR, expires_at=AT + HOUR)

    with clock.stopped_at(AT), statements(ground) as sent:
        await tend_tasks(ground)

    assert len(sent) == 2  # which brands there are, and whether one has anything
    assert await asked(ground, world) == []


async def test_two_workers_at_once_do_it_once(ground: Ground) -> None:
    world = await build_world(ground)
    tasks = [await build_task(ground, world.shop.guide, escalates_at=AT) for _ in range(10)]
    tasks += [await build_task(ground, world.shop.guide, expires_at=AT) for _ in range(10)]

    with clock.stopped_at(AT):
        await asyncio.gather(*(tend(ground, world) for _ in range(3)))

    assert {(await reload(ground, task)).version for task in tasks} == {2}
    assert len(await said(ground, feed.of_desk(world.shop.store.id))) == len(tasks)


async def test_completing_while_it_expires_is_one_or_the_other(ground: Ground) -> None:
    world = await build_world(ground)
    tasks = [await build_task(ground, world.shop.guide, expires_at=AT) for _ in range(5)]

    async def complete(task: Task) -> Any:
        async with unit_of_work(ground, world.shop.guide) as work:
            return await commands.complete(work, task.id)

    with clock.stopped_at(AT):
        answers = await asyncio.gather(*(complete(task) for task in tasks), tend(ground, world), return_exceptions=True)

    rows = [await reload(ground, task) for task in tasks]
    refused = sum(isinstance(answer, TaskClosed) for answer in answers)
    assert refused == sum(row.state is TaskState.EXPIRED for row in rows)
    assert {row.version for row in rows} == {2}
    assert [len(await steps(ground, task)) for task in tasks] == [1] * 5


async def test_looking_for_what_is_due_is_done_by_the_partial_indexes(ground: Ground) -> None:
    world = await build_world(ground)

    async with ground.db.read() as session:
        with statements(ground) as sent:
            await due.stores(session, world.brand.id, AT, 1)
        connection = await session.connection()
        if ground.db.is_sqlite:
            asked = await connection.exec_driver_sql("EXPLAIN QUERY PLAN " + sent[0], ("", "", "", "", 1, 0))
        else:
            await connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            asked = await connection.exec_driver_sql("EXPLAIN " + sent[0], (world.brand.id, AT, world.brand.id, AT, 1))
        plan = "\n".join(str(row) for row in asked)

    assert "ix_task_expires" in plan, plan
    assert "ix_task_escalates" in plan, plan
