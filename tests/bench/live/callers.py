"""A mall beside the product: it reports orders at a set rate, or as fast as they are taken."""

import asyncio
import os
import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import cycle
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer, Relationship
from directory.models import Store
from intake.models.schemes import sign
from kernel import clock
from kernel.work import Ground
from mall.models import Order
from tests.bench.live.orders import at_rate, obey, take
from tests.bench.live.stage import Held, Stage, close_ground, open_ground
from tests.bench.live.writers import Clocked, Writers
from tests.bench.load import request


class Callers(Writers):
    """The mall, and guides who edit remarks for comparison."""

    def __init__(self, stage: Stage, ground: Ground) -> None:
        super().__init__(stage, ground)
        self._known: dict[str, tuple[str, str]] = {}
        self.took: list[float] = []
        self.statuses: list[int] = []

    async def webhooks(
        self, rate: float, seconds: float, among: int, port: int, path: str, secret: str
    ) -> list[dict[str, Any]]:
        """Orders of customers whom the first so many people hold; the instant is that of sending."""
        held = cycle(self._stage.held_by(among))
        await self._look_up()
        self.took, self.statuses = [], []

        async def one(_tick: int) -> tuple[str, float, Held]:
            each, number = next(held), uuid4().hex
            body = self._order(each, number)
            return number, await self._post(port, path, secret, number, body), each

        sent: Sequence[tuple[str, float, Held]] = await at_rate(one, rate, seconds)
        ids = await self._ids([number for number, _, _ in sent])
        return [
            {"id": ids[number], "version": 1, "at": at, "people": list(each.people)}
            for number, at, each in sent
            if number in ids
        ]

    async def flood(self, seconds: float, side_by_side: int, port: int, path: str, secret: str) -> dict[str, Any]:
        """So many senders, each as soon as it was answered; with an empty path they ask for `/healthz` instead."""
        await self._look_up()
        self.took, self.statuses = [], []
        held, until = cycle(self._stage.customers), time.monotonic() + seconds

        async def send() -> None:
            while time.monotonic() < until:
                number = uuid4().hex
                await self._post(port, path, secret, number, self._order(next(held), number))

        started = time.monotonic()
        await asyncio.gather(*(send() for _ in range(side_by_side)))
        return {"seconds": time.monotonic() - started, **await self.answers()}

    async def answers(self) -> dict[str, Any]:
        """How the requests of the last order were answered, and how long that took, in milliseconds."""
        took = sorted(self.took)
        return {
            "taken": sum(200 <= status < 300 for status in self.statuses),
            "all": len(self.statuses),
            "p50": 1000 * took[len(took) // 2] if took else 0.0,
            "p99": 1000 * took[int(len(took) * 0.99)] if took else 0.0,
        }

    async def _post(self, port: int, path: str, secret: str, number: str, body: bytes) -> float:
        """Send a message on a connection of its own, as malls do; returns when it was sent."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        headers = {"Content-Type": "application/json", **sign(secret, number, clock.now(), body)}
        sent = time.monotonic()
        asked = (
            request("POST", path, "127.0.0.1", headers, body) if path else request("GET", "/healthz", "127.0.0.1", {})
        )
        writer.write(asked)
        head = await reader.readuntil(b"\r\n\r\n")
        self.took.append(time.monotonic() - sent)
        self.statuses.append(int(head.split(b" ", 2)[1]))
        writer.close()
        return sent

    def _order(self, held: Held, number: str) -> bytes:
        at = clock.now().replace(microsecond=0)
        member, store = self._known[held.customer_id]
        lines = [{"product": "P1", "sku": "P1-M", "name": "羊绒衫", "quantity": 1, "amount": 19_900}]
        data = {
            "number": number, "placed_at": (at - timedelta(minutes=1)).isoformat(), "updated_at": at.isoformat(),
            "state": "paid", "currency": "CNY", "amount": 19_900, "lines": lines, "member": member, "store": store,
        }  # fmt: skip
        return orjson.dumps({"type": "order", "timestamp": at.isoformat(), "data": data})

    async def _look_up(self) -> None:
        """By customer: the member number, and the code of the store."""
        if self._known:
            return
        async with self._ground.db.read() as session:
            found = await session.execute(
                select(col(Customer.id), col(Customer.member_number), col(Store.code))
                .join(Relationship, col(Relationship.customer_id) == col(Customer.id))
                .join(Store, col(Store.id) == col(Relationship.store_id))
            )
        self._known = {str(customer_id): (member, store) for customer_id, member, store in found}

    async def _ids(self, numbers: Sequence[str], patience: float = 20.0) -> dict[str, str]:
        """The orders of these numbers, once all are there."""
        until = time.monotonic() + patience
        while True:
            async with self._ground.db.read() as session:
                found = await session.execute(
                    select(col(Order.number), col(Order.id)).where(col(Order.number).in_(numbers))
                )
            ids = {number: str(order_id) for number, order_id in found}
            if len(ids) == len(numbers) or time.monotonic() > until:
                return ids
            await asyncio.sleep(0.2)


async def main() -> None:
    stage = Stage.load(Path(os.environ["LIVE_STAGE"]))
    ground = open_ground(os.environ, Clocked)
    mall = Callers(stage, ground)
    await obey(
        {
            "webhooks": mall.webhooks,
            "flood": mall.flood,
            "answers": mall.answers,
            "remarks": mall.remarks,
            "used": mall.used,
        }
    )
    await close_ground(ground)


if __name__ == "__main__":
    take(main)
