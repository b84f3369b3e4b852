"""Reads of what sources have sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.models import WAITING_FOR_SOMEBODY, HookMessage, HookMessageState, HookRefusal
from intake.policy import hooks_visible_to
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged

HookRow = Row[*tuple[Any, ...]]

_OPEN = (HookMessageState.RECEIVED, *WAITING_FOR_SOMEBODY)
_SETTLED = tuple(state for state in HookMessageState if state not in _OPEN)
_MESSAGE = tuple(
    column
    for column in HookMessage.__table__.columns  # type: ignore[attr-defined]  # set by SQLModel
    if column.name not in ("body", "digest")
)
_HAS_BODY = col(HookMessage.body).is_not(None).label("has_body")


async def page_of_messages(
    session: AsyncSession,
    actor: Actor,
    page: Page,
    *,
    source_id: UUID | None = None,
    state: HookMessageState | None = None,
    order_number: str | None = None,
) -> Sequence[HookRow]:
    """What was sent, the newest first, without the bodies."""
    rows = _messages(actor)
    if source_id is not None:
        rows = rows.where(col(HookMessage.source_id) == source_id)
    if state is not None:
        rows = rows.where(col(HookMessage.state) == state)
    if order_number is not None:
        rows = rows.where(col(HookMessage.order_number) == order_number)
    return (await session.execute(paged(rows, page, Key(col(HookMessage.id), descending=True)))).all()


async def messages_by_ids(session: AsyncSession, actor: Actor, message_ids: Sequence[UUID]) -> dict[UUID, HookRow]:
    """Those of the messages that are in sight, without the bodies."""
    found = await session.execute(_messages(actor).where(col(HookMessage.id).in_(message_ids)))
    return {row.id: row for row in found}


async def sealed_body(session: AsyncSession, actor: Actor, message_id: UUID) -> bytes | None:
    """What a message in sight says, sealed; none once it is forgotten."""
    body: bytes | None = await session.scalar(
        select(col(HookMessage.body)).where(hooks_visible_to(HookMessage, actor), col(HookMessage.id) == message_id)
    )
    return body


async def lock_messages(session: AsyncSession, actor: Actor, message_ids: Sequence[UUID]) -> Sequence[HookMessage]:
    """The messages by id, kept from other writers until the commit. `NOT_FOUND` if one isn't in sight."""
    wanted = set(message_ids)
    found = await session.scalars(
        select(HookMessage)
        .where(hooks_visible_to(HookMessage, actor), col(HookMessage.id).in_(wanted))
        .order_by(col(HookMessage.id))
        .with_for_update()
    )
    rows = found.all()
    if len(rows) != len(wanted):
        raise NotFound
    return rows


async def parked_of(
    session: AsyncSession, brand_id: UUID, source_id: UUID, order_number: str, most: int
) -> Sequence[HookMessage]:
    """Parked messages about an order, the oldest first; those that somebody is at are left out."""
    found = await session.scalars(
        select(HookMessage)
        .where(
            col(HookMessage.brand_id) == brand_id,
            col(HookMessage.source_id) == source_id,
            col(HookMessage.order_number) == order_number,
            col(HookMessage.state) == HookMessageState.PARKED,
            col(HookMessage.body).is_not(None),
        )
        .order_by(col(HookMessage.id))
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    return found.all()


async def received(
    session: AsyncSession, brand_id: UUID, source_id: UUID, after: UUID | None, most: int
) -> Sequence[UUID]:
    """Messages of a source that wait to be applied, by id."""
    waiting = (
        select(col(HookMessage.id))
        .where(
            col(HookMessage.brand_id) == brand_id,
            col(HookMessage.source_id) == source_id,
            col(HookMessage.state) == HookMessageState.RECEIVED,
        )
        .order_by(col(HookMessage.id))
        .limit(most)
    )
    if after is not None:
        waiting = waiting.where(col(HookMessage.id) > after)
    return (await session.scalars(waiting)).all()


async def digest_of(session: AsyncSession, brand_id: UUID, source_id: UUID, message_id: str) -> str | None:
    """What the message of that id said, as a digest."""
    digest: str | None = await session.scalar(
        select(col(HookMessage.digest)).where(
            col(HookMessage.brand_id) == brand_id,
            col(HookMessage.source_id) == source_id,
            col(HookMessage.message_id) == message_id,
        )
    )
    return digest


@dataclass(frozen=True, slots=True)
class HookFigures:
    """How a source is doing. Hours and days are those before now; the rest is as it is now."""

    received_in_hour: int = 0
    received_in_day: int = 0
    applied_in_hour: int = 0
    applied_in_day: int = 0
    waiting: int = 0
    parked: int = 0
    given_up: int = 0
    waiting_since: datetime | None = None
    parked_since: datetime | None = None


async def figures(
    session: AsyncSession, actor: Actor, source_ids: Sequence[UUID], *, at: datetime
) -> dict[UUID, HookFigures]:
    """The figures of sources: of what came in the last day, and of what still waits."""
    hour, day = at - timedelta(hours=1), at - timedelta(days=1)
    state, came, applied_at = col(HookMessage.state), col(HookMessage.received_at), col(HookMessage.applied_at)
    applied = state == HookMessageState.APPLIED
    is_in = {each: state == each for each in _OPEN}
    received, parked = is_in[HookMessageState.RECEIVED], is_in[HookMessageState.PARKED]
    found = await session.execute(
        select(
            col(HookMessage.source_id),
            func.count().filter(came >= hour),
            func.count().filter(came >= day),
            func.count().filter(applied, applied_at >= hour),
            func.count().filter(applied, applied_at >= day),
            func.count().filter(received),
            func.count().filter(parked),
            func.count().filter(is_in[HookMessageState.GIVEN_UP]),
            func.min(came).filter(received),
            func.min(col(HookMessage.state_at)).filter(parked),
        )
        .where(
            hooks_visible_to(HookMessage, actor),
            col(HookMessage.source_id).in_(source_ids),
            # What came, or was applied, within the day came into its state within it.
            or_(state.in_(_OPEN), and_(state.in_(_SETTLED), col(HookMessage.state_at) >= day)),
        )
        .group_by(col(HookMessage.source_id))
    )
    rows: Sequence[Any] = found.all()
    counted = {row[0]: HookFigures(*row[1:]) for row in rows}
    return {source_id: HookFigures() for source_id in source_ids} | counted


async def refusals(session: AsyncSession, actor: Actor, source_id: UUID, page: Page) -> Sequence[HookRow]:
    """What was refused in a source's name, the newest first."""
    rows = select(*HookRefusal.__table__.columns).where(  # type: ignore[attr-defined]  # set by SQLModel
        hooks_visible_to(HookRefusal, actor), col(HookRefusal.source_id) == source_id
    )
    return (await session.execute(paged(rows, page, Key(col(HookRefusal.id), descending=True)))).all()


def _messages(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*_MESSAGE, _HAS_BODY).where(hooks_visible_to(HookMessage, actor))
