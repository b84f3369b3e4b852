"""Prove that a refusal changed nothing and said nothing: every table is the same before and after."""

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, closing
from typing import Any

import pytest
from sqlalchemy import CompoundSelect, literal_column, select, union_all

from kernel.errors import Refusal
from kernel.work import Ground
from server.tables import METADATA

Snapshot = dict[str, Counter[str]]

# A test that is refused ten things looks at a hundred tables twenty times: so it asks once, and not once for each.
_EVERYTHING: CompoundSelect[Any] = union_all(
    *(
        select(literal_column(f"'{table.name}'"), literal_column(f'"{table.name}"::text')).select_from(table)
        for table in METADATA.sorted_tables
    )
)


async def snapshot(ground: Ground) -> Snapshot:
    """Every row of every table."""
    found = _of_file(ground) if ground.db.is_sqlite else await _of_server(ground)
    rows: Snapshot = {table.name: Counter() for table in METADATA.sorted_tables}
    for name, row in found:
        rows[name][row] += 1
    return rows


async def _of_server(ground: Ground) -> Iterable[tuple[str, str]]:
    async with ground.db.read() as session:
        return [(name, row) for name, row in await session.execute(_EVERYTHING)]


def _of_file(ground: Ground) -> list[tuple[str, str]]:
    """SQLite has no text of a whole row, but is next door: asked past the thread that waits for it, it is as quick."""
    with closing(sqlite3.connect(str(ground.db.url.database))) as file, file:
        file.execute("BEGIN")
        return [
            (table.name, repr(row))
            for table in METADATA.sorted_tables
            for row in file.execute(f'SELECT * FROM "{table.name}"')  # noqa: S608 - names from our own models
        ]


@asynccontextmanager
async def refused(ground: Ground, kind: type[Refusal]) -> AsyncIterator[None]:
    """What is inside is refused, for exactly that reason, and leaves no trace."""
    before = await snapshot(ground)
    with pytest.raises(kind) as caught:
        yield
    assert caught.type is kind
    assert await snapshot(ground) == before
