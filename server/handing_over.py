"""Errands of handovers: many short units of work, one after the other, as long as nobody says stop."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID, uuid4

from handover.commands import leasing, leftovers, moving, welcoming
from handover.commands.leasing import LeaseLost
from handover.models import LEASE
from handover.models.pacing import Pace
from handover.queries import moving as queries
from handover.queries import wearers
from kernel.actor import system
from kernel.work import Ground, Work, carry_out, unit_of_work

LONGEST = 12.0
"""Seconds after which an errand asks for itself anew: others wait for a worker, too."""

LANES = 2
"""How many chunks are written at once on PostgreSQL: one is worked out here while another is written there."""

SILENT = LEASE.total_seconds() / 5
"""Seconds after which the lease is prolonged."""

Result = TypeVar("Result")
Row = TypeVar("Row")
Step = Callable[[Work, UUID, UUID], Awaitable[Result]]
Chunk = Callable[[Work, UUID, UUID, Sequence[Row]], Awaitable[None]]


async def move(ground: Ground, brand_id: UUID, *, handover_id: str) -> None:
    """Move a handover as far as time allows; whoever is at it already goes on instead."""
    mover = Mover(ground, brand_id, UUID(handover_id))
    if not await carry_out(ground, system(brand_id), lambda work: leasing.take(work, mover.handover_id, mover.token)):
        return
    until = time.monotonic() + LONGEST
    try:
        async for _ in mover.transactions():
            if time.monotonic() > until:
                await mover.do(leasing.pass_on)
                return
    except LeaseLost:
        return


async def welcome(ground: Ground, brand_id: UUID, *, handover_id: str) -> None:
    """Ask takeover guides to welcome whoever came to them, as far as time allows."""
    until, key = time.monotonic() + LONGEST, UUID(handover_id)
    while await carry_out(ground, system(brand_id), lambda work: welcoming.welcome(work, key)):
        if time.monotonic() > until:
            async with unit_of_work(ground, system(brand_id)) as work:
                work.later(welcoming.WELCOME, handover_id=handover_id)
            return


@dataclass(slots=True)
class Mover:
    """One worker's go at a handover, as long as the token is good."""

    ground: Ground
    brand_id: UUID
    handover_id: UUID
    token: UUID = field(default_factory=uuid4)
    pace: Pace = field(default_factory=Pace)
    tag_pace: Pace = field(default_factory=Pace)
    lanes: int = LANES
    prolong_at: float = 0.0

    async def do(self, step: Step[Result]) -> Result:
        """One unit of work."""
        return await carry_out(
            self.ground, system(self.brand_id), lambda work: step(work, self.handover_id, self.token)
        )

    async def transactions(self) -> AsyncIterator[None]:
        """Each time that something has been committed; ends when the handover has moved. Raises `LeaseLost`."""
        while True:
            async for _ in self._chunks():
                yield
            if await self.do(leftovers.gather):
                yield
                continue
            async for _ in self._tags():
                yield
            while await self.do(moving.move_rest):
                yield
            if await self.do(moving.finish):
                return
            yield

    async def _chunks(self) -> AsyncIterator[None]:
        while turns := await self._turns():
            async for _ in self._abreast(turns, self.pace, moving.move_chunk):
                yield

    async def _tags(self) -> AsyncIterator[None]:
        after: UUID | None = None
        while True:
            async with self.ground.db.read() as session:
                handover = await queries.get(session, self.brand_id, self.handover_id)
                rows, after = await wearers.after(session, handover, after)
            if after is None:
                return
            async for _ in self._abreast(rows, self.tag_pace, moving.carry_tags):
                yield

    async def _abreast(self, rows: Sequence[Row], pace: Pace, step: Chunk[Row]) -> AsyncIterator[None]:
        """Write the rows chunk by chunk, in lanes that begin far from each other: they concern other people.

        The chunks that go at once are over before the next begin: whoever waits for the handover, to pause it, comes
        between.
        """
        lanes = 1 if self.ground.db.is_sqlite else self.lanes
        length = -(-len(rows) // lanes)
        left = [part for lane in range(lanes) if (part := rows[lane * length : (lane + 1) * length])]
        while left:
            size = pace.size
            await self._prolong()
            await _all_of([self._chunk(lane[:size], pace, step) for lane in left])
            left = [rest for lane in left if (rest := lane[size:])]
            yield

    async def _prolong(self) -> None:
        if time.monotonic() > self.prolong_at:
            await self.do(leasing.hold)
            self.prolong_at = time.monotonic() + SILENT

    async def _chunk(self, rows: Sequence[Row], pace: Pace, step: Chunk[Row]) -> None:
        began = time.perf_counter()
        await self.do(lambda work, key, token: step(work, key, token, rows))
        pace.note(len(rows), time.perf_counter() - began)

    async def _turns(self) -> list[queries.Turn]:
        async with self.ground.db.read() as session:
            return list(await queries.turns(session, self.brand_id, self.handover_id))


async def _all_of(chunks: Iterable[Awaitable[None]]) -> None:
    """Wait until each is over, whatever becomes of the others; then raise what the first of them did that failed."""
    for outcome in await asyncio.gather(*chunks, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
