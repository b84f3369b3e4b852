"""A placement by affinity is the best there is, or says by how much it may not be."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handover.models.planning import placing, slots
from handover.models.planning.exchanging import exchange
from handover.models.planning.filling import deal, even_shares, fill_one
from handover.models.planning.placing import place
from handover.models.planning.prices import soft_prices
from handover.models.planning.problem import Placement, Problem
from handover.models.planning.seating import seat


def problem(cells: list[list[int]], loads: list[int], rooms: list[int], weight: int = 300) -> Problem:
    return Problem(np.array(cells, np.int64).reshape(-1, len(loads)), loads, rooms, weight)


def by_exchanges(asked: Problem, most: int = 10_000) -> Placement:
    """As it is placed when it is too large for a solver."""
    prices = soft_prices(asked)
    found = exchange(asked, seat(asked, prices), most)
    return asked.placement(found.columns, max(asked.bound(prices), asked.bound(found.prices)))


def cheapest(asked: Problem) -> float:
    """What the best of all placements costs, by trying each."""
    columns = [np.array(tried) for tried in product(range(asked.columns), repeat=asked.count)]
    fit = [tried for tried in columns if (np.bincount(tried, minlength=asked.columns) <= asked.rooms).all()]
    cost: float = min(asked.cost(tried) for tried in fit) / asked.scale
    return cost


def large(seed: int, rows: int = 1_500, seats: int = 12, room: float = 1.3) -> Problem:
    """A third of the rows know somebody; seats are loaded and bounded unevenly."""
    chance = np.random.default_rng(seed)
    cells = np.full((rows, seats), 1_000)
    cells[chance.integers(0, rows, rows // 3), chance.integers(0, seats, rows // 3)] -= 225
    cells -= 20 * chance.integers(0, 4, (rows, seats))
    loads, rooms = chance.integers(0, 300, seats), chance.integers(0, int(2 * room * rows / seats), seats)
    return Problem(cells, loads.tolist(), rooms.tolist(), 300)


@st.composite
def tiny(draw: st.DrawFn) -> Problem:
    rows, seats = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    cells = draw(
        st.lists(st.lists(st.integers(0, 1_000), min_size=seats, max_size=seats), min_size=rows, max_size=rows)
    )
    loads = draw(st.lists(st.integers(0, 30), min_size=seats, max_size=seats))
    rooms = draw(st.lists(st.integers(0, 6), min_size=seats, max_size=seats))
    return problem(cells, loads, rooms, draw(st.integers(1, 2_000)))


@given(tiny())
@settings(max_examples=150, deadline=None)
def test_a_placement_costs_what_the_best_of_all_costs(asked: Problem) -> None:
    found = place(asked)

    assert found.cost == cheapest(asked) == found.bound
    assert found.is_exact


@given(tiny())
@settings(max_examples=150, deadline=None)
def test_exchanges_find_the_best_and_prove_it(asked: Problem) -> None:
    found = by_exchanges(asked)

    assert found.cost == cheapest(asked)
    assert found.bound == pytest.approx(found.cost)
    assert found.is_exact


@pytest.mark.parametrize("seed", range(4))
def test_the_solver_and_the_exchanges_agree_on_hundreds(seed: int) -> None:
    asked = large(seed, rows=120, seats=6)
    assert slots.is_small(asked)

    assert by_exchanges(asked).cost == place(asked).cost


@pytest.mark.parametrize("room", [0.4, 1.3])
def test_capacities_hold_everybody_is_placed_and_the_same_comes_of_the_same(room: float) -> None:
    asked = large(7, room=room)
    assert not slots.is_small(asked)

    found = place(asked)

    taken = np.bincount(found.seats[found.seats >= 0], minlength=asked.seats)
    assert (taken <= asked.rooms[: asked.seats]).all()
    assert int((found.seats < 0).sum()) == asked.overflow == max(0, 1_500 - int(asked.rooms[: asked.seats].sum()))
    assert (place(large(7, room=room)).seats == found.seats).all()
    assert found.is_exact


@pytest.mark.parametrize("most", [0, 3, 10])
def test_what_is_broken_off_says_by_how_much_it_may_be_worse(most: int) -> None:
    asked = large(3)
    best = by_exchanges(asked).cost

    found = by_exchanges(asked, most)

    assert found.bound <= best <= found.cost
    assert not found.is_exact
    assert 0 < found.gap < 0.05
    assert found.cost - best <= found.gap * found.cost


def test_a_bound_holds_at_any_prices() -> None:
    asked = large(5)
    best = asked.cost(place(asked).seats)
    chance = np.random.default_rng(0)

    for _ in range(50):
        assert asked.bound(chance.integers(-(10**9), 10**9, asked.columns)) <= best


def test_nobody_is_moved_to_save_less_than_it_costs() -> None:
    """One seat has twice the average load: what ties to it must outweigh that."""
    tied = problem([[550, 1_000], [1_000, 1_000]], [100, 0], [10, 10])
    loose = problem([[750, 1_000], [1_000, 1_000]], [100, 0], [10, 10])

    assert place(tied).seats.tolist()[1] == 1
    assert place(loose).seats.tolist() == [1, 1]
    assert place(problem([[300, 1_000], [1_000, 1_000]], [100, 0], [10, 10])).seats.tolist() == [0, 1]


def test_without_rows_or_seats_there_is_nothing_to_prove() -> None:
    nobody = place(Problem(np.zeros((3, 0), np.int64), [], [], 300))

    assert (nobody.seats.tolist(), nobody.is_exact, nobody.gap) == ([-1, -1, -1], True, 0.0)
    assert place(Problem(np.zeros((0, 2), np.int64), [1, 2], [3, 3], 300)).seats.tolist() == []


def test_a_placement_that_forgets_the_load_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound would not meet the cost: a wrong plan can't call itself the best."""
    asked = large(3)
    columns = seat(asked, np.zeros(asked.columns, np.int64))
    monkeypatch.setattr(placing, "exchange", lambda *_: exchange(asked, columns, 0))

    assert not place(asked).is_exact


loads_and_rooms = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 40)), min_size=1, max_size=8)


@given(loads_and_rooms, st.integers(0, 120))
def test_an_even_share_differs_by_at_most_one_where_there_is_room(seats: list[tuple[int, int]], count: int) -> None:
    loads, rooms = (np.array(each, np.int64) for each in zip(*seats, strict=True))

    shares = even_shares(loads, rooms, count)

    assert int(shares.sum()) == min(count, int(rooms.sum()))
    assert ((shares >= 0) & (shares <= rooms)).all()
    after = loads + shares
    for higher in np.flatnonzero(shares > 0):
        for lower in np.flatnonzero(shares < rooms):
            assert after[higher] <= after[lower] + 1


def test_rows_with_many_tasks_are_dealt_round_the_lowest_loads() -> None:
    dealt = deal(np.array([5, 0, 4]), np.array([1, 2, 1]), np.array([0, 9, 3, 1, 2]))

    assert dealt.tolist() == [-1, 1, 1, 0, 2]
    assert fill_one(2, 2, 3).tolist() == [2, 2, -1]
