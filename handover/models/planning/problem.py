"""Who is to be placed with whom, as numbers: what a placement costs, and what none can cost less than.

A transportation problem with convex costs (Ahuja, Magnanti, Orlin, "Network Flows", 1993, chapter 14): each row goes
to one seat, a seat takes as many as it has room for, and each one more costs it more than the one before. All costs
are whole numbers, so that a plan that is the best one can be told from one that is nearly so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

WHOLE = 1_000
"""Affinity and dissatisfaction are counted in thousandths."""


@dataclass(frozen=True, slots=True)
class Placement:
    """The seat of each row, -1 where there was none left. `cost` and `bound` are in thousandths of a customer.

    No placement costs less than `bound`: where the two are the same, this one is proved to be the best.
    """

    seats: Ints
    cost: float
    bound: float
    is_exact: bool

    @property
    def gap(self) -> float:
        """By what part of its cost it may be worse than the best, at most."""
        return 0.0 if self.is_exact or self.cost <= 0 else max(0.0, (self.cost - self.bound) / self.cost)


class Problem:
    """`dissatisfaction` has a row for each relationship and a column for each seat, in thousandths, 0 to 1,000.

    `loads` is how much each seat has to do already, `rooms` how many it takes at most. `weight`, in thousandths, is
    what one more costs a seat that has as much to do as all have on average; it grows in proportion to the load.
    Rows for which there is no room go to one more column, the overflow, which costs as if nothing spoke for it.
    """

    def __init__(
        self, dissatisfaction: NDArray[np.integer], loads: Sequence[int], rooms: Sequence[int], weight: int
    ) -> None:
        count, seats = dissatisfaction.shape
        taken = np.clip(np.asarray(rooms, np.int64), 0, count)
        over = max(0, count - int(taken.sum()))
        self.count, self.seats, self.overflow = count, seats, over
        # Costs are multiplied by the total load, and so stay whole when they are divided by the average one.
        self.scale = max(1, int(sum(loads)) + count)
        self.costs: Ints = dissatisfaction.astype(np.int64) * self.scale
        self.slopes: Ints = np.full(seats, weight * seats, np.int64)
        self.loads: Ints = np.asarray(loads, np.int64)
        self.rooms: Ints = taken
        if over:
            self.costs = np.concatenate([self.costs, np.full((count, 1), WHOLE * self.scale, np.int64)], axis=1)
            self.slopes = np.append(self.slopes, 0)
            self.loads = np.append(self.loads, 0)
            self.rooms = np.append(self.rooms, over)

    @property
    def columns(self) -> int:
        return len(self.rooms)

    def next_costs(self, taken: Ints) -> Ints:
        """What it costs each column to take as many as that, beyond one fewer."""
        return self.slopes * (self.loads + taken)

    def load_costs(self, taken: Ints) -> Ints:
        """What it costs each column to take as many as that, beyond none."""
        return self.slopes * (taken * self.loads + taken * (taken + 1) // 2)

    def cost(self, columns: Ints) -> int:
        """What a placement costs in all."""
        taken = np.bincount(columns, minlength=self.columns)
        return int(self.costs[np.arange(self.count), columns].sum() + self.load_costs(taken).sum())

    def supply(self, prices: Ints) -> Ints:
        """How many each column would take at a price for each one that it takes."""
        sloped = np.clip(prices // np.maximum(self.slopes, 1) - self.loads, 0, self.rooms)
        return np.where(self.slopes > 0, sloped, np.where(prices > 0, self.rooms, 0))

    def bound(self, prices: Ints) -> int:
        """What any placement costs at least: the Lagrangian dual at any prices (Fisher, Management Science 1981).

        Each row goes where it is cheapest with the price, each column takes what pays at the price; that the two agree
        is not asked.
        """
        taken = self.supply(prices)
        return int((self.costs + prices).min(axis=1).sum() + (self.load_costs(taken) - prices * taken).sum())

    def placement(self, columns: Ints, bound: int) -> Placement:
        """The placement, as it is said to whoever asked for it."""
        cost = self.cost(columns)
        seats = np.where(columns < self.seats, columns, -1)
        return Placement(seats, cost / self.scale, bound / self.scale, cost == bound)
