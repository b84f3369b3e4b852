"""Give customers a new version when something that hangs on them has changed."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from customers.models import Customer
from kernel.db import OneOf
from kernel.work import Work


async def touch(work: Work, customer_ids: Sequence[UUID]) -> dict[UUID, int]:
    """Count up the versions of these customers, which the caller has locked and may change; returns them by id.

    Says nothing: the caller knows what happened.
    """
    found = await work.session.execute(
        update(Customer)
        .where(col(Customer.brand_id) == work.actor.brand_id, OneOf(col(Customer.id), "customer_ids"))
        .values(version=Customer.version + 1)
        .returning(col(Customer.id), col(Customer.version))
        .execution_options(synchronize_session=False),
        {"customer_ids": list(customer_ids)},
    )
    return dict(found.all())
