"""Customers stay with somebody, each with one, while guides leave and everything is shaken: a short form."""

import random
from pathlib import Path

from tests.chaos.handing.run import Wanted, handing
from tests.chaos.handing.shaking import SHORT_ONES, Shaking
from tests.chaos.house import House
from tests.servers import Postgres, Redis

LEAST = {
    "server killed": 1, "worker killed moving": 1, "Redis emptied": 1, "PostgreSQL restarted at once": 1,
    "done": 2, "came back": 2, "closed": 1,
}  # fmt: skip
# Another seed each time, printed with whatever goes wrong.
SEED = random.SystemRandom().randrange(1_000_000)


async def test_handovers_lose_nobody_while_everything_is_shaken(
    brand: House, shaken_postgres: Postgres, shaken_redis: Redis, tmp_path: Path
) -> None:
    shaking = Shaking(brand, shaken_postgres, shaken_redis, random.Random(SEED), every=1.6, of_workers=SHORT_ONES)
    wanted = Wanted(operations=400, customers=10, least=LEAST, longest=60)

    report = await handing(brand, SEED, tmp_path, shaking, wanted)

    assert report.is_good, str(report)
    assert report.acknowledged > 200, str(report)
