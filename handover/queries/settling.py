"""Reads of what is still to be settled with the partner, and of how far it has come."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import ContactLink, Relationship
from directory.models import Account, Staff
from handover.models import (
    GroupChatMove,
    Handover,
    HandoverAccount,
    HandoverAttempt,
    HandoverItem,
    HandoverState,
    HeldHere,
    LinkedThere,
    Todo,
)
from handover.policy import handovers_visible_to
from kernel.actor import Actor

AttemptRow = Row[*tuple[Any, ...]]
OPEN = (Todo.ASK, Todo.LOOK)


async def unprepared(
    session: AsyncSession, brand_id: UUID, handover_id: UUID, after: UUID | None, most: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Relationships that have moved here and of which the partner's side is not decided, with who holds them now.

    Where a store closed, the relationship that it goes on in is the one that counts: `goes_on_id`.
    """
    statement = (
        _moved(brand_id, handover_id)
        .where(col(HandoverItem.there) == LinkedThere.NOT_LINKED)
        .order_by(col(HandoverItem.relationship_id))
        .limit(most)
    )
    if after is not None:
        statement = statement.where(col(HandoverItem.relationship_id) > after)
    return (await session.execute(statement)).all()


async def moved(
    session: AsyncSession, brand_id: UUID, handover_id: UUID, relationship_id: UUID
) -> Row[*tuple[Any, ...]] | None:
    """The same of one relationship, however it stands at the partner; none if it hasn't moved."""
    one = _moved(brand_id, handover_id).where(col(HandoverItem.relationship_id) == relationship_id)
    return (await session.execute(one)).first()


async def others_linked(
    session: AsyncSession, brand_id: UUID, handover_id: UUID, most: int
) -> Sequence[Row[*tuple[Any, ...]]]:
    """Contacts of the leaver's whom somebody else holds and isn't linked with; those that were tried are left out."""
    theirs, held = aliased(ContactLink), aliased(ContactLink)
    at_both = and_(
        col(held.brand_id) == brand_id,
        col(held.account_id) == col(Relationship.holder_id),
        col(held.relationship_id) == col(Relationship.id),
        col(held.gone_at).is_(None),
    )
    statement: Select[*tuple[Any, ...]] = (
        select(
            col(theirs.relationship_id),
            col(theirs.account_id).label("from_account_id"),
            col(theirs.relationship_id).label("goes_on_id"),
            col(Relationship.holder_id),
        )
        .join(
            HandoverAccount,
            and_(
                col(HandoverAccount.brand_id) == brand_id,
                col(HandoverAccount.handover_id) == handover_id,
                col(HandoverAccount.account_id) == col(theirs.account_id),
            ),
        )
        .join(
            Relationship,
            and_(col(Relationship.brand_id) == brand_id, col(Relationship.id) == col(theirs.relationship_id)),
        )
        .join(Account, and_(col(Account.brand_id) == brand_id, col(Account.id) == col(Relationship.holder_id)))
        .where(
            col(theirs.brand_id) == brand_id,
            col(theirs.gone_at).is_(None),
            col(Relationship.holder_id) != col(theirs.account_id),
            col(Account.partner_user_id).is_not(None),
            ~exists().where(at_both),
            ~_tried(brand_id, handover_id, col(theirs.relationship_id)),
            ~exists().where(
                col(HandoverItem.brand_id) == brand_id,
                col(HandoverItem.handover_id) == handover_id,
                col(HandoverItem.relationship_id) == col(theirs.relationship_id),
                col(HandoverItem.here) == HeldHere.MOVED,
            ),
        )
        .order_by(col(theirs.relationship_id))
        .limit(most)
    )
    return (await session.execute(statement)).all()


async def ends(
    session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID]
) -> dict[UUID, Row[*tuple[Any, ...]]]:
    """These accounts with their partner user ids, and their owners' states."""
    found: Any = await session.execute(
        select(
            col(Account.id),
            col(Account.store_id),
            col(Account.kind),
            col(Account.partner_user_id).label("user_id"),
            col(Staff.state),
            col(Staff.access_closed_at),
        )
        .outerjoin(Staff, and_(col(Staff.brand_id) == brand_id, col(Staff.id) == col(Account.staff_id)))
        .where(col(Account.brand_id) == brand_id, col(Account.id).in_(account_ids))
    )
    return {row.id: row for row in found}


async def of_customers_there(
    session: AsyncSession, brand_id: UUID, external_user_ids: Collection[str]
) -> dict[str, list[AttemptRow]]:
    """Every attempt about these customers at the partner, the newest first."""
    found = await session.execute(
        _rows()
        .where(
            col(HandoverAttempt.brand_id) == brand_id,
            col(HandoverAttempt.external_user_id).in_(external_user_ids),
        )
        .order_by(col(HandoverAttempt.id).desc())
    )
    by_customer: dict[str, list[AttemptRow]] = {each: [] for each in external_user_ids}
    for row in found:
        by_customer[row.external_user_id].append(row)
    return by_customer


async def most_urgent(session: AsyncSession, brand_id: UUID, todo: Todo, now: datetime) -> AttemptRow | None:
    """Of what is to be done by now the one whose time is over first."""
    return (
        await session.execute(
            _rows()
            .where(is_due(brand_id, todo, now))
            .order_by(col(HandoverAttempt.deadline), col(HandoverAttempt.id))
            .limit(1)
        )
    ).first()


async def take(session: AsyncSession, *conditions: ColumnElement[bool], most: int) -> Sequence[HandoverAttempt]:
    """Attempts that nobody else is at, kept from other writers until the commit, the most urgent first."""
    found = await session.scalars(
        select(HandoverAttempt)
        .where(*conditions)
        .order_by(col(HandoverAttempt.deadline), col(HandoverAttempt.id))
        .limit(most)
        .with_for_update(key_share=True, skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def take_undone(session: AsyncSession, brand_id: UUID, most: int) -> Sequence[HandoverAttempt]:
    """What would be asked for on behalf of handovers that were undone, taken the same way."""
    undone = select(col(Handover.id)).where(
        col(Handover.brand_id) == brand_id, col(Handover.state) == HandoverState.UNDONE
    )
    return await take(
        session,
        col(HandoverAttempt.brand_id) == brand_id,
        col(HandoverAttempt.todo) == Todo.ASK,
        col(HandoverAttempt.handover_id).in_(undone),
        most=most,
    )


async def lock_along(session: AsyncSession, *conditions: ColumnElement[bool], most: int) -> Sequence[HandoverAttempt]:
    """Attempts by their ids, kept from other writers until the commit: the way through all of them, piece by piece."""
    found = await session.scalars(
        select(HandoverAttempt)
        .where(*conditions)
        .order_by(col(HandoverAttempt.id))
        .limit(most)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def undone(session: AsyncSession, brand_id: UUID, handover_ids: Collection[UUID]) -> set[UUID]:
    """Those of the handovers that were undone."""
    found = await session.scalars(
        select(col(Handover.id)).where(
            col(Handover.brand_id) == brand_id,
            col(Handover.id).in_(handover_ids),
            col(Handover.state) == HandoverState.UNDONE,
        )
    )
    return set(found)


async def items_of(
    session: AsyncSession, brand_id: UUID, attempt_ids: Collection[UUID], pairs: Collection[tuple[UUID, UUID]]
) -> dict[UUID, HandoverItem]:
    """The relationships of which these are the last attempts, by attempt, kept from other writers until the commit.

    `pairs` are the handovers and relationships of the attempts.
    """
    found = await session.scalars(
        select(HandoverItem)
        .where(
            col(HandoverItem.brand_id) == brand_id,
            col(HandoverItem.handover_id).in_({handover_id for handover_id, _ in pairs}),
            col(HandoverItem.relationship_id).in_({relationship_id for _, relationship_id in pairs}),
            col(HandoverItem.attempt_id).in_(attempt_ids),
        )
        .order_by(col(HandoverItem.handover_id), col(HandoverItem.relationship_id))
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return {item.attempt_id: item for item in found if item.attempt_id is not None}


async def full_there(session: AsyncSession, brand_id: UUID, handover_ids: Collection[UUID]) -> set[tuple[UUID, str]]:
    """Which members the partner said are full, by handover."""
    found = await session.execute(
        select(col(HandoverAttempt.handover_id), col(HandoverAttempt.to_user_id))
        .where(
            col(HandoverAttempt.brand_id) == brand_id,
            col(HandoverAttempt.handover_id).in_(handover_ids),
            col(HandoverAttempt.there) == LinkedThere.SUCCESSOR_FULL,
        )
        .distinct()
    )
    return {(handover_id, user_id) for handover_id, user_id in found}


async def is_anything_due(session: AsyncSession, brand_id: UUID, now: datetime) -> bool:
    """Whether the partner is to be asked something by now."""
    attempts = exists().where(
        col(HandoverAttempt.brand_id) == brand_id,
        col(HandoverAttempt.todo).is_not(None),
        col(HandoverAttempt.next_at) <= now,
    )
    chats = exists().where(col(GroupChatMove.brand_id) == brand_id, col(GroupChatMove.next_at) <= now)
    return bool(await session.scalar(select(or_(attempts, chats))))


async def unfinished(session: AsyncSession, brand_id: UUID, most: int) -> Sequence[UUID]:
    """The handovers that are settling, the oldest first."""
    found = await session.scalars(
        select(col(Handover.id))
        .where(col(Handover.brand_id) == brand_id, col(Handover.state) == HandoverState.SETTLING)
        .order_by(col(Handover.started_at), col(Handover.id))
        .limit(most)
    )
    return found.all()


async def is_all_settled(session: AsyncSession, brand_id: UUID, handover_id: UUID) -> bool:
    """Whether nothing of a handover waits for the partner any more."""
    undecided = exists().where(
        col(HandoverItem.brand_id) == brand_id,
        col(HandoverItem.handover_id) == handover_id,
        col(HandoverItem.here) == HeldHere.MOVED,
        col(HandoverItem.there) == LinkedThere.NOT_LINKED,
    )
    attempts = exists().where(
        col(HandoverAttempt.brand_id) == brand_id,
        col(HandoverAttempt.handover_id) == handover_id,
        col(HandoverAttempt.todo).is_not(None),
    )
    chats = exists().where(
        col(GroupChatMove.brand_id) == brand_id,
        col(GroupChatMove.handover_id) == handover_id,
        col(GroupChatMove.next_at).is_not(None),
    )
    return not await session.scalar(select(or_(undecided, attempts, chats)))


async def counts(
    session: AsyncSession, brand_id: UUID, handover_ids: Sequence[UUID]
) -> dict[UUID, dict[LinkedThere, int]]:
    """How many relationships of each handover stand how at the partner; a state without any is left out."""
    found = await session.execute(
        select(col(HandoverItem.handover_id), col(HandoverItem.there), func.count())
        .where(
            col(HandoverItem.brand_id) == brand_id,
            col(HandoverItem.handover_id).in_(handover_ids),
            col(HandoverItem.here) == HeldHere.MOVED,
        )
        .group_by(col(HandoverItem.handover_id), col(HandoverItem.there))
    )
    counted: dict[UUID, dict[LinkedThere, int]] = {handover_id: {} for handover_id in handover_ids}
    for handover_id, there, count in found:
        counted[handover_id][there] = count
    return counted


async def waits(
    session: AsyncSession, brand_id: UUID, handover_ids: Sequence[UUID]
) -> dict[UUID, Row[*tuple[Any, ...]]]:
    """Of what is still open: how much there is, when it goes on, and when the first of it is too late."""
    found = await session.execute(
        select(
            col(HandoverAttempt.handover_id),
            func.count().label("open"),
            func.min(col(HandoverAttempt.next_at)).label("next_at"),
            func.min(col(HandoverAttempt.deadline)).label("deadline"),
        )
        .where(
            col(HandoverAttempt.brand_id) == brand_id,
            col(HandoverAttempt.handover_id).in_(handover_ids),
            col(HandoverAttempt.todo).is_not(None),
        )
        .group_by(col(HandoverAttempt.handover_id))
    )
    return {row.handover_id: row for row in found}


async def of_items(
    session: AsyncSession, actor: Actor, items: Sequence[tuple[UUID, UUID]], most: int
) -> dict[tuple[UUID, UUID], list[AttemptRow]]:
    """The attempts about each relationship of a handover in sight, the newest first, at most `most` of each."""
    place = func.row_number().over(
        partition_by=(col(HandoverAttempt.handover_id), col(HandoverAttempt.relationship_id)),
        order_by=col(HandoverAttempt.id).desc(),
    )
    numbered = (
        select(*HandoverAttempt.__table__.columns, place.label("place"))  # type: ignore[attr-defined]  # set by SQLModel
        .where(
            col(HandoverAttempt.brand_id) == actor.brand_id,
            col(HandoverAttempt.handover_id).in_(select(col(Handover.id)).where(handovers_visible_to(actor))),
            col(HandoverAttempt.handover_id).in_({handover_id for handover_id, _ in items}),
            col(HandoverAttempt.relationship_id).in_({relationship_id for _, relationship_id in items}),
        )
        .subquery()
    )
    found = await session.execute(select(numbered).where(numbered.c.place <= most).order_by(numbered.c.place))
    by_item: dict[tuple[UUID, UUID], list[AttemptRow]] = {item: [] for item in items}
    for row in found:
        if (row.handover_id, row.relationship_id) in by_item:
            by_item[row.handover_id, row.relationship_id].append(row)
    return by_item


def is_due(brand_id: UUID, todo: Todo, now: datetime) -> ColumnElement[bool]:
    """Attempts of which that is to be done by now."""
    return and_(
        col(HandoverAttempt.brand_id) == brand_id,
        col(HandoverAttempt.todo) == todo,
        col(HandoverAttempt.next_at) <= now,
    )


def is_last_of_item() -> ColumnElement[bool]:
    """Attempts that a relationship's state at the partner is of."""
    return exists().where(
        col(HandoverItem.brand_id) == col(HandoverAttempt.brand_id),
        col(HandoverItem.handover_id) == col(HandoverAttempt.handover_id),
        col(HandoverItem.relationship_id) == col(HandoverAttempt.relationship_id),
        col(HandoverItem.attempt_id) == col(HandoverAttempt.id),
    )


def _moved(brand_id: UUID, handover_id: UUID) -> Select[*tuple[Any, ...]]:
    goes_on = func.coalesce(col(HandoverItem.successor_id), col(HandoverItem.relationship_id))
    return (
        select(
            col(HandoverItem.relationship_id),
            col(HandoverItem.from_account_id),
            goes_on.label("goes_on_id"),
            col(HandoverItem.there),
            col(Relationship.holder_id),
        )
        .join(Relationship, and_(col(Relationship.brand_id) == brand_id, col(Relationship.id) == goes_on))
        .where(
            col(HandoverItem.brand_id) == brand_id,
            col(HandoverItem.handover_id) == handover_id,
            col(HandoverItem.here) == HeldHere.MOVED,
        )
    )


def _tried(brand_id: UUID, handover_id: UUID, relationship_id: Any) -> ColumnElement[bool]:
    return exists().where(
        col(HandoverAttempt.brand_id) == brand_id,
        col(HandoverAttempt.handover_id) == handover_id,
        col(HandoverAttempt.relationship_id) == relationship_id,
    )


def _rows() -> Select[*tuple[Any, ...]]:
    return select(*HandoverAttempt.__table__.columns)  # type: ignore[attr-defined]  # set by SQLModel
