"""`daogou kpi verify` and `daogou kpi rebuild` as somebody types them."""

import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from kernel import clock, redis
from kernel.db import Database
from kernel.work import Ground
from server.wiring import wiring
from tests.factories import build_customer, build_world
from tests.mall.trading import place
from tests.server.test_importing import home
from tests.server.typed import daogou

__all__ = ["home"]


@pytest.fixture
async def filled(home: Path) -> Path:
    """A brand with three stores that began some days ago, of which nothing is counted yet."""
    ground = Ground(Database(f"sqlite:///{home / 'daogou.db'}"), redis.connect(None), wiring)
    world = await build_world(ground)
    began = clock.now() - timedelta(days=9)
    with clock.stopped_at(began):
        await place(ground, world, await build_customer(ground, world.shop.guide, joined_at=began))
    await ground.redis.aclose(close_connection_pool=True)
    await ground.db.close()
    for statement in ("UPDATE assignment SET starts_at = ?", "UPDATE relationship SET created_at = ?"):
        change(home, statement, f"{began:%Y-%m-%d %H:%M:%S.%f}")
    return home


def change(home: Path, statement: str, *values: str) -> None:
    with sqlite3.connect(home / "daogou.db") as database:
        assert database.execute(statement, values).rowcount > 0, statement


async def test_what_is_right_is_said_to_be_and_what_is_wrong_is_named_until_it_is_counted_anew(filled: Path) -> None:
    before = json.loads(daogou(filled, "kpi", "verify", "--json").stdout)
    rebuilt = daogou(filled, "kpi", "rebuild", "--brand", "qinghe", "--json")
    right = daogou(filled, "kpi", "verify")
    change(filled, "UPDATE kpi_sales SET gross = 1 WHERE grain = 'store' AND span = 'day'")
    wrong = daogou(filled, "kpi", "verify")
    wrong_json = daogou(filled, "kpi", "verify", "--json")
    again = daogou(filled, "kpi", "rebuild", "--store", "qinghe-1")
    mended = daogou(filled, "kpi", "verify")

    assert (before["behind"], before["differenceCount"]) == (3, 0)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert json.loads(rebuilt.stdout)["stores"] == 3
    assert (right.returncode, right.stdout.strip()) == (0, "The figures are what they should be."), right.stdout
    assert wrong.returncode == 1
    assert "store=qinghe-1" in wrong.stdout
    assert ": gross is 1, should be 19900" in wrong.stdout
    # The week that it lies in, and perhaps the month, are no sums of their days any more.
    differences = json.loads(wrong_json.stdout)["differences"]
    (of_day,) = (each for each in differences if each["key"]["span"] == "day")
    assert f"Differences: {len(differences)}." in wrong.stderr
    assert wrong_json.returncode == 1
    assert (of_day["column"], of_day["kept"], of_day["counted"]) == ("gross", 1, 19_900)
    assert again.stdout.startswith("Counted anew: ")
    assert (mended.returncode, mended.stdout.strip()) == (0, "The figures are what they should be.")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--store", "NONE"), "There is no store NONE."),
        (("--from", "2011-02-01", "--until", "2011-01-31"), "--until must not be before --from."),
        (("--brand", "other"), "Name one of the brands"),
        (("--from", "soon"), "does not match"),
    ],
)
async def test_what_cannot_be_counted_is_one_sentence_and_exit_code_two(
    filled: Path, arguments: tuple[str, ...], words: str
) -> None:
    shown = daogou(filled, "kpi", "rebuild", *arguments)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert words in shown.stderr
    assert "Traceback" not in shown.stderr
