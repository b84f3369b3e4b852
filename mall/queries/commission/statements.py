"""What everybody earned in a period: frozen once it is closed, worked out of the ledger until then."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from kernel.pages import Key, Page, paged
from mall.models import CommissionEntry, CommissionPeriod, CommissionStatement
from mall.policy import commission_visible_to
from mall.queries.commission.ledger import total


class Statement(NamedTuple):
    """What one person earned on the orders of one store."""

    period: date
    store_id: UUID
    staff_id: UUID
    basis: int
    amount: int
    entries: int
    sums: list[dict[str, Any]]


async def page(
    session: AsyncSession,
    actor: Actor,
    page: Page,
    period: date,
    staff_id: UUID | None = None,
    store_id: UUID | None = None,
) -> Sequence[Statement]:
    """Statements in sight, by store and person; one more than asked for if there is a next page."""
    entry = CommissionEntry
    keys = (col(entry.store_id), col(entry.staff_id))
    narrowed = [commission_visible_to(actor), col(entry.period) == period, _theirs()]
    narrowed += [col(entry.staff_id) == staff_id] if staff_id is not None else []
    narrowed += [col(entry.store_id) == store_id] if store_id is not None else []
    pairs = select(*keys).where(*narrowed).group_by(*keys)
    shown = (await session.execute(paged(pairs, page, *map(Key, keys)))).all()
    frozen = await _frozen(session, actor.brand_id, period, shown)
    if frozen is not None:
        return [frozen[store, staff] for store, staff in shown]
    whose = and_(
        *narrowed,
        col(entry.store_id).in_({row[0] for row in shown}),
        col(entry.staff_id).in_({row[1] for row in shown}),
    )
    made = {(each.store_id, each.staff_id): each for each in _made(period, await _sums(session, whose))}
    return [made[store, staff] for store, staff in shown]


async def worked_out(session: AsyncSession, brand_id: UUID, period: date) -> list[dict[str, Any]]:
    """All statements of a period as its entries say, as rows of the table."""
    whose = and_(col(CommissionEntry.brand_id) == brand_id, col(CommissionEntry.period) == period, _theirs())
    return [{"brand_id": brand_id, **each._asdict()} for each in _made(period, await _sums(session, whose))]


def _theirs() -> ColumnElement[bool]:
    """What a store bears is in nobody's statement."""
    return col(CommissionEntry.is_borne_by_store).is_(False)


async def _frozen(
    session: AsyncSession, brand_id: UUID, period: date, shown: Sequence[Row[*tuple[Any, ...]]]
) -> dict[tuple[UUID, UUID], Statement] | None:
    """The statements as they were frozen; nothing as long as they aren't."""
    found = (await session.execute(_of_pairs(brand_id, period, shown))).all()
    if not found or found[0].frozen_at is None:
        return None
    return {
        (row.store_id, row.staff_id): Statement(
            period, row.store_id, row.staff_id, row.basis, row.amount, row.entries, row.sums
        )
        for row in found
    }


def _of_pairs(brand_id: UUID, period: date, shown: Iterable[Any]) -> Select[*tuple[Any, ...]]:
    statement, pairs = CommissionStatement, list(shown)
    return (
        select(*statement.__table__.columns, col(CommissionPeriod.frozen_at))  # type: ignore[attr-defined]  # set by SQLModel
        .join(
            CommissionPeriod,
            and_(
                col(CommissionPeriod.brand_id) == col(statement.brand_id),
                col(CommissionPeriod.first_day) == col(statement.period),
            ),
        )
        .where(
            col(statement.brand_id) == brand_id,
            col(statement.period) == period,
            col(statement.store_id).in_({row[0] for row in pairs}),
            col(statement.staff_id).in_({row[1] for row in pairs}),
        )
    )


async def _sums(session: AsyncSession, whose: ColumnElement[bool]) -> Sequence[Row[*tuple[Any, ...]]]:
    entry = CommissionEntry
    keys = (col(entry.store_id), col(entry.staff_id), col(entry.role), col(entry.category))
    found = await session.execute(
        select(
            *keys,
            total(col(entry.basis)).label("basis"),
            total(col(entry.amount)).label("amount"),
            func.count().label("entries"),
        )
        .where(whose)
        .group_by(*keys)
        .order_by(*keys)
    )
    return found.all()


def _made(period: date, rows: Iterable[Row[*tuple[Any, ...]]]) -> list[Statement]:
    groups: dict[tuple[UUID, UUID], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row.store_id, row.staff_id].append(
            {
                "role": row.role.value,
                "category": row.category,
                "basis": row.basis,
                "amount": row.amount,
                "entries": row.entries,
            }
        )
    return [
        Statement(
            period,
            store_id,
            staff_id,
            sum(each["basis"] for each in sums),
            sum(each["amount"] for each in sums),
            sum(each["entries"] for each in sums),
            sums,
        )
        for (store_id, staff_id), sums in groups.items()
    ]
