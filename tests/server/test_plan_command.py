"""`daogou plan` shows whom guides would turn to, and changes nothing."""

from datetime import date, timedelta
from pathlib import Path

import orjson
import pytest
from pydantic import SecretStr

from kernel import clock
from kernel.work import Ground
from server import migrating, planning
from server.errors import CannotStart
from server.settings import Settings
from tests.factories import build_world
from tests.tasks.planning import build_customers, everybody, planned, runs, set_up

TODAY = clock.now().date()


@pytest.fixture
def settings(database_url: str, redis_url: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    async def nothing_to_require(_settings: Settings) -> None:
        """The tests' databases are built from the models."""

    monkeypatch.setattr(migrating, "require_current", nothing_to_require)
    return Settings(
        database_url=SecretStr(database_url),
        redis_url=SecretStr(redis_url) if redis_url else None,
        daogou_home=tmp_path,
    )


async def test_one_store_or_all_are_planned_on_paper(
    settings: Settings, ground: Ground, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    world = await build_world(ground)
    await everybody(ground, world, name="问候")
    await set_up(ground, world, quota=2)
    known = {each.member_number for each in await build_customers(ground, world.shop.guide, 3)}
    day = TODAY - timedelta(days=1)

    [one] = await planning.dry_run(settings, None, world.shop.store.code, day)
    several = await planning.dry_run(settings, "qinghe", None, day)

    assert (one.store, one.day, one.quota) == (world.shop.store.code, day, 2)
    assert one.customers == {"chosen": 2, "over_quota": 1}
    assert [(each.guide, each.place, each.rule) for each in one.chosen] == [
        ("qinghe-1-G1", 1, "问候"),
        ("qinghe-1-G1", 2, "问候"),
    ]
    assert {each.customer for each in one.chosen} < known
    assert [plan.store for plan in several] == [shop.store.code for shop in world.shops]
    assert await runs(ground, world) == []
    assert await planned(ground, world, day) == []
    planning.show([one], as_json=True)
    assert orjson.loads(capsysbinary.readouterr().out)[0]["customers"] == {"chosen": 2, "over_quota": 1}
    for plans in ([one], several):
        planning.show(plans, as_json=False)
        assert world.shop.store.code in capsysbinary.readouterr().out.decode()


async def test_an_unknown_store_is_said_to_be_one(settings: Settings, ground: Ground) -> None:
    await build_world(ground)

    with pytest.raises(CannotStart, match="no store with the code 'nowhere'"):
        await planning.dry_run(settings, None, "nowhere", None)


@pytest.mark.parametrize(("given", "why"), [("9/9/2011", "is no day"), ("2999-01-01", "yet to come")])
def test_what_is_no_day_that_can_be_planned_is_said_so(given: str, why: str) -> None:
    with pytest.raises(CannotStart, match=why):
        planning.parse_day(given)


def test_a_day_is_read_as_it_is_written() -> None:
    assert planning.parse_day("2011-09-09") == date(2011, 9, 9)
