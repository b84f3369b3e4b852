"""Who may ask for figures, and who is told of them; what they count is what the asker sees."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Staff
from directory.policy import STAFF
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden
from kpi.events import NoticeEvent
from kpi.models import KpiNotice, KpiWatch


def require_reader(actor: Actor) -> None:
    """Everybody reads the figures of their own sight; a machine needs to be allowed to."""
    if not actor.may(Scope.REPORTS_READ):
        raise Forbidden


def require_manager(actor: Actor) -> None:
    """Figures of others are for those who answer for them, and for a machine that may read reports."""
    require_reader(actor)
    if actor.role is Role.GUIDE:
        raise Forbidden


def require_subscriber(actor: Actor) -> UUID:
    """Only people are told of figures."""
    if actor.staff_id is None:
        raise Forbidden
    return actor.staff_id


def require_warned(actor: Actor) -> None:
    """Whoever answers for stores is warned of what is deleted there."""
    if actor.role not in (Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ):
        raise Forbidden


def require_headquarters(actor: Actor) -> None:
    """Where the brand's notices go is said by headquarters."""
    if actor.role is not Role.HQ:
        raise Forbidden


def own(actor: Actor, model: type[KpiWatch] | type[KpiNotice]) -> ColumnElement[bool]:
    """Everybody has subscriptions and notices of their own, and sees no others."""
    ours = col(model.brand_id) == actor.brand_id
    return and_(ours, false()) if actor.staff_id is None else and_(ours, col(model.staff_id) == actor.staff_id)


async def notices_seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[NoticeEvent]) -> list[feed.Entry]:
    """Whoever was told is told to look again at themselves: a phone keeps no copy of notices."""
    told = sorted({event.staff_id for event in events})
    found = await session.execute(
        select(col(Staff.id), col(Staff.version)).where(col(Staff.brand_id) == brand_id, col(Staff.id).in_(told))
    )
    versions = {row.id: row.version for row in found}
    return [feed.Entry(feed.of_staff(key), STAFF, key, versions[key]) for key in told]
