"""A range of days is the fewest rows that come to it, added or taken off, and never a row that isn't there yet."""

from collections import Counter, deque
from datetime import date, timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kpi.models import Days, Piece, Span
from kpi.models.periods import MOST_DAYS, begin_of, end_of, fewest, pieces

DAY = timedelta(days=1)
FAR = timedelta(days=100)
FIRSTS = st.dates(date(2023, 1, 1), date(2027, 12, 31))
LENGTHS = st.integers(1, MOST_DAYS)
NEWS = st.integers(-400, 60)
"""How many days after the range's last one all is over."""


def rows(found: list[Piece]) -> list[tuple[Span, date, int]]:
    """Each row by itself: how long it is, when it begins, and whether it is added or taken off."""
    each = []
    for piece in found:
        at = piece.first
        while at <= piece.last:
            each.append((piece.span, at, piece.sign))
            at = end_of(at, piece.span) + DAY
    return each


def added_up(found: list[Piece]) -> dict[date, int]:
    """How often each day counts in the end."""
    counted: Counter[date] = Counter()
    for span, begin, sign in rows(found):
        for number in range((end_of(begin, span) - begin).days + 1):
            counted[begin + timedelta(days=number)] += sign
    return {day: times for day, times in counted.items() if times}


def least(days: Days, closed: date) -> int:
    """How many rows it takes, by looking at whatever lies within a hundred days: places are told by their number."""
    first, last = (days.first - FAR).toordinal(), (days.last + FAR).toordinal()
    moves: dict[int, set[int]] = {place: set() for place in range(first, last + 40)}
    for day in map(date.fromordinal, range(first, last)):
        for span in Span:
            end = end_of(day, span)
            if day == begin_of(day, span) and (span is Span.DAY or end <= closed):
                moves[day.toordinal()].add(end.toordinal() + 1)
                moves[end.toordinal() + 1].add(day.toordinal())
    took, waiting = {days.first.toordinal(): 0}, deque([days.first.toordinal()])
    while (place := waiting.popleft()) != days.last.toordinal() + 1:
        for to in moves[place] - took.keys():
            took[to] = took[place] + 1
            waiting.append(to)
    return took[place]


@settings(max_examples=100)
@given(FIRSTS, LENGTHS, NEWS)
@example(date(2026, 2, 26), 92, 3)
@example(date(2026, 3, 1), 30, -1)
@example(date(2024, 1, 31), 366, 0)
def test_rows_added_and_taken_off_come_to_each_day_once_and_none_besides(first: date, length: int, news: int) -> None:
    days = Days(first, first + timedelta(days=length - 1))
    closed = days.last + timedelta(days=news)

    found = fewest(days, closed)

    assert added_up(found) == dict.fromkeys(days, 1)
    assert all(end_of(begin, span) <= closed for span, begin, _ in rows(found) if span is not Span.DAY)
    assert all(begin_of(begin, span) == begin for span, begin, _ in rows(found))
    assert len(rows(found)) == least(days, closed)


@settings(max_examples=100)
@given(FIRSTS, LENGTHS, NEWS, st.sampled_from(Span))
def test_rows_in_turn_are_added_alone(first: date, length: int, news: int, span: Span) -> None:
    days = Days(first, first + timedelta(days=length - 1))

    found = pieces(days, days.last + timedelta(days=news), span)

    assert added_up(found) == dict.fromkeys(days, 1)
    assert {piece.sign for piece in found} == {1}
    assert {piece.span for piece in found} <= {span, Span.DAY}


def test_a_month_without_its_last_day_is_the_month_less_that_day() -> None:
    days = Days(date(2026, 3, 1), date(2026, 3, 30))

    assert fewest(days, date(2026, 3, 31)) == [
        Piece(Span.MONTH, date(2026, 3, 1), date(2026, 3, 1)),
        Piece(Span.DAY, date(2026, 3, 31), date(2026, 3, 31), -1),
    ]
    assert Span.MONTH not in {piece.span for piece in fewest(days, date(2026, 3, 30))}


def test_a_quarter_to_a_few_days_before_the_end_of_a_month_takes_nine_rows() -> None:
    found = fewest(Days(date(2026, 2, 26), date(2026, 5, 28)), date(2026, 5, 31))

    assert found == [
        Piece(Span.MONTH, date(2026, 3, 1), date(2026, 5, 1)),
        Piece(Span.DAY, date(2026, 2, 26), date(2026, 2, 28)),
        Piece(Span.DAY, date(2026, 5, 29), date(2026, 5, 31), -1),
    ]
    assert len(rows(found)) == 9
