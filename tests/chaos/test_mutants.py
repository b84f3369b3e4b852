"""Each check finds what it is for: with one thing broken, it turns red."""

import random

import pytest

from daogou_client import Batch, Store
from tests.chaos.crowd import crowd
from tests.chaos.dying import dying
from tests.chaos.echo import echo
from tests.chaos.house import House
from tests.chaos.judging import judged

SEED = random.SystemRandom().randrange(1_000_000)


async def test_every_write_is_heard_at_once_on_either_server(brand: House) -> None:
    report = await echo(brand, SEED)

    assert report.is_good, str(report)


async def test_pokes_alone_are_enough_as_long_as_none_is_lost(brand: House) -> None:
    """The mutants below differ from this one in one thing each."""
    await brand.broken_by("blind")

    report = await echo(brand, SEED)

    assert report.is_good, str(report)


@pytest.mark.parametrize("mutant", ["deaf", "hasty", "late"])
async def test_a_wake_up_that_is_lost_is_found(brand: House, mutant: str) -> None:
    await brand.broken_by(mutant)

    assert (await echo(brand, SEED, within=1.5)).lost


async def test_a_write_that_is_done_twice_is_found(brand: House) -> None:
    await brand.broken_by("forgetful")

    async with crowd(brand, SEED) as people:
        await people.work(people.repeated(12), [people.ghosts(0.05)], pause=0.1)
        report = await judged(people, "forgetful", 1.0)

    assert report.doubled, str(report)


async def test_a_cursor_that_is_saved_before_its_rows_is_found(brand: House, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = Store.take_batch

    def cursor_first(store: Store, batch: Batch) -> None:
        with store.transaction() as db:
            db.execute("UPDATE progress SET cursor = ?", (batch.cursor,))
        keep(store, batch)

    monkeypatch.setattr(Store, "take_batch", cursor_first)

    report = await dying(brand, SEED, deaths=12, within=1.0)

    assert [line for line in report.lost if "missing VISIT" in line], str(report)
