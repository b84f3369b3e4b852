"""Spread welcome tasks over days, so that nobody has two thousand on one morning."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any


def open_days(week: Sequence[Any], first: date) -> Iterator[date]:
    """The days from then on on which the shop is open; each of them, for a shop that is never."""
    day = first
    while True:
        if week[day.weekday()] is not None or not any(week):
            yield day
        day += timedelta(days=1)


def spread(count: int, days: Iterator[date], taken: Mapping[date, int], most: int) -> list[date]:
    """A day for each of so many tasks, the first ones soonest: at most `most` a day, with those that are there."""
    on = Counter(taken)
    chosen: list[date] = []
    for day in days:
        room = max(most - on[day], 0)
        chosen += [day] * min(room, count - len(chosen))
        if len(chosen) == count:
            break
    return chosen
