"""The plan of one large handover on PostgreSQL: read, reckoned and kept; against dealing customers round in turn."""

import argparse
import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any
from uuid import UUID

import numpy as np
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from customers.models import Customer, Relationship, Visit
from directory.models import Account, AccountKind, Staff, StaffState
from handover import commands
from handover.models import Handover, HandoverKind, Strategy
from handover.models.planning.drafting import draft
from handover.models.planning.facts import Facts
from handover.models.planning.problem import WHOLE, Problem
from handover.models.planning.scoring import score
from handover.queries import plan_facts
from kernel import bulk, ids
from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground, unit_of_work
from mall.models import Channel, Credit, CreditReason, Order, OrderState
from server.planning_handovers import plan_handover
from server.tables import METADATA
from server.wiring import wiring
from server.worker import collect_seldom
from tagging.models import CustomerTag, SetBy
from tests.factories import NOON, World, build_world
from tests.servers import postgres
from tests.tagging.labels import build_group, build_tag

GUIDES, HELD, TAGS, ORDERS = 50, 400, 60, 4
MOST = 200_000  # of the customers that other benchmarks take


class TimedDatabase(Database):
    """Notes how long its write transactions are open."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.took: list[float] = []

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with super().write() as session:
            await session.connection()
            began = time.perf_counter()
            yield session
        self.took.append(time.perf_counter() - began)


async def measure(chosen: argparse.Namespace) -> None:
    """Print what each part takes, as medians of the rounds, and what the plan is worth."""
    collect_seldom()
    counts = [count for count in chosen.customers if count <= MOST] or [20_000]
    for count in counts:
        with postgres() as server:
            database = TimedDatabase(server.create_database("daogou_handover_plan"))
            async with database.engine.begin() as connection:
                await connection.run_sync(METADATA.create_all)
            Console().print(await _measure(Ground(database, connect(None), wiring), database, count, chosen.rounds))
            await database.close()


async def _measure(ground: Ground, database: TimedDatabase, count: int, rounds: int) -> Table:
    world = await build_world(ground)
    takers = await _fill(ground, world, count)
    table = Table("", "seconds", title=f"A plan of {count:,} relationships and {takers} takeover guides")
    took: dict[str, list[float]] = {}
    for _ in range(rounds):
        handover = await _started(ground, world)
        database.took.clear()
        began = time.perf_counter()
        await plan_handover(ground, world.brand.id, str(handover.id), handover.version)
        took.setdefault("all of it, as a worker does", []).append(time.perf_counter() - began)
        took.setdefault("its longest transaction", []).append(max(database.took))
        async with unit_of_work(ground, world.hq) as work:
            again = await commands.replan(work, handover.id, strategy=Strategy.AFFINITY)
        began = time.perf_counter()
        async with ground.db.read() as session:
            facts = await plan_facts.read(session, world.brand.id, again.id, again.version)
        assert facts
        took.setdefault("reading", []).append(time.perf_counter() - began)
        began = time.perf_counter()
        made = draft(facts)
        took.setdefault("reckoning and explaining", []).append(time.perf_counter() - began)
        began = time.perf_counter()
        turns = _round_robin(facts)
        took.setdefault("dealing round in turn instead", []).append(time.perf_counter() - began)
        async with unit_of_work(ground, world.hq) as work:
            await commands.cancel(work, handover.id)
    for name, seconds in took.items():
        table.add_row(name, f"{median(seconds):.3f}  ({min(seconds):.3f} to {max(seconds):.3f})")
    ratio = median(took["reckoning and explaining"]) / median(took["dealing round in turn instead"])
    cost = made.totals["objective"]
    table.add_row("reckoning / dealing round", f"{ratio:.1f} times as long")
    table.add_row("cost / that of dealing round", f"{cost / turns:.4f}  ({cost:,.1f} / {turns:,.1f})")
    table.add_row("gap", f"{made.totals['gap']:.6f}, {'proved the best' if made.totals['is_exact'] else 'bounded'}")
    table.add_row("overflow", f"{made.totals['overflow']:,}")
    return table


def _round_robin(facts: Facts) -> float:
    """What it costs to give each customer to the next guide who has room, whoever knows whom."""
    loads, rooms = [seat.load for seat in facts.seats], [seat.room for seat in facts.seats]
    turns = sorted((turn, seat) for seat, room in enumerate(rooms) for turn in range(min(room, len(facts.rows))))
    columns = np.array([seat for _, seat in turns[: len(facts.rows)]], np.int64)
    problem = Problem(WHOLE - score(facts).total, loads, rooms, facts.options.balance)
    columns = np.append(columns, np.full(problem.overflow, problem.seats, np.int64))
    cost: float = problem.cost(columns) / problem.scale / WHOLE
    return cost


async def _started(ground: Ground, world: World) -> Handover:
    async with unit_of_work(ground, world.hq) as work:
        return await commands.start(
            work, kind=HandoverKind.TRANSFER, staff_id=world.shop.guide.id, strategy=Strategy.AFFINITY
        )


async def _fill(ground: Ground, world: World, count: int) -> int:
    """A guide with so many customers, who have bought, come and been tagged; and their colleagues with fewer."""
    chance = random.Random(7)
    brand_id, store_id = world.brand.id, world.shop.store.id
    group = await build_group(ground, world)
    languages = await build_group(ground, world, "语言")
    tags = [(await build_tag(ground, world, group, f"T{number}")).id for number in range(TAGS)]
    tags += [(await build_tag(ground, world, languages, name)).id for name in ("普通话", "粤语", "English")]
    staff = [world.shop.other_guide.id, *(ids.new() for _ in range(GUIDES - 1))]
    accounts = [world.shop.other_guide.account_ids[0], *(ids.new() for _ in range(GUIDES - 1))]
    holders = [world.shop.guide.account_ids[0]] * count + [each for each in accounts for _ in range(HELD)]
    members = [ids.new() for _ in holders]
    related = [ids.new() for _ in holders]
    orders = [(ids.new(), place) for place in range(count) for _ in range(ORDERS)]
    tables: list[tuple[type[SQLModel], list[dict[str, Any]]]] = [
        (Staff, [_staff(store_id, each, number) for number, each in enumerate(staff[1:])]),
        (Account, [_account(store_id, *each) for each in zip(staff[1:], accounts[1:], strict=True)]),
        (Customer, [_customer(each, number) for number, each in enumerate(members)]),
        (Relationship, [_related(store_id, *each) for each in zip(related, members, holders, strict=True)]),
        (CustomerTag, [_tagged(each, tag) for each in members for tag in {chance.choice(tags) for _ in range(5)}]),
        (Order, [_order(store_id, each, members[place], related[place]) for each, place in orders]),
        (
            Credit,
            [
                _credit(store_id, each, chance.choice(accounts) if chance.random() < 0.15 else holders[place])
                for each, place in orders
            ],
        ),
        (
            Visit,
            [_visit(store_id, each, chance.choice(staff)) for each in related[:count] if chance.random() < 0.1],
        ),
    ]
    async with ground.db.write() as session:
        for table, rows in tables:
            for row in rows:
                row["brand_id"] = brand_id
            await bulk.insert_rows(session, table, rows)
    names = [table.__tablename__ for table, _ in tables]
    await bulk.look_at_sizes(ground.db, *(str(name) for name in names))
    await asyncio.sleep(0)
    return len(accounts)


def _staff(store_id: UUID, staff_id: UUID, number: int) -> dict[str, Any]:
    return {
        "id": staff_id,
        "number": f"B{number}",
        "name": "同事",
        "role": "guide",
        "state": StaffState.ACTIVE.value,
        "store_id": store_id,
        "hired_at": NOON,
        "version": 1,
    }


def _account(store_id: UUID, staff_id: UUID, account_id: UUID) -> dict[str, Any]:
    kind = AccountKind.GUIDE.value
    return {"id": account_id, "store_id": store_id, "kind": kind, "staff_id": staff_id, "version": 1}


def _customer(customer_id: UUID, number: int) -> dict[str, Any]:
    named = {"id": customer_id, "member_number": f"M{number}", "name": "王芳"}
    return named | {"do_not_contact": False, "joined_at": NOON, "version": 1}


def _related(store_id: UUID, relationship_id: UUID, customer_id: UUID, holder_id: UUID) -> dict[str, Any]:
    of_it = {"id": relationship_id, "customer_id": customer_id, "store_id": store_id, "holder_id": holder_id}
    return of_it | {"is_primary": True, "created_at": NOON, "version": 1}


def _tagged(customer_id: UUID, tag_id: UUID) -> dict[str, Any]:
    when = {"set_at": NOON, "checked_at": NOON}
    return {"customer_id": customer_id, "tag_id": tag_id, "set_by": SetBy.GUIDE.value, "confidence": 100, **when}


def _order(store_id: UUID, order_id: UUID, customer_id: UUID, relationship_id: UUID) -> dict[str, Any]:
    return {
        "id": order_id,
        "source": "pos",
        "number": order_id.hex,
        "store_id": store_id,
        "customer_id": customer_id,
        "relationship_id": relationship_id,
        "state": OrderState.COMPLETED.value,
        "channel": Channel.POS.value,
        "amount": 10_000,
        "currency": "CNY",
        "placed_at": NOON,
        "day": NOON.date(),
        "version": 1,
    }


def _credit(store_id: UUID, order_id: UUID, account_id: UUID) -> dict[str, Any]:
    return {
        "id": ids.new(),
        "order_id": order_id,
        "part": 1,
        "store_id": store_id,
        "account_id": account_id,
        "reason": CreditReason.HOLDER.value,
        "points": 10_000,
        "amount": 10_000,
        "is_elsewhere": False,
        "decided_at": NOON,
        "version": 1,
    }


def _visit(store_id: UUID, relationship_id: UUID, staff_id: UUID) -> dict[str, Any]:
    of_it = {"id": ids.new(), "relationship_id": relationship_id, "store_id": store_id}
    return of_it | {"by_staff_id": staff_id, "at": NOON, "version": 1}
