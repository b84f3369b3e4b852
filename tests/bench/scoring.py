"""A night's scores and risks of many customers on PostgreSQL: the first night, and those after it."""

import argparse
import time
from datetime import date, timedelta
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url

from directory.models import Brand
from kernel import clock, ids
from kernel.actor import system
from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground, unit_of_work
from mall.commands import profiles
from mall.queries import churn
from server.tables import METADATA
from server.wiring import wiring
from tests.servers import postgres

# Two fifths bought on one day; the others on 2 to 21, the last of them up to two years ago.
_ROWS = """
INSERT INTO customer (brand_id, id, member_number, name, do_not_contact, joined_at, version)
SELECT '{brand}', gen_random_uuid(), n::text, '王芳', false, now(), 1 FROM generate_series(1, {count}) n;
INSERT INTO purchase_profile (brand_id, customer_id, orders, purchase_days, gross, refunds, net, net_12_months,
    first_day, last_day, rhythm, counted_from, as_of)
SELECT brand_id, id, days, days, spent, 0, spent, CASE WHEN ago < 365 THEN spent ELSE 0 END,
    date '{today}' - ago - (days - 1) * 30, date '{today}' - ago,
    CASE WHEN days = 1 THEN 0 ELSE
        (days - 1) * exp((date '{today}' - ago - days * 15 - date '2000-01-01') / 365.0::float8) END,
    date '{today}', date '{today}'
FROM (SELECT brand_id, id, CASE WHEN n % 5 < 2 THEN 1 ELSE 2 + n % 20 END AS days, abs(hashint4(n)) % 730 AS ago,
        abs(hashint4(n + 100000000) % 2000000) AS spent
    FROM (SELECT brand_id, id, member_number::int AS n FROM customer) numbered) drawn;
VACUUM ANALYZE customer, purchase_profile
"""


async def measure(chosen: argparse.Namespace) -> None:
    """Print how long the nights take, and their longest chunk."""
    console, today = Console(), date(2026, 3, 2)
    for customers in chosen.customers:
        table = Table("", "seconds", "chunks", "longest chunk (s)", title=f"Scores of {customers:,} customers")
        with postgres() as server:
            url = server.create_database("daogou_scoring")
            database, brand_id = Database(url), ids.new()
            async with database.engine.begin() as connection:
                await connection.run_sync(METADATA.create_all)
            async with database.write() as session:
                session.add(Brand(id=brand_id, code="bench", name="量", created_at=clock.now()))
            address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
            filling = await asyncpg.connect(address)
            for statement in _ROWS.format(brand=brand_id, count=customers, today=today).split(";"):
                await filling.execute(statement)
            ground = Ground(database, connect(None), wiring)
            began = time.perf_counter()
            async with database.read() as session:
                await churn.patience_days(session, brand_id, today)
            table.add_row("patience alone", f"{time.perf_counter() - began:.1f}", "", "")
            for name, after in (("first night", 0), ("the next", 1), ("the same again", 1)):
                took = await _night(ground, brand_id, today + timedelta(days=after))
                table.add_row(name, f"{sum(took):.1f}", str(len(took)), f"{max(took):.2f}")
            await filling.close()
            await database.close()
        console.print(table)


async def _night(ground: Ground, brand_id: UUID, day: date) -> list[float]:
    after, took = None, list[float]()
    while not took or after is not None:
        began = time.perf_counter()
        async with unit_of_work(ground, system(brand_id)) as work:
            after = await profiles.night_chunk(work, day, after)
        took.append(time.perf_counter() - began)
    return took
