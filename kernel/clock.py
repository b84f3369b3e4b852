"""Tell the time: UTC inside, the shop's own day at the edge."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_stopped_at: ContextVar[datetime | None] = ContextVar("stopped_at", default=None)


def now() -> datetime:
    """The current instant in UTC."""
    return _stopped_at.get() or datetime.now(UTC)


@contextmanager
def stopped_at(moment: datetime) -> Iterator[None]:
    """Hold the clock still, for tests and for data made up as of a day."""
    token = _stopped_at.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _stopped_at.reset(token)


def store_day(moment: datetime, time_zone: str) -> date:
    """The calendar day on the wall of a shop in that time zone (an IANA name)."""
    return moment.astimezone(ZoneInfo(time_zone)).date()


def day_bounds(day: date, time_zone: str) -> tuple[datetime, datetime]:
    """The first instant of a store's day and of the next one, in UTC; 23 to 25 hours apart where clocks change."""
    zone = ZoneInfo(time_zone)
    start = datetime.combine(day, time.min, zone)
    end = datetime.combine(day + timedelta(days=1), time.min, zone)
    return start.astimezone(UTC), end.astimezone(UTC)


def is_open(week: Sequence[Sequence[str] | None], moment: datetime, time_zone: str) -> bool:
    """Whether a shop is open then: seven days from Monday on, each `("10:00", "22:00")` by its clock, or shut.

    The closing time itself is shut.
    """
    here = moment.astimezone(ZoneInfo(time_zone))
    hours = week[here.weekday()]
    return hours is not None and hours[0] <= f"{here:%H:%M}" < hours[1]
