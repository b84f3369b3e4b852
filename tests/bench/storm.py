"""Everybody comes back at once, as after a restart: how long it takes, and what the others notice of it."""

import argparse
import asyncio
import os
import resource
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import quantiles
from typing import Any
from uuid import uuid4

import httpx2 as httpx
from rich.console import Console
from rich.table import Table

from kernel.db import Database
from tests.bare_socket import BareSocket, Closed
from tests.bench.crowd import Guide, gather, give_tasks
from tests.bench.programs import HOST, SECRET
from tests.bench.workbench import ours
from tests.scenarios.story import ahead
from tests.servers import postgres, redis

CHANGES = (
    "subscription ($after: Cursor) { changes(after: $after) { upToDate mustRefetch cursor changes { op id version } } }"
)
CREATE = """mutation ($due: DateTime!, $key: String!) {
  createTask(idempotencyKey: $key, input: {title: "整理陈列", dueAt: $due}) {
    __typename ... on Problem { code message } } }"""
BEHIND = 3
PATIENCE = 120.0


@dataclass(slots=True)
class Storm:
    """What came of one storm. Times in seconds, from dialling to the first answer."""

    took: float = 0.0
    cpu: float = 0.0
    times: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Bystander:
    """Somebody who goes on working: how long their mutations and the news of them take, in seconds."""

    answered: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    failures: Counter[str] = field(default_factory=Counter)


async def measure(chosen: argparse.Namespace) -> None:
    """Print how long storms of sockets take, and what a bystander notices in calm and in storm."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with ExitStack() as stack:
        url = chosen.database or stack.enter_context(postgres()).create_database("daogou_storm")
        port = stack.enter_context(ours(url, stack.enter_context(redis()).url, size=None))
        database = Database(url)
        guides = await gather(database, SECRET, chosen.people + 1)
        await _rounds(chosen, port, database, guides)
        await database.close()


async def _rounds(chosen: argparse.Namespace, port: int, database: Database, guides: list[Guide]) -> None:
    other, crowd = guides[0], guides[1:]
    cursors: dict[Any, str] = {}
    rows = []
    calm = await _beside(port, other, asyncio.sleep(chosen.seconds))
    for number in range(chosen.rounds + 1):
        if number:
            await give_tasks(database, crowd, BEHIND)
        storm = Storm()
        noticed = await _beside(port, other, _storm(port, crowd, cursors, storm))
        rows.append(("storm, with cursors" if number else "first start", storm, noticed))
    _show(chosen.people, calm, rows)


async def _storm(port: int, crowd: list[Guide], cursors: dict[Any, str], storm: Storm) -> None:
    started, spent = time.perf_counter(), await _spent(port)
    sockets = await asyncio.gather(*(_come(port, guide, cursors, storm) for guide in crowd))
    storm.took = time.perf_counter() - started
    storm.cpu = await _spent(port) - spent
    for socket in sockets:
        if socket is not None:
            socket.close()


async def _spent(port: int) -> float:
    """The processor seconds that the server has taken so far."""
    async with httpx.AsyncClient(timeout=60) as client:
        figures = (await client.get(f"http://{HOST}:{port}/metrics")).text
    return float(figures.partition("\nprocess_cpu_seconds_total ")[2].partition("\n")[0])


async def _come(port: int, guide: Guide, cursors: dict[Any, str], storm: Storm) -> BareSocket | None:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(PATIENCE):
            socket = await BareSocket.dial(HOST, port)
            socket.say(type="connection_init", payload={"Authorization": f"Bearer {guide.token}"})
            if (said := await socket.hear())["type"] != "connection_ack":
                raise ValueError(said)
            socket.subscribe("1", CHANGES, after=cursors.get(guide.staff_id))
            said = await socket.hear()
        if said["type"] == "error":
            storm.failures[said["payload"][0]["extensions"]["code"]] += 1
            return socket
        first = said["payload"]["data"]["changes"]
        if guide.staff_id in cursors and len(first["changes"]) != BEHIND:
            storm.failures[f"{len(first['changes'])} changes, refetch {first['mustRefetch']}"] += 1
        cursors[guide.staff_id] = first["cursor"]
    except (Closed, OSError, TimeoutError) as error:
        storm.failures[str(error) or type(error).__name__] += 1
        return None
    storm.times.append(time.perf_counter() - started)
    return socket


async def _beside(port: int, guide: Guide, meanwhile: Any) -> Bystander:
    """Create a task, wait for the news of it, and again, until the other thing is over."""
    noticed = Bystander()
    socket = await BareSocket.dial(HOST, port)
    socket.say(type="connection_init", payload={"Authorization": f"Bearer {guide.token}"})
    await socket.hear()
    socket.subscribe("live", CHANGES)
    await socket.hear()
    other = asyncio.create_task(_rest(meanwhile))
    async with httpx.AsyncClient(timeout=60, headers={"Authorization": f"Bearer {guide.token}"}) as client:
        while not other.done():
            await _once(client, port, socket, noticed)
            await asyncio.sleep(0.02)
    await other
    socket.close()
    return noticed


async def _rest(meanwhile: Any) -> None:
    await asyncio.sleep(0.3)
    await meanwhile


async def _once(client: httpx.AsyncClient, port: int, socket: BareSocket, noticed: Bystander) -> None:
    started = time.perf_counter()
    body = {"query": CREATE, "variables": {"due": ahead(days=30), "key": uuid4().hex}}
    telling = asyncio.create_task(socket.hear())
    telling.add_done_callback(lambda _: noticed.told.append(time.perf_counter() - started))
    answer = await _answer(client, port, body)
    noticed.answered.append(time.perf_counter() - started)
    if answer.get("data", {}).get("createTask", {}).get("__typename") != "TaskChanged":
        noticed.failures[str(answer)] += 1
    said = await asyncio.wait_for(telling, PATIENCE)
    if said["type"] != "next":
        noticed.failures[str(said)] += 1


async def _answer(client: httpx.AsyncClient, port: int, body: dict[str, Any]) -> Any:
    """The same key again when the connection breaks: the task is there once."""
    for _ in range(5):
        try:
            return (await client.post(f"http://{HOST}:{port}/graphql", json=body)).json()
        except httpx.TransportError:
            continue
    return {"no": "answer"}


def _show(people: int, calm: Bystander, rows: Iterable[tuple[str, Storm, Bystander]]) -> None:
    table = Table(title=f"{people} sockets at once; server and clients on the same {os.cpu_count()} cores")
    for title in (
        "",
        "all back s",
        "server CPU s",
        "p50 s",
        "p99 s",
        "failed",
        "bystander answered p50/p99/max ms",
        "told p50/p99/max ms",
    ):
        table.add_column(title, justify="right" if title else "left")
    table.add_row("calm", "", "", "", "", str(dict(calm.failures) or "none"), _three(calm.answered), _three(calm.told))
    for name, storm, noticed in rows:
        failed = storm.failures + noticed.failures
        p50, p99 = _cuts(storm.times)
        table.add_row(
            name, f"{storm.took:.2f}", f"{storm.cpu:.2f}", f"{p50:.2f}", f"{p99:.2f}", str(dict(failed) or "none"),
            _three(noticed.answered), _three(noticed.told),
        )  # fmt: skip
    Console(width=170).print(table)


def _cuts(times: list[float]) -> tuple[float, float]:
    cuts = quantiles(times, n=100) if len(times) > 1 else [0.0] * 99
    return cuts[49], cuts[98]


def _three(times: list[float]) -> str:
    p50, p99 = _cuts(times)
    return f"{p50 * 1000:.0f} / {p99 * 1000:.0f} / {max(times, default=0) * 1000:.0f} ({len(times)})"
