"""A leaver's own tags go along: the takeover guide has one of their own for each, and its provenance."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from kernel import feed
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from tagging import commands as tagging
from tagging.models import CustomerTag, SetBy, Tag, TagChange
from tagging.queries import library
from tests.factories import World, build_customer, build_world, said, save
from tests.handover.handing import build_handover, leave, run


async def own_tag(ground: Ground, person: Actor, name: str, color: str = "#123456") -> Tag:
    async with unit_of_work(ground, person) as work:
        return await tagging.add_tag(work, name=name, color=color)


async def put(ground: Ground, person: Actor, tag: Tag, *customers: Any) -> None:
    async with unit_of_work(ground, person) as work:
        for customer in customers:
            await tagging.add_tags(work, [customer.id], [tag.id])


async def worn(ground: Ground, world: World, owner: Actor) -> list[tuple[str, Any, CustomerTag]]:
    """The own tags of a person that customers wear: name, colour and the row."""
    async with ground.db.read() as session:
        found = await session.execute(
            select(Tag, CustomerTag)
            .join(
                CustomerTag, (col(CustomerTag.brand_id) == col(Tag.brand_id)) & (col(CustomerTag.tag_id) == col(Tag.id))
            )
            .where(col(Tag.brand_id) == world.brand.id, col(Tag.owner_id) == owner.id)
            .order_by(col(Tag.name), col(CustomerTag.customer_id))
        )
        return [(tag.name, tag.color, row) for tag, row in found]


async def test_each_customer_wears_the_takeover_guides_own_tag_with_who_set_it_and_when(ground: Ground) -> None:
    world = await build_world(ground)
    leaver, taker = world.shop.guide, world.shop.other_guide
    customers = [await build_customer(ground, leaver) for _ in range(3)]
    golf = await own_tag(ground, leaver, "打高尔夫")
    await put(ground, leaver, golf, *customers[:2])
    await leave(ground, leaver)

    await run(ground, await build_handover(ground, world))

    before, after = await worn(ground, world, leaver), await worn(ground, world, taker)
    assert [(name, color, row.customer_id) for name, color, row in after] == [
        ("打高尔夫", "#123456", row.customer_id) for _, _, row in before
    ]
    for (_, _, old), (_, _, new) in zip(before, after, strict=True):
        assert (new.set_by, new.by_staff_id, new.set_at) == (SetBy.GUIDE, leaver.id, old.set_at)
    mine = after[0][2].tag_id
    told = await said(ground, feed.of_staff(taker.id))
    assert told.count(("put", "tag", mine)) == 1
    assert [told.count(("put", "customer", customer.id)) for customer in customers] == [1, 1, 0]
    async with ground.db.read() as session:
        lines = (await session.scalars(select(TagChange).where(col(TagChange.tag_id) == mine))).all()
    assert {(line.customer_id, line.set_by) for line in lines} == {
        (customer.id, SetBy.TAKEOVER) for customer in customers[:2]
    }


async def test_a_tag_of_that_name_is_taken_as_it_is(ground: Ground) -> None:
    world = await build_world(ground)
    leaver, taker = world.shop.guide, world.shop.other_guide
    customer = await build_customer(ground, leaver)
    await put(ground, leaver, await own_tag(ground, leaver, "爱茶"), customer)
    mine = await own_tag(ground, taker, "爱茶", "#654321")
    await leave(ground, leaver)

    await run(ground, await build_handover(ground, world))

    [(name, color, row)] = await worn(ground, world, taker)
    assert (name, color, row.tag_id) == ("爱茶", "#654321", mine.id)


async def test_beyond_the_limit_of_own_tags_none_is_made_and_all_else_moves(ground: Ground) -> None:
    world = await build_world(ground)
    leaver, taker = world.shop.guide, world.shop.other_guide
    customer = await build_customer(ground, leaver)
    for name in ("甲", "乙"):
        await put(ground, leaver, await own_tag(ground, leaver, name), customer)
    most = library.MOST_PERSONAL_TAGS - 1
    await save(
        ground,
        *(
            Tag(brand_id=world.brand.id, id=UUID(int=number + 1), owner_id=taker.id, name=f"旧{number}")
            for number in range(most)
        ),
    )
    await leave(ground, leaver)

    await run(ground, await build_handover(ground, world))

    assert len(await worn(ground, world, taker)) == 1
    async with ground.db.read() as session:
        assert await library.in_use(session, world.brand.id, taker.id) == library.MOST_PERSONAL_TAGS


async def test_that_one_customer_wears_it_already_doesnt_keep_it_from_the_others(ground: Ground) -> None:
    world = await build_world(ground)
    leaver, taker = world.shop.guide, world.shop.other_guide
    theirs = await build_customer(ground, taker)
    customers = [await build_customer(ground, leaver) for _ in range(2)]
    await put(ground, taker, await own_tag(ground, taker, "爱茶"), theirs)
    await put(ground, leaver, await own_tag(ground, leaver, "爱茶"), *customers)
    await leave(ground, leaver)

    await run(ground, await build_handover(ground, world))

    wearing = {row.customer_id for _, _, row in await worn(ground, world, taker)}
    assert wearing == {theirs.id, *(customer.id for customer in customers)}
