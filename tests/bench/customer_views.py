"""The views of customers on PostgreSQL, over many orders: of the brand, of one store, and of one guide."""

import argparse
import time
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncSession

from directory.models import Brand
from kernel import clock, ids
from kernel.actor import system
from kernel.db import Database
from kernel.pages import Page
from kpi.models import Grain
from kpi.models.months import Months
from kpi.queries import scoping
from kpi.queries.customer_views import concentration, flow, pyramid, rhythm
from kpi.queries.customer_views.purchases import Reach, reach
from kpi.queries.customer_views.pyramid import Letter, Wanted, Worth
from kpi.queries.scoping import Asked, Scope
from server.tables import METADATA
from tests.servers import postgres

STORES, ORDERS_EACH = 900, 4
_TODAY = date(2026, 3, 2)
# Each customer has a store, two guides share its customers, and orders go back two years, later ones being more.
_ROWS = """
INSERT INTO region (brand_id, id, code, name, path, version) VALUES ('{brand}', '{brand}', 'cn', '全国', '/cn/', 1);
INSERT INTO store (brand_id, id, region_id, code, name, time_zone, opening_hours, state, version)
SELECT '{brand}', gen_random_uuid(), '{brand}', n::text, n || ' 店', 'Asia/Shanghai', '[]', 'open', 1
FROM generate_series(0, {stores} - 1) n;
INSERT INTO staff (brand_id, id, number, name, role, state, store_id, hired_at, version)
SELECT '{brand}', gen_random_uuid(), code || '-' || n, '导购', 'guide', 'active', id, now(), 1
FROM store, generate_series(0, 1) n;
INSERT INTO account (brand_id, id, store_id, kind, staff_id, version)
SELECT '{brand}', id, store_id, 'guide', id, 1 FROM staff;
INSERT INTO customer (brand_id, id, member_number, name, do_not_contact, joined_at, version)
SELECT '{brand}', gen_random_uuid(), n::text, '王芳', false, now(), 1 FROM generate_series(1, {count}) n;
INSERT INTO relationship (brand_id, id, customer_id, store_id, holder_id, is_primary, created_at, version)
SELECT '{brand}', gen_random_uuid(), customer.id, staff.store_id, staff.id, true, now(), 1
FROM customer JOIN staff
ON staff.number = (member_number::int % {stores}) || '-' || (member_number::int / {stores} % 2);
INSERT INTO mall_order (brand_id, id, source, number, store_id, customer_id, relationship_id, state, channel, amount,
    currency, placed_at, day, paid_at, version)
SELECT '{brand}', gen_random_uuid(), 'pos', id || '-' || n, store_id, customer_id, id, 'completed', 'pos',
    abs(hashtext(id || '*' || n)) % 200000, 'CNY', day, day, day, 1
FROM (SELECT r.*, n, (date '{today}' - (abs(hashtext(id || '+' || n)) % 730))::date AS day
    FROM relationship r, generate_series(1, {each}) n) placed;
INSERT INTO credit (brand_id, id, order_id, part, store_id, account_id, reason, points, amount, is_elsewhere,
    decided_at, version)
SELECT o.brand_id, gen_random_uuid(), o.id, 1, o.store_id, r.holder_id, 'holder', 10000, o.amount, false, o.placed_at, 1
FROM mall_order o JOIN relationship r ON r.brand_id = o.brand_id AND r.id = o.relationship_id;
INSERT INTO purchase_profile (brand_id, customer_id, orders, purchase_days, gross, refunds, net, net_12_months,
    first_day, last_day, rhythm, counted_from, as_of)
SELECT brand_id, customer_id, count(*), count(distinct day), sum(amount), 0, sum(amount), 0, min(day), max(day), 0,
    max(day), date '{today}' FROM mall_order GROUP BY brand_id, customer_id;
VACUUM ANALYZE
"""
View = Callable[[AsyncSession, Scope, Reach], Awaitable[Any]]


async def measure(chosen: argparse.Namespace) -> None:
    """Print the median seconds of each view by scope."""
    console = Console()
    for customers in chosen.customers:
        title = f"{customers:,} customers, {customers * ORDERS_EACH:,} orders, {STORES} stores (seconds)"
        table = Table("", "brand", "store", "guide", title=title)
        with postgres() as server:
            url = server.create_database("daogou_customer_views")
            database, brand_id = Database(url), ids.new()
            async with database.engine.begin() as connection:
                await connection.run_sync(METADATA.create_all)
            async with database.write() as session:
                session.add(Brand(id=brand_id, code="bench", name="量", created_at=clock.now()))
            await _fill(url, brand_id, customers)
            scopes = await _scopes(database, brand_id)
            for name, view in VIEWS.items():
                took = [await _seconds(database, scope, view, chosen.rounds) for scope in scopes]
                table.add_row(name, *(f"{each:.3f}" for each in took))
            await database.close()
        console.print(table)


async def _fill(url: str, brand_id: UUID, customers: int) -> None:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    filling = await asyncpg.connect(address)
    rows = _ROWS.format(brand=brand_id, count=customers, today=_TODAY, stores=STORES, each=ORDERS_EACH)
    for statement in rows.split(";"):
        await filling.execute(statement)
    await filling.close()


async def _scopes(database: Database, brand_id: UUID) -> list[Scope]:
    async with database.read() as session:
        found = await session.execute(text("SELECT store_id, id FROM staff ORDER BY number LIMIT 1"))
        store_id, staff_id = found.one()
        return [
            await scoping.scope(session, system(brand_id), asked, Grain.STORE)
            for asked in (Asked(), Asked(store_id=store_id), Asked(staff_id=staff_id))
        ]


async def _seconds(database: Database, scope: Scope, view: View, rounds: int) -> float:
    took = []
    for _ in range(rounds):
        async with database.read() as session:
            seen = await reach(session, scope, _TODAY)
            began = time.perf_counter()
            await view(session, scope, seen)
            took.append(time.perf_counter() - began)
    return sorted(took)[len(took) // 2]


async def _concentration(session: AsyncSession, scope: Scope, seen: Reach) -> Any:
    if scope.account_ids is None:
        await concentration.concentration(session, scope, seen, Page(20))


def _months(count: int, most: int = 36) -> Months:
    return Months(_TODAY - timedelta(days=30 * count), _TODAY, most)


VIEWS: dict[str, View] = {
    "flow of 12 months": lambda session, scope, _: flow.monthly(session, scope, _months(11)),
    "cohorts of 24 months": lambda session, scope, _: flow.cohorts(session, scope, _months(23, 24)),
    "pyramid by net": lambda session, scope, seen: pyramid.pyramid(session, scope, seen, Wanted(Worth.NET)),
    "a page of its A": lambda session, scope, seen: pyramid.customers(
        session, system(scope.brand_id), scope, seen, Wanted(Worth.NET), Letter.A, Page(20)
    ),
    "lapsed today": lambda session, scope, seen: rhythm.lapsed(session, scope, seen.on),
    "lapsed a year ago": lambda session, scope, seen: rhythm.lapsed(session, scope, seen.on - timedelta(days=365)),
    "repeat": lambda session, scope, seen: rhythm.repeat(session, scope, seen.on),
    "gaps": lambda session, scope, seen: rhythm.gaps(session, scope, seen.on),
    "concentration": _concentration,
}
