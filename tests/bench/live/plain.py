"""The baseline: a bare server that holds the same sockets, reads nothing, and pushes ready-made bytes to them."""

import os
import time
from collections import defaultdict
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.typing import Subprotocol

from tests.bench.live.orders import at_rate, obey, take
from tests.bench.live.stage import Stage

PADDING = 500  # bytes: with them a push is as long as one of the product's
_ACK = '{"type":"connection_ack"}'
_FIRST = '{"id":"live","type":"next","payload":{"data":{"changes":%s}}}'


class Plain:
    """A server that writes to itself: what it pushes looks like the product's, and is as long."""

    def __init__(self, stage: Stage) -> None:
        self._lines: dict[int, set[ServerConnection]] = defaultdict(set)
        self._stage = stage
        self._padding = "x" * PADDING
        self._held = cycle(stage.customers)
        self._versions: dict[str, int] = defaultdict(int)
        self._anything = str(uuid4())

    async def converse(self, line: ServerConnection) -> None:
        """Speak as much of the sub-protocol as the phones need."""
        shown = orjson.loads(await line.recv())["payload"]["Authorization"]
        person = int(shown.removeprefix("Bearer "))
        await line.send(_ACK)
        await line.recv()
        self._lines[person].add(line)
        await line.send(_FIRST % '{"cursor":"c","upToDate":true,"mustRefetch":false,"changes":[]}')
        try:
            await line.wait_closed()
        finally:
            self._lines[person].discard(line)

    async def remarks(self, rate: float, seconds: float, among: int) -> list[dict[str, Any]]:
        """As many pushes to a guide's and a manager's sockets."""
        self._held = cycle(self._stage.held_by(among))
        return await at_rate(self._remark, rate, seconds)

    async def tags(self, rate: float, seconds: float, among: int) -> list[dict[str, Any]]:
        """As many pushes to everybody's."""
        return await at_rate(self._tag, rate, seconds)

    async def used(self) -> float:
        """Processor seconds of this process until now."""
        return time.process_time()

    async def _remark(self, _number: int) -> dict[str, Any]:
        held = next(self._held)
        return self._push(held.customer_id, list(held.people))

    async def _tag(self, _number: int) -> dict[str, Any]:
        return self._push(self._anything, None)

    def _push(self, name: str, people: Sequence[int] | None) -> dict[str, Any]:
        self._versions[name] += 1
        at, version = time.monotonic(), self._versions[name]
        change = {"id": name, "version": version, "padding": self._padding}
        told = {"cursor": "c", "upToDate": True, "mustRefetch": False, "changes": [change]}
        message = {"id": "live", "type": "next", "payload": {"data": {"changes": told}}}
        concerned = people if people is not None else list(self._lines)
        broadcast([line for person in concerned for line in self._lines[person]], orjson.dumps(message).decode())
        return {"id": name, "version": version, "at": at, "people": people}


async def main() -> None:
    plain = Plain(Stage.load(Path(os.environ["LIVE_STAGE"])))
    async with serve(
        plain.converse,
        "127.0.0.1",
        int(os.environ["LIVE_PORT"]),
        subprotocols=[Subprotocol("graphql-transport-ws")],
        compression=None,
        ping_interval=10,
        ping_timeout=10,
        backlog=2048,
    ):
        await obey({"remarks": plain.remarks, "tags": plain.tags, "used": plain.used})


if __name__ == "__main__":
    take(main)
