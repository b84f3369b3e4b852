"""Seat everybody at given prices: the start that exchanges improve."""

import numpy as np

from handover.models.planning.problem import Ints, Problem

_FAR = np.iinfo(np.int64).max // 8
_MOST_LOOKS = 15  # at each row, on average: who is left then is drawn to all alike


def seat(problem: Problem, prices: Ints) -> Ints:
    """A column for each row; no column gets more than it has room for.

    First it is settled how many go to each column, as the prices have it; then rows choose, and where too many choose a
    column, those stay to whom it matters most. Whoever is left when all have been looked at often enough fills
    what is left, in order.
    """
    left = _shares(problem, prices)
    columns = np.full(problem.count, -1, np.int64)
    rows = np.arange(problem.count)
    looks = _MOST_LOOKS * problem.count
    while len(rows) and looks > 0:
        looks -= len(rows)
        wanted = problem.costs[rows] + np.where(left > 0, prices, _FAR)
        best, regret = _first_and_regret(wanted)
        order = np.lexsort((rows, -regret, best))
        lined_up = best[order]
        place = np.arange(len(order)) - np.searchsorted(lined_up, np.arange(problem.columns))[lined_up]
        stays = place < left[lined_up]
        columns[rows[order[stays]]] = lined_up[stays]
        left = left - np.bincount(lined_up[stays], minlength=problem.columns)
        rows = np.sort(rows[order[~stays]])
    columns[rows] = np.repeat(np.arange(problem.columns), left)
    return columns


def _first_and_regret(wanted: Ints) -> tuple[Ints, Ints]:
    """The cheapest column of each row, and how much dearer the next one is."""
    each = np.arange(len(wanted))
    best = wanted.argmin(axis=1)
    first = wanted[each, best]
    wanted[each, best] = 2 * _FAR
    return best, wanted.min(axis=1) - first


def _shares(problem: Problem, prices: Ints) -> Ints:
    """How many go to each column: as many as it takes when all prices rise or fall together until all are placed."""
    if problem.overflow:
        return problem.rooms.copy()
    dearest = int(problem.next_costs(problem.rooms).max()) + int(np.abs(prices).max()) + 1
    low, high = -dearest, dearest
    while low < high:
        middle = (low + high) // 2
        if int(problem.supply(prices + middle).sum()) >= problem.count:
            high = middle
        else:
            low = middle + 1
    shares = problem.supply(prices + high)
    over = int(shares.sum()) - problem.count
    # Those at the brink give way, each by one: at a price lower by the least they would have taken one fewer.
    dear = np.where(shares > 0, problem.next_costs(shares) - prices, -_FAR)
    shares[np.argsort(-dear, kind="stable")[:over]] -= 1
    return shares
