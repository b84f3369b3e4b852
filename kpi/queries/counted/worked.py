"""What was done on days of stores: links, tasks, customers, answers, commission, checked tags; who was at work."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import ContactLink, GoneWhy, Holding, HoldingReason, Relationship
from directory.models import Account, Assignment, Cover, CoverState, Staff
from kernel.actor import Role
from kernel.days import seconds_between
from kernel.db import enum_of
from kpi.models import Grain, Span
from kpi.models.measures import DISTINCT, WORK
from kpi.queries.counted.buying import buyers, ordered
from kpi.queries.counted.tasked import TASKS, one
from kpi.queries.store_days import brand
from mall.models import CommissionEntry, Share, ShareOpen
from tagging.models import AuditItem, TagAudit, Verdict
from tasks.models import Task, TaskState

Values = Mapping[str, Any]

_COLUMNS = (*WORK, *DISTINCT)


def rows(days: FromClause) -> Select[*tuple[Any, ...]]:
    """Rows of `KpiWork` for these days, in the order of `columns()`."""
    orders = ordered(days)
    parts = union_all(
        _at_work(days),
        _links(days),
        _opens(days),
        _link_orders(orders),
        _tasks(days),
        _added(days),
        _lost(days),
        _answers(orders),
        _commission(days),
        _checks(days),
    ).cte("part")
    by_account = _grouped(Grain.ACCOUNT, parts, parts.c.account_id).where(parts.c.account_id.is_not(None))
    by_store = _grouped(Grain.STORE, parts, parts.c.public_id)
    both = union_all(by_account, by_store, *_active(orders)).subquery("both")
    keys = [both.c[name] for name in ("brand_id", "span", "grain", "day", "store_id", "account_id")]
    sums = [cast(func.sum(both.c[name]), BigInteger).label(name) for name in _COLUMNS]
    return select(*keys, *sums).group_by(*keys)


def columns() -> list[str]:
    """The columns that `rows` fills, in their order."""
    return ["brand_id", "span", "grain", "starts_on", "store_id", "account_id", *_COLUMNS]


def _line(days: FromClause, account_id: Any, values: Values) -> Select[*tuple[Any, ...]]:
    return select(
        days.c.store_id,
        days.c.day,
        days.c.public_id,
        account_id.label("account_id"),
        *(values.get(name, literal(0)).label(name) for name in WORK),
    ).select_from(days)


def _grouped(grain: Grain, parts: FromClause, account_id: Any) -> Select[*tuple[Any, ...]]:
    sums = [func.sum(parts.c[name]).label(name) for name in WORK]
    distinct = [literal(0).label(name) for name in DISTINCT]
    keys = (parts.c.day, parts.c.store_id, account_id)
    return select(*_its(grain), *_named(keys), *sums, *distinct).group_by(*keys)


def _active(orders: FromClause) -> tuple[Select[*tuple[Any, ...]], Select[*tuple[Any, ...]]]:
    """Customers with an order of the day, each once: of the store, and of each account that has credit."""
    who = buyers(orders)
    of_account = _customers(Grain.ACCOUNT, who, who.c.account_id).where(who.c.account_id.is_not(None))
    return _customers(Grain.STORE, who, who.c.public_id), of_account


def _customers(grain: Grain, who: FromClause, account_id: Any) -> Select[*tuple[Any, ...]]:
    nothing = [literal(0).label(name) for name in WORK]
    count = func.count(who.c.customer_id.distinct()).label("customers_active")
    keys = (who.c.day, who.c.store_id, account_id)
    return select(*_its(grain), *_named(keys), *nothing, count).select_from(who).group_by(*keys)


def _its(grain: Grain) -> tuple[ColumnElement[Any], ...]:
    return (
        brand().label("brand_id"),
        literal(Span.DAY, enum_of(Span)).label("span"),
        literal(grain, enum_of(Grain)).label("grain"),
    )


def _named(keys: Any) -> list[ColumnElement[Any]]:
    return [key.label(name) for key, name in zip(keys, ("day", "store_id", "account_id"), strict=True)]


def _at_work(days: FromClause) -> Select[*tuple[Any, ...]]:
    """Guides who worked in the store on some of the day, and had access; not who was on leave all of it.

    And which of them made a link there: whoever else made one isn't of the guides at work.
    """
    shared = exists().where(
        col(Share.brand_id) == brand(),
        col(Share.account_id) == col(Account.id),
        col(Share.store_id) == days.c.store_id,
        _during(days, col(Share.created_at)),
    )
    begins = case((col(Cover.starts_at) > days.c.since, col(Cover.starts_at)), else_=days.c.since)
    ends = case((col(Cover.ends_at) < days.c.until, col(Cover.ends_at)), else_=days.c.until)
    # One leave may follow on another, with another delegate; no two of one guide overlap.
    away = (
        select(func.coalesce(func.sum(seconds_between(ends, begins)), 0))
        .where(
            col(Cover.brand_id) == brand(),
            col(Cover.store_id) == days.c.store_id,
            col(Cover.staff_id) == col(Assignment.staff_id),
            col(Cover.state) != CoverState.CANCELLED,
            col(Cover.starts_at) < days.c.until,
            col(Cover.ends_at) > days.c.since,
        )
        .correlate(days, Assignment)
        .scalar_subquery()
    )
    return (
        _line(days, col(Account.id), {"at_work": literal(1), "sharers": one(shared)})
        .join(
            Assignment,
            and_(
                col(Assignment.store_id) == days.c.store_id,
                col(Assignment.starts_at) < days.c.until,
                or_(col(Assignment.ends_at).is_(None), col(Assignment.ends_at) > days.c.since),
            ),
        )
        .join(Staff, and_(col(Staff.brand_id) == brand(), col(Staff.id) == col(Assignment.staff_id)))
        .join(Account, _account_of(days, col(Assignment.staff_id)))
        .where(
            col(Assignment.brand_id) == brand(),
            col(Assignment.role) == Role.GUIDE,
            or_(col(Staff.access_closed_at).is_(None), col(Staff.access_closed_at) > days.c.since),
            away < seconds_between(days.c.until, days.c.since),
        )
        # Who worked there twice in a day is one guide.
        .distinct()
    )


def _links(days: FromClause) -> Select[*tuple[Any, ...]]:
    made = and_(col(Share.store_id) == days.c.store_id, _during(days, col(Share.created_at)))
    return (
        _line(days, col(Share.account_id), {"links": literal(1)})
        .join(Share, made)
        .where(col(Share.brand_id) == brand())
    )


def _opens(days: FromClause) -> Select[*tuple[Any, ...]]:
    # Nobody follows a link that isn't there yet, or leads nowhere any more.
    lives = and_(col(Share.created_at) < days.c.until, col(Share.expires_at) >= days.c.since)
    opened = and_(
        col(ShareOpen.brand_id) == brand(),
        col(ShareOpen.share_id) == col(Share.id),
        _during(days, col(ShareOpen.opened_at)),
    )
    return (
        _line(days, col(Share.account_id), {"link_opens": func.coalesce(col(ShareOpen.stands_for), 1)})
        .join(Share, and_(col(Share.store_id) == days.c.store_id, lives))
        .join(ShareOpen, opened)
        .where(col(Share.brand_id) == brand())
    )


def _link_orders(orders: FromClause) -> Select[*tuple[Any, ...]]:
    """Orders that came through a link, in the store where they were made; the link may be another store's."""
    values = {"link_orders": literal(1), "link_gross": orders.c.amount}
    its = and_(col(Share.brand_id) == brand(), col(Share.id) == orders.c.share_id)
    return _line(orders, col(Share.account_id), values).join(Share, its)


def _tasks(days: FromClause) -> Select[*tuple[Any, ...]]:
    """Tasks by the day on which they were due; what was taken back was never due."""
    due = and_(col(Task.store_id) == days.c.store_id, _during(days, col(Task.due_at)))
    return (
        _line(days, col(Task.account_id), TASKS)
        .join(Task, due)
        .where(col(Task.brand_id) == brand(), col(Task.state) != TaskState.CANCELLED)
    )


def _added(days: FromClause) -> Select[*tuple[Any, ...]]:
    """Relationships that began, by who held them first; what goes on from a store that closed is no beginning.

    That one is held because of a handover from its first day on. Another one may have become part of what began here,
    and a closing may be taken back: neither changes where a relationship began.
    """
    before = aliased(Holding)
    is_later = exists().where(
        col(before.brand_id) == brand(),
        col(before.relationship_id) == col(Holding.relationship_id),
        or_(
            col(before.from_at) < col(Holding.from_at),
            and_(col(before.from_at) == col(Holding.from_at), col(before.id) < col(Holding.id)),
        ),
    )
    began = and_(col(Relationship.store_id) == days.c.store_id, _during(days, col(Relationship.created_at)))
    return (
        _line(days, col(Holding.account_id), {"customers_added": literal(1)})
        .join(Relationship, began)
        .join(Holding, and_(col(Holding.brand_id) == brand(), col(Holding.relationship_id) == col(Relationship.id)))
        .where(col(Relationship.brand_id) == brand(), col(Holding.reason) != HoldingReason.HANDOVER, ~is_later)
    )


def _lost(days: FromClause) -> Select[*tuple[Any, ...]]:
    """Contacts that the customer ended, and has not begun again."""
    gone = and_(
        col(ContactLink.brand_id) == brand(),
        col(ContactLink.account_id) == col(Account.id),
        col(ContactLink.gone_why) == GoneWhy.BY_CUSTOMER,
        _during(days, col(ContactLink.gone_at)),
    )
    return (
        _line(days, col(Account.id), {"customers_lost": literal(1)})
        .join(Account, col(Account.store_id) == days.c.store_id)
        .join(ContactLink, gone)
        .where(col(Account.brand_id) == brand())
    )


def _answers(orders: FromClause) -> Select[*tuple[Any, ...]]:
    """Orders of the day that somebody turned to, and how long they had waited since they were paid."""
    took = seconds_between(orders.c.answered_at, orders.c.paid_at)
    waited = case((took > 0, took), else_=0)
    return (
        _line(orders, col(Account.id), {"answers": literal(1), "answer_seconds": waited})
        .outerjoin(Account, _account_of(orders, orders.c.answered_by_id))
        .where(orders.c.answered_at.is_not(None), orders.c.paid_at.is_not(None))
    )


def _commission(days: FromClause) -> Select[*tuple[Any, ...]]:
    """What the ledger says was earned; what the store bears is in nobody's row but the store's."""
    theirs = and_(col(Account.brand_id) == brand(), col(Account.staff_id) == col(CommissionEntry.staff_id))
    one = select(col(Account.id)).where(theirs).order_by(col(Account.id)).limit(1).correlate(CommissionEntry)
    here = one.where(col(Account.store_id) == col(CommissionEntry.store_id))
    # Who earned it elsewhere has their account there.
    who = case(
        (col(CommissionEntry.is_borne_by_store), None),
        else_=func.coalesce(here.scalar_subquery(), one.scalar_subquery()),
    )
    posted = and_(col(CommissionEntry.store_id) == days.c.store_id, col(CommissionEntry.day) == days.c.day)
    return (
        _line(days, who, {"commission": col(CommissionEntry.amount)})
        .join(CommissionEntry, posted)
        .where(col(CommissionEntry.brand_id) == brand())
    )


def _checks(days: FromClause) -> Select[*tuple[Any, ...]]:
    """Tags that an audit found right or wrong, by who had set them, on the day on which that was known."""
    known_at = func.coalesce(col(AuditItem.answered_at), col(TagAudit.drawn_at))
    return (
        _line(
            days,
            col(Account.id),
            {"tags_checked": literal(1), "tags_right": one(col(AuditItem.verdict) == Verdict.RIGHT)},
        )
        .join(AuditItem, col(AuditItem.store_id) == days.c.store_id)
        .join(TagAudit, and_(col(TagAudit.brand_id) == brand(), col(TagAudit.id) == col(AuditItem.audit_id)))
        .outerjoin(Account, _account_of(days, col(AuditItem.setter_id)))
        .where(
            col(AuditItem.brand_id) == brand(),
            col(AuditItem.verdict).in_((Verdict.RIGHT, Verdict.WRONG)),
            _during(days, known_at),
        )
    )


def _account_of(days: FromClause, staff_id: Any) -> ColumnElement[bool]:
    """The account that somebody has in the store."""
    return and_(
        col(Account.brand_id) == brand(),
        col(Account.store_id) == days.c.store_id,
        col(Account.staff_id) == staff_id,
    )


def _during(days: FromClause, instant: Any) -> ColumnElement[bool]:
    return and_(instant >= days.c.since, instant < days.c.until)
