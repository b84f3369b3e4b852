"""Customers stay with somebody, each with one, while guides leave and everything is shaken: a short form."""

import random
from pathlib import Path

from tests.chaos.handing.run import handing
from tests.chaos.handing.shaking import SHORT_ONES
from tests.chaos.house import House
from tests.servers import Postgres, Redis

# Another seed each time, printed with whatever goes wrong.
SEED = random.SystemRandom().randrange(1_000_000)


async def test_handovers_lose_nobody_while_everything_is_shaken(
    brand: House, shaken_postgres: Postgres, shaken_redis: Redis, tmp_path: Path
) -> None:
    report = await handing(
        brand,
        SEED,
        shaken_postgres,
        shaken_redis,
        tmp_path,
        operations=600,
        customers=12,
        every=1.5,
        troubles=SHORT_ONES,
    )

    assert report.is_good, str(report)
    assert report.acknowledged > 400, str(report)
