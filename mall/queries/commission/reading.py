"""Read what orders' commission is worked out of, all of them at once: three statements, however many they are."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Row, Select, Uuid, and_, bindparam, cast, func, literal, null, or_, select, union_all
from sqlalchemy import case as either
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from directory.models import Account, Assignment, Store
from kernel.actor import Role
from kernel.db import OneOf
from mall.models import Credit, LineKind, Order, OrderLine, Product, Refund, RefundLine
from mall.models.commission import (
    CommissionEntry,
    CommissionPlan,
    CommissionPlanState,
    CommissionSetting,
    CommissionTerms,
    course_of,
    rates_of,
)
from mall.models.commissioning import CommissionRole, GivenBack, Goods, Part, Party, Sum
from mall.queries.commission.cases import Case, Found, Place, Plan, case_of

Rows = Sequence[Row[*tuple[Any, ...]]]

_BRAND = bindparam("brand", type_=Uuid())


async def read(session: AsyncSession, brand_id: UUID, order_ids: Sequence[UUID], *, keep_open: bool = False) -> Found:
    """The orders' cases. A brand that never had a plan has none, and is asked one thing only.

    `keep_open` keeps periods from being closed, and the other way round, until the commit. Lock the orders before.
    """
    asked = {"brand": brand_id, "keys": list(order_ids)}
    heads = (await session.execute(_KEPT_OPEN if keep_open else _HEADS, asked)).all()
    cases = _cases(heads)
    at_stake = [case.id for case in cases.values() if case.plan or case.posted]
    if at_stake:
        await fill(session, brand_id, cases, at_stake)
    if not heads:
        return Found({}, [], None)
    return Found({key: cases[key] for key in at_stake}, course_of(heads[0].rhythms), heads[0].closed_until)


async def fill(session: AsyncSession, brand_id: UUID, cases: dict[UUID, Case], order_ids: Sequence[UUID]) -> None:
    """Add what was sold and given back, and who has a part in it."""
    asked = {"brand": brand_id, "keys": list(order_ids)}
    _add_lines(cases, (await session.execute(_LINES, asked)).all())
    for row in (await session.execute(_PARTIES, asked)).all():
        cases[row.order_id].parties.append(Party(CommissionRole(row.role), row.staff_id, row.points))


def plan_of_day() -> Any:
    """The live plan of the day on which an order was paid."""
    return and_(
        col(CommissionPlan.brand_id) == col(Order.brand_id),
        col(CommissionPlan.state) == CommissionPlanState.LIVE,
        col(CommissionPlan.from_day) <= col(Order.day),
        or_(col(CommissionPlan.until_day).is_(None), col(CommissionPlan.until_day) >= col(Order.day)),
    )


def heads(*, keep_open: bool) -> Select[*tuple[Any, ...]]:
    """Where orders stand: how the brand's periods lie, the plan of the day, the terms, and what was posted."""
    entry = CommissionEntry
    statement = (
        select(
            *order_columns(),
            col(Store.time_zone),
            col(CommissionSetting.rhythms),
            col(CommissionSetting.closed_until),
            col(CommissionPlan.id).label("plan_id"),
            col(CommissionPlan.rates),
            col(CommissionTerms.categories),
            col(entry.plan_id).label("posted_by"),
            col(entry.refund_id),
            col(entry.store_id).label("posted_store_id"),
            *(
                col(getattr(entry, name))
                for name in ("staff_id", "role", "category", "rate", "basis", "is_borne_by_store")
            ),
            col(entry.amount).label("posted"),
        )
        .select_from(CommissionSetting)
        .join(Order, col(Order.brand_id) == col(CommissionSetting.brand_id))
        .join(Store, and_(col(Store.brand_id) == col(Order.brand_id), col(Store.id) == col(Order.store_id)))
        .outerjoin(CommissionPlan, plan_of_day())
        .outerjoin(CommissionTerms, _of_order(CommissionTerms))
        .outerjoin(CommissionEntry, _of_order(CommissionEntry))
        .where(col(CommissionSetting.brand_id) == _BRAND, col(Order.brand_id) == _BRAND, OneOf(col(Order.id), "keys"))
        .order_by(col(Order.id), col(entry.id))
    )
    return statement.with_for_update(read=True, key_share=True, of=CommissionSetting) if keep_open else statement


def order_columns() -> list[Any]:
    """What a case takes of the order itself."""
    return [col(getattr(Order, name)) for name in ("id", "source", "number", "store_id", "state", "amount", "day")]


def _of_order(table: type[CommissionTerms] | type[CommissionEntry]) -> Any:
    return and_(col(table.brand_id) == col(Order.brand_id), col(table.order_id) == col(Order.id))


def _cases(heads: Rows) -> dict[UUID, Case]:
    cases: dict[UUID, Case] = {}
    for row in heads:
        case = cases.get(row.id)
        if case is None:
            plan = Plan(row.plan_id, rates_of(row.rates)) if row.plan_id else None
            case = cases[row.id] = case_of(row, plan, row.categories)
        if row.staff_id is not None:
            place = Place(
                row.refund_id, row.posted_store_id, Part(row.staff_id, CommissionRole(row.role), row.category, row.rate)
            )
            so_far = case.posted.get(place, Sum(0, 0))
            case.posted[place] = Sum(so_far.basis + row.basis, so_far.amount + row.posted)
            if row.is_borne_by_store:
                borne = case.borne.get(place, Sum(0, 0))
                case.borne[place] = Sum(borne.basis + row.basis, borne.amount + row.posted)
            case.posted_by = row.posted_by
    return cases


def _lines() -> Select[*tuple[Any, ...]]:
    # The line knows its product, by the SKU or by the code; what the catalogue learnt later is found by the code.
    later = aliased(Product)
    sold = (
        select(
            col(OrderLine.order_id),
            cast(null(), Uuid).label("refund_id"),
            cast(null(), CommissionEntry.amount.type).label("given_back"),  # type: ignore[attr-defined]  # a column
            cast(null(), CommissionEntry.day.type).label("refund_day"),  # type: ignore[attr-defined]  # a column
            col(OrderLine.kind),
            col(OrderLine.product_code),
            col(OrderLine.sku_code),
            either((col(OrderLine.product_id).is_not(None), col(Product.category)), else_=later.category).label(
                "category"
            ),
            col(OrderLine.amount),
        )
        .outerjoin(
            Product,
            and_(col(Product.brand_id) == col(OrderLine.brand_id), col(Product.id) == col(OrderLine.product_id)),
        )
        .outerjoin(
            later,
            and_(
                col(OrderLine.product_id).is_(None),
                col(later.brand_id) == col(OrderLine.brand_id),
                col(later.code) == col(OrderLine.product_code),
            ),
        )
        .where(col(OrderLine.brand_id) == _BRAND, OneOf(col(OrderLine.order_id), "keys"))
    )
    order_id: Any = col(Refund.order_id)
    given_back = (
        select(
            col(Refund.order_id),
            col(Refund.id),
            col(Refund.amount),
            col(Refund.day),
            col(RefundLine.kind),
            col(RefundLine.product_code),
            cast(null(), OrderLine.sku_code.type),  # type: ignore[union-attr]  # a column
            cast(null(), Product.category.type),  # type: ignore[union-attr]  # a column
            col(RefundLine.amount),
        )
        .outerjoin(
            RefundLine,
            and_(col(RefundLine.brand_id) == col(Refund.brand_id), col(RefundLine.refund_id) == col(Refund.id)),
        )
        .where(col(Refund.brand_id) == _BRAND, OneOf(order_id, "keys"), col(Refund.is_void).is_(False))
    )
    return union_all(sold, given_back)  # type: ignore[return-value]  # compound selects are asked for likewise


def _add_lines(cases: dict[UUID, Case], rows: Rows) -> None:
    refunds: dict[tuple[UUID, UUID], list[Any]] = defaultdict(list)
    for row in rows:
        case = cases[row.order_id]
        if row.refund_id is not None:
            refunds[row.order_id, row.refund_id].append(row)
        elif row.kind is LineKind.GOODS:
            ware = row.sku_code or row.product_code
            category = (case.categories or {}).get(ware, row.category)
            case.goods.append(Goods(row.product_code, case.wares.setdefault(ware, category), row.amount))
        elif row.amount < 0:
            case.discount -= row.amount
    # In the order in which they came to be known: one that comes later changes nothing of what was posted before.
    for (order_id, refund_id), lines in sorted(refunds.items()):
        cases[order_id].refunds.append(_given_back(refund_id, lines))
        cases[order_id].refund_days[refund_id] = lines[0].refund_day


def _given_back(refund_id: UUID, lines: Sequence[Any]) -> GivenBack:
    return GivenBack(
        refund_id,
        lines[0].given_back,
        [(line.product_code, line.amount) for line in lines if line.kind is LineKind.GOODS],
        -sum(line.amount for line in lines if line.kind is LineKind.SERVICE and line.amount < 0),
        lines[0].kind is not None,
    )


def _parties() -> Select[*tuple[Any, ...]]:
    """Who has the credit, part by part; and who managed the store when the order was paid."""
    credited = (
        select(
            col(Credit.order_id),
            literal(CommissionRole.GUIDE.value).label("role"),
            col(Account.staff_id),
            col(Credit.points),
            col(Credit.part),
        )
        .outerjoin(
            Account, and_(col(Account.brand_id) == col(Credit.brand_id), col(Account.id) == col(Credit.account_id))
        )
        .where(col(Credit.brand_id) == _BRAND, OneOf(col(Credit.order_id), "keys"))
    )
    paid_at: Any = func.coalesce(col(Order.paid_at), col(Order.placed_at))
    managing = (
        select(
            col(Order.id),
            literal(CommissionRole.STORE_MANAGER.value),
            col(Assignment.staff_id),
            literal(1, Integer),
            literal(0, Integer),
        )
        .distinct()
        .join(
            Assignment,
            and_(
                col(Assignment.brand_id) == col(Order.brand_id),
                col(Assignment.store_id) == col(Order.store_id),
                col(Assignment.role) == Role.STORE_MANAGER,
                col(Assignment.starts_at) <= paid_at,
                or_(col(Assignment.ends_at).is_(None), col(Assignment.ends_at) > paid_at),
            ),
        )
        .where(col(Order.brand_id) == _BRAND, OneOf(col(Order.id), "keys"))
    )
    both = union_all(credited, managing).subquery()
    return select(both).order_by(both.c.order_id, both.c.role, both.c.part, both.c.staff_id)


# Put together once: they are asked with each order.
_HEADS, _KEPT_OPEN = heads(keep_open=False), heads(keep_open=True)
_LINES, _PARTIES = _lines(), _parties()
