"""What a plan would have paid for orders of the past, as they are by now."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Store
from kernel.actor import Actor
from kernel.errors import Invalid, NotFound
from kernel.pages import along
from mall.errors import PreviewTooLarge
from mall.models import COUNTED_STATES, CommissionRole, Order
from mall.models.commission import rates_of
from mall.models.commissioning import Rate, Sum
from mall.policy import require_paymaster
from mall.queries.commission import plans, reading
from mall.queries.commission.cases import case_of

MOST_PREVIEWED = 20_000
_AT_ONCE = 500


class Paid(NamedTuple):
    """What a role would have earned of a category."""

    role: CommissionRole
    category: str | None
    basis: int
    amount: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What would have been paid, in all and by role and category; of how many orders."""

    orders: int
    amount: int
    sums: list[Paid]


async def preview(session: AsyncSession, actor: Actor, plan_id: UUID, from_day: date, until_day: date) -> Preview:
    """What the plan would have paid for orders of these days, whatever its own are; refunds are taken off.

    For HQ. Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `COMMISSION_PREVIEW_TOO_LARGE` beyond 20,000 orders.
    """
    require_paymaster(actor)
    plan = (await plans.by_ids(session, actor, [plan_id])).get(plan_id)
    if plan is None:
        raise NotFound
    if until_day < from_day:
        raise Invalid(field="untilDay", reason="lies before the first day.", reason_zh="结束日期早于开始日期。")
    those = (
        col(Order.brand_id) == actor.brand_id,
        col(Order.day) >= from_day,
        col(Order.day) <= until_day,
        col(Order.state).in_(COUNTED_STATES),
    )
    count = int(await session.scalar(select(func.count()).select_from(Order).where(*those)) or 0)
    if count > MOST_PREVIEWED:
        raise PreviewTooLarge(most=MOST_PREVIEWED)
    sums: dict[tuple[CommissionRole, str | None], Sum] = defaultdict(lambda: Sum(0, 0))
    after: UUID | None = None
    while True:
        rows = await _next(session, those, after)
        await _add(session, actor.brand_id, rows, rates_of(plan.rates), sums)
        if len(rows) < _AT_ONCE:
            break
        after = rows[-1].id
    return _shown(count, sums)


async def _next(session: AsyncSession, those: Sequence[Any], after: UUID | None) -> Sequence[Any]:
    orders = (
        select(*reading.order_columns(), col(Store.time_zone))
        .join(Store, and_(col(Store.brand_id) == col(Order.brand_id), col(Store.id) == col(Order.store_id)))
        .where(*those)
    )
    return (await session.execute(along(orders, col(Order.id), after, _AT_ONCE))).all()


async def _add(
    session: AsyncSession, brand_id: UUID, rows: Sequence[Any], rates: Sequence[Rate], sums: dict[Any, Sum]
) -> None:
    cases = {row.id: case_of(row, None, None) for row in rows}
    if not cases:
        return
    await reading.fill(session, brand_id, cases, list(cases))
    for case in cases.values():
        for (_, part), each in case.target(rates).items():
            so_far = sums[part.role, part.category]
            sums[part.role, part.category] = Sum(so_far.basis + each.basis, so_far.amount + each.amount)


def _shown(orders: int, sums: dict[tuple[CommissionRole, str | None], Sum]) -> Preview:
    in_order = sorted(sums, key=lambda key: (key[0], key[1] or ""))
    paid = [Paid(role, category, *sums[role, category]) for role, category in in_order]
    return Preview(orders, sum(each.amount for each in paid), paid)
