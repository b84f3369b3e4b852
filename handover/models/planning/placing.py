"""Place relationships with seats as cheaply as can be."""

import numpy as np

from handover.models.planning import slots
from handover.models.planning.exchanging import exchange
from handover.models.planning.prices import soft_prices
from handover.models.planning.problem import Placement, Problem
from handover.models.planning.seating import seat

MOST_STEPS = 200_000_000
"""Numbers that exchanges look at; beyond this a plan is good enough, and says how much worse than the best it may be.

Two seconds or so of a processor: a plan of 20,000 for 50 guides has 8,000 exchanges, and needs some hundreds.
"""


def place(problem: Problem) -> Placement:
    """The cheapest placement; or, where that would take too long, one with a proved bound.

    Few relationships go to a solver. More are seated at approximate prices, and exchanged until nothing is to be
    gained. The same problem has the same answer, whatever the machine and its hurry: no clock has a say.
    """
    if not problem.count or not problem.seats:
        return Placement(np.full(problem.count, -1, np.int64), 0.0, 0.0, is_exact=True)
    if slots.is_small(problem):
        columns = slots.solve(problem)
        return problem.placement(columns, problem.cost(columns))
    prices = soft_prices(problem)
    most = MOST_STEPS // (problem.count + problem.columns**2)
    found = exchange(problem, seat(problem, prices), most)
    return problem.placement(found.columns, max(problem.bound(prices), problem.bound(found.prices)))
