"""One morning's plans of a large brand on PostgreSQL: all its stores, by workers beside each other."""

import argparse
import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import get_context
from statistics import median, quantiles
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url
from sqlalchemy.ext.asyncio import AsyncSession

from directory.models import Brand
from kernel import clock, feed, ids
from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground
from server import chores
from server.tables import METADATA
from server.wiring import PREPARATIONS, wiring
from server.worker import Worker, collect_seldom
from tasks.commands.plans import PLAN_STORE
from tasks.models.starters import STARTERS
from tests.bench.planning_rows import ROWS
from tests.factories import NOON
from tests.servers import postgres

STORES, GUIDES, WORKERS = 900, 3, 2


@dataclass
class Took:
    """Seconds: of each store's reading and choosing, of each transaction that wrote, and of the processor in all."""

    drafts: list[float] = field(default_factory=list)
    writes: list[float] = field(default_factory=list)
    processor: float = 0.0


class TimedDatabase(Database):
    """Notes how long its write transactions are open."""

    def __init__(self, url: str, took: Took) -> None:
        super().__init__(url)
        self._took = took

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with super().write() as session:
            await session.connection()
            began = time.perf_counter()
            yield session
        self._took.writes.append(time.perf_counter() - began)


async def measure(chosen: argparse.Namespace) -> None:
    """Print how long all stores' plans take, what one takes, and how long others wait for locks at most."""
    console = Console()
    for customers in chosen.customers:
        with postgres() as server:
            url = server.create_database("daogou_planning")
            console.print(await _measure(url, customers))


async def _measure(url: str, customers: int) -> Table:
    brand_id, title = ids.new(), f"Plans of {customers:,} customers in {STORES} stores, {WORKERS} workers"
    table = Table("", "median (ms)", "95 % (ms)", "longest (ms)", title=title)
    database = Database(url)
    began = time.perf_counter()
    await _fill(database, url, brand_id, customers)
    table.caption = f"filled in {time.perf_counter() - began:.0f} s"
    began = time.perf_counter()
    with clock.stopped_at(NOON):
        for _ in range(-(-STORES // chores.MOST_PLANS)):
            await chores.begin_plans(Ground(database, connect(None), wiring))
    table.add_row(f"all begun in {time.perf_counter() - began:.1f} s", "", "", "")
    began = time.perf_counter()
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as processes:
        asked = [processes.submit(work, url, NOON) for _ in range(WORKERS)]
        parts = await asyncio.gather(*(asyncio.wrap_future(each) for each in asked))
    seconds = time.perf_counter() - began
    _row(table, "reading and choosing a store", [each for part in parts for each in part.drafts])
    _row(table, "a transaction", [each for part in parts for each in part.writes])
    async with database.engine.connect() as connection:
        counted = (
            "SELECT count(*) FROM plan_run WHERE done_at IS NOT NULL",
            "SELECT count(*) FROM task WHERE state = 'pending'",
        )
        plans, tasks = [(await connection.exec_driver_sql(each)).scalar_one() for each in counted]
    processor = sum(part.processor for part in parts)
    table.add_row(f"{plans} plans, {tasks:,} tasks in {seconds:.1f} s", "", "", "")
    table.add_row(f"of which the workers reckoned for {processor:.1f} s", "", "", "")
    await database.close()
    return table


def _row(table: Table, name: str, took: list[float]) -> None:
    figures = (median(took), quantiles(took, n=20)[-1], max(took))
    table.add_row(name, *(f"{seconds * 1000:,.0f}" for seconds in figures))


def work(url: str, moment: datetime) -> Took:
    """What one worker does until nothing is due: the process of its own that it runs in."""
    return asyncio.run(_work(url, moment))


async def _work(url: str, moment: datetime) -> Took:
    took = Took()
    collect_seldom()
    ground = Ground(TimedDatabase(url, took), connect(None), wiring)
    draft = PREPARATIONS[PLAN_STORE]

    async def timed(session: AsyncSession, brand_id: UUID, **args: str) -> object:
        began = time.perf_counter()
        drafted = await draft(session, brand_id, **args)
        took.drafts.append(time.perf_counter() - began)
        return drafted

    with clock.stopped_at(moment):
        worker = Worker(ground, preparations={PLAN_STORE: timed})
        while await worker.sweep_once():
            pass
    await ground.redis.aclose(close_connection_pool=True)
    await ground.db.close()
    took.processor = time.process_time()
    return took


async def _fill(database: Database, url: str, brand_id: UUID, customers: int) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    async with database.write() as session:
        session.add(Brand(id=brand_id, code="bench", name="量", created_at=clock.now()))
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address, statement_cache_size=0)
    values = {"brand": brand_id, "stores": STORES, "guides": GUIDES, "customers": customers, "now": NOON.isoformat()}
    for statement in ROWS.split(";\n"):
        await connection.execute(statement.format(**values))
    people = await connection.fetch("SELECT id FROM staff")
    stores = await connection.fetch("SELECT id FROM store")
    async with database.write() as session:
        feeds = [row["id"] for row in people] + [feed.of_desk(row["id"]) for row in stores]
        await feed.open_feeds(session, brand_id, feeds)
    await connection.executemany(
        "INSERT INTO revisit_rule (brand_id, id, name, trigger, state, days, window_days, category, tag_ids, title,"
        " suggested_words, priority, weight, created_at, version) VALUES"
        " ($1, gen_random_uuid(), $2, $3, 'live', $4, $5, $6, $7, $8, $9, $10, $11, now(), 1)",
        [_rule(brand_id, starter) for starter in STARTERS],
    )
    await connection.close()


def _rule(brand_id: UUID, starter: dict[str, object]) -> tuple[object, ...]:
    is_new = starter["trigger"] == "new_arrivals"
    return (
        brand_id,
        starter["name"],
        starter["trigger"],
        starter.get("days", 0),
        starter.get("window_days", 0),
        "外套" if is_new else None,
        '["00000009-0000-7000-8000-000000000001"]' if is_new else "[]",
        starter["title"],
        starter["suggested_words"],
        starter["priority"],
        starter["weight"],
    )
