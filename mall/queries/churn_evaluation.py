"""Try rankings of customers about to leave on the past: judged as of a day, held against what came after it.

All from orders and refunds, as they are now: what is dated after the cut isn't seen, but corrections are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Date,
    Float,
    Select,
    String,
    Uuid,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.days import days_between
from mall.errors import CutTooEarly, CutTooLate, NobodyBoughtTwice
from mall.models import COUNTED_STATES, Order
from mall.models.churn import HORIZON_DAYS
from mall.queries import churn, profiles
from mall.queries.purchase_figures import figures

SPEND_DAYS = 365
SILENT_AFTER = 90


class Ranking(StrEnum):
    """By what customers are ranked: silent for over 90 days or not, days of silence, P0 of `mall.models.churn`."""

    RULE_90_DAYS = "rule_90_days"
    DAYS_SINCE_LAST = "days_since_last"
    STAYS_AWAY = "stays_away"


class Times(StrEnum):
    """What the ranking is multiplied with: nothing, or the spend of the last 365 days, the cut included."""

    NOTHING = "nothing"
    GROSS = "gross"
    NET = "net"


@dataclass(frozen=True, slots=True)
class Rated:
    """How well a ranking did, each from 0 to 1; empty where there is nothing to tell apart, or no spend was lost.

    `auc` is the chance that of a lost customer and one who came back the lost one ranks higher; ties count half. The
    shares are what the top tenth catches of the spend of all lost customers. Of equals at its border it gets the
    average: as many of them as there is room for, by chance.
    """

    ranking: Ranking
    times: Times
    auc: float | None
    gross_share: float | None
    net_share: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Rankings as of the end of a day. Lost is who bought nothing in the 91 days after it."""

    cut: date
    customers: int
    lost: int
    patience_days: float
    rated: tuple[Rated, ...]


async def evaluate(session: AsyncSession, brand_id: UUID, cut: date) -> Evaluation:
    """What each ranking would have found on that day. Raises `CUT_TOO_EARLY`, `CUT_TOO_LATE`, `NOBODY_BOUGHT_TWICE`."""
    await _require_seen(session, brand_id, cut)
    seen = _seen(brand_id, (await profiles.setting(session, brand_id)).currency, cut)
    patience = await session.scalar(select(churn.patience(cut, seen.c)))
    if patience is None:
        raise NobodyBoughtTwice(cut=cut)
    rows = (await session.execute(_rated(_scores(_judged(brand_id, seen, patience, cut))))).all()
    found = {(row.ranking, row.times): row for row in rows}
    each = [(ranking, times, found[ranking, times]) for ranking in Ranking for times in Times]
    return Evaluation(
        cut,
        rows[0].customers,
        rows[0].lost,
        patience,
        tuple(Rated(ranking, times, row.auc, row.gross_share, row.net_share) for ranking, times, row in each),
    )


async def _require_seen(session: AsyncSession, brand_id: UUID, cut: date) -> None:
    day, ours = col(Order.day), col(Order.brand_id) == brand_id
    last = await session.scalar(select(func.max(day)).where(ours))
    first = await session.scalar(select(func.min(day)).where(ours, *_COUNTED))
    if first is None or last is None or first > cut:
        raise CutTooEarly(cut=cut)
    latest = last - timedelta(days=HORIZON_DAYS)
    if cut > latest:
        raise CutTooLate(cut=cut, last=last, latest=latest, days=HORIZON_DAYS)


_COUNTED = (col(Order.customer_id).is_not(None), col(Order.state).in_(COUNTED_STATES))


def _seen(brand_id: UUID, currency: str, cut: date) -> CTE:
    """What is known as of the cut, of everybody who had bought by then."""
    whose = (
        select(literal(brand_id, Uuid()).label("brand_id"), col(Order.customer_id))
        .where(col(Order.brand_id) == brand_id, col(Order.day) <= cut, *_COUNTED)
        .distinct()
        .cte("whose")
    )
    window = cut - timedelta(days=SPEND_DAYS)
    return figures(whose, currency, literal(window, Date()), literal(cut, Date())).cte("seen")


def _judged(brand_id: UUID, seen: CTE, patience: float, cut: date) -> CTE:
    """Each customer's rankings and spend, and what came of them."""
    came_back = (
        select(col(Order.customer_id))
        .where(
            col(Order.brand_id) == brand_id,
            col(Order.day) > cut,
            col(Order.day) <= cut + timedelta(days=HORIZON_DAYS),
            *_COUNTED,
        )
        .distinct()
        .cte("came_back")
    )
    silence = days_between(literal(cut, Date()), seen.c.last_day)
    return (
        select(
            cast(case((silence > SILENT_AFTER, 1.0), else_=0.0), Float).label(Ranking.RULE_90_DAYS),
            cast(silence, Float).label(Ranking.DAYS_SINCE_LAST),
            churn.stays_away(cut, patience, seen.c).label(Ranking.STAYS_AWAY),
            _spend(seen.c.gross_12_months).label(Times.GROSS),
            _spend(seen.c.net_12_months).label(Times.NET),
            case((came_back.c.customer_id.is_(None), 1), else_=0).label("lost"),
        )
        .outerjoin(came_back, came_back.c.customer_id == seen.c.customer_id)
        .cte("judged")
    )


def _spend(amount: ColumnElement[int]) -> ColumnElement[float]:
    return cast(case((amount < 0, 0), else_=amount), Float)


def _scores(judged: CTE) -> CTE:
    """A row for each value that a ranking gives: how many have it, how many of them were lost, and their spend."""
    each = union_all(*_each(judged)).cte("each")
    return (
        select(
            each.c.ranking,
            each.c.times,
            each.c.value,
            func.count().label("many"),
            func.sum(each.c.lost).label("lost"),
            func.sum(each.c.gross * each.c.lost).label("gross"),
            func.sum(each.c.net * each.c.lost).label("net"),
        )
        .group_by(each.c.ranking, each.c.times, each.c.value)
        .cte("scores")
    )


def _each(judged: CTE) -> Iterator[Select[Any]]:
    for ranking in Ranking:
        for times in Times:
            value = judged.c[ranking] if times is Times.NOTHING else judged.c[ranking] * judged.c[times]
            yield select(
                literal(ranking, String()).label("ranking"),
                literal(times, String()).label("times"),
                value.label("value"),
                judged.c.lost,
                judged.c.gross,
                judged.c.net,
            )


def _rated(scores: CTE) -> Select[Any]:
    """AUC by counting, for each lost customer, who came back and ranks lower; and what the first ⌈n / 10⌉ hold."""
    own = (scores.c.ranking, scores.c.times)
    kept = scores.c.many - scores.c.lost
    below = func.sum(kept).over(partition_by=own, order_by=scores.c.value) - kept
    above = func.sum(scores.c.many).over(partition_by=own, order_by=scores.c.value.desc()) - scores.c.many
    in_order = select(
        *scores.c,
        cast(scores.c.lost * (2 * below + kept), BigInteger).label("pairs"),
        cast(above, BigInteger).label("above"),
        # Sums of whole numbers are decimals on PostgreSQL: they have to be whole before they are divided.
        ((cast(func.sum(scores.c.many).over(partition_by=own), BigInteger) + 9) // 10).label("room"),
    ).cte("in_order")
    many, lost = func.sum(in_order.c.many), func.sum(in_order.c.lost)
    pairs = func.nullif(cast(2 * lost * (many - lost), Float), 0.0)
    return select(
        in_order.c.ranking,
        in_order.c.times,
        cast(many, BigInteger).label("customers"),
        cast(lost, BigInteger).label("lost"),
        (cast(func.sum(in_order.c.pairs), Float) / pairs).label("auc"),
        *(
            (func.sum(in_order.c[name] * _taken(in_order)) / _whole(in_order.c[name])).label(f"{name}_share")
            for name in _SHARED
        ),
    ).group_by(in_order.c.ranking, in_order.c.times)


_SHARED = (Times.GROSS, Times.NET)


def _taken(in_order: CTE) -> ColumnElement[float]:
    """Which share of those with equal values is in the top tenth."""
    free = in_order.c.room - in_order.c.above
    part = cast(free, Float) / cast(in_order.c.many, Float)
    return case((free <= 0, 0.0), (free >= in_order.c.many, 1.0), else_=part)


def _whole(spend: ColumnElement[float]) -> ColumnElement[float]:
    return func.nullif(func.sum(spend), 0.0)
