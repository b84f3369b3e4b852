"""When something is due, may be heard of, escalates and ends: instants from a store's day and its clock."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from kernel import clock

EMERGENCY = 100
"""The priority that is heard of at any hour."""


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
    over = at_clock(day, setting.quiet_until, time_zone)
    return over if over > moment else at_clock(day + timedelta(days=1), setting.quiet_until, time_zone)


def is_quiet(setting: Setting, time_zone: str, moment: datetime) -> bool:
    """Whether phones are to be quiet then, by the store's clock; the hour at which the quiet ends is not."""
    now = f"{moment.astimezone(ZoneInfo(time_zone)):%H:%M}"
    begins, ends = setting.quiet_from, setting.quiet_until
    return begins <= now < ends if begins <= ends else now >= begins or now < ends


def at_clock(day: date, hour: str, time_zone: str) -> datetime:
    """The instant when a store's clock shows `HH:MM` on that day; the first one where it shows it twice.

    Where the clock is put forward over that hour, the instant from which it has passed.
    """
    there = datetime.combine(day, time.fromisoformat(hour), ZoneInfo(time_zone))
    return there.astimezone(ZoneInfo("UTC"))
