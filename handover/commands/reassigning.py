"""Move what somebody holds to somebody else of the store."""

from uuid import UUID

from customers import commands as customers
from customers.models import Relationship
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
    relationship = await customers.reassign(
        work, relationship_id, to_account_id=to_account_id, expected_version=expected_version
    )
    await tasks.move_open(work, [relationship.id], to_account_id)
    await mall.move_serving(work, [relationship.id], to_account_id)
    return relationship
