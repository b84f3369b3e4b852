"""What a mall was told is kept has its effect, once, wherever the programs are killed."""

import random

import pytest

from tests.chaos.calling import calling
from tests.chaos.house import House

SEED = random.SystemRandom().randrange(1_000_000)
POINTS = [
    ("dies-before-keeping", "passes-on"),
    ("dies-before-applying", "passes-on"),
    ("dies-before-the-end", "passes-on"),
    ("dies-at-the-end", "passes-on"),
    ("passes-on", "dies-before-the-end"),
]


@pytest.mark.parametrize(("web", "worker"), POINTS, ids=[f"{web}, {worker}" for web, worker in POINTS])
async def test_nothing_is_lost_or_doubled(brand: House, web: str, worker: str) -> None:
    report = await calling(brand, SEED, web=web, worker=worker, orders=20)

    assert report.is_good, str(report)
    assert report.kills, str(report)


async def test_a_message_that_is_kept_without_its_job_is_found(brand: House) -> None:
    report = await calling(brand, SEED, web="keeps-no-job", worker="passes-on", orders=2, within=3.0)

    assert report.lost
