"""Hold what must be true of handovers against the tables, with nothing but SQL."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Holding, HoldingReason, Relationship
from customers.policy import is_live
from directory.models import Account, AccountKind, Assignment, Staff, StaffState
from handover.models import Handover, HandoverItem, HandoverState, HeldHere
from handover.queries import ledger, phones
from handover.queries.phones import Scope
from mall.models import OPEN_STATES, Order
from tasks.models import Task, TaskKind, TaskState

MOST_NAMED = 100
MOST_HANDOVERS = 200
_EXEMPT = (TaskKind.CAMPAIGN, TaskKind.CHECK_TAG, TaskKind.TODO)
"""Tasks that may be kept by somebody else than whoever holds the customer."""

_OVER = (HandoverState.SETTLING, HandoverState.DONE)


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be: `code` says what, `ids` of what, at most 100 of them."""

    code: str
    words: str
    ids: Sequence[UUID]


@dataclass(frozen=True, slots=True)
class Rule:
    """A statement that finds the ids of what breaks it."""

    code: str
    words: str
    broken: Callable[[Scope], Any]


async def violations(session: AsyncSession, brand_id: UUID, handover_id: UUID | None = None) -> list[Violation]:
    """Whatever is wrong with a brand's relationships and handovers, or with one handover; empty if all is well."""
    scope = Scope(brand_id, handover_id)
    found: list[Violation] = []
    for rule in RULES:
        ids = (await session.scalars(rule.broken(scope).limit(MOST_NAMED))).all()
        if ids:
            found.append(Violation(rule.code, rule.words, ids))
    for check in CHECKS:
        found += await check(session, scope)
    return found


def _held(scope: Scope) -> Any:
    """Relationships with the account of their store that holds them, and its owner."""
    return (
        select(col(Relationship.id))
        .outerjoin(
            Account,
            and_(
                col(Account.brand_id) == scope.brand_id,
                col(Account.id) == col(Relationship.holder_id),
                col(Account.store_id) == col(Relationship.store_id),
            ),
        )
        .outerjoin(Staff, and_(col(Staff.brand_id) == scope.brand_id, col(Staff.id) == col(Account.staff_id)))
        .where(col(Relationship.brand_id) == scope.brand_id, is_live(), scope.relationships(col(Relationship.id)))
        .order_by(col(Relationship.id))
    )


def _without_holder(scope: Scope) -> Any:
    nobody = and_(col(Account.kind) != AccountKind.PUBLIC, col(Staff.id).is_(None))
    return _held(scope).where(or_(col(Account.id).is_(None), nobody))


def _with_departed(scope: Scope) -> Any:
    return _held(scope).where(col(Staff.state) == StaffState.DEPARTED)


def _left_behind(scope: Scope) -> Any:
    # What came to somebody afterwards, who was hired again, is theirs. By the clock of those who approve and hire: that
    # of the worker who moved it may be wrong.
    hired_again = exists().where(
        col(Assignment.brand_id) == scope.brand_id,
        col(Assignment.staff_id) == col(Staff.id),
        col(Assignment.store_id) == col(Relationship.store_id),
        col(Assignment.starts_at) > col(Handover.approved_at),
    )
    since_before = exists().where(
        col(Handover.brand_id) == scope.brand_id,
        col(Handover.staff_id) == col(Staff.id),
        col(Handover.state).in_(_OVER),
        col(Handover.undoes_id).is_(None),
        true() if scope.handover_id is None else col(Handover.id) == scope.handover_id,
        col(Holding.brand_id) == scope.brand_id,
        col(Holding.relationship_id) == col(Relationship.id),
        col(Holding.until_at).is_(None),
        or_(col(Handover.moved_at).is_(None), col(Holding.from_at) <= col(Handover.moved_at)),
        ~hired_again,
    )
    return _held(Scope(scope.brand_id, None)).where(since_before)


def _tasks(scope: Scope) -> Any:
    keeper = aliased(Account)
    return (
        select(col(Task.id))
        .join(
            Relationship,
            and_(col(Relationship.brand_id) == scope.brand_id, col(Relationship.id) == col(Task.relationship_id)),
        )
        .join(keeper, and_(col(keeper.brand_id) == scope.brand_id, col(keeper.id) == col(Task.account_id)))
        .where(
            col(Task.brand_id) == scope.brand_id,
            col(Task.state) == TaskState.PENDING,
            col(Task.kind).not_in(_EXEMPT),
            col(Task.account_id) != col(Relationship.holder_id),
            # A manager's, who looks after what a guide holds.
            col(keeper.kind) != AccountKind.PUBLIC,
            scope.relationships(col(Relationship.id)),
        )
        .order_by(col(Task.id))
    )


def _orders(scope: Scope) -> Any:
    return (
        select(col(Order.id))
        .join(
            Relationship,
            and_(col(Relationship.brand_id) == scope.brand_id, col(Relationship.id) == col(Order.relationship_id)),
        )
        .where(
            col(Order.brand_id) == scope.brand_id,
            col(Order.state).in_(OPEN_STATES),
            or_(col(Order.serving_account_id).is_(None), col(Order.serving_account_id) != col(Relationship.holder_id)),
            scope.relationships(col(Relationship.id)),
        )
        .order_by(col(Order.id))
    )


def _histories(scope: Scope) -> Any:
    is_open = and_(
        col(Holding.brand_id) == scope.brand_id,
        col(Holding.relationship_id) == col(Relationship.id),
        col(Holding.until_at).is_(None),
    )
    return (
        select(col(Relationship.id))
        .outerjoin(Holding, is_open)
        .where(
            col(Relationship.brand_id) == scope.brand_id,
            is_live(),
            scope.relationships(col(Relationship.id)),
            or_(col(Holding.id).is_(None), col(Holding.account_id) != col(Relationship.holder_id)),
        )
        .order_by(col(Relationship.id))
    )


def _moved(scope: Scope) -> Any:
    went = exists().where(
        col(Holding.brand_id) == scope.brand_id,
        col(Holding.relationship_id) == col(HandoverItem.relationship_id),
        col(Holding.account_id) == col(HandoverItem.to_account_id),
        col(Holding.reason) == HoldingReason.HANDOVER,
    )
    is_there = exists().where(
        col(Relationship.brand_id) == scope.brand_id, col(Relationship.id) == col(HandoverItem.relationship_id)
    )
    return select(col(HandoverItem.relationship_id)).where(
        *scope.items(),
        col(HandoverItem.here) == HeldHere.MOVED,
        # Where a store closed, it goes on in another one.
        col(HandoverItem.successor_id).is_(None),
        or_(~went, ~is_there),
    )


def _pending(scope: Scope) -> Any:
    of = and_(col(Handover.brand_id) == scope.brand_id, col(Handover.id) == col(HandoverItem.handover_id))
    return (
        select(col(HandoverItem.relationship_id))
        .join(Handover, of)
        .where(*scope.items(), col(HandoverItem.here) == HeldHere.PENDING, col(Handover.state).in_(_OVER))
    )


RULES: tuple[Rule, ...] = (
    Rule("HOLDER_MISSING", "Relationships that no account of their store holds.", _without_holder),
    Rule("HOLDER_DEPARTED", "Relationships held by somebody who has departed.", _with_departed),
    Rule("LEFT_BEHIND", "Relationships that a handover which is over left with the leaver.", _left_behind),
    Rule("TASK_ELSEWHERE", "Open tasks about a customer that somebody else than the holder keeps.", _tasks),
    Rule("ORDER_ELSEWHERE", "Open orders that somebody else than the holder serves.", _orders),
    Rule("HISTORY_DISAGREES", "Relationships whose history names another holder, or none.", _histories),
    Rule("FEED_GAP", "Feeds with a place that has no entry.", phones.gaps),
    Rule("PHONE_DISAGREES", "Relationships of which a phone was last told otherwise.", phones.told_otherwise),
    Rule("MOVE_UNKNOWN", "Relationships that a handover says it moved, and history doesn't.", _moved),
    Rule("STILL_PENDING", "Relationships that a handover which is over never moved.", _pending),
)


async def _ledgers(session: AsyncSession, scope: Scope) -> list[Violation]:
    """All that was there at the start, or came since, is somewhere: of the newest 200 handovers."""
    wanted = select(Handover).where(col(Handover.brand_id) == scope.brand_id)
    if scope.handover_id is not None:
        wanted = wanted.where(col(Handover.id) == scope.handover_id)
    found = await session.scalars(wanted.order_by(col(Handover.started_at).desc()).limit(MOST_HANDOVERS))
    wrong: list[Violation] = []
    for handover in found.all():
        for line in await ledger.lines(session, handover):
            if not line.adds_up:
                words = f"The ledger's line {line.line.value} doesn't add up: {line.missing} missing."
                wrong.append(Violation("LEDGER_SUM", words, [handover.id]))
    return wrong


CHECKS: tuple[Callable[[AsyncSession, Scope], Awaitable[list[Violation]]], ...] = (_ledgers,)
