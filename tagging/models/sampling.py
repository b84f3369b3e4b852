"""Which tags a seed draws: strata, and places in them; the same for the same seed and the same population.

The generator is Python's `random.Random`, seeded with a text that names the seed and the stratum, and asked for
`random()` only: that sequence is the same in every version of Python (documented under "Notes on Reproducibility").
Each stratum has a sequence of its own, so that a change in one draws no other differently.
"""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from tagging.models.statistics import allocate

NOBODY = UUID(int=0)
LEAST = 2


class Cell(NamedTuple):
    """Tags of one store, one setter and one tag of the library; `NOBODY` set what no person did."""

    store_id: UUID
    setter_id: UUID
    tag_id: UUID


class Key(NamedTuple):
    """What the tags of a stratum have in common; None where thin parts were put together."""

    store_id: UUID | None
    setter_id: UUID | None
    tag_id: UUID | None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A stratum: its key, how large it is, and the places in the whole population of those that were drawn."""

    key: Key
    size: int
    places: list[int]


def draw(cells: Mapping[Cell, int], size: int, seed: int) -> list[Drawn]:
    """Draw `size` of the population at random without replacement, in proportion from each stratum.

    The population is the cells in the order of their keys, one behind the other; places count from 0.
    """
    strata = _strata(cells, size)
    begins = _begins(cells)
    numbers = allocate([sum(cells[cell] for cell in within) for within in strata.values()], size, least=LEAST)
    drawn: list[Drawn] = []
    for (key, within), number in zip(strata.items(), numbers, strict=True):
        total = sum(cells[cell] for cell in within)
        source = random.Random(f"{seed}:{_text(key)}")  # noqa: S311 - to be repeated, not to be secret
        spans = [(begins[cell], cells[cell]) for cell in within]
        drawn.append(Drawn(key, total, _places(spans, _ranks(source, total, number))))
    return drawn


def _places(spans: Sequence[tuple[int, int]], ranks: Sequence[int]) -> list[int]:
    """Where in the population the ranks of a stratum lie that is made of these parts: (begin, length)."""
    places: list[int] = []
    passed, ahead = 0, 0
    for begin, length in spans:
        while ahead < len(ranks) and ranks[ahead] < passed + length:
            places.append(begin + ranks[ahead] - passed)
            ahead += 1
        passed += length
    return places


def _strata(cells: Mapping[Cell, int], size: int) -> dict[Key, list[Cell]]:
    """The cells by stratum (store, setter, tag), in the order of their keys.

    A stratum of which less than two would be drawn says nothing of how it varies. Such are put together: first the
    thin tags of one setter, then thin setters of one store, then thin stores.
    """
    population = sum(cells.values())
    keys = {cell: Key(*cell) for cell in sorted(cells)}
    for level in ("tag_id", "setter_id", "store_id"):
        sizes: dict[Key, int] = defaultdict(int)
        for cell, key in keys.items():
            sizes[key] += cells[cell]
        thin = {key for key, count in sizes.items() if count * size < LEAST * population}
        keys = {cell: key._replace(**{level: None}) if key in thin else key for cell, key in keys.items()}
    strata: dict[Key, list[Cell]] = defaultdict(list)
    for cell in sorted(keys):
        strata[keys[cell]].append(cell)
    return {key: strata[key] for key in sorted(strata, key=_text)}


def _begins(cells: Mapping[Cell, int]) -> dict[Cell, int]:
    begins, at = {}, 0
    for cell in sorted(cells):
        begins[cell] = at
        at += cells[cell]
    return begins


def _ranks(source: random.Random, total: int, number: int) -> list[int]:
    """So many different ranks below `total`, each set of them equally likely (Floyd's algorithm)."""
    chosen: set[int] = set()
    for top in range(total - number, total):
        rank = int(source.random() * (top + 1))
        chosen.add(top if rank in chosen else rank)
    return sorted(chosen)


def _text(key: Key) -> str:
    return ":".join("*" if part is None else part.hex for part in key)
