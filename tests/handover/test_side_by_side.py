"""Two stores move their relationships with one customer at the same time."""

import asyncio
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from customers.models import Relationship
from handover import commands
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from tests.asking import VAULT
from tests.factories import build_customer, build_world


async def test_two_stores_move_one_customer_without_waiting_for_each_other_for_ever(ground: Ground) -> None:
    world = await build_world(ground)
    shops = world.shops[:2]
    customer = await build_customer(ground, shops[0].guide)
    async with unit_of_work(ground, shops[1].guide) as work:
        await customers.claim(work, VAULT, member_number=customer.member_number)
    async with ground.db.read() as session:
        found = await session.scalars(select(Relationship).where(col(Relationship.customer_id) == customer.id))
        theirs = {row.store_id: row.id for row in found}

    async def move(manager: Actor, relationship_id: UUID, to: UUID) -> None:
        async with unit_of_work(ground, manager) as work:
            await commands.reassign(work, relationship_id, to_account_id=to)
            await asyncio.sleep(0.2)  # as long as the other needs to get as far

    await asyncio.gather(
        *(move(shop.manager, theirs[shop.store.id], shop.other_guide.account_ids[0]) for shop in shops)
    )

    async with ground.db.read() as session:
        holders = set(await session.scalars(select(col(Relationship.holder_id))))
    assert holders == {shop.other_guide.account_ids[0] for shop in shops}
