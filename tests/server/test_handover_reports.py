"""A handover's report: everything about it, signed, and red as soon as one byte of it is another."""

import asyncio
import io
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from openpyxl import load_workbook
from sqlalchemy import select
from sqlmodel import col
from typer.testing import CliRunner

from handover.errors import ReportTooLarge
from handover.models import Handover, HandoverItem, HeldHere, LinkedThere
from handover.models.report import FORMAT, canonical, enveloped, opened
from handover.queries import report as queries
from kernel import clock, ids
from kernel.actor import Actor, Role, system
from kernel.crypto import Vault
from kernel.errors import NotFound
from kernel.work import Ground
from mall.commands import Line
from mall.models import CommissionEntry
from mall.models.commissioning import Rate
from server import handover_reports, operating, report_commands, signing
from server import settings as configuration
from server.cli import app
from server.handover_reports import Signed, checked, differences
from tests.asking import KEY, ask
from tests.factories import World, build_customer, build_world, save
from tests.handover.handing import build_handover, leave, run
from tests.mall.commissions import GUIDE, NOON, running
from tests.mall.trading import place, refund
from tests.serving import Served, serving
from tests.statements import statements

VAULT = Vault(KEY)
PUBLIC = VAULT.signing_key.public_key()
FEN = 10_000


@dataclass
class Done:
    """A leaver's three customers went to the other guide; each bought before and after."""

    world: World
    handover: Handover
    numbers: set[str]


async def hand_over(ground: Ground, customers: int = 3) -> Done:
    world = await build_world(ground)
    with clock.stopped_at(NOON):
        await running(ground, world, [Rate(GUIDE, None, 500)])
        people = [await build_customer(ground, world.shop.guide, name="=王芳") for _ in range(customers)]
        for each in people:
            await place(ground, world, each, amount=FEN, lines=[Line("P1", "衬衫", 1, FEN)])
        await leave(ground, world.shop.guide)
        handover = await build_handover(ground, world, plan=None)
        await run(ground, handover)
    with clock.stopped_at(NOON + timedelta(hours=5)):
        for each in people:
            await place(ground, world, each, amount=FEN, lines=[Line("P1", "衬衫", 1, FEN)])
    return Done(world, handover, {each.member_number for each in people})


@pytest.fixture
async def done(ground: Ground) -> Done:
    return await hand_over(ground)


async def made(ground: Ground, done: Done, actor: Actor | None = None) -> Signed:
    return await handover_reports.made(ground, VAULT, actor or done.world.shop.manager, done.handover.id)


def said(signed: Signed) -> Any:
    return json.loads(signed.as_json())["report"]


async def test_it_says_everything_and_nobodys_name(ground: Ground, done: Done) -> None:
    signed = await made(ground, done)

    report = said(signed)
    leaver, taker = (guide.account_ids[0] for guide in done.world.shop.guides)
    assert (report["format"], report["brand"]) == (FORMAT, {"code": "qinghe"})
    assert (report["handover"]["state"], report["handover"]["leaver"]) == ("done", "qinghe-1-G1")
    assert {item["member_number"] for item in report["items"]} == done.numbers
    assert {(item["from_account_id"], item["to_account_id"]) for item in report["items"]} == {(str(leaver), str(taker))}
    assert report["counts"]["here"] == {"moved": 3}
    [line] = [line for line in report["ledger"] if line["line"] == "relationships"]
    assert (line["at_start"], line["places"], line["missing"], line["adds_up"]) == (3, {"with_takeover": 3}, 0, True)
    assert report["violations"] == []
    assert {each["staff"] for each in report["accounts"]} == {"qinghe-1-G1", "qinghe-1-G2"}
    assert "王芳" not in signed.as_json().decode()


async def test_its_money_is_split_at_the_move_and_adds_up(ground: Ground, done: Done) -> None:
    money = said(await made(ground, done))["money"]

    assert money["orders"] == [
        {"when": "after", "orders": 3, "amount": 3 * FEN},
        {"when": "before", "orders": 3, "amount": 3 * FEN},
    ]
    assert {(each["staff"], each["when"], each["amount"]) for each in money["credit"]} == {
        ("qinghe-1-G1", "before", 3 * FEN),
        ("qinghe-1-G2", "after", 3 * FEN),
    }
    assert {(each["staff"], each["when"], each["amount"], each["borne"]) for each in money["commission"]} == {
        ("qinghe-1-G1", "before", 1_500, 0),
        ("qinghe-1-G2", "after", 1_500, 0),
    }
    assert {(each["staff"], each["period"], each["amount"]) for each in money["statements"]} == {
        ("qinghe-1-G1", "2026-04-01", 1_500),
        ("qinghe-1-G2", "2026-04-01", 1_500),
    }


async def test_it_is_the_same_bytes_until_something_changes(ground: Ground, done: Done) -> None:
    first, again = await made(ground, done), await made(ground, done)
    with clock.stopped_at(NOON + timedelta(days=1)):
        await refund(ground, done.world, amount=1)
        await place(ground, done.world, await build_customer(ground, done.world.shop.guide))
        unconcerned = await made(ground, done)

    assert first == again
    assert said(unconcerned)["money"]["credit"] == said(first)["money"]["credit"]
    assert canonical(json.loads(first.report)) == first.report


async def test_what_didnt_go_as_planned_is_listed_apart(ground: Ground, done: Done) -> None:
    ids_of = [item["relationship_id"] for item in said(await made(ground, done))["items"]]
    changes = ((HeldHere.KEPT, LinkedThere.ACCEPTED), (HeldHere.ELSEWHERE, LinkedThere.REFUSED))
    async with ground.db.write() as session:
        for relationship_id, (here, there) in zip(ids_of, changes, strict=False):
            item = await session.get(HandoverItem, (done.world.brand.id, done.handover.id, UUID(relationship_id)))
            assert item
            item.here, item.there = here, there

    report = said(await made(ground, done))

    assert (report["kept"], report["elsewhere"], report["refused"]) == (ids_of[:1], ids_of[1:2], ids_of[1:2])
    assert report["lost"] == []


async def test_only_managers_who_see_it_have_one(ground: Ground, done: Done) -> None:
    world = done.world
    for actor in (world.shop.guide, world.shop.other_guide, world.shops[1].manager):
        with pytest.raises(NotFound):
            await made(ground, done, actor)

    for actor in (world.shop.manager, world.east_manager, world.hq, system(world.brand.id)):
        assert {item["member_number"] for item in said(await made(ground, done, actor))["items"]} == done.numbers


async def test_commission_and_statements_are_those_of_the_stores_in_sight(ground: Ground, done: Done) -> None:
    """The takeover guide earns in another store, too: that is none of this store's manager's business."""
    world, other = done.world, done.world.shops[1]
    async with ground.db.read() as session:
        taker = col(CommissionEntry.staff_id) == world.shop.other_guide.id
        entry = await session.scalar(
            select(CommissionEntry).where(col(CommissionEntry.brand_id) == world.brand.id, taker)
        )
    assert entry
    await save(ground, CommissionEntry(**entry.model_dump() | {"id": ids.new(), "store_id": other.store.id}))

    shown = {}
    for actor in (world.shop.manager, world.hq):
        money = said(await made(ground, done, actor))["money"]
        stores = {each["store"] for each in money["statements"]}
        shown[actor.role] = (stores, sum(each["entries"] for each in money["commission"]))

    assert shown == {
        Role.STORE_MANAGER: ({world.shop.store.code}, 6),
        Role.HQ: ({world.shop.store.code, other.store.code}, 7),
    }


async def test_there_is_a_limit(ground: Ground, done: Done, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MOST_IN_A_BOOK", 2)

    assert await made(ground, done)
    with pytest.raises(ReportTooLarge):
        await handover_reports.made(ground, VAULT, done.world.hq, done.handover.id, in_a_book=True)


async def test_pages_leave_nothing_out_and_cost_a_statement_each(
    ground: Ground, done: Done, monkeypatch: pytest.MonkeyPatch
) -> None:
    with statements(ground) as sent:
        whole = await made(ground, done)
    monkeypatch.setattr(queries, "_AT_ONCE", 1)
    with statements(ground) as more:
        assert await made(ground, done) == whole

    assert len(more) == len(sent) + 3


async def test_any_byte_that_is_another_turns_it_red(ground: Ground, done: Done) -> None:
    signed = await made(ground, done)
    file = signed.as_json()

    assert checked(file, PUBLIC) == signed
    for at in {*range(0, len(file), 17), *range(300), *range(len(file) - 60, len(file))}:
        assert checked(file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :], PUBLIC) is None, at
    for other in (file[:-1], file + b"\n", file[1:], b"", b"{}", file.replace(b"\n", b"\r\n", 1)):
        assert checked(other, PUBLIC) is None
    assert checked(file, Ed25519PrivateKey.generate().public_key()) is None
    assert checked(file, Vault(b"another key, of 32 bytes as well").signing_key.public_key()) is None


def test_a_signature_is_written_in_one_way_only() -> None:
    """Of the last character four bits count for nothing."""
    report = canonical({"format": FORMAT})
    signature = signing.signed(VAULT.signing_key, report)
    other = signature[:-1] + chr(ord(signature[-1]) + 1)

    assert checked(enveloped(report, signature), PUBLIC)
    for forged in (other, signature + "=", signature + "-", signature[:-4] + "." + signature[-4:]):
        assert checked(enveloped(report, forged), PUBLIC) is None


def test_no_other_algorithm_and_no_signature_at_all_count() -> None:
    report = canonical({"format": FORMAT})
    for algorithm, key in (("none", ""), ("HS256", signing.as_pem(PUBLIC).hex())):
        forged = jwt.PyJWS().encode(report, key, algorithm, is_payload_detached=True)
        assert checked(enveloped(report, forged), PUBLIC) is None
    for forged in ("", "..", "a..b", "é", "a..é"):
        assert checked(enveloped(report, forged), PUBLIC) is None


def test_what_is_signed_is_what_the_standard_says() -> None:
    report = canonical({"z": ids.new(), "a": [datetime(2026, 3, 2), HeldHere.MOVED, None, "门店"]})  # noqa: DTZ001
    signature = signing.signed(VAULT.signing_key, report)

    assert opened(enveloped(report, signature)) == (report, signature)
    header, _, last = signature.split(".")
    assert json.loads(jwt.utils.base64url_decode(header)) == {
        "alg": "EdDSA",
        "b64": False,
        "crit": ["b64"],
        "kid": signing.key_id(PUBLIC),
        "typ": "JOSE",
    }
    PUBLIC.verify(jwt.utils.base64url_decode(last), header.encode() + b"." + report)


OPENSSL = """
sed -n '1s/.*"signature":"\\([^"]*\\)".*/\\1/p' handover.json > jws
printf '%s.' "$(cut -d. -f1 jws)" > signed
sed -n '2s/^"report"://p' handover.json | sed 's/}$//' | tr -d '\\n' >> signed
printf '%s==' "$(cut -d. -f3 jws)" | tr '_-' '/+' | base64 -d > signature
openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in signed -sigfile signature
"""


async def test_openssl_alone_can_check_it_as_the_page_says(ground: Ground, done: Done, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.fail("openssl is not here: apt-get install openssl")
    page = (Path(__file__).parent.parent.parent / "docs" / "handover-report.md").read_text(encoding="utf-8")
    assert OPENSSL.strip() in page
    (tmp_path / "key.pem").write_bytes(signing.as_pem(PUBLIC))
    file = (await made(ground, done)).as_json()

    for content, expected in ((file, 0), (file.replace(b'"moved"', b'"mOved"', 1), 1)):
        (tmp_path / "handover.json").write_bytes(content)
        found = subprocess.run(["sh", "-c", OPENSSL], cwd=tmp_path, capture_output=True, timeout=20, check=False)
        assert found.returncode == expected, found.stderr


async def test_a_workbook_says_the_same_and_which_json_it_is(ground: Ground, done: Done) -> None:
    signed = await made(ground, done)

    content = signed.as_book()
    book = load_workbook(io.BytesIO(content))
    assert [row[0] for row in book["Signature"].values] == ["sha256", "bytes", "signature"]
    assert book["Signature"]["B1"].value == sha256(signed.report).hexdigest()
    assert {row[1] for row in list(book["Relationships"].values)[1:]} == done.numbers
    assert differences(signed, content) == []


@pytest.mark.parametrize(
    ("sheet", "cell", "value"), [("Relationships", "F2", "kept"), ("Credit", "E2", 1), ("Signature", "B1", "0")]
)
async def test_a_workbook_that_was_changed_is_found_out(
    ground: Ground, done: Done, sheet: str, cell: str, value: Any
) -> None:
    signed = await made(ground, done)
    book = load_workbook(io.BytesIO(signed.as_book()))
    assert book[sheet][cell].value != value
    book[sheet][cell] = value
    changed = io.BytesIO()
    book.save(changed)

    assert differences(signed, changed.getvalue()) == [sheet]
    assert "Relationships" in differences(signed, b"no workbook")
    assert differences(replace(signed, signature="x"), signed.as_book()) == ["Signature"]


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    async with serving(ground) as served:
        yield served


async def test_it_is_served_to_managers_and_its_key_to_anybody(served: Served, ground: Ground, done: Done) -> None:
    async def get(actor: Actor, ending: str) -> Any:
        shown = {"Authorization": f"Bearer {await served.token(actor)}"}
        return await served.http.get(f"/files/handovers/{ending}", headers=shown)

    key = signing.from_pem((await served.http.get("/files/handovers/key.pem")).content)
    name = f"{done.handover.id}"
    as_json, as_xlsx = [await get(done.world.shop.manager, f"{name}.{kind}") for kind in ("json", "xlsx")]

    found = checked(as_json.content, key)
    assert found
    assert differences(found, as_xlsx.content) == []
    assert as_json.headers["content-disposition"] == f'attachment; filename="handover-{name}.json"'
    for actor, ending in ((done.world.shop.other_guide, f"{name}.json"), (done.world.hq, "all.json")):
        refused = await get(actor, ending)
        assert (refused.status_code, refused.json()["code"]) == (404, "NOT_FOUND")
    assert (await served.http.get(f"/files/handovers/{name}.json")).status_code == 401


async def test_graphql_says_where_it_is(ground: Ground, done: Done) -> None:
    asked = "query ($id: ID!) { handover(id: $id) { reportUrl } }"

    answer = await ask(ground, done.world.shop.manager, asked, id=str(done.handover.id))

    assert answer["handover"]["reportUrl"].endswith(f"/files/handovers/{done.handover.id}.json")


async def test_commands_write_and_check_it(
    ground: Ground, done: Done, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def ready(_settings: Any) -> AsyncIterator[Ground]:
        yield ground

    settings = configuration.Settings(secret_key="s" * 40, daogou_home=tmp_path).with_keys()
    monkeypatch.setattr(operating, "ready", ready)
    monkeypatch.setattr(configuration, "load", lambda: settings)
    file, book, key = tmp_path / "handover.json", tmp_path / "handover.xlsx", tmp_path / "key.pem"

    for path in (file, book):
        content = await report_commands._report(done.handover.id, None, is_book=path is book)
        path.write_bytes(content)
    shown = await asyncio.to_thread(CliRunner().invoke, app, ["handover", "key"])
    key.write_text(shown.stdout)

    def check(*more: Any) -> tuple[int, str]:
        result = CliRunner().invoke(app, ["handover", "check", str(file), "--key", str(key), *map(str, more)])
        return result.exit_code, result.output

    assert check() == (0, f"{file} is what was signed.\n")
    assert check("--book", book)[0] == 0
    assert check("--book", key)[0] == 1
    file.write_bytes(file.read_bytes().replace(b'"moved"', b'"kept_"', 1))
    assert check() == (1, f"{file} is not what was signed.\n")
