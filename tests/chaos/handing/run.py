"""Handovers while everything is shaken, and what is checked of it afterwards."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from sqlalchemy import select
from sqlmodel import col

from daogou_client import Server
from handover.models import Handover, HandoverState
from handover.queries import verifying
from tests.chaos.handing.checking import problems
from tests.chaos.handing.deeds import Asker, Leaver, held
from tests.chaos.handing.history import History, read
from tests.chaos.handing.shaking import TROUBLES, Shaking
from tests.chaos.handing.shop import Shop, furnished
from tests.chaos.handset import PATIENCE
from tests.chaos.house import House
from tests.chaos.report import Report
from tests.servers import Postgres, Redis

ASKERS = 7
_UNDER_WAY = (HandoverState.APPROVED, HandoverState.MOVING)
_CALM = 90.0  # seconds for what is under way in the end


async def handing(
    house: House,
    seed: int,
    postgres: Postgres,
    redis: Redis,
    folder: Path,
    *,
    operations: int,
    customers: int = 40,
    every: float = 6.0,
    troubles: Sequence[str] = TROUBLES,
) -> Report:
    """So many operations of seven people, while guides leave and come back, and everything is shaken."""
    rng = random.Random(seed)
    started = time.monotonic()
    shop = await furnished(house, str(seed), customers)
    history = History(folder / f"handover-{seed}.jsonl")
    servers = [Server(web.url, shop.manager, PATIENCE) for web in house.webs]
    report = Report("handing", seed)
    shaking = Shaking(house, postgres, redis, random.Random(rng.random()), every, troubles)
    people = [Asker(house, shop, history, random.Random(rng.random()), _any(servers)) for _ in range(ASKERS)]
    leaver = Leaver(house, shop, history, random.Random(rng.random()), _any(servers))
    _first_holder(history, shop)
    try:
        await _busy(history, people, leaver, shaking, operations)
        await shaking.good()
        await _let_finish(house, shop)
        await people[0].all()
    finally:
        history.close()
        await asyncio.gather(*(server.aclose() for server in servers))
    report.seconds = time.monotonic() - started
    report.kills = house.kills
    report.written, report.acknowledged = history.invoked, history.known
    report.compared = len(shop.contacts)
    report.broken += problems(read(history.path))
    report.lost += await _missing(house, shop)
    async with house.ground.db.read() as session:
        found = await verifying.violations(session, shop.manager.actor.brand_id)
    report.broken += [f"{each.code}: {each.words}" for each in found]
    report.remarks.append(f"{leaver.finished} guides left and came back; troubles: {dict(shaking.counted)}")
    report.remarks.append(f"history: {history.path}")
    return report


def _first_holder(history: History, shop: Shop) -> None:
    """Who was there before anybody asked."""
    number = history.newcomer()
    for contact in shop.contacts:
        history.invoke(number, "claim", contact=contact, to="g1")
        history.end(number, "ok")


async def _busy(history: History, people: Sequence[Asker], leaver: Leaver, shaking: Shaking, operations: int) -> None:
    enough = asyncio.Event()

    async def ask(person: Asker) -> None:
        while not enough.is_set():
            await person.one()
            if history.invoked >= operations:
                enough.set()

    async def leave() -> None:
        while not enough.is_set():
            await leaver.goes_and_comes()

    shaken = asyncio.create_task(shaking.for_ever())
    leaving = asyncio.create_task(leave())
    try:
        await asyncio.gather(*(ask(person) for person in people))
    finally:
        shaken.cancel()
        await asyncio.gather(shaken, return_exceptions=True)
    # Whoever is leaving gets to the end of it, on programs that are well.
    await shaking.good()
    await leaving


async def _let_finish(house: House, shop: Shop) -> None:
    """Return once nothing of the shop is being handed over any more."""
    until = time.monotonic() + _CALM
    while time.monotonic() < until:
        async with house.ground.db.read() as session:
            under_way = await session.scalar(
                select(col(Handover.id)).where(
                    col(Handover.brand_id) == shop.manager.actor.brand_id, col(Handover.state).in_(_UNDER_WAY)
                )
            )
        if under_way is None:
            return
        await asyncio.sleep(0.2)
    raise TimeoutError("a handover did not come to its end")


async def _missing(house: House, shop: Shop) -> list[str]:
    there = await held(house.ground, shop)
    return [f"{contact} is gone" for contact in shop.contacts if contact not in there]


def _any(servers: Sequence[Server]) -> Callable[[random.Random], Server]:
    return lambda rng: rng.choice(servers)
