"""Work that the database ends for another one's sake is done again, and in the end it is done once."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from kernel import clock, feed
from kernel.errors import Unavailable
from kernel.work import MOST_ATTEMPTS, Ground, Work, carry_out, settle, unit_of_work
from tasks import commands
from tasks.models import Task
from tests.asking import ask
from tests.factories import build_task, build_world, reload, said
from tests.refusals import refused, snapshot

# SQLite's writers stand in line before they begin: none can wait for another one that waits for it.
only_postgres = pytest.mark.parametrize("engine", ["postgres"], indirect=True)
COMPLETE = """mutation ($id: ID!) { completeTask(id: $id, idempotencyKey: "k") {
    __typename ... on Problem { code current { id } } } }"""


async def fail(work: Work, sqlstate: str) -> None:
    """What the database itself says when it ends a transaction, for the reason of that code."""
    await work.session.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{sqlstate}'; END $$"))


@only_postgres
async def test_two_that_wait_for_each_other_are_both_done_and_once_each(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    one, other = await build_task(ground, guide), await build_task(ground, guide)
    until, attempts, both_hold_one = clock.now() + timedelta(days=2), 0, asyncio.Barrier(2)

    async def put_off(first: Task, second: Task, work: Work) -> None:
        nonlocal attempts
        attempts += 1
        await commands.snooze(work, first.id, until=until)
        await work.session.flush()
        if attempts <= 2:
            await both_hold_one.wait()
        await commands.snooze(work, second.id, until=until)

    async with asyncio.timeout(20):
        await asyncio.gather(
            carry_out(ground, guide, lambda work: put_off(one, other, work)),
            carry_out(ground, guide, lambda work: put_off(other, one, work)),
        )

    assert attempts == 3
    assert [(await reload(ground, task)).version for task in (one, other)] == [3, 3]
    told = await said(ground, feed.of_staff(guide.id))
    assert sorted(told) == sorted([("put", "task", one.id), ("put", "task", other.id)] * 2)


@only_postgres
async def test_without_another_try_one_of_the_two_would_be_lost(ground: Ground) -> None:
    """The mutant of the test above: a unit of work by itself gives up."""
    world = await build_world(ground)
    guide = world.shop.guide
    one, other = await build_task(ground, guide), await build_task(ground, guide)
    both_hold_one = asyncio.Barrier(2)

    async def complete(first: Task, second: Task) -> None:
        async with unit_of_work(ground, guide) as work:
            await commands.complete(work, first.id)
            await work.session.flush()
            await both_hold_one.wait()
            await commands.complete(work, second.id)

    outcomes = await asyncio.gather(complete(one, other), complete(other, one), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes if outcome is not None] == [DBAPIError]


@only_postgres
@pytest.mark.parametrize("sqlstate", ["40P01", "40001"])
async def test_work_that_never_gets_its_way_is_refused_and_leaves_nothing(ground: Ground, sqlstate: str) -> None:
    world = await build_world(ground)
    task, attempts = await build_task(ground, world.shop.guide), 0

    async def try_in_vain(work: Work) -> None:
        nonlocal attempts
        attempts += 1
        await commands.complete(work, task.id)
        await settle(ground, work)
        await fail(work, sqlstate)

    async with refused(ground, Unavailable):
        await carry_out(ground, world.shop.guide, try_in_vain)

    assert attempts == MOST_ATTEMPTS


@only_postgres
async def test_an_app_is_told_that_nothing_was_changed_and_that_trying_again_may_help(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)
    before, complete = await snapshot(ground), commands.complete

    async def in_vain(work: Work, *about: Any, **given: Any) -> Task:
        done = await complete(work, *about, **given)
        await fail(work, "40P01")
        return done

    with monkeypatch.context() as patch:
        patch.setattr(commands, "complete", in_vain)
        told = await ask(ground, world.shop.guide, COMPLETE, id=str(task.id))

    assert told["completeTask"] == {"__typename": "Problem", "code": "UNAVAILABLE", "current": None}
    assert await snapshot(ground) == before
    again = await ask(ground, world.shop.guide, COMPLETE, id=str(task.id))
    assert again["completeTask"] == {"__typename": "TaskChanged"}


@only_postgres
async def test_any_other_error_of_the_database_is_not_tried_again(ground: Ground) -> None:
    world = await build_world(ground)
    attempts = 0

    async def divide(work: Work) -> None:
        nonlocal attempts
        attempts += 1
        await work.session.execute(text("SELECT 1 / 0"))

    with pytest.raises(DBAPIError):
        await carry_out(ground, world.shop.guide, divide)

    assert attempts == 1


async def test_work_that_is_settled_takes_nothing_more(ground: Ground) -> None:
    world = await build_world(ground)
    task = await build_task(ground, world.shop.guide)

    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.complete(work, task.id)
        first = dict(await settle(ground, work))
        assert await settle(ground, work) == first
        with pytest.raises(RuntimeError):
            work.later("anything")

    assert len(await said(ground, feed.of_staff(world.shop.guide.id))) == 1
    assert first[feed.of_staff(world.shop.guide.id)].seq == 1
