"""Figures come out right whoever is killed while counting them: a short form."""

import random

from tests.chaos.figures.run import figures
from tests.chaos.house import House

# Another seed each time, printed with whatever goes wrong.
SEED = random.SystemRandom().randrange(1_000_000)


async def test_figures_are_right_whoever_is_killed_while_counting_them(brand: House) -> None:
    report = await figures(brand, SEED, seconds=7)

    assert report.is_good, str(report)
    assert report.acknowledged > 20, str(report)
    assert report.compared > 0, str(report)


async def test_marks_that_are_taken_away_uncounted_are_found_by_the_products_own_check(brand: House) -> None:
    report = await figures(brand, SEED + 1, seconds=7, broken=["greedy"])

    assert [line for line in report.broken if line.startswith("verify: ")], str(report)
