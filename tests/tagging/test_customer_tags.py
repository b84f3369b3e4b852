"""Tags go on customers many at once, and all or none."""

import asyncio

import pytest

from customers.models import Relationship
from kernel import clock, feed, ids
from kernel.actor import system
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.errors import OnlyOneOfGroup, TagRetired
from tagging.models import Choice, CustomerTag, SetBy
from tests.factories import build_customer, build_world, reload, said, save
from tests.mall.trading import till
from tests.tagging.labels import build_group, build_tag, carried, put


async def test_tags_are_put_on_several_customers_and_their_holders_and_desks_hear_of_it(ground: Ground) -> None:
    world = await build_world(ground)
    mine = await build_customer(ground, world.shop.guide)
    colleagues = await build_customer(ground, world.shop.other_guide)
    group = await build_group(ground, world)
    tags = [await build_tag(ground, world, group, name) for name in ("简约", "运动")]

    changed = await put(ground, world.shop.manager, [mine, colleagues], tags)

    assert changed == sorted([mine.id, colleagues.id])
    assert await carried(ground, mine) == await carried(ground, colleagues) == {tag.id for tag in tags}
    assert (await reload(ground, mine)).version == 2
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "customer", mine.id)]
    assert await said(ground, feed.of_staff(world.shop.other_guide.id)) == [("put", "customer", colleagues.id)]
    assert {entry[2] for entry in await said(ground, feed.of_desk(world.shop.store.id))} == {mine.id, colleagues.id}
    async with ground.db.read() as session:
        row = await session.get(CustomerTag, (world.brand.id, mine.id, tags[0].id))
    assert row
    assert (row.set_by, row.by_staff_id) == (SetBy.GUIDE, world.shop.manager.id)


async def test_doing_it_again_changes_nothing_and_says_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")
    await put(ground, world.shop.guide, [customer], [tag])

    assert await put(ground, world.shop.guide, [customer, customer], [tag, tag]) == []

    assert (await reload(ground, customer)).version == 2
    assert len(await said(ground, feed.of_staff(world.shop.guide.id))) == 1


async def test_a_tag_of_a_single_choice_group_replaces_the_other(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    sizes, styles = await build_group(ground, world, "尺码", Choice.SINGLE), await build_group(ground, world)
    small, large = [await build_tag(ground, world, sizes, name) for name in ("S", "L")]
    plain, sporty = [await build_tag(ground, world, styles, name) for name in ("简约", "运动")]
    await put(ground, world.shop.guide, [customer], [small, plain])

    await put(ground, world.shop.guide, [customer], [large, sporty])

    assert await carried(ground, customer) == {large.id, plain.id, sporty.id}
    assert (await reload(ground, customer)).version == 3


async def test_two_tags_of_a_single_choice_group_are_refused(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE)
    small, large = [await build_tag(ground, world, sizes, name) for name in ("S", "L")]

    with pytest.raises(OnlyOneOfGroup):
        await put(ground, world.shop.guide, [customer], [small, large])

    assert await carried(ground, customer) == set()
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == []


async def test_one_unseen_customer_or_tag_and_nothing_happens(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    mine = await build_customer(ground, world.shop.guide)
    colleagues = await build_customer(ground, world.shop.other_guide)
    group = await build_group(ground, world)
    tag = await build_tag(ground, world, group, "简约")
    hidden = [
        await build_tag(ground, world, None, "我的", owner_id=world.shop.other_guide.id),
        await build_tag(ground, other, await build_group(ground, other), "别家"),
    ]

    for customers, tags in [([mine, colleagues], [tag]), ([mine], [tag, hidden[0]]), ([mine], [tag, hidden[1]])]:
        with pytest.raises(NotFound):
            await put(ground, world.shop.guide, customers, tags)
        with pytest.raises(NotFound):
            async with unit_of_work(ground, world.shop.guide) as work:
                await commands.remove_tags(work, [row.id for row in customers], [row.id for row in tags])
    with pytest.raises(NotFound):
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.add_tags(work, [mine.id, ids.new()], [tag.id])

    assert await carried(ground, mine) == await carried(ground, colleagues) == set()
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == []


async def test_a_personal_tag_is_put_on_by_its_owner(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    tag = await build_tag(ground, world, None, "爱聊天", owner_id=world.shop.guide.id)

    with pytest.raises(NotFound):
        await put(ground, world.shop.manager, [customer], [tag])
    await put(ground, world.shop.guide, [customer], [tag])

    assert await carried(ground, customer) == {tag.id}


async def test_a_retired_tag_is_put_on_nobody_but_may_be_taken_off(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")
    await put(ground, world.shop.guide, [customer], [tag])
    async with unit_of_work(ground, world.hq) as work:
        await commands.retire_tag(work, tag.id)

    with pytest.raises(TagRetired):
        await put(ground, world.shop.guide, [customer], [tag])
    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.remove_tags(work, [customer.id], [tag.id])

    assert await carried(ground, customer) == set()


async def test_taking_tags_off_touches_those_who_carry_them(ground: Ground) -> None:
    world = await build_world(ground)
    carrier, bare = [await build_customer(ground, world.shop.guide) for _ in range(2)]
    group = await build_group(ground, world)
    tags = [await build_tag(ground, world, group, name) for name in ("简约", "运动")]
    await put(ground, world.shop.guide, [carrier], tags)

    async with unit_of_work(ground, world.shop.guide) as work:
        changed = await commands.remove_tags(work, [carrier.id, bare.id], [tags[0].id])

    assert changed == [carrier.id]
    assert await carried(ground, carrier) == {tags[1].id}
    assert [(await reload(ground, row)).version for row in (carrier, bare)] == [3, 1]
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == [("put", "customer", carrier.id)] * 2


@pytest.mark.parametrize(("customers", "tags"), [(0, 1), (1, 0), (101, 1), (1, 51)])
async def test_too_many_or_none_are_refused(ground: Ground, customers: int, tags: int) -> None:
    world = await build_world(ground)

    for command in (commands.add_tags, commands.remove_tags):
        with pytest.raises(Invalid):
            async with unit_of_work(ground, world.hq) as work:
                await command(work, [ids.new() for _ in range(customers)], [ids.new() for _ in range(tags)])


async def test_machines_do_not_tag_but_the_product_itself_does(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")

    with pytest.raises(Forbidden):
        await put(ground, till(world), [customer], [tag])
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await commands.add_tags(work, [customer.id], [tag.id], set_by=SetBy.RULE)

    assert await carried(ground, customer) == {tag.id}


async def test_of_two_single_choices_at_the_same_time_one_remains(ground: Ground) -> None:
    world = await build_world(ground)
    customers = [await build_customer(ground, world.shop.guide) for _ in range(5)]
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE)
    tags = [await build_tag(ground, world, sizes, name) for name in ("S", "M", "L", "XL")]

    await asyncio.gather(
        *(
            put(ground, world.shop.guide, customers if number % 2 else customers[::-1], [tag])
            for number, tag in enumerate(tags)
        )
    )

    remaining = [await carried(ground, customer) for customer in customers]
    assert all(len(each) == 1 for each in remaining)
    assert len({next(iter(each)) for each in remaining}) == 1
    assert (await reload(ground, customers[0])).version == 5


async def test_all_relationships_of_a_customer_hear_of_it(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    await save(
        ground,
        Relationship(
            brand_id=world.brand.id,
            id=ids.new(),
            customer_id=customer.id,
            store_id=world.shops[1].store.id,
            holder_id=world.shops[1].public.id,
            created_at=clock.now(),
        ),
    )
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")

    await put(ground, world.shop.guide, [customer], [tag])

    news = [("put", "customer", customer.id)]
    assert await said(ground, feed.of_desk(world.shops[1].store.id)) == news
    assert await said(ground, feed.of_desk(world.shop.store.id)) == news
    assert await said(ground, feed.of_desk(world.shops[2].store.id)) == []
