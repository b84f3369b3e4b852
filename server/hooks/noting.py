"""Write down what was refused in a source's name, after the answer and within bounds.

Who is refused must not be able to fill the table, nor learn by the time it takes whether there is such a source.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Coroutine, Hashable
from typing import Any

from intake.commands import inbox
from intake.queries import hooks
from kernel import clock
from kernel.actor import system
from kernel.errors import Refusal
from kernel.work import Ground, unit_of_work

MOST_UNSIGNED = 10  # lines of a source in a minute, written by this process
MOST_SIGNED = 60
MOST_UNREAD = 60  # look-ups in a minute, of all sources
_MOST_TASKS = 100

log = logging.getLogger(__name__)


class Notes:
    """The audit lines that this process writes."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._minute = 0
        self._written: Counter[Hashable] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, sender: hooks.Sender, refusal: Refusal, status: int, *, is_signed: bool) -> None:
        """A line about a source, unless it has had enough of them in this minute."""
        if self._has_room((sender.id, is_signed), MOST_SIGNED if is_signed else MOST_UNSIGNED):
            self._soon(self._write(sender, refusal, status, is_signed))

    def note_unread(self, slug: str, refusal: Refusal, status: int) -> None:
        """The same where nobody has looked yet whether there is such a source."""
        if self._has_room(None, MOST_UNREAD):
            self._soon(self._look_up(slug, refusal, status))

    async def drained(self, seconds: float) -> None:
        """Return when all is written, or after so long."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)

    def _has_room(self, key: Hashable, most: int) -> bool:
        minute = int(clock.now().timestamp() // 60)
        if minute != self._minute:
            self._minute = minute
            self._written.clear()
        self._written[key] += 1
        return self._written[key] <= most and len(self._tasks) < _MOST_TASKS

    def _soon(self, writing: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(_tried(writing))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_up(self, slug: str, refusal: Refusal, status: int) -> None:
        async with self._ground.db.read() as session:
            sender = await hooks.sender(session, slug, clock.now())
        if sender is not None:
            self.note(sender, refusal, status, is_signed=False)

    async def _write(self, sender: hooks.Sender, refusal: Refusal, status: int, is_signed: bool) -> None:
        async with unit_of_work(self._ground, system(sender.brand_id)) as work:
            await inbox.note_refusal(work, sender.id, refusal, status, is_signed=is_signed)


async def _tried(writing: Coroutine[Any, Any, None]) -> None:
    try:
        await writing
    except Exception as error:
        log.warning("hook_refusal_not_noted", extra={"error": type(error).__name__})
