"""Reads of what single rules ask for beyond purchases, for the customers of one store at a time."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Holding, HoldingReason, Relationship
from customers.policy import is_live
from kernel import clock
from kernel.db import OneOf
from mall.models import Order, Refund
from tagging.models import CustomerTag, Tag
from tagging.models.expressions import Compare, Node, Op
from tagging.models.facts import Today
from tagging.queries import preparing, segment_sql
from tasks.models import CONTACTS, Task, TaskState

_IDS = "ids"


@dataclass(frozen=True, slots=True)
class Whose:
    """The store whose customers are read, or `only` some of them, and its day."""

    brand_id: UUID
    store_id: UUID
    day: date
    time_zone: str
    only: Sequence[UUID] | None = None

    @property
    def bounds(self) -> tuple[datetime, datetime]:
        return clock.day_bounds(self.day, self.time_zone)

    @property
    def asked(self) -> dict[str, Any]:
        return {} if self.only is None else {_IDS: list(self.only)}

    def related(self) -> list[Any]:
        """The condition on the relationships: of the store, and not ended with it."""
        ours = [col(Relationship.brand_id) == self.brand_id, col(Relationship.store_id) == self.store_id, is_live()]
        return ours if self.only is None else [*ours, OneOf(col(Relationship.customer_id), _IDS)]

    def beside(self, model: Any, *columns: Any) -> Select[Any]:
        """Columns beside the rows of a table that are about these customers."""
        same = and_(
            col(model.brand_id) == col(Relationship.brand_id),
            col(model.customer_id) == col(Relationship.customer_id),
        )
        return select(*columns).select_from(Relationship).join(model, same).where(*self.related())


@dataclass(frozen=True, slots=True)
class Turns:
    """Who turned to a customer: whether a task of it is open, when one last was, and by which rule."""

    is_open: bool
    last: date | None
    by_rule: Mapping[UUID, date]


async def turns(session: AsyncSession, whose: Whose, *, as_of_past: bool) -> dict[UUID, Turns]:
    """By customer what tasks of turning to them there are or were, in any store; who had none is left out."""
    end = whose.bounds[1]
    is_open: ColumnElement[bool] = col(Task.state) == TaskState.PENDING
    if as_of_past:
        is_open = or_(is_open, col(Task.closed_at) >= end)
    counts = col(Task.state).not_in((TaskState.CANCELLED, TaskState.EXPIRED))
    done = col(Task.state) == TaskState.DONE
    rows = whose.beside(
        Task,
        col(Task.customer_id),
        col(Task.rule_id),
        func.count().filter(is_open).label("open"),
        func.max(col(Task.contact_day)).filter(counts).label("claimed"),
        func.max(col(Task.closed_at)).filter(done).label("closed_at"),
    ).where(col(Task.kind).in_(CONTACTS))
    if as_of_past:
        rows = rows.where(col(Task.created_at) < end)
    found = await session.execute(rows.group_by(col(Task.customer_id), col(Task.rule_id)), whose.asked)
    by_customer: dict[UUID, list[Any]] = defaultdict(list)
    for row in found:
        by_customer[row.customer_id].append(row)
    return {customer_id: _turns(parts, whose) for customer_id, parts in by_customer.items()}


def _turns(parts: Sequence[Any], whose: Whose) -> Turns:
    by_rule: dict[UUID | None, date] = {}
    for row in parts:
        closed = None if row.closed_at is None else clock.store_day(row.closed_at, whose.time_zone)
        last = max((day for day in (row.claimed, closed) if day is not None), default=None)
        if last is not None:
            by_rule[row.rule_id] = last
    return Turns(
        is_open=any(row.open for row in parts),
        last=max(by_rule.values(), default=None),
        by_rule={rule_id: day for rule_id, day in by_rule.items() if rule_id is not None},
    )


async def delivered(session: AsyncSession, whose: Whose) -> dict[UUID, date]:
    """By customer the day on which an order last reached them that came to them later than it was placed."""
    reached = col(Order.completed_at)
    rows = whose.beside(Order, col(Order.customer_id), func.max(reached).label("at")).where(
        reached.is_not(None), reached < whose.bounds[1]
    )
    found = await session.execute(rows.group_by(col(Order.customer_id)), whose.asked)
    return {row.customer_id: clock.store_day(row.at, whose.time_zone) for row in found}


async def refunded(session: AsyncSession, whose: Whose) -> dict[UUID, date]:
    """By customer the day on which they last got money back."""
    rows = whose.beside(Refund, col(Refund.customer_id), func.max(col(Refund.day)).label("day")).where(
        col(Refund.day) <= whose.day, col(Refund.is_void).is_(False)
    )
    found = await session.execute(rows.group_by(col(Refund.customer_id)), whose.asked)
    return {row.customer_id: row.day for row in found}


async def taken_over(session: AsyncSession, whose: Whose) -> dict[UUID, date]:
    """By customer since which day the holder holds them, where somebody else did before."""
    found = await session.execute(
        select(col(Relationship.customer_id), col(Holding.from_at))
        .join(
            Holding,
            and_(
                col(Holding.brand_id) == col(Relationship.brand_id),
                col(Holding.relationship_id) == col(Relationship.id),
                col(Holding.until_at).is_(None),
            ),
        )
        .where(
            *whose.related(),
            col(Holding.reason).in_((HoldingReason.REASSIGNED, HoldingReason.HANDOVER)),
            col(Holding.from_at) < whose.bounds[1],
        ),
        whose.asked,
    )
    return {row.customer_id: clock.store_day(row.from_at, whose.time_zone) for row in found}


async def stale(session: AsyncSession, whose: Whose) -> dict[UUID, dict[UUID, str]]:
    """By customer the brand's tags on them that were stale when the day began, with their names; in use only."""
    is_tag = and_(col(Tag.brand_id) == col(CustomerTag.brand_id), col(Tag.id) == col(CustomerTag.tag_id))
    rows = (
        whose.beside(CustomerTag, col(CustomerTag.customer_id), col(Tag.id), col(Tag.name))
        .join(Tag, is_tag)
        .where(
            col(CustomerTag.valid_until) <= whose.bounds[0], col(Tag.owner_id).is_(None), col(Tag.retired_at).is_(None)
        )
        .order_by(col(CustomerTag.valid_until), col(Tag.id))
    )
    found: dict[UUID, dict[UUID, str]] = defaultdict(dict)
    for row in await session.execute(rows, whose.asked):
        found[row.customer_id][row.id] = row.name
    return found


async def carried(session: AsyncSession, whose: Whose, tag_ids: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """By customer which of these tags they carry that aren't stale. Merged tags count as what they became."""
    compares: list[Node] = [Compare("tag", Op.IN, (str(tag_id),)) for tag_id in tag_ids]
    named: dict[UUID, list[UUID]] = defaultdict(list)
    for tag_id, ready in zip(tag_ids, await preparing.all_prepared(session, whose.brand_id, compares), strict=True):
        if isinstance(ready, Compare):
            for value in ready.values:
                named[UUID(str(value))].append(tag_id)
    rows = whose.beside(CustomerTag, col(CustomerTag.customer_id), col(CustomerTag.tag_id)).where(
        col(CustomerTag.tag_id).in_(sorted(named)),
        or_(col(CustomerTag.valid_until).is_(None), col(CustomerTag.valid_until) > whose.bounds[0]),
    )
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for row in await session.execute(rows, whose.asked):
        found[row.customer_id].update(named[row.tag_id])
    return {customer_id: frozenset(tags) for customer_id, tags in found.items()}


async def memberships(session: AsyncSession, whose: Whose, segment_ids: Sequence[UUID]) -> dict[UUID, frozenset[UUID]]:
    """By customer which of these segments they are in, one statement a segment."""
    nodes: list[Node] = [Compare("segment", Op.IS, (str(segment_id),)) for segment_id in segment_ids]
    today = Today(whose.day, whose.time_zone)
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for segment_id, node in zip(segment_ids, await preparing.all_prepared(session, whose.brand_id, nodes), strict=True):
        ours = select(col(Relationship.customer_id)).where(*whose.related())
        members = segment_sql.matching(whose.brand_id, node, today).where(col(Customer.id).in_(ours))
        for customer_id in await session.scalars(members, whose.asked):
            found[customer_id].add(segment_id)
    return {customer_id: frozenset(segments) for customer_id, segments in found.items()}
