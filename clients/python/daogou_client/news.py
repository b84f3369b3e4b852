"""What the server tells of its rows, as plain values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Places = Mapping[str, int]
"""How far each feed was read: its opaque name and the number of the last entry."""


@dataclass(frozen=True, slots=True)
class Row:
    """One thing as it was at a version. `relationship_id` is what it belongs to; `None` if it stands for itself."""

    entity_type: str
    id: str
    version: int
    relationship_id: str | None
    node: Json


@dataclass(frozen=True, slots=True)
class Gone:
    """A thing that is to be forgotten."""

    entity_type: str
    id: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What changed behind a cursor. After `must_refetch` there is nothing to take over but the order to start again."""

    changes: tuple[Row | Gone, ...]
    cursor: str
    places: Places = field(default_factory=dict)
    must_refetch: bool = False
    is_up_to_date: bool = True


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a snapshot. `next` leads to the following page; `cursor` is where changes go on after the last."""

    rows: tuple[Row, ...]
    next: str | None
    cursor: str
    places: Places = field(default_factory=dict)


def reached(places: Places, wanted: Places) -> bool:
    """Whether a reader at `places` has read what lies at `wanted`."""
    return all(places.get(feed, -1) >= seq for feed, seq in wanted.items())


def read_places(said: list[Json]) -> dict[str, int]:
    """Places as GraphQL gives them: `[{feed, seq}]`."""
    return {place["feed"]: place["seq"] for place in said}
