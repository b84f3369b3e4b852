"""What a plan is made from: who is to be placed, who has room, and what speaks for whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from handover.models.handovers import Strategy
from handover.models.planning.options import Options
from handover.models.planning.problem import Ints


@dataclass(frozen=True, slots=True)
class Seat:
    """A takeover guide's account. `held` counts what the guide holds in all stores, `capacity` what they may hold."""

    account_id: UUID
    store_id: UUID
    held: int
    open_tasks: int
    capacity: int

    @property
    def load(self) -> int:
        """The open load, which is balanced: relationships held, and open tasks kept."""
        return self.held + self.open_tasks

    @property
    def room(self) -> int:
        return max(0, self.capacity - self.held)


@dataclass(frozen=True, slots=True)
class Evidence:
    """How often a seat's guide did something for a relationship's customer, where they ever did."""

    rows: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    seats: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    counts: Ints = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Likeness:
    """Which tags the customers carry, and what share of each seat's own customers does, in thousandths (tag × seat).

    `is_language` marks the tags of a group that is named 语言 or language.
    """

    rows: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    tags: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    shares: Ints = field(default_factory=lambda: np.zeros((0, 0), np.int64))
    is_language: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))


@dataclass(frozen=True, slots=True)
class Row:
    """A relationship that is handed over. `known_to` holds the customer in a store that takes over (a merge)."""

    relationship_id: UUID
    from_account_id: UUID
    store_id: UUID
    open_tasks: int = 0
    known_to: UUID | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """`homes` is the public account where the relationships of each store go if nobody has room, `homes_held` what
    these hold. `is_closing`: every seat may take every row; otherwise only those of its own store.
    """

    strategy: Strategy
    options: Options
    rows: Sequence[Row]
    seats: Sequence[Seat]
    homes: Mapping[UUID, UUID]
    homes_held: Mapping[UUID, int]
    is_closing: bool = False
    orders: Evidence = field(default_factory=Evidence)
    visits: Evidence = field(default_factory=Evidence)
    tasks: Evidence = field(default_factory=Evidence)
    likeness: Likeness = field(default_factory=Likeness)
