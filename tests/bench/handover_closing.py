"""A large store closes on PostgreSQL while others write: how long it takes, and how long the others wait."""

import argparse
import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url, select
from sqlmodel import col

from customers import commands as customers
from directory.models import Brand
from handover.models import Handover, HandoverState
from handover.queries import succession
from kernel import clock, feed, ids
from kernel.actor import Actor, Role
from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground, unit_of_work
from server import handing_over
from server.tables import METADATA
from server.wiring import wiring
from server.worker import collect_seldom
from tests.bench.handover_move import TimedDatabase
from tests.servers import postgres

GUIDES, OTHERS, PAUSE = 20, 2_000, 0.02
CLOSING, SUCCESSOR, ELSEWHERE = 0, 1, 4

# Store 0 closes into 1, 2 and 3; a tenth of its customers are known in one of these already. Store 4 is another one.
_ROWS = """
CREATE FUNCTION key(kind int, n bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS
    $$ SELECT (lpad(kind::text, 8, '0') || '-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$;
INSERT INTO region (brand_id, id, code, name, path, version) SELECT '{brand}', key(1, 1), 'cn', '全国', '/cn/', 1;
INSERT INTO store (brand_id, id, region_id, code, name, time_zone, opening_hours, state, version)
SELECT '{brand}', key(2, n), key(1, 1), 'S' || n, 'S' || n, 'Asia/Shanghai', '[]', 'open', 1
FROM generate_series(0, 4) n;
INSERT INTO staff (brand_id, id, number, name, role, state, store_id, hired_at, version)
SELECT '{brand}', key(3, n), 'G' || n, '王芳', 'guide', 'active', key(2, n % 5), now(), 1
FROM generate_series(0, 5 * {guides} - 1) n;
INSERT INTO account (brand_id, id, store_id, kind, staff_id, version)
SELECT '{brand}', key(4, n), key(2, n % 5), 'guide', key(3, n), 1 FROM generate_series(0, 5 * {guides} - 1) n;
INSERT INTO account (brand_id, id, store_id, kind, version)
SELECT '{brand}', key(14, n), key(2, n), 'public', 1 FROM generate_series(0, 4) n;
INSERT INTO customer (brand_id, id, member_number, name, do_not_contact, joined_at, version)
SELECT '{brand}', key(5, n), n::text, '王芳', false, now(), 1 FROM generate_series(1, {count} + 5 * {others}) n;
INSERT INTO relationship (brand_id, id, customer_id, store_id, holder_id, is_primary, remark, created_at, version)
SELECT '{brand}', key(6, n), key(5, n), key(2, 0), key(4, 5 * (n % {guides})), true,
    CASE WHEN n % 3 = 0 THEN '爱喝茶' END, now(), 1
FROM generate_series(1, {count}) n;
INSERT INTO relationship (brand_id, id, customer_id, store_id, holder_id, is_primary, remark, created_at, version)
SELECT '{brand}', key(16, n), key(5, n), key(2, 1 + n % 3), key(4, 1 + n % 3 + 5 * (n % {guides})), false,
    CASE WHEN n % 4 = 0 THEN '只收邮件' END, now(), 1
FROM generate_series(10, {count}, 10) n;
INSERT INTO relationship (brand_id, id, customer_id, store_id, holder_id, is_primary, created_at, version)
SELECT '{brand}', key(26, n), key(5, {count} + n), key(2, 1 + n % 4), key(4, 1 + n % 4), true, now(), 1
FROM generate_series(1, 5 * {others}) n;
INSERT INTO holding (brand_id, id, relationship_id, account_id, reason, by_actor_id, from_at)
SELECT brand_id, gen_random_uuid(), id, holder_id, 'created', key(3, 0), created_at FROM relationship;
INSERT INTO note (brand_id, id, relationship_id, store_id, body, at, version)
SELECT '{brand}', gen_random_uuid(), key(6, n), key(2, 0), '喜欢羊绒', now(), 1
FROM generate_series(1, {count}) n, generate_series(1, 2) WHERE n % 2 = 0;
INSERT INTO visit (brand_id, id, relationship_id, store_id, at, version)
SELECT '{brand}', gen_random_uuid(), key(6, n), key(2, 0), now(), 1 FROM generate_series(2, {count}, 2) n;
INSERT INTO mall_order (brand_id, id, source, number, store_id, customer_id, relationship_id, serving_account_id,
    state, channel, amount, currency, placed_at, day, version)
SELECT '{brand}', gen_random_uuid(), 'till', n || '-' || m, key(2, 0), key(5, n), key(6, n), key(4, 5 * (n % {guides})),
    CASE WHEN n % 20 = 0 AND m = 1 THEN 'paid' ELSE 'completed' END, 'pos', 10000, 'CNY',
    now() - make_interval(days => m), current_date - m, 1
FROM generate_series(1, {count}) n, generate_series(1, 2) m;
INSERT INTO task (brand_id, id, store_id, account_id, relationship_id, customer_id, kind, title, priority, due_at,
    state, source, created_at, version)
SELECT '{brand}', gen_random_uuid(), key(2, 0), key(4, 5 * (n % {guides})), key(6, n), key(5, n), 'revisit', '回访', 50,
    now(), 'pending', 'rule', now(), 1
FROM generate_series(5, {count}, 5) n;
INSERT INTO handover (brand_id, id, kind, state, store_id, strategy, options, plan, started_at, chats_place, version)
SELECT '{brand}', key(7, 1), 'closing', 'moving', key(2, 0), 'balanced',
    jsonb_build_object('store_ids', jsonb_build_array(key(2, 1))), '{{}}', now(), '{{}}', 1;
INSERT INTO handover_item (brand_id, handover_id, relationship_id, from_account_id, to_account_id, because, score, here,
    there, is_merged)
SELECT '{brand}', key(7, 1), key(6, n), key(4, 5 * (n % {guides})), key(4, 1 + n % 3 + 5 * (n % {guides})), '{{}}', 0,
    'pending', 'not_linked', false
FROM generate_series(1, {count}) n;
INSERT INTO handover_account (brand_id, handover_id, account_id, store_id)
SELECT brand_id, key(7, 1), id, store_id FROM account WHERE store_id = key(2, 0);
VACUUM ANALYZE
"""


def key(kind: int, number: int) -> UUID:
    """The id of a row that the statements above made."""
    return UUID(f"{kind:08}-0000-7000-8000-{number:012x}")


async def measure(chosen: argparse.Namespace) -> None:
    """Print how long it takes, in all and per transaction, beside a plain UPDATE and beside what others wait."""
    collect_seldom()
    count = min(chosen.customers[0], 100_000)
    table = Table("", "seconds", "median (ms)", "99 % (ms)", "longest (ms)", title=f"A store of {count:,} closes")
    with postgres() as server:
        url, brand_id = server.create_database("daogou_closing"), ids.new()
        database = TimedDatabase(url)
        await _fill(database, url, brand_id, count)
        plain = await _plain(url, brand_id)
        _row(table, "plain UPDATE of the relationships alone", plain)
        context = get_context("spawn")
        with context.Manager() as manager, ProcessPoolExecutor(2, mp_context=context) as processes:
            alone = [processes.submit(write, url, brand_id, store, manager.Event(), 3.0) for store in _OTHERS]
            for store, wrote in zip(_OTHERS, [each.result() for each in alone], strict=True):
                _row(table, f"a note in store {store}, nobody else at work", wrote)
            over = manager.Event()
            beside = [processes.submit(write, url, brand_id, store, over, None) for store in _OTHERS]
            await asyncio.sleep(1)
            seconds, took = await _close(Ground(database, connect(None), wiring), database, brand_id)
            over.set()
            _row(table, f"closing, {len(took)} transactions", took, seconds)
            for store, each in zip(_OTHERS, beside, strict=True):
                _row(table, f"a note in store {store} meanwhile", each.result())
        async with database.read() as session:
            table.caption = (
                f"{seconds / sum(plain):.1f} times the plain UPDATE; "
                f"{await succession.counts(session, brand_id, key(7, 1))}; "
                f"violations: {await succession.violations(session, brand_id)}"
            )
        await database.close()
    Console(width=120).print(table)


_OTHERS = (SUCCESSOR, ELSEWHERE)


def _row(table: Table, name: str, took: Sequence[float], seconds: float | None = None) -> None:
    figures = (median(took), quantiles(took, n=100)[-1], max(took))
    table.add_row(name, f"{seconds or sum(took):.1f}", *(f"{each * 1000:,.1f}" for each in figures))


async def _close(ground: Ground, database: TimedDatabase, brand_id: UUID) -> tuple[float, list[float]]:
    """Seconds until the store is closed, and of each transaction that was written meanwhile."""
    database.took.clear()
    began = time.perf_counter()
    while await _state(database, brand_id) is not HandoverState.DONE:
        await handing_over.move(ground, brand_id, handover_id=str(key(7, 1)))
    return time.perf_counter() - began, database.took


async def _state(database: Database, brand_id: UUID) -> HandoverState | None:
    async with database.read() as session:
        return await session.scalar(select(col(Handover.state)).where(col(Handover.brand_id) == brand_id))


def write(url: str, brand_id: UUID, store: int, over: Any, seconds: float | None) -> list[float]:
    """Write notes in a store until it is over: the process of its own that somebody else works in."""
    return asyncio.run(_write(url, brand_id, store, over, seconds))


async def _write(url: str, brand_id: UUID, store: int, over: Any, seconds: float | None) -> list[float]:
    ground = Ground(Database(url), connect(None), wiring)
    guide = Actor(
        brand_id=brand_id,
        id=key(3, store),
        role=Role.GUIDE,
        staff_id=key(3, store),
        store_id=key(2, store),
        account_ids=(key(4, store),),
    )
    async with ground.db.read() as session:
        mine = (await session.execute(_customers_of(guide))).scalars().all()
    began, took = time.perf_counter(), list[float]()
    while not over.is_set() and (seconds is None or time.perf_counter() - began < seconds):
        start = time.perf_counter()
        async with unit_of_work(ground, guide) as work:
            await customers.add_note(work, mine[len(took) % len(mine)], body="来店试穿")
        took.append(time.perf_counter() - start)
        await asyncio.sleep(PAUSE)
    await ground.redis.aclose(close_connection_pool=True)
    await ground.db.close()
    return took[5:]


def _customers_of(guide: Actor) -> Any:
    table = METADATA.tables["relationship"]
    return (
        select(table.c.customer_id)
        .where(table.c.brand_id == guide.brand_id, table.c.holder_id == guide.account_ids[0], table.c.is_primary)
        .limit(500)
    )


async def _plain(url: str, brand_id: UUID) -> list[float]:
    """The least that could be done: another holder for each relationship, in chunks of a hundred."""
    connection = await asyncpg.connect(_plain_address(url))
    rows = await connection.fetch("SELECT id FROM relationship WHERE store_id = $1 ORDER BY id", key(2, CLOSING))
    took = []
    for start in range(0, len(rows), 100):
        chunk = [row["id"] for row in rows[start : start + 100]]
        began = time.perf_counter()
        await connection.execute(
            "UPDATE relationship SET holder_id = holder_id, version = version WHERE brand_id = $1 AND id = ANY($2)",
            brand_id,
            chunk,
        )
        took.append(time.perf_counter() - began)
    await connection.close()
    return took


def _plain_address(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


async def _fill(database: Database, url: str, brand_id: UUID, count: int) -> None:
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    async with database.write() as session:
        session.add(Brand(id=brand_id, code="bench", name="量", created_at=clock.now()))
    connection = await asyncpg.connect(_plain_address(url), statement_cache_size=0)
    values = {"brand": brand_id, "guides": GUIDES, "count": count, "others": OTHERS}
    for statement in _ROWS.split(";\n"):
        await connection.execute(statement.format(**values))
    await connection.close()
    async with database.write() as session:
        people = [key(3, number) for number in range(5 * GUIDES)]
        stores = [each for number in range(5) for each in (feed.of_store(key(2, number)), feed.of_desk(key(2, number)))]
        await feed.open_feeds(session, brand_id, people + stores)
