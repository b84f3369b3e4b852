"""Handovers while everything is shaken, and what is checked of it meanwhile and afterwards."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from daogou_client import Server
from handover.models import Handover, HandoverState
from handover.queries import verifying
from handover.queries.phones import Scope
from tests.chaos.handing.asking import any_of
from tests.chaos.handing.checking import problems
from tests.chaos.handing.closing import closer
from tests.chaos.handing.deeds import Asker, held
from tests.chaos.handing.history import History, read
from tests.chaos.handing.leaving import Leaver
from tests.chaos.handing.shaking import Shaking
from tests.chaos.handing.shop import Shop, furnished
from tests.chaos.handset import PATIENCE
from tests.chaos.house import House
from tests.chaos.people import Person
from tests.chaos.report import Report

ASKERS = 8
LEAVERS = 3
_UNDER_WAY = (HandoverState.APPROVED, HandoverState.MOVING)
_CALM = 90.0  # seconds for what is under way in the end
_LOOKS_EVERY = 12.0


@dataclass(frozen=True)
class Wanted:
    """So many operations in a shop with so many customers; more of them until each of `least` has happened so often.

    After `longest` seconds it ends in any case: it tells nothing then, and says so.
    """

    operations: int
    customers: int
    least: Mapping[str, int]
    longest: float


LEAST = {
    "server killed": 10, "worker killed": 5, "worker killed moving": 5, "worker frozen moving": 2,
    "worker an hour fast": 1, "worker an hour slow": 1, "Redis emptied": 3, "PostgreSQL restarted at once": 3,
    "started": 30, "approved": 30, "done": 30, "came back": 30, "paused": 8, "undone": 6, "undone half-way": 2,
    "relationships given back": 20, "closed": 4, "closings taken back": 4, "looked at": 4,
}  # fmt: skip
"""What has to happen in a run of full length, or it tells nothing."""


async def handing(house: House, seed: int, folder: Path, shaking: Shaking, wanted: Wanted) -> Report:
    """Eight people ask, while guides leave and come back, a store closes and opens, and everything is shaken."""
    rng = random.Random(seed)
    started = time.monotonic()
    shop = await furnished(house, str(seed), wanted.customers)
    history = History(folder / f"handover-{seed}.jsonl")
    report = Report("handing", seed)
    counts = shaking.counts
    servers = {person: _servers(house, person) for person in (shop.manager, house.people.headquarters)}

    def told(person: Person) -> dict[str, Any]:
        return {
            "rng": random.Random(rng.random()), "server_of": any_of(servers[person]),
            "counts": counts, "wrong": report.broken,
        }  # fmt: skip

    asking: dict[str, Any] = {"house": house, "shop": shop, "history": history}
    people = [Asker(**asking, **told(shop.manager)) for _ in range(ASKERS)]
    guides = list(shop.guides)
    leavers = [Leaver(**asking, **told(shop.manager), guides=guides[place::LEAVERS]) for place in range(LEAVERS)]
    closing = await closer(house, str(seed), **told(house.people.headquarters))
    _first_holder(history, shop)
    try:
        await shaking.begin()
        began = time.monotonic()
        others = [
            *(each.goes_and_comes for each in leavers),
            closing.closes_and_opens,
            _looks(house, shop, report, counts),
        ]
        await _busy(history, [each.one for each in people], others, shaking, wanted)
        took = time.monotonic() - began
        await _let_finish(house, shop, report)
        await people[0].all()
    finally:
        history.close()
        await shaking.end()
        await asyncio.gather(*(server.aclose() for each in servers.values() for server in each))
    await _judge(house, shop, history, report)
    report.seconds = time.monotonic() - started
    report.kills = counts["server killed"] + counts["worker killed"] + counts["worker killed moving"]
    report.written, report.acknowledged = history.invoked, history.known
    report.compared = len(shop.contacts) + len(closing.customers)
    if history.invoked < wanted.operations:
        report.thin.append(f"operations: {history.invoked} of {wanted.operations}")
    report.thin += [f"{what}: {counts[what]} of {most}" for what, most in wanted.least.items() if counts[what] < most]
    report.remarks += [
        f"{history.invoked} operations in {took:.0f} s, {history.invoked / took:.0f} a second",
        f"what happened: {_listed(counts)}",
        f"history: {history.path}",
    ]
    return report


def _first_holder(history: History, shop: Shop) -> None:
    """Who was there before anybody asked."""
    number = history.newcomer()
    for contact in shop.contacts:
        history.invoke(number, "claim", contact=contact, to="g1")
        history.end(number, "ok")


Deed = Callable[[], Coroutine[Any, Any, None]]


async def _busy(
    history: History, people: Sequence[Deed], others: Sequence[Deed], shaking: Shaking, wanted: Wanted
) -> None:
    """Everybody at work until all that is wanted has happened; others bring what they are at to its end."""
    until = time.monotonic() + wanted.longest
    enough = asyncio.Event()

    async def go_on(deed: Deed) -> None:
        while not enough.is_set():
            await deed()
            missing = any(shaking.counts[what] < least for what, least in wanted.least.items())
            if time.monotonic() > until or (history.invoked >= wanted.operations and not missing):
                enough.set()

    async with asyncio.TaskGroup() as group:
        group.create_task(shaking.for_ever())
        asking = [group.create_task(go_on(deed)) for deed in people]
        for deed in others:
            group.create_task(go_on(deed))
        await asyncio.wait(asking)
        # Whoever is leaving gets to the end of it, on programs that are well.
        shaking.over.set()


def _looks(house: House, shop: Shop, report: Report, counts: Counter[str]) -> Deed:
    """At all that must be true at any moment, in one snapshot; at ledgers, which are many, only in the end."""

    async def look() -> None:
        await asyncio.sleep(_LOOKS_EVERY)
        try:
            async with house.ground.db.read() as session:
                for rule in verifying.RULES:
                    found = await session.scalars(rule.broken(Scope(shop.manager.actor.brand_id, None)).limit(3))
                    report.broken += [f"meanwhile {rule.code}: {each}" for each in found]
        except Exception:  # the database is away, in whichever way
            return
        counts["looked at"] += 1

    return look


async def _let_finish(house: House, shop: Shop, report: Report) -> None:
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
    report.broken.append(f"handover {under_way} does not come to its end")


async def _judge(house: House, shop: Shop, history: History, report: Report) -> None:
    there = await held(house.ground, shop)
    report.lost += [f"{contact} is gone" for contact in shop.contacts if contact not in there]
    report.broken += await _violations(house, shop)
    began = time.monotonic()
    report.broken += problems(read(history.path))
    report.remarks.append(f"checked in {time.monotonic() - began:.0f} s")


async def _violations(house: House, shop: Shop) -> list[str]:
    async with house.ground.db.read() as session:
        found = await verifying.violations(session, shop.manager.actor.brand_id)
    return [f"{each.code}: {each.words} {[str(key) for key in each.ids[:3]]}" for each in found]


def _servers(house: House, person: Person) -> list[Server]:
    return [Server(web.url, person, PATIENCE) for web in house.webs]


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{what} {count}" for what, count in sorted(counts.items()))
