"""A tag past its shelf life is stale, and becomes a task for whoever holds the customer: a few at a time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from kernel import clock
from kernel.actor import Actor, Role, system
from kernel.jobs import Job
from kernel.work import Ground, unit_of_work
from server.wiring import HANDLERS
from tagging import commands
from tagging.commands import nights, redating
from tagging.models import Choice, CustomerTag, Tag, TagGroup
from tasks.commands import checks as checking
from tasks.models import Task, TaskKind, TaskState
from tests.factories import NOON, World, build_customer, build_world, reload
from tests.tagging.labels import build_group, build_tag, put

DAY = timedelta(days=1)
LATER = NOON + 400 * DAY


async def a_night(ground: Ground, world: World, at: datetime = LATER) -> None:
    """A night passes, with all that follows."""
    with clock.stopped_at(at):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await nights.begin(work, at.date())
        await all_jobs(ground, world)


async def all_jobs(ground: Ground, world: World) -> None:
    """What was asked for is done, and what that asks for."""
    while True:
        async with ground.db.read() as session:
            waiting = (await session.scalars(select(Job).where(col(Job.brand_id) == world.brand.id))).all()
        if not waiting:
            return
        for job in waiting:
            async with unit_of_work(ground, system(world.brand.id)) as work:
                await HANDLERS[job.name](work, **job.args)
                await work.session.delete(await work.session.merge(job))


async def checks(ground: Ground, holder: Actor, state: TaskState = TaskState.PENDING) -> Sequence[Task]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(Task)
            .where(
                col(Task.brand_id) == holder.brand_id,
                col(Task.account_id) == holder.account_ids[0],
                col(Task.kind) == TaskKind.CHECK_TAG,
                col(Task.state) == state,
            )
            .order_by(col(Task.id))
        )
        return found.all()


async def tagged(ground: Ground, world: World, tag: Tag, count: int = 1, **values: Any) -> list[Customer]:
    """Customers of the guide, tagged one day after the other."""
    people = [await build_customer(ground, world.shop.guide, **values) for _ in range(count)]
    for days, person in enumerate(people):
        with clock.stopped_at(NOON + days * DAY):
            await put(ground, world.shop.guide, [person], [tag])
    return people


async def test_the_holder_is_asked_to_check_the_longest_unchecked_tags_five_at_most(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world, shelf_life_days=180), "简约")
    people = await tagged(ground, world, tag, count=7)

    await a_night(ground, world)
    await a_night(ground, world, LATER + DAY)

    tasks = await checks(ground, world.shop.guide)
    assert [task.customer_id for task in tasks] == [person.id for person in people[:5]]
    first = tasks[0]
    assert (first.title, first.reason, first.tag_id) == ("核对标签：简约", "风格：简约 已 400 天没有确认。", tag.id)
    _, tomorrow = clock.day_bounds(clock.store_day(LATER, "Asia/Shanghai"), "Asia/Shanghai")
    assert first.due_at == tomorrow - timedelta(seconds=1)


async def test_forgetting_the_bound_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: as many a day as there are."""
    monkeypatch.setattr(checking, "MOST_OPEN", 1_000)

    with pytest.raises(AssertionError):
        await test_the_holder_is_asked_to_check_the_longest_unchecked_tags_five_at_most(ground)


async def test_a_tag_is_asked_about_once_for_each_time_it_goes_stale(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world, shelf_life_days=180), "简约")
    [person] = await tagged(ground, world, tag)
    await a_night(ground, world)
    await a_night(ground, world, LATER + DAY)
    assert len(await checks(ground, world.shop.guide)) == 1

    with clock.stopped_at(LATER + 2 * DAY):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.confirm_tags(work, [person.id], [tag.id])
        await all_jobs(ground, world)
    await a_night(ground, world, LATER + 300 * DAY)

    assert len(await checks(ground, world.shop.guide, TaskState.DONE)) == 1
    assert len(await checks(ground, world.shop.guide)) == 1


@pytest.mark.parametrize("answer", ["confirm", "replace", "remove", "retire", "merge", "extend", "retire group"])
async def test_an_answer_closes_the_task(ground: Ground, answer: str) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world, "尺码", Choice.SINGLE, shelf_life_days=180)
    small, large = [await build_tag(ground, world, group, name) for name in ("S", "L")]
    [person] = await tagged(ground, world, small)
    await a_night(ground, world)
    assert len(await checks(ground, world.shop.guide)) == 1

    with clock.stopped_at(LATER + DAY):
        await _answer(ground, world, answer, person, small, large, group)
        await all_jobs(ground, world)

    is_checked = answer in ("confirm", "replace", "remove")
    assert await checks(ground, world.shop.guide) == []
    closed = await checks(ground, world.shop.guide, TaskState.DONE if is_checked else TaskState.CANCELLED)
    assert len(closed) == 1


async def _answer(
    ground: Ground, world: World, answer: str, person: Customer, tag: Tag, other: Tag, group: TagGroup
) -> None:
    by = world.shop.guide if answer in ("confirm", "replace", "remove") else world.hq
    async with unit_of_work(ground, by) as work:
        match answer:
            case "confirm":
                await commands.confirm_tags(work, [person.id], [tag.id])
            case "replace":
                await commands.add_tags(work, [person.id], [other.id])
            case "remove":
                await commands.remove_tags(work, [person.id], [tag.id])
            case "retire":
                await commands.retire_tag(work, tag.id)
            case "merge":
                await commands.merge_tags(work, tag.id, other.id)
            case "extend":
                await commands.edit_group(work, group.id, shelf_life_days=3650)
            case _:
                await commands.retire_group(work, group.id)


async def test_who_wants_to_be_left_alone_is_not_contacted_for_it(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world, shelf_life_days=30), "简约")
    await tagged(ground, world, tag, do_not_contact=True, do_not_contact_at=NOON)

    await a_night(ground, world)

    [task] = await checks(ground, world.shop.guide)
    assert task.reason is not None
    assert task.reason.endswith("不要为此联系，等到店时再看。")


async def test_nobody_is_asked_what_is_fresh_or_not_theirs_to_say(ground: Ground) -> None:
    world = await build_world(ground)
    fresh = await build_group(ground, world, "一", shelf_life_days=3650)
    forever = await build_group(ground, world, "二")
    managers = await build_group(ground, world, "三", shelf_life_days=30)
    tags = [await build_tag(ground, world, group, group.name) for group in (fresh, forever, managers)]
    retired = await build_tag(ground, world, await build_group(ground, world, "四", shelf_life_days=30), "停用")
    for tag in (*tags, retired):
        await tagged(ground, world, tag)
    async with unit_of_work(ground, world.hq) as work:
        await commands.edit_group(work, managers.id, roles=[Role.STORE_MANAGER])
        await commands.retire_tag(work, retired.id)

    await a_night(ground, world)

    assert await checks(ground, world.shop.guide) == []


async def test_another_shelf_life_dates_what_is_carried_anew_in_chunks(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redating, "AT_ONCE", 2)
    world = await build_world(ground)
    group = await build_group(ground, world)
    tags = [await build_tag(ground, world, group, name) for name in ("简约", "运动")]
    people = [*await tagged(ground, world, tags[0], 3), *await tagged(ground, world, tags[1], 2)]
    versions = [(await reload(ground, person)).version for person in people]

    for days in (90, None, 30):
        async with unit_of_work(ground, world.hq) as work:
            await commands.edit_group(work, group.id, shelf_life_days=days)
        await all_jobs(ground, world)
        async with ground.db.read() as session:
            rows = (await session.scalars(select(CustomerTag).where(col(CustomerTag.brand_id) == world.brand.id))).all()
        assert len(rows) == 5
        for row in rows:
            assert row.valid_until == (row.checked_at + days * DAY if days is not None else None)

    # Phones work it out from the group.
    assert [(await reload(ground, person)).version for person in people] == versions
