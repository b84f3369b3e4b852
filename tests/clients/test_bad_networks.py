"""A phone that loses the network goes on exactly where it was: nothing lost, nothing taken twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col

from daogou_client import Batch, Patience, Phone, Reach, Server, Store
from directory.models import SignIn
from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from tasks import commands as tasks
from tests.clients.phones import WITHIN, agrees, phone_of, settled
from tests.factories import World, build_world
from tests.proxies import Proxy
from tests.serving import Served, serving


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    async with serving(ground) as served:
        yield served


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


@pytest.fixture
async def network(served: Served) -> AsyncIterator[Proxy]:
    """What lies between the phones and the server."""
    async with Proxy(served.port) as network:
        yield network


class Diary(Store):
    """A store that writes down which changes it was given."""

    def __init__(self, path: str | Path = ":memory:") -> None:
        super().__init__(path)
        self.given: list[str] = []

    def take_batch(self, batch: Batch) -> None:
        super().take_batch(batch)
        self.given += [change.id for change in batch.changes]


async def add_tasks(ground: Ground, actor: Actor, count: int = 1) -> list[str]:
    async with unit_of_work(ground, actor) as work:
        return [str((await tasks.add(work, title=f"任务{n}", due_at=clock.now())).id) for n in range(count)]


async def until(phone: Phone, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        await phone.bell.until(holds)


async def seen(holds: Callable[[], bool]) -> None:
    """Wait for what rings no bell."""
    async with asyncio.timeout(WITHIN):
        while not holds():  # noqa: ASYNC110 - a proxy rings no bell
            await asyncio.sleep(0.01)


async def test_a_batch_that_is_cut_in_its_midst_is_told_again_and_taken_once(
    served: Served, world: World, network: Proxy
) -> None:
    guide, store = world.shop.guide, Diary()
    async with phone_of(served, guide, network.url, store) as phone:
        await settled(phone)
        network.cut_after = 10_000
        network.cut()
        made = await add_tasks(served.ground, guide, 100)
        asked = network.accepted
        await seen(lambda: network.accepted >= asked + 3)
        before = list(store.given)
        network.cut_after = None
        await until(phone, lambda: len(phone.store.rows("TASK")) == 100)

        assert await agrees(phone, served, guide)
    assert before == []
    assert sorted(store.given) == sorted(made)


async def follow_while_cut(served: Served, world: World, network: Proxy) -> None:
    """Things happen while the phone is cut off again and again; it must have been given each of them once."""
    guide, store, made = world.shop.guide, Diary(), list[str]()
    async with phone_of(served, guide, network.url, store) as phone:
        await settled(phone)
        for number in range(30):
            made += await add_tasks(served.ground, guide)
            if number % 3 == 0:
                network.cut()
            await asyncio.sleep(0.01)
        network.cut()
        await until(phone, lambda: phone.reach is not Reach.LIVE)
        await settled(phone)

        assert sorted(store.given) == sorted(made)
        assert await agrees(phone, served, guide)


async def test_a_phone_that_is_cut_off_again_and_again_is_told_of_each_change_once(
    served: Served, world: World, network: Proxy
) -> None:
    await follow_while_cut(served, world, network)


async def test_a_phone_that_comes_back_to_now_and_not_to_where_it_was_is_found_out(
    served: Served, world: World, network: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = Server.hear
    monkeypatch.setattr(Server, "hear", lambda self, document, _: hear(self, document, {"after": None}))

    with pytest.raises(AssertionError):
        await follow_while_cut(served, world, network)


async def test_a_phone_that_does_not_write_down_where_it_is_is_found_out(
    served: Served, world: World, network: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    take = Store.take_batch

    def forget_cursor(self: Store, batch: Batch) -> None:
        take(self, replace(batch, cursor=self.progress.cursor or ""))

    monkeypatch.setattr(Store, "take_batch", forget_cursor)

    with pytest.raises(AssertionError):
        await follow_while_cut(served, world, network)


async def test_a_server_that_goes_and_comes_back_elsewhere_is_found_again(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    async with Proxy(0) as network, AsyncExitStack() as switched_on:
        async with serving(ground) as first:
            network.upstream = first.port
            phone = await switched_on.enter_async_context(phone_of(first, guide, network.url))
            await settled(phone)
        await until(phone, lambda: phone.reach is not Reach.LIVE)
        [missed] = await add_tasks(ground, guide)
        async with serving(ground) as second:
            network.upstream = second.port

            assert await agrees(phone, second, guide)
            assert ("TASK", missed) in phone.store.versions()


async def test_a_token_that_is_refused_is_replaced_and_nothing_is_missed_meanwhile(
    served: Served, world: World, network: Proxy
) -> None:
    guide, given = world.shop.guide, list[str]()

    async def tokens(refused: str | None) -> str:
        if not given or refused == given[-1]:
            given.append(await served.token(guide))
        return given[-1]

    async with phone_of(served, guide, network.url, tokens=tokens) as phone:
        await settled(phone)
        async with served.ground.db.write() as session:
            mine = (col(SignIn.brand_id) == guide.brand_id, col(SignIn.staff_id) == guide.staff_id)
            await session.execute(update(SignIn).where(*mine).values(revoked_at=clock.now()))
        await until(phone, lambda: phone.reach is not Reach.LIVE)
        await add_tasks(served.ground, guide)
        await settled(phone)

        assert await agrees(phone, served, guide)
    assert len(given) == 2
    assert network.accepted == 3  # for the pages, and for each token: no storm


async def test_a_slow_network_is_only_slow(served: Served, world: World, network: Proxy) -> None:
    guide = world.shop.guide
    network.delay = 0.05
    async with phone_of(served, guide, network.url) as phone:
        await settled(phone)
        await add_tasks(served.ground, guide)
        accepted = network.accepted
        await until(phone, lambda: len(phone.store.rows("TASK")) == 1)

        assert await agrees(phone, served, guide)
        assert network.accepted == accepted


@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_line_that_is_dead_in_one_direction_only_is_found_out(
    served: Served, world: World, network: Proxy, direction: str
) -> None:
    guide = world.shop.guide
    patience = Patience(connect=1.0, answer=1.0, ping=0.3, first_pause=0.02, longest_pause=0.1)
    async with phone_of(served, guide, network.url, patience=patience) as phone:
        await settled(phone)
        network.swallow("up" if direction == "up" else "down")
        await add_tasks(served.ground, guide)
        await until(phone, lambda: phone.reach is not Reach.LIVE)
        network.heal()
        await until(phone, lambda: len(phone.store.rows("TASK")) == 1)

        assert await agrees(phone, served, guide)
