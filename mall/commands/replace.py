"""Correct imported orders and refunds, many at once: their content, or the relationship they belong to."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, delete, exists, select, update
from sqlmodel import SQLModel, col

from customers.models import Relationship
from directory.models import Account, AccountKind, Store
from kernel import clock
from kernel.work import Work
from mall.commands.load import say_loaded
from mall.models import (
    Credit,
    CreditDecision,
    CreditReason,
    Order,
    OrderLine,
    OrderStep,
    Refund,
    RefundCharge,
    RefundLine,
)
from mall.queries import profiles

Rows = Sequence[Mapping[str, Any]]
Chosen = Sequence[tuple[type[Order] | type[Refund], Any, Sequence[Any]]]
"""A table, one of its columns, and values of it."""

_KEYS = ("brand_id", "id")


async def remove(work: Work, *, orders: Sequence[UUID] = (), refunds: Sequence[UUID] = ()) -> None:
    """Take orders and refunds away with their lines and credit: the source says that they never were."""
    await empty(work, orders=orders, refunds=refunds)
    await _delete(work, CreditDecision, col(CreditDecision.order_id), orders)
    await _delete(work, OrderStep, col(OrderStep.order_id), orders)
    await _delete(work, Order, col(Order.id), orders)
    await _delete(work, Refund, col(Refund.id), refunds)


async def empty(work: Work, *, orders: Sequence[UUID] = (), refunds: Sequence[UUID] = ()) -> None:
    """Take the lines and the credit away, so that others can be loaded in their place.

    Before the rows themselves are touched: their customers as of now are to be worked out again.
    """
    buyers = await profiles.buyers(work.session, work.actor.brand_id, orders=orders, refunds=refunds)
    say_loaded(work, buyers, await _days(work, [(Order, col(Order.id), orders), (Refund, col(Refund.id), refunds)]))
    await _delete(work, Credit, col(Credit.order_id), orders)
    await _delete(work, OrderLine, col(OrderLine.order_id), orders)
    await _delete(work, RefundLine, col(RefundLine.refund_id), refunds)
    await _delete(work, RefundCharge, col(RefundCharge.refund_id), refunds)


async def rewrite(work: Work, *, orders: Rows = (), refunds: Rows = ()) -> None:
    """Give orders and refunds these values, found by their ids; all rows have the same keys."""
    for table, rows in ((Order, orders), (Refund, refunds)):
        if not rows:
            continue
        names = [name for name in rows[0] if name not in (*_KEYS, "version")]
        connection = await work.session.connection()
        await connection.execute(
            update(table.__table__)  # type: ignore[union-attr]  # a table
            .where(col(table.brand_id) == work.actor.brand_id, col(table.id) == bindparam("key"))
            .values(version=table.version + 1, **{name: bindparam(f"new_{name}") for name in names}),
            [{"key": row["id"], **{f"new_{name}": row[name] for name in names}} for row in rows],
        )
    days = await _days(
        work,
        [
            (Order, col(Order.id), [row["id"] for row in orders]),
            (Refund, col(Refund.id), [row["id"] for row in refunds]),
        ],
    )
    say_loaded(work, (row["customer_id"] for row in (*orders, *refunds)), days)


async def follow(work: Work, relationship_ids: Sequence[UUID]) -> None:
    """Let orders and refunds, with the credit, go to where their relationships are now; the store's day with them."""
    if not relationship_ids:
        return
    brand_id = work.actor.brand_id
    theirs: Chosen = [(table, col(table.relationship_id), relationship_ids) for table in (Order, Refund)]
    was_on = await _days(work, theirs)
    for table in (Order, Refund):
        values: dict[str, Any] = {"store_id": _of(table, col(Relationship.store_id)), "version": table.version + 1}
        if table is Order:
            values["serving_account_id"] = _of(table, col(Relationship.holder_id))
        await work.session.execute(
            update(table)
            .where(col(table.brand_id) == brand_id, col(table.relationship_id).in_(relationship_ids))
            .values(values)
            .execution_options(synchronize_session=False)
        )
        await _redate(work, table, relationship_ids)
    await _recredit(work, relationship_ids)
    await _recharge(work, col(Refund.relationship_id).in_(relationship_ids))
    say_loaded(work, (), was_on | await _days(work, theirs))


async def _days(work: Work, chosen: Chosen) -> set[tuple[UUID, date]]:
    """On which days of stores these orders and refunds count at present."""
    found: set[tuple[UUID, date]] = set()
    for table, key, keys in chosen:
        if keys:
            rows = await work.session.execute(
                select(col(table.store_id), col(table.day))
                .where(col(table.brand_id) == work.actor.brand_id, key.in_(keys))
                .distinct()
            )
            found.update((store_id, day) for store_id, day in rows)
    return found


def _of(table: type[Order] | type[Refund], column: Any) -> Any:
    return (
        select(column)
        .where(col(Relationship.brand_id) == col(table.brand_id), col(Relationship.id) == col(table.relationship_id))
        .scalar_subquery()
    )


async def _recharge(work: Work, which: Any) -> None:
    """Imported refunds name no order: the guide who holds the relationship now bears them, if it is a guide."""
    brand_id = work.actor.brand_id
    holder = (
        select(col(Account.id))
        .join(
            Relationship,
            (col(Relationship.brand_id) == col(Account.brand_id)) & (col(Relationship.holder_id) == col(Account.id)),
        )
        .join(
            Refund,
            (col(Refund.brand_id) == col(Relationship.brand_id))
            & (col(Refund.relationship_id) == col(Relationship.id)),
        )
        .where(
            col(Refund.brand_id) == col(RefundCharge.brand_id),
            col(Refund.id) == col(RefundCharge.refund_id),
            col(Account.kind) == AccountKind.GUIDE,
        )
        .correlate(RefundCharge)
        .scalar_subquery()
    )
    theirs = select(col(Refund.id)).where(col(Refund.brand_id) == brand_id, which)
    await work.session.execute(
        update(RefundCharge)
        .where(col(RefundCharge.brand_id) == brand_id, col(RefundCharge.refund_id).in_(theirs))
        .values(account_id=holder)
        .execution_options(synchronize_session=False)
    )


async def _redate(work: Work, table: type[Order] | type[Refund], relationship_ids: Sequence[UUID]) -> None:
    """The store they moved to may lie in another time zone."""
    found = await work.session.execute(
        select(col(table.id), col(table.customer_id), col(table.placed_at), col(table.day), col(Store.time_zone))
        .join(Store, (col(Store.brand_id) == col(table.brand_id)) & (col(Store.id) == col(table.store_id)))
        .where(col(table.brand_id) == work.actor.brand_id, col(table.relationship_id).in_(relationship_ids))
    )
    moved = [
        (key, customer_id, clock.store_day(placed_at, zone))
        for key, customer_id, placed_at, day, zone in found
        if clock.store_day(placed_at, zone) != day
    ]
    if moved:
        connection = await work.session.connection()
        await connection.execute(
            update(table.__table__)  # type: ignore[union-attr]  # a table
            .where(col(table.brand_id) == work.actor.brand_id, col(table.id) == bindparam("key"))
            .values(day=bindparam("new_day")),
            [{"key": key, "new_day": day} for key, _, day in moved],
        )
        say_loaded(work, (customer_id for _, customer_id, _ in moved))


async def _recredit(work: Work, relationship_ids: Sequence[UUID]) -> None:
    brand_id = work.actor.brand_id
    theirs = select(col(Order.id)).where(
        col(Order.brand_id) == brand_id, col(Order.relationship_id).in_(relationship_ids)
    )
    of_order = (col(Order.brand_id) == col(Credit.brand_id)) & (col(Order.id) == col(Credit.order_id))
    holder = (
        select(col(Account.id))
        .join(
            Order, (col(Order.brand_id) == col(Account.brand_id)) & (col(Order.serving_account_id) == col(Account.id))
        )
        .where(of_order, col(Account.kind) == AccountKind.GUIDE)
        .correlate(Credit)
    )
    store = select(col(Order.store_id)).where(of_order).correlate(Credit).scalar_subquery()
    await _credit(work, col(Credit.order_id).in_(theirs), store_id=store)
    # What was decided, or corrected by a manager, moves no more.
    decided = exists().where(
        col(CreditDecision.brand_id) == col(Credit.brand_id), col(CreditDecision.order_id) == col(Credit.order_id)
    )
    loaded = and_(col(Credit.order_id).in_(theirs), ~decided)
    await _credit(work, loaded, account_id=holder.scalar_subquery())
    await _credit(work, and_(loaded, col(Credit.account_id).is_(None)), reason=CreditReason.STORE)
    await _credit(work, and_(loaded, col(Credit.account_id).is_not(None)), reason=CreditReason.HOLDER)


async def _credit(work: Work, which: ColumnElement[bool], **values: Any) -> None:
    await work.session.execute(
        update(Credit)
        .where(col(Credit.brand_id) == work.actor.brand_id, which)
        .values(values)
        .execution_options(synchronize_session=False)
    )


async def adopt(work: Work, refunds: Rows) -> None:
    """Give refunds that were nobody's to the relationship of the customer who became known.

    Each row: `source`, `number`, `customer_id`, `relationship_id`, `store_id`.
    """
    if not refunds:
        return
    numbers = [row["number"] for row in refunds]
    named: Chosen = [(Refund, col(Refund.number), numbers)]
    was_on = await _days(work, named)
    connection = await work.session.connection()
    await connection.execute(
        update(Refund.__table__)  # type: ignore[attr-defined]  # a table
        .where(
            col(Refund.brand_id) == work.actor.brand_id,
            col(Refund.source) == bindparam("of_source"),
            col(Refund.number) == bindparam("of_number"),
        )
        .values(
            customer_id=bindparam("new_customer_id"),
            relationship_id=bindparam("new_relationship_id"),
            store_id=bindparam("new_store_id"),
            version=Refund.version + 1,
        ),
        [
            {
                "of_source": row["source"],
                "of_number": row["number"],
                "new_customer_id": row["customer_id"],
                "new_relationship_id": row["relationship_id"],
                "new_store_id": row["store_id"],
            }
            for row in refunds
        ],
    )
    adopters = sorted({row["relationship_id"] for row in refunds})
    await _redate(work, Refund, adopters)
    await _recharge(work, col(Refund.relationship_id).in_(adopters))
    say_loaded(work, (row["customer_id"] for row in refunds), was_on | await _days(work, named))


async def _delete(work: Work, table: type[SQLModel], key: Any, keys: Sequence[UUID]) -> None:
    if keys:
        await work.session.execute(
            delete(table)
            .where(col(table.brand_id) == work.actor.brand_id, key.in_(keys))  # type: ignore[attr-defined]  # each has it
            .execution_options(synchronize_session=False)
        )
