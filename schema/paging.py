"""Relay connections over keyset pages."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Generic, TypeVar

import orjson
import strawberry

from kernel.pages import BadCursor, Page
from schema.scalars import Cursor

Node = TypeVar("Node")


@strawberry.type(description="Where this page lies in its list.")
class PageInfo:
    has_next_page: bool = strawberry.field(description="Whether there are more rows behind this page.")
    has_previous_page: bool = strawberry.field(description="Whether this page was reached with a cursor.")
    start_cursor: Cursor | None = strawberry.field(description="The place of the first row; null on an empty page.")
    end_cursor: Cursor | None = strawberry.field(description="The place of the last row: send it as `after`.")


@strawberry.type(description="A row and its place in the list.")
class Edge(Generic[Node]):
    cursor: Cursor
    node: Node


@strawberry.type(description="A page of a list, as the Relay specification lays it out.")
class Connection(Generic[Node]):
    edges: list[Edge[Node]]
    page_info: PageInfo


def page_of(first: int, after: Cursor | None) -> Page:
    """What to read: 1 to 100 rows behind a place. Refused with `BAD_PAGE_SIZE` or `BAD_CURSOR`."""
    return Page(first, None if after is None else _read(after))


def connection(
    kind: type[Node], rows: Sequence[Any], page: Page, place: Callable[[Any], Sequence[Any]]
) -> Connection[Node]:
    """The page as a connection. `rows` has one row more than asked for if there is a next page."""
    shown = rows[: page.first]
    edges = [Edge[Node](cursor=_write(place(row)), node=row) for row in shown]
    return Connection[Node](
        edges=edges,
        page_info=PageInfo(
            has_next_page=len(rows) > page.first,
            has_previous_page=page.after is not None,
            start_cursor=edges[0].cursor if edges else None,
            end_cursor=edges[-1].cursor if edges else None,
        ),
    )


def _write(place: Sequence[Any]) -> Cursor:
    plain = [value.isoformat() if isinstance(value, date) else value for value in place]
    return Cursor(base64.urlsafe_b64encode(orjson.dumps(plain, default=str)).decode().rstrip("="))


def _read(cursor: Cursor) -> list[Any]:
    try:
        plain = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, orjson.JSONDecodeError, ValueError) as error:
        raise BadCursor from error
    if not isinstance(plain, list):
        raise BadCursor
    return plain
