"""Headquarters watch an import: what a phone holds is what the server would answer, at every moment."""

import asyncio
import csv
from contextlib import aclosing
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col

import server.wiring
from intake import policy
from intake.commands import telling
from intake.errors import BadFile
from intake.events import ImportMovedOn
from intake.models import ImportRun, Kind
from intake.queries import runs as queries
from kernel import clock
from kernel.work import Ground
from schema.root import schema
from server.hub import Hub
from tests.asking import context
from tests.factories import World, build_world
from tests.intake.carrying import SMALL, carry, shipped, small_lines, write
from tests.intake.test_members import HEADER, WANG
from tests.intake.watching import (
    LIVE,
    PHASES,
    Phone,
    after_each_commit,
    all_shown,
    build_brand,
    entries,
    shown,
    take_small_steps,
)


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_brand(ground)


@pytest.fixture
def little(tmp_path: Path) -> Path:
    """The beginning of the small file, where all of it shows no more."""
    return write(tmp_path / "little.csv", small_lines()[:200])


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    take_small_steps(monkeypatch)


@pytest.fixture
def only_phases(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, nothing is told but what is always told."""
    monkeypatch.setattr(telling, "EVERY", timedelta(hours=1))


async def differences(
    ground: Ground, world: World, file: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[Phone, list[Any]]:
    """Import a file; wherever a phone that has caught up holds something else than the server answers."""
    phone = Phone(ground, world.hq)
    await phone.start()
    found: list[Any] = []
    contents: dict[tuple[str, int], Any] = {}

    async def look() -> None:
        await phone.catch_up()
        answered = {run["id"]: run for run in await all_shown(ground, world.hq)}
        if phone.copy != answered:
            found.append((phone.copy, answered))
        known = [(contents.setdefault((run["id"], run["version"]), run), run) for run in answered.values()]
        found.extend(pair for pair in known if pair[0] != pair[1])

    with monkeypatch.context() as patched:
        after_each_commit(patched, look)
        await carry(ground, file)
    return phone, found


@pytest.mark.parametrize("every", [0.0, 3600.0])
async def test_a_phone_holds_what_the_server_answers_after_each_commit_of_an_import(
    ground: Ground, world: World, little: Path, small_steps: None, monkeypatch: pytest.MonkeyPatch, every: float
) -> None:
    monkeypatch.setattr(telling, "EVERY", timedelta(seconds=every))

    phone, found = await differences(ground, world, little, monkeypatch)

    assert found == []
    [run] = phone.copy.values()
    assert (run["phase"], run["progress"], run["leftBehindAt"]) == ("DONE", None, None)
    assert run["finishedAt"] is not None
    assert phone.starts == 2  # once to begin with, and once when the import was over


async def test_a_column_that_changes_without_the_version_is_noticed(
    ground: Ground, world: World, little: Path, small_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: people see the import as it is, not as it was told."""
    columns = [column for column in queries._COLUMNS if column is not col(ImportRun.source)]
    monkeypatch.setattr(queries, "_COLUMNS", (*columns, col(ImportRun.position).label("source")))

    _, found = await differences(ground, world, little, monkeypatch)

    assert found != []


async def test_a_step_that_is_not_told_is_noticed(
    ground: Ground, world: World, little: Path, small_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: the version grows, and no feed says so."""
    monkeypatch.setitem(server.wiring.SEEN_BY, ImportMovedOn, policy.seen_by_nobody)

    _, found = await differences(ground, world, little, monkeypatch)

    assert found != []


async def test_every_version_is_told_once_and_the_progress_of_a_phase_only_grows(
    ground: Ground, world: World, small_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "EVERY", timedelta())
    seen: list[dict[str, Any]] = []

    async def look() -> None:
        seen.extend(await all_shown(ground, world.hq))

    with monkeypatch.context() as patched:
        after_each_commit(patched, look)
        report = await carry(ground, SMALL)

    told = await entries(ground, world.hq.id)
    [run] = await all_shown(ground, world.hq)
    assert [(entry.op, entry.entity_ver) for entry in told] == [("put", n) for n in range(1, run["version"] + 1)]
    assert [phase for phase, _ in groupby(run["phase"] for run in seen)] == [
        phase for phase in PHASES if phase != "MEMBERS"
    ]
    _assert_grows(seen)
    units = {(run["phase"], run["progress"]["unit"], run["progress"]["total"]) for run in seen if run["progress"]}
    with SMALL.open(encoding="utf-8", newline="") as file:
        named = len({row["CustomerID"] for row in csv.DictReader(file)} - {""})
    kibibytes = -(-SMALL.stat().st_size // 1024)
    assert units == {
        ("STAGING", "KIBIBYTES", kibibytes),
        ("COMPARING", "INVOICES", 284),
        ("CUSTOMERS", "CUSTOMERS", named),  # also those who only gave something back
        ("INVOICES", "INVOICES", 284),
    }
    assert run["counts"] == {
        "rows": 808,
        "orders": report.counts["orders"],
        "refunds": report.counts["refunds"],
        "customers": report.counts["customers"],
        "new": 284,
        "changed": 0,
        "unchanged": 0,
        "leftOut": 0,
        "ignored": [
            {"reason": "bad-debt", "lines": 3},
            {"reason": "no-price", "lines": 10},
            {"reason": "stock-write-off", "lines": 5},
        ],
        "newCustomers": report.counts["new_customers"],
        "sharedPhones": 0,
    }


def _assert_grows(seen: list[dict[str, Any]]) -> None:
    for phase, shown_in_it in groupby(seen, lambda run: run["phase"]):
        done = [run["progress"]["done"] for run in shown_in_it if run["progress"]]
        assert done == sorted(done), phase
        if phase in ("COMPARING", "CUSTOMERS", "INVOICES"):
            assert len(set(done)) > 3
        if phase in ("CUSTOMERS", "INVOICES"):
            assert (done[0], done[-1]) == (0, [run for run in seen if run["phase"] == phase][-1]["progress"]["total"])


@pytest.mark.parametrize(("every", "is_bounded"), [(1.0, True), (0.0, False)])
async def test_a_feed_gets_an_entry_a_second_and_one_for_each_phase(
    ground: Ground, world: World, small_steps: None, monkeypatch: pytest.MonkeyPatch, every: float, is_bounded: bool
) -> None:
    """With the mutant that tells of every step."""
    monkeypatch.setattr(telling, "EVERY", timedelta(seconds=every))
    ticks = [clock.now()]

    def now() -> datetime:
        """A clock that goes on by 50 ms whenever somebody looks: the small file takes some ten seconds then."""
        ticks.append(ticks[-1] + timedelta(milliseconds=50))
        return ticks[-1]

    monkeypatch.setattr(clock, "now", now)

    await carry(ground, SMALL)

    told = await entries(ground, world.hq.id)
    lasted = (told[-1].at - told[0].at).total_seconds()
    assert lasted > 5
    assert len(told) > len(PHASES)
    assert (len(told) <= len(PHASES) + lasted) is is_bounded
    if is_bounded:
        assert sum((after.at - before.at).total_seconds() < 1 for before, after in pairwise(told)) <= len(PHASES)


async def test_headquarters_follow_an_import_over_a_subscription(
    ground: Ground, world: World, small_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "EVERY", timedelta(seconds=0.02))
    hub, heard = Hub(ground), []
    async with hub.running():
        stream: Any = await schema.subscribe(LIVE, {}, context(ground, world.hq, hub))
        async with aclosing(stream) as answers, asyncio.timeout(30):
            await anext(answers)
            importing = asyncio.create_task(carry(ground, SMALL))
            async for answer in answers:
                assert answer.errors is None
                heard.append(answer.data["changes"])
            await importing

    told = [change for changes in heard for change in changes["changes"]]
    versions = [change["version"] for change in told]
    assert heard[-1]["mustRefetch"]  # what was imported is told by letting everybody start over
    assert versions == sorted(set(versions))
    assert {(change["op"], change["entityType"]) for change in told} == {("PUT", "IMPORT_RUN")}
    assert all(change["version"] == change["node"]["version"] for change in told)
    phases = [PHASES.index(change["node"]["phase"]) for change in told]
    assert phases == sorted(phases)
    assert len(set(phases)) > 1
    run = await shown(ground, world.hq, told[0]["id"])
    assert run is not None
    assert run["phase"] == "DONE"


async def test_the_same_file_again_is_seen_and_sends_nobody_back(
    ground: Ground, world: World, only_phases: None
) -> None:
    await carry(ground, SMALL)
    phone, guide = Phone(ground, world.hq), Phone(ground, world.shop.guide)
    await phone.start()
    await guide.start()

    await carry(ground, SMALL)

    await phone.catch_up()
    await guide.catch_up()
    again, first = await all_shown(ground, world.hq)
    assert phone.copy == {run["id"]: run for run in (again, first)}
    assert (again["phase"], again["counts"]["new"], again["counts"]["unchanged"]) == ("DONE", 0, 284)
    assert again["startedAt"] > first["startedAt"]
    assert (phone.starts, guide.starts, guide.heard) == (1, 1, [])
    assert [entry.entity_ver for entry in await entries(ground, world.hq.id)][-4:] == [1, 2, 3, 4]


@pytest.mark.parametrize("is_dry", [True, False])
async def test_an_import_that_came_to_nothing_is_forgotten(
    ground: Ground, world: World, little: Path, tmp_path: Path, is_dry: bool
) -> None:
    """A dry run, and a file that turns out to be bad."""
    phone, middle = Phone(ground, world.hq), Phone(ground, world.hq)
    await phone.start()
    bad = write(tmp_path / "bad.csv", [*small_lines(), "600001,71053,LANTERN,2,2011-02-03T10:00:00,x,12400,Spain"])

    async def look() -> None:
        if not middle.starts:
            await middle.start()

    with pytest.MonkeyPatch.context() as patched:
        after_each_commit(patched, look)
        if is_dry:
            await carry(ground, little, dry_run=True)
        else:
            with pytest.raises(BadFile):
                await carry(ground, bad)

    assert [run["phase"] for run in middle.copy.values()] == ["STAGING"]
    await middle.catch_up()
    await phone.catch_up()
    assert phone.copy == middle.copy == {} == {run["id"]: run for run in await all_shown(ground, world.hq)}
    assert set(phone.heard) == {("DEL", "IMPORT_RUN")}
    told = await entries(ground, world.hq.id)
    assert told[-1].op == "del"
    assert [entry.entity_ver for entry in told] == list(range(1, len(told) + 1))


async def test_members_are_counted_as_members(ground: Ground, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(telling, "EVERY", timedelta())
    world = await build_world(ground)  # counts in the currency of the mapping
    seen: list[dict[str, Any]] = []

    async def look() -> None:
        seen.extend(await all_shown(ground, world.hq))

    after_each_commit(monkeypatch, look)
    twin = WANG.replace("M001", "M002")

    await carry(
        ground,
        write(tmp_path / "m.csv", [HEADER, WANG, twin]),
        shipped("members-zh", Kind.MEMBERS),
        brand_code="qinghe",
    )

    told = {run["phase"]: run["progress"] for run in seen if run["progress"]}
    assert told["MEMBERS"] == {"done": 2, "total": 2, "unit": "MEMBERS"}
    assert told["CUSTOMERS"] == {"done": 2, "total": 2, "unit": "CUSTOMERS"}
    assert "INVOICES" not in told
    assert (seen[-1]["kind"], seen[-1]["fileName"], seen[-1]["phase"]) == ("MEMBERS", "m.csv", "DONE")
    assert (seen[-1]["counts"]["new"], seen[-1]["counts"]["sharedPhones"]) == (2, 1)
