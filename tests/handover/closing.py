"""Closings to test with: a store whose relationships go to others, planned by hand and moved chunk by chunk."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer, Holding, Relationship
from handover.commands import giving_back, shutting, succeeding
from handover.models import Handover, HandoverAccount, HandoverItem, HandoverKind, HandoverState, HeldHere, Strategy
from handover.queries import succession
from kernel import clock, ids
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from tests.factories import Shop, World, save


async def build_closing(ground: Ground, world: World, shop: Shop, to: Sequence[Actor], **options: Any) -> Handover:
    """A closing that is approved: the store's relationships, by id, go to these people in turn."""
    handover = Handover(
        brand_id=world.brand.id,
        id=ids.new(),
        kind=HandoverKind.CLOSING,
        state=HandoverState.MOVING,
        store_id=shop.store.id,
        strategy=Strategy.BY_HAND,
        options={"store_ids": list(dict.fromkeys(str(each.store_id) for each in to))} | options,
        started_at=clock.now(),
    )
    holders = [shop.public.id, *(guide.account_ids[0] for guide in shop.guides)]
    accounts = [
        HandoverAccount(brand_id=world.brand.id, handover_id=handover.id, account_id=each, store_id=shop.store.id)
        for each in holders
    ]
    async with ground.db.read() as session:
        rows = await session.execute(
            select(col(Relationship.id), col(Relationship.holder_id))
            .where(
                col(Relationship.brand_id) == world.brand.id,
                col(Relationship.store_id) == shop.store.id,
                col(Relationship.ended_at).is_(None),
            )
            .order_by(col(Relationship.id))
        )
    items = [
        HandoverItem(
            brand_id=world.brand.id,
            handover_id=handover.id,
            relationship_id=key,
            from_account_id=holder_id,
            to_account_id=to[place % len(to)].account_ids[0],
        )
        for place, (key, holder_id) in enumerate(rows)
    ]
    await save(ground, handover, *accounts, *items)
    return handover


async def close(ground: Ground, handover: Handover, at_once: int = 2) -> None:
    """Move it chunk by chunk to its end, as an errand would."""
    while True:
        while await move_some(ground, handover, at_once):
            pass
        async with unit_of_work(ground, system(handover.brand_id)) as work:
            if not await shutting.finish(work, handover):
                continue
            row = await work.session.get(Handover, (handover.brand_id, handover.id))
            assert row is not None
            row.have_moved(clock.now(), is_settled=True)
            return


async def move_some(ground: Ground, handover: Handover, at_once: int = 2) -> int:
    """Move one chunk; returns how many items were in it."""
    async with unit_of_work(ground, system(handover.brand_id)) as work:
        items = await _items(work.session, handover, HeldHere.PENDING, at_once)
        await succeeding.succeed(work, handover, items)
        return len(items)


async def reopen(ground: Ground, handover: Handover, at_once: int = 2) -> None:
    """Give all of it back, chunk by chunk."""
    while True:
        async with unit_of_work(ground, system(handover.brand_id)) as work:
            items = await _items(work.session, handover, HeldHere.MOVED, at_once)
            await giving_back.give_back(work, handover, items)
        if not items:
            return


async def _items(session: Any, handover: Handover, here: HeldHere, most: int) -> Sequence[HandoverItem]:
    found = await session.scalars(
        select(HandoverItem)
        .where(
            col(HandoverItem.brand_id) == handover.brand_id,
            col(HandoverItem.handover_id) == handover.id,
            col(HandoverItem.here) == here,
        )
        .order_by(col(HandoverItem.relationship_id))
        .limit(most)
    )
    found_items: Sequence[HandoverItem] = found.all()
    return found_items


async def items_of(ground: Ground, handover: Handover) -> list[HandoverItem]:
    """All items, by relationship."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(HandoverItem)
            .where(col(HandoverItem.brand_id) == handover.brand_id, col(HandoverItem.handover_id) == handover.id)
            .order_by(col(HandoverItem.relationship_id))
        )
        return list(found)


async def in_store(ground: Ground, customer: Customer, shop: Shop) -> Relationship | None:
    """The customer's relationship that lives in the store."""
    async with ground.db.read() as session:
        found: Relationship | None = await session.scalar(
            select(Relationship).where(
                col(Relationship.brand_id) == customer.brand_id,
                col(Relationship.customer_id) == customer.id,
                col(Relationship.store_id) == shop.store.id,
                col(Relationship.ended_at).is_(None),
            )
        )
        return found


async def lives_in(ground: Ground, customer: Customer, shop: Shop) -> Relationship:
    found = await in_store(ground, customer, shop)
    assert found is not None
    return found


async def history(ground: Ground, relationship: Relationship) -> list[tuple[UUID, str, bool]]:
    """Who held it and why, the oldest first, and whether they still do."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(Holding)
            .where(col(Holding.brand_id) == relationship.brand_id, col(Holding.relationship_id) == relationship.id)
            .order_by(col(Holding.from_at), col(Holding.id))
        )
        return [(line.account_id, line.reason.value, line.until_at is None) for line in found]


async def broken(ground: Ground, world: World) -> dict[str, list[UUID]]:
    """The promises that don't hold, with examples."""
    async with ground.db.read() as session:
        return await succession.violations(session, world.brand.id)
