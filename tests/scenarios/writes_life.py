"""Writes of the life of tasks."""

from kernel.work import Ground
from tests.factories import World, build_task
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Prepare, Write, guide, of, soon


async def reassign_task(ground: Ground, world: World) -> Write:
    task = await build_task(ground, world.shop.guide)
    taker = world.shop.other_guide.account_ids[0]
    return Write(world.shop.manager, {"id": str(task.id), "toAccountId": str(taker)}, task.id)


async def reassign_tasks(ground: Ground, world: World) -> Write:
    one = await reassign_task(ground, world)
    return Write(one.actor, {"ids": [one.given["id"]], "toAccountId": one.given["toAccountId"]})


def of_one(**given: object) -> Prepare:
    """The same of a list of one task that the first guide of the first shop keeps."""

    async def prepare(ground: Ground, world: World) -> Write:
        task = (await furnish(ground, world, world.shop))["task"]
        made = {name: value() if callable(value) else value for name, value in given.items()}
        return Write(guide(world), {"ids": [str(task)]} | made)

    return prepare


WRITES: dict[str, Prepare] = {
    "skipTask": of("task", guide, reason="OTHER", remark="顾客出国了"),
    "reassignTask": reassign_task,
    "completeTasks": of_one(outcome="REACHED"),
    "skipTasks": of_one(reason="BAD_TIME"),
    "snoozeTasks": of_one(until=soon),
    "reassignTasks": reassign_tasks,
    "cancelTasks": of_one(remark="不需要了"),
    "markTasksSeen": of_one(),
}
