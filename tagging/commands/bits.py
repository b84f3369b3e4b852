"""Bring customers' bits up to date: what is known of them, compared with what the bitmaps say."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from pyroaring import BitMap
from sqlalchemy import select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import bulk
from kernel.db import OneOf
from tagging.models import SegmentBits, SegmentIndex, SegmentMember
from tagging.models.facts import Facts
from tagging.models.terms import kept, terms_of
from tagging.queries import facts
from tagging.queries.bitmaps import CHUNK

_IDS = "ids"
_ROWS_AT_ONCE = 500

_Key = tuple[str, int]


@dataclass(slots=True)
class _Changes:
    """Whose numbers come into which bitmaps and leave them; bitmaps are named by term and chunk."""

    coming: dict[_Key, list[int]] = field(default_factory=lambda: defaultdict(list))
    leaving: dict[_Key, list[int]] = field(default_factory=lambda: defaultdict(list))

    def note(self, number: int, before: set[str], after: set[str]) -> None:
        for term in after - before:
            self.coming[term, number // CHUNK].append(number)
        for term in before - after:
            self.leaving[term, number // CHUNK].append(number)

    @property
    def keys(self) -> list[_Key]:
        return sorted(self.coming.keys() | self.leaving.keys())


async def renew(
    session: AsyncSession, index: SegmentIndex, customer_ids: Sequence[UUID], *, is_anew: bool = False
) -> None:
    """Find out under which terms these customers are found now, and rewrite the bitmaps where that changed.

    The index is locked: one writes at a time. `is_anew` is: so far they are found under none.
    """
    members = await _members(session, index.brand_id, customer_ids)
    today = await facts.today_of(session, index.brand_id)
    known = await facts.of_customers(session, index.brand_id, customer_ids, today)
    changes, renewed = _Changes(), []
    for customer_id, (number, former) in members.items():
        now = kept(known[customer_id])
        if now != former or is_anew:
            changes.note(number, set() if is_anew else terms_of(former), terms_of(now))
            renewed.append({"brand_id": index.brand_id, "number": number, "terms": now})
    if renewed:
        await session.execute(update(SegmentMember), renewed)
    await _admit(
        session, index, [each for each in customer_ids if each in known and each not in members], known, changes
    )
    if changes.keys:
        index.revision += 1
        await _rewrite(session, index, changes)


async def empty(session: AsyncSession, index: SegmentIndex) -> None:
    """Nobody is found under anything. The rows stay, so that whoever has them in memory hears of it."""
    await session.execute(
        update(SegmentBits)
        .where(col(SegmentBits.brand_id) == index.brand_id)
        .values(bits=BitMap().serialize(), revision=index.revision)
    )


async def _members(
    session: AsyncSession, brand_id: UUID, customer_ids: Sequence[UUID]
) -> dict[UUID, tuple[int, list[Any]]]:
    found = await session.execute(
        select(col(SegmentMember.customer_id), col(SegmentMember.number), col(SegmentMember.terms)).where(
            col(SegmentMember.brand_id) == brand_id, OneOf(col(SegmentMember.customer_id), _IDS)
        ),
        {_IDS: list(customer_ids)},
    )
    return {customer_id: (number, terms) for customer_id, number, terms in found}


async def _admit(
    session: AsyncSession,
    index: SegmentIndex,
    newcomers: Sequence[UUID],
    known: Mapping[UUID, Facts],
    changes: _Changes,
) -> None:
    """Give numbers to those who have none yet, the next ones in the order of their ids."""
    rows = []
    for number, customer_id in enumerate(newcomers, index.next_number):
        now = kept(known[customer_id])
        changes.note(number, set(), terms_of(now))
        rows.append({"brand_id": index.brand_id, "number": number, "customer_id": customer_id, "terms": now})
    index.next_number += len(rows)
    await bulk.insert_rows(session, SegmentMember, rows)


async def _rewrite(session: AsyncSession, index: SegmentIndex, changes: _Changes) -> None:
    keys = changes.keys
    for start in range(0, len(keys), _ROWS_AT_ONCE):
        wanted = keys[start : start + _ROWS_AT_ONCE]
        there = await _bits(session, index.brand_id, wanted)
        rows = []
        for key in wanted:
            numbers = there.get(key, BitMap())
            numbers |= BitMap(changes.coming.get(key, ()))
            numbers -= BitMap(changes.leaving.get(key, ()))
            term, chunk = key
            rows.append({"brand_id": index.brand_id, "term": term, "chunk": chunk, "bits": numbers.serialize()})
        await _put(session, [row | {"revision": index.revision} for row in rows])


async def _bits(session: AsyncSession, brand_id: UUID, keys: Sequence[_Key]) -> dict[_Key, BitMap]:
    found = await session.execute(
        select(col(SegmentBits.term), col(SegmentBits.chunk), col(SegmentBits.bits)).where(
            col(SegmentBits.brand_id) == brand_id, tuple_(col(SegmentBits.term), col(SegmentBits.chunk)).in_(keys)
        )
    )
    return {(term, chunk): BitMap.deserialize(bits) for term, chunk, bits in found}


async def _put(session: AsyncSession, rows: Sequence[Mapping[str, Any]]) -> None:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement: Any = dialect.insert(SegmentBits.__table__)  # type: ignore[attr-defined]  # set by SQLModel
    statement = statement.on_conflict_do_update(
        index_elements=["brand_id", "term", "chunk"],
        set_={"bits": statement.excluded.bits, "revision": statement.excluded.revision},
    )
    await session.execute(statement, list(rows))
