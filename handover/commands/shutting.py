"""Close a store behind a handover that has moved all that it had; who came meanwhile gets a line of the plan first."""

from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from customers import commands as customers
from customers.commands.succeeding import MOST_AT_ONCE
from customers.models import Relationship
from customers.policy import is_live
from directory.models import StoreState
from directory.queries import accounts as all_accounts
from directory.queries import stores
from handover.commands.succeeding import store_of
from handover.errors import PlanMissing
from handover.models import Handover, HandoverItem, HeldHere, ItemReason
from kernel import feed
from kernel.work import Work


async def finish(work: Work, handover: Handover) -> bool:
    """Close the store, once it owns no relationship any more; says whether nothing is left to move.

    Who came meanwhile goes to the public account of the first successor store: they wait as new items then. Closing
    dismisses nobody: as long as somebody works in the store it stays open, without customers, until it is closed by
    whoever moves them. Phones of its managers start over.
    """
    store = await stores.lock(work.session, work.actor, store_of(handover))
    if await _left(work, handover):
        return False
    await feed.new_epoch(work.session, handover.brand_id, [feed.of_desk(store.id)])
    if store.state is StoreState.OPEN and not await stores.count_staff(work.session, work.actor, store.id):
        await customers.close_store(work, store.id)
    return True


async def _left(work: Work, handover: Handover) -> bool:
    """Whether there is something left to move; what has no line yet is given one, and what came back another turn."""
    of_store = select(col(Relationship.id), col(Relationship.holder_id)).where(
        col(Relationship.brand_id) == handover.brand_id,
        col(Relationship.store_id) == handover.store_id,
        is_live(),
    )
    found = await work.session.execute(of_store.order_by(col(Relationship.id)).limit(MOST_AT_ONCE))
    holders = dict(found.all())
    if not holders:
        return False
    mine = (
        col(HandoverItem.brand_id) == handover.brand_id,
        col(HandoverItem.handover_id) == handover.id,
        col(HandoverItem.relationship_id).in_(holders),
    )
    known = set(await work.session.scalars(select(col(HandoverItem.relationship_id)).where(*mine)))
    await work.session.execute(
        update(HandoverItem)
        .where(*mine)
        .values(here=HeldHere.PENDING, why=None)
        .execution_options(synchronize_session=False)
    )
    to_account_id = await _first_public(work, handover)
    work.session.add_all(
        HandoverItem(
            brand_id=handover.brand_id,
            handover_id=handover.id,
            relationship_id=key,
            from_account_id=holder_id,
            to_account_id=to_account_id,
            reason=ItemReason.OVERFLOW,
        )
        for key, holder_id in holders.items()
        if key not in known
    )
    return True


async def _first_public(work: Work, handover: Handover) -> UUID:
    store_ids = [UUID(str(each)) for each in handover.options.get("store_ids", [])]
    public = await all_accounts.public_of(work.session, handover.brand_id, store_ids[:1])
    if not public:
        raise PlanMissing
    return public[store_ids[0]]
