"""How often somebody has done of late what managers are warned of: counted from what was written down, each time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import ContactLink, GoneWhy, Relationship
from customers.queries.looks import CONSENT_CHANGED, PHONE_CHANGED, REVEALED
from directory.models import Account, Staff, StaffState
from handover.models import Alert, AlertKind, HandoverSetting
from handover.models.alerts import WINDOWS, line_of
from handover.policy import alerts_visible_to
from handover.queries.report import EXPORTED as REPORT_EXPORTED
from kernel.actor import Actor
from kernel.audit import AuditEntry
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged
from mall.queries.commission.exporting import EXPORTED as COMMISSION_EXPORTED
from tagging.models import TagChange, TagChangeKind
from tagging.queries.exporting import EXPORTED as MEMBERS_EXPORTED

AlertRow = Row[*tuple[Any, ...]]

_USUAL = {
    AlertKind.REVEALS: "reveals_an_hour",
    AlertKind.EXPORTS: "exports_a_day",
    AlertKind.DELETIONS: "deletions_an_hour",
}


@dataclass(frozen=True, slots=True)
class Doing:
    """How often somebody did it from `since` on, and how often they may before their manager hears of it."""

    count: int
    line: int
    since: datetime

    @property
    def is_too_much(self) -> bool:
        return self.count > self.line


async def doing(session: AsyncSession, brand_id: UUID, staff_id: UUID, kind: AlertKind, at: datetime) -> Doing | None:
    """What somebody has done up to then; nothing of a machine, which is nobody of the brand's staff."""
    since = at - WINDOWS[kind]
    usual, said = HandoverSetting.model_fields[_USUAL[kind]].default, getattr(HandoverSetting, _USUAL[kind])
    found = await session.execute(
        select(
            _count(brand_id, staff_id, kind, since).scalar_subquery().label("times"),
            func.coalesce(said, usual).label("usual"),
            and_(col(Staff.state) == StaffState.LEAVING, col(Staff.access_closed_at).is_(None)).label("is_leaving"),
        )
        .select_from(Staff)
        .outerjoin(HandoverSetting, col(HandoverSetting.brand_id) == col(Staff.brand_id))
        .where(col(Staff.brand_id) == brand_id, col(Staff.id) == staff_id)
    )
    row = found.one_or_none()
    if row is None:
        return None
    return Doing(row.times, line_of(row.usual, is_leaving=row.is_leaving), since)


async def raised_since(
    session: AsyncSession, brand_id: UUID, staff_id: UUID, kind: AlertKind, since: datetime
) -> UUID | None:
    """The alert of that kind about them that was raised later than then, if there is one."""
    return await session.scalar(
        select(col(Alert.id)).where(
            col(Alert.brand_id) == brand_id,
            col(Alert.staff_id) == staff_id,
            col(Alert.kind) == kind,
            col(Alert.raised_at) > since,
        )
    )


async def count_raised(session: AsyncSession, actor: Actor, kind: AlertKind, after: datetime, until: datetime) -> int:
    """How many alerts of a kind were raised in the actor's sight later than `after`, and up to `until`."""
    statement = select(func.count()).select_from(Alert)
    raised = (col(Alert.kind) == kind, col(Alert.raised_at) > after, col(Alert.raised_at) <= until)
    return await session.scalar(statement.where(alerts_visible_to(actor), *raised)) or 0


async def lock(session: AsyncSession, actor: Actor, alert_id: UUID) -> Alert:
    """The alert, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    alert = await session.scalar(
        select(Alert).where(col(Alert.id) == alert_id, alerts_visible_to(actor)).with_for_update(key_share=True)
    )
    if alert is None:
        raise NotFound
    return alert


async def by_ids(session: AsyncSession, actor: Actor, alert_ids: Sequence[UUID]) -> dict[UUID, AlertRow]:
    """Those of the alerts that are in sight."""
    found = await session.execute(_rows(actor).where(col(Alert.id).in_(alert_ids)))
    return {row.id: row for row in found}


async def page(
    session: AsyncSession, actor: Actor, page: Page, *, is_settled: bool | None = None
) -> Sequence[AlertRow]:
    """The alerts in sight, the newest first; one row more when there is a next page."""
    rows = _rows(actor)
    if is_settled is not None:
        rows = rows.where(col(Alert.settled_at).is_not(None) if is_settled else col(Alert.settled_at).is_(None))
    keys = (Key(col(Alert.raised_at), descending=True), Key(col(Alert.id), descending=True))
    return (await session.execute(paged(rows, page, *keys))).all()


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Alert.__table__.columns).where(alerts_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel


def _count(brand_id: UUID, staff_id: UUID, kind: AlertKind, since: datetime) -> Select[int]:
    match kind:
        case AlertKind.REVEALS:
            return select(func.count()).select_from(AuditEntry).where(*_noted(brand_id, staff_id, since, REVEALED))
        case AlertKind.EXPORTS:
            noted = _noted(brand_id, staff_id, since, MEMBERS_EXPORTED, COMMISSION_EXPORTED, REPORT_EXPORTED)
            return select(func.count()).select_from(AuditEntry).where(*noted)
        case AlertKind.DELETIONS:
            bereft = _bereft(brand_id, staff_id, since)
            return select(func.count(bereft.c.customer_id.distinct()))


def _bereft(brand_id: UUID, staff_id: UUID, since: datetime) -> Any:
    """The customers of whom somebody took away what others need to know, or to reach them."""
    phones: Select[UUID] = select(col(AuditEntry.entity_id).label("customer_id")).where(
        *_noted(brand_id, staff_id, since, PHONE_CHANGED)
    )
    left_alone = select(col(AuditEntry.entity_id)).where(
        *_noted(brand_id, staff_id, since, CONSENT_CHANGED),
        col(AuditEntry.detail)["do_not_contact"].as_boolean(),
    )
    untagged = select(col(TagChange.customer_id)).where(
        col(TagChange.brand_id) == brand_id,
        col(TagChange.kind) == TagChangeKind.REMOVED,
        col(TagChange.by_staff_id) == staff_id,
        col(TagChange.at) >= since,
    )
    unlinked = (
        select(col(Relationship.customer_id))
        .join(ContactLink, _is_linked(brand_id))
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(ContactLink.account_id)))
        .where(
            col(Relationship.brand_id) == brand_id,
            col(Account.staff_id) == staff_id,
            col(ContactLink.gone_why) == GoneWhy.BY_STAFF,
            col(ContactLink.gone_at) >= since,
        )
    )
    return union_all(phones, left_alone, untagged, unlinked).subquery()


def _is_linked(brand_id: UUID) -> ColumnElement[bool]:
    return and_(col(ContactLink.brand_id) == brand_id, col(ContactLink.relationship_id) == col(Relationship.id))


def _noted(brand_id: UUID, staff_id: UUID, since: datetime, *actions: str) -> tuple[Any, ...]:
    return (
        col(AuditEntry.brand_id) == brand_id,
        col(AuditEntry.actor_id) == staff_id,
        col(AuditEntry.action).in_(actions),
        col(AuditEntry.at) >= since,
    )
