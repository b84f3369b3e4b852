"""Say who bears a refund: whoever has the credit of its order, in the same parts; or the store, once they are gone."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import col

from kernel import bulk
from kernel.work import Work
from mall.models import WHOLE, Credit, Refund, RefundCharge
from mall.models.parts import shared_out
from mall.queries import parties
from mall.queries.commission import paying_up

Share = tuple[UUID | None, int]


async def charge(work: Work, refund: Refund) -> None:
    """Share out a refund that is new, or whose order has other credits now.

    The store bears the part of whoever has left and been paid for the last time; who bears it already, goes on to.
    """
    bearers = await _bearers(work, refund)
    await work.session.execute(
        delete(RefundCharge)
        .where(col(RefundCharge.brand_id) == refund.brand_id, col(RefundCharge.refund_id) == refund.id)
        .execution_options(synchronize_session=False)
    )
    shares = await _shares(work, refund)
    amounts = shared_out(refund.amount, [points for _, points in shares])
    named = {account_id for account_id, _ in shares if account_id is not None} - bearers
    gone = await paying_up.paid_up_accounts(work.session, refund.brand_id, named)
    rows = [
        {
            "brand_id": refund.brand_id,
            "refund_id": refund.id,
            "part": part,
            "account_id": None if account_id in gone else account_id,
            "amount": amount,
            "placed_at": refund.placed_at,
        }
        for part, ((account_id, _), amount) in enumerate(zip(shares, amounts, strict=True), 1)
    ]
    await bulk.insert_missing(work.session, RefundCharge, rows)


async def _bearers(work: Work, refund: Refund) -> set[UUID]:
    """The accounts that have borne it so far."""
    found = await work.session.scalars(
        select(col(RefundCharge.account_id)).where(
            col(RefundCharge.brand_id) == refund.brand_id,
            col(RefundCharge.refund_id) == refund.id,
            col(RefundCharge.account_id).is_not(None),
        )
    )
    return {account_id for account_id in found if account_id is not None}


async def _shares(work: Work, refund: Refund) -> Sequence[Share]:
    if refund.order_id is not None:
        await work.session.flush()  # the order may have come, and its credit been decided, just before
        found = await work.session.execute(
            select(col(Credit.account_id), col(Credit.points))
            .where(col(Credit.brand_id) == refund.brand_id, col(Credit.order_id) == refund.order_id)
            .order_by(col(Credit.part))
        )
        return [(account_id, points) for account_id, points in found]
    guide = None
    if refund.relationship_id is not None:
        guide = await parties.guide_at(
            work.session, refund.brand_id, refund.relationship_id, refund.store_id, refund.placed_at
        )
    return [(guide, WHOLE)]
