"""How long it takes to count a month of a large brand anew on PostgreSQL, and to hold its rows against the orders."""

import argparse
import time
from contextlib import nullcontext
from datetime import UTC, date, datetime, timedelta
from statistics import quantiles
from typing import Any
from uuid import UUID

import asyncpg
from rich.console import Console
from sqlalchemy import make_url

from directory.models import Brand
from kernel import clock, ids
from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground
from kpi.models import KpiStore
from server import figures_by_hand
from server.tables import METADATA
from server.wiring import wiring
from tests.bench.kpi_month_rows import ROWS
from tests.servers import postgres

STORES, GUIDES, CUSTOMERS = 900, 2_000, 300_000
MONTH = datetime(2026, 2, 28, 16, tzinfo=UTC)  # where the stores are it is 1 March
FIRST, TODAY = date(2026, 3, 1), date(2026, 4, 1)  # the month is over


async def measure(chosen: argparse.Namespace) -> None:
    """Print how long a month takes to be counted anew and to be verified, and how long a transaction is open."""
    console = Console()
    with nullcontext() if chosen.database else postgres() as server:
        url = chosen.database or _new(server)
        database = Database(url)
        began = time.perf_counter()
        brand_id = await _filled(database, url, chosen.orders)
        console.print(f"{chosen.orders:,} orders of {STORES} stores: made in {time.perf_counter() - began:.0f} s")
        with clock.stopped_at(MONTH + timedelta(days=31, hours=12)):
            await _measure(console, Ground(database, connect(None), wiring), brand_id)
        await database.close()


def _new(server: Any) -> str:
    server.create_database("daogou_kpi")
    # Whoever leaves out what guards the rows has to be a superuser.
    return make_url(server.admin_url).set(database="daogou_kpi").render_as_string(hide_password=False)


async def _measure(console: Console, ground: Ground, brand_id: UUID) -> None:
    took: list[float] = []
    at = time.perf_counter()

    def note(_done: int, _total: int) -> None:
        nonlocal at
        now = time.perf_counter()
        took.append(now - at)
        at = now

    rebuilt = await figures_by_hand.rebuild(ground, brand_id, (), FIRST, None, note)
    cuts = quantiles(took, n=20)
    console.print(
        f"rebuild: {rebuilt.days:,} days of {rebuilt.stores} stores in {rebuilt.seconds:.1f} s; a transaction "
        f"{cuts[9] * 1000:.0f} ms (median), {cuts[18] * 1000:.0f} ms (95 %), {max(took) * 1000:.0f} ms (longest)"
    )
    began = time.perf_counter()
    verdict = await figures_by_hand.verify(ground, brand_id, lambda _done, _total: None)
    console.print(f"verify: {verdict.days:,} days in {time.perf_counter() - began:.1f} s, {verdict.count} differences")


async def _filled(database: Database, url: str, orders: int) -> UUID:
    """The brand to measure on: made now, unless the database has one."""
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address, statement_cache_size=0)
    there: Any = await connection.fetchval("SELECT id FROM brand LIMIT 1")
    if there is None:
        there = ids.new()
        async with database.write() as session:
            session.add(Brand(id=there, code="bench", name="量", created_at=clock.now()))
        # Rows that are made to fit each other need not be looked up one by one.
        await connection.execute("SET session_replication_role = replica; SET synchronous_commit = off")
        values = {"stores": STORES, "guides": GUIDES, "customers": CUSTOMERS, "orders": orders}
        for statement in ROWS.split(";\n"):
            await connection.execute(statement.format(brand=there, month=MONTH.isoformat(), **values))
        async with database.write() as session:
            stores = await connection.fetch("SELECT id FROM store")
            session.add_all(KpiStore(brand_id=there, store_id=row["id"], first=FIRST, last=TODAY) for row in stores)
    await connection.close()
    return UUID(str(there))
