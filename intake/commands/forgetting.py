"""Forget what malls sent once it is of no more use: first the bodies, in the end that it came at all."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlmodel import col

from intake.models import WAITING_FOR_SOMEBODY, HookMessage, HookMessageState, HookRefusal, HookSecret
from kernel.work import Work

BODIES_KEPT = timedelta(days=30)
MESSAGES_KEPT = timedelta(days=180)
REFUSALS_KEPT = timedelta(days=30)
SECRETS_KEPT = timedelta(days=30)  # after they ended
AT_A_TIME = 1_000

_SETTLED = tuple(
    state for state in HookMessageState if state is not HookMessageState.RECEIVED and state not in WAITING_FOR_SOMEBODY
)


async def forget(work: Work, at: datetime) -> bool:
    """Forget some of what is old; true if there may be more.

    A settled message has no body after 30 days, and one that waits for somebody none after 180; then it is deleted,
    so from then on the same message would be taken for a new one: newer news than it is known by then. What was
    refused, and secrets that ended, are deleted after 30 days. What waits to be applied stays.
    """
    brand_id = work.actor.brand_id
    old, state_at = col(HookMessage.state) != HookMessageState.RECEIVED, col(HookMessage.state_at)
    bodies = await _some(work, and_(_settled(), col(HookMessage.body).is_not(None), state_at < at - BODIES_KEPT))
    await work.session.execute(
        update(HookMessage)
        .where(col(HookMessage.brand_id) == brand_id, col(HookMessage.id).in_(bodies))
        .values(body=None)
    )
    gone = await _some(work, and_(old, state_at < at - MESSAGES_KEPT))
    await work.session.execute(
        delete(HookMessage).where(col(HookMessage.brand_id) == brand_id, col(HookMessage.id).in_(gone))
    )
    await work.session.execute(
        delete(HookRefusal).where(col(HookRefusal.brand_id) == brand_id, col(HookRefusal.at) < at - REFUSALS_KEPT)
    )
    await work.session.execute(
        delete(HookSecret).where(col(HookSecret.brand_id) == brand_id, col(HookSecret.ends_at) < at - SECRETS_KEPT)
    )
    return max(len(bodies), len(gone)) == AT_A_TIME


def _settled() -> ColumnElement[bool]:
    return or_(*(col(HookMessage.state) == state for state in _SETTLED))


async def _some(work: Work, which: ColumnElement[bool]) -> list[UUID]:
    found = await work.session.scalars(
        select(col(HookMessage.id))
        .where(col(HookMessage.brand_id) == work.actor.brand_id, which)
        .order_by(col(HookMessage.id))
        .limit(AT_A_TIME)
        .with_for_update(skip_locked=True)
    )
    return list(found)
