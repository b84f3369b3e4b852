"""Whether an order was placed while the store was shut, and whether it goes to another city."""

from datetime import UTC, datetime

import pytest

from mall.models.flags import Hours, is_cross_city, is_off_hours

WEEK: Hours = [["10:00", "22:00"]] * 6 + [None]


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-05-29T10:00:00", False),
        ("2026-05-29T09:59:59", True),
        ("2026-05-29T21:59:59", False),
        ("2026-05-29T22:00:00", True),
        ("2026-05-30T00:00:00", True),
        ("2026-05-31T12:00:00", True),  # a Sunday
    ],
)
def test_a_store_is_open_from_the_minute_it_opens_until_the_one_it_closes(moment: str, expected: bool) -> None:
    assert is_off_hours(WEEK, "Asia/Shanghai", shanghai(moment)) is expected


def test_hours_are_those_of_the_stores_clock_in_summer_and_winter() -> None:
    summer, winter = datetime(2026, 7, 1, 8, 30, tzinfo=UTC), datetime(2026, 1, 7, 8, 30, tzinfo=UTC)
    early: Hours = [["10:00", "18:00"]] * 7

    assert is_off_hours(early, "Europe/Berlin", summer) is False  # half past ten there
    assert is_off_hours(early, "Europe/Berlin", winter) is True  # half past nine


def test_both_hours_that_a_clock_shows_when_it_is_put_back_are_the_same_to_a_store() -> None:
    night: Hours = [["02:00", "03:00"]] * 7
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)

    assert [is_off_hours(night, "Europe/Berlin", each) for each in (first, second)] == [False, False]


@pytest.mark.parametrize("hours", [[], [None] * 7])
def test_nobody_knows_of_a_store_without_hours(hours: Hours) -> None:
    assert is_off_hours(hours, "Asia/Shanghai", shanghai("2026-05-29T12:00:00")) is None


@pytest.mark.parametrize(
    ("store", "order", "expected"),
    [
        ("上海", "上海市", False),
        (" 上海市", "上海 ", False),
        ("Shanghai", "SHANGHAI", False),
        ("上海", "苏州市", True),
        ("上海", None, None),
        (None, "上海", None),
        ("", "上海", None),
        ("上海", "市", None),
    ],
)
def test_cities_are_compared_by_their_names(store: str | None, order: str | None, expected: bool | None) -> None:
    assert is_cross_city(store, order) is expected
