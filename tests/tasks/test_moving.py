"""Open tasks follow the relationship they are about."""

from kernel import feed
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from tasks import commands
from tasks.models import TaskState
from tests.factories import build_customer, build_task, build_world, relationship_of, reload, said


async def test_open_tasks_go_to_the_new_account_and_others_stay(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    open_task = await build_task(ground, world.shop.guide, customer)
    done = await build_task(ground, world.shop.guide, customer, state=TaskState.DONE)
    own = await build_task(ground, world.shop.guide)
    old, new = world.shop.guide.account_ids[0], world.shop.other_guide.account_ids[0]

    async with unit_of_work(ground, system(world.brand.id)) as work:
        moved = await commands.move_open(work, [(await relationship_of(ground, customer)).id], new)

    assert moved == 1
    kept = [await reload(ground, task) for task in (open_task, done, own)]
    assert [(task.account_id, task.version) for task in kept] == [(new, 2), (old, 1), (old, 1)]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("del", "task", open_task.id)]
    assert await said(ground, feed.of_staff(world.shop.other_guide.id)) == [("put", "task", open_task.id)]
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "task", open_task.id)]


async def test_moving_twice_says_nothing_more(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    task = await build_task(ground, world.shop.guide, customer)
    relationship = await relationship_of(ground, customer)

    for _ in range(2):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await commands.move_open(work, [relationship.id], world.shop.other_guide.account_ids[0])

    assert (await reload(ground, task)).version == 2
    assert await said(ground, feed.of_staff(world.shop.other_guide.id)) == [("put", "task", task.id)]


async def test_tasks_go_to_the_public_account_which_has_no_phone(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    task = await build_task(ground, world.shop.guide, customer)

    async with unit_of_work(ground, system(world.brand.id)) as work:
        await commands.move_open(work, [(await relationship_of(ground, customer)).id], world.shop.public.id)

    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("del", "task", task.id)]
    assert await said(ground, feed.of_desk(world.shop.store.id)) == [("put", "task", task.id)]
