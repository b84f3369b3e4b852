"""The TypeScript client against a real server, and the types that it is written with."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from kernel.work import Ground
from tests.clients import node as nodes
from tests.clients.node import CLIENT, SDL, Node
from tests.clients.stage import Stage
from tests.serving import Served, serving

SECONDS_ALONE, SECONDS_SERVED = 60, 300  # for a file of tests; with a server each wait is shorter, and says for what
ALONE = sorted(path.name for path in (CLIENT / "test" / "alone").glob("*.test.ts"))
SERVED = sorted(path.name for path in (CLIENT / "test" / "served").glob("*.test.ts"))


@pytest.fixture(scope="session")
def node() -> Node:
    return nodes.node()


@pytest.fixture(scope="session")
def client(node: Node) -> Path:
    """The client, its types checked, and its tests, as JavaScript."""
    return nodes.built(node)


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    async with serving(ground) as served:
        yield served


class Beside(uvicorn.Server):
    """A server that leaves the signals to the test runner."""

    def capture_signals(self) -> Any:
        return nullcontext()


@asynccontextmanager
async def staging(served: Served) -> AsyncIterator[str]:
    """The stage beside the server; gives its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = Beside(uvicorn.Config(Stage(served).app(), log_config=None, access_log=False))
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        listening.close()


async def run(node: Node, client: Path, test: str, seconds: int, **told: str) -> str:
    """Run a file of tests with Node, and return what it says. Fails with that if one of them fails, or if none ran."""
    process = await asyncio.create_subprocess_exec(
        str(node.program),
        "--test",
        "--test-reporter=spec",
        f"--test-timeout={seconds * 1000}",
        f"build/test/{test.removesuffix('.ts')}.js",
        cwd=client,
        env={**os.environ, "DAOGOU_SDL": str(SDL), **told},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # to be ended together with the processes that it starts for each file
    )
    try:
        said = (await process.communicate())[0].decode()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    assert process.returncode == 0, said
    assert "ℹ fail 0" in said, said
    assert "ℹ skipped 0" in said, said
    assert "ℹ pass 0" not in said, said
    return said


def test_there_are_tests_of_both_kinds() -> None:
    assert len(ALONE) >= 3
    assert len(SERVED) >= 3


@pytest.mark.parametrize("test", ALONE)
async def test_the_client_keeps_its_promises_by_itself(node: Node, client: Path, test: str) -> None:
    await run(node, client, f"alone/{test}", SECONDS_ALONE)


@pytest.mark.parametrize("test", SERVED)
async def test_the_client_keeps_its_promises_with_a_server(node: Node, client: Path, served: Served, test: str) -> None:
    async with staging(served) as stage:
        where = {"DAOGOU_STAGE": stage, "DAOGOU_PORT": str(served.port)}
        said = await run(node, client, f"served/{test}", SECONDS_SERVED, **where)
    print(said)  # noqa: T201 - the seeds of random tests, shown if something fails later


def test_the_types_are_those_of_the_schema(node: Node) -> None:
    assert (CLIENT / "src" / "types.ts").read_text(encoding="utf-8") == nodes.types(node), "run make types"
