"""Reads of bitmaps: what was read before stays in memory, and only what was written since is read again."""

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from pyroaring import BitMap
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tagging.models import SegmentBits

CHUNK = 1 << 16
MOST_BYTES = 256 << 20

_Rows = list[tuple[int, bytes]]
_MOST_TERMS = 10_000  # in one statement: PostgreSQL takes 32,767 parameters


@dataclass(frozen=True, slots=True)
class Known:
    """The customers found under a term as of a revision. Nobody changes `numbers` in place."""

    revision: int
    numbers: BitMap
    size: int


@dataclass(slots=True)
class Cache:
    """Bitmaps in memory, up to a number of bytes: what was asked for longest ago is given up first."""

    most_bytes: int = MOST_BYTES
    _known: OrderedDict[tuple[UUID, str], Known] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def get(self, brand_id: UUID, term: str) -> Known | None:
        known = self._known.get((brand_id, term))
        if known is not None:
            self._known.move_to_end((brand_id, term))
        return known

    def put(self, brand_id: UUID, term: str, known: Known) -> None:
        former = self._known.pop((brand_id, term), None)
        self._bytes += known.size - (former.size if former else 0)
        self._known[brand_id, term] = known
        while self._bytes > self.most_bytes and self._known:
            self._bytes -= self._known.popitem(last=False)[1].size

    def clear(self) -> None:
        self._known.clear()
        self._bytes = 0


SHARED = Cache()


async def read(
    session: AsyncSession, brand_id: UUID, terms: Iterable[str], revision: int, cache: Cache = SHARED
) -> Mapping[str, BitMap]:
    """The bitmaps of these terms as the session sees them, where the index is at that revision."""
    found: dict[str, BitMap] = {}
    known = {term: kept for term in terms if (kept := cache.get(brand_id, term))}
    # What another session has read of later revisions is no part of this one's snapshot.
    known = {term: kept for term, kept in known.items() if kept.revision <= revision}
    behind = {term: kept for term, kept in known.items() if kept.revision < revision}
    news = await _rows(session, brand_id, behind, min((kept.revision for kept in behind.values()), default=revision))
    anew = await _rows(session, brand_id, [term for term in terms if term not in known], None)
    for term in terms:
        kept = known.get(term, _NOTHING)
        if term not in known or term in behind:
            kept = _renewed(kept, revision, [*news.get(term, ()), *anew.get(term, ())])
            cache.put(brand_id, term, kept)
        found[term] = kept.numbers
    return found


_NOTHING = Known(-1, BitMap(), 100)


def _renewed(kept: Known, revision: int, rows: _Rows) -> Known:
    if not rows:
        return Known(revision, kept.numbers, kept.size)
    numbers = BitMap(kept.numbers)
    if kept.revision >= 0:
        for chunk, _ in rows:
            numbers.remove_range(chunk * CHUNK, (chunk + 1) * CHUNK)
    numbers |= BitMap.union(*(BitMap.deserialize(bits) for _, bits in rows))
    return Known(revision, numbers, _bytes_of(numbers))


def _bytes_of(numbers: BitMap) -> int:
    figures = numbers.get_statistics()
    held = figures["n_bytes_array_containers"] + figures["n_bytes_bitset_containers"]
    return int(held + figures["n_bytes_run_containers"] + 16 * figures["n_containers"] + 100)


async def _rows(session: AsyncSession, brand_id: UUID, terms: Iterable[str], since: int | None) -> Mapping[str, _Rows]:
    rows: dict[str, _Rows] = defaultdict(list)
    ordered = sorted(terms)
    for start in range(0, len(ordered), _MOST_TERMS):
        wanted = ordered[start : start + _MOST_TERMS]
        statement = select(col(SegmentBits.term), col(SegmentBits.chunk), col(SegmentBits.bits)).where(
            col(SegmentBits.brand_id) == brand_id, col(SegmentBits.term).in_(wanted)
        )
        if since is not None:
            statement = statement.where(col(SegmentBits.revision) > since)
        for term, chunk, bits in await session.execute(statement):
            rows[term].append((chunk, bits))
    return rows
