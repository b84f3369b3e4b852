"""Whoever takes a relationship over while something about it is being changed hears of the change."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlmodel import col

from customers import commands
from kernel import feed
from kernel.actor import Actor
from kernel.errors import StaleVersion
from kernel.feed import Feed
from kernel.work import Ground, Work, unit_of_work
from tagging import commands as tagging
from tests.factories import World, build_customer, build_world, relationship_of, said
from tests.tagging.labels import build_group, build_tag

Change = Callable[[Work], Awaitable[object]]


async def carry_out(ground: Ground, actor: Actor, change: Change) -> None:
    async with unit_of_work(ground, actor) as work:
        await change(work)


async def until_waiting(ground: Ground, count: int) -> None:
    """Until so many of the database's writers wait for a lock. On SQLite they wait in line before they begin."""
    if ground.db.is_sqlite:
        await asyncio.sleep(0.05)
        return
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(10):
        while True:
            async with ground.db.read() as session:
                if (await session.scalar(text(waiting)) or 0) >= count:
                    return
            await asyncio.sleep(0.02)


async def taken_over_meanwhile(ground: Ground, world: World, relationship_id: UUID, by: Actor, change: Change) -> None:
    """The taker's relationship is about to be committed when the change is made, and is committed before it."""
    taker = world.shop.other_guide.account_ids[0]

    async def hand_over(work: Work) -> None:
        await commands.reassign(work, relationship_id, to_account_id=taker)

    async with ground.db.write() as holding_up:
        desk = col(Feed.feed_id) == feed.of_desk(world.shop.store.id)
        await holding_up.execute(select(Feed).where(desk).with_for_update())
        first = asyncio.create_task(carry_out(ground, world.hq, hand_over))
        await until_waiting(ground, 1)
        second = asyncio.create_task(carry_out(ground, by, change))
        await until_waiting(ground, 2)
    await asyncio.gather(first, second)


async def test_of_a_customer_who_is_edited(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    relationship = await relationship_of(ground, customer)

    await taken_over_meanwhile(
        ground, world, relationship.id, world.hq, lambda work: commands.edit(work, customer.id, name="王芳芳")
    )

    assert ("put", "customer", customer.id) in await said(ground, world.shop.other_guide.id)


async def test_of_a_customer_who_is_tagged(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    relationship = await relationship_of(ground, customer)
    tag = await build_tag(ground, world, await build_group(ground, world), "通勤")

    await taken_over_meanwhile(
        ground, world, relationship.id, world.hq, lambda work: tagging.add_tags(work, [customer.id], [tag.id])
    )

    assert ("put", "customer", customer.id) in await said(ground, world.shop.other_guide.id)


async def test_of_a_note_that_is_corrected(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    relationship = await relationship_of(ground, customer)
    async with unit_of_work(ground, world.shop.manager) as work:
        note = await commands.add_note(work, customer.id, body="喜欢浅色")

    await taken_over_meanwhile(
        ground,
        world,
        relationship.id,
        world.shop.manager,
        lambda work: commands.edit_note(work, note.id, body="喜欢深色"),
    )

    assert ("put", "note", note.id) in await said(ground, world.shop.other_guide.id)


async def test_a_relationship_is_ranked_as_it_is_and_not_as_it_was_before_the_lock(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    relationship = await relationship_of(ground, customer)

    async def rank(work: Work) -> None:
        await commands.set_primary(work, relationship.id, expected_version=1)

    async with unit_of_work(ground, world.shop.guide) as work:
        await commands.edit(work, customer.id, name="王芳芳")
        await commands.edit_remark(work, customer.id, remark="周末来")
        late = asyncio.create_task(carry_out(ground, world.hq, rank))
        await until_waiting(ground, 1)

    with pytest.raises(StaleVersion):
        await late
