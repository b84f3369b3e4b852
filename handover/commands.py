"""Move what somebody holds to somebody else of the store."""

from uuid import UUID

from customers import commands as customers
from customers.events import CustomerChanged
from customers.models import Relationship
from customers.queries import customers as known
from customers.queries import relationships
from kernel.errors import NotFound
from kernel.work import Work
from mall import commands as mall
from tasks import commands as tasks


async def reassign(
    work: Work, relationship_id: UUID, *, to_account_id: UUID, expected_version: int | None = None
) -> Relationship:
    """Give one relationship to another account of its store, with its open tasks and open orders.

    All in one transaction: no task and no open order stays behind with whoever held it. The credit of
    orders stays. Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `ALREADY_HELD`, `OTHER_STORE`,
    `HOLDER_UNFIT`, `STORE_CLOSED`.
    """
    # The customer first: what is said of them in the end concerns the holders of all their relationships, and
    # two who move one each would wait for each other.
    seen = (await relationships.by_ids(work.session, work.actor, [relationship_id])).get(relationship_id)
    if seen is None:
        raise NotFound
    await known.lock(work.session, work.actor, seen.customer_id)
    relationship = await customers.reassign(
        work, relationship_id, to_account_id=to_account_id, expected_version=expected_version
    )
    await tasks.move_open(work, [relationship.id], to_account_id)
    await mall.move_serving(work, [relationship.id], to_account_id)
    await _introduce(work, relationship)
    return relationship


async def _introduce(work: Work, relationship: Relationship) -> None:
    """The customer has not changed, but whoever holds them now has never heard of them."""
    found = await known.by_ids(work.session, work.actor, [relationship.customer_id])
    for customer in found.values():
        work.record(CustomerChanged(customer_id=customer.id, version=customer.version))
