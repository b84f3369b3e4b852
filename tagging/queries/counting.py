"""Who is in a segment: by bitmaps, but for customers who changed since those were written; them SQL looks at."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pyroaring import BitMap
from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Relationship
from customers.policy import visible_to
from directory.policy import regions_under
from kernel.actor import Actor, Role
from kernel.db import OneOf
from tagging.models import CustomerMark, MarkPurpose, SegmentIndex, SegmentMember
from tagging.models.bitmaps import matching, terms_for
from tagging.models.expressions import Node
from tagging.models.facts import Today
from tagging.policy import may_count
from tagging.queries import bitmaps, segment_sql

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
    found = await find(session, actor, node, today)
    if found is None:
        total = select(func.count()).select_from(by_sql(actor, node, today).subquery())
        return Counted(int(await session.scalar(total) or 0))
    return Counted(len(found.numbers) + len(found.ids), found.is_exact, found.pending)


async def find(session: AsyncSession, actor: Actor, node: Node, today: Today) -> Found | None:
    """The customers in the actor's sight that meet a prepared expression; none where SQL has to be asked."""
    index = await standing(session, actor.brand_id)
    if index is None:
        return None
    marked = await _marked(session, actor.brand_id)
    is_exact = len(marked) <= MOST_PENDING and index.stale_since is None
    asked = marked if len(marked) <= MOST_PENDING else []
    sight, seen_by = _sight_terms(actor), await _areas(session, actor)
    sight = [*sight, *(f"area:{region_id}" for region_id in seen_by)]
    terms = terms_for(node, today)
    read = await bitmaps.read(session, actor.brand_id, terms | set(sight), index.revision)
    # Beside the event loop: over millions of customers this takes some hundredths of a second.
    numbers = await asyncio.to_thread(matching, node, today, read.__getitem__)
    if _is_bounded(actor):
        numbers = numbers & BitMap.union(BitMap(), *(read[term] for term in sight), await _held(session, actor))
    numbers = numbers - await _numbers(session, actor.brand_id, asked)
    ids = (await session.scalars(by_sql(actor, node, today).where(_among()), {_IDS: asked})).all() if asked else []
    return Found(numbers, ids, is_exact, len(marked))


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
    if not _is_bounded(actor):
        return numbers
    terms = [*_sight_terms(actor), *(f"area:{region_id}" for region_id in await _areas(session, actor))]
    read = await bitmaps.read(session, actor.brand_id, terms, revision)
    return numbers & BitMap.union(BitMap(), *read.values(), await _held(session, actor))


def _among() -> Any:
    return OneOf(col(Customer.id), _IDS)


def _is_bounded(actor: Actor) -> bool:
    return not may_count(actor) or actor.role not in (Role.HQ, Role.SERVICE, Role.SYSTEM)


def _sight_terms(actor: Actor) -> list[str]:
    return [f"store:{actor.store_id}"] if actor.role is Role.STORE_MANAGER else []


async def _areas(session: AsyncSession, actor: Actor) -> Sequence[UUID]:
    return (await session.scalars(regions_under(actor))).all() if actor.role is Role.REGIONAL_MANAGER else []


async def _held(session: AsyncSession, actor: Actor) -> BitMap:
    """A guide's customers, who change hands without leaving a mark."""
    if actor.role is not Role.GUIDE:
        return BitMap()
    found = await session.scalars(
        select(col(SegmentMember.number))
        .join(
            Relationship,
            (col(Relationship.brand_id) == col(SegmentMember.brand_id))
            & (col(Relationship.customer_id) == col(SegmentMember.customer_id)),
        )
        .where(col(SegmentMember.brand_id) == actor.brand_id, col(Relationship.holder_id).in_(actor.account_ids))
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


async def _numbers(session: AsyncSession, brand_id: UUID, customer_ids: Sequence[UUID]) -> BitMap:
    return BitMap((await numbers_of(session, brand_id, customer_ids)).values())
