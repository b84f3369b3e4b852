"""Readers are woken when their feeds grow: at once where Redis is there, within a second where it isn't."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from time import perf_counter
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from redis.exceptions import ConnectionError as RedisGone

from kernel import clock, feed
from kernel.actor import Actor
from kernel.redis import POKES, connect
from kernel.work import Ground, unit_of_work
from server import hub as hubs
from server.hub import Hub, Waiter
from tasks import commands
from tests.factories import World, build_world
from tests.servers import Redis


@pytest.fixture
async def hub(ground: Ground) -> AsyncIterator[Hub]:
    """A hub that hears pokes."""
    made = Hub(ground)
    async with made.running():
        await until(lambda: made.is_listening)
        yield made


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def until(met: Callable[[], object], within: float = 6.0) -> None:
    async with asyncio.timeout(within):
        while not met():  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.01)


class Wire:
    """What lies between a client and Redis. A connection that is cut stays open and carries nothing."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscribed: list[asyncio.Event] = []

    def cut(self) -> None:
        """Those who have subscribed hear nothing any more; all else goes on."""
        for is_cut in self._subscribed:
            is_cut.set()

    @asynccontextmanager
    async def laid(self) -> AsyncIterator[str]:
        """The address of this end."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        async with server:
            here = f"{self._url.hostname}:{server.sockets[0].getsockname()[1]}"
            yield self._url._replace(netloc=f"{self._url.netloc.rpartition('@')[0]}@{here}".lstrip("@")).geturl()
            for task in self._tasks:
                task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(self._url.hostname, self._url.port)
        is_cut = asyncio.Event()
        for source, target in ((reader, there[1]), (there[0], writer)):
            self._tasks.add(asyncio.create_task(self._carry(source, target, is_cut)))

    async def _carry(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, is_cut: asyncio.Event) -> None:
        while data := await source.read(65536):
            if b"SUBSCRIBE" in data:
                self._subscribed.append(is_cut)
            if not is_cut.is_set():
                target.write(data)
        target.close()


async def change(ground: Ground, guide: Actor) -> None:
    async with unit_of_work(ground, guide) as work:
        await commands.add(work, title="整理陈列", due_at=clock.now())


async def settled(ground: Ground, waiter: Waiter, feed_ids: list[UUID]) -> None:
    """The waiter has read everything, and what woke them until now is forgotten."""
    async with ground.db.read() as session:
        waiter.reached = await feed.all_heads(session, feed_ids)
    await is_woken(waiter, 0.2)


async def is_woken(waiter: Waiter, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            await waiter.changed()
    except TimeoutError:
        return False
    return True


async def test_a_poke_wakes_those_who_wait_for_the_feed_and_nobody_else(
    hub: Hub, ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "POLL_SECONDS", 60.0)
    guide, other = world.shop.guide, world.shop.other_guide
    await asyncio.sleep(1.1)  # the poll that was under way
    with hub.watch([guide.id]) as mine, hub.watch([guide.id]) as mine_too, hub.watch([other.id]) as theirs:
        started = perf_counter()
        await change(ground, guide)

        assert await is_woken(mine, 2)
        assert await is_woken(mine_too, 2)
        assert perf_counter() - started < 0.9
        assert not await is_woken(theirs, 0.2)


async def test_what_is_committed_while_a_reader_reads_wakes_them_again(hub: Hub, ground: Ground, world: World) -> None:
    guide = world.shop.guide
    with hub.watch([guide.id]) as waiter:
        await change(ground, guide)
        assert await is_woken(waiter, 2)
        await change(ground, guide)

        assert await is_woken(waiter, 2)


async def test_a_lost_poke_costs_a_second(ground: Ground, world: World) -> None:
    deaf = Ground(ground.db, connect(None), ground.wiring)  # its pokes go nowhere
    hub, guide = Hub(ground), world.shop.guide
    async with hub.running():
        with hub.watch([guide.id]) as waiter:
            await settled(ground, waiter, [guide.id])
            await change(deaf, guide)

            assert await is_woken(waiter, 1.6)


async def test_a_reader_who_has_read_everything_is_left_in_peace(hub: Hub, ground: Ground, world: World) -> None:
    guide = world.shop.guide
    await change(ground, guide)
    with hub.watch([guide.id]) as waiter:
        await settled(ground, waiter, [guide.id])
        await hub.look()

        assert not await is_woken(waiter, 1.3)


async def test_a_new_epoch_wakes_although_the_head_stands_still(hub: Hub, ground: Ground, world: World) -> None:
    guide = world.shop.guide
    with hub.watch([guide.id]) as waiter:
        await settled(ground, waiter, [guide.id])
        async with ground.db.write() as session:
            await feed.new_epoch(session, world.brand.id)

        assert await is_woken(waiter, 1.6)


async def test_strange_messages_on_the_channel_wake_nobody_and_break_nothing(
    hub: Hub, ground: Ground, world: World
) -> None:
    guide = world.shop.guide
    for body in (b"", b"nonsense", b"\xff\xfe", b",,,", b"beat somebody else's", str(guide.id).encode() + b",nonsense"):
        await ground.redis.publish(POKES, body)

    with hub.watch([guide.id]) as waiter:
        await change(ground, guide)
        assert await is_woken(waiter, 2)
        assert hub.is_listening


async def test_a_connection_that_died_without_a_word_is_built_again(
    ground: Ground, world: World, redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hubs, "BEAT_SECONDS", 0.2)
    monkeypatch.setattr(hubs, "POLL_SECONDS", 60.0)
    wire, guide = Wire(redis_server.url), world.shop.guide
    async with wire.laid() as address:
        over_wire = Ground(ground.db, connect(address), ground.wiring)
        hub = Hub(over_wire)
        async with hub.running():
            await until(lambda: hub.is_listening)
            wire.cut()
            await until(lambda: not hub.is_listening)
            await until(lambda: hub.is_listening)
            with hub.watch([guide.id]) as waiter:
                await change(Ground(ground.db, connect(redis_server.url), ground.wiring), guide)
                assert await is_woken(waiter, 2)
        await over_wire.redis.aclose(close_connection_pool=True)


async def test_changes_are_made_and_found_while_redis_is_away(ground: Ground, world: World) -> None:
    away = Ground(ground.db, connect("redis://127.0.0.1:1"), ground.wiring)
    hub, guide = Hub(away), world.shop.guide
    async with hub.running():
        with hub.watch([guide.id]) as waiter:
            await settled(ground, waiter, [guide.id])
            await change(away, guide)

            assert await is_woken(waiter, 1.6)
            assert not hub.is_listening
    with pytest.raises(RedisGone):
        await away.redis.ping()


async def test_whoever_stops_waiting_is_forgotten(hub: Hub, world: World) -> None:
    guide = world.shop.guide
    with hub.watch([guide.id]), pytest.raises(RuntimeError), hub.watch([guide.id, world.shop.store.id]):
        raise RuntimeError

    assert hub.watched == set()
