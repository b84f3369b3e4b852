"""Commit real commands at a set rate, and note when each commit was sent off."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from customers import commands as customers
from kernel.db import Database
from kernel.work import Ground, unit_of_work
from tagging import commands as tagging
from tests.bench.live.orders import at_rate, obey, take
from tests.bench.live.stage import Stage, close_ground, open_ground
from tests.bench.load import answer, request

_SIDE_BY_SIDE = 16
_REMARK = "喜欢亚麻，周三下午来店；说好先留两件 M 码，颜色要浅。第 {} 次记录"
_EDIT = """mutation ($customer: ID!, $remark: String!) {
  editRemark(customerId: $customer, remark: $remark) {
    ... on RelationshipChanged { relationship { id version } } ... on Problem { code } } }"""

_committed: ContextVar[float] = ContextVar("committed")


class Clocked(Database):
    """A database that notes when a commit was sent off: afterwards a busy writer may note it too late."""

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncSession]:
        async with super().write() as session:
            yield session
            _committed.set(time.monotonic())


class Writers:
    """Writes as guides and headquarters do; side by side, but never two to one thing."""

    def __init__(self, stage: Stage, ground: Ground) -> None:
        self._stage = stage
        self._ground = ground
        self._tokens: dict[int, str] = {}
        self._port = 0
        self._places = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._number = 0
        self._held = cycle(stage.customers)

    async def remarks(self, rate: float, seconds: float, among: int) -> list[dict[str, Any]]:
        """Guides among the first so many people edit remarks: each concerns the guide and the manager."""
        self._held = cycle(self._stage.held_by(among))
        return await self._write(self._remark, rate, seconds)

    async def tags(self, rate: float, seconds: float, among: int) -> list[dict[str, Any]]:
        """Headquarters paints tags: each concerns everybody."""
        return await self._write(self._tag, rate, seconds)

    async def requests(
        self, rate: float, seconds: float, among: int, port: int, tokens: dict[str, str]
    ) -> list[dict[str, Any]]:
        """Guides edit remarks by GraphQL over HTTP; the instant is that of sending, as the commit is out of sight."""
        self._port, self._tokens = port, {int(person): token for person, token in tokens.items()}
        self._held = cycle(self._stage.held_by(among))
        return await self._write(self._request, rate, seconds)

    async def used(self) -> float:
        """Processor seconds of this process until now."""
        return time.process_time()

    async def _write(self, act: Callable[[int], Awaitable[Any]], rate: float, seconds: float) -> list[dict[str, Any]]:
        async def one(_tick: int) -> Any:
            self._number += 1
            number = self._number
            async with self._places:
                return await act(number)

        return await at_rate(one, rate, seconds)

    async def _remark(self, number: int) -> dict[str, Any]:
        held = next(self._held)
        async with unit_of_work(self._ground, self._stage.actor(held.guide)) as work:
            changed = await customers.edit_remark(work, UUID(held.customer_id), remark=_REMARK.format(number))
        return _written(changed, list(held.people))

    async def _tag(self, number: int) -> dict[str, Any]:
        tag_id = self._stage.tag_ids[number % len(self._stage.tag_ids)]
        async with unit_of_work(self._ground, self._stage.librarian) as work:
            changed = await tagging.edit_tag(work, UUID(tag_id), color=f"#{number % 0xFFFFFF:06x}")
        return _written(changed, None)

    async def _request(self, number: int) -> dict[str, Any]:
        held = next(self._held)
        body = {"query": _EDIT, "variables": {"customer": held.customer_id, "remark": _REMARK.format(number)}}
        headers = {"Authorization": f"Bearer {self._tokens[held.guide]}", "Content-Type": "application/json"}
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        sent = time.monotonic()
        writer.write(request("POST", "/graphql", "127.0.0.1", headers, orjson.dumps(body)))
        said = orjson.loads(await answer(reader))["data"]["editRemark"]["relationship"]
        writer.close()
        return {"id": said["id"], "version": said["version"], "at": sent, "people": list(held.people)}


def _written(changed: Any, people: list[int] | None) -> dict[str, Any]:
    return {"id": str(changed.id), "version": changed.version, "at": _committed.get(), "people": people}


async def main() -> None:
    stage = Stage.load(Path(os.environ["LIVE_STAGE"]))
    ground = open_ground(os.environ, Clocked)
    writers = Writers(stage, ground)
    await obey({"remarks": writers.remarks, "tags": writers.tags, "requests": writers.requests, "used": writers.used})
    await close_ground(ground)


if __name__ == "__main__":
    take(main)
