"""The scalars that GraphQL lacks, and how ids are read."""

from datetime import UTC, datetime
from typing import Any, NewType, TypeVar, cast
from uuid import UUID

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from kernel.errors import NotFound

Shown = TypeVar("Shown")

Fen = NewType("Fen", int)
Cursor = NewType("Cursor", str)
Seq = NewType("Seq", int)

LARGEST = 2**53 - 1


def _fen(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > LARGEST:
        raise ValueError("an amount is a whole number of the currency's minor unit, within ±(2^53 - 1)")
    return value


def _seq(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise ValueError("a place in a feed is a whole number from 0 to 2^53 - 1")
    return value


def _cursor(value: Any) -> str:
    if not isinstance(value, str) or len(value) > 4096:
        raise ValueError("a cursor is a string that this server gave")
    return value


def _instant(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("an instant is a string such as 2026-03-02T12:00:00+08:00")
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise ValueError("an instant needs its offset, as in 2026-03-02T12:00:00+08:00 or 2026-03-02T04:00:00Z")
    try:
        return instant.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("an instant lies between the years 1 and 9999 in UTC") from error


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant in ISO 8601, given in UTC and taken with any offset: `2026-03-02T04:00:00+00:00`.",
        serialize=datetime.isoformat,
        parse_value=_instant,
    ),
    Fen: strawberry.scalar(
        name="Fen",
        description="An amount of money: a whole number of the currency's minor unit (分), within ±(2^53 - 1).",
        serialize=_fen,
        parse_value=_fen,
    ),
    Cursor: strawberry.scalar(
        name="Cursor",
        description="A place in a list or feed. Opaque: keep it, send it back, never build or read one.",
        serialize=_cursor,
        parse_value=_cursor,
    ),
    Seq: strawberry.scalar(
        name="Seq",
        description="How far a feed has come: a whole number from 0 to 2^53 - 1.",
        serialize=_seq,
        parse_value=_seq,
    ),
}

CONFIG = StrawberryConfig(scalar_map=SCALARS)


def read_id(value: strawberry.ID) -> UUID:
    """The id that a client sent. A malformed one is the id of nothing: `NOT_FOUND`, as for any other."""
    try:
        return UUID(value)
    except ValueError as error:
        raise NotFound from error


def given_id(value: strawberry.ID | None) -> UUID | None:
    """The same for an id that may be left out."""
    return read_id(value) if value is not None else None


def sought_id(value: strawberry.ID | None) -> UUID | None:
    """What a query looks for, where nothing is refused: a malformed id is the nil id, which nothing has."""
    if value is None:
        return None
    try:
        return UUID(value)
    except ValueError:
        return UUID(int=0)


def shown_as(kind: type[Shown], row: Any) -> Shown:
    """Let a Core row stand for a GraphQL type: fields are read from it by name, so nothing is copied."""
    return cast(Shown, row)
