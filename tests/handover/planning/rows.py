"""What handover plans are made from, in tests."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer, Relationship
from handover import commands
from handover.models import Handover, HandoverItem, HandoverKind, Strategy
from handover.models.planning.options import Options
from kernel import ids
from kernel.actor import Actor
from kernel.jobs import Job
from kernel.work import Ground, Work, unit_of_work
from server.planning_handovers import plan_handover
from tests.factories import NOON, relationship_of, reload, save

PLAN = "handover.plan"


async def do(ground: Ground, actor: Actor, act: Callable[[Work], Awaitable[Any]]) -> Any:
    """A command, carried out by somebody."""
    async with unit_of_work(ground, actor) as work:
        return await act(work)


async def started(
    ground: Ground,
    actor: Actor,
    leaver: Actor,
    strategy: Strategy = Strategy.BALANCED,
    kind: HandoverKind = HandoverKind.RESIGNATION,
    **options: Any,
) -> Handover:
    """A draft whose plan is asked for."""
    handover: Handover = await do(
        ground,
        actor,
        lambda work: commands.start(work, kind=kind, staff_id=leaver.id, strategy=strategy, options=Options(**options)),
    )
    return handover


async def planned(
    ground: Ground, actor: Actor, leaver: Actor, strategy: Strategy = Strategy.BALANCED, **options: Any
) -> Handover:
    """A draft whose plan is made."""
    return await worked_out(ground, await started(ground, actor, leaver, strategy, **options))


async def worked_out(ground: Ground, handover: Handover) -> Handover:
    """The same once a worker has made its plan."""
    fresh = await reload(ground, handover)
    await plan_handover(ground, fresh.brand_id, str(fresh.id), fresh.version)
    return await reload(ground, fresh)


async def asked(ground: Ground, brand_id: UUID, name: str = PLAN) -> list[dict[str, Any]]:
    """The arguments of the jobs of that name, the oldest first."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(col(Job.args)).where(col(Job.brand_id) == brand_id, col(Job.name) == name).order_by(col(Job.id))
        )
        return list(found.all())


async def items(ground: Ground, handover: Handover) -> dict[UUID, HandoverItem]:
    """What the handover does with each relationship."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(HandoverItem).where(
                col(HandoverItem.brand_id) == handover.brand_id, col(HandoverItem.handover_id) == handover.id
            )
        )
        return {item.relationship_id: item for item in found}


async def item_of(ground: Ground, handover: Handover, customer: Customer) -> HandoverItem:
    return (await items(ground, handover))[(await relationship_of(ground, customer)).id]


async def also_with(ground: Ground, customer: Customer, holder: Actor) -> Relationship:
    """Another relationship of the customer, with the holder's store."""
    assert holder.store_id
    relationship = Relationship(
        brand_id=holder.brand_id,
        id=ids.new(),
        customer_id=customer.id,
        store_id=holder.store_id,
        holder_id=holder.account_ids[0],
        created_at=NOON,
    )
    await save(ground, relationship)
    return relationship
