"""How much of what customers bring hangs on single guides, and what is at stake if one leaves (人走客走)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, BigInteger, Float, Row, and_, case, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Relationship
from directory.models import Account
from kernel import clock
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged
from kpi.queries.customer_views import amounts
from kpi.queries.customer_views.loss import LossRate, loss_rate
from kpi.queries.customer_views.purchases import Reach, rounded, values
from kpi.queries.customer_views.pyramid import Letter, letter_of, tie
from kpi.queries.scoping import Scope
from mall.models import year_before

HeldRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Share:
    """What the customers brought whom one guide holds now, and what of it would be lost with the guide.

    `share` is of all net revenue of the scope, none where that isn't above zero. `customers` are those who bought.
    """

    staff_id: UUID
    net: int
    share: float | None
    customers: int
    a_customers: int
    place: tuple[int, UUID]
    at_stake: int
    at_stake_low: int
    at_stake_high: int


@dataclass(frozen=True, slots=True)
class Concentration:
    """The days behind `after` up to `on`. `net` is all, guests' included; `held_net` that of customers of guides.

    `herfindahl` is the sum of the squares of guides' parts of what all guides with a net above zero hold (O. C.
    Herfindahl, Concentration in the Steel Industry, 1950): 1 if one holds all, 1/n if n hold the same.
    """

    after: date
    on: date
    currency: str
    net: int
    held_net: int
    held_share: float | None
    guides: int
    herfindahl: float | None
    loss_rate: LossRate
    page: Page
    rows: Sequence[Share]


async def concentration(session: AsyncSession, scope: Scope, reach: Reach, page: Page) -> Concentration:
    """Of the last twelve months by guide, whoever holds most first; a page of guides with one row more if there is one.

    A customer counts for the guide who holds, today, the relationship that the order is of: what has moved counts for
    whoever took it over. Shares are of the scope; the rate of loss is the brand's. It is told of stores: of people, as
    guides ask, it is `NOT_FOUND`.
    """
    if scope.account_ids is not None:
        raise NotFound
    after = year_before(reach.on)
    each = _held(scope, reach, after)
    by_guide = _by_guide(scope, each)
    keys = (Key(by_guide.c.net, descending=True), Key(by_guide.c.staff_id, descending=True))
    wanted = paged(select(by_guide), page, *keys)  # a place that there can't be is refused before anything is read
    totals = await _totals(session, scope, each, by_guide)
    rate = await loss_rate(session, scope.brand_id, clock.now())
    rows = await session.execute(wanted, values(scope))
    net = int(totals.net or 0)
    return Concentration(
        after,
        reach.on,
        reach.currency,
        rounded(net, reach.scale),
        rounded(int(totals.held_net or 0), reach.scale),
        _part(int(totals.held_net or 0), net),
        totals.guides,
        totals.herfindahl,
        rate,
        page,
        [_share(row, net, reach.scale, rate) for row in rows],
    )


async def _totals(session: AsyncSession, scope: Scope, each: CTE, by_guide: CTE) -> HeldRow:
    net = by_guide.c.net
    above = case((net > 0, cast(net, Float)))
    return (
        await session.execute(
            select(
                select(func.sum(each.c.amount)).scalar_subquery().label("net"),
                func.sum(net).label("held_net"),
                func.count().label("guides"),
                (func.sum(above * above) / (func.sum(above) * func.sum(above))).label("herfindahl"),
            ).select_from(by_guide),
            values(scope),
        )
    ).one()


def _held(scope: Scope, reach: Reach, after: date) -> CTE:
    """What each customer brought by the guide who holds them now, if one does; guests in one row without either."""
    moved = amounts.moves(scope, reach.scale, after, reach.on)
    return (
        select(
            moved.c.customer_id,
            col(Account.staff_id).label("staff_id"),
            cast(func.sum(moved.c.amount), BigInteger).label("amount"),
            cast(func.sum(moved.c.orders), BigInteger).label("orders"),
        )
        .select_from(moved)
        .outerjoin(
            Relationship,
            and_(
                col(Relationship.brand_id) == scope.brand_id,
                col(Relationship.id) == moved.c.relationship_id,
                col(Relationship.ended_at).is_(None),
            ),
        )
        .outerjoin(
            Account, and_(col(Account.brand_id) == scope.brand_id, col(Account.id) == col(Relationship.holder_id))
        )
        .group_by(moved.c.customer_id, col(Account.staff_id))
        .cte("held")
    )


def _by_guide(scope: Scope, each: CTE) -> CTE:
    ranked = _ranked(scope, each)
    is_a = letter_of(ranked.c.place, ranked.c.many) == Letter.A
    bought = each.c.orders > 0
    return (
        select(
            each.c.staff_id,
            cast(func.sum(each.c.amount), BigInteger).label("net"),
            func.count().filter(bought).label("customers"),
            func.count().filter(and_(bought, is_a)).label("a_customers"),
        )
        .select_from(each)
        .outerjoin(ranked, ranked.c.customer_id == each.c.customer_id)
        .where(each.c.staff_id.is_not(None))
        .group_by(each.c.staff_id)
        .cte("by_guide")
    )


def _ranked(scope: Scope, each: CTE) -> CTE:
    """The scope's customers of those months by net, as in the pyramid."""
    spent = amounts.spent(each)
    place = func.row_number().over(order_by=(spent.c.amount.desc(), tie(col(Customer.member_number))))
    return (
        select(spent.c.customer_id, place.label("place"), func.count().over().label("many"))
        .join(Customer, and_(col(Customer.brand_id) == scope.brand_id, col(Customer.id) == spent.c.customer_id))
        .cte("ranked")
    )


def _share(row: HeldRow, net: int, scale: int, rate: LossRate) -> Share:
    """At stake is what the customers brought times the rate: what they would bring if they went on as before.

    Where more was given back than bought, nothing is.
    """
    fen = max(0, rounded(row.net, scale))
    stakes = (round(fen * part) for part in (rate.rate, rate.low, rate.high))
    return Share(
        row.staff_id,
        rounded(row.net, scale),
        _part(row.net, net),
        row.customers,
        row.a_customers,
        (row.net, row.staff_id),
        *stakes,
    )


def _part(part: int, whole: int) -> float | None:
    return part / whole if whole > 0 else None
