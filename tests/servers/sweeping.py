"""Empty a database of PostgreSQL for the next test, over a connection that stays: a test has a hundred milliseconds."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import CompoundSelect, MetaData, exists, literal_column, select, text, union_all
from sqlalchemy.ext.asyncio import create_async_engine

# Where there are many rows, or were, to clear everything is quicker than to delete them.
_LARGE = text(
    "SELECT EXISTS (SELECT FROM pg_class "
    "WHERE relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 2000000)"
)


class Sweeper:
    """Removes every row. It has a thread, for it is asked from inside a running event loop."""

    def __init__(self, url: str, tables: MetaData, ledgers: set[str]) -> None:
        """`ledgers` are the tables whose rows can't be deleted."""
        self._ledgers = ledgers
        self._tables = [table.name for table in reversed(tables.sorted_tables)]
        self._filled: CompoundSelect[Any] = union_all(
            *(
                select(literal_column(f"'{table.name}'")).where(exists(select(literal_column("1")).select_from(table)))
                for table in tables.sorted_tables
            )
        )
        # Tests end connections, this one as well.
        self._engine = create_async_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=1,
            pool_pre_ping=True,
            connect_args={"server_settings": {"lock_timeout": "20s"}},
        )
        self._thread = ThreadPoolExecutor(1)
        self._runner = asyncio.Runner()

    def sweep(self) -> None:
        self._thread.submit(lambda: self._runner.run(self._sweep())).result()

    def close(self) -> None:
        self._thread.submit(lambda: self._runner.run(self._engine.dispose())).result()
        self._thread.submit(self._runner.close).result()
        self._thread.shutdown()

    async def _sweep(self) -> None:
        async with self._engine.connect() as connection:
            if await connection.scalar(_LARGE):
                await connection.execute(text(f"TRUNCATE {', '.join(map(_quoted, self._tables))} CASCADE"))
                return
            filled = set(await connection.scalars(self._filled))
            driver = (await connection.get_raw_connection()).driver_connection
            if filled and driver:
                await driver.execute(self._emptied([name for name in self._tables if name in filled]))

    def _emptied(self, names: Sequence[str]) -> str:
        """All in one, and so in one transaction: what refers to a row goes before it."""
        return "; ".join(f"{'TRUNCATE' if name in self._ledgers else 'DELETE FROM'} {_quoted(name)}" for name in names)


def _quoted(name: str) -> str:
    return f'"{name}"'
