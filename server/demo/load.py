"""Fill an empty database with the demo, through each domain's own door, all of it or nothing."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from datetime import date, datetime
from itertools import count
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import customers.commands
import directory.commands
import mall.commands
import tagging.commands
import tasks.commands
from directory.models import StaffState
from directory.queries import brands
from kernel import actor, clock, feed
from kernel.actor import Role
from kernel.crypto import Vault
from kernel.work import Ground, Work
from mall.commands import profiles
from server.demo.brands import TRADES
from server.demo.campaigning import send_to
from server.demo.dice import Dice, Today
from server.demo.house import House
from server.demo.knowing import get_to_know
from server.demo.lives import Batch, Making
from server.demo.opening import lay_out
from server.demo.people import buying_days, make_person
from server.demo.shape import PASSWORD, SHAPES, DemoExists, DemoReport, DemoSignIn, DemoTooLarge, Progress, Shape, Size
from server.demo.shopping import let_guests_shop, shop_on
from server.demo.telling import tell

# Customers made and loaded at a time: about 35,000 rows, 40 MB.
PART = 2_500
SHOWN = 6
FEEDS_AT_A_TIME = 5_000
# PostgreSQL looks up parents by a plan it made when the tables were small; a brand's id alone finds half of them.
ANALYZE_AFTER = {1, 4, 16, 64, 256, 1024}

KNOWN = ("G0001", "M0001", "R0001", "H0001")


async def is_empty(ground: Ground) -> bool:
    """Whether the database has no brand at all, of the demo or anybody's."""
    async with ground.db.read() as session:
        return not await brands.codes(session)


async def fill(
    ground: Ground,
    size: Size,
    *,
    as_of: datetime | None,
    seed: int,
    progress: Progress | None,
    vault: Vault,
    hash_password: Callable[[str], str],
) -> DemoReport:
    """Make up two brands as of an instant (now, without one) and load them in one transaction.

    The same size, seed and instant give the same rows; only salts, nonces and feed epochs differ.
    `progress` is told how many customers are in, and of how many. Raises `DEMO_EXISTS` if one of
    the brands is there already, and `DEMO_TOO_LARGE` for the largest size on SQLite.
    """
    if size is Size.XL and ground.db.is_sqlite:
        raise DemoTooLarge(size=size.value)
    shape = SHAPES[size]
    today = Today.at_moment(as_of or clock.now())
    password_hash = await asyncio.to_thread(hash_password, PASSWORD)
    houses = [
        lay_out(trade, shape, today, Dice(f"{seed}/{size}/{trade.code}", today.first_id(0)), password_hash)
        for trade in TRADES
    ]
    report = DemoReport(size, today.now)
    total = sum(house.customers for house in houses)
    batches = count(1)
    async with ground.db.write() as session:
        await _require_new(session)
        for house in houses:
            work = Work(session, actor.system(house.brand_id))
            await _load_house(work, house, report)
            async with aclosing(_made_ahead(house, shape, vault, f"{seed}/{size}")) as made:
                async for batch in made:
                    await _load_batch(work, batch, report, today.day(0))
                    if next(batches) in ANALYZE_AFTER:
                        await _analyze(session)
                    if progress is not None:
                        progress(report.rows["customers"], total)
            _say_who(house, report)
        await _analyze(session)
    return report


async def _require_new(session: AsyncSession) -> None:
    there = {trade.code for trade in TRADES}.intersection(await brands.codes(session))
    if there:
        raise DemoExists(brands=", ".join(sorted(there)))


async def _load_house(work: Work, house: House, report: DemoReport) -> None:
    rows = house.rows
    of_directory = ("brands", "regions", "stores", "staff", "assignments", "accounts")
    await directory.commands.load(work, **{table: rows[table] for table in of_directory})
    await tagging.commands.load(
        work, tag_groups=rows["tag_groups"], tags=rows["tags"], tag_rules=rows["tag_rules"], segments=rows["segments"]
    )
    of_mall = ("products", "skus", "stocks", "shares", "share_opens")
    await mall.commands.load(work, **{table: rows[table] for table in of_mall})
    await tasks.commands.load(work, revisit_rules=rows["revisit_rules"])
    await tasks.commands.load(work, campaigns=rows["campaigns"], campaign_stores=rows["campaign_stores"])
    feeds = [feed.of_staff(person["id"]) for person in rows["staff"]]
    for store in rows["stores"]:
        feeds += (feed.of_store(store["id"]), feed.of_desk(store["id"]))
    for start in range(0, len(feeds), FEEDS_AT_A_TIME):
        await feed.open_feeds(work.session, house.brand_id, feeds[start : start + FEEDS_AT_A_TIME])
    for table, loaded in rows.items():
        report.count(table, len(loaded))


async def _load_batch(work: Work, batch: Batch, report: DemoReport, today: date) -> None:
    await customers.commands.load(
        work,
        customers=batch.customers,
        relationships=batch.relationships,
        holdings=batch.holdings,
        visits=batch.visits,
        notes=batch.notes,
    )
    await mall.commands.load(
        work,
        orders=batch.orders,
        order_lines=batch.order_lines,
        refunds=batch.refunds,
        refund_lines=batch.refund_lines,
        refund_charges=batch.refund_charges,
        order_credits=batch.order_credits,
        share_opens=batch.share_opens,
    )
    # These customers are all there, with all that they bought; nothing is settled that would say so.
    work.events.clear()
    await profiles.build(work, [row["id"] for row in batch.customers], today)
    await tagging.commands.load(work, customer_tags=batch.customer_tags)
    await tasks.commands.load(work, tasks=batch.tasks, campaign_recipients=batch.campaign_recipients)
    for table in Batch.__slots__:
        report.count(table, len(getattr(batch, table)))


async def _made_ahead(house: House, shape: Shape, vault: Vault, seed: str) -> AsyncGenerator[Batch, None]:
    """The brand's batches in order; while one is loaded, the next is made in a thread."""
    plans = _plans(house, shape, vault, seed)
    coming = _start(next(plans))
    try:
        for plan in plans:
            batch = await coming
            coming = _start(plan)
            yield batch
        yield await coming
    finally:
        coming.cancel()


def _start(making: Making) -> "asyncio.Task[Batch]":
    return asyncio.create_task(asyncio.to_thread(_make, making))


def _plans(house: House, shape: Shape, vault: Vault, seed: str) -> Iterator[Making]:
    """Which customers are made together: those of one store, in parts."""
    stores = len(house.shops)
    first, batch = 0, 0
    for shop in house.shops:
        left = house.customers // stores + (shop.index < house.customers % stores)
        parts = -(-left // PART)
        for part in range(parts):
            batch += 1
            size = min(PART, left - part * PART)
            dice = Dice(f"{seed}/{house.trade.code}/{shop.index}/{part}", house.today.first_id(batch))
            yield Making(house, shop, shape, vault, dice, first, size, part, parts)
            first += size


def _make(making: Making) -> Batch:
    """The customers of one part with everything about them."""
    people = []
    for number in range(making.first, making.first + making.count):
        days = buying_days(making.dice, making.shape.orders_per_customer, making.shape.buying_today)
        in_the_show = _days_to_show(making, number)
        if in_the_show is not None:
            days = [*(day for day in days if day > in_the_show + 3), in_the_show]
        person = make_person(making, number, days)
        shop_on(making, person, days, online=in_the_show == 1)
        get_to_know(making, person)
        people.append(person)
    let_guests_shop(making)
    tell(making, people)
    send_to(making, people)
    return making.batch


def _days_to_show(making: Making, number: int) -> int | None:
    """When somebody must have bought last, so that the people one signs in as have something to see.

    A few of the first guide's customers bought today; a few of the leaver's wait for a parcel.
    """
    place, guide = divmod(number, len(making.shop.guides))
    if making.shop.index > 0 or making.part > 0 or place >= SHOWN or guide > 1:
        return None
    return guide


async def _analyze(session: AsyncSession) -> None:
    """Let the planner know what has come: it would take every table for empty."""
    await session.execute(text("ANALYZE"))


def _say_who(house: House, report: DemoReport) -> None:
    """The same numbers at every size: the first of each role."""
    places: dict[Any, str] = {row["id"]: row["name"] for row in (*house.rows["stores"], *house.rows["regions"])}
    trade = house.trade
    for person in house.rows["staff"]:
        place = places.get(person["store_id"] or person["region_id"], trade.name)
        if person["number"] in KNOWN:
            report.sign_ins.append(
                DemoSignIn(
                    trade.code, trade.name, Role(person["role"]), person["number"], person["name"], place, PASSWORD
                )
            )
        if person["state"] is StaffState.LEAVING:
            report.waiting_for_handover.append(f"{trade.code} {person['number']} {person['name']}（{place}）")
