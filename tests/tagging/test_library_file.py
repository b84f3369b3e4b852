"""The tag library as a file: what is written is read again, all or nothing, and the second time changes nothing."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernel import feed
from kernel.actor import Actor
from kernel.errors import Forbidden, Refusal
from kernel.work import Ground, unit_of_work
from server import sheets
from tagging import commands
from tagging.commands import library_file as taking_over
from tagging.commands.library_file import Preview
from tagging.errors import LibraryFileWrong
from tagging.models import Choice, Tag, TagGroup
from tagging.queries import library, library_file
from tests.factories import World, build_customer, build_world, reload, said
from tests.mall.trading import count
from tests.tagging.labels import build_group, build_tag, put

HEADER = ["标签组", "选择", "标签", "颜色", "同义词", "保鲜期（天）", "岗位", "门店"]


def written(tmp_path: Path, rows: Sequence[Sequence[str]], encoding: str = "utf-8-sig") -> Path:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    path = tmp_path / "tags.csv"
    path.write_bytes(text.getvalue().encode(encoding))
    return path


async def take(ground: Ground, actor: Actor, path: Path, *, is_dry: bool = False) -> Preview:
    act: Callable[..., Any] = commands.preview_file if is_dry else commands.import_file
    rows = library_file.read(path)
    async with unit_of_work(ground, actor) as work:
        preview: Preview = await act(work, rows)
        return preview


def counts(preview: Preview) -> tuple[int, ...]:
    return (
        preview.groups_added,
        preview.groups_changed,
        preview.tags_added,
        preview.tags_changed,
        preview.unchanged,
        len(preview.problems),
    )


async def table(ground: Ground, actor: Actor, language: str = "zh") -> list[list[str]]:
    async with ground.db.read() as session:
        return await library_file.table(session, actor, language)


async def test_a_file_is_tried_taken_over_and_taken_over_again(ground: Ground, tmp_path: Path) -> None:
    world = await build_world(ground)
    styles = await build_group(ground, world)
    plain = await build_tag(ground, world, styles, "简约")
    store = world.shop.store.code
    rows = [
        HEADER,
        ["风格", "多选", "", "#2f9e6e", "", "180", "导购；店长", store],
        ["风格", "", "简约", "#00FF00", "极简、素净", "", "", ""],
        ["风格", "", "运动", "", "", "", "", ""],
        ["尺码", "单选", "S", "", "小号", "永久", "", ""],
    ]
    path = written(tmp_path, rows)

    tried = await take(ground, world.hq, path, is_dry=True)
    assert await count(ground, world.brand.id, Tag) == 1
    done, again = [await take(ground, world.hq, path) for _ in range(2)]

    assert counts(tried) == counts(done) == (1, 1, 2, 1, 0, 0)
    assert counts(again) == (0, 0, 0, 0, 5, 0)
    group, tag = await reload(ground, styles), await reload(ground, plain)
    assert (group.shelf_life_days, group.roles, group.color) == (180, ["guide", "store_manager"], "#2f9e6e")
    assert group.store_ids == [str(world.shop.store.id)]
    assert (tag.color, tag.synonyms, tag.version) == ("#00ff00", ["极简", "素净"], 2)
    async with ground.db.read() as session:
        both = await library.groups(session, world.hq)
        tags = await library.tags_of_groups(session, world.hq, [row.id for row in both])
    assert [(row.name, row.choice) for row in both] == [("风格", Choice.MULTI), ("尺码", Choice.SINGLE)]
    assert [[row.name for row in tags[row.id]] for row in both] == [["简约", "运动"], ["S"]]
    assert len(await said(ground, feed.of_store(world.shop.store.id))) == 5


@pytest.mark.parametrize("form", ["csv", "xlsx"])
@pytest.mark.parametrize("language", ["zh", "en"])
async def test_what_was_taken_away_makes_the_same_library_elsewhere(
    ground: Ground, tmp_path: Path, form: str, language: str
) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    group = await build_group(ground, world, "=风格", shelf_life_days=90, roles=["guide"], choice=Choice.SINGLE)
    await build_tag(ground, world, group, "+1", color="#112233", synonyms=["-a", "'b"])
    await build_tag(ground, world, group, "@简约", position=2)
    rows = await table(ground, world.hq, language)
    path = tmp_path / f"tags.{form}"
    path.write_bytes(sheets.as_csv(rows) if form == "csv" else sheets.as_xlsx(rows, "tags"))

    assert counts(await take(ground, world.hq, path)) == (0, 0, 0, 0, 3, 0)
    assert counts(await take(ground, other.hq, path)) == (1, 0, 2, 0, 0, 0)

    assert await table(ground, other.hq, language) == rows


async def test_a_file_in_gb18030_is_read(ground: Ground, tmp_path: Path) -> None:
    world = await build_world(ground)
    path = written(tmp_path, [["标签组", "标签"], ["风格", "简约"]], "gb18030")

    assert counts(await take(ground, world.hq, path)) == (1, 0, 1, 0, 0, 0)


async def test_one_wrong_row_and_nothing_is_taken_over(ground: Ground, tmp_path: Path) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    both = [await build_tag(ground, world, group, name) for name in ("简约", "运动")]
    await put(ground, world.shop.guide, [await build_customer(ground, world.shop.guide)], both)
    rows = [
        HEADER,
        ["风格", "单选", "", "", "", "", "", ""],
        ["", "", "没有组", "", "", "", "", ""],
        ["长" * 31, "", "甲", "", "", "", "", ""],
        ["新组", "随便", "甲", "", "", "", "", ""],
        ["新组", "", "乙", "red", "", "", "", ""],
        ["新组", "", "丙", "", "", "0", "", ""],
        ["新组", "", "丁", "", "", "3651", "", ""],
        ["新组", "", "戊", "", "", "", "经理", ""],
        ["新组", "", "己", "", "", "", "", "nowhere"],
        ["新组", "多选", "庚", "", "", "", "", ""],
        ["新组", "单选", "辛", "", "", "", "", ""],
        ["新组", "", "庚", "", "", "", "", ""],
        ["新组", "", "长" * 31, "", "", "", "", ""],
        ["新组", "", "壬", "", "长" * 31, "", "", ""],
    ]
    path = written(tmp_path, rows)

    tried = await take(ground, world.hq, path, is_dry=True)
    with pytest.raises(LibraryFileWrong) as refused:
        await take(ground, world.hq, path)

    assert sorted(problem.row for problem in tried.problems) == [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 14, 15]
    assert {problem.row for problem in refused.value.problems} == {problem.row for problem in tried.problems}
    assert all("field" not in problem.reason and problem.reason_zh for problem in tried.problems)
    assert await count(ground, world.brand.id, TagGroup) == 1
    assert await said(ground, feed.of_store(world.shop.store.id)) == []


async def test_the_limits_of_the_library_hold_for_files(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    monkeypatch.setattr(library, "MOST_BRAND_TAGS", 2)
    monkeypatch.setattr(library, "MOST_GROUPS", 1)
    path = written(tmp_path, [["标签组", "标签"], *(["风格", f"标签{number}"] for number in range(3)), ["尺码", ""]])

    with pytest.raises(LibraryFileWrong) as refused:
        await take(ground, world.hq, path)

    assert [problem.reason for problem in refused.value.problems] == ["at most 1 groups.", "at most 2 tags."]
    assert await count(ground, world.brand.id, Tag) == 0


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "FILE_EMPTY"),
        ("标签组,颜色\n风格,red\n".encode(), "COLUMN_MISSING"),
        ("标签组,标签,tag\n风格,简约,简约\n".encode(), "COLUMN_TWICE"),
        (b"PK\x03\x04nonsense", "WORKBOOK_WRONG"),
        ('标签组,标签\n"风格,简约\n'.encode(), "QUOTES_WRONG"),
        ("标签组,标签\n".encode() + "风格,简约\n".encode() * 4_001, "LIBRARY_FILE_WRONG"),
        (b"x" * (2 * 1024 * 1024 + 1), "FILE_TOO_LARGE"),
    ],
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    path = tmp_path / "tags.csv"
    path.write_bytes(content)

    with pytest.raises(Refusal) as refused:
        library_file.read(path)

    assert refused.value.code == code


async def test_many_changes_let_phones_start_over_instead(
    ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taking_over, "MOST_TOLD", 1)
    world = await build_world(ground)
    async with ground.db.read() as session:
        before = await feed.heads(session, world.brand.id, [feed.of_store(world.shop.store.id)])

    await take(ground, world.hq, written(tmp_path, [["group", "tag"], ["风格", "简约"]]))

    async with ground.db.read() as session:
        after = await feed.heads(session, world.brand.id, [feed.of_store(world.shop.store.id)])
    [then], [now] = before.values(), after.values()
    assert now.epoch != then.epoch
    assert await said(ground, feed.of_store(world.shop.store.id)) == []


async def test_only_who_keeps_the_library_takes_it_away_or_changes_it(ground: Ground, tmp_path: Path) -> None:
    world: World = await build_world(ground)
    path = written(tmp_path, [["group", "tag"], ["风格", "简约"]])

    for actor in (world.shop.guide, world.shop.manager, world.east_manager):
        with pytest.raises(Forbidden):
            await table(ground, actor)
        for is_dry in (True, False):
            with pytest.raises(Forbidden):
                await take(ground, actor, path, is_dry=is_dry)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_a_guarded_cell_is_no_formula_and_reads_as_it_was(text: str) -> None:
    """Except for one that begins with an apostrophe before what would be a formula: it loses that."""
    guarded = sheets.guarded(text)

    assert not guarded.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    if text[:1] not in "\t\r\n" and not (text[:1] == "'" and text[1:2] in ("=", "+", "-", "@")):
        assert library_file.unguarded(guarded) == text
