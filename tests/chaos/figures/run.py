"""Business goes on while those who count it are killed, and what is there of figures in the end."""

import asyncio
import random
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import col

from kernel import clock
from kernel.errors import Refusal
from kernel.work import Ground, unit_of_work
from kpi.models import KpiTurn
from mall import commands as mall
from mall.models import Order
from server import figures_by_hand
from tasks import commands as tasks
from tests.chaos.house import House
from tests.chaos.programs import Program
from tests.chaos.report import Report
from tests.factories import World, build_world
from tests.kpi.counting import Wrong, marks, wrong
from tests.mall.trading import place, refund

WRITERS = 3
_CALM = 60.0  # seconds for what is marked in the end
_LOOKS = 0.1
_LIFE = 4.0  # seconds


@dataclass
class Shopkeeper:
    """Places orders, gives money back, changes what there is, and adds tasks, one after the other."""

    ground: Ground
    world: World
    rng: random.Random
    orders: list[Order] = field(default_factory=list)
    written: int = 0

    async def one(self) -> None:
        """What is refused has changed nothing."""
        with suppress(Refusal):
            await self.rng.choice((self._buy, self._buy, self._give_back, self._cancel, self._ask))()
            self.written += 1

    async def _buy(self) -> None:
        shop = self.rng.choice(self.world.shops)
        placed_at = _ago(self.rng)
        amount = self.rng.randrange(1, 90_000)
        self.orders.append(
            await place(self.ground, self.world, store_id=shop.store.id, amount=amount, placed_at=placed_at)
        )

    async def _give_back(self) -> None:
        order = self.rng.choice(self.orders) if self.orders else None
        await refund(self.ground, self.world, order.id if order else None, amount=1, placed_at=_ago(self.rng))

    async def _cancel(self) -> None:
        if self.orders:
            order = self.rng.choice(self.orders)
            shop = next(shop for shop in self.world.shops if shop.store.id == order.store_id)
            async with unit_of_work(self.ground, shop.manager) as work:
                await mall.cancel_order(work, order.id)

    async def _ask(self) -> None:
        shop = self.rng.choice(self.world.shops)
        async with unit_of_work(self.ground, shop.guide) as work:
            await tasks.add(work, title="陈列", due_at=clock.now() + timedelta(minutes=self.rng.randrange(1, 3_000)))


def _ago(rng: random.Random) -> datetime:
    """Lately, or weeks ago."""
    return clock.now() - timedelta(minutes=rng.choice((rng.randrange(60), rng.randrange(30_000))))


async def figures(house: House, seed: int, seconds: float, broken: Sequence[str] = ()) -> Report:
    """Write for so long while two workers count, one of whom dies in the middle of it, the other at any moment."""
    began, rng = time.monotonic(), random.Random(seed)
    report = Report("figures", seed)
    world = await build_world(house.ground, f"figures-{seed}")
    keepers = [Shopkeeper(house.ground, world, random.Random(rng.random())) for _ in range(WRITERS)]
    assert house.worker is not None
    mortal = _program(house, "mortal", [*broken, "restless", "dies-counting", "worker"])
    victim = _program(house, "victim", [*broken, "restless", "worker"])
    house.worker.end()
    try:
        writing = [asyncio.create_task(_write(keeper, began + seconds)) for keeper in keepers]
        while time.monotonic() < began + seconds:
            if not mortal.is_running:
                report.deaths += 1
                mortal.start()
            victim.start()
            await _counted(house.ground, world, rng.randint(2, 8))
            await asyncio.to_thread(victim.kill)
        await asyncio.gather(*writing)
        mortal.end()
        victim.start()
        await _settle(house.ground, world, report)
    finally:
        for program in (mortal, victim):
            program.end()
        house.worker.start()
    report.kills, report.seconds = victim.kills, time.monotonic() - began
    report.written = report.acknowledged = sum(keeper.written for keeper in keepers)
    report.deaths -= 1  # it was started once without having died
    report.thin += [] if report.kills >= seconds / 7 and report.deaths >= seconds / 10 else ["too few have died"]
    return report


def _program(house: House, name: str, arguments: Sequence[str]) -> Program:
    """A worker beside those of the house."""
    assert house.worker is not None
    return Program(name, arguments, house.worker.environment, house.folder, house.launcher)


async def _write(keeper: Shopkeeper, until: float) -> None:
    while time.monotonic() < until:
        await keeper.one()
        await asyncio.sleep(keeper.rng.uniform(0, 0.05))


async def _counted(ground: Ground, world: World, times: int) -> None:
    """Wait until days were counted so often, or it takes too long."""
    first = await _revision(ground, world)
    with suppress(TimeoutError):
        async with asyncio.timeout(_LIFE):
            while await _revision(ground, world) < first + times:  # noqa: ASYNC110 - others count
                await asyncio.sleep(_LOOKS / 5)


async def _revision(ground: Ground, world: World) -> int:
    async with ground.db.read() as session:
        found = await session.scalar(select(col(KpiTurn.revision)).where(col(KpiTurn.brand_id) == world.brand.id))
    return found or 0


async def _settle(ground: Ground, world: World, report: Report) -> None:
    """Wait until all that was marked is counted, and look at each row: with the oracle, and as `kpi verify` does."""
    until = time.monotonic() + _CALM
    found: Wrong = {}
    for _ in range(2):  # a day may begin while we look
        while await marks(ground, world.brand.id) and time.monotonic() < until:  # noqa: ASYNC110 - others count
            await asyncio.sleep(_LOOKS)
        found = await wrong(ground, world.brand.id)
        if not found:
            break
    verdict = await figures_by_hand.verify(ground, world.brand.id, lambda _done, _of: None)
    left = await marks(ground, world.brand.id)
    report.compared = verdict.days
    report.thin += [] if verdict.days else ["nothing was verified"]
    report.broken += [f"verify: {each}" for each in verdict.shown]
    report.broken += [f"{left} marks are left"] if left else []
    report.broken += [f"{key}: {there} instead of {should}" for key, (there, should) in found.items()]
