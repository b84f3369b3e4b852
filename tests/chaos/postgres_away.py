"""PostgreSQL is restarted under load: what was acknowledged stays, and what is sent again is done once."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence

from tests.chaos.crowd import Crowd, crowd
from tests.chaos.house import House
from tests.chaos.judging import judged
from tests.chaos.report import Report
from tests.chaos.writer import visitors
from tests.servers import Postgres

CODED = {"done", "UNAVAILABLE", "TIMEOUT"}
_BACK = 20.0
_CALM = 1.0
WAYS: dict[str, Callable[[Postgres], None]] = {
    "in good order": Postgres.stop,
    "at once": Postgres.quit,
    "by kill -9": Postgres.kill,
}


async def postgres_away(
    house: House, seed: int, postgres: Postgres, *, away: float, ways: Sequence[str] = tuple(WAYS), rounds: int = 1
) -> Report:
    """Ended in each of these ways, and started again after so many seconds."""
    async with crowd(house, seed) as people:
        writers = visitors(house, people.ledger)
        wrong: list[str] = []
        remarks: list[str] = []
        plan = _plan(people, postgres, away, ways, rounds, wrong, remarks)
        await people.work(plan, [writer.writes(web.url, 0.02) for writer, web in zip(writers, house.webs, strict=True)])
        report = await judged(people, "postgres")
    answers = sum((writer.answers for writer in writers), Counter[str]())
    streams = sum((ear.ends for ear in people.ears), Counter[str]())
    report.broken += wrong
    report.broken += [f"{count} writes got {code}" for code, count in answers.items() if code not in CODED]
    report.remarks += [*remarks, f"attempts to write: {dict(answers)}", f"streams that ended: {dict(streams)}"]
    return report


async def _plan(
    people: Crowd,
    postgres: Postgres,
    away: float,
    ways: Sequence[str],
    rounds: int,
    wrong: list[str],
    remarks: list[str],
) -> None:
    for way in list(ways) * rounds:
        took = await _restarted(people, postgres, WAYS[way], away)
        remarks.append(f"ended {way}: told again {took:.1f} s after it was back")
        if took > _BACK:
            wrong.append(f"nothing is told any more after PostgreSQL ended {way}")


async def _restarted(people: Crowd, postgres: Postgres, end: Callable[[Postgres], None], away: float) -> float:
    """How long it took until every ear heard of something that happened afterwards."""
    await asyncio.sleep(_CALM)
    await asyncio.to_thread(end, postgres)
    await asyncio.sleep(away)
    await asyncio.to_thread(postgres.start)
    back = time.time()
    while time.time() < back + _BACK:
        await asyncio.sleep(0.05)
        if all(any(arrived - delay > back for arrived, delay in ear.delays[-20:]) for ear in people.ears):
            break
    return time.time() - back
