"""Let readers who are woken in the same moment read together.

While one round reads, those who ask gather for the next. A round takes nobody in once it has begun: its
snapshot may be older than what woke them.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from contextvars import Context
from itertools import islice
from typing import Any

from kernel import feed
from kernel.actor import Actor
from kernel.db import Database, is_away
from schema.live import reading, together
from schema.live.changes import Changes, told
from schema.live.reading import Batch
from schema.live.together import Reader
from schema.positions import Position

MOST = 50  # readers of one round: others wait for its end
LONGEST_SECONDS = 30.0  # of a reading: a database that has fallen silent is tried anew, on another connection
_ALONE = 4  # readers who are read for alone, at once: they leave connections for everybody else

log = logging.getLogger(__name__)

Answer = asyncio.Future[Changes]


class Readings:
    """One per process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._gathered: dict[Reader, Answer] = {}
        self._rounds: asyncio.Task[None] | None = None
        self._alone: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(_ALONE)

    async def behind(self, actor: Actor, position: Position | None) -> Changes:
        """What changed for the actor behind a position; without one nothing yet, but the position of now.

        Readers who are alike in both are given the very same object. Raises what the reading raised.
        """
        asked = together.reader(actor, position)
        answer = self._gathered.get(asked)
        if answer is None:
            answer = self._gathered[asked] = asyncio.get_running_loop().create_future()
        if self._rounds is None:
            self._rounds = _begin(self._go_round())
        # Shielded: a reader who leaves takes nothing from the others.
        return await asyncio.shield(answer)

    async def _go_round(self) -> None:
        try:
            while self._gathered:
                answers = self._begun()
                try:
                    await self._round(answers)
                except Exception as error:
                    log.exception("round_failed")
                    _fail(answers.values(), error)
        finally:
            self._rounds = None

    def _begun(self) -> dict[Reader, Answer]:
        """Who takes part in the next round: from here on nobody can join it."""
        readers = list(islice(self._gathered, MOST))
        return {each: self._gathered.pop(each) for each in readers}

    async def _round(self, answers: dict[Reader, Answer]) -> None:
        for each, batch in (await self._read(answers)).items():
            answers[each].set_result(told(batch))
        for each, answer in answers.items():
            if not answer.done():
                task = _begin(self._one(each, answer))
                self._alone.add(task)
                task.add_done_callback(self._alone.discard)

    async def _read(self, answers: Mapping[Reader, Answer]) -> Mapping[Reader, Batch]:
        try:
            async with asyncio.timeout(LONGEST_SECONDS), self._db.read() as session:
                return await together.behind_all(session, answers)
        except Exception as error:
            if is_away(error):
                log.warning("changes_unread", extra={"error": type(error).__name__, "readers": len(answers)})
                _fail(answers.values(), error)
            else:
                # Somebody's fault, and nobody knows whose: when each is read for alone, it is theirs.
                log.exception("round_failed")
            return {}

    async def _one(self, asked: Reader, answer: Answer) -> None:
        try:
            async with self._places, asyncio.timeout(LONGEST_SECONDS), self._db.read() as session:
                answer.set_result(told(await reading.behind(session, asked.actor, asked.position, feed.BATCH)))
        except Exception as error:
            _fail([answer], error)


def _begin(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    # Nobody's request: what is logged must not bear the id of the one who happened to come first.
    return asyncio.create_task(work, context=Context())


def _fail(answers: Iterable[Answer], error: Exception) -> None:
    for answer in answers:
        if not answer.done():
            answer.set_exception(error)
            answer.exception()  # looked at: whoever asked may have left
