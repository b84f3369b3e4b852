"""A brand is settled with the WeCom that it is tied to, and nobody else's."""

import asyncio
import logging

import pytest

from handover.commands import tying
from handover.partner import Course, Told
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from server import logs
from server.ground import close_ground
from server.settings import Settings
from server.wecom.client import WeCom
from server.wecom.connecting import close_partners, partner_of
from tests.asking import VAULT
from tests.factories import World, build_world
from tests.server.wecom.conftest import There
from tests.serving import settings

KEY = "4Ma3YBrSBbX2aez8MJpXGBne5LSDwgGqHbhM9WPYIws"


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def tie(ground: Ground, world: World, corp_id: str, secret: str | None = None) -> None:
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await tying.tie(
            work, VAULT, corp_id=corp_id, secret=secret or "secret", callback_token="token", callback_key=KEY
        )


def at(there: There) -> Settings:
    return settings(daogou_wecom_url=there.address)


async def found(ground: Ground, there: There, world: World) -> WeCom | None:
    return await partner_of(ground, VAULT, at(there), world.brand.id)


async def test_a_brand_that_is_tied_has_a_partner_and_the_same_each_time(
    ground: Ground, world: World, there: There
) -> None:
    corp = there.simulator.corp
    corp.hire("a")
    corp.hire("b")
    corp.meet("wm", "a")
    await tie(ground, world, corp.corp_id)

    wecom = await found(ground, there, world)

    assert wecom is not None
    assert (await wecom.transfer(Course.ON_JOB, "a", "b", ["wm"], None))["wm"].told is Told.STARTED
    assert await found(ground, there, world) is wecom
    await close_partners(ground)


async def test_one_that_is_not_tied_or_is_paused_has_none(ground: Ground, world: World, there: There) -> None:
    other = await build_world(ground, "theirs")
    await tie(ground, world, there.simulator.corp.corp_id)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await tying.pause(work)
    paused = await found(ground, there, world)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await tying.resume(work)

    assert paused is None
    assert await found(ground, there, world) is not None
    assert await found(ground, there, other) is None
    await close_partners(ground)


async def test_another_secret_is_used_from_the_next_time_on(ground: Ground, world: World, there: There) -> None:
    await tie(ground, world, there.simulator.corp.corp_id, "old")
    before = await found(ground, there, world)
    await tie(ground, world, there.simulator.corp.corp_id)

    after = await found(ground, there, world)

    assert after is not None
    assert after is not before
    await after.try_out()
    assert there.asked("gettoken") == 1
    await close_partners(ground)


async def test_what_a_brand_forgot_is_asked_no_more(ground: Ground, world: World, there: There) -> None:
    await tie(ground, world, there.simulator.corp.corp_id)
    assert await found(ground, there, world)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await tying.untie(work)

    assert await found(ground, there, world) is None


async def test_a_brand_that_was_untied_and_tied_again_is_asked_for_with_what_it_is_tied_with_now(
    ground: Ground, world: World, there: There
) -> None:
    """Also where this process never saw it untied."""
    await tie(ground, world, there.simulator.corp.corp_id, "old")
    before = await found(ground, there, world)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await tying.untie(work)
    await tie(ground, world, there.simulator.corp.corp_id)

    after = await found(ground, there, world)

    assert after is not None
    assert after is not before
    await after.try_out()
    await close_partners(ground)


async def test_two_who_look_at_once_have_the_same(ground: Ground, world: World, there: There) -> None:
    await tie(ground, world, there.simulator.corp.corp_id)

    both = await asyncio.gather(*(found(ground, there, world) for _ in range(8)))

    assert len({id(each) for each in both}) == 1
    await close_partners(ground)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_what_was_opened_is_closed_with_the_ground(ground: Ground, world: World, there: There) -> None:
    await tie(ground, world, there.simulator.corp.corp_id)
    wecom = await found(ground, there, world)
    assert wecom is not None

    await close_ground(ground)

    assert wecom._wire._http.is_closed


async def test_no_log_line_holds_the_token_or_the_secret(
    there: There, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The library writes each address that it asks; and whoever turns that on again finds both hidden."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    monkeypatch.setattr(root, "level", root.level)
    logs.configure(settings())
    capsys.readouterr()
    await there.connect().unassigned(None)
    silent = capsys.readouterr().err
    logging.getLogger("httpx2").setLevel(logging.INFO)
    await there.connect().unassigned(None)
    there.simulator.gate.end_tokens()
    await there.connect().unassigned(None)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    said = capsys.readouterr().err

    assert "access_token" not in silent
    token = await there.tokens(there.wire()).current()
    assert "access_token=" in said
    assert "corpsecret=" in said
    assert token not in said
    assert "corpsecret=secret" not in said
