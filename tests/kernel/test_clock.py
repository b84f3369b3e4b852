"""The shop's day is read from the wall of the shop."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kernel import clock


def test_one_instant_is_two_days_in_two_shops() -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)

    assert clock.store_day(late, "Europe/London") == date(2026, 3, 1)
    assert clock.store_day(late, "Asia/Shanghai") == date(2026, 3, 2)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_a_day_is_as_long_as_the_clocks_make_it(day: date, hours: int) -> None:
    start, end = clock.day_bounds(day, "Europe/London")

    assert end - start == timedelta(hours=hours)
    assert clock.store_day(start, "Europe/London") == day
    assert clock.store_day(end - timedelta(microseconds=1), "Europe/London") == day
    assert clock.store_day(end, "Europe/London") == day + timedelta(days=1)


def test_a_stopped_clock_stands_still_and_goes_on() -> None:
    moment = datetime(2020, 1, 1, tzinfo=UTC)

    with clock.stopped_at(moment):
        assert clock.now() == moment
    assert clock.now() > moment
