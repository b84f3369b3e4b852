"""Customers of whom much is known, in a store that closes."""

from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from customers.models import Customer, Note, Relationship, Visit
from directory.models import Staff, StaffState
from kernel import ids
from kernel.actor import Actor
from kernel.work import Ground
from mall.models import OrderState
from tasks.models import TaskState
from tests.factories import (
    NOON,
    Shop,
    World,
    build_customer,
    build_task,
    build_world,
    first_holding,
    relationship_of,
    reload,
    said,
    save,
)
from tests.mall.trading import place, refund


async def also_known(ground: Ground, customer: Customer, holder: Actor, **values: Any) -> Relationship:
    """A second relationship of the customer, with another store."""
    assert holder.store_id
    usual: dict[str, Any] = {
        "brand_id": customer.brand_id,
        "id": ids.new(),
        "customer_id": customer.id,
        "store_id": holder.store_id,
        "holder_id": holder.account_ids[0],
        "created_at": NOON,
    }
    relationship = Relationship(**usual | values)
    await save(ground, relationship, first_holding(relationship, holder))
    return relationship


async def describe(ground: Ground, relationship: Relationship, **values: Any) -> None:
    async with ground.db.write() as session:
        await session.execute(
            update(Relationship)
            .where(col(Relationship.brand_id) == relationship.brand_id, col(Relationship.id) == relationship.id)
            .values(**values)
        )


async def write(ground: Ground, relationship: Relationship, body: str = "喜欢羊绒") -> tuple[Note, Visit]:
    usual: dict[str, Any] = {
        "brand_id": relationship.brand_id,
        "relationship_id": relationship.id,
        "store_id": relationship.store_id,
        "at": NOON,
    }
    note, visit = Note(id=ids.new(), body=body, **usual), Visit(id=ids.new(), **usual)
    await save(ground, note, visit)
    return note, visit


async def notes_on(ground: Ground, relationship: Relationship) -> set[str]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(col(Note.body)).where(
                col(Note.brand_id) == relationship.brand_id, col(Note.relationship_id) == relationship.id
            )
        )
        return set(found)


async def since(ground: Ground, feed_id: UUID, before: int) -> list[tuple[str, str, UUID]]:
    return (await said(ground, feed_id))[before:]


class Closed:
    """A customer of a guide of the first shop with one of everything, whose store closes into the second shop."""

    def __init__(self, world: World, customer: Customer, old: Relationship) -> None:
        self.world, self.customer, self.old = world, customer, old
        self.shop, self.other = world.shops[0], world.shops[1]
        self.things: dict[str, Any] = {}


async def with_everything(ground: Ground) -> Closed:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    old = await relationship_of(ground, customer)
    await describe(ground, old, remark="只收邮件", last_contact_at=NOON)
    closed = Closed(world, customer, old)
    note, visit = await write(ground, old)
    paid = await place(ground, world, customer)
    done = await place(ground, world, customer, state=OrderState.COMPLETED)
    given_back = await refund(ground, world, done.id)
    task = await build_task(ground, world.shop.guide, customer, contact_day=NOON.date(), source_key="k1")
    finished = await build_task(ground, world.shop.guide, customer, state=TaskState.DONE, closed_at=NOON)
    closed.things = {"note": note, "visit": visit, "paid": paid, "refund": given_back}
    closed.things["done"] = await reload(ground, done)  # as the refund has left it
    closed.things |= {"task": task, "finished": finished}
    return closed


async def dismiss(ground: Ground, world: World, shop: Shop) -> None:
    async with ground.db.write() as session:
        await session.execute(
            update(Staff)
            .where(col(Staff.brand_id) == world.brand.id, col(Staff.store_id) == shop.store.id)
            .values(state=StaffState.DEPARTED)
        )
