"""`daogou wecom` as somebody types it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from handover.errors import PartnerNotTied
from server import migrating
from server import settings as configuration
from server.errors import CannotStart
from server.ground import standing
from server.wecom_commands import wecom_app
from tests.factories import World, build_world
from tests.wecom.app import Simulator
from tests.wecom.gate import Fault
from tests.wecom.serving import serving


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A brand on a migrated database of its own, which the commands find by the environment."""
    for name in configuration.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("DAOGOU_HOME", str(tmp_path))
    monkeypatch.setenv("PUBLIC_URL", "https://go.shop.example")
    settings = configuration.load()
    await migrating.upgrade(settings)
    async with standing(settings) as ground:
        yield await build_world(ground)


async def typed(*arguments: str, given: str = "") -> tuple[int, str]:
    """The exit code and what is printed. What the commands raise is raised."""
    done = await asyncio.to_thread(CliRunner().invoke, wecom_app, list(arguments), given)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


async def test_a_brand_is_tied_checked_paused_and_untied(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    simulator = Simulator()
    corp = ("tie", "--corp-id", simulator.corp.corp_id)
    async with serving(simulator) as address:
        monkeypatch.setenv("DAOGOU_WECOM_URL", address)
        with pytest.raises(PartnerNotTied):
            await typed("check")
        with pytest.raises(CannotStart, match="standard input"):
            await typed(*corp)

        code, tied = await typed(*corp, given="secret\n")
        assert code == 0
        assert "https://go.shop.example/hooks/wecom/qinghe\n" in tied
        code, good = await typed("check")
        assert code == 0
        assert good.startswith("WeCom answers")
        assert "6 accounts of guides have no user id" in good

        simulator.gate.faults.append(Fault("code", "externalcontact/get_unassigned_list", value=60020))
        code, shut_out = await typed("check")
        assert code == 1
        assert "(203.0.113.9)" in shut_out

        _, again = await typed(*corp, given="wrong")
        assert again == tied
        code, wrong = await typed("check")
        assert code == 1
        assert "40001" in wrong
        assert "shuts this server's address out" in wrong

        assert (await typed("pause"))[0] == 0
        code, paused = await typed("check")
        assert (code, "paused" in paused) == (1, True)
        assert (await typed("resume"))[0] == 0
        assert (await typed("untie"))[0] == 0
        with pytest.raises(PartnerNotTied):
            await typed("pause")
    assert simulator.gate.asked["gettoken"] == 3


async def test_guides_are_named_by_a_file_and_who_is_unknown_is_said(world: World, tmp_path: Path) -> None:
    file = tmp_path / "members.csv"
    file.write_text("\ufeffnumber,user_id\nqinghe-1-G1,lin.wei\nqinghe-1-G2,wang\nnobody,x\n", encoding="utf-8")

    code, said = await typed("members", str(file))

    assert code == 1
    assert "2 of 3 guides" in said
    assert "number nobody" in said
    file.write_text("number,user_id\nqinghe-1-G1,wang\nqinghe-1-G2,lin.wei\n")
    assert (await typed("members", str(file)))[0] == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"who,what\na,b\n", "columns"),
        (b"number,user_id\na,b\na,c\n", "once"),
        (b"number,user_id\n,b\n", "once"),
        (b"number,user_id\n\xff,b\n", "UTF-8"),
        (b"", "columns"),
    ],
)
async def test_a_file_that_is_no_list_of_guides_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "members.csv"
    file.write_bytes(content)

    with pytest.raises(CannotStart, match=said):
        await typed("members", str(file))
