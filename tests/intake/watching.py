"""A brand into which files are imported, and phones that follow it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from intake.commands import invoices, stage, steps
from kernel.actor import Actor
from kernel.feed import FeedEvent
from kernel.work import Ground, Work, unit_of_work
from server import carry_in
from tests.asking import ask
from tests.factories import World, build_world, save

BRAND = "online-retail"
SHOWN = """{ id version kind source fileName phase progress { done total unit }
  counts { rows orders refunds customers new changed unchanged leftOut ignored { reason lines } newCustomers
    sharedPhones } startedAt finishedAt leftBehindAt }"""
ONE = f"query ($id: ID!) {{ importRun(id: $id) {SHOWN} }}"
ALL = f"{{ imports(first: 100) {{ edges {{ node {SHOWN} }} }} }}"
CHANGES = f"""query ($after: Cursor) {{ changes(after: $after) {{ cursor mustRefetch upToDate
  changes {{ op entityType id version node {{ __typename ... on ImportRun {SHOWN} }} }} }} }}"""
SNAPSHOT = f"""query ($after: Cursor) {{ snapshot(after: $after, first: 2, types: [IMPORT_RUN]) {{ next cursor
  items {{ entityType relationshipId node {{ ... on ImportRun {SHOWN} }} }} }} }}"""
LIVE = CHANGES.replace("query", "subscription")
PHASES = ["STAGING", "COMPARING", "PLACES", "MEMBERS", "CUSTOMERS", "INVOICES", "FINISHING", "DONE"]

Shown = dict[str, Any]


async def build_brand(ground: Ground, code: str = BRAND) -> World:
    """A brand that counts in pounds, as the file does."""
    world = await build_world(ground, code)
    world.brand.currency = "GBP"
    await save(ground, world.brand)
    return world


async def shown(ground: Ground, actor: Actor, run_id: str) -> Shown | None:
    found: Shown | None = (await ask(ground, actor, ONE, id=run_id))["importRun"]
    return found


async def all_shown(ground: Ground, actor: Actor) -> list[Shown]:
    """What the actor sees of imports, newest first."""
    return [edge["node"] for edge in (await ask(ground, actor, ALL))["imports"]["edges"]]


@dataclass
class Phone:
    """A phone that keeps a copy of all imports in sight, by the client's contract."""

    ground: Ground
    actor: Actor
    cursor: str = ""
    copy: dict[str, Shown] = field(default_factory=dict)
    starts: int = 0
    heard: list[tuple[str, str]] = field(default_factory=list)

    async def start(self) -> None:
        """Take everything anew; what changes while it is taken comes after the cursor."""
        items, page = [], (await ask(self.ground, self.actor, SNAPSHOT))["snapshot"]
        items += page["items"]
        while page["next"] is not None:
            page = (await ask(self.ground, self.actor, SNAPSHOT, after=page["next"]))["snapshot"]
            items += page["items"]
        self.cursor, self.copy = page["cursor"], {item["node"]["id"]: item["node"] for item in items}
        self.starts += 1

    async def catch_up(self) -> None:
        told = (await ask(self.ground, self.actor, CHANGES, after=self.cursor))["changes"]
        if told["mustRefetch"]:
            await self.start()
            return
        assert told["upToDate"]
        self.cursor = told["cursor"]
        for change in told["changes"]:
            self.heard.append((change["op"], change["entityType"]))
            if change["entityType"] == "IMPORT_RUN":
                self.take(change)

    def take(self, change: dict[str, Any]) -> None:
        """Never a lower version in place of a higher one."""
        node = change["node"]
        if node is None:
            self.copy.pop(change["id"], None)
        elif node["version"] >= self.copy.get(change["id"], node)["version"]:
            self.copy[change["id"]] = {name: value for name, value in node.items() if name != "__typename"}


async def entries(ground: Ground, feed_id: UUID) -> list[FeedEvent]:
    """What a feed says of imports, oldest first."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(FeedEvent)
            .where(col(FeedEvent.feed_id) == feed_id, col(FeedEvent.entity_type) == "import_run")
            .order_by(col(FeedEvent.seq))
        )
        return list(found)


def take_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even a small file is many steps then."""
    monkeypatch.setattr(invoices, "AT_ONCE", 20)
    monkeypatch.setattr(steps, "CUSTOMERS_AT_ONCE", 10)
    monkeypatch.setattr(stage, "INVOICES_AT_ONCE", 50)


def after_each_commit(monkeypatch: pytest.MonkeyPatch, look: Callable[[], Awaitable[None]]) -> None:
    """Look at the database whenever an import has committed something."""

    @asynccontextmanager
    async def looked_at(ground: Ground, actor: Actor) -> AsyncIterator[Work]:
        async with unit_of_work(ground, actor) as work:
            yield work
        await look()

    monkeypatch.setattr(carry_in, "unit_of_work", looked_at)
