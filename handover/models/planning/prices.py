"""Find what a place with each seat is about worth: the start of a placement, and a bound for it.

Each row chooses softly, the cheaper a seat the likelier; each seat asks the price at which it takes as many as choose
it; in turns, with ever harder choices (matrix scaling: Sinkhorn and Knopp 1967, with entropy as in Cuturi 2013). That
is done for an even sample of the rows: it is prices that are looked for, and few rows tell them as well as all.
"""

import numpy as np
from numpy.typing import NDArray

from handover.models.planning.problem import Ints, Problem

_SAMPLE = 4_000
_TURNS = 60
_SOFTEST, _HARDEST = 200.0, 5.0  # in thousandths
_HALVINGS = 40
_LEAST = 1e-300


def soft_prices(problem: Problem) -> Ints:
    """A price for each column, in the problem's own numbers."""
    step = max(1, -(-problem.count // _SAMPLE))
    costs = problem.costs[::step] / problem.scale
    stands_for = problem.count / len(costs)
    slopes = problem.slopes / problem.scale
    prices = slopes * (problem.loads + problem.count / problem.columns)
    for softness in np.geomspace(_SOFTEST, _HARDEST, _TURNS):
        chosen = _choices(costs, prices, softness) * stands_for
        prices = _answers(problem, slopes, prices, softness, np.maximum(chosen, _LEAST))
    return np.asarray(np.rint(prices * problem.scale), np.int64)


def _choices(costs: NDArray[np.float64], prices: NDArray[np.float64], softness: float) -> NDArray[np.float64]:
    """How many rows choose each column, in parts of a row."""
    likely = -(costs + prices) / softness
    likely -= likely.max(axis=1, keepdims=True)
    np.exp(likely, out=likely)
    likely /= likely.sum(axis=1, keepdims=True)
    total: NDArray[np.float64] = likely.sum(axis=0)
    return total


def _answers(
    problem: Problem,
    slopes: NDArray[np.float64],
    prices: NDArray[np.float64],
    softness: float,
    chosen: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The prices at which as many as choose a column are as many as it takes; it takes its room at most."""
    least = np.full(problem.columns, 1e-9)
    most = np.maximum(problem.rooms.astype(np.float64), 1e-9)
    for _ in range(_HALVINGS):
        taken = (least + most) / 2
        is_more = prices + softness * np.log(chosen / taken) > slopes * (problem.loads + taken)
        least, most = np.where(is_more, taken, least), np.where(is_more, most, taken)
    answered: NDArray[np.float64] = prices + softness * np.log(chosen / most)
    return answered
