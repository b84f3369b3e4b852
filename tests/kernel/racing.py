"""Many write to one feed, each change in a transaction of its own, while one reads behind its cursor."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from itertools import count
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import clock, feed, ids
from kernel.feed import Entry, FeedEvent
from kernel.work import Ground

Append = Callable[[AsyncSession, UUID, list[Entry]], Awaitable[object]]

_LOOK_AGAIN = 0.001


@dataclass(frozen=True, slots=True)
class Raced:
    """How many changes were committed, and which positions the reader saw, in its order."""

    written: int
    seen: list[int]

    @property
    def lost(self) -> int:
        """Changes that were committed and that the reader has stepped over."""
        return self.written - len(set(self.seen))

    @property
    def doubled(self) -> int:
        """How often the reader was told again what it knew."""
        return len(self.seen) - len(set(self.seen))


async def run(ground: Ground, writers: int, changes: int, append: Append = feed.append) -> Raced:
    """Write so many changes, and read until none is left."""
    brand_id, feed_id = ids.new(), ids.new()
    async with ground.db.write() as session:
        await feed.open_feeds(session, brand_id, [feed_id])
    done = asyncio.Event()
    reader = asyncio.create_task(_read(ground, brand_id, feed_id, done))
    numbers = iter(range(changes))
    written = await asyncio.gather(*(_write(ground, brand_id, feed_id, numbers, append) for _ in range(writers)))
    done.set()
    return Raced(sum(written), await reader)


def from_a_sequence() -> Append:
    """A way of numbering that loses changes: numbers are given out in order, and committed in no order."""
    numbers = count(1)

    async def append(session: AsyncSession, brand_id: UUID, entries: list[Entry]) -> None:
        numbered = [(next(numbers), entry) for entry in entries]
        await asyncio.sleep(random.random() / 50)
        await session.execute(insert(FeedEvent), [_row(brand_id, entry, seq) for seq, entry in numbered])
        await asyncio.sleep(random.random() / 50)

    return append


async def _write(ground: Ground, brand_id: UUID, feed_id: UUID, numbers: Iterator[int], append: Append) -> int:
    written = 0
    for _ in numbers:
        async with ground.db.write() as session:
            await append(session, brand_id, [Entry(feed_id, "task", ids.new(), 1)])
        written += 1
    return written


async def _read(ground: Ground, brand_id: UUID, feed_id: UUID, done: asyncio.Event) -> list[int]:
    seen: list[int] = []
    while True:
        is_last_round = done.is_set()
        async with ground.db.read() as session:
            rows = await feed.after(session, brand_id, {feed_id: seen[-1] if seen else 0})
        seen += [row.seq for row in rows]
        if is_last_round and not rows:
            return seen
        await asyncio.sleep(_LOOK_AGAIN)


def _row(brand_id: UUID, entry: Entry, seq: int) -> dict[str, object]:
    return {
        "brand_id": brand_id,
        "feed_id": entry.feed_id,
        "seq": seq,
        "entity_type": entry.entity_type,
        "entity_id": entry.entity_id,
        "op": entry.op.value,
        "entity_ver": entry.version,
        "at": clock.now(),
    }
