"""Reads of blind questions: one's own with what may be known of the customer, and those that wait for somebody."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Visit
from directory.models import Staff
from directory.policy import serves
from kernel.actor import Actor, Role
from kernel.errors import NotFound
from mall.models import COUNTED_STATES, LineKind, Order, OrderLine
from tagging.models import AuditItem, Tag, TagAudit
from tagging.policy import questions_visible_to

MOST_OPEN = 10
MOST_SHOWN = 10
MOST_WAITING = 2_000

QuestionRow = Row[*tuple[Any, ...]]


async def lock(session: AsyncSession, actor: Actor, question_id: UUID) -> AuditItem:
    """The actor's open question, kept from other writers until the commit. `NOT_FOUND` for any other."""
    item = await session.scalar(
        select(AuditItem)
        .where(col(AuditItem.id) == question_id, questions_visible_to(actor))
        .with_for_update(key_share=True)
    )
    if item is None:
        raise NotFound
    return item


async def store_if_open(session: AsyncSession, brand_id: UUID, question_id: UUID, staff_id: UUID) -> UUID | None:
    """Where the question waits for an answer of theirs, if it does; it stays so until the commit."""
    found = await session.execute(
        select(col(AuditItem.store_id), col(AuditItem.asked_id), col(AuditItem.verdict))
        .where(col(AuditItem.brand_id) == brand_id, col(AuditItem.id) == question_id)
        .with_for_update(key_share=True)
    )
    row = found.one_or_none()
    return row.store_id if row and row.verdict is None and row.asked_id == staff_id else None


async def mine(session: AsyncSession, actor: Actor) -> Sequence[QuestionRow]:
    """The actor's open questions, the oldest first; at most 10 are open at once."""
    found = await session.execute(
        _mine(
            actor,
            col(AuditItem.id),
            col(AuditItem.version),
            col(AuditItem.asked_at),
            col(Tag.group_id),
            col(Customer.name),
            col(Customer.tier),
            col(TagAudit.closes_at),
        )
        .join(Tag, and_(col(Tag.brand_id) == col(AuditItem.brand_id), col(Tag.id) == col(AuditItem.tag_id)))
        .join(
            Customer,
            and_(col(Customer.brand_id) == col(AuditItem.brand_id), col(Customer.id) == col(AuditItem.customer_id)),
        )
        .join(
            TagAudit,
            and_(col(TagAudit.brand_id) == col(AuditItem.brand_id), col(TagAudit.id) == col(AuditItem.audit_id)),
        )
        .order_by(col(AuditItem.asked_at), col(AuditItem.id))
        .limit(MOST_OPEN)
    )
    return found.all()


async def purchases(session: AsyncSession, actor: Actor, question_ids: Sequence[UUID]) -> dict[UUID, list[QuestionRow]]:
    """The last goods that each question's customer bought in the store where it is asked, the latest first."""
    newest = (col(Order.placed_at).desc(), col(Order.id).desc(), col(OrderLine.line))
    numbered = (
        _mine(
            actor,
            col(AuditItem.id).label("question_id"),
            col(Order.day),
            col(Order.currency),
            col(OrderLine.name),
            col(OrderLine.variant),
            col(OrderLine.quantity),
            col(OrderLine.amount),
            func.row_number().over(partition_by=col(AuditItem.id), order_by=newest).label("place"),
        )
        .join(
            Order,
            and_(
                col(Order.brand_id) == col(AuditItem.brand_id),
                col(Order.customer_id) == col(AuditItem.customer_id),
                col(Order.store_id) == col(AuditItem.store_id),
                col(Order.state).in_(COUNTED_STATES),
            ),
        )
        .join(
            OrderLine,
            and_(col(OrderLine.brand_id) == col(Order.brand_id), col(OrderLine.order_id) == col(Order.id)),
        )
        .where(col(AuditItem.id).in_(question_ids), col(OrderLine.kind) == LineKind.GOODS)
        .subquery()
    )
    return await _by_question(session, numbered)


async def visits(session: AsyncSession, actor: Actor, question_ids: Sequence[UUID]) -> dict[UUID, list[QuestionRow]]:
    """When each question's customer was last in touch with the store, the latest first; nothing of what was noted."""
    newest = (col(Visit.at).desc(), col(Visit.id).desc())
    numbered = (
        _mine(
            actor,
            col(AuditItem.id).label("question_id"),
            col(Visit.at),
            func.row_number().over(partition_by=col(AuditItem.id), order_by=newest).label("place"),
        )
        .join(
            Visit,
            and_(
                col(Visit.brand_id) == col(AuditItem.brand_id),
                col(Visit.relationship_id) == col(AuditItem.relationship_id),
            ),
        )
        .where(col(AuditItem.id).in_(question_ids))
        .subquery()
    )
    return await _by_question(session, numbered)


async def waiting(session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID]) -> Sequence[QuestionRow]:
    """Questions in these stores that nobody is asked yet, the oldest first; at most 2,000."""
    found = await session.execute(
        select(col(AuditItem.id), col(AuditItem.store_id), col(AuditItem.customer_id), col(AuditItem.setter_id))
        .where(_open(brand_id, store_ids), col(AuditItem.asked_id).is_(None))
        .order_by(col(AuditItem.id))
        .limit(MOST_WAITING)
        .with_for_update(key_share=True)
    )
    return found.all()


async def misplaced(session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID]) -> Sequence[QuestionRow]:
    """Questions in these stores for somebody who isn't a guide at work there any more."""
    found = await session.execute(
        select(col(AuditItem.id), col(AuditItem.asked_id))
        .outerjoin(
            Staff,
            and_(
                col(Staff.brand_id) == col(AuditItem.brand_id),
                col(Staff.id) == col(AuditItem.asked_id),
                col(Staff.store_id) == col(AuditItem.store_id),
                _at_work(),
            ),
        )
        .where(_open(brand_id, store_ids), col(AuditItem.asked_id).is_not(None), col(Staff.id).is_(None))
        .order_by(col(AuditItem.id))
    )
    return found.all()


async def stores(session: AsyncSession, brand_id: UUID, after: UUID | None, most: int) -> Sequence[UUID]:
    """The next stores with open questions, by id."""
    open_ = select(col(AuditItem.store_id)).where(col(AuditItem.brand_id) == brand_id, col(AuditItem.verdict).is_(None))
    if after is not None:
        open_ = open_.where(col(AuditItem.store_id) > after)
    found = await session.scalars(open_.distinct().order_by(col(AuditItem.store_id)).limit(most))
    return found.all()


async def guides(session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID]) -> dict[UUID, dict[UUID, int]]:
    """The guides at work in each store, and how many questions wait for an answer of theirs."""
    asked = and_(
        col(AuditItem.brand_id) == col(Staff.brand_id),
        col(AuditItem.asked_id) == col(Staff.id),
        col(AuditItem.verdict).is_(None),
    )
    found = await session.execute(
        select(col(Staff.store_id), col(Staff.id), func.count(col(AuditItem.id)))
        .outerjoin(AuditItem, asked)
        .where(col(Staff.brand_id) == brand_id, col(Staff.store_id).in_(sorted(store_ids)), _at_work())
        .group_by(col(Staff.store_id), col(Staff.id))
        .order_by(col(Staff.id))
    )
    by_store: dict[UUID, dict[UUID, int]] = defaultdict(dict)
    for store_id, staff_id, count in found:
        by_store[store_id or UUID(int=0)][staff_id] = count
    return by_store


def _mine(actor: Actor, *columns: Any) -> Select[*tuple[Any, ...]]:
    return select(*columns).select_from(AuditItem).where(questions_visible_to(actor))


def _open(brand_id: UUID, store_ids: Collection[UUID]) -> Any:
    return and_(
        col(AuditItem.brand_id) == brand_id,
        col(AuditItem.store_id).in_(sorted(store_ids)),
        col(AuditItem.verdict).is_(None),
    )


def _at_work() -> Any:
    return and_(col(Staff.role) == Role.GUIDE, serves())


async def _by_question(session: AsyncSession, numbered: Any) -> dict[UUID, list[QuestionRow]]:
    found = await session.execute(
        select(numbered).where(numbered.c.place <= MOST_SHOWN).order_by(numbered.c.question_id, numbered.c.place)
    )
    by_question: dict[UUID, list[QuestionRow]] = defaultdict(list)
    for row in found:
        by_question[row.question_id].append(row)
    return dict(by_question)
