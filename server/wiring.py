"""Who hears of what, and what follows from it: plain tables from event to marks, feeds and jobs."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

import customers.policy
import directory.policy
import handover.commands.chats
import handover.commands.departing
import handover.commands.listening
import handover.commands.moving
import handover.commands.planning
import handover.commands.settling
import handover.commands.watching
import handover.commands.welcoming
import handover.jobs
import handover.policy
import handover.reactions
import intake.commands.hooks
import intake.commands.inbox
import intake.jobs
import intake.policy
import kpi.policy
import kpi.reactions
import mall.commands.commission.catching_up
import mall.commands.commission.periods
import mall.policy
import mall.reactions
import server.handing_over
import tagging.commands.merge
import tagging.commands.nights
import tagging.commands.redating
import tagging.commands.rules
import tagging.policy
import tagging.queries.upkeep
import tagging.reactions
import tasks.commands.answering
import tasks.commands.handing_out
import tasks.commands.plans
import tasks.commands.settling
import tasks.commands.tending
import tasks.policy
import tasks.reactions
from customers.events import (
    ContactsLost,
    CustomerChanged,
    DepartureReported,
    NoteAdded,
    NoteEdited,
    PhoneRevealed,
    PrimaryChanged,
    ReachLost,
    RelationshipAdded,
    RelationshipReassigned,
    RelationshipsLoaded,
    RelationshipSucceeded,
    RemarkChanged,
    ThingsLeft,
    VisitNoted,
)
from directory.events import (
    CoverArranged,
    CoverDated,
    CoverEnded,
    CoverStarted,
    PasswordReset,
    RegionAdded,
    RegionMoved,
    RegionRenamed,
    StaffAccessClosed,
    StaffAccessReopened,
    StaffDeparted,
    StaffHired,
    StaffLeaving,
    StaffMoved,
    StaffRenamed,
    StaffStays,
    StoreEdited,
    StoreOpened,
    StoreReopened,
    StoreShut,
)
from handover.events import AlertLookedInto, AlertRaised, ContactDeleted, PartnerMemberLeft, ReportExported
from intake.events import (
    ImportApplied,
    ImportBegun,
    ImportForgotten,
    ImportLeftBehind,
    ImportMovedOn,
    ImportTakenOver,
)
from kernel import feed, jobs
from kernel.crypto import Vault
from kernel.work import Event, Work
from kpi.commands.sending import POST
from kpi.events import NoticeSent, NoticesSeen
from mall.events import (
    CommissionCaughtUp,
    CommissionExported,
    CreditChanged,
    CreditCorrected,
    CreditDecided,
    OrderAnswered,
    OrderCancelled,
    OrderChanged,
    OrderCompleted,
    OrderPaid,
    OrderPlaced,
    ProfileRefreshed,
    PurchasesLoaded,
    RefundCharged,
    RefundRecorded,
    RefundVoided,
    ServingMoved,
    ShareMade,
    ShareOpened,
)
from server.listing_chats import list_chats
from server.planning_handovers import plan_handover
from server.settling import PartnerOf, settle
from tagging.events import (
    AuditDrawn,
    CustomerTagsChanged,
    MembersExported,
    TagChanged,
    TagCheckSettled,
    TagGroupChanged,
    TagQuestionAsked,
    TagQuestionClosed,
    TagRetired,
    TagsTakenOff,
    TagsWentStale,
)
from tasks.events import (
    TaskAdded,
    TaskCancelled,
    TaskCompleted,
    TaskEscalated,
    TaskExpired,
    TaskMoved,
    TaskSeen,
    TaskSkipped,
    TaskSnoozed,
    WorkbenchArranged,
    WorkbenchDefaultSet,
)

Mark = Callable[[Work, Sequence[Any]], Awaitable[None]]
SeenBy = Callable[[AsyncSession, UUID, Sequence[Any]], Awaitable[list[feed.Entry]]]
Reaction = Callable[[Any], jobs.Request | None]
LastResort = Callable[..., Awaitable[None]]
Errand = Callable[..., Awaitable[None]]

SEEN_BY: dict[type, SeenBy] = {
    RegionAdded: directory.policy.seen_by_nobody,
    RegionRenamed: directory.policy.seen_by_nobody,
    RegionMoved: directory.policy.seen_by_nobody,
    StoreOpened: directory.policy.store_seen_by,
    StoreEdited: directory.policy.store_seen_by,
    StoreShut: directory.policy.store_seen_by,
    StoreReopened: directory.policy.store_seen_by,
    StaffHired: directory.policy.staff_seen_by,
    StaffRenamed: directory.policy.staff_seen_by,
    StaffMoved: intake.policy.staff_moved_seen_by,
    PasswordReset: directory.policy.staff_seen_by,
    StaffAccessClosed: directory.policy.staff_seen_by,
    StaffAccessReopened: directory.policy.staff_seen_by,
    StaffDeparted: directory.policy.staff_seen_by,
    StaffLeaving: directory.policy.staff_seen_by,
    StaffStays: directory.policy.staff_seen_by,
    CoverArranged: directory.policy.covers_seen_by,
    CoverDated: directory.policy.covers_seen_by,
    CoverStarted: directory.policy.covers_seen_by,
    CoverEnded: directory.policy.covers_seen_by,
    # What it changes of somebody is told by itself.
    DepartureReported: directory.policy.seen_by_nobody,
    # Whether it was too much is found out in the same commit.
    PhoneRevealed: directory.policy.seen_by_nobody,
    ReachLost: directory.policy.seen_by_nobody,
    TagsTakenOff: directory.policy.seen_by_nobody,
    MembersExported: directory.policy.seen_by_nobody,
    CommissionExported: directory.policy.seen_by_nobody,
    ReportExported: directory.policy.seen_by_nobody,
    AlertRaised: handover.policy.alerts_seen_by,
    AlertLookedInto: handover.policy.alerts_seen_by,
    NoticeSent: kpi.policy.notices_seen_by,
    NoticesSeen: kpi.policy.notices_seen_by,
    CustomerChanged: customers.policy.customer_seen_by,
    RelationshipAdded: customers.policy.seen_by,
    RelationshipReassigned: customers.policy.moved_seen_by,
    RelationshipSucceeded: customers.policy.succeeded_seen_by,
    ThingsLeft: customers.policy.left_seen_by,
    RemarkChanged: customers.policy.seen_by,
    PrimaryChanged: customers.policy.seen_by,
    NoteAdded: customers.policy.record_seen_by,
    NoteEdited: customers.policy.record_seen_by,
    VisitNoted: customers.policy.record_seen_by,
    OrderPlaced: mall.policy.seen_by,
    OrderChanged: mall.policy.seen_by,
    # The order itself says so: placed as paid, or changed.
    OrderPaid: directory.policy.seen_by_nobody,
    OrderCompleted: directory.policy.seen_by_nobody,
    OrderCancelled: directory.policy.seen_by_nobody,
    OrderAnswered: directory.policy.seen_by_nobody,
    CreditDecided: mall.policy.credits_seen_by,
    CreditChanged: mall.policy.credits_seen_by,
    CreditCorrected: mall.policy.credits_seen_by,
    ServingMoved: mall.policy.seen_by,
    RefundRecorded: mall.policy.seen_by,
    RefundVoided: mall.policy.seen_by,
    RefundCharged: mall.policy.seen_by,
    PurchasesLoaded: directory.policy.seen_by_nobody,
    CommissionCaughtUp: directory.policy.seen_by_nobody,
    ShareMade: directory.policy.seen_by_nobody,
    ShareOpened: directory.policy.seen_by_nobody,
    RelationshipsLoaded: directory.policy.seen_by_nobody,
    ContactsLost: directory.policy.seen_by_nobody,
    AuditDrawn: directory.policy.seen_by_nobody,
    ProfileRefreshed: directory.policy.seen_by_nobody,
    CustomerTagsChanged: tagging.policy.seen_by,
    TagsWentStale: directory.policy.seen_by_nobody,
    TagCheckSettled: directory.policy.seen_by_nobody,
    TagRetired: directory.policy.seen_by_nobody,
    TagChanged: tagging.policy.seen_by,
    TagGroupChanged: tagging.policy.seen_by,
    # A question is no news by itself: a task says that it is there, and it is read when it is opened.
    TagQuestionAsked: directory.policy.seen_by_nobody,
    TagQuestionClosed: directory.policy.seen_by_nobody,
    # Managers hear of alerts that come of it, and of departures.
    ContactDeleted: directory.policy.seen_by_nobody,
    PartnerMemberLeft: directory.policy.seen_by_nobody,
    ImportBegun: intake.policy.seen_by,
    ImportMovedOn: intake.policy.seen_by,
    ImportLeftBehind: intake.policy.seen_by,
    ImportTakenOver: intake.policy.seen_by,
    ImportForgotten: intake.policy.seen_by,
    ImportApplied: intake.policy.seen_by_nobody,
    WorkbenchArranged: tasks.policy.workbench_seen_by,
    WorkbenchDefaultSet: tasks.policy.workbench_seen_by,
    TaskAdded: tasks.policy.seen_by,
    TaskSeen: tasks.policy.seen_by,
    TaskSnoozed: tasks.policy.seen_by,
    TaskMoved: tasks.policy.seen_by,
    TaskEscalated: tasks.policy.seen_by,
    TaskCompleted: tasks.policy.seen_by,
    TaskSkipped: tasks.policy.seen_by,
    TaskExpired: tasks.policy.seen_by,
    TaskCancelled: tasks.policy.seen_by,
}

_ON_ORDERS: tuple[Mark, ...] = (
    # First: what is marked is looked at by what the profiles say.
    mall.reactions.refresh_profiles,
    tagging.reactions.mark_behaviour,
)

# Rows in the same commit that say what has to be looked at again, or jobs where it takes a look to know that one is
# wanted. A mark says nothing: it records no event.
_MARKS: dict[type, tuple[Mark, ...]] = {
    **dict.fromkeys(handover.reactions.WATCHED, (handover.reactions.watch,)),
    ContactDeleted: (handover.reactions.watch_contacts,),
    CustomerChanged: (tagging.reactions.mark_for_segments,),
    RelationshipAdded: (tagging.reactions.mark_for_segments,),
    RelationshipSucceeded: (tagging.reactions.mark_for_segments,),
    VisitNoted: (tagging.reactions.mark_behaviour,),
    OrderPlaced: _ON_ORDERS,
    # A refund that is void is told with a change of its order.
    OrderPaid: (
        mall.reactions.post_commission,
        tasks.reactions.settle_where_asked,
        tasks.reactions.time_answers,
    ),
    CreditCorrected: (mall.reactions.post_commission,),
    OrderChanged: (*_ON_ORDERS, mall.reactions.post_commission),
    RefundRecorded: (*_ON_ORDERS, mall.reactions.post_commission),
    PurchasesLoaded: (mall.reactions.mark_profiles,),
    ProfileRefreshed: (tagging.reactions.mark_behaviour,),
    CustomerTagsChanged: (tagging.reactions.mark_for_segments,),
    StoreEdited: (tagging.reactions.mark_moved_stores,),
    ImportBegun: (tagging.reactions.distrust_segments,),
    ImportMovedOn: (tagging.reactions.distrust_segments,),
    ImportApplied: (tagging.reactions.distrust_segments,),
}

# Figures come last: what the others post in this commit is counted as well.
MARKS: dict[type, tuple[Mark, ...]] = {
    event: (*_MARKS.get(event, ()), *((kpi.reactions.MARKED[event],) if event in kpi.reactions.MARKED else ()))
    for event in {**_MARKS, **kpi.reactions.MARKED}
}

REACTIONS: dict[type, tuple[Reaction, ...]] = {
    DepartureReported: (handover.reactions.on_departure_reported,),
    PartnerMemberLeft: (handover.reactions.on_member_left,),
    OrderCompleted: (tasks.reactions.on_order_completed,),
    OrderCancelled: (tasks.reactions.on_order_cancelled,),
    OrderAnswered: (tasks.reactions.on_order_answered,),
    TagsWentStale: (tasks.reactions.on_tags_went_stale,),
    TagCheckSettled: (tasks.reactions.on_tag_check_settled,),
    TagRetired: (tasks.reactions.on_tag_retired,),
    ImportApplied: (
        mall.reactions.on_import_applied,
        mall.reactions.catch_up_on_import,
        tasks.reactions.on_import_applied,
    ),
    TagQuestionAsked: (tasks.reactions.on_question_asked,),
    TagQuestionClosed: (tasks.reactions.on_question_closed,),
}

HANDLERS: dict[str, jobs.Handler] = {
    handover.commands.listening.HEAR: handover.jobs.hear,
    handover.commands.departing.PREPARE: handover.reactions.prepare,
    handover.commands.departing.NOTE_LEFT: handover.reactions.note_left,
    handover.commands.watching.RAISE: handover.reactions.raise_alert,
    intake.commands.hooks.GO_ON: intake.jobs.go_on,
    mall.reactions.REFRESH_DUE: mall.reactions.refresh_due_profiles,
    mall.commands.commission.catching_up.CATCH_UP: mall.reactions.catch_up_commission,
    mall.commands.commission.periods.FREEZE: mall.reactions.freeze_commission,
    tasks.commands.settling.SETTLE_BY_ORDER: tasks.reactions.settle_by_order,
    tasks.reactions.SETTLE_BY_LOADED: tasks.reactions.settle_by_loaded,
    tasks.commands.answering.ASK_FOR_ANSWER: tasks.reactions.ask_for_answer,
    tasks.reactions.CLOSE_ANSWERED: tasks.reactions.close_answered,
    tasks.reactions.CLOSE_MOOT: tasks.reactions.close_moot,
    tasks.reactions.FOLLOW_UP_ORDER: tasks.reactions.follow_up_order,
    tasks.commands.tending.TEND_STORE: tasks.reactions.tend_store,
    tasks.reactions.CHECK_TAGS: tasks.reactions.check_tags,
    tasks.reactions.CLOSE_CHECK: tasks.reactions.close_check,
    tasks.reactions.CLOSE_CHECKS_OF_TAG: tasks.reactions.close_checks_of_tag,
    tasks.reactions.SHOW_QUESTION: tasks.reactions.show_question,
    tasks.reactions.CLOSE_QUESTION: tasks.reactions.close_question,
    tasks.commands.plans.PLAN_STORE: tasks.reactions.plan_store,
    tasks.commands.handing_out.HAND_OUT: tasks.reactions.hand_out_campaign,
    tasks.commands.handing_out.HAND_OUT_IN: tasks.reactions.hand_out_campaign_in,
    tasks.commands.handing_out.CLOSE_OFF: tasks.reactions.close_campaign_off,
    tasks.commands.handing_out.TAKE_BACK: tasks.reactions.take_campaign_back,
    tagging.commands.nights.GO_ON: tagging.reactions.go_on_with_night,
    tagging.commands.merge.MOVE_MERGED: tagging.reactions.move_merged,
    tagging.commands.redating.REDATE: tagging.reactions.redate,
    tagging.commands.rules.GO_THROUGH: tagging.reactions.go_through_customers,
    tagging.queries.upkeep.GO_ON: tagging.reactions.go_on_with_segments,
}

# Jobs that open what is sealed.
SEALED: dict[str, Callable[..., Awaitable[None]]] = {
    intake.commands.inbox.APPLY: intake.jobs.apply_message,
    intake.commands.inbox.LOOK_AGAIN: intake.jobs.look_again,
}

# What is said of a job that failed every time, instead of leaving it among those that failed.
LAST_RESORTS: dict[str, LastResort] = {
    intake.commands.inbox.APPLY: intake.jobs.give_up,
    intake.commands.inbox.LOOK_AGAIN: intake.jobs.give_up,
}

# Jobs that read much: the reading comes first, and locks nothing.
PREPARATIONS: dict[str, jobs.Preparation] = {
    tasks.commands.plans.PLAN_STORE: tasks.reactions.draft_plan,
    tasks.commands.handing_out.HAND_OUT_IN: tasks.reactions.draft_campaign_in,
}


# Jobs of many short units of work, which they open themselves; each minds by itself who else is at it. What is left
# when its time is over, it asks for anew.
ERRANDS: dict[str, Errand] = {
    handover.commands.moving.MOVE: server.handing_over.move,
    handover.commands.welcoming.WELCOME: server.handing_over.welcome,
    handover.commands.planning.PLAN: plan_handover,
}


def errands(partner_of: PartnerOf, post: Errand) -> Mapping[str, Errand]:
    """Those, and the ones that ask the partner, or post to whoever wants to hear."""
    return ERRANDS | {
        POST: post,
        handover.commands.settling.SETTLE: partial(settle, partner_of),
        handover.commands.chats.LIST: partial(list_chats, partner_of),
    }


def handlers(vault: Vault) -> Mapping[str, jobs.Handler]:
    """Every job, and what carries it out."""
    return HANDLERS | {name: partial(handler, vault) for name, handler in SEALED.items()}


class Table:
    """The wiring as the unit of work asks for it."""

    async def mark(self, work: Work) -> None:
        """Each mark is made once, with all the events that it is for."""
        by_mark: dict[Mark, list[Event]] = defaultdict(list)
        for event in work.events:
            for mark in MARKS.get(type(event), ()):
                by_mark[mark].append(event)
        for mark, events in by_mark.items():
            await mark(work, events)

    async def seen_by(self, session: AsyncSession, brand_id: UUID, events: Sequence[Event]) -> list[feed.Entry]:
        by_reader: dict[SeenBy, list[Event]] = defaultdict(list)
        for event in events:
            by_reader[SEEN_BY[type(event)]].append(event)
        return [entry for reader, group in by_reader.items() for entry in await reader(session, brand_id, group)]

    def reactions(self, events: Sequence[Event]) -> list[jobs.Request]:
        asked = [reaction(event) for event in events for reaction in REACTIONS.get(type(event), ())]
        return [request for request in asked if request is not None]


wiring = Table()
