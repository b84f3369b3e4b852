"""Writes of handovers until they are approved, and of how a brand hands over."""

from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from directory.models import Account
from handover import commands
from handover.models import Handover, HandoverKind, Strategy
from kernel.work import Ground, unit_of_work
from server.planning_handovers import plan_handover
from tests.factories import World, build_customer, relationship_of
from tests.scenarios.writing import Prepare, Write, hire


async def start_handover(ground: Ground, world: World) -> Write:
    leaver = await hire(ground, world)
    return Write(world.hq, {"staffId": str(leaver), "kind": "RESIGNATION", "strategy": "TO_STORE"})


async def replan(ground: Ground, world: World) -> Write:
    handover, _ = await planned(ground, world)
    return Write(world.shop.manager, {"id": str(handover.id), "strategy": "BALANCED"}, handover.id)


async def edit_plan(ground: Ground, world: World) -> Write:
    handover, relationship = await planned(ground, world)
    pair = {"relationshipId": str(relationship), "toAccountId": str(world.shop.other_guide.account_ids[0])}
    return Write(world.shop.manager, {"id": str(handover.id), "pairs": [pair]}, handover.id)


async def decide(ground: Ground, world: World) -> Write:
    handover, _ = await planned(ground, world)
    return Write(world.shop.manager, {"id": str(handover.id)}, handover.id)


async def set_settings(ground: Ground, world: World) -> Write:
    async with unit_of_work(ground, world.hq) as work:
        await commands.set_handover_settings(work, capacity=1_000)
    return Write(world.hq, {"input": {"telling": "GENTLY"}}, world.brand.id)


async def set_capacity(ground: Ground, world: World) -> Write:
    guide = await hire(ground, world)
    async with unit_of_work(ground, world.hq) as work:
        await commands.set_takeover_capacity(work, guide, capacity=10)
    return Write(world.shop.manager, {"staffId": str(guide), "capacity": 20}, guide)


async def planned(ground: Ground, world: World) -> tuple[Handover, UUID]:
    """A newcomer who holds one customer and goes again: all to the store, so far."""
    leaver = await hire(ground, world)
    relationship = await relationship_of(ground, await build_customer(ground, world.shop.guide))
    async with ground.db.read() as session:
        account_id = await session.scalar(
            select(col(Account.id)).where(col(Account.brand_id) == world.brand.id, col(Account.staff_id) == leaver)
        )
    assert account_id
    async with unit_of_work(ground, world.hq) as work:
        await commands.reassign(work, relationship.id, to_account_id=account_id)
        handover = await commands.start(
            work, kind=HandoverKind.RESIGNATION, staff_id=leaver, strategy=Strategy.TO_STORE
        )
    await plan_handover(ground, world.brand.id, str(handover.id), handover.version)
    return handover, relationship.id


WRITES: dict[str, Prepare] = {
    "startHandover": start_handover,
    "replanHandover": replan,
    "editHandoverPlan": edit_plan,
    "approveHandover": decide,
    "cancelHandover": decide,
    "setHandoverSettings": set_settings,
    "setTakeoverCapacity": set_capacity,
}
