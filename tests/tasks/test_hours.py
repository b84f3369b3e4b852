"""Phones are quiet when the store's clock says so, wherever the store is and whatever its clock does that night."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kernel import clock
from tasks.models.hours import EMERGENCY, at_clock, heard_from, is_quiet, times

ZONES = sorted(zone for zone in available_timezones() if zone not in ("Factory", "localtime"))
SECOND, HALF_A_MINUTE = timedelta(seconds=1), timedelta(seconds=30)


@dataclass(frozen=True)
class Quiet:
    """How a store plans, in short."""

    quiet_from: str = "21:00"
    quiet_until: str = "09:00"
    due_by: str = "18:00"
    escalates_after_hours: int = 24
    expires_after_days: int = 3


hours = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from((0, 1, 15, 29, 30, 31, 45, 59)))
quiets = st.builds(Quiet, hours, hours, hours, st.integers(1, 240), st.integers(0, 30))


@st.composite
def moments(draw: st.DrawFn) -> tuple[str, datetime]:
    """A zone and an instant, more often than not within hours of one at which the zone's clock is put."""
    zone = draw(st.sampled_from(ZONES))
    year = draw(st.integers(2007, 2037))
    at = datetime(year, 1, 1, tzinfo=UTC) + timedelta(minutes=draw(st.integers(0, 366 * 24 * 60)))
    changes = _changes(zone, year)
    is_near = draw(st.booleans())
    if changes and is_near:
        at = draw(st.sampled_from(changes)) + timedelta(minutes=draw(st.integers(-26 * 60, 26 * 60)))
    return zone, at + timedelta(microseconds=draw(st.sampled_from((0, 1, 30_000_000, 59_999_999))))


def _changes(name: str, year: int) -> list[datetime]:
    """The hours in which the clock is put."""
    zone, start = ZoneInfo(name), datetime(year, 1, 1, tzinfo=UTC)
    days = [start + timedelta(days=day) for day in range(367)]
    found = []
    for day, following in pairwise(days):
        if day.astimezone(zone).utcoffset() != following.astimezone(zone).utcoffset():
            hours = [day + timedelta(hours=hour) for hour in range(25)]
            found += [
                hour
                for hour, later in pairwise(hours)
                if hour.astimezone(zone).utcoffset() != later.astimezone(zone).utcoffset()
            ]
    return found


@given(moments(), quiets, st.integers(0, 100))
@settings(max_examples=500, deadline=None)
@example(("Europe/Berlin", datetime(2026, 10, 25, 1, 15, tzinfo=UTC)), Quiet("21:00", "02:30"), 50)
@example(("Europe/Berlin", datetime(2026, 3, 29, 0, 45, tzinfo=UTC)), Quiet("03:00", "02:30"), 50)
@example(("Pacific/Apia", datetime(2011, 12, 30, 9, 59, tzinfo=UTC)), Quiet("21:00", "09:00"), 50)
@example(("Australia/Lord_Howe", datetime(2026, 4, 4, 15, 10, tzinfo=UTC)), Quiet("01:00", "01:45"), 50)
def test_nothing_is_heard_of_in_quiet_hours_and_nothing_is_heard_late(
    moment: tuple[str, datetime], quiet: Quiet, priority: int
) -> None:
    zone, at = moment

    heard = heard_from(quiet, zone, at, priority)

    assert heard >= at
    if priority >= EMERGENCY or not is_quiet(quiet, zone, at):
        assert heard == at
        return
    assert not is_quiet(quiet, zone, heard)
    # The quiet ends then and not before: it is quiet right before, and its end isn't shown by the clock meanwhile.
    assert is_quiet(quiet, zone, heard - SECOND)
    assert heard - at <= timedelta(days=3)
    between = [at + (heard - at) * part / 60 for part in range(1, 60)]
    # A clock that is put back may show an hour before the quiet began; it stays quiet then until that is over.
    if len({each.astimezone(ZoneInfo(zone)).utcoffset() for each in (at, *between, heard)}) == 1:
        assert all(is_quiet(quiet, zone, each) for each in between)


def _clock(zone: str, moment: datetime) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%H:%M}"


@given(moments(), hours)
@settings(max_examples=300, deadline=None)
def test_an_hour_of_a_day_is_when_the_clock_first_shows_it_or_has_passed_over_it(
    moment: tuple[str, datetime], hour: str
) -> None:
    zone, day = moment[0], clock.store_day(moment[1], moment[0])

    at = at_clock(day, hour, zone)

    shown = (clock.store_day(at, zone), _clock(zone, at))
    before = (clock.store_day(at - SECOND, zone), _clock(zone, at - SECOND))
    assert shown >= (day, hour) > before
    if shown != (day, hour):
        offsets = [moment.astimezone(ZoneInfo(zone)).utcoffset() for moment in (at - SECOND, at)]
        assert offsets[0] != offsets[1]


@given(moments(), quiets, st.integers(0, 100), st.integers(-1, 3))
@settings(max_examples=300, deadline=None)
def test_a_task_is_due_before_it_escalates_and_ends_and_is_heard_of_out_of_the_quiet(
    moment: tuple[str, datetime], quiet: Quiet, priority: int, ahead: int
) -> None:
    zone, now = moment
    day = clock.store_day(now, zone) + timedelta(days=ahead)

    made = times(quiet, zone, day, now, priority)

    assert made.due_at >= now
    assert made.due_at == at_clock(day, quiet.due_by, zone) or at_clock(day, quiet.due_by, zone) <= now
    assert made.escalates_at - made.due_at == timedelta(hours=quiet.escalates_after_hours)
    assert made.expires_at >= made.due_at
    assert made.alert_at == now or not is_quiet(quiet, zone, made.alert_at)


@pytest.mark.parametrize(
    ("quiet", "shown", "heard"),
    [
        (("21:00", "09:00"), "20:59", "20:59"),
        (("21:00", "09:00"), "21:00", "09:00"),
        (("21:00", "09:00"), "00:00", "09:00"),
        (("21:00", "09:00"), "08:59", "09:00"),
        (("21:00", "09:00"), "09:00", "09:00"),
        (("12:00", "14:00"), "11:59", "11:59"),
        (("12:00", "14:00"), "12:00", "14:00"),
        (("12:00", "14:00"), "14:00", "14:00"),
        (("08:00", "08:00"), "08:00", "08:00"),
        (("00:00", "23:59"), "12:00", "23:59"),
    ],
)
def test_quiet_hours_by_the_clock(quiet: tuple[str, str], shown: str, heard: str) -> None:
    at = at_clock(date(2026, 3, 2), shown, "Asia/Shanghai")

    assert _clock("Asia/Shanghai", heard_from(Quiet(*quiet), "Asia/Shanghai", at, 50)) == heard
    assert heard_from(Quiet(*quiet), "Asia/Shanghai", at, EMERGENCY) == at


def test_where_the_clock_is_put_back_the_quiet_ends_the_second_time_too() -> None:
    quiet, berlin = Quiet("21:00", "02:30"), "Europe/Berlin"

    assert at_clock(date(2026, 10, 25), "02:30", berlin) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert heard_from(quiet, berlin, datetime(2026, 10, 25, 0, 29, tzinfo=UTC), 50).minute == 30
    assert heard_from(quiet, berlin, datetime(2026, 10, 25, 1, 15, tzinfo=UTC), 50) == datetime(
        2026, 10, 25, 1, 30, tzinfo=UTC
    )


def test_where_the_clock_is_put_forward_over_the_end_the_quiet_ends_then() -> None:
    quiet, berlin = Quiet("21:00", "02:30"), "Europe/Berlin"
    forward = datetime(2026, 3, 29, 1, tzinfo=UTC)  # two o'clock becomes three

    assert at_clock(date(2026, 3, 29), "02:30", berlin) == forward
    assert heard_from(quiet, berlin, forward - HALF_A_MINUTE, 50) == forward


def test_what_is_planned_after_the_hour_is_due_by_the_end_of_the_day() -> None:
    setting = Quiet()
    evening = datetime(2026, 3, 2, 11, tzinfo=UTC)  # seven o'clock in Shanghai

    made = times(setting, "Asia/Shanghai", date(2026, 3, 2), evening, 50)

    assert made.due_at == datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC)
    assert made.expires_at == datetime(2026, 3, 5, 16, tzinfo=UTC)
    assert made.alert_at == evening
