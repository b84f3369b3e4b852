"""Which days of stores have to be counted again when something happens below: marks, in the commit of what happened."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from customers.events import ContactsLost, RelationshipAdded, RelationshipsLoaded
from directory.events import (
    CoverArranged,
    CoverDated,
    CoverEnded,
    CoverStarted,
    StaffAccessClosed,
    StaffAccessReopened,
    StaffDeparted,
    StaffHired,
    StaffLeaving,
    StaffMoved,
    StoreEdited,
)
from kernel import clock
from kernel.work import Work
from kpi.commands.marking import mark, mark_ranges
from kpi.queries import touched
from kpi.queries.touched import Moment
from mall.events import (
    CommissionCaughtUp,
    OrderChanged,
    OrderPlaced,
    PurchasesLoaded,
    RefundRecorded,
    ShareMade,
    ShareOpened,
)
from tagging.events import AuditDrawn, TagQuestionClosed
from tasks.events import (
    TaskAdded,
    TaskCancelled,
    TaskCompleted,
    TaskExpired,
    TaskMoved,
    TaskSkipped,
    TaskSnoozed,
)


async def mark_orders(work: Work, events: Sequence[OrderPlaced | OrderChanged]) -> None:
    """The days on which the orders and their refunds count, and those on which the orders counted before.

    Today, too: commission that is put right is posted today, whatever day the order is of.
    """
    days = await touched.by_orders(work.session, work.actor.brand_id, {event.order_id for event in events})
    await _mark_today(work, {event.store_id for event in events if isinstance(event, OrderChanged)})
    was_on = {
        (event.store_id, event.was_on)
        for event in events
        if isinstance(event, OrderChanged) and event.was_on is not None
    }
    await mark(work, days | was_on)


async def mark_refunds(work: Work, events: Sequence[RefundRecorded]) -> None:
    """The days of the refunds, of their orders, and those on which the refunds counted before; and today, likewise."""
    session, brand_id = work.session, work.actor.brand_id
    days = await touched.by_refunds(session, brand_id, {event.refund_id for event in events})
    order_ids = {event.order_id for event in events if event.order_id is not None}
    if order_ids:
        days |= await touched.by_orders(session, brand_id, order_ids)
    days |= {(event.store_id, event.was_on) for event in events if event.was_on is not None}
    await _mark_today(work, {event.store_id for event in events})
    await mark(work, days)


async def mark_loaded(work: Work, events: Sequence[PurchasesLoaded | CommissionCaughtUp]) -> None:
    await mark(work, {each for event in events for each in event.store_days})


async def mark_links(work: Work, events: Sequence[ShareMade | ShareOpened]) -> None:
    stores = await touched.by_links(work.session, work.actor.brand_id, {event.share_id for event in events})
    await _mark_moments(work, ((stores[event.share_id], event.at) for event in events if event.share_id in stores))


async def mark_tasks(work: Work, events: Sequence[Any]) -> None:
    """The days on which the tasks are due, where they are kept and were kept, and those on which they were due."""
    session, brand_id = work.session, work.actor.brand_id
    due = await touched.by_tasks(session, brand_id, {event.task_id for event in events})
    moments = set(due.values())
    moments |= {
        (due[event.task_id][0], event.was_due_at)
        for event in events
        if isinstance(event, TaskSnoozed) and event.task_id in due
    }
    moved = [event for event in events if isinstance(event, TaskMoved) and event.task_id in due]
    if moved:
        stores = await touched.by_accounts(session, brand_id, {event.from_account_id for event in moved})
        moments |= {
            (stores[event.from_account_id], due[event.task_id][1]) for event in moved if event.from_account_id in stores
        }
    await _mark_moments(work, moments)


async def mark_added(work: Work, events: Sequence[RelationshipAdded]) -> None:
    relationship_ids = {event.relationship_id for event in events}
    await _mark_moments(work, await touched.by_relationships(work.session, work.actor.brand_id, relationship_ids))


async def mark_begun(work: Work, events: Sequence[RelationshipsLoaded]) -> None:
    await _mark_moments(work, {each for event in events for each in event.moments})


async def mark_lost(work: Work, events: Sequence[ContactsLost]) -> None:
    session, brand_id = work.session, work.actor.brand_id
    lost = {each for event in events for each in event.moments}
    stores = await touched.by_accounts(session, brand_id, {account_id for account_id, _ in lost})
    await _mark_moments(work, {(stores[account_id], at) for account_id, at in lost if account_id in stores})


async def mark_staff(work: Work, events: Sequence[Any]) -> None:
    """Today, where somebody begins or ends to work."""
    stores = {event.store_id for event in events} | {
        event.from_store_id for event in events if isinstance(event, StaffMoved)
    }
    await _mark_today(work, {store_id for store_id in stores if store_id is not None})


async def mark_come_back(work: Work, events: Sequence[StaffAccessReopened]) -> None:
    """Whose access was closed was not at work, and was so after all if that is taken back."""
    session, brand_id = work.session, work.actor.brand_id
    since = await touched.worked_since(session, brand_id, {event.staff_id for event in events})
    today = {(store_id, clock.now()) for store_id, _ in since}
    ends = dict(await touched.days_of(session, brand_id, today))
    begins = await touched.days_of(session, brand_id, since)
    await mark_ranges(work, [(store_id, day, ends[store_id]) for store_id, day in sorted(begins)])


async def mark_covers(work: Work, events: Sequence[Any]) -> None:
    await _mark_today(
        work,
        await touched.by_covers(work.session, work.actor.brand_id, {event.cover_id for event in events}),
    )


async def mark_checks(work: Work, events: Sequence[TagQuestionClosed | AuditDrawn]) -> None:
    audit_ids = {event.audit_id for event in events if isinstance(event, AuditDrawn)}
    item_ids = {event.question_id for event in events if isinstance(event, TagQuestionClosed)}
    stores = await touched.by_audits(work.session, work.actor.brand_id, audit_ids=audit_ids, item_ids=item_ids)
    await _mark_today(work, stores)


async def mark_edited(work: Work, events: Sequence[StoreEdited]) -> None:
    """A store's clock, hours and city say how each of its days counts."""
    store_ids = {event.store_id for event in events}
    await mark_ranges(work, await touched.counted(work.session, work.actor.brand_id, store_ids))


MARKED: dict[type, Callable[[Work, Sequence[Any]], Awaitable[None]]] = {
    OrderPlaced: mark_orders,
    OrderChanged: mark_orders,
    RefundRecorded: mark_refunds,
    PurchasesLoaded: mark_loaded,
    CommissionCaughtUp: mark_loaded,
    ShareMade: mark_links,
    ShareOpened: mark_links,
    **dict.fromkeys(
        (TaskAdded, TaskSnoozed, TaskMoved, TaskCompleted, TaskSkipped, TaskExpired, TaskCancelled), mark_tasks
    ),
    RelationshipAdded: mark_added,
    RelationshipsLoaded: mark_begun,
    ContactsLost: mark_lost,
    **dict.fromkeys((StaffHired, StaffMoved, StaffAccessClosed, StaffDeparted, StaffLeaving), mark_staff),
    StaffAccessReopened: mark_come_back,
    **dict.fromkeys((CoverArranged, CoverDated, CoverStarted, CoverEnded), mark_covers),
    TagQuestionClosed: mark_checks,
    AuditDrawn: mark_checks,
    StoreEdited: mark_edited,
}
"""Of which events days are marked; nothing else changes what is counted."""


async def _mark_today(work: Work, store_ids: Collection[UUID]) -> None:
    at = clock.now()
    await _mark_moments(work, ((store_id, at) for store_id in store_ids))


async def _mark_moments(work: Work, moments: Iterable[Moment]) -> None:
    await mark(work, await touched.days_of(work.session, work.actor.brand_id, moments))
