"""Whoever watches figures over a socket is told of each counting, and nothing more once their sign-in has ended."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from directory.commands import sign_in as sign_ins
from directory.models import SignIn
from kernel import clock
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from kpi.models import KpiTurn
from schema.kpi import following
from tests.factories import World, build_world
from tests.kpi.test_every_change import count_all
from tests.server.machines import machine
from tests.server.test_sockets import set_staff
from tests.serving import Line, Served, serving

CHANGED = "subscription { kpiChanged }"


@pytest.fixture
async def world(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(following, "LOOKS_EVERY", 0.05)
    world = await build_world(ground)
    await count_all(ground, world.brand.id)
    return world


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    async with serving(ground) as served:
        yield served


async def counted(world: World) -> None:
    """What each counting does."""
    async with world.ground.db.write() as session:
        await session.execute(
            update(KpiTurn).where(col(KpiTurn.brand_id) == world.brand.id).values(revision=col(KpiTurn.revision) + 1)
        )


async def watch(line: Line) -> int:
    await line.subscribe("kpi", CHANGED)
    return revision(await line.hear())


def revision(message: Any) -> int:
    assert (message["id"], message["type"]) == ("kpi", "next"), message
    found: int = message["payload"]["data"]["kpiChanged"]
    return found


async def signed_out(world: World, guide: Actor) -> None:
    async with world.ground.db.write() as session:
        await session.execute(
            update(SignIn)
            .where(col(SignIn.brand_id) == guide.brand_id, col(SignIn.staff_id) == guide.id)
            .values(revoked_at=clock.now())
        )


async def shut_out(world: World, guide: Actor) -> None:
    await set_staff(world.ground, guide, access_closed_at=clock.now())


async def departed(world: World, guide: Actor) -> None:
    await set_staff(world.ground, guide, state="departed")


async def moved(world: World, guide: Actor) -> None:
    """To another store: what is in sight is another thing from now on."""
    await set_staff(world.ground, guide, store_id=world.shops[1].store.id)


@pytest.mark.parametrize("end", [signed_out, shut_out, departed, moved])
async def test_it_ends_within_two_seconds_of_the_watchers_right_to_it(
    served: Served, world: World, end: Callable[[World, Actor], Awaitable[None]]
) -> None:
    async with served.line(world.shop.guide) as line, served.line(world.shop.manager) as other:
        first = await watch(line)
        assert await watch(other) == first
        await counted(world)
        assert [revision(await each.hear()) for each in (line, other)] == [first + 1] * 2

        await end(world, world.shop.guide)
        assert await line.close_code(within=2) == 4403
        await counted(world)

        assert revision(await other.hear()) == first + 2
        with pytest.raises(Exception, match="4403"):
            await line.hear()


async def test_a_machine_that_reads_reports_watches_until_its_token_is_revoked(served: Served, world: World) -> None:
    token, sign_in_id = await machine(world, "board", "reports:read")
    async with served.dial() as line:
        await line.say(type="connection_init", payload={"token": token})
        assert await line.hear() == {"type": "connection_ack"}
        first = await watch(line)
        await counted(world)
        assert revision(await line.hear()) == first + 1

        async with unit_of_work(world.ground, system(world.brand.id)) as work:
            await sign_ins.revoke(work, sign_in_id)

        assert await line.close_code(within=2) == 4403


async def test_a_machine_that_may_not_read_reports_is_refused_and_told_nothing(served: Served, world: World) -> None:
    token, _ = await machine(world, "till", "orders:write")
    async with served.dial() as line:
        await line.say(type="connection_init", payload={"token": token})
        assert await line.hear() == {"type": "connection_ack"}
        await line.subscribe("kpi", CHANGED)
        said = await line.hear()

    assert "FORBIDDEN" in str(said)


async def test_it_ends_with_the_token(served: Served, world: World) -> None:
    token = await served.token(world.shop.guide, until=clock.now() + timedelta(seconds=2))
    async with served.dial() as line:
        await line.say(type="connection_init", payload={"token": token})
        assert await line.hear() == {"type": "connection_ack"}
        await watch(line)

        assert await line.close_code(within=4) == 4403


async def test_whoever_goes_away_leaves_no_look_behind(served: Served, world: World) -> None:
    async with served.line(world.shop.guide) as line:
        await watch(line)

    async with asyncio.timeout(3):
        while "daogou_socket_operations 0.0" not in (await served.http.get("/metrics")).text:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.02)
