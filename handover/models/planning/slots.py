"""Place few relationships by a solver of the assignment problem: each seat as so many slots, each dearer than the last.

SciPy's `linear_sum_assignment` is exact (Crouse, "On implementing 2D rectangular assignment algorithms", 2016); what it
takes grows with the slots, and there are as many for each seat as there are rows.
"""

import numpy as np

from handover.models.planning.problem import Ints, Problem

MOST_CELLS = 400_000


def is_small(problem: Problem) -> bool:
    """Whether rows × slots are few enough."""
    return bool(problem.count * problem.rooms.sum() <= MOST_CELLS)


def solve(problem: Problem) -> Ints:
    """The column of each row in the cheapest placement."""
    # Takes longer to load than anything else here, and only who plans needs it.
    from scipy.optimize import linear_sum_assignment

    columns = np.repeat(np.arange(problem.columns), problem.rooms)
    place = np.arange(len(columns)) - np.repeat(np.cumsum(problem.rooms) - problem.rooms, problem.rooms)
    dearer = problem.slopes[columns] * (problem.loads[columns] + place + 1)
    _, chosen = linear_sum_assignment(problem.costs[:, columns] + dearer)
    return np.asarray(columns[chosen], np.int64)
