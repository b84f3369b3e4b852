"""`daogou wecom` as somebody types it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlmodel import col
from typer.testing import CliRunner

from customers.models import ContactLink
from handover.errors import PartnerNotTied
from server import migrating
from server import settings as configuration
from server.errors import CannotStart
from server.ground import standing
from server.wecom_commands import wecom_app
from tests.factories import World, build_customer, build_world
from tests.handover.partners import name_at_partner
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


async def test_contacts_are_loaded_from_a_file_and_each_line_has_its_answer(world: World, tmp_path: Path) -> None:
    customers = [await build_customer(world.ground, world.shop.guide) for _ in range(2)]
    file, answers = tmp_path / "contacts.csv", tmp_path / "answers.csv"
    rows = [f"{each.member_number},wm-{place},qinghe-1-G1" for place, each in enumerate(customers)]
    file.write_text("\n".join(["会员号,外部联系人ID,工号", *rows, "nobody,wm-9,qinghe-1-G1", ""]), encoding="utf-8")

    code, tried = await typed("contacts", str(file), "--dry-run")
    assert (code, "Nothing was changed" in tried, "2 linked" in tried) == (1, True, True)
    assert await contacts_of(world) == set()

    code, said = await typed("contacts", str(file), "--answers", str(answers))
    assert (code, "line 4: no customer" in said) == (1, True)
    assert await contacts_of(world) == {"wm-0", "wm-1"}
    assert [row.split(",")[1] for row in answers.read_text("utf-8-sig").splitlines()] == [
        "answer",
        "linked",
        "linked",
        "no_customer",
    ]
    file.write_text("\n".join(["会员号,外部联系人ID,工号", *rows, ""]), encoding="utf-8")
    code, again = await typed("contacts", str(file))
    assert (code, "2 known already" in again) == (0, True)


async def test_nothing_is_taken_of_a_file_of_contacts_that_gainsays_itself(world: World, tmp_path: Path) -> None:
    customer = await build_customer(world.ground, world.shop.guide)
    file = tmp_path / "contacts.csv"
    file.write_text(f"member_number,external_user_id,number\n{customer.member_number},wm,qinghe-1-G1\nM2,wm,x\n")

    code, said = await typed("contacts", str(file))

    assert (code, "line 3, column external_user_id: is somebody else in line 2." in said) == (1, True)
    assert await contacts_of(world) == set()


async def test_what_leavers_left_there_is_compared_with_what_is_known_here(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    simulator = Simulator()
    customer = await build_customer(world.ground, world.shop.guide)
    file = tmp_path / "contacts.csv"
    file.write_text(f"member_number,external_user_id,user_id\n{customer.member_number},wm-0,leaver\n")
    await name_at_partner(world.ground, world.shop.guide.account_ids[0], world.brand.id, "leaver")
    async with serving(simulator) as address:
        monkeypatch.setenv("DAOGOU_WECOM_URL", address)
        with pytest.raises(PartnerNotTied):
            await typed("compare")
        await typed("tie", "--corp-id", simulator.corp.corp_id, given="secret")
        assert (await typed("compare"))[0] == 0

        simulator.corp.hire("leaver")
        for name in ("wm-0", "wm-1"):
            simulator.corp.meet(name, "leaver")
        simulator.corp.leave("leaver")
        await typed("contacts", str(file))
        code, said = await typed("compare")

    assert code == 1
    assert [row.split()[0] for row in said.splitlines() if not row.startswith("        ")] == ["1", "1", "0", "0"]
    assert "leaver wm-1" in said


async def contacts_of(world: World) -> set[str]:
    async with world.ground.db.read() as session:
        brand = col(ContactLink.brand_id) == world.brand.id
        return set(await session.scalars(select(col(ContactLink.external_user_id)).where(brand)))
