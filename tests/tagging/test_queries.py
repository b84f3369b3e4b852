"""Which tags are seen by whom, and in how many statements."""

from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from customers.policy import visible_to
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.queries import carried, library
from tests.factories import build_customer, build_world
from tests.statements import statements
from tests.tagging.labels import build_group, build_tag, put


async def test_the_tags_of_customers_come_in_the_librarys_order_without_others_personal_ones(ground: Ground) -> None:
    world = await build_world(ground)
    customers = [await build_customer(ground, world.shop.guide) for _ in range(3)]
    hidden = await build_customer(ground, world.shop.other_guide)
    async with unit_of_work(ground, world.hq) as work:
        first = await commands.add_group(work, name="甲")
        second = await commands.add_group(work, name="乙")
    async with unit_of_work(ground, world.hq) as work:
        late = await commands.add_tag(work, name="乙一", group_id=second.id)
        early = await commands.add_tag(work, name="甲一", group_id=first.id)
        retired = await commands.add_tag(work, name="甲二", group_id=first.id)
    own = await build_tag(ground, world, None, "我的", owner_id=world.shop.guide.id)
    managers = await build_tag(ground, world, None, "店长的", owner_id=world.shop.manager.id)
    await put(ground, world.shop.guide, customers, [late, early, retired, own])
    await put(ground, world.shop.manager, [*customers, hidden], [managers])
    async with unit_of_work(ground, world.hq) as work:
        await commands.retire_tag(work, retired.id)

    async with ground.db.read() as session:
        for asked in (customers[:1], customers):
            with statements(ground) as sent:
                seen = await carried.of_customers(session, world.shop.guide, [row.id for row in asked])
            assert len(sent) == 1
        manager = await carried.of_customers(session, world.shop.manager, [customers[0].id])
        unseen = await carried.of_customers(session, world.shop.guide, [hidden.id])

    assert [row.name for row in seen[customers[2].id]] == ["甲一", "乙一", "我的"]
    assert [row.name for row in manager[customers[0].id]] == ["甲一", "乙一", "店长的"]
    assert unseen == {}


async def test_customers_are_found_by_all_of_the_tags_they_carry(ground: Ground) -> None:
    world = await build_world(ground)
    both, one, none = [await build_customer(ground, world.shop.guide) for _ in range(3)]
    group = await build_group(ground, world)
    first, second = [await build_tag(ground, world, group, name) for name in ("一", "二")]
    own = await build_tag(ground, world, None, "我的", owner_id=world.shop.guide.id)
    await put(ground, world.shop.guide, [both], [first, second, own])
    await put(ground, world.shop.guide, [one], [first])

    async def found(actor: Actor, *tags: object) -> set[object]:
        async with ground.db.read() as session:
            rows = await session.scalars(
                select(col(Customer.id)).where(
                    visible_to(actor),
                    col(Customer.id).in_(carried.carrying_all(actor, [tag.id for tag in tags])),  # type: ignore[attr-defined]  # rows of any kind
                )
            )
            return set(rows)

    assert await found(world.shop.guide, first) == {both.id, one.id}
    assert await found(world.shop.guide, first, second) == {both.id}
    assert await found(world.shop.guide, own, own) == {both.id}
    assert await found(world.shop.manager, first, own) == set()
    assert none.id not in await found(world.hq, first)


async def test_the_library_is_the_brands_with_ones_own_tags_beside_it(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    group = await build_group(ground, world)
    await build_group(ground, other)
    tag = await build_tag(ground, world, group, "简约")
    own = await build_tag(ground, world, None, "我的", owner_id=world.shop.guide.id)

    async with ground.db.read() as session:
        groups = await library.groups(session, world.shop.guide)
        tags = await library.tags_of_groups(session, world.shop.guide, [group.id])
        mine = await library.personal(session, world.shop.guide)
        others = await library.personal(session, world.shop.other_guide)

    assert [row.id for row in groups] == [group.id]
    assert [row.id for row in tags[group.id]] == [tag.id]
    assert [row.id for row in mine] == [own.id]
    assert others == []
