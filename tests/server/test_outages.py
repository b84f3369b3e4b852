"""A phone that listens while the database is away hears nothing for a while, and then everything."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession

from kernel import clock
from kernel.actor import Actor
from kernel.db import Database
from kernel.work import Ground, unit_of_work
from schema.live import Readings, changes
from tasks import commands
from tests.conftest import DATABASE
from tests.factories import build_world
from tests.servers import Postgres
from tests.servers.postgresql import execute
from tests.serving import Served, serving

CHANGES = "subscription { changes { upToDate mustRefetch changes { op id } } }"
ENDED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


@dataclass
class Outage:
    """A database that can be cut off."""

    db: Database
    tried: int = 0
    is_over: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        if not self.is_over.is_set():
            self.tried += 1
            raise ConnectionRefusedError
        async with self.db.read() as session:
            yield session


async def add_task(ground: Ground, actor: Actor) -> str:
    async with unit_of_work(ground, actor) as work:
        return str((await commands.add(work, title="整理陈列", due_at=clock.now())).id)


def told(message: Any) -> list[tuple[str, str]]:
    assert message["type"] == "next", message
    assert "errors" not in message["payload"]
    found = message["payload"]["data"]["changes"]
    assert (found["upToDate"], found["mustRefetch"]) == (True, False)
    return [(change["op"], change["id"]) for change in found["changes"]]


async def test_a_subscription_outlives_a_database_that_is_away(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "_FIRST_PAUSE", 0.02)
    world = await build_world(ground)
    guide = world.shop.guide
    async with serving(ground) as served, served.line(guide) as line:
        await line.subscribe("1", CHANGES)
        assert told(await line.hear()) == []
        outage = Outage(ground.db)
        _read_from(served, outage)
        made = [await add_task(ground, guide)]
        async with asyncio.timeout(10):
            while outage.tried < 3:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.01)
        made.append(await add_task(ground, guide))
        outage.is_over.set()

        assert told(await line.hear()) == [("PUT", task) for task in made]


async def test_a_subscription_that_begins_while_the_database_is_away_begins_when_it_is_back(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "_FIRST_PAUSE", 0.02)
    world = await build_world(ground)
    async with serving(ground) as served, served.line(world.shop.guide) as line:
        outage = Outage(ground.db)
        _read_from(served, outage)
        await line.subscribe("1", CHANGES)
        async with asyncio.timeout(10):
            while outage.tried < 3:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.01)
        outage.is_over.set()

        assert told(await line.hear()) == []


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)  # SQLite has no server that could go away
async def test_a_subscription_outlives_a_restart_of_postgresql(ground: Ground, postgres_server: Postgres) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    async with serving(ground) as served, served.line(guide) as line:
        await line.subscribe("1", CHANGES)
        assert told(await line.hear()) == []
        await asyncio.to_thread(_restart, postgres_server)
        made = await add_task(ground, guide)

        assert told(await line.hear()) == [("PUT", made)]


def _restart(server: Postgres) -> None:
    """A server that isn't ours to stop has all its connections to the database ended instead."""
    if server.process is not None:
        server.stop()
        server.start()
    else:
        execute(make_url(server.admin_url).set(database=DATABASE).render_as_string(hide_password=False), ENDED)


def _read_from(served: Served, outage: Outage) -> None:
    readings = served.edge.readings
    assert isinstance(readings, Readings)
    readings._db = cast(Database, outage)
