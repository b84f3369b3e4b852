"""The count of a five-term expression: by bitmaps, against a plain entity-attribute join over the same customers."""

import argparse
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from uuid import UUID

import asyncpg
from pyroaring import BitMap
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from directory.models import Brand
from kernel import bulk, clock, ids
from kernel.actor import Actor, Role
from kernel.db import Database
from server.tables import METADATA
from tagging.models import SegmentBits, SegmentIndex
from tagging.models.expressions import Compare, Node, Not, Op
from tagging.models.expressions.tree import All
from tagging.models.facts import Today
from tagging.models.terms import EVERYBODY, day_number
from tagging.queries import bitmaps, counting
from tests.bench.segments_plain import ATTRIBUTES, OVER_ARRAYS, PLAIN, fill, fill_arrays, tune
from tests.servers import postgres

TIERS = ("普卡", "银卡", "金卡", "黑卡")
TAGS = (UUID(int=1), UUID(int=2))
PATIENCE = 90  # days
SPENT = 200_000  # fen
MOST_EMBEDDED = 1_000_000

Timed = Callable[[], Awaitable[int]]


def expression() -> Node:
    """Gold, with one tag and without another, bought within 90 days, for 2,000 or more in all."""
    return All(
        (
            Compare("tag", Op.IN, (str(TAGS[0]),)),
            Compare("tier", Op.IS, ("金卡",)),
            Compare("days_since_purchase", Op.AT_MOST, (PATIENCE,)),
            Compare("spend", Op.AT_LEAST, (SPENT,)),
            Not(Compare("tag", Op.IN, (str(TAGS[1]),))),
        )
    )


async def measure(chosen: argparse.Namespace) -> None:
    """Print how long a count takes, cold and warm, and its ratio to the join's."""
    console = Console()
    for customers in chosen.customers:
        today = Today(clock.now().date(), "UTC")
        table = Table("", "first (ms)", "then, median (ms)", title=f"{customers:,} customers")
        with ExitStack() as stack:
            url = stack.enter_context(postgres()).create_database("daogou_segments")
            folder = Path(stack.enter_context(TemporaryDirectory()))
            await _measure(url, folder, customers, today, table, chosen.rounds)
        console.print(table)


async def _measure(url: str, folder: Path, customers: int, today: Today, table: Table, rounds: int) -> None:
    actor = Actor(ids.new(), ids.new(), Role.HQ)
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address, statement_cache_size=0)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(connection.close)
        began = time.perf_counter()
        await fill(connection, customers, day_number(today.day))
        table.caption = f"filled in {time.perf_counter() - began:.0f} s"
        database = await _database(stack, url, actor, customers)
        both = [database]
        if customers <= MOST_EMBEDDED:
            both.append(await _database(stack, f"sqlite:///{folder}/bench.db", actor, customers))
        await _write_bits(connection, both, actor.brand_id, customers)
        table.caption += f", bitmaps in all after {time.perf_counter() - began:.0f} s"
        await connection.execute("VACUUM ANALYZE segment_bits")
        await tune(connection)
        asked = (day_number(today.day - timedelta(days=PATIENCE)), SPENT)
        counts: dict[str, Timed] = {
            "plain join (PostgreSQL)": lambda: connection.fetchval(PLAIN, *asked),
            "bitmaps (PostgreSQL)": lambda: _count(both[0], actor, today),
        }
        if customers <= MOST_EMBEDDED:
            await fill_arrays(connection)
            counts["bitmaps (SQLite)"] = lambda: _count(both[1], actor, today)
            counts["int[] with GIN (PostgreSQL)"] = lambda: connection.fetchval(OVER_ARRAYS, *asked)
        found = {await _row(table, name, count, rounds) for name, count in counts.items()}
        [agreed] = found
        table.add_row("found", f"{agreed:,}", "")
        await _sizes(connection, table)


async def _sizes(connection: "asyncpg.Connection[asyncpg.Record]", table: Table) -> None:
    for relation in ("segment_bits", "bench_tag", "bench_attribute", "bench_array"):
        size = await connection.fetchval("SELECT pg_total_relation_size(to_regclass($1))", relation)
        if size is not None:
            table.add_row(f"{relation}, with its indexes", f"{size / 2**20:,.0f} MiB", "")


async def _row(table: Table, name: str, count: Timed, rounds: int) -> int:
    bitmaps.SHARED.clear()
    took: list[float] = []
    found = 0
    for _ in range(rounds + 1):
        began = time.perf_counter()
        found = await count()
        took.append((time.perf_counter() - began) * 1000)
    table.add_row(name, f"{took[0]:,.0f}", f"{median(took[1:]):,.1f}")
    return found


async def _count(database: Database, actor: Actor, today: Today) -> int:
    async with database.read() as session:
        return (await counting.count(session, actor, expression(), today)).count


async def _database(stack: AsyncExitStack, url: str, actor: Actor, customers: int) -> Database:
    database = Database(url)
    stack.push_async_callback(database.close)
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    async with database.write() as session:
        session.add(Brand(id=actor.brand_id, code="bench", name="量", created_at=clock.now()))
        await session.flush()
        at = clock.now()
        session.add(SegmentIndex(brand_id=actor.brand_id, next_number=customers, revision=1, built_at=at))
    return database


async def _write_bits(
    connection: "asyncpg.Connection[asyncpg.Record]", databases: list[Database], brand_id: UUID, customers: int
) -> None:
    """The bitmaps of what the plain tables hold, chunk by chunk."""
    for chunk in range(-(-customers // bitmaps.CHUNK)):
        first = chunk * bitmaps.CHUNK
        facts = await connection.fetchrow(ATTRIBUTES, first, min(first + bitmaps.CHUNK, customers) - 1)
        assert facts is not None
        last = min(first + bitmaps.CHUNK, customers)
        found = {EVERYBODY: BitMap(range(first, last)), "last?": BitMap(range(first, last))}
        for number, tag in enumerate(TAGS):
            found[f"tag:{tag}"] = BitMap(facts[f"tag_{number + 1}"] or ())
        for number, tier in enumerate(TIERS, 101):
            found[f"tier:{tier}"] = BitMap([first + at for at, each in enumerate(facts["tier"]) if each == number])
        found |= {f"last:{digit}": _slice(facts["last"], digit, first) for digit in range(17)}
        found |= {f"spend:{digit}": _slice(facts["spend"], digit, first) for digit in range(21)}
        rows = [
            {"brand_id": brand_id, "term": term, "chunk": chunk, "bits": bits.serialize(), "revision": 1}
            for term, bits in found.items()
            if bits
        ]
        for database in databases:
            async with database.write() as session:
                await bulk.insert_rows(session, SegmentBits, rows)


def _slice(values: list[int], digit: int, first: int) -> BitMap:
    bit = 1 << digit
    return BitMap([at for at, value in enumerate(values, first) if value & bit])
