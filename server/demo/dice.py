"""Throw dice that fall the same way for the same seed, and tell the time of the day the demo is made for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

TIME_ZONE = "Asia/Shanghai"
DAY_SECONDS = 86_400
IDS_PER_BATCH = 500_000
_IDS_BEGIN = timedelta(days=60)
_LOW_62 = (1 << 62) - 1

Thing = TypeVar("Thing")


@dataclass(frozen=True, slots=True)
class Today:
    """The day the data is made for, in the stores' time zone.

    Days are counted backwards from it. Shanghai's clocks have not changed since 1991, so a day
    has 86,400 seconds and plain arithmetic is exact.
    """

    now: datetime
    midnight: datetime
    this_day: date

    @classmethod
    def at_moment(cls, now: datetime) -> "Today":
        local = now.astimezone(ZoneInfo(TIME_ZONE))
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        return cls(now.astimezone(UTC), midnight.astimezone(UTC), local.date())

    @property
    def seconds(self) -> int:
        """Seconds since midnight."""
        return int((self.now - self.midnight).total_seconds())

    def at(self, days_ago: int, second: int) -> datetime:
        """The instant at that second of the day so many days ago."""
        return self.midnight + timedelta(days=-days_ago, seconds=second)

    def day(self, days_ago: int) -> date:
        return self.this_day - timedelta(days=days_ago)

    def first_id(self, batch: int) -> int:
        """Where a batch's identifiers begin: each batch after the one before, and all before today."""
        return int((self.midnight - _IDS_BEGIN).timestamp() * 1000) + batch * IDS_PER_BATCH


class Dice:
    """A stream of choices and of identifiers that depends on nothing but its seed."""

    def __init__(self, seed: str, first_id: int) -> None:
        self._random = Random(seed)  # noqa: S311 - made-up people, not secrets
        self.throw = self._random.random
        self._bits = self._random.getrandbits
        self._last = first_id

    def id(self) -> UUID:
        """A UUIDv7 whose time part only counts, so that rows land at the end of their index."""
        self._last += 1
        bits = self._bits(74)
        return UUID(int=self._last << 80 | 7 << 76 | (bits >> 62) << 64 | 2 << 62 | bits & _LOW_62)

    def one_of(self, things: Sequence[Thing]) -> Thing:
        return things[int(self.throw() * len(things))]

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.throw() * (high - low + 1))

    def some_of(self, things: Sequence[Thing], count: int) -> list[Thing]:
        """Different things, in the order in which they were drawn."""
        return self._random.sample(things, min(count, len(things)))

    def waiting(self, mean: float) -> float:
        """How long until something that comes at random, on average after `mean`."""
        return self._random.expovariate(1 / mean)
