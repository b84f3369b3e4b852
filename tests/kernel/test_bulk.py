"""A list that a statement takes along: the rows it is about are found by their keys, however many others there are."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from kernel import bulk, ids
from kernel.db import Database
from server.tables import METADATA


def _pairs(session: AsyncSession) -> Any:
    return bulk.paired(session, {ids.new(): ids.new() for _ in range(3)}).c.key


def _rows(session: AsyncSession) -> Any:
    return bulk.listed(session, Relationship, [{"id": ids.new(), "holder_id": ids.new()} for _ in range(3)]).c.id


@pytest.mark.parametrize("key_of", [_pairs, _rows])
async def test_sqlite_finds_the_rows_of_a_list_by_their_keys(
    tmp_path: Path, key_of: Callable[[AsyncSession], Any]
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'daogou.db'}")
    said: list[tuple[str, Any]] = []
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *given: said.append(given[2:4]))

    async with database.write() as session:
        await session.execute(
            update(Relationship)
            .where(col(Relationship.brand_id) == ids.new(), col(Relationship.id) == key_of(session))
            .values(version=Relationship.version + 1)
            .execution_options(synchronize_session=False)
        )
        statement, given = next(each for each in said if each[0].startswith("UPDATE"))
        plan = await (await session.connection()).exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        steps = [row[-1] for row in plan]
    await database.close()

    assert "SEARCH relationship USING INDEX sqlite_autoindex_relationship_1 (brand_id=? AND id=?)" in steps
