"""Cases of settling with the partner, and what is looked at afterwards."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlmodel import col

from customers.models import Relationship
from handover.models import HandoverItem
from kernel import clock
from kernel.actor import Actor
from tasks.models import Task
from tests.factories import NOON, Shop, reload
from tests.handover.partners import Case

DAY = timedelta(hours=24)
OVER = NOON + DAY + timedelta(minutes=11)


async def settle_at(case: Case, moment: datetime) -> None:
    with clock.stopped_at(moment):
        await case.settle()


async def tasks_of(case: Case) -> list[Task]:
    async with case.ground.db.read() as session:
        found = await session.scalars(select(Task).where(col(Task.brand_id) == case.world.brand.id))
    return list(found)


async def relationship(case: Case, number: int = 0) -> Relationship:
    return await reload(case.ground, case.relationships[number])


def third(case: Case, shop: Shop | None = None) -> Actor:
    """The store manager's account: the store's public one."""
    return (shop or case.world.shop).manager


async def plan_for(case: Case, number: int, actor: Actor) -> None:
    """Let the plan name somebody else, too: another customer has gone to them."""
    async with case.ground.db.write() as session:
        for model, key in ((HandoverItem, "to_account_id"), (Relationship, "holder_id")):
            table: Any = model
            name = table.relationship_id if model is HandoverItem else table.id
            await session.execute(
                update(model)
                .where(col(table.brand_id) == case.world.brand.id, col(name) == case.relationships[number].id)
                .values({key: actor.account_ids[0]})
            )
