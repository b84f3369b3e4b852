"""What many ask for alike is worked out by the first of them and stays in memory while figures are as they were."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sized
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from kernel import clock

MOST_LINES = 300_000  # some 240 MB
MOST_AGE = timedelta(seconds=10)
"""Figures are told apart by their revision; that somebody begins or leaves shows only after so long."""

Value = TypeVar("Value", bound=Sized)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for, in a brand whose figures are at that revision as the asker sees them."""

    brand_id: UUID
    what: Hashable
    revision: int


@dataclass(frozen=True, slots=True)
class _Known(Generic[Value]):
    revision: int
    since: datetime
    value: Value


@dataclass(slots=True)
class Memory(Generic[Value]):
    """Values of several brands, up to a number of lines: what was asked for longest ago is given up first."""

    most_lines: int = MOST_LINES
    _known: OrderedDict[tuple[UUID, Hashable], _Known[Value]] = field(default_factory=OrderedDict)
    _under_way: dict[Asked, asyncio.Future[Value | None]] = field(default_factory=dict)

    @property
    def lines(self) -> int:
        """How many are held."""
        return sum(len(known.value) for known in self._known.values())

    async def recall(self, asked: Asked, work_out: Callable[[], Awaitable[Value]]) -> Value:
        """The value as of the revision: of whoever asked before, or is working it out just now, or worked out here."""
        while (known := self._get(asked)) is None:
            if (first := self._under_way.get(asked)) is None:
                return await self._worked_out(asked, work_out)
            value = await asyncio.shield(first)
            if value is not None:
                return value
        return known

    async def _worked_out(self, asked: Asked, work_out: Callable[[], Awaitable[Value]]) -> Value:
        since, value = clock.now(), None
        self._under_way[asked] = answer = asyncio.get_running_loop().create_future()
        try:
            value = await work_out()
            self._put(asked, _Known(asked.revision, since, value))
            return value
        finally:
            del self._under_way[asked]
            answer.set_result(value)  # none if it failed or was given up: the next takes its place

    def _get(self, asked: Asked) -> Value | None:
        key = asked.brand_id, asked.what
        known = self._known.get(key)
        if known is None or known.revision != asked.revision:
            return None
        if not timedelta() <= clock.now() - known.since < MOST_AGE:
            return None
        self._known.move_to_end(key)
        return known.value

    def _put(self, asked: Asked, known: _Known[Value]) -> None:
        key = asked.brand_id, asked.what
        former = self._known.get(key)
        if former is not None and former.revision > known.revision:
            return  # who asked sees an older snapshot than others by now
        self._known[key] = known
        self._known.move_to_end(key)
        while self.lines > self.most_lines:
            self._known.popitem(last=False)
