"""Programs beside the measurement: each takes orders line by line and answers them, so that none shares a core's time
with another by accident, and what each of them uses can be told apart."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
import uvloop

_LONGEST = 2**28  # bytes of a line
_PATIENCE = 30.0

Order = Callable[..., Awaitable[Any]]


@dataclass
class Program:
    """A program that takes orders, seen from whoever gives them."""

    process: asyncio.subprocess.Process

    @property
    def pid(self) -> int:
        return self.process.pid

    async def ask(self, order: str, **arguments: Any) -> Any:
        """What the program answers to an order. Raises if it ended instead."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(orjson.dumps({"order": order, **arguments}) + b"\n")
        await self.process.stdin.drain()
        line = await self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the program that was to {order} has ended")
        return orjson.loads(line)


@asynccontextmanager
async def program(module: str, **environment: str) -> AsyncIterator[Program]:
    """A module of this folder as a program, for as long as the block lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"tests.bench.live.{module}",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | environment,
        limit=_LONGEST,
    )
    try:
        yield Program(process)
    finally:
        assert process.stdin
        process.stdin.close()  # at the end of its orders it ends
        try:
            await asyncio.wait_for(process.wait(), _PATIENCE)
        except TimeoutError:
            process.kill()
            await process.wait()


def take(main: Callable[[], Awaitable[Any]]) -> None:
    """Run a program's main function on the loop that the server runs on, too."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_awaited(main()))


async def obey(orders: Mapping[str, Order]) -> None:
    """Carry out orders from stdin, one after the other, until there are no more."""
    reader = asyncio.StreamReader(limit=_LONGEST)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        said = orjson.loads(line)
        answer = await orders[said.pop("order")](**said)
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()


async def at_rate(act: Callable[[int], Awaitable[Any]], rate: float, seconds: float) -> list[Any]:
    """Begin an act at each tick, whether or not those before it are done; what came of them, in order."""
    started = time.monotonic()
    under_way: list[asyncio.Future[Any]] = []
    for number in range(round(rate * seconds)):
        await asyncio.sleep(max(0.0, started + number / rate - time.monotonic()))
        under_way.append(asyncio.ensure_future(act(number)))
    return await asyncio.gather(*under_way)


async def _awaited(awaitable: Awaitable[Any]) -> Any:
    return await awaitable
