"""Keep what the partner tells before it is answered, once however often it is told, and apply it after."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlmodel import col

from handover.models import PartnerNews
from handover.models.news import News
from handover.queries import partner
from kernel import bulk, clock
from kernel.work import Work

HEAR = "handover.hear"
OLDEST = timedelta(days=30)
"""Older news than this is not taken: a copy of it, sent by a stranger, would be taken for new once it is forgotten."""
NEWS_KEPT = timedelta(days=60)
AT_A_TIME = 1_000


async def keep(work: Work, news: News) -> bool:
    """Store an event and ask for its job; false if it is known already, or is older than 30 days."""
    at = clock.now()
    if news.at < at - OLDEST:
        return False
    row = {
        "brand_id": work.actor.brand_id,
        "key": news.key,
        "kind": news.kind,
        "user_id": news.user_id,
        "external_user_id": news.external_user_id,
        "chat_id": news.chat_id,
        "reason": news.reason,
        "is_transfer": news.is_transfer,
        "at": news.at,
        "heard_at": at,
    }
    if not await bulk.insert_missing(work.session, PartnerNews, [row]):
        return False
    work.later(HEAR, key=news.key)
    return True


async def take(work: Work, key: str) -> News | None:
    """An event that waits, which counts as applied when the work commits; none if it is applied already."""
    row = await partner.lock_news(work.session, work.actor.brand_id, key)
    if row is None or row.applied_at is not None:
        return None
    row.applied_at = clock.now()
    return row.news


async def forget(work: Work, at: datetime) -> bool:
    """Delete some of what was applied more than 60 days ago; true if there may be more."""
    old = await work.session.scalars(
        select(col(PartnerNews.key))
        .where(col(PartnerNews.brand_id) == work.actor.brand_id, col(PartnerNews.applied_at) < at - NEWS_KEPT)
        .limit(AT_A_TIME)
    )
    keys = old.all()
    await work.session.execute(
        delete(PartnerNews).where(col(PartnerNews.brand_id) == work.actor.brand_id, col(PartnerNews.key).in_(keys))
    )
    return len(keys) == AT_A_TIME
