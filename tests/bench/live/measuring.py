"""What is measured, in which order."""

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import httpx2 as httpx

from tests.bench.live import stage as stages
from tests.bench.live.figures import Opened, Round, say, show_opened, show_rounds
from tests.bench.live.orders import program
from tests.bench.live.scene import Scene, scene
from tests.bench.live.stage import Stage
from tests.bench.programs import DAOGOU, HOST, Running, environment, run, serving, used
from tests.servers import postgres, redis
from tests.servers.processes import free_port

MANY = 1_000
FEW = 300
LATEST_MS = 200
BUSIEST = 0.97
STALLED = 5
RAMPS: dict[str, Sequence[float]] = {"remarks": (200, 400), "tags": (2, 5, 10, 20)}
_RAMP_SECONDS = 3.0
_STALL_SECONDS = 40.0
_SETTLE_SECONDS = 3.0


class Place(NamedTuple):
    """Where a product stands, and who it is measured with."""

    values: dict[str, str]
    stage: Stage
    file: Path


async def measure(chosen: argparse.Namespace) -> None:
    """Print what sockets cost, how late news is, what is lost or doubled, and how long a cut takes to heal."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="daogou-live-")))
        database = stack.enter_context(postgres(durable=True)).create_database("daogou_live")
        values = environment(DATABASE_URL=database, REDIS_URL=stack.enter_context(redis()).url)
        most = MANY if chosen.parts == ["many"] else max(MANY, chosen.connections)
        place = await prepare(values, most // chosen.per_person, folder)
        for name in chosen.parts:
            await PARTS[name](place, chosen)


async def _many(place: Place, chosen: argparse.Namespace) -> None:
    """A thousand sockets: how late news is at a steady rate, and how much is too much."""
    async with _product(place) as there:
        await open_sockets(there, place, MANY, chosen.per_person)
        steady = [await there.round("remarks", chosen.writes, chosen.seconds) for _ in range(chosen.rounds)]
        lines = [("steady", steady), *(await _ramp(there) if chosen.ramp else [])]
    show_rounds(f"daogou on PostgreSQL, {MANY} sockets, {chosen.per_person} a person", lines)


async def _most(place: Place, chosen: argparse.Namespace) -> None:
    """All sockets: what they hold, what they cost while nothing happens, and how they come back."""
    count: int = chosen.connections
    async with _product(place) as there:
        before = there.memory()
        opened = await open_sockets(there, place, count, chosen.per_person)
        await asyncio.sleep(_SETTLE_SECONDS)
        _say_memory("daogou", count, there.memory() - before)
        say(f"idle: {await _idle(there.server.pid):.0%} of a core")
        steady = await there.round("remarks", chosen.writes, chosen.seconds)
        say(f"{STALLED} stalled sockets: gone after {await _stall(there):.0f} s")
        back, missed = await _cut(there, count, chosen.writes)
    show_opened("daogou on PostgreSQL", [("opened", opened), ("came back", back)])
    show_rounds(f"daogou on PostgreSQL, {count} sockets", [("steady", [steady]), ("during the cut", [missed])])


async def _bare(place: Place, chosen: argparse.Namespace) -> None:
    """The same sockets, the same bytes, and nothing else."""
    async with _plain(place) as there:
        await open_sockets(there, place, MANY, chosen.per_person, plain=True)
        steady = [await there.round("remarks", chosen.writes, chosen.seconds) for _ in range(chosen.rounds)]
        lines = [("steady", steady), *await _ramp(there)]
    show_rounds(f"bare server, {MANY} sockets", lines)
    async with _plain(place) as there:
        before = there.memory()
        opened = await open_sockets(there, place, chosen.connections, chosen.per_person, plain=True)
        await asyncio.sleep(_SETTLE_SECONDS)
        _say_memory("bare server", chosen.connections, there.memory() - before)
        await there.swarm.ask("cut")
        back = await there.come_back(chosen.connections)
    show_opened("bare server", [("opened", opened), ("came back", back)])


async def _embedded(place: Place, chosen: argparse.Namespace) -> None:
    """SQLite in the server's own process: guides edit over HTTP, and the clock starts when they send."""
    folder = place.file.parent / "embedded"
    folder.mkdir()
    values = environment(DAOGOU_HOME=str(folder), DATABASE_URL="", REDIS_URL="")
    here = await prepare(values, FEW // chosen.per_person, folder)
    tokens = {str(person): token for person, token in enumerate(await _sign_in(here, range(len(here.stage.people))))}
    crowd = _people(FEW, chosen.per_person)
    signed_in = await _sign_in(here, crowd)
    async with _product(here) as there:
        opened = await there.open(signed_in, crowd)
        more = {"port": there.server.port, "tokens": tokens}
        steady = [await there.round("requests", 20, chosen.seconds, **more) for _ in range(chosen.rounds)]
    show_opened("daogou on SQLite", [("opened", opened)])
    show_rounds(f"daogou on SQLite, {FEW} sockets; from sending to the phone", [("steady", steady)])


PARTS = {"many": _many, "most": _most, "bare": _bare, "embedded": _embedded}


async def _ramp(there: Scene) -> list[tuple[str, list[Round]]]:
    """Faster and faster, until news is late or the server can't."""
    found: list[tuple[str, list[Round]]] = []
    for what, rates in RAMPS.items():
        for rate in rates:
            last = await there.round(what, rate, _RAMP_SECONDS)
            found.append((what, [last]))
            if last.p99 > LATEST_MS or last.server > BUSIEST or last.lost:
                break
    return found


async def _cut(there: Scene, count: int, rate: float) -> tuple[Opened, Round]:
    """Cut every socket, write meanwhile, and let them all come back."""
    await there.swarm.ask("cut")
    written = await there.writes.ask("remarks", rate=rate, seconds=2, among=there.people)
    back = await there.come_back(count)
    return back, await there.judged(rate, written, 2.0)


async def _stall(there: Scene) -> float:
    """Seconds until the server has let go of sockets that don't read any more."""
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{there.server.port}", timeout=_STALL_SECONDS) as client:
        before = await _sockets(client)
        await there.swarm.ask("stall", count=STALLED)
        started = time.monotonic()
        while (waited := time.monotonic() - started) < _STALL_SECONDS:
            if await _sockets(client) <= before - STALLED:
                break
            await asyncio.sleep(0.5)
        return waited


async def _sockets(client: httpx.AsyncClient) -> float:
    figures = (await client.get("/metrics")).text
    return float(next(line for line in figures.splitlines() if line.startswith("daogou_sockets ")).split()[1])


async def _idle(pid: int, seconds: float = 5.0) -> float:
    before = used(pid).processor_seconds
    await asyncio.sleep(seconds)
    return (used(pid).processor_seconds - before) / seconds


async def open_sockets(there: Scene, place: Place, count: int, per_person: int, *, plain: bool = False) -> Opened:
    """So many sockets, each person having as many as said."""
    people = _people(count, per_person)
    tokens = [str(person) for person in people] if plain else await _sign_in(place, people)
    return await there.open(tokens, people)


async def prepare(values: dict[str, str], people: int, folder: Path) -> Place:
    """A product that is to be served with this environment: its database, and people in it."""
    run("migrate", environment=values)
    ground = stages.open_ground(values)
    stage = await stages.build(ground, people)
    await stages.close_ground(ground)
    place = Place(values, stage, folder / "stage.json")
    stage.save(place.file)
    return place


async def _sign_in(place: Place, people: Sequence[int]) -> list[str]:
    ground = stages.open_ground(place.values)
    try:
        return await stages.sign_in(ground, place.stage, people)
    finally:
        await stages.close_ground(ground)


@asynccontextmanager
async def _product(place: Place) -> AsyncIterator[Scene]:
    """The product, with writers beside it."""
    values = place.values | {"LIVE_STAGE": str(place.file)}
    with serving([*DAOGOU, "serve"], int(values["PORT"]), values) as server:
        async with program("writers", **values) as writers, scene(server, writers) as there:
            yield there


@asynccontextmanager
async def _plain(place: Place) -> AsyncIterator[Scene]:
    """The bare server, which writes to itself."""
    port = free_port()
    async with (
        program("plain", LIVE_STAGE=str(place.file), LIVE_PORT=str(port)) as plain,
        scene(Running(plain.pid, port), plain) as there,
    ):
        yield there


def _people(count: int, per_person: int) -> list[int]:
    """Whose each socket is, in turn."""
    return [number % (count // per_person) for number in range(count)]


def _say_memory(name: str, count: int, kibibytes: int) -> None:
    say(f"{name}: {kibibytes / count:.1f} KiB for each of {count} idle sockets with a subscription")
