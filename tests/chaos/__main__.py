"""Shake the product for long: `make chaos`, or `make chaos ARGS="--minutes 10 --seed 7 --only kill-server"`.

Every scenario has servers, a database and people of its own. What it found is printed with its seed; the command
ends with 1 if anything was lost or doubled.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.away import away
from tests.chaos.bare import many_writers, random_walks
from tests.chaos.dying import dying
from tests.chaos.echo import echo
from tests.chaos.hopping import hopping
from tests.chaos.house import House, house
from tests.chaos.kill_server import kill_server
from tests.chaos.nursery import Nursery
from tests.chaos.postgres_away import postgres_away
from tests.chaos.programs import Cold, Launcher
from tests.chaos.redis_away import redis_away
from tests.chaos.report import Report
from tests.chaos.restored import restored
from tests.servers import Postgres, Redis, postgres, redis


@dataclass(frozen=True)
class Stand:
    """What a scenario is given: a house, what it stands on, and how much is wanted."""

    house: House
    chosen: argparse.Namespace
    postgres: Postgres | None
    redis: Redis | None

    @property
    def seed(self) -> int:
        return int(self.chosen.seed)

    @property
    def bounds(self) -> dict[str, Any]:
        """How long to write, how often, and when it is enough."""
        return {"seconds": self.chosen.minutes * 60, "enough": self.chosen.writes, "pause": 0.1}


Scenario = Callable[[Stand], Awaitable[Report]]


def _kill_server(stand: Stand) -> Awaitable[Report]:
    return kill_server(stand.house, stand.seed, **stand.bounds, orders=0.5)


def _two_webs(stand: Stand) -> Awaitable[Report]:
    return hopping(stand.house, stand.seed, **stand.bounds)


def _redis(stand: Stand) -> Awaitable[Report]:
    assert stand.redis is not None
    return redis_away(stand.house, stand.seed, stand.redis, away=60)


def _postgres(stand: Stand) -> Awaitable[Report]:
    assert stand.postgres is not None
    return postgres_away(stand.house, stand.seed, stand.postgres, away=2, rounds=5)


def _restore(stand: Stand) -> Awaitable[Report]:
    return restored(stand.house, stand.seed, seconds=10)


def _away(stand: Stand) -> Awaitable[Report]:
    return away(stand.house, stand.seed, seconds=5)


def _dying(stand: Stand) -> Awaitable[Report]:
    return dying(stand.house, stand.seed, deaths=100)


def _echo(stand: Stand) -> Awaitable[Report]:
    return echo(stand.house, stand.seed, count=1000)


def _random_walks(stand: Stand) -> Awaitable[Report]:
    return random_walks(stand.house.ground, stand.seed, walks=stand.chosen.walks, steps=stand.chosen.steps)


def _many_writers(stand: Stand) -> Awaitable[Report]:
    return many_writers(stand.house.ground, stand.seed, writers=16, changes=stand.chosen.changes)


EMBEDDED = "-sqlite"  # the same with one program on SQLite
SCENARIOS: dict[str, Scenario] = {
    "kill-server": _kill_server,
    "kill-server-sqlite": _kill_server,
    "redis": _redis,
    "postgres": _postgres,
    "restore": _restore,
    "restore-sqlite": _restore,
    "two-webs": _two_webs,
    "away": _away,
    "away-sqlite": _away,
    "dying-phones": _dying,
    "echo": _echo,
    "many-writers": _many_writers,
    "random-walks": _random_walks,
    "random-walks-sqlite": _random_walks,
}


def main() -> None:
    chosen = _arguments()
    # As on Ctrl-C: everything that was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    reports: list[Report] = []
    with _launching(chosen.cold) as launcher:
        for name in chosen.only:
            report = asyncio.run(_shaken(name, chosen, launcher))
            sys.stdout.write(f"{report}\n")
            sys.stdout.flush()
            reports.append(report)
    if not all(report.is_good for report in reports):
        raise SystemExit(1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="the longest that writing goes on in a scenario")
    parser.add_argument("--writes", type=int, default=10_000, help="how many acknowledged writes are enough")
    parser.add_argument("--changes", type=int, default=100_000, help="how many the many writers make")
    parser.add_argument("--walks", type=int, default=20, help="how many random walks there are")
    parser.add_argument("--steps", type=int, default=500, help="how long a walk is; 10,000 take an hour and a half")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000), help="for chance")
    parser.add_argument("--only", nargs="+", choices=SCENARIOS, default=list(SCENARIOS), metavar="SCENARIO")
    parser.add_argument("--cold", action="store_true", help="start each program by its command: truer, fewer kills")
    return parser.parse_args()


async def _shaken(name: str, chosen: argparse.Namespace, launcher: Launcher) -> Report:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="daogou-chaos-")))
        database: Postgres | None = None
        cache: Redis | None = None
        database_url, redis_url = f"sqlite:///{folder}/daogou.db", None
        if not name.endswith(EMBEDDED):
            database = stack.enter_context(postgres(durable=True, ours=True))
            cache = stack.enter_context(redis(ours=True))
            database_url, redis_url = database.create_database("shaken"), cache.url
        async with house(launcher, folder, database_url, redis_url) as made:
            report = await SCENARIOS[name](Stand(made, chosen, database, cache))
            report.name = name
            return report


@contextmanager
def _launching(is_cold: bool) -> Iterator[Launcher]:
    if is_cold:
        yield Cold()
        return
    nursery = Nursery()
    try:
        yield nursery
    finally:
        nursery.close()


if __name__ == "__main__":
    main()
