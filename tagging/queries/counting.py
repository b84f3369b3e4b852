"""Who is in a segment: by bitmaps, but for customers who changed since those were written; them SQL looks at."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pyroaring import BitMap
from sqlalchemy import Select, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Relationship
from customers.policy import is_live, visible_to
from directory.policy import regions_under
from kernel.actor import Actor, Role
from kernel.db import OneOf
from tagging.models import CustomerMark, MarkPurpose, SegmentIndex, SegmentMember
from tagging.models.bitmaps import matching, terms_for
from tagging.models.expressions import Node
from tagging.models.facts import Today
from tagging.policy import may_count
from tagging.queries import bitmaps, segment_sql
from tagging.queries.preparing import MOST_VALUES, weight

MOST_PENDING = 5_000
MOST_BY_SQL = 200_000

_IDS = "ids"


@dataclass(frozen=True, slots=True)
class Counted:
    """How many; without `is_exact`, `pending` customers at least changed since, and are counted as they were."""

    count: int
    is_exact: bool = True
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """Who was found: by their numbers, and besides those ids that SQL was asked about."""

    numbers: BitMap
    ids: Sequence[UUID]
    is_exact: bool
    pending: int


async def count(session: AsyncSession, actor: Actor, node: Node, today: Today) -> Counted:
    """How many customers in the actor's sight meet a prepared expression, as the session's snapshot has it."""
    [counted] = await count_all(session, actor, [node], today)
    return counted


async def count_all(session: AsyncSession, actor: Actor, nodes: Sequence[Node], today: Today) -> Sequence[Counted]:
    """The same for several, in their order."""
    found = await find_all(session, actor, nodes, today)
    if found is not None:
        return [Counted(len(each.numbers) + len(each.ids), each.is_exact, each.pending) for each in found]
    counted: list[Counted] = []
    for part in _portions(nodes):
        totals = [func.sum(case((segment_sql.condition(node, today), 1), else_=0)) for node in part]
        row = await session.execute(segment_sql.known(actor.brand_id, *totals).where(visible_to(actor)))
        counted += [Counted(int(total or 0)) for total in row.one()]
    return counted


async def find(session: AsyncSession, actor: Actor, node: Node, today: Today) -> Found | None:
    """The customers in the actor's sight that meet a prepared expression; none where SQL has to be asked."""
    found = await find_all(session, actor, [node], today)
    return found[0] if found else None


async def find_all(session: AsyncSession, actor: Actor, nodes: Sequence[Node], today: Today) -> Sequence[Found] | None:
    """The same for several, in their order."""
    index = await standing(session, actor.brand_id)
    if index is None:
        return None
    marked = await _marked(session, actor.brand_id)
    is_exact = len(marked) <= MOST_PENDING and index.stale_since is None
    asked = marked if len(marked) <= MOST_PENDING else []
    old = BitMap((await numbers_of(session, actor.brand_id, asked)).values())
    sight = await _sight(session, actor, index.revision)
    terms = {term for node in nodes for term in terms_for(node, today)}
    read = await bitmaps.read(session, actor.brand_id, terms, index.revision)
    ids = await _by_sql(session, actor, nodes, today, asked)
    found = []
    for node, besides in zip(nodes, ids, strict=True):
        # Beside the event loop: over millions of customers this takes some hundredths of a second.
        numbers = await asyncio.to_thread(matching, node, today, read.__getitem__)
        seen = (numbers if sight is None else numbers & sight) - old
        found.append(Found(seen, besides, is_exact, len(marked)))
    return found


def by_sql(actor: Actor, node: Node, today: Today) -> Select[UUID]:
    """The ids of the customers in the actor's sight that meet a prepared expression, by the tables alone."""
    return segment_sql.matching(actor.brand_id, node, today).where(visible_to(actor))


async def standing(session: AsyncSession, brand_id: UUID) -> Any:
    """The index of the brand's bitmaps, if they are of use."""
    found = await session.execute(
        select(
            col(SegmentIndex.revision),
            col(SegmentIndex.next_number),
            col(SegmentIndex.built_at),
            col(SegmentIndex.stale_since),
        ).where(col(SegmentIndex.brand_id) == brand_id)
    )
    index: Any = found.one_or_none()
    if index is None or index.built_at is None:
        return None
    # So few are counted by SQL in good time, and exactly.
    is_small: bool = index.next_number <= MOST_BY_SQL
    return None if index.stale_since is not None and is_small else index


async def numbers_of(session: AsyncSession, brand_id: UUID, customer_ids: Sequence[UUID]) -> dict[UUID, int]:
    """The numbers of those of the customers that have one."""
    if not customer_ids:
        return {}
    found = await session.execute(
        select(col(SegmentMember.customer_id), col(SegmentMember.number)).where(
            col(SegmentMember.brand_id) == brand_id, OneOf(col(SegmentMember.customer_id), _IDS)
        ),
        {_IDS: list(customer_ids)},
    )
    return dict(found.all())


async def in_sight(session: AsyncSession, actor: Actor, numbers: BitMap, revision: int) -> BitMap:
    """Those of the numbers whose customers are in the actor's sight."""
    sight = await _sight(session, actor, revision)
    return numbers if sight is None else numbers & sight


async def _by_sql(
    session: AsyncSession, actor: Actor, nodes: Sequence[Node], today: Today, asked: Sequence[UUID]
) -> Sequence[Sequence[UUID]]:
    """Which of the customers asked for meet each of the expressions."""
    if not asked:
        return [[] for _ in nodes]
    found: list[list[UUID]] = []
    for part in _portions(nodes):
        met = [segment_sql.condition(node, today).label(f"met_{place}") for place, node in enumerate(part)]
        statement = segment_sql.known(actor.brand_id, col(Customer.id), *met).where(visible_to(actor))
        rows = await session.execute(statement.where(OneOf(col(Customer.id), _IDS)), {_IDS: list(asked)})
        lists: list[list[UUID]] = [[] for _ in part]
        for customer_id, *answers in rows:
            for each, answer in zip(lists, answers, strict=True):
                if answer:
                    each.append(customer_id)
        found += lists
    return found


def _portions(nodes: Sequence[Node]) -> Iterator[Sequence[Node]]:
    """As many at a time as one statement takes values."""
    portion: list[Node] = []
    values = 0
    for node in nodes:
        values += weight(node)
        if portion and values > MOST_VALUES:
            yield portion
            portion, values = [], weight(node)
        portion.append(node)
    if portion:
        yield portion


async def _sight(session: AsyncSession, actor: Actor, revision: int) -> BitMap | None:
    """The numbers of the customers in the actor's sight; none is everybody."""
    if not may_count(actor):
        return BitMap()
    match actor.role:
        case Role.HQ | Role.SERVICE | Role.SYSTEM:
            return None
        case Role.GUIDE:
            return await _held(session, actor)
        case Role.STORE_MANAGER:
            terms = [f"store:{actor.store_id}"]
        case Role.REGIONAL_MANAGER:
            terms = [f"area:{region_id}" for region_id in await session.scalars(regions_under(actor))]
    return BitMap.union(BitMap(), *(await bitmaps.read(session, actor.brand_id, terms, revision)).values())


async def _held(session: AsyncSession, actor: Actor) -> BitMap:
    """The customers whom a guide serves, who change hands without leaving a mark."""
    found = await session.scalars(
        select(col(SegmentMember.number))
        .join(
            Relationship,
            (col(Relationship.brand_id) == col(SegmentMember.brand_id))
            & (col(Relationship.customer_id) == col(SegmentMember.customer_id)),
        )
        .where(
            col(SegmentMember.brand_id) == actor.brand_id,
            col(Relationship.holder_id).in_(actor.served_ids),
            is_live(),
        )
    )
    return BitMap(found.all())


async def _marked(session: AsyncSession, brand_id: UUID) -> Sequence[UUID]:
    found = await session.scalars(
        select(col(CustomerMark.customer_id))
        .where(col(CustomerMark.brand_id) == brand_id, col(CustomerMark.purpose) == MarkPurpose.SEGMENTS)
        .distinct()
        .limit(MOST_PENDING + 1)
    )
    return found.all()
