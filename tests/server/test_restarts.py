"""Web processes are stopped one after the other while people work: nothing is lost, nothing happens twice."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlmodel import col

from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground
from server.wiring import wiring
from tasks.models import Task
from tests.bare_socket import BareSocket, Closed
from tests.factories import build_world
from tests.scenarios.story import ahead
from tests.serving import token_of
from tests.webs import Webs

LONGEST = 10.0  # seconds from the signal to the end of the process
CHANGES = "subscription ($after: Cursor) { changes(after: $after) { cursor changes { op id version } } }"
CREATE = """mutation ($title: String!, $due: DateTime!, $key: String!) {
  createTask(idempotencyKey: $key, input: {title: $title, dueAt: $due}) {
    ... on TaskChanged { task { id } } } }"""
IN_A_MONTH = ahead(days=30)  # the same for every try of a key


@dataclass
class Caller:
    """Somebody with an app, who calls the other process whenever one goes away."""

    token: str
    ports: list[int]
    codes: list[int] = field(default_factory=list)
    is_done: bool = False

    async def stay(self) -> None:
        """Stay connected until told to stop."""
        while not self.is_done:
            with suppress(OSError, Closed):  # nobody answers there at the moment
                socket = await BareSocket.dial("127.0.0.1", self.ports[0])
                try:
                    await self._use(socket)
                finally:
                    socket.close()
            self.ports.reverse()
            await asyncio.sleep(0.02)

    async def _use(self, socket: BareSocket) -> None:
        try:
            socket.say(type="connection_init", payload={"token": self.token})
            assert await socket.hear() == {"type": "connection_ack"}
            await self.talk(socket)
        except Closed as closed:
            self.codes.append(closed.code)
            await self.look_back()

    async def talk(self, socket: BareSocket) -> None:
        raise NotImplementedError

    async def look_back(self) -> None:
        """What to see to when a socket has been closed."""


@dataclass
class Listener(Caller):
    """Keeps a copy of what changes, from one cursor to the next."""

    cursor: str | None = None
    copy: dict[UUID, int] = field(default_factory=dict)

    async def talk(self, socket: BareSocket) -> None:
        socket.subscribe("live", CHANGES, after=self.cursor)
        while True:
            news = (await socket.hear())["payload"]["data"]["changes"]
            self.copy |= {UUID(change["id"]): change["version"] for change in news["changes"]}
            self.cursor = news["cursor"]


@dataclass
class Writer(Caller):
    """Makes one task after the other, each under a key, and asks again for the one that was not answered."""

    ground: Ground | None = None
    made: dict[str, UUID] = field(default_factory=dict)
    pending: str | None = None
    half_done: list[str] = field(default_factory=list)

    async def talk(self, socket: BareSocket) -> None:
        while not self.is_done:
            self.pending = self.pending or uuid4().hex
            socket.subscribe("make", CREATE, title=self.pending, due=IN_A_MONTH, key=self.pending)
            answer = await socket.hear()
            self.made[self.pending] = UUID(answer["payload"]["data"]["createTask"]["task"]["id"])
            self.pending = None
            assert await socket.hear() == {"id": "make", "type": "complete"}
            await asyncio.sleep(0.01)

    async def look_back(self) -> None:
        """Whether the task that was not answered is there all the same."""
        if self.pending is not None and self.ground and await tasks_titled(self.ground, [self.pending]):
            self.half_done.append(self.pending)


async def tasks_titled(ground: Ground, titles: list[str]) -> list[UUID]:
    async with ground.db.read() as session:
        return list(await session.scalars(select(col(Task.id)).where(col(Task.title).in_(titles))))


async def test_while_web_processes_are_restarted_in_turn_nothing_is_lost_and_nothing_happens_twice(
    webs: Webs,
) -> None:
    ground = Ground(Database(webs.environment["DATABASE_URL"]), connect(None), wiring)
    shop = (await build_world(ground)).shop
    here, there = webs.ports
    await asyncio.gather(webs.start(here), webs.start(there))
    listeners = [Listener(await token_of(ground, actor), [here, there]) for actor in (*shop.guides, shop.manager)]
    writers = [Writer(await token_of(ground, guide), [here, there], ground=ground) for guide in shop.guides]
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(listener.stay()) for listener in listeners]
        async with asyncio.timeout(30):
            while any(listener.cursor is None for listener in listeners):  # noqa: ASYNC110 - they hear of what comes later
                await asyncio.sleep(0.01)
        tasks += [group.create_task(writer.stay()) for writer in writers]
        for port in (here, there):
            await asyncio.sleep(1.5)
            assert await webs.stop(port) <= LONGEST
            await asyncio.sleep(0.5)
            await webs.start(port)
        for writer in writers:
            writer.is_done = True
        made = await everything_is_told(listeners, writers, tasks)
        for task in tasks:
            task.cancel()

    there_now = await tasks_titled(ground, [key for writer in writers for key in writer.made])
    assert sorted(there_now) == sorted(made)
    assert [writer.half_done for writer in writers] == [[], []]
    assert {code for caller in (*listeners, *writers) for code in caller.codes} == {1012}
    assert "Traceback" not in webs.said()
    await ground.db.close()


async def everything_is_told(
    listeners: list[Listener], writers: list[Writer], tasks: list[asyncio.Task[None]]
) -> list[UUID]:
    """Wait until each guide's app knows that guide's tasks, and the manager's all; returns these."""
    await asyncio.wait(tasks[len(listeners) :], timeout=30)
    mine = [set(writer.made.values()) for writer in writers]
    expected = [*mine, mine[0] | mine[1]]
    assert all(len(made) > 20 for made in mine)
    deadline = time.monotonic() + 30
    while any(made - listener.copy.keys() for made, listener in zip(expected, listeners, strict=True)):
        assert time.monotonic() < deadline, [listener.codes for listener in listeners]
        await asyncio.sleep(0.05)
    assert [set(listener.copy) for listener in listeners] == expected
    return list(expected[-1])
