"""Reads of saved segments' members: how many, who, and who came and went since last night."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pyroaring import BitMap
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer
from customers.queries import customers
from customers.queries.customers import CustomerRow
from kernel.actor import Actor
from kernel.pages import BadCursor, Key, Page, paged
from tagging.errors import BadExpression
from tagging.models import SegmentMember
from tagging.models.expressions import Node, from_json
from tagging.models.facts import Today
from tagging.policy import require_may_count
from tagging.queries import counting, facts, reading, segments
from tagging.queries.counting import Counted
from tagging.queries.preparing import all_prepared, prepared

MOST_SHOWN = 100

# Where whoever has no number yet is in the list: behind all that have one.
_UNNUMBERED = 2**31 - 1
# And where everybody is while the bitmaps are of no use: by id.
_BY_ID = -1


@dataclass(frozen=True, slots=True)
class Members:
    """A page of customers, one more than asked for if there are more; and where each is in the list."""

    rows: Sequence[CustomerRow]
    numbers: Mapping[UUID, int]

    def place(self, row: CustomerRow) -> tuple[int, UUID]:
        """The row's place in the list."""
        return self.numbers[row.id], row.id


@dataclass(frozen=True, slots=True)
class SinceNight:
    """Who came into a segment and left it since that night, in the viewer's sight of now; at most 100 of each."""

    night: date
    was_edited: bool
    entered_count: int
    left_count: int
    entered: Sequence[UUID]
    left: Sequence[UUID]


async def count_text(session: AsyncSession, actor: Actor, text: str) -> Counted:
    """How many customers in the actor's sight an expression describes. Raises `FORBIDDEN`, `BAD_EXPRESSION`."""
    require_may_count(actor)
    node = await prepared(session, actor.brand_id, await reading.read(session, actor, text))
    return await counting.count(session, actor, node, await facts.today_of(session, actor.brand_id))


async def counts(session: AsyncSession, actor: Actor, segment_ids: Sequence[UUID]) -> dict[UUID, Counted]:
    """How many customers in the actor's sight are in each of these segments that can be counted."""
    rows = (await segments.by_ids(session, actor, segment_ids)).values()
    ready = await _prepared_where_possible(session, actor, {row.id: from_json(row.tree) for row in rows})
    today = await facts.today_of(session, actor.brand_id)
    counted = await counting.count_all(session, actor, list(ready.values()), today) if ready else []
    return dict(zip(ready, counted, strict=True))


async def _prepared_where_possible(
    session: AsyncSession, actor: Actor, nodes: Mapping[UUID, Node]
) -> Mapping[UUID, Node]:
    try:
        return dict(zip(nodes, await all_prepared(session, actor.brand_id, list(nodes.values())), strict=True))
    except BadExpression:
        pass
    found: dict[UUID, Node] = {}
    for segment_id, node in nodes.items():
        with suppress(BadExpression):
            found[segment_id] = await prepared(session, actor.brand_id, node)
    return found


async def members(session: AsyncSession, actor: Actor, segment_id: UUID, page: Page) -> Members:
    """Customers in the segment and in the actor's sight, in the order of their numbers."""
    node, today = await _ready(session, actor, segment_id)
    if node is None:
        return Members([], {})
    found = await counting.find(session, actor, node, today)
    after = _after(page)
    if found is None:
        behind = Page(page.first, None if after is None or after[0] != _BY_ID else [str(after[1])])
        listed = paged(counting.by_sql(actor, node, today), behind, Key(col(Customer.id)))
        return await _shown(session, actor, [(_BY_ID, each) for each in await session.scalars(listed)])
    numbered = await counting.numbers_of(session, actor.brand_id, found.ids)
    besides = [(numbered.get(each, _UNNUMBERED), each) for each in found.ids]
    start = after[0] if after else -1
    ahead = [(number, None) for number in _next(found.numbers, start, page.first + 1)]
    owners = await _owners(session, actor.brand_id, [number for number, _ in ahead])
    places = sorted([*((number, owners[number]) for number, _ in ahead), *besides])
    places = [place for place in places if after is None or place > after]
    return await _shown(session, actor, places[: page.first + 1])


async def since_night(session: AsyncSession, actor: Actor, segment_id: UUID) -> SinceNight | None:
    """Who came and went since the last night; none before the first, and while the bitmaps are of no use."""
    night = await segments.night(session, actor.brand_id, segment_id)
    node, today = await _ready(session, actor, segment_id)
    if night is None or node is None:
        return None
    row = (await segments.by_ids(session, actor, [segment_id]))[segment_id]
    index = await counting.standing(session, actor.brand_id)
    found = await counting.find(session, actor, node, today)
    if index is None or found is None:
        return None
    before = await counting.in_sight(session, actor, BitMap.deserialize(night.bits), index.revision)
    numbered = await counting.numbers_of(session, actor.brand_id, found.ids)
    now = found.numbers | BitMap(numbered.values())
    entered, left = now - before, before - now
    new = [each for each in found.ids if each not in numbered]
    return SinceNight(
        night=night.day,
        was_edited=night.version != row.version,
        entered_count=len(entered) + len(new),
        left_count=len(left),
        entered=[*await _ids(session, actor.brand_id, entered), *new][:MOST_SHOWN],
        left=await _ids(session, actor.brand_id, left),
    )


async def _ready(session: AsyncSession, actor: Actor, segment_id: UUID) -> tuple[Node | None, Today]:
    row = (await segments.by_ids(session, actor, [segment_id])).get(segment_id)
    node = await prepared(session, actor.brand_id, from_json(row.tree)) if row else None
    return node, await facts.today_of(session, actor.brand_id)


def _after(page: Page) -> tuple[int, UUID] | None:
    if page.after is None:
        return None
    try:
        number, customer_id = page.after
        if isinstance(number, bool) or not isinstance(number, int) or number.bit_length() > 31:
            raise BadCursor
        return number, UUID(customer_id)
    except (TypeError, ValueError, AttributeError) as error:
        raise BadCursor from error


def _next(numbers: BitMap, start: int, most: int) -> list[int]:
    """The first numbers from there on."""
    found = []
    for number in numbers.iter_equal_or_larger(max(start, 0)):
        found.append(number)
        if len(found) > most:
            break
    return found


async def _ids(session: AsyncSession, brand_id: UUID, numbers: BitMap) -> list[UUID]:
    shown = _next(numbers, 0, MOST_SHOWN - 1)
    owners = await _owners(session, brand_id, shown)
    return [owners[number] for number in shown]


async def _owners(session: AsyncSession, brand_id: UUID, numbers: Sequence[int]) -> dict[int, UUID]:
    found = await session.execute(
        select(col(SegmentMember.number), col(SegmentMember.customer_id)).where(
            col(SegmentMember.brand_id) == brand_id, col(SegmentMember.number).in_(numbers)
        )
    )
    return dict(found.all())


async def _shown(session: AsyncSession, actor: Actor, places: Sequence[tuple[int, UUID]]) -> Members:
    rows: Mapping[UUID, Any] = await customers.by_ids(session, actor, [customer_id for _, customer_id in places])
    return Members(
        [rows[customer_id] for _, customer_id in places if customer_id in rows],
        {customer_id: number for number, customer_id in places},
    )
