"""After a group has got another shelf life: date anew until when its tags on customers are good, some at a time."""

from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from kernel import clock
from kernel.work import Work
from tagging.commands import writing
from tagging.models import CustomerTag
from tagging.queries import freshness

REDATE = "tagging.redate"
AT_ONCE = 500


async def redate(work: Work, group_id: UUID, after: tuple[UUID, UUID] | None = None) -> int:
    """Date some of what customers carry of the group, behind a tag and a customer, and ask for the next job.

    Says nothing to phones: until when a tag is good follows from when it was checked, and from its group. Doing it
    twice does no harm. Returns how many were looked at.
    """
    brand_id = work.actor.brand_id
    found = await freshness.to_redate(work.session, brand_id, group_id, after, AT_ONCE)
    if found is None:
        return 0
    days, rows = found
    at = clock.now()
    # Whoever was asked to check what is good again needn't.
    eased = [row for row in rows if row.asked_at is not None and not freshness.is_past(row.checked_at, days, at)]
    writing.settle(work, eased, is_checked=False)
    for tag_id, customer_ids in writing.by_tag(rows).items():
        await work.session.execute(
            update(CustomerTag)
            .where(
                col(CustomerTag.brand_id) == brand_id,
                col(CustomerTag.customer_id).in_(customer_ids),
                col(CustomerTag.tag_id) == tag_id,
            )
            .values(valid_until=freshness.good_until(days))
            .execution_options(synchronize_session=False)
        )
    for tag_id, customer_ids in writing.by_tag(eased).items():
        await work.session.execute(
            update(CustomerTag)
            .where(
                col(CustomerTag.brand_id) == brand_id,
                col(CustomerTag.customer_id).in_(customer_ids),
                col(CustomerTag.tag_id) == tag_id,
            )
            .values(asked_at=None)
            .execution_options(synchronize_session=False)
        )
    if len(rows) == AT_ONCE:
        last = rows[-1]
        work.later(REDATE, group_id=str(group_id), after=[str(last.tag_id), str(last.customer_id)])
    return len(rows)
