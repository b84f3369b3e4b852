"""Ranges of calendar months, and months as numbers that can be counted with. No I/O."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from kernel.errors import Invalid
from kpi.models.periods import FIRST_YEAR, LAST_YEAR

MOST_MONTHS, MOST_COHORTS = 36, 24


@dataclass(frozen=True, slots=True)
class Months:
    """Calendar months from that of one day to that of another, both included. Raises `INVALID` beyond `most`."""

    first_day: date
    until_day: date
    most: int = MOST_MONTHS

    def __post_init__(self) -> None:
        if not FIRST_YEAR <= self.first_day.year <= LAST_YEAR or not FIRST_YEAR <= self.until_day.year <= LAST_YEAR:
            raise Invalid(
                field="fromMonth",
                reason=f"a day of the years {FIRST_YEAR} to {LAST_YEAR}.",
                reason_zh=f"日期应在 {FIRST_YEAR} 年到 {LAST_YEAR} 年之间。",
            )
        if not 1 <= self.count <= self.most:
            raise Invalid(
                field="untilMonth",
                reason=f"not before `fromMonth`, and at most {self.most} months.",
                reason_zh=f"不能早于开始月份，且最多 {self.most} 个月。",
            )

    @property
    def first(self) -> int:
        return number_of(self.first_day)

    @property
    def last(self) -> int:
        return number_of(self.until_day)

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    @property
    def last_day(self) -> date:
        """The last day of the last month."""
        return begin_of_number(self.last + 1) - timedelta(days=1)

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last + 1))


def number_of(day: date) -> int:
    """The month that the day lies in, as the number of months since January of the year 0."""
    return day.year * 12 + day.month - 1


def begin_of_number(number: int) -> date:
    """The first day of the month that has that number."""
    return date(number // 12, number % 12 + 1, 1)
