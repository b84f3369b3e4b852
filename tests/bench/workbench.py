"""The guide's first screen, against a bare endpoint that runs one SQL statement which returns the same as JSON."""

import argparse
import asyncio
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

import asyncpg
import httpx2 as httpx
import orjson
from rich.console import Console
from rich.table import Table

from server.demo import PASSWORD
from tests.bench import load
from tests.bench.load import Timing, request
from tests.bench.programs import DAOGOU, HOST, environment, run, serving
from tests.servers import postgres, redis
from tests.servers.processes import free_port

CONNECTIONS = (1, 16, 64)
BRAND, GUIDE = "qinghe", "G0001"

SIGN_IN = """mutation ($password: String!) {
  signIn(brand: "qinghe", number: "G0001", password: $password) {
    ... on SignedIn { accessToken } ... on Problem { code message } } }"""

WORKBENCH = """{
  workbench {
    tasks { id kind title reason priority dueAt version
            customer { id name tier phoneMasked tags { id name color } lastOrder { id number amount placedAt } } }
    orders { id number state amount placedAt lines { name quantity amount } }
    tiles { today { orders gross } month { orders gross } }
    cursor
  }
}"""


@dataclass(frozen=True)
class Contender:
    """Somebody who answers the same question."""

    name: str
    port: int
    payload: bytes


async def measure(chosen: argparse.Namespace) -> None:
    """Print requests per second, p50 and p99 at 1, 16 and 64 connections, and their ratio to the bare endpoint's."""
    console = Console()
    with ExitStack() as stack:
        database = chosen.database or stack.enter_context(postgres()).create_database("daogou_bench")
        cache = stack.enter_context(redis())
        port = stack.enter_context(ours(database, cache.url, chosen.size))
        bare = stack.enter_context(_bare(database))
        contenders = [await _as_guide(port), await _as_query(bare, database)]
        await _agree(contenders)
        for connections in CONNECTIONS:
            rounds = [await _round(contenders, connections, chosen.seconds) for _ in range(chosen.rounds)]
            console.print(_table(chosen.size, connections, contenders, rounds))


async def _round(contenders: list[Contender], connections: int, seconds: float) -> list[Timing]:
    # In turn, so that a slow minute of the machine is everybody's.
    return [
        await load.run(HOST, contender.port, contender.payload, connections=connections, seconds=seconds)
        for contender in contenders
    ]


def _table(size: str, connections: int, contenders: list[Contender], rounds: list[list[Timing]]) -> Table:
    table = Table(title=f"workbench, size {size}, {connections} connections, median of {len(rounds)}")
    for title in ("", "requests/s", "p50 ms", "p99 ms", "KiB", "of the bare endpoint (range)"):
        table.add_column(title, justify="right" if title else "left")
    for index, contender in enumerate(contenders):
        timings = [each[index] for each in rounds]
        ratios = [each[index].requests_per_second / each[-1].requests_per_second for each in rounds]
        table.add_row(
            contender.name,
            f"{median(timing.requests_per_second for timing in timings):.0f}",
            f"{median(timing.p50 for timing in timings):.1f}",
            f"{median(timing.p99 for timing in timings):.1f}",
            f"{timings[0].bytes_per_answer / 1024:.1f}",
            f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})",
        )
    return table


async def _as_guide(port: int) -> Contender:
    async with httpx.AsyncClient(timeout=30) as client:
        body = {"query": SIGN_IN, "variables": {"password": PASSWORD}}
        answer = (await client.post(f"http://{HOST}:{port}/graphql", json=body)).json()
    headers = {
        "Authorization": f"Bearer {answer['data']['signIn']['accessToken']}",
        "Content-Type": "application/json",
        "Accept": "application/graphql-response+json",
    }
    return Contender("daogou", port, request("POST", "/graphql", HOST, headers, orjson.dumps({"query": WORKBENCH})))


async def _as_query(port: int, database: str) -> Contender:
    connection = await asyncpg.connect(database.replace("+asyncpg", ""))
    row = await connection.fetchrow(
        """SELECT a.brand_id, a.id, a.store_id FROM account a
           JOIN staff s ON s.brand_id = a.brand_id AND s.id = a.staff_id JOIN brand b ON b.id = a.brand_id
           WHERE b.code = $1 AND s.number = $2""",
        BRAND,
        GUIDE,
    )
    await connection.close()
    path = f"/workbench?brand={row['brand_id']}&account={row['id']}&store={row['store_id']}"
    return Contender("one SQL statement, bare Starlette", port, request("GET", path, HOST, {}))


async def _agree(contenders: list[Contender]) -> None:
    """Both must show the same tasks and orders, or the comparison means nothing."""
    shown = [await _shown(contender) for contender in contenders]
    if shown[0] != shown[1] or not all(shown[0]):
        raise RuntimeError(f"the contenders don't answer the same: {shown}")


async def _shown(contender: Contender) -> tuple[list[str], list[str]]:
    reader, writer = await asyncio.open_connection(HOST, contender.port)
    writer.write(contender.payload)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-len"))
    answer: dict[str, Any] = orjson.loads(await reader.readexactly(length))
    writer.close()
    found = answer["data"]["workbench"] if "data" in answer else answer
    return [task["id"] for task in found["tasks"]], [order["id"] for order in found["orders"]]


@contextmanager
def ours(database: str, cache: str, size: str | None) -> Iterator[int]:
    """The product in a process of its own on these servers, with demo data of a size or none."""
    values = environment(DATABASE_URL=database, REDIS_URL=cache)
    run("migrate", environment=values)
    if size is not None and _is_empty(database):
        run("demo", "--size", size, environment=values)
    with serving([*DAOGOU, "serve"], int(values["PORT"]), values) as program:
        yield program.port


@contextmanager
def _bare(database: str) -> Iterator[int]:
    port = free_port()
    values = os.environ | {"BARE_DATABASE": database.replace("+asyncpg", "")}
    command = [sys.executable, "-m", "uvicorn", "tests.bench.bare:app", "--port", str(port), "--log-level", "warning"]
    with serving(command, port, values) as program:
        yield program.port


def _is_empty(database: str) -> bool:
    """Asked in a thread: the measurement's own event loop is running."""

    async def count() -> int:
        connection = await asyncpg.connect(database.replace("+asyncpg", ""))
        try:
            return int(await connection.fetchval("SELECT count(*) FROM brand"))
        finally:
            await connection.close()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(count())).result() == 0
