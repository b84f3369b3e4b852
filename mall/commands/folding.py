"""Fold opens of links that are old into one row for each link and day: more exactly nobody asks any more."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, select
from sqlmodel import col

from directory.models import Store
from kernel import bulk, clock, ids
from kernel.work import Work
from mall.models import Share, ShareOpen
from mall.models.credit_rules import MOST_DAYS

# Rules look at when a link was last opened before an order; longer ago than this none does.
KEPT_SINGLY = timedelta(days=MOST_DAYS + 10)
AT_A_TIME = 500


async def fold_opens(work: Work, at: datetime) -> bool:
    """Fold some of what is old; true if there may be more.

    No figure changes: days are those of the link's store, and what is folded says how many opens it stands for.
    """
    brand_id = work.actor.brand_id
    found = await work.session.execute(
        select(col(ShareOpen.id), col(ShareOpen.share_id), col(ShareOpen.opened_at), col(Store.time_zone))
        .join(Share, (col(Share.brand_id) == brand_id) & (col(Share.id) == col(ShareOpen.share_id)))
        .join(Store, (col(Store.brand_id) == brand_id) & (col(Store.id) == col(Share.store_id)))
        .where(
            col(ShareOpen.brand_id) == brand_id,
            col(ShareOpen.stands_for).is_(None),
            col(ShareOpen.opened_at) < at - KEPT_SINGLY,
        )
        .order_by(col(ShareOpen.opened_at), col(ShareOpen.id))
        .limit(AT_A_TIME)
        .with_for_update(of=ShareOpen, skip_locked=True)
    )
    rows = found.all()
    days: dict[tuple[UUID, date], list[datetime]] = defaultdict(list)
    for _, share_id, opened_at, zone in rows:
        days[share_id, clock.store_day(opened_at, zone)].append(opened_at)
    of_brand = {"brand_id": brand_id}
    folded = [
        of_brand | {"id": ids.new(), "share_id": share_id, "opened_at": max(opens), "stands_for": len(opens)}
        for (share_id, _), opens in days.items()
    ]
    await bulk.insert_rows(work.session, ShareOpen, folded)
    await work.session.execute(
        delete(ShareOpen).where(col(ShareOpen.brand_id) == brand_id, col(ShareOpen.id).in_([row[0] for row in rows]))
    )
    return len(rows) == AT_A_TIME
