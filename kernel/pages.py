"""Read long lists a page at a time, by the place of the last row instead of by counting."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, and_, literal, or_, tuple_

from kernel.errors import Invalid

MOST = 100


class BadCursor(Invalid):
    """The cursor was not made by this list."""

    code = "BAD_CURSOR"
    en = "This cursor doesn't belong to this list."
    zh = "翻页位置无效，请重新加载列表。"


class BadPageSize(Invalid):
    """`first` is out of range."""

    code = "BAD_PAGE_SIZE"
    en = "first: ask for 1 to {most} rows."
    zh = "first：每次请取 1 到 {most} 条。"


@dataclass(frozen=True, slots=True)
class Key:
    """One column that a list is ordered by. The last key of a list must tell any two rows apart."""

    column: Any
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """How many rows, and behind which place: the key values of the last row seen."""

    first: int = 20
    after: Sequence[Any] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.first <= MOST:
            raise BadPageSize(most=MOST)


def paged(statement: Select[*tuple[Any, ...]], page: Page, *keys: Key) -> Select[*tuple[Any, ...]]:
    """Order by the keys, start behind the page's place, and take one row more than asked for.

    The extra row only tells that there is a next page.
    """
    if page.after is not None:
        statement = statement.where(_behind(keys, _values(keys, page.after)))
    order = [key.column.desc() if key.descending else key.column.asc() for key in keys]
    return statement.order_by(*order).limit(page.first + 1)


def along(statement: Select[*tuple[Any, ...]], key: Any, after: UUID | None, most: int) -> Select[*tuple[Any, ...]]:
    """Rows in the order of their ids, behind one of them: the way to copy all that is in sight, piece by piece."""
    if after is not None:
        statement = statement.where(key > after)
    return statement.order_by(None).order_by(key).limit(most)


def _behind(keys: Sequence[Key], values: Sequence[Any]) -> ColumnElement[bool]:
    if len({key.descending for key in keys}) == 1:
        # One comparison of whole rows: an index on the keys then starts at the place instead of being filtered.
        here = tuple_(*(key.column for key in keys))
        place = tuple_(*(literal(value, key.column.type) for key, value in zip(keys, values, strict=True)))
        return here < place if keys[0].descending else here > place
    cases: list[ColumnElement[bool]] = []
    for depth, (key, value) in enumerate(zip(keys, values, strict=True)):
        same = [earlier.column == values[index] for index, earlier in enumerate(keys[:depth])]
        further = key.column < value if key.descending else key.column > value
        cases.append(and_(*same, further))
    return or_(*cases)


def _values(keys: Sequence[Key], raw: Sequence[Any]) -> list[Any]:
    if len(raw) != len(keys):
        raise BadCursor
    return [_value(key.column.type, value) for key, value in zip(keys, raw, strict=True)]


def _value(column: Any, value: Any) -> Any:
    """The value, if a row could have it: what the database can't even be asked for is nobody's place."""
    kind: type = column.python_type
    try:
        if kind is datetime:
            return _instant(value)
        if kind is date:
            return date.fromisoformat(value)
        if kind is UUID:
            return UUID(value)
        if isinstance(value, bool) or not isinstance(value, kind):
            raise BadCursor
        if isinstance(value, str) and "\x00" in value:
            raise BadCursor
        if isinstance(value, int) and value.bit_length() > (63 if isinstance(column, BigInteger) else 31):
            raise BadCursor
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise BadCursor from error
    return value


def _instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(value)
    if instant.tzinfo is None:
        raise BadCursor
    return instant.astimezone(UTC)
