"""Compare what came of it with what was promised."""

import asyncio
import time

from tests.chaos import copies, effects
from tests.chaos.crowd import Crowd
from tests.chaos.report import Report

PATIENCE = 30.0  # seconds, for a machine that has other things to do


async def judged(people: Crowd, name: str, within: float = PATIENCE, *, refetches: int = 0) -> Report:
    """Have everything come to rest, and look at all there is.

    `refetches` is how often a listener has had reason to be sent back to the start.
    """
    await people.house.up()
    await effects.jobs_done(people.house.ground)
    restless = await people.last_words(within)
    differing, compared = await _differences(people, within)
    counted = await effects.count(people.house.ground, people.ledger)
    untold, retold = await _visits(people)
    met = [line for ear in people.ears for line in ear.wrong(refetches)]
    return Report(
        name=name,
        seed=people.seed,
        seconds=time.monotonic() - people.started,
        written=len(people.ledger.writes),
        acknowledged=people.ledger.acknowledged,
        repeated=people.ledger.repeats,
        refused=len(people.ledger.refusals),
        changes=await effects.changes(people.house.ground) - people.changes,
        compared=compared,
        kills=people.house.kills,
        deaths=sum(each.deaths for each in people.handsets),
        cuts=sum(each.ends.total() for each in people.ears),
        lost=[*counted.lost, *differing, *untold],
        doubled=[*counted.doubled, *retold],
        broken=[*restless, *people.ledger.broken, *met],
        masked=people.house.masked(),
        delays=[delay for ear in people.ears for delay in ear.late()],
    )


async def _differences(people: Crowd, within: float) -> tuple[list[str], int]:
    """What differs between the phones' copies and fresh ones, and how many rows there are in all."""
    until, compared = time.monotonic() + within, 0
    found: list[str] = []
    for handset in people.handsets:
        while True:
            theirs = await copies.fresh(people.house.webs[0].url, handset.person)
            wrong = copies.differences(copies.held(handset.store), theirs)
            if not wrong or time.monotonic() > until:
                break
            await asyncio.sleep(0.1)  # a job may have changed something just now
        found += [f"{handset.name}: {line}" for line in wrong]
        found += [f"{handset.name}: not told of {each.key}" for each in handset.phone.outbox.waiting()]
        compared += len(theirs)
    return found, compared


async def _visits(people: Crowd) -> tuple[list[str], list[str]]:
    """Which visits an ear was not told of, and which it was told of once too often."""
    untold: list[str] = []
    retold: list[str] = []
    for ear in people.ears:
        seen = await copies.fresh(people.house.webs[0].url, ear.person)
        times = {id: ear.times(id) for kind, id in seen if kind == "VISIT"}
        untold += [f"{ear.name}: not told of visit {id}" for id, count in times.items() if count < 1]
        retold += [f"{ear.name}: told of visit {id} {count} times" for id, count in times.items() if count > 1]
    return untold, retold
