"""What came of share links: how many were made, how often they were opened, and what was bought through them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Row, Select, and_, cast, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Store
from kernel import clock
from kernel.actor import Actor
from kernel.errors import Invalid
from kernel.pages import Key, Page, paged
from mall.models import COUNTED_STATES, Order, Share, ShareKey, ShareOpen
from mall.policy import shares_visible_to
from mall.queries.shares import Filter, conditions

MOST_DAYS = 366
_NOTHING = literal(0, BigInteger)
_OPENS = func.sum(func.coalesce(col(ShareOpen.stands_for), 1))
_KEYS: dict[ShareKey, Any] = {
    ShareKey.GUIDE: col(Share.account_id),
    ShareKey.PRODUCT: col(Share.product_id),
    ShareKey.STORE: col(Share.store_id),
    ShareKey.SHARE: col(Share.id),
}


@dataclass(frozen=True, slots=True)
class Period:
    """Days of the stores' calendars, both ends included. Raises `INVALID` unless they are 1 to 366."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if (
            not 0 <= (self.last - self.first).days < MOST_DAYS
            or not 1970 <= self.first.year < self.last.year + 1 < 2200
        ):
            raise Invalid(
                field="untilDay",
                reason=f"not before `fromDay`, and at most {MOST_DAYS} days.",
                reason_zh=f"不能早于开始日期，且最多 {MOST_DAYS} 天。",
            )

    def within(self, zone: str) -> tuple[datetime, datetime]:
        """From when to when it lasts in a time zone."""
        return clock.day_bounds(self.first, zone)[0], clock.day_bounds(self.last, zone)[1]


class Totals(NamedTuple):
    """`gross` is in the currency's minor unit."""

    opens: int
    orders: int
    gross: int


async def page(
    session: AsyncSession, actor: Actor, page: Page, by: ShareKey, period: Period, narrowed: Filter | None = None
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Figures of a period of the links in sight, told apart by `key`, those that sold most first.

    Links count by the day on which they were made and opens by theirs, on the calendar of the link's store; orders by
    their own day, if they are paid for and not taken back. By product, only links to that product alone.
    """
    zones = (
        await session.scalars(select(col(Store.time_zone)).where(col(Store.brand_id) == actor.brand_id).distinct())
    ).all() or ["UTC"]
    key = _KEYS[by]
    shares = and_(shares_visible_to(actor), key.is_not(None), *conditions(actor, narrowed or Filter()))
    parts = union_all(
        _made(key, period, zones).where(shares),
        _opens(key, period, zones).where(shares),
        _orders(key).where(shares, col(Order.day) >= period.first, col(Order.day) <= period.last),
    ).subquery()
    sums = _summed(parts).subquery()
    keys = (Key(sums.c.gross, descending=True), Key(sums.c.opens, descending=True), Key(sums.c.key, descending=True))
    return (await session.execute(paged(select(sums), page, *keys))).all()


async def totals(session: AsyncSession, actor: Actor, share_ids: Sequence[UUID]) -> dict[UUID, Totals]:
    """What came of those of the links that are in sight, up to now."""
    shares = and_(shares_visible_to(actor), col(Share.id).in_(share_ids))
    parts = union_all(
        _part(col(Share.id), links=True).where(shares).group_by(col(Share.id)),
        _part(col(Share.id), opens=True).join(ShareOpen, _of(ShareOpen)).where(shares).group_by(col(Share.id)),
        _orders(col(Share.id)).where(shares),
    ).subquery()
    found = await session.execute(_summed(parts))
    return {row.key: Totals(row.opens, row.orders, row.gross) for row in found}


def _made(key: Any, period: Period, zones: Sequence[str]) -> Select[*tuple[Any, ...]]:
    made = _part(key, links=True).join(Store, _store())
    return made.where(_during(col(Share.created_at), period, zones)).group_by(key)


def _opens(key: Any, period: Period, zones: Sequence[str]) -> Select[*tuple[Any, ...]]:
    opens = _part(key, opens=True).join(Store, _store()).join(ShareOpen, _of(ShareOpen))
    return opens.where(_during(col(ShareOpen.opened_at), period, zones)).group_by(key)


def _orders(key: Any) -> Select[*tuple[Any, ...]]:
    return (
        select(
            key.label("key"),
            _NOTHING.label("links"),
            _NOTHING.label("opens"),
            func.count().label("orders"),
            func.sum(col(Order.amount)).label("gross"),
        )
        .select_from(Share)
        .join(Order, _of(Order))
        .where(col(Order.state).in_(COUNTED_STATES))
        .group_by(key)
    )


def _part(key: Any, *, links: bool = False, opens: bool = False) -> Select[*tuple[Any, ...]]:
    return select(
        key.label("key"),
        (func.count() if links else _NOTHING).label("links"),
        (_OPENS if opens else _NOTHING).label("opens"),
        _NOTHING.label("orders"),
        _NOTHING.label("gross"),
    ).select_from(Share)


def _summed(parts: Any) -> Select[*tuple[Any, ...]]:
    figures = [cast(func.sum(parts.c[name]), BigInteger).label(name) for name in ("links", "opens", "orders", "gross")]
    return select(parts.c.key, *figures).group_by(parts.c.key)


def _of(model: Any) -> ColumnElement[bool]:
    return and_(col(model.brand_id) == col(Share.brand_id), col(model.share_id) == col(Share.id))


def _store() -> ColumnElement[bool]:
    return and_(col(Store.brand_id) == col(Share.brand_id), col(Store.id) == col(Share.store_id))


def _during(instant: Any, period: Period, zones: Sequence[str]) -> ColumnElement[bool]:
    bounds = {zone: period.within(zone) for zone in zones}
    return or_(
        *(
            and_(col(Store.time_zone) == zone, instant >= since, instant < until)
            for zone, (since, until) in bounds.items()
        )
    )
