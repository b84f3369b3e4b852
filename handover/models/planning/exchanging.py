"""Make a placement better by exchanges in a ring, until there is none that does: then it is the best there is.

A placement is the best exactly if no ring of moves costs less than nothing (Klein, Management Science 1967). Among few
columns such a ring is found quickly: what it costs to move somebody from one column to another is what it costs for the
row to which it matters least. When there is none, the distances by which it was looked for are prices that prove it.
"""

from dataclasses import dataclass

import numpy as np

from handover.models.planning.problem import Ints, Problem

_FAR = np.iinfo(np.int64).max // 8
_LOOK_EVERY = 3  # rounds of the search for a ring


@dataclass(frozen=True, slots=True)
class Exchanged:
    """`prices` bound the cost from below; when there was no ring left, they give the cost itself."""

    columns: Ints
    prices: Ints


class _Board:
    """What it costs to move one row from each column to each other, and to take on one more, or one fewer."""

    def __init__(self, problem: Problem, columns: Ints) -> None:
        self.problem = problem
        self.columns = columns.copy()
        self.taken = np.bincount(columns, minlength=problem.columns)
        size = problem.columns + 1  # the last stands for room that nobody takes
        self.costs = np.full((size, size), _FAR, np.int64)
        self.movers = np.full((size, size), -1, np.int64)
        np.fill_diagonal(self.costs, 0)
        self._look_at(range(problem.columns))

    def _look_at(self, changed: "range | set[int]") -> None:
        """What it costs to leave, and to come to, the columns that have changed."""
        last = self.problem.columns
        more, fewer = self.problem.next_costs(self.taken + 1), self.problem.next_costs(self.taken)
        for column in sorted(changed):
            rows = np.flatnonzero(self.columns == column)
            if len(rows):
                dearer = self.problem.costs[rows] - self.problem.costs[rows, column][:, None]
                least = dearer.argmin(axis=0)
                self.costs[column, :last] = dearer[least, np.arange(last)]
                self.movers[column, :last] = rows[least]
            else:
                self.costs[column, :last] = _FAR
            self.costs[column, column] = 0
            has_room = self.taken[column] < self.problem.rooms[column]
            self.costs[column, last] = more[column] if has_room else _FAR
            self.costs[last, column] = -fewer[column] if self.taken[column] else _FAR

    def move(self, rings: list[list[int]]) -> None:
        """Carry out rings that have no column in common."""
        last = self.problem.columns
        for ring in rings:
            moves = [pair for pair in zip(ring, [*ring[1:], ring[0]], strict=True) if last not in pair]
            for mover, column in [(self.movers[pair], pair[1]) for pair in moves]:
                self.columns[mover] = column
        self.taken = np.bincount(self.columns, minlength=last)
        self._look_at({column for ring in rings for column in ring} - {last})


def exchange(problem: Problem, columns: Ints, most: int) -> Exchanged:
    """Carry out at most about so many exchanges; the cost falls by each."""
    board = _Board(problem, columns)
    done = 0
    while True:
        distances, rings = _search(board.costs)
        if not rings or done >= most:
            last = problem.columns
            return Exchanged(board.columns, distances[last] - distances[:last])
        board.move(rings)
        done += len(rings)


def _search(costs: Ints) -> tuple[Ints, list[list[int]]]:
    """Distances to each node from the nearest, and rings that cost less than nothing (Bellman and Ford)."""
    each = np.arange(len(costs))
    distances = np.zeros(len(costs), np.int64)
    came_from = each.copy()
    for turn in range(1, len(costs) + 2):
        over = distances[:, None] + costs
        nearest = over.argmin(axis=0)
        found = over[nearest, each]
        is_nearer = found < distances
        if not is_nearer.any():
            return distances, []
        distances = np.where(is_nearer, found, distances)
        came_from = np.where(is_nearer, nearest, came_from)
        if turn % _LOOK_EVERY == 0:
            rings = _rings(came_from.tolist())
            if rings:
                return distances, rings
    return distances, _rings(came_from.tolist())


def _rings(came_from: list[int]) -> list[list[int]]:
    """The rings among the steps by which nodes were reached; each costs less than nothing."""
    rings = []
    seen = [False] * len(came_from)
    for start in range(len(came_from)):
        path: list[int] = []
        node = start
        while not seen[node] and came_from[node] != node:
            seen[node] = True
            path.append(node)
            node = came_from[node]
        if node in path:
            rings.append(path[path.index(node) :][::-1])
    return rings
