"""Who of those that a campaign may turn to gets a task, and who is left alone so that the effect can be told. No I/O.

Each customer is drawn by themselves, by a keyed hash: a chunk, a repeat and a preview agree without knowing of each
other. Of n customers about `percent` of a hundred are left alone, give or take √(n·p·(1−p)).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from statistics import median
from typing import Any, Protocol
from uuid import UUID

_SPAN = 2**64


class Candidate(Protocol):
    """A customer with whoever holds them."""

    @property
    def customer_id(self) -> UUID: ...
    @property
    def holder_id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class Dealt:
    """One who was chosen: for a task, or for the control group."""

    candidate: Any
    is_control: bool


@dataclass(frozen=True, slots=True)
class Load:
    """How many tasks those get who get any, and who gets the most."""

    guides: int
    least: int
    median: float
    most: int
    busiest: Sequence[tuple[UUID, int]]


def is_control(seed: int, customer_id: UUID, percent: int) -> bool:
    """Whether the seed draws the customer: the same for the same two, and independent of any other's."""
    digest = blake2b(customer_id.bytes, key=seed.to_bytes(8, "big"), digest_size=8).digest()
    return int.from_bytes(digest, "big") * 100 < percent * _SPAN


def deal(
    candidates: Iterable[Candidate],
    *,
    seed: int,
    percent: int,
    most_per_guide: int,
    given: Mapping[UUID, int] | None = None,
) -> list[Dealt]:
    """Go down each holder's list until they have `most_per_guide` tasks; `given` is how many they have already.

    Whoever comes behind that is in neither group. Whether somebody is reached depends on those before them only,
    and which group they come into on their own draw alone: so the groups are alike, wherever a list ends.
    """
    had = Counter(given or {})
    chosen: list[Dealt] = []
    for candidate in candidates:
        if had[candidate.holder_id] >= most_per_guide:
            continue
        left_alone = is_control(seed, candidate.customer_id, percent)
        had[candidate.holder_id] += not left_alone
        chosen.append(Dealt(candidate, left_alone))
    return chosen


def load(holders: Iterable[UUID], shown: int = 20) -> Load:
    """What a list of holders, one for each task, comes to."""
    tasks = Counter(holders)
    counts = list(tasks.values())
    busiest = sorted(tasks.items(), key=lambda each: (-each[1], each[0]))[:shown]
    if not counts:
        return Load(0, 0, 0.0, 0, [])
    return Load(len(counts), min(counts), float(median(counts)), max(counts), busiest)
