"""Redis is stopped, emptied and frozen: no change may be lost or come late for it, and no write may fail for it."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from statistics import median

from redis.asyncio import Redis as Client

from kernel.redis import POKES
from tests.chaos.crowd import Crowd, crowd
from tests.chaos.house import House
from tests.chaos.judging import judged
from tests.chaos.report import Report, p99
from tests.chaos.writer import Writer, visitors
from tests.servers import Redis

LATEST = 1.5  # seconds from the commit, for 99 changes of 100 while Redis is away
_RECOVERED = 20.0
_SOME = 10  # changes
_PROMPT = 0.4  # seconds, of half the changes: looking once a second, it would be more than 0.5


async def redis_away(house: House, seed: int, redis: Redis, *, away: float, latest: float = LATEST) -> Report:
    """Away for so many seconds each time; `latest` is the latest that is early enough meanwhile, in seconds.

    Redis is back at the end, whatever happens.
    """
    async with crowd(house, seed) as people:
        writers = visitors(house, people.ledger)
        wrong: list[str] = []
        remarks: list[str] = []
        plan = _plan(people, redis, away, latest, wrong, remarks)
        await people.work(plan, [writer.writes(web.url, 0.05) for writer, web in zip(writers, house.webs, strict=True)])
        report = await judged(people, "redis")
    report.broken += wrong + [line for writer in writers for line in _failures(writer)]
    report.remarks += remarks
    report.remarks.append(f"an attempt to write took {max(max(writer.took) for writer in writers):.2f} s at most")
    return report


async def _plan(people: Crowd, redis: Redis, away: float, latest: float, wrong: list[str], remarks: list[str]) -> None:
    usual = await _delay(people)
    for what, leave, come_back in (
        ("stopped", redis.stop, redis.start),
        ("frozen", lambda: os.kill(redis.pid, signal.SIGSTOP), lambda: os.kill(redis.pid, signal.SIGCONT)),
    ):
        delays = await _away(people, leave, come_back, away)
        remarks.append(f"while Redis was {what}: {len(delays)} told, p99 {p99(delays):.2f} s, max {max(delays):.2f} s")
        if p99(delays) > latest:
            wrong.append(f"changes came late while Redis was {what}")
        if not await _is_prompt(people, redis, usual):
            wrong.append(f"no pokes any more after Redis was {what}")
    async with Client.from_url(redis.url) as client:
        await client.flushall()
    if not await _is_prompt(people, redis, usual):
        wrong.append("no pokes any more after Redis was emptied")


async def _away(
    people: Crowd, leave: Callable[[], object], come_back: Callable[[], object], seconds: float
) -> list[float]:
    """How late changes came meanwhile."""
    since = time.time()
    await asyncio.to_thread(leave)
    try:
        await asyncio.sleep(seconds)
        return [delay for ear in people.ears for delay in ear.late(since)]
    finally:
        await asyncio.to_thread(come_back)


async def _is_prompt(people: Crowd, redis: Redis, usual: float) -> bool:
    """Whether pokes come through again: every web program listens, and changes come as early as they used to."""
    until = time.monotonic() + _RECOVERED
    async with Client.from_url(redis.url) as client:
        while time.monotonic() < until:
            [(_, listening)] = await client.pubsub_numsub(POKES)
            if listening >= len(people.house.webs) and await _delay(people) < max(_PROMPT, 3 * usual):
                return True
            await asyncio.sleep(0.1)
    return False


async def _delay(people: Crowd) -> float:
    """How late half of the next changes come, in seconds."""
    since = time.time()
    await people.told(_SOME)
    return max(median(ear.late(since)) for ear in people.ears)


def _failures(writer: Writer) -> list[str]:
    return [f"{writer.name}: {count} writes got {code}" for code, count in writer.answers.items() if code != "done"]
