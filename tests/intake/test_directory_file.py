"""Regions, stores and staff are put in order from a file: all of it or nothing, and twice is as good as once."""

from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import select
from sqlmodel import col

from customers.commands import close_access
from directory.models import Account, Assignment, Brand, Region, Staff, Store
from intake.commands.directory_file import read
from intake.errors import BadFile, ColumnMissing, ColumnTwice, DirectoryFileWrong, EncodingWrong, FileEmpty
from kernel.errors import Refusal
from kernel.work import Ground, unit_of_work
from server.errors import CannotStart
from server.importing_staff import carry_in
from tasks.models import RevisitRule, Trigger
from tests.factories import build_customer, build_world, said
from tests.refusals import refused, snapshot

HEADER = "kind,code,name,region,store,role,city,time_zone,opening_hours"
NEW = """\
staff,G9,李雷,,S9,guide,,,
staff,R9,赵敏,sh,,regional_manager,,,
staff,H9,周总,,,hq,,,
store,S9,新天地店,sh,,,上海,Asia/Shanghai,10:00-22:00
region,SH,上海,east,,,,,
region,east,华东,cn,,,,,
region,cn,全国,,,,,,
"""


def written(folder: Path, body: str, *, header: str = HEADER, encoding: str = "utf-8") -> Path:
    path = folder / "staff.csv"
    path.write_bytes(f"{header}\n{body}".encode(encoding))
    return path


async def carried(ground: Ground, path: Path, brand: str | None = "qinghe", **options: Any) -> list[tuple[int, ...]]:
    """What was added, changed and left as it was, of regions, stores and staff."""
    tally = await carry_in(ground, read(path), brand, **options)
    return [(kind.added, kind.changed, kind.unchanged) for kind in (tally.regions, tally.stores, tally.staff)]


async def all_of(ground: Ground, model: Any, key: str) -> dict[str, Any]:
    async with ground.db.read() as session:
        return {getattr(row, key): row for row in await session.scalars(select(model))}


async def test_a_file_begins_a_brand(ground: Ground, tmp_path: Path) -> None:
    path = written(tmp_path, NEW)

    tally = await carry_in(ground, read(path), "qinghe", new_brand="青禾")

    assert (tally.regions.added, tally.stores.added, tally.staff.added, tally.without_password) == (3, 1, 3, 3)
    brands = await all_of(ground, Brand, "code")
    assert (brands["qinghe"].name, brands["qinghe"].currency) == ("青禾", "CNY")
    assert len(await all_of(ground, RevisitRule, "trigger")) == len(Trigger)
    regions = await all_of(ground, Region, "code")
    assert {code: region.path for code, region in regions.items()} == {
        "cn": "/cn/",
        "east": "/cn/east/",
        "sh": "/cn/east/sh/",
    }
    store = (await all_of(ground, Store, "code"))["S9"]
    assert (store.region_id, store.city, store.opening_hours) == (regions["sh"].id, "上海", [["10:00", "22:00"]] * 7)
    staff = await all_of(ground, Staff, "number")
    assert (staff["G9"].store_id, staff["R9"].region_id, staff["H9"].role) == (store.id, regions["sh"].id, "hq")
    assert [account.kind for account in (await all_of(ground, Account, "id")).values()] == ["public", "guide"]
    assert len(await all_of(ground, Assignment, "id")) == 3
    assert await said(ground, staff["G9"].id) == [("put", "staff", staff["G9"].id)]


async def test_the_same_file_twice_changes_nothing_more(ground: Ground, tmp_path: Path) -> None:
    path = written(tmp_path, NEW)
    await carried(ground, path, new_brand="青禾")
    before = await snapshot(ground)

    assert await carried(ground, path) == [(0, 0, 3), (0, 0, 1), (0, 0, 3)]

    assert await snapshot(ground) == before


async def test_what_differs_is_changed_and_what_is_left_out_stays(ground: Ground, tmp_path: Path) -> None:
    world = await build_world(ground)
    changes = """\
region,east,华东大区,,,,,,
region,north,华北,east,,,,,
store,qinghe-3,北京一店,,,,北京,,10:00-21:00;-;休;10:00-21:00;10:00-21:00;10:00-22:00;10:00–22:00
store,qinghe-1,qinghe-1 店,,,,,,
staff,qinghe-1-G1,韩梅梅,,qinghe-2,guide,,,
staff,qinghe-1-G2,员工qinghe-1-G2,,,,,,
"""

    assert await carried(ground, written(tmp_path, changes)) == [(0, 2, 0), (0, 1, 1), (0, 1, 1)]

    regions = await all_of(ground, Region, "code")
    assert (regions["east"].name, regions["north"].path) == ("华东大区", "/cn/east/north/")
    store = (await all_of(ground, Store, "code"))["qinghe-3"]
    assert (store.name, store.city, store.time_zone) == ("北京一店", "北京", "Asia/Shanghai")
    assert store.opening_hours[1:3] == [None, None]
    moved = (await all_of(ground, Staff, "number"))["qinghe-1-G1"]
    assert (moved.name, moved.store_id) == ("韩梅梅", world.shops[1].store.id)


async def test_chinese_columns_and_words_and_excels_encoding_are_read(ground: Ground, tmp_path: Path) -> None:
    await build_world(ground)
    body = "店长,员工,M9,王店长,qinghe-1\n"
    path = written(tmp_path, body, header="角色,类型,编号,名称,门店", encoding="gb18030")

    assert await carried(ground, path) == [(0, 0, 0), (0, 0, 0), (1, 0, 0)]

    assert (await all_of(ground, Staff, "number"))["M9"].name == "王店长"


async def test_a_workbook_is_read(ground: Ground, tmp_path: Path) -> None:
    await build_world(ground)
    book = Workbook()
    for row in (("类型", "编号", "名称", "门店", "角色"), ("员工", 10086, "李雷", "qinghe-1", "导购")):
        book.active.append(row)  # type: ignore[union-attr]  # a new workbook has a sheet
    path = tmp_path / "staff.xlsx"
    book.save(path)

    await carried(ground, path)

    assert (await all_of(ground, Staff, "number"))["10086"].role == "guide"


async def test_a_dry_run_says_what_would_be_and_keeps_nothing(ground: Ground, tmp_path: Path) -> None:
    path = written(tmp_path, NEW)
    before = await snapshot(ground)

    assert await carried(ground, path, new_brand="青禾", dry_run=True) == [(3, 0, 0), (1, 0, 0), (3, 0, 0)]

    assert await snapshot(ground) == before


async def test_every_mistake_is_named_with_its_line_and_column_and_nothing_changes(
    ground: Ground, tmp_path: Path
) -> None:
    await build_world(ground)
    body = """\
robot,X,某,,,,,,
region,a/b,某,,,,,,
region,new,,,,,,,
region,one,一,two,,,,,
region,two,二,one,,,,,
region,cn,全国,east,,,,,
store,S1,某店,nowhere,,,,Mars/Base,10:00
store,S2,某店,,,,,,
staff,G 1,某,,qinghe-1,guide,,,
staff,G2,某,,qinghe-9,guide,,,
staff,G3,某,,qinghe-1,chef,,,
staff,G4,某,east,qinghe-1,guide,,,
staff,G5,某,,qinghe-1,,,,
staff,G6,某,,qinghe-1,guide,,,
staff,G6,某,,qinghe-1,guide,,,
staff,G7,某
"""
    file = read(written(tmp_path, body))
    alone = [(wrong.line, wrong.column) for wrong in sorted(file.wrong, key=lambda wrong: (wrong.line, wrong.column))]
    before = await snapshot(ground)

    with pytest.raises(DirectoryFileWrong) as caught:
        await carry_in(ground, file, "qinghe")

    found = [(wrong.line, wrong.column) for wrong in caught.value.wrong]
    assert alone == [
        (2, "kind"),
        (3, "code"),
        (4, "name"),
        (8, "opening_hours"),
        (8, "time_zone"),
        (10, "code"),
        (12, "role"),
        (16, "code"),
        (17, "-"),
    ]
    assert set(alone) < set(found)
    assert sorted(set(found) - set(alone)) == [
        (5, "region"),
        (6, "region"),
        (7, "region"),
        (9, "opening_hours"),
        (9, "region"),
        (9, "time_zone"),
        (11, "store"),
        (13, "role"),
        (14, "role"),
    ]
    assert await snapshot(ground) == before


async def test_at_most_a_hundred_mistakes_are_told(ground: Ground, tmp_path: Path) -> None:
    await build_world(ground)
    file = read(written(tmp_path, "robot,X,某,,,,,,\n" * 150))

    with pytest.raises(DirectoryFileWrong) as caught:
        await carry_in(ground, file, "qinghe")

    assert (len(caught.value.wrong), caught.value.facts["count"]) == (100, 150)


async def test_a_line_that_is_refused_names_itself_and_takes_all_others_back(ground: Ground, tmp_path: Path) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.guide)
    body = "staff,G9,李雷,,qinghe-1,guide,,,\nstaff,qinghe-1-G1,韩梅梅,,qinghe-2,guide,,,\n"
    file = read(written(tmp_path, body))

    async with refused(ground, DirectoryFileWrong):
        await carry_in(ground, file, "qinghe")

    assert [(wrong.line, wrong.reason_zh) for wrong in file.wrong] == [(3, "名下还有 1 位顾客，请先完成交接。")]


async def test_who_has_left_stays_as_they_are(ground: Ground, tmp_path: Path) -> None:
    world = await build_world(ground)
    async with unit_of_work(ground, world.hq) as work:
        await close_access(work, world.shop.guide.id)
    before = await snapshot(ground)

    tally = await carry_in(ground, read(written(tmp_path, "staff,qinghe-1-G1,新名,,qinghe-1,guide,,,\n")), "qinghe")

    assert tally.left == 1
    assert await snapshot(ground) == before


async def test_regions_added_below_one_that_moves_in_the_same_file_lie_where_it_went(
    ground: Ground, tmp_path: Path
) -> None:
    await build_world(ground)
    body = """\
region,a,甲,east,,,,,
region,b,乙,a,,,,,
region,east,华东,north,,,,,
region,c,丙,b,,,,,
"""
    await carried(ground, written(tmp_path, body))
    again = "region,d,丁,b,,,,,\nregion,east,华东,cn,,,,,\nregion,e,戊,d,,,,,\n"
    await carried(ground, written(tmp_path, again))

    regions = await all_of(ground, Region, "code")
    assert (regions["c"].path, regions["e"].path) == ("/cn/east/a/b/c/", "/cn/east/a/b/d/e/")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", FileEmpty),
        (b"kind,code\n", ColumnMissing),
        (b"kind,code,name,code\n", ColumnTwice),
        (b"kind,code,name,salary\n", DirectoryFileWrong),
        (b"kind,code,name\n\xff\xff\xff,1,2\n", EncodingWrong),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes, kind: type[BadFile]) -> None:
    path = tmp_path / "staff.csv"
    path.write_bytes(content)

    with pytest.raises(Refusal) as caught:
        read(path)

    assert caught.type is kind


async def test_a_brand_that_is_not_there_or_not_new_is_refused(ground: Ground, tmp_path: Path) -> None:
    await build_world(ground)
    file = read(written(tmp_path, NEW))

    with pytest.raises(CannotStart):
        await carry_in(ground, file, "nobody")
    before = await snapshot(ground)
    with pytest.raises(Refusal) as caught:
        await carry_in(ground, file, "qinghe", new_brand="青禾")

    assert caught.value.code == "CODE_TAKEN"
    assert await snapshot(ground) == before
    async with ground.db.read() as session:
        assert len(list(await session.scalars(select(Staff).where(col(Staff.number) == "G9")))) == 0
