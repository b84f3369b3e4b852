"""Reads of what the accounts of a handover hold, and of what came to them since it started: by base tables alone."""

from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, exists, select, true
from sqlmodel import col

from customers.models import Note, Relationship
from customers.policy import is_live
from directory.models import Account
from handover.models import GroupChat, HandoverAccount, HandoverItem, LedgerLine
from mall.models import OPEN_STATES, CommissionEntry, CommissionPeriod, Order, OrderStep, OrderStepKind, Share
from tagging.models import Tag
from tasks.models import Campaign, CampaignState, StepKind, Task, TaskState, TaskStep


class Whose(Protocol):
    """As much of a handover as says whose things are counted, and from when to when they may arrive."""

    @property
    def brand_id(self) -> UUID: ...
    @property
    def id(self) -> UUID: ...
    @property
    def started_at(self) -> datetime: ...
    @property
    def moved_at(self) -> datetime | None: ...


def accounts(handover: Whose) -> Select[UUID]:
    """The ids of its accounts."""
    return select(col(HandoverAccount.account_id)).where(
        col(HandoverAccount.brand_id) == handover.brand_id, col(HandoverAccount.handover_id) == handover.id
    )


def owners(handover: Whose) -> Select[Any]:
    """The ids of the people whose accounts they are."""
    return select(col(Account.staff_id)).where(
        col(Account.brand_id) == handover.brand_id,
        col(Account.id).in_(accounts(handover)),
        col(Account.staff_id).is_not(None),
    )


def items(handover: Whose) -> Select[UUID]:
    """The ids of the relationships that it has a line for."""
    return select(col(HandoverItem.relationship_id)).where(
        col(HandoverItem.brand_id) == handover.brand_id, col(HandoverItem.handover_id) == handover.id
    )


def is_unpaid() -> ColumnElement[bool]:
    """Whether an entry lies in a period that isn't closed."""
    closed = exists().where(
        col(CommissionPeriod.brand_id) == col(CommissionEntry.brand_id),
        col(CommissionPeriod.first_day) == col(CommissionEntry.period),
    )
    return ~closed


def held(handover: Whose) -> dict[LedgerLine, Select[UUID]]:
    """The ids of what the accounts hold now, by line."""
    brand_id, ours, theirs = handover.brand_id, accounts(handover), owners(handover)
    relationships = select(col(Relationship.id)).where(
        col(Relationship.brand_id) == brand_id, col(Relationship.holder_id).in_(ours), is_live()
    )
    return {
        LedgerLine.RELATIONSHIPS: relationships,
        LedgerLine.OPEN_TASKS: select(col(Task.id)).where(
            col(Task.brand_id) == brand_id, col(Task.account_id).in_(ours), col(Task.state) == TaskState.PENDING
        ),
        LedgerLine.OPEN_ORDERS: select(col(Order.id)).where(
            col(Order.brand_id) == brand_id,
            col(Order.serving_account_id).in_(ours),
            col(Order.state).in_(OPEN_STATES),
        ),
        LedgerLine.UNPAID_COMMISSION: select(col(CommissionEntry.id)).where(
            col(CommissionEntry.brand_id) == brand_id,
            col(CommissionEntry.staff_id).in_(theirs),
            ~col(CommissionEntry.is_borne_by_store),
            is_unpaid(),
        ),
        LedgerLine.SHARES: select(col(Share.id)).where(
            col(Share.brand_id) == brand_id,
            col(Share.account_id).in_(ours),
            col(Share.expires_at) > handover.started_at,
        ),
        LedgerLine.NOTES: select(col(Note.id)).where(
            col(Note.brand_id) == brand_id, col(Note.relationship_id).in_(relationships)
        ),
        LedgerLine.PERSONAL_TAGS: select(col(Tag.id)).where(
            col(Tag.brand_id) == brand_id, col(Tag.owner_id).in_(theirs), col(Tag.retired_at).is_(None)
        ),
        LedgerLine.SCHEDULED_MESSAGES: select(col(Campaign.id)).where(
            col(Campaign.brand_id) == brand_id,
            col(Campaign.created_by_id).in_(theirs),
            col(Campaign.state) == CampaignState.SCHEDULED,
        ),
        LedgerLine.GROUP_CHATS: select(col(GroupChat.id)).where(
            col(GroupChat.brand_id) == brand_id, col(GroupChat.account_id).in_(ours), col(GroupChat.gone_at).is_(None)
        ),
    }


def arrived(handover: Whose) -> dict[LedgerLine, Select[UUID]]:
    """The ids of what may have come since the start, by line: what is held now, as long as it moves, and what went on.

    What was there at the start is among them; whoever counts leaves it out.
    """
    brand_id, ours, theirs, lines = handover.brand_id, accounts(handover), owners(handover), items(handover)
    now, moving = held(handover), handover.moved_at is None
    went_on = {
        LedgerLine.RELATIONSHIPS: lines,
        LedgerLine.OPEN_TASKS: select(col(TaskStep.task_id)).where(
            col(TaskStep.brand_id) == brand_id,
            col(TaskStep.kind) == StepKind.MOVED,
            col(TaskStep.from_account_id).in_(ours),
            _meanwhile(handover, col(TaskStep.at)),
        ),
        LedgerLine.OPEN_ORDERS: select(col(OrderStep.order_id))
        .join(Order, and_(col(Order.brand_id) == brand_id, col(Order.id) == col(OrderStep.order_id)))
        .where(
            col(OrderStep.brand_id) == brand_id,
            col(OrderStep.kind) == OrderStepKind.SERVED,
            col(Order.relationship_id).in_(lines),
            _meanwhile(handover, col(OrderStep.noted_at)),
        ),
        LedgerLine.UNPAID_COMMISSION: select(col(CommissionEntry.id)).where(
            col(CommissionEntry.brand_id) == brand_id,
            col(CommissionEntry.staff_id).in_(theirs),
            ~col(CommissionEntry.is_borne_by_store),
            _meanwhile(handover, col(CommissionEntry.posted_at)),
        ),
        LedgerLine.SHARES: select(col(Share.id)).where(
            col(Share.brand_id) == brand_id,
            col(Share.account_id).in_(ours),
            _meanwhile(handover, col(Share.created_at)),
        ),
        LedgerLine.NOTES: select(col(Note.id)).where(
            col(Note.brand_id) == brand_id, col(Note.relationship_id).in_(lines), _meanwhile(handover, col(Note.at))
        ),
    }
    return {
        line: select(either.subquery().c[0])
        for line, either in ((line, or_select(now[line] if moving else None, went_on.get(line))) for line in now)
        if either is not None
    }


def or_select(*choices: Select[UUID] | None) -> Any:
    """What any of these statements finds, once."""
    given = [each for each in choices if each is not None]
    if not given:
        return None
    return given[0].union(*given[1:]) if len(given) > 1 else given[0].distinct()


def _meanwhile(handover: Whose, at: Any) -> ColumnElement[bool]:
    until = at <= handover.moved_at if handover.moved_at is not None else true()
    return and_(at >= handover.started_at, until)
