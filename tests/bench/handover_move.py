"""What moving a large handover takes, and how long others wait meanwhile, on PostgreSQL and on SQLite."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from statistics import median, quantiles
from threading import Event
from typing import Any
from uuid import UUID

from rich.console import Console
from rich.table import Table
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers import commands as customers
from customers.models import Customer, Holding, HoldingReason, Note, Relationship
from directory.models import Account, AccountKind, Brand, Region, Staff, StaffState, Store
from handover.models import Handover, HandoverAccount, HandoverItem, HandoverKind, HandoverState, ItemReason, Strategy
from kernel import bulk, clock, feed, ids
from kernel.actor import Actor, Role
from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground, unit_of_work
from server import handing_over
from server.tables import METADATA
from server.wiring import wiring
from server.worker import collect_seldom
from tagging.models import CustomerTag, SetBy, Tag
from tasks.models import Task, TaskKind, TaskSource
from tests.factories import HOURS, NOON
from tests.servers import postgres

GUIDES, RELATIONSHIPS, OWN_TAGS, BYSTANDERS = 50, 20_000, 5, 200
PAUSE = 0.02  # seconds between two visits that the bystander notes


@dataclass
class Scene:
    """A leaver with 20,000 customers, 50 takeover guides, and a guide who goes on working."""

    brand: Brand
    store: Store
    guides: list[Staff] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    public: Account | None = None
    bystanders: list[UUID] = field(default_factory=list)
    handover_id: UUID = field(default_factory=ids.new)

    @property
    def bystander(self) -> Actor:
        person, account = self.guides[-1], self.accounts[-1]
        return Actor(
            brand_id=self.brand.id,
            id=person.id,
            role=Role.GUIDE,
            staff_id=person.id,
            store_id=self.store.id,
            account_ids=(account.id,),
        )


class TimedDatabase(Database):
    """Notes how long its write transactions are open, where it is asked to."""

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
    """Print how long the moving takes, how long its transactions are, and how long another writer waits."""
    console = Console()
    collect_seldom()
    with postgres() as server:
        for number in range(chosen.rounds):
            console.print(await _measure(server.create_database(f"daogou_moving_{number}"), "PostgreSQL"))
    for _ in range(chosen.rounds):
        with tempfile.TemporaryDirectory() as folder:
            console.print(await _measure(f"sqlite:///{Path(folder) / 'daogou.db'}", "SQLite"))


async def _measure(url: str, name: str) -> Table:
    mover = Ground(TimedDatabase(url), connect(None), wiring)
    async with mover.db.engine.begin() as connection:
        await connection.run_sync(METADATA.create_all)
    scene = await _fill(mover)
    await bulk.look_at_sizes(mover.db, *(table.name for table in METADATA.sorted_tables))
    assert isinstance(mover.db, TimedDatabase)
    mover.db.took.clear()
    seconds, waits = await (
        _beside_a_process(mover, scene, url) if name == "PostgreSQL" else _beside_a_task(mover, scene)
    )
    table = Table("", "median (ms)", "99 % (ms)", "longest (ms)", title=f"{name}: {RELATIONSHIPS:,} in {seconds:.1f} s")
    if name == "PostgreSQL":
        _row(table, f"{len(mover.db.took)} transactions", mover.db.took)
    _row(table, f"{len(waits)} visits noted meanwhile", waits)
    await mover.db.close()
    return table


async def _beside_a_process(mover: Ground, scene: Scene, url: str) -> tuple[float, list[float]]:
    context = get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(1, mp_context=context) as processes:
        over = manager.Event()
        noting = processes.submit(note, url, scene.bystander, scene.bystanders, over)
        await asyncio.sleep(2)
        seconds = await _move(mover, scene)
        over.set()
        return seconds, noting.result()


async def _beside_a_task(mover: Ground, scene: Scene) -> tuple[float, list[float]]:
    """One process is all that writes to a file of SQLite."""
    over = Event()
    noting = asyncio.create_task(_note(mover, scene.bystander, scene.bystanders, over))
    seconds = await _move(mover, scene)
    over.set()
    return seconds, await noting


async def _move(mover: Ground, scene: Scene) -> float:
    began = time.perf_counter()
    while not await _is_done(mover, scene):
        await handing_over.move(mover, scene.brand.id, handover_id=str(scene.handover_id))
    return time.perf_counter() - began


def note(url: str, actor: Actor, customer_ids: Sequence[UUID], over: Any) -> list[float]:
    """Note visits until it is over, in a process of its own: somebody else is at work."""
    return asyncio.run(_note(Ground(Database(url), connect(None), wiring), actor, customer_ids, over))


async def _note(ground: Ground, actor: Actor, customer_ids: Sequence[UUID], over: Any) -> list[float]:
    waits = list[float]()
    while not over.is_set():
        began = time.perf_counter()
        async with unit_of_work(ground, actor) as work:
            await customers.note_visit(work, customer_ids[len(waits) % BYSTANDERS])
        waits.append(time.perf_counter() - began)
        await asyncio.sleep(PAUSE)
    return waits[5:]


async def _is_done(ground: Ground, scene: Scene) -> bool:
    async with ground.db.read() as session:
        handover = await session.get(Handover, (scene.brand.id, scene.handover_id))
        held = await session.scalar(
            select(func.count())
            .select_from(Relationship)
            .where(col(Relationship.brand_id) == scene.brand.id, col(Relationship.holder_id) == scene.accounts[0].id)
        )
    assert handover
    if handover.state is HandoverState.DONE:
        assert held == 0
        return True
    return False


def _row(table: Table, name: str, took: list[float]) -> None:
    figures = (median(took), quantiles(took, n=100)[-1], max(took))
    table.add_row(name, *(f"{seconds * 1000:,.1f}" for seconds in figures))


async def _fill(ground: Ground) -> Scene:
    brand = Brand(id=ids.new(), code="big", name="青禾", created_at=NOON)
    region = Region(brand_id=brand.id, id=ids.new(), code="cn", name="全国", path="/cn/")
    store = Store(
        brand_id=brand.id,
        id=ids.new(),
        region_id=region.id,
        code="s",
        name="一店",
        time_zone="Asia/Shanghai",
        opening_hours=HOURS,
    )
    scene = Scene(brand, store)
    async with ground.db.write() as session:
        for row in (brand, region, store):
            session.add(row)
            await session.flush()
        await _hire(session, scene)
    async with ground.db.write() as session:
        await _know(session, scene)
    return scene


async def _hire(session: AsyncSession, scene: Scene) -> None:
    """The leaver, who is shut out, the takeover guides, and one who has nothing to do with it."""
    brand_id, store_id = scene.brand.id, scene.store.id
    for number in range(GUIDES + 2):
        state = StaffState.ACTIVE if number else StaffState.LEAVING
        person = Staff(
            brand_id=brand_id,
            id=ids.new(),
            number=f"G{number}",
            name=f"员工{number}",
            role=Role.GUIDE,
            state=state,
            store_id=store_id,
            access_closed_at=None if number else NOON,
            hired_at=NOON,
        )
        scene.guides.append(person)
        scene.accounts.append(
            Account(brand_id=brand_id, id=ids.new(), store_id=store_id, kind=AccountKind.GUIDE, staff_id=person.id)
        )
    scene.public = Account(brand_id=brand_id, id=ids.new(), store_id=store_id, kind=AccountKind.PUBLIC)
    for rows in (scene.guides, [*scene.accounts, scene.public]):
        session.add_all(rows)
        await session.flush()
    await feed.open_feeds(
        session, brand_id, [*(each.id for each in scene.guides), feed.of_store(store_id), feed.of_desk(store_id)]
    )


async def _know(session: AsyncSession, scene: Scene) -> None:
    """20,000 customers, each with a task, a note and one of the leaver's own tags; some of the bystander's."""
    brand_id, store_id, leaver = scene.brand.id, scene.store.id, scene.guides[0]
    tags = [Tag(brand_id=brand_id, id=ids.new(), owner_id=leaver.id, name=f"标签{n}") for n in range(OWN_TAGS)]
    session.add_all(tags)
    handover = _handover(scene)
    session.add(handover)
    await session.flush()
    session.add(
        HandoverAccount(brand_id=brand_id, handover_id=handover.id, account_id=scene.accounts[0].id, store_id=store_id)
    )
    await session.flush()
    people, bonds, lines, notes, todo, worn, items = [], [], [], [], [], [], []
    for number in range(RELATIONSHIPS + BYSTANDERS):
        holder = scene.accounts[0] if number < RELATIONSHIPS else scene.accounts[-1]
        person = Customer(
            brand_id=brand_id, id=ids.new(), member_number=f"M{number}", name="王芳", joined_at=NOON
        ).model_dump()
        bond = Relationship(
            brand_id=brand_id,
            id=ids.new(),
            customer_id=person["id"],
            store_id=store_id,
            holder_id=holder.id,
            is_primary=True,
            created_at=NOON,
        ).model_dump()
        people.append(person)
        bonds.append(bond)
        its = {"brand_id": brand_id, "relationship_id": bond["id"]}
        lines.append(
            Holding(
                id=ids.new(),
                account_id=holder.id,
                reason=HoldingReason.CREATED,
                by_actor_id=leaver.id,
                from_at=NOON,
                **its,
            ).model_dump()
        )
        if number >= RELATIONSHIPS:
            scene.bystanders.append(person["id"])
            continue
        notes.append(Note(id=ids.new(), store_id=store_id, body="喜欢羊绒", at=NOON, **its).model_dump())
        todo.append(
            Task(
                id=ids.new(),
                store_id=store_id,
                account_id=holder.id,
                customer_id=person["id"],
                kind=TaskKind.REVISIT,
                title="回访",
                due_at=clock.now() + timedelta(days=1),
                source=TaskSource.RULE,
                created_at=NOON,
                **its,
            ).model_dump()
        )
        worn.append(
            CustomerTag(
                brand_id=brand_id,
                customer_id=person["id"],
                tag_id=tags[number % OWN_TAGS].id,
                set_by=SetBy.GUIDE,
                by_staff_id=leaver.id,
                set_at=NOON,
                checked_at=NOON,
            ).model_dump()
        )
        items.append(
            HandoverItem(
                handover_id=handover.id,
                from_account_id=holder.id,
                to_account_id=scene.accounts[1 + number % GUIDES].id,
                reason=ItemReason.BALANCED,
                **its,
            ).model_dump()
        )
    for model, rows in (
        (Customer, people),
        (Relationship, bonds),
        (Holding, lines),
        (Note, notes),
        (Task, todo),
        (CustomerTag, worn),
        (HandoverItem, items),
    ):
        await bulk.insert_rows(session, model, rows)


def _handover(scene: Scene) -> Handover:
    return Handover(
        brand_id=scene.brand.id,
        id=scene.handover_id,
        kind=HandoverKind.RESIGNATION,
        state=HandoverState.APPROVED,
        staff_id=scene.guides[0].id,
        store_id=scene.store.id,
        strategy=Strategy.BALANCED,
        planned_at=NOON,
        started_at=NOON,
        approved_at=NOON,
    )
