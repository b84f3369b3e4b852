"""What was done in stores, worked out of all base rows in plain Python: no code shared with the product."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

from customers.models import ContactLink, Holding, Relationship
from directory.models import Account, Assignment, Cover, Staff
from kpi.models import KpiStore
from mall.models import CommissionEntry, Share, ShareOpen
from tagging.models import AuditItem, TagAudit
from tasks.models import Task
from tests.kpi.base_rows import DAY, Base, Part, counted, listed, order_day

SECOND = timedelta(seconds=1)
TURNING_TO_SOMEBODY = ("revisit", "retention", "welcome", "campaign", "order_follow_up")
REACHED = ("reached", "appointment", "bought", "not_interested")

Line = tuple[UUID, date, UUID | None, dict[str, int]]
"""What one base row adds to a day of a store, and to the account that has to do with it."""


def work(base: Base) -> Iterator[Part]:
    """All that was done, for the store and for the account that has to do with it."""
    public = base.public()
    lines = (_at_work, _links, _link_orders, _tasks, _added, _lost, _answers, _commission, _checks)
    for each in lines:
        for store, day, account, values in each(base):
            yield ("kpi_work", "store", store, public[store]), day, values
            if account is not None:
                yield ("kpi_work", "account", store, account), day, values


def _at_work(base: Base) -> Iterator[Line]:
    """Guides who worked there on some of the day, with access, and not on leave all of it; who of them shared."""
    staff, last = base.by_id(Staff), {row.store_id: row.last for row in base.of(KpiStore)}
    found: set[tuple[UUID, date, UUID]] = set()
    for work in base.of(Assignment):
        if work.role != "guide" or work.store_id not in last:
            continue
        account = base.account_in(work.store_id, work.staff_id)
        shut = staff[work.staff_id].access_closed_at
        ends = [at for at in (work.ends_at, shut) if at is not None]
        for day in _days(base.day(work.store_id, work.starts_at), last[work.store_id]):
            zone = base.zone(work.store_id)
            since, until = first_instant(zone, day), first_instant(zone, day + DAY)
            # Whoever goes at midnight was not there on the day that begins then.
            was_there = since < until and not any(end <= since for end in ends)
            if account and was_there and not _is_away(base, work.staff_id, work.store_id, since, until):
                found.add((work.store_id, day, account))
    makers = {
        (share.store_id, base.day(share.store_id, share.created_at), share.account_id) for share in base.of(Share)
    }
    yield from ((*one, {"at_work": 1, "sharers": one in makers}) for one in found)


def _is_away(base: Base, staff_id: UUID, store_id: UUID, since: datetime, until: datetime) -> bool:
    """Whether leave lasts all day, with one delegate or several after each other."""
    leave = sorted(
        (cover.starts_at, cover.ends_at)
        for cover in base.of(Cover)
        if (cover.staff_id, cover.store_id) == (staff_id, store_id) and cover.state != "cancelled"
    )
    at = since
    for starts_at, ends_at in leave:
        if starts_at <= at < ends_at:
            at = ends_at
    return at >= until


def _links(base: Base) -> Iterator[Line]:
    """Links made and followed."""
    shares = base.by_id(Share)
    for share in shares.values():
        yield share.store_id, base.day(share.store_id, share.created_at), share.account_id, {"links": 1}
    for opened in base.of(ShareOpen):
        share = shares[opened.share_id]
        many = {"link_opens": 1 if opened.stands_for is None else opened.stands_for}
        yield share.store_id, base.day(share.store_id, opened.opened_at), share.account_id, many


def _link_orders(base: Base) -> Iterator[Line]:
    shares = base.by_id(Share)
    for order in counted(base):
        if order.share_id is not None:
            its = {"link_orders": 1, "link_gross": order.amount}
            yield order.store_id, order_day(base, order), shares[order.share_id].account_id, its


def _tasks(base: Base) -> Iterator[Line]:
    for task in base.of(Task):
        if task.state == "cancelled":
            continue
        done, contact = task.state == "done", task.kind in TURNING_TO_SOMEBODY and task.customer_id is not None
        bought = done and (task.outcome == "bought" or task.closed_by_order_id is not None)
        values = {
            "tasks_due": 1,
            "tasks_done": done,
            "tasks_on_time": done and task.closed_at <= task.due_at,
            "contacts_due": contact,
            "contacts_reached": contact and done and (bought or task.outcome in REACHED),
            "contacts_bought": contact and bought,
        }
        yield task.store_id, base.day(task.store_id, task.due_at), task.account_id, values


def _added(base: Base) -> Iterator[Line]:
    """Relationships that began in the store: what went on there from another one began in that one."""
    holdings = listed(base.of(Holding), "relationship_id")
    for relationship in base.of(Relationship):
        store = relationship.store_id
        if holdings[relationship.id]:
            first = min(holdings[relationship.id], key=lambda each: (each.from_at, each.id))
            if first.reason != "handover":
                yield store, base.day(store, relationship.created_at), first.account_id, {"customers_added": 1}


def _lost(base: Base) -> Iterator[Line]:
    accounts = base.by_id(Account)
    for link in base.of(ContactLink):
        if link.gone_at is not None and link.gone_why == "by_customer":
            store = accounts[link.account_id].store_id
            yield store, base.day(store, link.gone_at), link.account_id, {"customers_lost": 1}


def _answers(base: Base) -> Iterator[Line]:
    for order in counted(base):
        if order.answered_at is not None and order.paid_at is not None:
            waited = order.answered_at.replace(microsecond=0) - order.paid_at.replace(microsecond=0)
            who = base.account_in(order.store_id, order.answered_by_id)
            values = {"answers": 1, "answer_seconds": max(waited // SECOND, 0)}
            yield order.store_id, order_day(base, order), who, values


def _commission(base: Base) -> Iterator[Line]:
    for entry in base.of(CommissionEntry):
        who = None
        if not entry.is_borne_by_store:
            elsewhere = sorted(row.id for row in base.of(Account) if row.staff_id == entry.staff_id)
            who = base.account_in(entry.store_id, entry.staff_id) or next(iter(elsewhere), None)
        yield entry.store_id, entry.day, who, {"commission": entry.amount}


def _checks(base: Base) -> Iterator[Line]:
    audits = base.by_id(TagAudit)
    for item in base.of(AuditItem):
        if item.verdict in ("right", "wrong"):
            at = item.answered_at if item.answered_at is not None else audits[item.audit_id].drawn_at
            who = base.account_in(item.store_id, item.setter_id)
            values = {"tags_checked": 1, "tags_right": item.verdict == "right"}
            yield item.store_id, base.day(item.store_id, at), who, values


def _days(first: date, last: date) -> Iterator[date]:
    return (first + number * DAY for number in range((last - first).days + 1))


@cache
def first_instant(zone: str, day: date) -> datetime:
    """The first at which the calendar on the wall says so, found by halving: no calendar here goes back a day."""
    early = datetime(day.year, day.month, day.day, tzinfo=UTC) - 2 * DAY
    late = early + 4 * DAY
    while late - early > timedelta(microseconds=1):
        middle = early + (late - early) // 2
        if middle.astimezone(ZoneInfo(zone)).date() < day:
            early = middle
        else:
            late = middle
    return late
