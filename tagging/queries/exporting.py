"""Reads of all members of a segment, piece by piece: who they are is found once, what is known of them as it goes."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Relationship
from customers.policy import relationships_visible_to, visible_to
from directory.models import Store
from kernel.actor import Actor
from kernel.db import OneOf
from kernel.errors import NotFound
from kernel.pages import along
from tagging.models import SegmentMember
from tagging.models.expressions import Node, from_json
from tagging.models.facts import Today
from tagging.policy import require_may_count
from tagging.queries import counting, facts, segments
from tagging.queries.counting import Found
from tagging.queries.preparing import prepared

AT_ONCE = 1_000
EXPORTED = "segment.exported"

Read = Callable[[], AbstractAsyncContextManager[AsyncSession]]
MemberRow = Row[*tuple[Any, ...]]

_IDS = "ids"


async def begin(read: Read, actor: Actor, segment_id: UUID) -> AsyncIterator[Sequence[MemberRow]]:
    """The members in the actor's sight, up to 1,000 at a time, each piece read in a session of its own.

    Whoever joins the segment meanwhile is not among them; whoever leaves the actor's sight is left out. Raises
    `NOT_FOUND`, `FORBIDDEN`, `BAD_EXPRESSION` before the first piece.
    """
    async with read() as session:
        require_may_count(actor)
        segment = (await segments.by_ids(session, actor, [segment_id])).get(segment_id)
        if segment is None:
            raise NotFound
        node = await prepared(session, actor.brand_id, from_json(segment.tree))
        today = await facts.today_of(session, actor.brand_id)
        found = await counting.find(session, actor, node, today)
    return _by_id(read, actor, node, today) if found is None else _by_number(read, actor, found)


async def _by_number(read: Read, actor: Actor, found: Found) -> AsyncIterator[Sequence[MemberRow]]:
    for numbers in _pieces(iter(found.numbers)):
        async with read() as session:
            ids = await session.scalars(
                select(col(SegmentMember.customer_id)).where(
                    col(SegmentMember.brand_id) == actor.brand_id,
                    col(SegmentMember.number).between(numbers[0], numbers[-1]),
                    col(SegmentMember.number).in_(numbers),
                )
            )
            yield await _rows(session, actor, ids.all())
    for besides in _pieces(iter(found.ids)):
        async with read() as session:
            yield await _rows(session, actor, besides)


async def _by_id(read: Read, actor: Actor, node: Node, today: Today) -> AsyncIterator[Sequence[MemberRow]]:
    after: UUID | None = None
    while True:
        async with read() as session:
            statement = along(counting.by_sql(actor, node, today), col(Customer.id), after, AT_ONCE)
            ids: Sequence[UUID] = (await session.scalars(statement)).all()
            if not ids:
                return
            yield await _rows(session, actor, ids)
        after = ids[-1]


def _pieces(things: Iterator[Any]) -> Iterator[list[Any]]:
    piece: list[Any] = []
    for thing in things:
        piece.append(thing)
        if len(piece) == AT_ONCE:
            yield piece
            piece = []
    if piece:
        yield piece


async def _rows(session: AsyncSession, actor: Actor, customer_ids: Sequence[UUID]) -> Sequence[MemberRow]:
    found = await session.execute(
        select(
            col(Customer.member_number),
            col(Customer.name),
            col(Customer.tier),
            col(Customer.city),
            _store(actor).scalar_subquery().label("store"),
            col(Customer.phone_masked),
        )
        .where(visible_to(actor), OneOf(col(Customer.id), _IDS))
        .order_by(col(Customer.id)),
        {_IDS: list(customer_ids)},
    )
    return found.all()


def _store(actor: Actor) -> Select[str]:
    """The code of the customer's first store among those in sight."""
    return (
        select(col(Store.code))
        .join(
            Relationship,
            (col(Relationship.brand_id) == col(Store.brand_id)) & (col(Relationship.store_id) == col(Store.id)),
        )
        .where(
            col(Store.brand_id) == actor.brand_id,
            col(Relationship.customer_id) == col(Customer.id),
            relationships_visible_to(actor),
        )
        .order_by(col(Relationship.is_primary).desc(), col(Store.code))
        .limit(1)
        .correlate(Customer)
    )
