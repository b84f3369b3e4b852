"""Say who bears a refund: whoever has the credit of its order, in the same parts."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import col

from kernel import bulk
from kernel.work import Work
from mall.models import WHOLE, Credit, Refund, RefundCharge
from mall.models.parts import shared_out
from mall.queries import parties

Share = tuple[UUID | None, int]


async def charge(work: Work, refund: Refund) -> None:
    """Share out a refund that is new, or whose order has other credits now."""
    await work.session.execute(
        delete(RefundCharge)
        .where(col(RefundCharge.brand_id) == refund.brand_id, col(RefundCharge.refund_id) == refund.id)
        .execution_options(synchronize_session=False)
    )
    shares = await _shares(work, refund)
    amounts = shared_out(refund.amount, [points for _, points in shares])
    rows = [
        {
            "brand_id": refund.brand_id,
            "refund_id": refund.id,
            "part": part,
            "account_id": account_id,
            "amount": amount,
            "placed_at": refund.placed_at,
        }
        for part, ((account_id, _), amount) in enumerate(zip(shares, amounts, strict=True), 1)
    ]
    await bulk.insert_missing(work.session, RefundCharge, rows)


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
