"""Commission as pure arithmetic: whatever is sold, given back and shared, the parts add up to the penny."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mall.models import commissioning
from mall.models.commissioning import (
    CommissionRole,
    GivenBack,
    Goods,
    Part,
    Party,
    Rate,
    Sale,
    Sum,
    Targets,
    bases,
    due,
    rounded,
    targets,
)
from mall.models.periods import Course, Rhythm, period_of

often = settings(max_examples=60, deadline=None)

GUIDE, MANAGER = CommissionRole.GUIDE, CommissionRole.STORE_MANAGER
PEOPLE = [UUID(int=number) for number in range(1, 5)]
CATEGORIES = (None, "鞋履", "上装")

amounts = st.integers(0, 100_000)
goods_lists = st.lists(
    st.builds(Goods, st.sampled_from(["A", "B", "C"]), st.just(None), amounts), min_size=1, max_size=6
).map(lambda lines: [Goods(line.code, CATEGORIES[ord(line.code) % 3], line.amount) for line in lines])
rate_lists = st.lists(
    st.builds(Rate, st.sampled_from(list(CommissionRole)), st.sampled_from(CATEGORIES), st.integers(0, 5_000)),
    max_size=6,
    unique_by=lambda rate: rate[:2],
)


@st.composite
def sales(draw: st.DrawFn) -> Sale:
    goods = draw(goods_lists)
    whole = sum(line.amount for line in goods)
    discount, postage = draw(st.integers(0, whole + 50)), draw(st.integers(0, 2_000))
    return Sale(goods, discount, max(whole + postage - discount, 0))


@st.composite
def part_lists(draw: st.DrawFn) -> list[Party]:
    guides = draw(st.lists(st.one_of(st.none(), st.sampled_from(PEOPLE)), min_size=1, max_size=4))
    cuts = sorted(draw(st.lists(st.integers(0, 10_000), min_size=len(guides) - 1, max_size=len(guides) - 1)))
    points = [after - before for before, after in zip([0, *cuts], [*cuts, 10_000], strict=True)]
    managers = draw(st.lists(st.sampled_from(PEOPLE), max_size=3, unique=True))
    return [
        *(Party(GUIDE, who, share) for who, share in zip(guides, points, strict=True)),
        *(Party(MANAGER, who, 1) for who in managers),
    ]


@st.composite
def refunded(draw: st.DrawFn) -> tuple[Sale, list[GivenBack]]:
    """A sale, and refunds that stay within it; the last of them may be all the rest."""
    sale = draw(sales())
    left, refunds = sale.amount, []
    for number in range(draw(st.integers(0, 4))):
        amount = draw(st.sampled_from([left, draw(st.integers(1, max(left, 1)))]))
        if not 0 < amount <= left:
            break
        left -= amount
        has_lines = draw(st.booleans())
        codes = draw(st.lists(st.sampled_from(["A", "B", "X"]), max_size=2)) if has_lines else []
        given_back = [(code, amount // len(codes)) for code in codes]
        refunds.append(GivenBack(UUID(int=100 + number), amount, given_back, 0, has_lines))
    return sale, refunds


def whole_of(sale: Sale, rates: Sequence[Rate], role: CommissionRole) -> int:
    """What a role earns of a sale, from scratch: each line rounded once, a half away from zero."""
    table = {(rate.role, rate.category): rate.rate for rate in rates}
    goods = sorted(sale.goods, key=lambda line: (line.code, line.amount))
    whole = 0
    for line, basis in zip(goods, bases([line.amount for line in goods], sale.discount), strict=True):
        exact = Fraction(basis * table.get((role, line.category), table.get((role, None), 0)), 10_000)
        whole += int(exact + Fraction(1, 2))
    return whole


def total(found: Targets) -> dict[Part, Sum]:
    sums: dict[Part, Sum] = {}
    for (_, part), each in found.items():
        so_far = sums.get(part, Sum(0, 0))
        sums[part] = Sum(so_far.basis + each.basis, so_far.amount + each.amount)
    return sums


def with_the_store(parties: Sequence[Party]) -> list[Party]:
    """The same, with somebody in the store's place, so that its part can be seen."""
    return [party if party.staff_id else party._replace(staff_id=UUID(int=99)) for party in parties]


@often
@given(sales(), rate_lists, part_lists())
def test_what_people_get_and_the_store_keeps_is_the_whole(sale: Sale, rates: list[Rate], parties: list[Party]) -> None:
    found = targets(sale, [], rates, with_the_store(parties))

    for role in CommissionRole:
        theirs = sum(each.amount for (_, part), each in found.items() if part.role is role)
        has_any = any(party.role is role for party in parties)
        assert theirs == (whole_of(sale, rates, role) if has_any else 0)


@often
@given(sales(), rate_lists, part_lists())
def test_the_store_keeps_its_part_and_nobody_else_gets_it(sale: Sale, rates: list[Rate], parties: list[Party]) -> None:
    with_store = targets(sale, [], rates, with_the_store(parties))

    assert targets(sale, [], rates, parties) == {
        key: each for key, each in with_store.items() if key[1].staff_id != UUID(int=99)
    }


@often
@given(refunded(), rate_lists, part_lists())
def test_nothing_is_ever_below_zero_whatever_is_given_back(
    case: tuple[Sale, list[GivenBack]], rates: list[Rate], parties: list[Party]
) -> None:
    sale, refunds = case

    for count in range(len(refunds) + 1):
        for each in total(targets(sale, refunds[:count], rates, parties)).values():
            assert min(each) >= 0


@often
@given(refunded(), rate_lists, part_lists())
def test_all_given_back_takes_all_of_it_from_everybody(
    case: tuple[Sale, list[GivenBack]], rates: list[Rate], parties: list[Party]
) -> None:
    sale, refunds = case
    left = sale.amount - sum(refund.amount for refund in refunds)
    last = [GivenBack(UUID(int=200), left)] if left else []

    found = total(targets(sale, [*refunds, *last], rates, parties))

    if sale.amount:
        assert set(found.values()) <= {Sum(0, 0)}


def test_a_refund_may_give_a_fen_to_whoever_had_the_next_remainder() -> None:
    sale = Sale([Goods("A", "上装", 133)], 0, 133)
    shares = (None, 554), (UUID(int=1), 27), (None, 9_419)
    parties = [Party(CommissionRole.GUIDE, staff_id, points) for staff_id, points in shares]
    refunds = [GivenBack(UUID(int=100), 1), GivenBack(UUID(int=200), 132)]

    found = targets(sale, refunds, [Rate(CommissionRole.GUIDE, None, 1)], parties)

    assert [refund.int if refund else 0 for refund, _ in found] == [100, 200]
    assert set(total(found).values()) == {Sum(0, 0)}


@often
@given(refunded(), rate_lists, part_lists(), st.randoms())
def test_the_order_of_lines_is_no_matter(
    case: tuple[Sale, list[GivenBack]], rates: list[Rate], parties: list[Party], dice: Random
) -> None:
    sale, refunds = case
    mixed = list(sale.goods)
    dice.shuffle(mixed)
    turned = [GivenBack(r.id, r.amount, list(reversed(r.goods)), r.discount, r.has_lines) for r in refunds]

    assert targets(Sale(mixed, sale.discount, sale.amount), turned, rates, parties) == targets(
        sale, refunds, rates, parties
    )


@often
@given(refunded(), rate_lists, part_lists())
def test_a_refund_that_comes_later_changes_nothing_of_what_was_posted(
    case: tuple[Sale, list[GivenBack]], rates: list[Rate], parties: list[Party]
) -> None:
    sale, refunds = case
    before = targets(sale, refunds[:-1], rates, parties)

    after = targets(sale, refunds, rates, parties)

    assert {key: each for key, each in after.items() if key in before} == before
    assert {key[0] for key in after if key not in before} <= {refunds[-1].id if refunds else None}


@often
@given(refunded(), rate_lists, part_lists(), rate_lists, part_lists())
def test_what_is_due_makes_what_was_posted_what_it_should_be_and_then_nothing_is(
    case: tuple[Sale, list[GivenBack]],
    rates: list[Rate],
    parties: list[Party],
    other_rates: list[Rate],
    other_parties: list[Party],
) -> None:
    sale, refunds = case
    posted = targets(sale, [], other_rates, other_parties)
    wanted = targets(sale, refunds, rates, parties)

    missing = due(wanted, posted)

    for key in {*posted, *wanted}:
        there = [sums.get(key, Sum(0, 0)) for sums in (posted, missing)]
        assert Sum(*map(sum, zip(*there, strict=True))) == wanted.get(key, Sum(0, 0))
    assert due(wanted, wanted) == {}


@pytest.mark.parametrize(
    ("basis", "rate", "amount"),
    [(0, 500, 0), (10, 500, 1), (9, 500, 0), (30, 500, 2), (29, 500, 1), (1, 5_000, 1), (19_900, 333, 663)],
)
def test_a_half_is_rounded_away_from_zero(basis: int, rate: int, amount: int) -> None:
    assert rounded(basis, rate) == amount


def test_a_line_is_rounded_before_it_is_shared_and_not_part_by_part() -> None:
    sale = Sale([Goods("A", None, 10)], 0, 10)
    three = [Party(GUIDE, who, points) for who, points in zip(PEOPLE, (3_334, 3_333, 3_333), strict=False)]

    found = targets(sale, [], [Rate(GUIDE, None, 1_000)], three)

    assert [each.amount for each in found.values()] == [1, 0, 0]


def test_rounding_part_by_part_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def each_by_itself(amount: int, weights: Sequence[int]) -> list[int]:
        return [(2 * amount * weight + sum(weights)) // (2 * sum(weights)) for weight in weights]

    monkeypatch.setattr(commissioning, "shared_out", each_by_itself)

    with pytest.raises(AssertionError):
        test_what_people_get_and_the_store_keeps_is_the_whole()


def test_discounts_are_shared_over_goods_and_postage_earns_nothing() -> None:
    sale = Sale([Goods("A", "鞋履", 30_000), Goods("B", None, 10_000)], 4_001, 36_999)  # 1,000 postage
    rates = [Rate(GUIDE, None, 500), Rate(GUIDE, "鞋履", 1_000)]

    found = targets(sale, [], rates, [Party(GUIDE, PEOPLE[0], 10_000)])

    assert found == {
        (None, Part(PEOPLE[0], GUIDE, "鞋履", 1_000)): Sum(26_999, 2_700),
        (None, Part(PEOPLE[0], GUIDE, None, 500)): Sum(9_000, 450),
    }


def test_a_refund_with_lines_takes_of_what_was_given_back_only() -> None:
    sale = Sale([Goods("A", "鞋履", 30_000), Goods("B", None, 10_000)], 0, 40_000)
    rates, guide = [Rate(GUIDE, None, 500), Rate(GUIDE, "鞋履", 1_000)], [Party(GUIDE, PEOPLE[0], 10_000)]
    shoes = GivenBack(UUID(int=100), 30_000, [("A", 30_000)], 0, True)
    half = GivenBack(UUID(int=101), 20_000)
    postage = GivenBack(UUID(int=102), 1_000, [], 0, True)

    def taken(refund: GivenBack) -> dict[str | None, int]:
        found = targets(sale, [refund], rates, guide)
        return {part.category: each.amount for (refund_id, part), each in found.items() if refund_id}

    assert taken(shoes) == {"鞋履": -3_000}
    assert taken(half) == {"鞋履": -1_500, None: -250}
    assert taken(postage) == {}


@often
@given(
    st.dates(date(2000, 1, 1), date(2100, 1, 1)),
    st.integers(1, 12),
    st.sampled_from(Rhythm),
)
def test_each_day_is_in_one_period_and_the_next_begins_behind_it(day: date, month: int, rhythm: Rhythm) -> None:
    course: Course = [(date(2026, month, 1), rhythm)]

    span = period_of(day, course)

    assert span.first_day <= day <= span.last_day
    assert period_of(span.first_day, course) == period_of(span.last_day, course) == span
    assert period_of(span.last_day + timedelta(days=1), course).first_day == span.last_day + timedelta(days=1)
    assert (span.last_day - span.first_day).days + 1 in (
        {28, 29, 30, 31} if rhythm is Rhythm.MONTHLY else range(89, 93)
    )


def test_months_turn_into_quarters_where_it_was_said() -> None:
    course: Course = [(date(2026, 1, 1), Rhythm.MONTHLY), (date(2026, 4, 1), Rhythm.QUARTERLY)]

    days = [date(2025, 12, 31), date(2026, 3, 31), date(2026, 4, 1), date(2026, 6, 30), date(2026, 7, 1)]

    assert [period_of(day, course).first_day for day in days] == [
        date(2025, 12, 1),
        date(2026, 3, 1),
        date(2026, 4, 1),
        date(2026, 4, 1),
        date(2026, 7, 1),
    ]


@pytest.mark.parametrize("rhythm", Rhythm)
def test_the_calendars_first_and_last_days_are_in_periods_too(rhythm: Rhythm) -> None:
    course = [(date(2026, 2, 1), rhythm)]

    first, last = period_of(date.min, course), period_of(date.max, course)

    assert first.first_day == date.min <= first.last_day
    assert last.first_day < last.last_day == date.max
