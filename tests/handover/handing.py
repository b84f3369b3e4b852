"""Handovers as the plan leaves them: approved, with a line for each relationship."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers.models import Relationship
from directory.models import Account, Staff, StaffState
from handover.commands import ledger
from handover.models import (
    Handover,
    HandoverAccount,
    HandoverItem,
    HandoverKind,
    HandoverState,
    ItemReason,
    Strategy,
)
from kernel import clock, ids
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from server import handing_over
from tests.factories import Shop, World, save


async def leave(ground: Ground, person: Actor, *, is_shut_out: bool = True) -> None:
    """Let somebody be leaving."""
    async with ground.db.write() as session:
        staff = await session.get(Staff, (person.brand_id, person.id))
        assert staff
        staff.state, staff.access_closed_at = StaffState.LEAVING, clock.now() if is_shut_out else None


async def build_handover(
    ground: Ground,
    world: World,
    plan: Mapping[UUID, UUID] | None = None,
    *,
    leaver: Actor | None = None,
    takers: Sequence[UUID] = (),
    **values: Any,
) -> Handover:
    """A handover of the first guide of the first shop: by the plan, or in turn to the takers; the other guide alone."""
    leaver = leaver or world.shop.guide
    shop = shop_of(world, leaver)
    usual: dict[str, Any] = {
        "brand_id": world.brand.id,
        "id": ids.new(),
        "kind": HandoverKind.RESIGNATION,
        "state": HandoverState.APPROVED,
        "staff_id": leaver.staff_id,
        "store_id": shop.store.id,
        "strategy": Strategy.BALANCED,
        "planned_at": clock.now(),
        "started_by_id": shop.manager.id,
        "started_at": clock.now(),
        "approved_by_id": shop.manager.id,
        "approved_at": clock.now(),
        "undo_until": clock.now() + timedelta(hours=72),
    }
    handover = Handover(**usual | values)
    await save(ground, handover, *await _accounts(ground, handover, leaver))
    async with unit_of_work(ground, system(world.brand.id)) as work:
        taken = await work.session.get(Handover, (handover.brand_id, handover.id))
        assert taken
        await ledger.take(work, taken)
    held = await held_by(ground, leaver)
    chosen = takers or [shop.other_guide.account_ids[0]]
    items = [
        HandoverItem(
            brand_id=handover.brand_id,
            handover_id=handover.id,
            relationship_id=row.id,
            from_account_id=row.holder_id,
            to_account_id=(plan or {}).get(row.id, chosen[number % len(chosen)]),
            reason=ItemReason.BALANCED,
        )
        for number, row in enumerate(held)
    ]
    await save(ground, *items)
    return handover


async def run(ground: Ground, handover: Handover) -> None:
    """Move it, as the errand does."""
    await handing_over.move(ground, handover.brand_id, handover_id=str(handover.id))


async def held_by(ground: Ground, actor: Actor) -> Sequence[Relationship]:
    """The relationships that a person's accounts hold, by id."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(Relationship)
            .where(col(Relationship.brand_id) == actor.brand_id, col(Relationship.holder_id).in_(actor.account_ids))
            .order_by(col(Relationship.id))
        )
        return found.all()


async def items_of(ground: Ground, handover: Handover) -> dict[UUID, HandoverItem]:
    """The lines of a handover by relationship."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(HandoverItem).where(
                col(HandoverItem.brand_id) == handover.brand_id, col(HandoverItem.handover_id) == handover.id
            )
        )
        return {item.relationship_id: item for item in found}


def shop_of(world: World, guide: Actor) -> Shop:
    return next(shop for shop in world.shops if shop.store.id == guide.store_id)


async def _accounts(ground: Ground, handover: Handover, leaver: Actor) -> list[HandoverAccount]:
    async with ground.db.read() as session:
        theirs = await session.scalars(
            select(Account).where(col(Account.brand_id) == handover.brand_id, col(Account.staff_id) == leaver.staff_id)
        )
        return [
            HandoverAccount(
                brand_id=handover.brand_id, handover_id=handover.id, account_id=each.id, store_id=each.store_id
            )
            for each in theirs
        ]
