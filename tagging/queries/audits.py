"""Reads of audits and of what came of them."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged
from tagging.models import AuditItem, AuditState, Tag, TagAudit, TagGroup, Verdict
from tagging.models.results import Answer, Result, Tally, judge
from tagging.policy import audits_visible_to

AuditRow = Row[*tuple[Any, ...]]

_COLUMNS = tuple(TagAudit.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
KEYS = (Key(col(TagAudit.drawn_at), descending=True), Key(col(TagAudit.id), descending=True))


async def lock(session: AsyncSession, actor: Actor, audit_id: UUID) -> TagAudit:
    """The audit, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    audit = await session.scalar(
        select(TagAudit).where(col(TagAudit.id) == audit_id, audits_visible_to(actor)).with_for_update(key_share=True)
    )
    if audit is None:
        raise NotFound
    return audit


async def by_ids(session: AsyncSession, actor: Actor, audit_ids: Sequence[UUID]) -> dict[UUID, AuditRow]:
    """Those of the audits that are in sight."""
    found = await session.execute(_rows(actor).where(col(TagAudit.id).in_(audit_ids)))
    return {row.id: row for row in found}


async def page(session: AsyncSession, actor: Actor, page: Page, state: AuditState | None = None) -> Sequence[AuditRow]:
    """Audits in sight, the latest first; one more than asked for when there is a next page."""
    rows = _rows(actor)
    if state is not None:
        rows = rows.where(col(TagAudit.state) == state)
    return (await session.execute(paged(rows, page, *KEYS))).all()


async def count_open(session: AsyncSession, brand_id: UUID) -> int:
    """How many of the brand's audits wait for answers."""
    return await _count(session, col(TagAudit.brand_id) == brand_id, col(TagAudit.state) == AuditState.OPEN)


async def count_since(session: AsyncSession, brand_id: UUID, since: datetime) -> int:
    """How many of the brand's audits were drawn from then on."""
    return await _count(session, col(TagAudit.brand_id) == brand_id, col(TagAudit.drawn_at) >= since)


async def over(session: AsyncSession, brand_id: UUID, now: datetime, most: int) -> Sequence[UUID]:
    """Open audits whose time is up, or that wait for nothing any more, by id."""
    waiting = (
        select(col(AuditItem.id))
        .where(
            col(AuditItem.brand_id) == brand_id,
            col(AuditItem.audit_id) == col(TagAudit.id),
            col(AuditItem.verdict).is_(None),
        )
        .exists()
    )
    found = await session.scalars(
        select(col(TagAudit.id))
        .where(
            col(TagAudit.brand_id) == brand_id,
            col(TagAudit.state) == AuditState.OPEN,
            or_(col(TagAudit.closes_at) <= now, ~waiting),
        )
        .order_by(col(TagAudit.id))
        .limit(most)
    )
    return found.all()


async def items(
    session: AsyncSession, actor: Actor, audit_id: UUID, page: Page, verdict: Verdict | None = None
) -> Sequence[AuditRow]:
    """The tags that an audit in sight drew, in no order that says anything; one more if there is a next page."""
    columns = AuditItem.__table__.columns  # type: ignore[attr-defined]  # set by SQLModel
    rows = (
        select(*columns)
        .join(
            TagAudit,
            and_(col(TagAudit.brand_id) == col(AuditItem.brand_id), col(TagAudit.id) == col(AuditItem.audit_id)),
        )
        .where(audits_visible_to(actor), col(AuditItem.audit_id) == audit_id)
    )
    if verdict is not None:
        rows = rows.where(col(AuditItem.verdict) == verdict)
    return (await session.execute(paged(rows, page, Key(col(AuditItem.id))))).all()


async def results(session: AsyncSession, actor: Actor, audit_ids: Sequence[UUID]) -> dict[UUID, Result]:
    """What came of those of the audits that are in sight. Three statements, however many."""
    audits = await by_ids(session, actor, audit_ids)
    tallies = await _tallies(session, actor.brand_id, list(audits))
    answers = await _answers(session, actor.brand_id, list(audits))
    return {key: judge(row.strata, tallies[key], answers[key]) for key, row in audits.items()}


async def _tallies(session: AsyncSession, brand_id: UUID, audit_ids: Sequence[UUID]) -> dict[UUID, list[Tally]]:
    keys = (
        col(AuditItem.audit_id),
        col(AuditItem.stratum),
        col(AuditItem.store_id),
        col(AuditItem.setter_id),
        col(AuditItem.tag_id),
        col(Tag.group_id),
        col(AuditItem.is_inherited),
        col(AuditItem.verdict),
    )
    found = await session.execute(
        select(*keys, func.count())
        .join(Tag, and_(col(Tag.brand_id) == col(AuditItem.brand_id), col(Tag.id) == col(AuditItem.tag_id)))
        .where(col(AuditItem.brand_id) == brand_id, col(AuditItem.audit_id).in_(audit_ids))
        .group_by(*keys)
    )
    tallies: dict[UUID, list[Tally]] = defaultdict(list)
    for row in found:
        tallies[row[0]].append(Tally(*row[1:]))
    return tallies


async def _answers(session: AsyncSession, brand_id: UUID, audit_ids: Sequence[UUID]) -> dict[UUID, Counter[Answer]]:
    """What the others said blind, beside what the customer carried; who couldn't say is left out."""
    found = await session.execute(
        select(
            col(AuditItem.audit_id),
            col(Tag.group_id),
            col(TagGroup.choice),
            col(AuditItem.tag_id),
            col(AuditItem.carried_ids),
            col(AuditItem.answer_ids),
        )
        .join(Tag, and_(col(Tag.brand_id) == col(AuditItem.brand_id), col(Tag.id) == col(AuditItem.tag_id)))
        .join(TagGroup, and_(col(TagGroup.brand_id) == col(Tag.brand_id), col(TagGroup.id) == col(Tag.group_id)))
        .where(
            col(AuditItem.brand_id) == brand_id,
            col(AuditItem.audit_id).in_(audit_ids),
            col(AuditItem.answered_at).is_not(None),
        )
    )
    answers: dict[UUID, Counter[Answer]] = defaultdict(Counter)
    for audit_id, group_id, choice, tag_id, carried, said in found:
        if said is not None and group_id is not None:
            answers[audit_id][Answer(group_id, choice, str(tag_id), frozenset(carried), frozenset(said))] += 1
    return answers


async def _count(session: AsyncSession, *conditions: Any) -> int:
    return await session.scalar(select(func.count()).select_from(TagAudit).where(*conditions)) or 0


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).where(audits_visible_to(actor))
