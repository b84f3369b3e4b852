"""The staff file says who is leaving, and who has left; the managers are asked to look at what they hold."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from directory.models import Staff, StaffState
from handover.commands.starting import start
from handover.models import Handover, HandoverKind, HandoverState, Strategy
from intake.commands.directory_file import Tally, read
from intake.errors import DirectoryFileWrong
from kernel import clock
from kernel.work import Ground, unit_of_work
from server.importing_staff import carry_in
from server.worker import Worker
from tasks.models import Task
from tests.factories import World, build_customer, build_world
from tests.handover.leaving import FRIDAY, MONDAY, TODAY, mark, person
from tests.refusals import refused, snapshot


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def carried(ground: Ground, folder: Path, *lines: str, header: str = "kind,code,name,state,last_day") -> Tally:
    path = folder / "staff.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    with clock.stopped_at(MONDAY):
        return await carry_in(ground, read(path), "qinghe")


async def to_dos(ground: Ground) -> list[Any]:
    """What managers are asked, once the jobs are done."""
    with clock.stopped_at(MONDAY):
        await Worker(ground).sweep_once()
    async with ground.db.read() as session:
        found = await session.execute(select(col(Task.title), col(Task.reason), col(Task.account_id)))
    return [tuple(row) for row in found]


@pytest.mark.parametrize(
    ("cells", "last_day", "is_shut_out", "title"),
    [
        ("leaving,2026-03-06", FRIDAY, False, "即将离职"),
        ("待离职,2026年3月6日", FRIDAY, False, "即将离职"),
        (",2026/3/6", FRIDAY, False, "即将离职"),
        ("离职中,", None, False, "即将离职"),
        ("离职,", None, True, "已离职"),
        ("left,2026-03-01", None, True, "已离职"),
        ("leaving,2026-03-01", None, True, "已离职"),
    ],
)
async def test_a_line_marks_who_is_leaving_and_shuts_out_who_has_left(
    ground: Ground, world: World, tmp_path: Path, cells: str, last_day: date | None, is_shut_out: bool, title: str
) -> None:
    guide, line = world.shop.guide, f"staff,qinghe-1-G1,员工qinghe-1-G1,{cells}"
    await build_customer(ground, guide)

    first = await carried(ground, tmp_path, line)
    once = await snapshot(ground)
    again = await carried(ground, tmp_path, line)

    found = await person(ground, guide)
    assert (found.state, found.last_day) == (StaffState.LEAVING, last_day)
    assert (found.access_closed_at is not None) == is_shut_out
    assert [(tally.leaving, tally.staff.changed, tally.staff.unchanged) for tally in (first, again)] == [
        (1, 1, 0),
        (0, 0, 1),
    ]
    assert await snapshot(ground) == once
    for _ in range(2):  # a job that comes twice
        asked = await to_dos(ground)
    assert asked == [
        (f"员工qinghe-1-G1 {title}，请确认交接方案", "名下还有 1 位顾客，需要交接给同事。", world.shop.public.id)
    ]
    async with ground.db.read() as session:
        [draft] = await session.scalars(select(Handover))
    assert (draft.staff_id, draft.kind, draft.state, draft.strategy) == (
        guide.id,
        HandoverKind.RESIGNATION,
        HandoverState.DRAFT,
        Strategy.AFFINITY,
    )


async def test_a_handover_that_is_under_way_is_the_one_to_look_at(ground: Ground, world: World, tmp_path: Path) -> None:
    await build_customer(ground, world.shop.guide)
    async with unit_of_work(ground, world.shop.manager) as work:
        begun = await start(work, kind=HandoverKind.RESIGNATION, staff_id=world.shop.guide.id)

    await carried(ground, tmp_path, "staff,qinghe-1-G1,员工qinghe-1-G1,离职,")

    assert [title for title, _, _ in await to_dos(ground)] == ["员工qinghe-1-G1 已离职，请确认交接方案"]
    async with ground.db.read() as session:
        assert list(await session.scalars(select(col(Handover.id)))) == [begun.id]


async def test_who_holds_nothing_gives_nobody_anything_to_do(ground: Ground, world: World, tmp_path: Path) -> None:
    tally = await carried(ground, tmp_path, "staff,qinghe-1-G1,李雷,离职,", "staff,qinghe-1-M,王店长,待离职,")

    assert tally.leaving == 2
    assert (await person(ground, world.shop.guide)).state is StaffState.DEPARTED
    assert await to_dos(ground) == []


async def test_that_somebody_is_at_work_takes_no_leave_back(ground: Ground, world: World, tmp_path: Path) -> None:
    with clock.stopped_at(MONDAY):
        await mark(ground, world.hq, world.shop.guide, FRIDAY)
    before = await snapshot(ground)

    tally = await carried(ground, tmp_path, "staff,qinghe-1-G1,员工qinghe-1-G1,在职,")

    assert (tally.leaving, tally.staff.unchanged) == (0, 1)
    assert await snapshot(ground) == before


async def test_who_was_never_here_and_has_left_is_not_taken_on(ground: Ground, world: World, tmp_path: Path) -> None:
    before = await snapshot(ground)
    assert (await carried(ground, tmp_path, "staff,G77,赵四,已离职,")).left == 1
    assert await snapshot(ground) == before


async def test_who_is_new_and_leaving_is_taken_on_and_leaves(ground: Ground, world: World, tmp_path: Path) -> None:
    header = "kind,code,name,role,store,state,last_day"
    await carried(ground, tmp_path, "staff,G77,赵四,guide,qinghe-1,leaving,2026-03-06", header=header)

    async with ground.db.read() as session:
        found = await session.scalar(select(Staff).where(col(Staff.number) == "G77"))
    assert found
    assert (found.state, found.last_day) == (StaffState.LEAVING, FRIDAY)


@pytest.mark.parametrize(
    ("cells", "column"),
    [
        ("gone,", "state"),
        ("leaving,soon", "last_day"),
        ("leaving,2026-02-30", "last_day"),
        ("在职,2026-03-06", "last_day"),
        (f"leaving,{TODAY + timedelta(days=400)}", "code"),
    ],
)
async def test_what_cant_be_meant_is_blamed_on_its_line(
    ground: Ground, world: World, tmp_path: Path, cells: str, column: str
) -> None:
    async with refused(ground, DirectoryFileWrong):
        try:
            await carried(ground, tmp_path, f"staff,qinghe-1-G1,员工qinghe-1-G1,{cells}")
        except DirectoryFileWrong as refusal:
            assert [(wrong.line, wrong.column) for wrong in refusal.wrong] == [(2, column)]
            raise
