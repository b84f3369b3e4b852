"""Prove that a refusal changed nothing and said nothing: every table is the same before and after."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from sqlalchemy import literal_column, select

from kernel.errors import Refusal
from kernel.work import Ground
from server.tables import METADATA

Snapshot = dict[str, Counter[str]]

_ALL: Any = select(literal_column("*"))


async def snapshot(ground: Ground) -> Snapshot:
    """Every row of every table."""
    async with ground.db.read() as session:
        connection = await session.connection()
        return {
            # As the driver gives them: nobody looks into the values.
            table.name: Counter(map(repr, (await connection.execute(_ALL.select_from(table))).all()))
            for table in METADATA.sorted_tables
        }


@asynccontextmanager
async def refused(ground: Ground, kind: type[Refusal]) -> AsyncIterator[None]:
    """What is inside is refused, for exactly that reason, and leaves no trace."""
    before = await snapshot(ground)
    with pytest.raises(kind) as caught:
        yield
    assert caught.type is kind
    assert await snapshot(ground) == before
