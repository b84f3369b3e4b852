"""When something is due, may be heard of, escalates and ends: instants from a store's day and its clock."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from kernel import clock

EMERGENCY = 100
"""The priority that is heard of at any hour."""

_FURTHEST = 4  # days within which every quiet is over, even where a calendar skipped one


class Setting(Protocol):
    """As much of how a store plans as times take; `tasks.models.PlanSetting` says what each means."""

    @property
    def due_by(self) -> str: ...
    @property
    def quiet_from(self) -> str: ...
    @property
    def quiet_until(self) -> str: ...
    @property
    def escalates_after_hours(self) -> int: ...
    @property
    def expires_after_days(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Times:
    """The instants of a task, as the task keeps them."""

    due_at: datetime
    alert_at: datetime
    escalates_at: datetime
    expires_at: datetime


def times(setting: Setting, time_zone: str, day: date, now: datetime, priority: int) -> Times:
    """The times of a task for that day of the store: due by the setting's hour, or by the day's end if that has gone.

    It expires with the day that is `expires_after_days` later.
    """
    _, end = clock.day_bounds(day, time_zone)
    due_at = at_clock(day, setting.due_by, time_zone)
    if due_at <= now:
        due_at = max(end - timedelta(seconds=1), now)
    _, last = clock.day_bounds(day + timedelta(days=setting.expires_after_days), time_zone)
    return Times(
        due_at=due_at,
        alert_at=heard_from(setting, time_zone, now, priority),
        escalates_at=due_at + timedelta(hours=setting.escalates_after_hours),
        expires_at=max(last, due_at),
    )


def heard_from(setting: Setting, time_zone: str, moment: datetime, priority: int) -> datetime:
    """When a phone may make itself heard of what is there from that moment on: at once, or when the quiet is over.

    Quiet hours that end before they begin run past midnight; those that end as they begin are none.
    """
    if priority >= EMERGENCY or not is_quiet(setting, time_zone, moment):
        return moment
    day = clock.store_day(moment, time_zone)
    # Where clocks change, the quiet may end twice in a night, or it is quiet still when its end has been passed over.
    ends = (
        at_clock(day + timedelta(days=days), setting.quiet_until, time_zone, fold=fold)
        for days in range(_FURTHEST)
        for fold in (0, 1)
    )
    return next(end for end in ends if end > moment and not is_quiet(setting, time_zone, end))


def is_quiet(setting: Setting, time_zone: str, moment: datetime) -> bool:
    """Whether phones are to be quiet then, by the store's clock; the hour at which the quiet ends is not."""
    now = f"{moment.astimezone(ZoneInfo(time_zone)):%H:%M}"
    begins, ends = setting.quiet_from, setting.quiet_until
    return begins <= now < ends if begins <= ends else now >= begins or now < ends


def at_clock(day: date, hour: str, time_zone: str, *, fold: int = 0) -> datetime:
    """The instant when a store's clock shows `HH:MM` on that day; where it shows it twice, the first, or the second.

    Where the clock is put forward over that hour, the instant from which it has passed.
    """
    zone = ZoneInfo(time_zone)
    there = datetime.combine(day, time.fromisoformat(hour), zone).replace(fold=fold)
    instant = there.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == there.replace(tzinfo=None):
        return instant
    return _put_forward(there)


def _put_forward(there: datetime) -> datetime:
    """The second at which the clock is put forward over what it never shows."""
    early, late = (there.replace(fold=fold).astimezone(UTC) for fold in (1, 0))
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if middle.astimezone(there.tzinfo).replace(tzinfo=None) < there.replace(tzinfo=None):
            early = middle
        else:
            late = middle
    return late
