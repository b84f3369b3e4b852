"""What somebody sees first, and that nothing is missed between seeing it and following the changes."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from kernel import clock
from kernel.actor import Actor, Role
from kernel.errors import NotSignedIn
from kernel.work import Ground, unit_of_work
from tasks import commands
from tests.asking import ask, refused
from tests.factories import World, build_task, build_world
from tests.statements import statements

TASKS = "{ workbench { cursor tasks { id title version priority } } }"
CHANGES = """query ($after: Cursor) { changes(after: $after, first: 500) {
  upToDate changes { op id node { ... on Task { id title version priority state } } } } }"""


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def test_the_most_pressing_open_tasks_come_first_and_no_more_than_twenty(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    at = clock.now()
    made = [
        await build_task(ground, guide, priority=50 + number // 2, due_at=at + timedelta(hours=-number % 2))
        for number in range(22)
    ]
    await build_task(ground, guide, priority=100, snoozed_until=at + timedelta(hours=1))
    await build_task(ground, world.shop.other_guide, priority=100)
    pressing = sorted(made, key=lambda task: (-task.priority, task.due_at, task.id))[:20]

    shown = (await ask(ground, guide, TASKS))["workbench"]["tasks"]

    assert [task["id"] for task in shown] == [str(task.id) for task in pressing]


async def test_the_workbench_takes_the_same_statements_for_one_task_as_for_twenty(ground: Ground, world: World) -> None:
    taken = []
    for more in (1, 19):
        for _ in range(more):
            await build_task(ground, world.shop.guide)
        with statements(ground) as sent:
            await ask(ground, world.shop.guide, TASKS)
        taken.append(len(sent))

    assert taken[0] == taken[1]


async def test_whoever_catches_up_from_a_workbench_holds_what_a_fresh_one_shows(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    stop = asyncio.Event()

    async def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            async with unit_of_work(ground, guide) as work:
                added = await commands.add(work, title=f"第{number}件", due_at=clock.now(), priority=number % 100)
            if number % 3 == 0:
                async with unit_of_work(ground, guide) as work:
                    await commands.complete(work, added.id)
            await asyncio.sleep(0)

    writing = asyncio.create_task(write())
    for _ in range(5):
        first = (await ask(ground, guide, TASKS))["workbench"]
        held: dict[str, Any] = {task["id"]: task for task in first["tasks"]}
        told = (await ask(ground, guide, CHANGES, after=first["cursor"]))["changes"]
        for change in told["changes"]:
            held.pop(change["id"], None)
            if change["op"] == "PUT" and change["node"]["state"] == "PENDING":
                held[change["id"]] = {name: value for name, value in change["node"].items() if name != "state"}
        fresh = {task["id"]: task for task in (await ask(ground, guide, TASKS))["workbench"]["tasks"]}
        later = (await ask(ground, guide, CHANGES, after=first["cursor"]))["changes"]["changes"]
        since = {change["id"] for change in later} - {change["id"] for change in told["changes"]}
        assert {key: task for key, task in fresh.items() if key not in since}.items() <= held.items()
    stop.set()
    await writing


async def test_a_machine_has_no_feed_and_keeps_no_task(ground: Ground, world: World) -> None:
    machine = Actor(brand_id=world.brand.id, id=uuid4(), role=Role.SERVICE)

    assert await ask(ground, machine, TASKS) == {"workbench": {"cursor": None, "tasks": []}}


async def test_nobody_signed_in_sees_no_workbench(ground: Ground) -> None:
    [error] = await refused(ground, None, TASKS)

    assert type(error) is NotSignedIn
