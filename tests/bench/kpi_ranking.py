"""Rankings of a large brand on PostgreSQL: how long a page of all stores or guides takes, by range."""

import argparse
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from datetime import date
from statistics import median, quantiles
from uuid import UUID

import asyncpg
from rich.console import Console
from rich.table import Table
from sqlalchemy import make_url, select, text
from sqlmodel import col

from directory.models import Brand
from kernel import clock, ids
from kernel.actor import Actor, Role
from kernel.db import Database
from kernel.pages import Page
from kpi.models import Days
from kpi.models.definitions import Figure
from kpi.models.measures import DISTINCT, WORK
from kpi.queries import ranking
from kpi.queries.ranking import RankedBy, Wanted
from server.tables import METADATA
from server.worker import collect_seldom
from tests.bench.kpi_rows import ROWS
from tests.servers import postgres

STORES, GUIDES, REGIONS = 900, 33, 15
FIRST, LAST, TODAY = date(2026, 2, 16), date(2026, 5, 31), date(2026, 6, 1)
RANGES = {
    "a day": Days(date(2026, 5, 30), date(2026, 5, 30)),
    "a closed week": Days(date(2026, 5, 18), date(2026, 5, 24)),
    "a closed month": Days(date(2026, 4, 1), date(2026, 4, 30)),
    "92 days": Days(date(2026, 2, 26), date(2026, 5, 28)),
}
_RAW = text(
    "SELECT store_id, sum(amount) FROM raw_order WHERE brand_id = :brand AND day BETWEEN :first AND :last "
    "AND state IN ('paid', 'shipped', 'completed') GROUP BY store_id"
)
_TIMES = 40


async def measure(chosen: argparse.Namespace) -> None:
    """Print medians and 95 % of a ranking's first page, beside adding up plain orders of the same days."""
    collect_seldom()
    with ExitStack() as stack:
        url = chosen.database or stack.enter_context(postgres()).create_database("daogou_kpi_ranking")
        database = Database(url)
        brand_id = await _filled(database, url)
        hq = Actor(brand_id=brand_id, id=ids.new(), role=Role.HQ)
        regional = Actor(brand_id=brand_id, id=ids.new(), role=Role.REGIONAL_MANAGER, region_path="/cn/r1/")
        table = Table("what", "of", "by", "median (ms)", "95 % (ms)", "× orders alone", title="A page of a ranking")
        for name, days in RANGES.items():
            values = {"brand": brand_id, "first": days.first, "last": days.last}
            base = await _timed(lambda values=values: _raw(database, values))  # type: ignore[misc]  # bound now
            table.add_row("orders alone", f"{STORES} stores", name, *_shown(base), "1.00")
            for title, actor, by in (
                (f"{STORES} stores", hq, RankedBy.STORE),
                (f"{STORES * GUIDES // REGIONS:,} guides", regional, RankedBy.GUIDE),
                (f"{STORES * GUIDES:,} guides", hq, RankedBy.GUIDE),
            ):
                for figure in (Figure.NET, Figure.SHARE_RATE):
                    wanted = Wanted(by, figure, days)
                    took = await _timed(lambda actor=actor, wanted=wanted: _rank(database, actor, wanted))  # type: ignore[misc]
                    ratio = median(took) / median(base)
                    table.add_row(figure.value, title, name, *_shown(took), f"{ratio:.2f}")
        Console().print(table)
        await database.close()


async def _timed(act: Callable[[], Awaitable[None]]) -> list[float]:
    await act()
    took = []
    for _ in range(_TIMES):
        began = time.perf_counter()
        await act()
        took.append(time.perf_counter() - began)
    return took


def _shown(took: list[float]) -> tuple[str, str]:
    return f"{median(took) * 1000:,.1f}", f"{quantiles(took, n=20)[-1] * 1000:,.1f}"


async def _rank(database: Database, actor: Actor, wanted: Wanted) -> None:
    async with database.read() as session:
        await ranking.page(session, actor, Page(20), wanted)


async def _raw(database: Database, values: dict[str, object]) -> None:
    async with database.read() as session:
        (await session.execute(_RAW, values)).all()


async def _filled(database: Database, url: str) -> UUID:
    """The brand that is measured on: made unless it is there."""
    async with database.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    brand_id = ids.new()
    async with database.write() as session:
        known = await session.scalar(select(col(Brand.id)).where(col(Brand.code) == "bench"))
        if known is not None:
            return known
        session.add(Brand(id=brand_id, code="bench", name="量", created_at=clock.now()))
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = await asyncpg.connect(address, statement_cache_size=0)
    values = {
        "brand": brand_id,
        "stores": STORES,
        "guides": GUIDES,
        "regions": REGIONS,
        "first": FIRST.isoformat(),
        "last": LAST.isoformat(),
        "today": TODAY.isoformat(),
        "orders_a_day": 20_000,
        "sums": ", ".join(f"sum({name})" for name in _COLUMNS),
    }
    for statement in ROWS.split(";\n"):
        await connection.execute(statement.format(**values))
    await connection.close()
    return brand_id


_COLUMNS = [column.name for column in METADATA.tables["kpi_work"].columns if column.name in (*WORK, *DISTINCT)]
