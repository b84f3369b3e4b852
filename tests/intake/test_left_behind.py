"""An import that nobody is at any more is seen as such, goes on from there, and leaves no phone without its changes."""

import asyncio
import signal
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from intake.commands import leaving, steps, telling
from intake.models import ImportRun, Phase
from intake.queries import catalogue, runs
from kernel import clock
from kernel.actor import system
from kernel.feed import Feed
from kernel.work import Ground, Work, unit_of_work
from mall.commands.catalogue import LastSold
from server import carry_in
from server.worker import Worker, see_to_left_imports
from tests.factories import World, build_run, build_world, reload
from tests.intake.carrying import SMALL, carry, counts, small_lines, write
from tests.intake.test_resuming import kill, let_go
from tests.intake.watching import Phone, all_shown, build_brand, entries, take_small_steps
from tests.schema.test_live import heard, listening

NEWS = {"invoices": {"new": 3, "changed": 0, "unchanged": 0}}


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_brand(ground)


async def left_run(ground: Ground, world: World, since: timedelta, **values: Any) -> ImportRun:
    """An import in the middle of its invoices, whose lease ended so long ago."""
    usual: dict[str, Any] = {"brand_code": world.brand.code, "phase": Phase.INVOICES, "counts": NEWS}
    lease_until = clock.now() - since
    return await build_run(ground, world.brand.id, **usual | values, finished_at=None, lease_until=lease_until)


async def epochs(ground: Ground) -> set[Any]:
    async with ground.db.read() as session:
        return set(await session.scalars(select(col(Feed.epoch))))


async def test_a_killed_import_is_seen_as_left_behind_then_as_taken_over_and_goes_on_from_where_it_was(
    ground: Ground, world: World, database_url: str
) -> None:
    phone = Phone(ground, world.hq)
    await phone.start()
    # The phase is entered, and four steps of 20 invoices are done.
    assert await kill(database_url, SMALL, "invoices", 5) == -signal.SIGKILL

    await see_to_left_imports(ground)
    await phone.catch_up()
    [run] = phone.copy.values()
    assert run["leftBehindAt"] is None  # the lease isn't over
    await let_go(ground)
    await see_to_left_imports(ground)
    await phone.catch_up()
    [left] = phone.copy.values()
    assert left["leftBehindAt"] == left["startedAt"]  # which is what the lease was set to
    assert (left["phase"], left["progress"]) == ("INVOICES", {"done": 80, "total": 284, "unit": "INVOICES"})
    assert (await all_shown(ground, world.hq)) == [left]

    told = len(await entries(ground, world.hq.id))
    report = await carry(ground, SMALL)

    assert report.resumed
    await phone.catch_up()
    [done] = phone.copy.values()
    assert (done["phase"], done["leftBehindAt"], phone.starts) == ("DONE", None, 2)
    assert [done] == await all_shown(ground, world.hq)
    later = (await entries(ground, world.hq.id))[told:]
    assert [entry.entity_ver for entry in later] == list(range(left["version"] + 1, done["version"] + 1))
    assert len(later) >= 3  # taken over, finishing, done


async def test_taking_over_is_told_with_what_was_done_before(
    ground: Ground, world: World, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has noticed that it was left behind."""
    monkeypatch.setattr(telling, "EVERY", timedelta(hours=1))
    await kill(database_url, SMALL, "invoices", 5)
    await let_go(ground)
    phone = Phone(ground, world.hq)
    await phone.start()

    taken = await carry_in._take_over(ground, world.brand.code)

    await phone.catch_up()
    [run] = phone.copy.values()
    assert taken
    assert (run["version"], run["progress"]["done"], run["leftBehindAt"]) == (taken.version, 80, None)
    assert phone.heard == [("PUT", "IMPORT_RUN")]


async def test_one_that_was_killed_while_it_was_read_is_left_behind_and_forgotten_by_the_next(
    ground: Ground, world: World, database_url: str, tmp_path: Path
) -> None:
    phone = Phone(ground, world.hq)
    await phone.start()
    await kill(database_url, SMALL, "compare", 2)
    await let_go(ground)
    await see_to_left_imports(ground)
    await phone.catch_up()
    [left] = phone.copy.values()
    assert (left["phase"], left["leftBehindAt"]) == ("COMPARING", left["startedAt"])
    header, first, *_ = small_lines()

    await carry(ground, write(tmp_path / "other.csv", [header, first]))

    [other] = await all_shown(ground, world.hq)
    assert other["id"] != left["id"]
    assert ("del", left["version"] + 2) in [  # taken over, then forgotten
        (entry.op, entry.entity_ver)
        for entry in await entries(ground, world.hq.id)
        if str(entry.entity_id) == left["id"]
    ]


async def test_a_step_that_fails_is_told_at_once_and_need_not_be_waited_for(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_small_steps(monkeypatch)
    phone = Phone(ground, world.hq)
    await phone.start()
    real, taken = steps.step, 0

    async def failing(work: Work, *arguments: Any) -> Any:
        nonlocal taken
        taken += 1
        if taken == 10:
            raise OSError("the disk is full")
        return await real(work, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(steps, "step", failing)
        with pytest.raises(OSError, match="disk"):
            await carry(ground, SMALL)

    await phone.catch_up()
    [failed] = phone.copy.values()
    assert failed["leftBehindAt"] is not None
    assert [failed] == await all_shown(ground, world.hq)
    monkeypatch.setattr(carry_in, "_PATIENCE", 0)
    assert (await carry(ground, SMALL)).resumed


async def test_whoever_lost_an_import_doesnt_let_go_of_it(ground: Ground, world: World) -> None:
    run = await left_run(ground, world, timedelta(minutes=-1))
    lost = await reload(ground, run)
    lost.token = world.brand.id

    async with unit_of_work(ground, system(world.brand.id)) as work:
        await leaving.let_go(work, lost)

    assert (await reload(ground, run)).lease_until == run.lease_until
    assert await entries(ground, world.hq.id) == []


async def test_an_import_that_only_slept_is_no_longer_left_behind(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody thinks that it was left behind, and then it goes on."""
    heard: list[Any] = []

    async def slept(session: Any, run: ImportRun) -> list[LastSold]:
        async with ground.db.write() as writing:
            await writing.execute(update(ImportRun).values(lease_until=clock.now() - timedelta(seconds=1)))
        await see_to_left_imports(ground)
        heard.extend(await all_shown(ground, world.hq))
        return []

    monkeypatch.setattr(catalogue, "out_of_date", slept)

    await carry(ground, SMALL)

    [asleep], [done] = heard, await all_shown(ground, world.hq)
    assert asleep["leftBehindAt"] is not None
    assert (done["leftBehindAt"], done["phase"], done["version"]) == (None, "DONE", asleep["version"] + 1)


async def test_being_left_behind_is_told_once(ground: Ground, world: World) -> None:
    run, other = await left_run(ground, world, timedelta(seconds=1)), await build_world(ground, "baihe")
    before = await epochs(ground)

    for _ in range(3):
        await see_to_left_imports(ground)

    assert [entry.entity_id for entry in await entries(ground, world.hq.id)] == [run.id]
    assert await counts(ground, "feed_event") == [1]
    assert await all_shown(ground, other.hq) == []
    assert await epochs(ground) == before


async def test_a_worker_looks_for_imports_that_were_left_behind(ground: Ground, world: World) -> None:
    run = await left_run(ground, world, timedelta(seconds=1))
    async with listening(ground, world.hq) as answers:
        await heard(answers)
        worker = Worker(ground, sweep_seconds=0.05)
        sweeping = asyncio.create_task(worker.sweep())
        told = await heard(answers)
        await worker.stop()
        await sweeping

    assert [(change["op"], change["id"]) for change in told["changes"]] == [("PUT", str(run.id))]


async def test_phones_start_over_once_when_an_import_stays_half_done(ground: Ground, world: World) -> None:
    run = await left_run(ground, world, leaving.LONG - timedelta(minutes=1))
    other = await build_world(ground, "baihe")
    guide, stranger = Phone(ground, world.shop.guide), Phone(ground, other.shop.guide)
    await guide.start()
    await stranger.start()
    await see_to_left_imports(ground)
    await guide.catch_up()
    assert guide.starts == 1
    async with ground.db.write() as session:
        long_ago = clock.now() - leaving.LONG
        await session.execute(update(ImportRun).values(lease_until=long_ago))

    async with listening(ground, world.shop.guide, guide.cursor) as answers:
        await heard(answers)
        await see_to_left_imports(ground)
        assert (await heard(answers))["mustRefetch"]
    for _ in range(3):
        await see_to_left_imports(ground)
        await guide.catch_up()
        await stranger.catch_up()

    assert (guide.starts, stranger.starts) == (2, 1)
    assert (await reload(ground, run)).started_over_at is not None


async def test_one_that_goes_on_and_stays_half_done_again_sends_phones_back_again(ground: Ground, world: World) -> None:
    run = await left_run(ground, world, leaving.LONG)
    await see_to_left_imports(ground)
    first = await epochs(ground)
    taken = await carry_in._take_over(ground, world.brand.code)
    assert taken
    await see_to_left_imports(ground)
    assert await epochs(ground) == first

    async with ground.db.write() as session:
        await session.execute(update(ImportRun).values(lease_until=clock.now() - leaving.LONG))
    await see_to_left_imports(ground)

    assert not await epochs(ground) & first
    assert (await reload(ground, run)).left_behind_at is not None


@pytest.mark.parametrize(
    "values",
    [
        {"phase": Phase.STAGING},
        {"phase": Phase.COMPARING},
        {"phase": Phase.PLACES},
        {"phase": Phase.FINISHING, "counts": {"invoices": {"new": 0, "changed": 0, "unchanged": 9}}},
    ],
)
async def test_phones_stay_where_they_are_when_nothing_was_applied(
    ground: Ground, world: World, values: dict[str, Any]
) -> None:
    run, before = await left_run(ground, world, 2 * leaving.LONG, **values), await epochs(ground)

    await see_to_left_imports(ground)
    await see_to_left_imports(ground)

    assert await epochs(ground) == before
    assert [entry.entity_id for entry in await entries(ground, world.hq.id)] == [run.id]


async def test_what_needs_nothing_more_is_not_looked_at_again(ground: Ground, world: World) -> None:
    """However many brands have such imports, a new one is found."""
    for number, phase in enumerate((Phase.STAGING, Phase.PLACES, Phase.INVOICES)):
        await left_run(ground, world, 2 * leaving.LONG, phase=phase, brand_code=f"b{number}")

    await see_to_left_imports(ground)

    at = clock.now()
    async with ground.db.read() as session:
        assert await runs.unattended(session, at, at - leaving.LONG) == []
