"""Read what rules judge: all relationships of a store as of a day, in a few statements."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import FromClause, Select, and_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Customer, Relationship
from directory.models import Account, Brand, Staff, Store
from directory.policy import serves
from kernel import clock
from mall.models import Product, PurchaseProfile, ScoreScale, year_before
from mall.queries import churn, purchase_figures
from tagging.models import Tag
from tasks.models import Trigger
from tasks.models.judging import Rule
from tasks.models.subjects import Day, Subject
from tasks.queries import facts
from tasks.queries.facts import Turns, Whose

MOST_ARRIVALS = 500
NEAR_DAYS = 31
"""For how many days before a night what it told of the brand's patience is good; before that, the orders tell."""

_NOT_TURNED_TO = Turns(is_open=False, last=None, by_rule={})
_NOTHING: Mapping[str, Any] = {}
_PURCHASES = ("first_day", "last_day", "purchase_days", "net_12_months", "median_gap_days", "rhythm")
_Other = aliased(Relationship)


async def day_of(session: AsyncSession, brand_id: UUID, day: date, rules: Sequence[Rule]) -> Day:
    """What all of a brand's subjects have in common on that day, as far as the rules ask for it."""
    currency, patience_days = await _brand(session, brand_id, day)
    arrivals = [rule for rule in rules if rule.trigger is Trigger.NEW_ARRIVALS]
    return Day(
        day=day,
        currency=currency,
        patience_days=patience_days,
        arrivals=await _arrivals(session, brand_id, day, arrivals) if arrivals else {},
        tags=await _names(session, brand_id, _tags_of(arrivals)) if arrivals else {},
    )


async def of_store(
    session: AsyncSession,
    brand_id: UUID,
    store_id: UUID,
    day: date,
    rules: Sequence[Rule],
    *,
    as_of_past: bool = False,
    only: Sequence[UUID] | None = None,
) -> Sequence[Subject]:
    """The store's relationships, by customer id, with all that these rules ask for; `only` of some customers.

    As of a past day purchases are worked out from the orders until that day, and tasks that came later are
    left out; tags, segments, tiers and who holds whom are those of now.
    """
    zone = await session.scalar(
        select(col(Store.time_zone)).where(col(Store.brand_id) == brand_id, col(Store.id) == store_id)
    )
    if zone is None:
        return []
    whose = Whose(brand_id, store_id, day, zone, only)
    bought = _until(whose, await _currency(session, brand_id)) if as_of_past else PurchaseProfile.__table__  # type: ignore[attr-defined]  # set by SQLModel
    rows = (await session.execute(_relationships(whose, bought, as_of_past=as_of_past), whose.asked)).all()
    turned = await facts.turns(session, whose, as_of_past=as_of_past)
    extras = await _extras(session, whose, rules)
    return list(_subjects(rows, whose, turned, extras))


async def _brand(session: AsyncSession, brand_id: UUID, day: date) -> tuple[str, float | None]:
    """The brand's currency, and how patient its customers are.

    As of the last night, if that is near enough, or as profiles are before the first; of long ago as orders tell.
    """
    found = await session.execute(
        select(col(Brand.currency), col(ScoreScale.scored_on), col(ScoreScale.patience_days))
        .outerjoin(ScoreScale, col(ScoreScale.brand_id) == col(Brand.id))
        .where(col(Brand.id) == brand_id)
    )
    currency, scored_on, patience_days = found.one()
    if ((scored_on or clock.now().date()) - day).days <= NEAR_DAYS:
        return currency, patience_days if scored_on else await churn.patience_days(session, brand_id, day)
    everybody: Any = select(col(Customer.brand_id), col(Customer.id).label("customer_id")).where(
        col(Customer.brand_id) == brand_id
    )
    window, until = literal(year_before(day)), literal(day)
    bought = purchase_figures.figures(everybody.cte("whose"), currency, window, until).subquery("bought")
    then = select(churn.patience(day, bought.c)).where(bought.c.purchase_days > 0)
    return currency, await session.scalar(then)


async def _currency(session: AsyncSession, brand_id: UUID) -> str:
    return (await session.scalars(select(col(Brand.currency)).where(col(Brand.id) == brand_id))).one()


async def _extras(session: AsyncSession, whose: Whose, rules: Sequence[Rule]) -> dict[UUID, dict[str, Any]]:
    """By customer what single rules ask for."""
    asked = {rule.trigger for rule in rules}
    found: dict[str, Mapping[UUID, Any]] = {}
    if Trigger.DELIVERY in asked:
        found["delivered_on"] = await facts.delivered(session, whose)
    if Trigger.REFUND in asked:
        found["refunded_on"] = await facts.refunded(session, whose)
    if Trigger.HANDOVER in asked:
        found["held_since"] = await facts.taken_over(session, whose)
    if Trigger.STALE_TAG in asked:
        found["stale_tags"] = await facts.stale(session, whose)
    if tags := _tags_of(rule for rule in rules if rule.trigger is Trigger.NEW_ARRIVALS):
        found["tag_ids"] = await facts.carried(session, whose, tags)
    if segments := sorted({rule.segment_id for rule in rules if rule.segment_id is not None}):
        found["segment_ids"] = await facts.memberships(session, whose, segments)
    extras: dict[UUID, dict[str, Any]] = defaultdict(dict)
    for name, known in found.items():
        for customer_id, value in known.items():
            extras[customer_id][name] = value
    return extras


def _subjects(
    rows: Iterable[Sequence[Any]], whose: Whose, turned: Mapping[UUID, Turns], extras: Mapping[UUID, Mapping[str, Any]]
) -> Iterator[Subject]:
    zone = ZoneInfo(whose.time_zone)
    # Taken apart by place: a store has a thousand, and names are looked up one by one.
    for customer_id, relationship_id, account_id, is_primary, began_at, works, met_at, *known in rows:
        do_not_contact, birthday, tier, tier_until, first_day, last_day, days, net, gap, rhythm = known
        by_task = turned.get(customer_id, _NOT_TURNED_TO)
        met = None if met_at is None else met_at.astimezone(zone).date()
        yield Subject(
            customer_id=customer_id,
            relationship_id=relationship_id,
            account_id=account_id,
            is_primary=is_primary,
            holder_works=works,
            do_not_contact=do_not_contact,
            is_open=by_task.is_open,
            turned_to=met if by_task.last is None or (met is not None and met > by_task.last) else by_task.last,
            since=began_at.astimezone(zone).date(),
            first_day=first_day,
            last_day=last_day,
            purchase_days=days or 0,
            net_12_months=net or 0,
            median_gap_days=gap,
            rhythm=rhythm or 0.0,
            birthday=birthday,
            tier=tier,
            tier_until=tier_until,
            turned_by=by_task.by_rule,
            **extras.get(customer_id, _NOTHING),
        )


def _until(whose: Whose, currency: str) -> FromClause:
    """What the store's customers had bought by the end of the day, in any store."""
    ours = select(col(Relationship.brand_id), col(Relationship.customer_id)).where(*whose.related()).cte("whose")
    window, until = literal(year_before(whose.day)), literal(whose.day)
    return purchase_figures.figures(ours, currency, window, until).subquery("bought")


def _relationships(whose: Whose, bought: FromClause, *, as_of_past: bool) -> Select[Any]:
    """All of the store's relationships, beside the customer, the holder, and what was bought."""
    return (
        select(
            col(Relationship.customer_id),
            col(Relationship.id),
            col(Relationship.holder_id),
            col(Relationship.is_primary),
            col(Relationship.created_at),
            or_(col(Account.staff_id).is_(None), serves()).label("holder_works"),
            _contacted(whose, as_of_past=as_of_past).label("contacted_at"),
            col(Customer.do_not_contact),
            col(Customer.birthday),
            col(Customer.tier),
            col(Customer.tier_until),
            *(bought.c[name] for name in _PURCHASES),
        )
        .join(Customer, _is_same(Customer.brand_id, Customer.id, Relationship.customer_id))
        .join(Account, _is_same(Account.brand_id, Account.id, Relationship.holder_id))
        .outerjoin(Staff, and_(col(Staff.brand_id) == col(Account.brand_id), col(Staff.id) == col(Account.staff_id)))
        .outerjoin(bought, and_(*_is_theirs(bought)))
        .where(*whose.related())
        .order_by(col(Relationship.customer_id))
    )


def _contacted(whose: Whose, *, as_of_past: bool) -> Any:
    """When somebody last turned to the customer, of any of their stores."""
    latest = select(func.max(col(_Other.last_contact_at))).where(
        col(_Other.brand_id) == col(Relationship.brand_id), col(_Other.customer_id) == col(Relationship.customer_id)
    )
    if as_of_past:
        latest = latest.where(col(_Other.last_contact_at) < whose.bounds[1])
    return latest.correlate(Relationship).scalar_subquery()


def _is_theirs(bought: FromClause) -> Iterator[Any]:
    if "brand_id" in bought.c:
        yield bought.c.brand_id == col(Relationship.brand_id)
    yield bought.c.customer_id == col(Relationship.customer_id)


def _is_same(brand_id: Any, key: Any, reference: Any) -> Any:
    return and_(col(brand_id) == col(Relationship.brand_id), col(key) == col(reference))


def _tags_of(rules: Iterable[Rule]) -> Sequence[UUID]:
    return sorted({UUID(tag_id) for rule in rules for tag_id in rule.tag_ids})


async def _arrivals(
    session: AsyncSession, brand_id: UUID, day: date, rules: Sequence[Rule]
) -> dict[str, tuple[tuple[date, str], ...]]:
    """The 500 newest products of the rules' categories at most, listed within their windows."""
    longest = max(rule.window_days for rule in rules)
    found: Any = await session.execute(
        select(col(Product.category), col(Product.listed_on), col(Product.name))
        .where(
            col(Product.brand_id) == brand_id,
            col(Product.category).in_(sorted({rule.category for rule in rules if rule.category})),
            col(Product.listed_on) > day - timedelta(days=longest),
            col(Product.listed_on) <= day,
        )
        .order_by(col(Product.listed_on).desc(), col(Product.name), col(Product.id))
        .limit(MOST_ARRIVALS)
    )
    come: dict[str, list[tuple[date, str]]] = defaultdict(list)
    for category, listed_on, name in found:
        come[category].append((listed_on, name))
    return {category: tuple(products) for category, products in come.items()}


async def _names(session: AsyncSession, brand_id: UUID, tag_ids: Sequence[UUID]) -> dict[UUID, str]:
    found = await session.execute(
        select(col(Tag.id), col(Tag.name)).where(col(Tag.brand_id) == brand_id, col(Tag.id).in_(tag_ids))
    )
    return dict(found.all())
