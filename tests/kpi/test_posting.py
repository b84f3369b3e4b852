"""Notices are posted as Standard Webhooks says, to nobody within our own network, and again until they are taken."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import select
from sqlmodel import col

import server.posting
from intake.models.schemes import SCHEMES, Arrived, sign
from kernel import clock
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.jobs import Job
from kernel.work import Ground, unit_of_work
from kpi.commands import hooking, sending
from kpi.models import KpiHook, WatchKind
from server import worker
from server.posting import NotPosted, post_notice
from server.wiring import errands
from tests.asking import VAULT
from tests.factories import World, build_world
from tests.kpi.watching import at

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the specification's own examples
LINE: dict[str, Any] = {"watch_id": "w", "of": None, "from_day": "2026-03-03", "until_day": "2026-03-03", "figures": []}


@dataclass
class Ear:
    """A server that notes what it is sent."""

    answer: str = "HTTP/1.1 204 No Content\r\n\r\n"
    silence: float = 0
    port: int = 0
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.heard.append((headers | {"asked": head[0]}, body))
        await asyncio.sleep(self.silence)
        writer.write(self.answer.encode())
        await writer.drain()
        writer.close()


@asynccontextmanager
async def listening(ear: Ear) -> AsyncIterator[str]:
    listener = await asyncio.start_server(ear.hear, "127.0.0.1", 0)
    ear.port = listener.sockets[0].getsockname()[1]
    async with listener:
        yield f"http://127.0.0.1:{ear.port}/notices?of=daogou"


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def hooked(ground: Ground, world: World, url: str, **also: Any) -> KpiHook:
    async with unit_of_work(ground, world.hq) as work:
        return await hooking.set_hook(work, VAULT, url, SECRET, allows_loopback=True, **also)


async def told(ground: Ground, world: World) -> UUID:
    """The first manager is told something."""
    async with unit_of_work(ground, world.hq) as work:
        notice_id = await sending.tell(work, world.shop.manager.id, WatchKind.DAILY, at(4).date(), [LINE])
    assert notice_id
    return notice_id


async def posts(ground: Ground, world: World) -> list[Job]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(Job).where(col(Job.brand_id) == world.brand.id, col(Job.name) == sending.POST)
        )
        return list(found)


async def partner_of(*_: object) -> None:
    return None


async def carry_out(ground: Ground, job: Job) -> None:
    post = partial(post_notice, VAULT, True)
    await worker.run(ground, job.id, errands=errands(partner_of, post))


def test_the_standards_own_example_is_signed_as_it_says() -> None:
    body, moment = b'{"test": 2432232314}', datetime.fromtimestamp(1_614_265_330, UTC)

    headers = sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", moment, body)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_notice_is_posted_signed_and_under_its_own_id(ground: Ground, world: World) -> None:
    ear = Ear()
    async with listening(ear) as url:
        await hooked(ground, world, url)
        with clock.stopped_at(at(4, 9)):
            notice_id = await told(ground, world)
            [job] = await posts(ground, world)
            await carry_out(ground, job)
            await carry_out(ground, job)

    [(headers, body)] = ear.heard
    said = orjson.loads(body)
    signed = SCHEMES["standard-webhooks"].verify(Arrived(headers, body), [SECRET])
    assert signed is not None
    assert (signed.message_id, signed.at) == (str(notice_id), at(4, 9))
    assert headers["asked"] == "POST /notices?of=daogou HTTP/1.1"
    assert headers["host"] == f"127.0.0.1:{ear.port}"
    assert said["type"] == "kpi.notice"
    assert said["data"] == {
        "brand": "qinghe",
        "staff": "qinghe-1-M",
        "kind": "daily",
        "day": "2026-03-04",
        "currency": "CNY",
        "lines": [LINE],
    }


@pytest.mark.parametrize(
    "answer",
    ["HTTP/1.1 500 Oh\r\n\r\n", "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n", "nonsense\r\n\r\n", ""],
)
async def test_what_is_not_taken_is_tried_again(ground: Ground, world: World, answer: str) -> None:
    ear = Ear(answer)
    async with listening(ear) as url:
        await hooked(ground, world, url)
        await told(ground, world)
        [job] = await posts(ground, world)
        await carry_out(ground, job)

    [waiting] = await posts(ground, world)
    assert len(ear.heard) == 1
    assert (waiting.state, waiting.attempts, waiting.last_error) == ("waiting", 1, "NotPosted")


async def test_an_answer_that_takes_too_long_is_not_waited_for(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.posting, "ANSWER_SECONDS", 0.2)
    async with listening(Ear(silence=3)) as url:
        await hooked(ground, world, url)
        notice_id = await told(ground, world)

        with pytest.raises(NotPosted):
            async with asyncio.timeout(2):
                await post_notice(VAULT, True, ground, world.brand.id, notice_id=str(notice_id))


async def test_nothing_is_posted_to_this_machine_unless_it_stands_alone(ground: Ground, world: World) -> None:
    ear = Ear()
    async with listening(ear) as url:
        await hooked(ground, world, url)
        notice_id = await told(ground, world)

        with pytest.raises(NotPosted):
            await post_notice(VAULT, False, ground, world.brand.id, notice_id=str(notice_id))

    assert ear.heard == []


async def test_a_name_that_leads_into_our_network_is_refused(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    async def looked_up(_loop: Any, host: str, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", ("93.184.215.14", 443)), (0, 0, 0, "", ("10.0.0.7", 443))]

    await hooked(ground, world, "https://hooks.example.com/x")
    notice_id = await told(ground, world)
    monkeypatch.setattr(type(asyncio.get_running_loop()), "getaddrinfo", looked_up)

    with pytest.raises(NotPosted, match="network"):
        await post_notice(VAULT, True, ground, world.brand.id, notice_id=str(notice_id))

    assert asked == ["hooks.example.com"]


async def test_while_it_is_paused_or_after_it_has_ended_nothing_is_posted(ground: Ground, world: World) -> None:
    async def end(work: Any) -> None:
        await hooking.end_hook(work)

    async def pause(work: Any) -> None:
        await hooking.set_hook(work, VAULT, "https://hooks.example.com", is_paused=True)

    endings: list[Callable[[Any], Any]] = [pause, end]
    ear = Ear()
    async with listening(ear) as url:
        await hooked(ground, world, url)
        await told(ground, world)
        [job] = await posts(ground, world)
        for ending in endings:
            async with unit_of_work(ground, world.hq) as work:
                await ending(work)
            await post_notice(VAULT, True, ground, world.brand.id, **job.args)
            async with unit_of_work(ground, world.hq) as work:
                await sending.tell(work, world.shop.manager.id, WatchKind.WEEKLY, at(4).date(), [LINE])

    assert ear.heard == []
    assert len(await posts(ground, world)) == 1


async def test_headquarters_alone_says_where_to_and_keeps_the_secret(ground: Ground, world: World) -> None:
    for actor in (world.shop.guide, world.shop.manager, world.east_manager):
        with pytest.raises(Forbidden):
            async with unit_of_work(ground, actor) as work:
                await hooking.set_hook(work, VAULT, "https://hooks.example.com")
        with pytest.raises(Forbidden):
            async with unit_of_work(ground, actor) as work:
                await hooking.end_hook(work)
    with pytest.raises(NotFound):
        async with unit_of_work(ground, world.hq) as work:
            await hooking.end_hook(work)

    made = await hooked(ground, world, "https://hooks.example.com", expected_version=0)
    async with unit_of_work(ground, world.hq) as work:
        moved = await hooking.set_hook(work, VAULT, "https://other.example.com", expected_version=1)
    with pytest.raises(StaleVersion):
        async with unit_of_work(ground, world.hq) as work:
            await hooking.end_hook(work, expected_version=1)
    with pytest.raises(Invalid):
        async with unit_of_work(ground, world.hq) as work:
            await hooking.set_hook(work, VAULT, "https://other.example.com", "short")

    assert (made.url, moved.url, moved.version) == ("https://hooks.example.com", "https://other.example.com", 2)
    assert VAULT.open(world.brand.id, moved.sealed) == SECRET
