"""Reads of tasks."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, exists, func, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Customer
from customers.queries import relationships
from kernel import clock
from kernel.actor import Actor
from kernel.db import OneOf, enum_of
from kernel.errors import NotFound
from kernel.pages import Key, Page, along, paged
from mall.models import Order
from tasks.models import StepKind, Task, TaskKind, TaskState, TaskStep
from tasks.policy import visible_to

TaskRow = Row[*tuple[Any, ...]]
Claim = tuple[UUID, date]
"""A customer, and a day on which somebody is to turn to them."""

# Written out, as in the conditions of partial indexes: a parameter would keep the database from using them.
PENDING = col(Task.state) == bindparam("pending", TaskState.PENDING, enum_of(TaskState), literal_execute=True)

_COLUMNS = tuple(Task.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel

_RELATIONSHIP: Any = col(Task.relationship_id)
# No more than whoever moves hundreds of tasks asks for: each instant that is read costs as much as all of these.
_LOCKED = (
    select(
        col(Task.id),
        col(Task.store_id),
        col(Task.account_id),
        _RELATIONSHIP,
        col(Task.kind),
        col(Task.version),
    )
    .where(col(Task.state) == TaskState.PENDING)
    .order_by(col(Task.id))
    .with_for_update(key_share=True)
)


class TaskOrder(StrEnum):
    """How a list of tasks is ordered: soonest due first, most pressing first, or newest first."""

    DUE = "due"
    PRIORITY = "priority"
    NEWEST = "newest"


KEYS: dict[TaskOrder, tuple[Key, ...]] = {
    TaskOrder.DUE: (Key(col(Task.due_at)), Key(col(Task.id))),
    TaskOrder.PRIORITY: (Key(col(Task.priority), descending=True), Key(col(Task.due_at)), Key(col(Task.id))),
    TaskOrder.NEWEST: (Key(col(Task.created_at), descending=True), Key(col(Task.id), descending=True)),
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list of tasks is narrowed down to."""

    state: TaskState | None = None
    kinds: Collection[TaskKind] | None = None
    is_overdue: bool | None = None
    is_escalated: bool | None = None
    due_before: datetime | None = None
    account_id: UUID | None = None
    store_id: UUID | None = None
    customer_id: UUID | None = None


async def lock(session: AsyncSession, actor: Actor, task_id: UUID) -> Task:
    """The task, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    task = await session.scalar(
        select(Task)
        .where(col(Task.id) == task_id, visible_to(actor))
        .with_for_update(key_share=True)
        # It may have been read before it was locked.
        .execution_options(populate_existing=True)
    )
    if task is None:
        raise NotFound
    return task


async def lock_many(session: AsyncSession, actor: Actor, task_ids: Sequence[UUID]) -> Sequence[Task]:
    """Those of the tasks that are in sight, locked in the order of their keys."""
    found = await session.scalars(
        select(Task)
        .where(col(Task.id).in_(set(task_ids)), visible_to(actor))
        .order_by(col(Task.id))
        .with_for_update(key_share=True)
        # One that was read before it was locked may have changed since.
        .execution_options(populate_existing=True)
    )
    return found.all()


async def claims(session: AsyncSession, tasks: Sequence[Task]) -> set[Claim]:
    """On which days, from that of the earliest of these tasks on, machines have claimed the customers of these."""
    claiming = [task for task in tasks if task.contact_day is not None]
    if not claiming:
        return set()
    found = await session.execute(
        select(col(Task.customer_id), col(Task.contact_day)).where(
            col(Task.brand_id) == claiming[0].brand_id,
            col(Task.customer_id).in_({task.customer_id for task in claiming}),
            col(Task.contact_day) >= min(task.contact_day for task in claiming if task.contact_day),
        )
    )
    return {(customer_id, day) for customer_id, day in found if customer_id and day}


async def by_ids(session: AsyncSession, actor: Actor, task_ids: Sequence[UUID]) -> dict[UUID, TaskRow]:
    """Those of the tasks that are in sight."""
    found = await session.execute(_rows(actor).where(col(Task.id).in_(task_ids)))
    return {row.id: row for row in found}


async def most_pressing(
    session: AsyncSession, actor: Actor, first: int, kinds: Collection[TaskKind] = ()
) -> Sequence[TaskRow]:
    """Open tasks of the accounts that the actor serves, not asleep: highest priority first, then soonest due.

    Only those of these kinds; without any, all.
    """
    found = await session.execute(
        _rows(actor)
        .where(*([col(Task.kind).in_(kinds)] if kinds else []))
        .where(col(Task.account_id).in_(actor.served_ids), col(Task.state) == TaskState.PENDING, _awake())
        .order_by(col(Task.priority).desc(), col(Task.due_at), col(Task.id))
        .limit(first)
    )
    return found.all()


async def escalated(session: AsyncSession, actor: Actor, first: int) -> Sequence[TaskRow]:
    """Open tasks in sight that came before the manager: longest overdue first."""
    found = await session.execute(
        _rows(actor)
        .where(PENDING, col(Task.escalated_at).is_not(None), _awake())
        .order_by(col(Task.due_at), col(Task.id))
        .limit(first)
    )
    return found.all()


async def page(
    session: AsyncSession,
    actor: Actor,
    page: Page,
    narrowed: Filter | None = None,
    order: TaskOrder = TaskOrder.DUE,
) -> Sequence[TaskRow]:
    """Tasks in sight; one more than asked for when there is a next page."""
    rows = _rows(actor).where(*conditions(narrowed or Filter()))
    return (await session.execute(paged(rows, page, *KEYS[order]))).all()


async def counts(session: AsyncSession, actor: Actor, narrowed: Filter | None = None) -> dict[TaskState, int]:
    """How many tasks in sight there are in each state; a state without any is left out."""
    found = await session.execute(
        select(col(Task.state), func.count())
        .where(visible_to(actor), *conditions(narrowed or Filter()))
        .group_by(col(Task.state))
    )
    return dict(found.all())


async def open_of_customers(
    session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID]
) -> dict[UUID, list[TaskRow]]:
    """The open tasks in sight about these customers, soonest due first."""
    found = await session.execute(
        _rows(actor)
        .where(col(Task.customer_id).in_(customer_ids), col(Task.state) == TaskState.PENDING)
        .order_by(col(Task.customer_id), col(Task.due_at), col(Task.id))
    )
    tasks: dict[UUID, list[TaskRow]] = defaultdict(list)
    for row in found:
        tasks[row.customer_id].append(row)
    return dict(tasks)


async def lock_open(session: AsyncSession, brand_id: UUID, relationship_ids: Sequence[UUID]) -> Sequence[TaskRow]:
    """The open tasks of these relationships, locked in the order of their keys.

    Rows of `id, store_id, account_id, relationship_id, kind, version`.
    """
    found = await session.execute(
        _LOCKED.where(col(Task.brand_id) == brand_id, OneOf(_RELATIONSHIP, "relationship_ids")),
        {"relationship_ids": relationship_ids},
    )
    return found.all()


async def lock_open_of(
    session: AsyncSession, brand_id: UUID, account_ids: Sequence[UUID], most: int
) -> Sequence[TaskRow]:
    """The first open tasks that these accounts keep, locked in the order of their keys; the same of each."""
    found = await session.execute(
        _LOCKED.where(col(Task.brand_id) == brand_id, col(Task.account_id).in_(account_ids)).limit(most)
    )
    return found.all()


async def lock_taken_from(
    session: AsyncSession, brand_id: UUID, account_ids: Sequence[UUID], since: datetime, most: int
) -> Sequence[TaskRow]:
    """Open tasks about nobody that went from these accounts to a store's own, and nothing happened to them after.

    Locked in the order of their keys, with the account they came from.
    """
    later = aliased(TaskStep)
    newer = exists().where(
        col(later.brand_id) == brand_id, col(later.task_id) == col(TaskStep.task_id), col(later.id) > col(TaskStep.id)
    )
    came = and_(col(TaskStep.brand_id) == brand_id, col(TaskStep.task_id) == col(Task.id))
    found = await session.execute(
        select(*_COLUMNS, col(TaskStep.from_account_id))
        .join(TaskStep, came)
        .where(
            col(Task.brand_id) == brand_id,
            col(Task.state) == TaskState.PENDING,
            col(Task.relationship_id).is_(None),
            col(TaskStep.kind) == StepKind.MOVED,
            col(TaskStep.from_account_id).in_(account_ids),
            col(TaskStep.to_account_id) == col(Task.account_id),
            col(TaskStep.at) >= since,
            ~newer,
        )
        .order_by(col(Task.id))
        .limit(most)
        .with_for_update(key_share=True, of=Task)
    )
    return found.all()


async def by_source_key(session: AsyncSession, brand_id: UUID, source_key: str) -> Task | None:
    """The task that was made under this key."""
    return await session.scalar(select(Task).where(col(Task.brand_id) == brand_id, col(Task.source_key) == source_key))


async def lock_by_source_key(session: AsyncSession, brand_id: UUID, source_key: str) -> Task | None:
    """The task that was made under this key, locked; none if it isn't open any more."""
    return await session.scalar(
        select(Task)
        .where(
            col(Task.brand_id) == brand_id,
            col(Task.source_key) == source_key,
            col(Task.state) == TaskState.PENDING,
        )
        .with_for_update(key_share=True)
    )


async def to_follow_up(session: AsyncSession, brand_id: UUID, order_id: UUID) -> TaskRow | None:
    """The relationship and store of an order whose customer may be asked after it, and when they got it.

    None if there is none such.
    """
    found = await session.execute(
        select(col(Order.relationship_id), col(Order.store_id), col(Order.completed_at))
        .join(Customer, (col(Customer.brand_id) == col(Order.brand_id)) & (col(Customer.id) == col(Order.customer_id)))
        .where(
            col(Order.brand_id) == brand_id,
            col(Order.id) == order_id,
            col(Order.relationship_id).isnot(None),
            # Set as long as it is completed, and no longer.
            col(Order.completed_at).is_not(None),
            col(Customer.do_not_contact).is_(False),
        )
    )
    return found.first()


def place(order: TaskOrder, row: TaskRow) -> list[Any]:
    """Where a row lies in a list of that order."""
    return [getattr(row, key.column.key) for key in KEYS[order]]


async def walk(
    session: AsyncSession, actor: Actor, after: UUID | None, most: int, of: Sequence[UUID] | None = None
) -> Sequence[TaskRow]:
    """Tasks in sight by id: all of them, or those about the customers of these relationships."""
    rows = _rows(actor)
    if of is not None:
        rows = rows.where(col(Task.relationship_id).in_(relationships.of_same_customers(actor, of)))
    return (await session.execute(along(rows, col(Task.id), after, most))).all()


def conditions(narrowed: Filter) -> list[ColumnElement[bool]]:
    """What must hold of each task of a list that is so narrowed down."""
    wanted: dict[Any, Any] = {
        Task.state: narrowed.state,
        Task.account_id: narrowed.account_id,
        Task.store_id: narrowed.store_id,
        Task.customer_id: narrowed.customer_id,
    }
    holding = [col(column) == value for column, value in wanted.items() if value is not None]
    if narrowed.kinds is not None:
        holding.append(col(Task.kind).in_(narrowed.kinds))
    if narrowed.due_before is not None:
        holding.append(col(Task.due_at) < narrowed.due_before)
    if narrowed.is_overdue is not None:
        overdue = and_(col(Task.state) == TaskState.PENDING, col(Task.due_at) < clock.now())
        holding.append(overdue if narrowed.is_overdue else not_(overdue))
    if narrowed.is_escalated is not None:
        holding.append(
            col(Task.escalated_at).is_not(None) if narrowed.is_escalated else col(Task.escalated_at).is_(None)
        )
    return holding


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*_COLUMNS).where(visible_to(actor))


def _awake() -> Any:
    return or_(col(Task.snoozed_until).is_(None), col(Task.snoozed_until) <= clock.now())
