"""Reads of closings: how much went on and how, what was merged, who acted since, and what may not be."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Uuid, and_, bindparam, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Holding, Note, Relationship, Visit
from customers.policy import is_live
from directory.models import Account, AccountKind
from handover.models import Handover, HandoverItem, HeldHere, Merger
from kernel.db import OneOf
from mall.models import Order, Refund
from tagging.models import AuditItem
from tasks.models import Task, TaskState

_OPEN_ONLY: dict[type, ColumnElement[bool]] = {
    Task: col(Task.state) == TaskState.PENDING,
    AuditItem: col(AuditItem.verdict).is_(None),
}
_GO_ON: tuple[Any, ...] = (Note, Visit, Order, Refund, Task, AuditItem)
_HANGING = select(
    *(
        exists().where(
            col(model.brand_id) == bindparam("brand_id", type_=Uuid()),
            OneOf(col(model.relationship_id), "ids"),
            _OPEN_ONLY.get(model, true()),
        )
        for model in _GO_ON
    )
)


async def counts(session: AsyncSession, brand_id: UUID, handover_id: UUID) -> dict[str, int]:
    """Of a closing how many relationships go on in one made for them (`succeeded`), and how many were `merged`."""
    found = await session.execute(
        select(col(HandoverItem.is_merged), func.count())
        .where(
            col(HandoverItem.brand_id) == brand_id,
            col(HandoverItem.handover_id) == handover_id,
            col(HandoverItem.here).in_((HeldHere.MOVED, HeldHere.KEPT)),
            col(HandoverItem.successor_id).is_not(None),
        )
        .group_by(col(HandoverItem.is_merged))
    )
    by_merged = dict(found.all())
    return {"succeeded": by_merged.get(False, 0), "merged": by_merged.get(True, 0)}


async def mergers(session: AsyncSession, handover: Handover, relationship_ids: Sequence[UUID]) -> Sequence[Merger]:
    """What is remembered of those of the relationships that were merged, by their ids."""
    found = await session.scalars(
        select(Merger)
        .where(
            col(Merger.brand_id) == handover.brand_id,
            col(Merger.handover_id) == handover.id,
            col(Merger.relationship_id).in_(relationship_ids),
        )
        .order_by(col(Merger.relationship_id))
    )
    return found.all()


async def hanging(session: AsyncSession, brand_id: UUID, relationship_ids: Sequence[UUID]) -> set[type]:
    """What hangs on any of these relationships that would go on with them: which kinds of things there are."""
    found = await session.execute(_HANGING, {"brand_id": brand_id, "ids": relationship_ids})
    return {model for model, is_there in zip(_GO_ON, found.one(), strict=True) if is_there}


async def acted_since(session: AsyncSession, items: Sequence[HandoverItem]) -> set[UUID]:
    """The successors with which something was done that their own row doesn't tell: a purchase, a task closed."""
    item = aliased(HandoverItem)
    mine = and_(
        col(item.brand_id) == items[0].brand_id,
        col(item.handover_id) == items[0].handover_id,
        col(item.relationship_id).in_([each.relationship_id for each in items]),
    )
    bought = exists().where(
        col(Order.brand_id) == items[0].brand_id,
        col(Order.relationship_id) == col(item.successor_id),
        col(Order.placed_at) > col(item.moved_at),
    )
    done = exists().where(
        col(Task.brand_id) == items[0].brand_id,
        col(Task.relationship_id) == col(item.successor_id),
        col(Task.closed_at) > col(item.moved_at),
    )
    found = await session.scalars(select(col(item.successor_id)).where(mine, or_(bought, done)))
    return {each for each in found if each is not None}


def _of(model: Any) -> Any:
    return and_(col(model.brand_id) == col(Relationship.brand_id), col(model.relationship_id) == col(Relationship.id))


def _ended(brand_id: UUID, *wrong: ColumnElement[bool]) -> Select[UUID]:
    return select(col(Relationship.id)).where(col(Relationship.brand_id) == brand_id, ~is_live(), *wrong)


def held_though_ended(brand_id: UUID) -> Select[UUID]:
    """Ended relationships with an open holding, with a guide as their holder, or that are somebody's primary one."""
    held = exists().where(_of(Holding), col(Holding.until_at).is_(None))
    by_guide = exists().where(
        col(Account.brand_id) == col(Relationship.brand_id),
        col(Account.id) == col(Relationship.holder_id),
        col(Account.kind) != AccountKind.PUBLIC,
    )
    return _ended(brand_id, or_(held, by_guide, col(Relationship.is_primary)))


def without_a_future(brand_id: UUID) -> Select[UUID]:
    """Ended relationships that don't go on in one that lives, of the same customer."""
    successor = aliased(Relationship)
    goes_on = exists().where(
        col(successor.brand_id) == col(Relationship.brand_id),
        col(successor.id) == col(Relationship.succeeded_by_id),
        col(successor.customer_id) == col(Relationship.customer_id),
        is_live(successor),
    )
    return _ended(brand_id, ~goes_on)


def succeeded_though_live(brand_id: UUID) -> Select[UUID]:
    """Relationships that have a successor though they live."""
    return select(col(Relationship.id)).where(
        col(Relationship.brand_id) == brand_id, is_live(), col(Relationship.succeeded_by_id).is_not(None)
    )


def left_behind(brand_id: UUID) -> Select[UUID]:
    """Ended relationships on which something hangs that is not done: notes, visits, orders, refunds, open tasks."""
    hangs = [exists().where(_of(model)) for model in (Note, Visit, Order, Refund)]
    open_task = exists().where(_of(Task), col(Task.state) == TaskState.PENDING)
    return _ended(brand_id, or_(*hangs, open_task))


PROMISES: dict[str, Callable[[UUID], Select[UUID]]] = {
    "relationships that ended are held by nobody": held_though_ended,
    "relationships that ended go on in one that lives": without_a_future,
    "relationships that live have no successor": succeeded_though_live,
    "nothing hangs on relationships that ended": left_behind,
}
"""What always holds of closings: each is a statement that finds the relationships of a brand with which it doesn't."""


async def violations(session: AsyncSession, brand_id: UUID, most: int = 10) -> dict[str, list[UUID]]:
    """The relationships with which a promise doesn't hold, by the promise, at most so many each; empty is good."""
    found = {what: await session.scalars(wrong(brand_id).limit(most)) for what, wrong in PROMISES.items()}
    return {what: ids for what, rows in found.items() if (ids := list(rows))}
