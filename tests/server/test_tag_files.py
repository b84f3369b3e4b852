"""The tag library over HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from kernel.actor import Actor
from kernel.work import Ground
from tagging.models import Tag
from tests.factories import World, build_world
from tests.mall.trading import count
from tests.serving import Served, serving
from tests.tagging.labels import build_group, build_tag

FILE = "标签组,标签\n风格,简约\n风格,运动\n".encode()


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    """A server of this test's own."""
    async with serving(ground) as served:
        yield served


async def send(served: Served, actor: Actor, body: bytes, path: str = "/files/tag-library", **headers: str) -> Any:
    shown = {"Authorization": f"Bearer {await served.token(actor)}", "Accept-Language": "en"}
    return await served.http.post(path, content=body, headers=shown | headers)


async def get(served: Served, actor: Actor, name: str, language: str = "zh") -> Any:
    shown = {"Authorization": f"Bearer {await served.token(actor)}", "Accept-Language": language}
    return await served.http.get(f"/files/{name}", headers=shown)


async def test_a_file_is_tried_taken_over_and_taken_away(served: Served, ground: Ground) -> None:
    world: World = await build_world(ground)

    tried = await send(served, world.hq, FILE, "/files/tag-library?dryRun=true")
    nothing = await count(ground, world.brand.id, Tag)
    done, again = [await send(served, world.hq, FILE) for _ in range(2)]
    away = await get(served, world.hq, "tag-library.csv")
    book = await get(served, world.hq, "tag-library.xlsx")
    back = await send(served, world.hq, book.content)

    empty = {"groupsChanged": 0, "tagsChanged": 0, "problemCount": 0, "problems": []}
    assert (tried.status_code, nothing) == (200, 0)
    assert tried.json() == {"dryRun": True, "groupsAdded": 1, "tagsAdded": 2, "unchanged": 0} | empty
    assert done.json() == tried.json() | {"dryRun": False}
    assert again.json() == {"dryRun": False, "groupsAdded": 0, "tagsAdded": 0, "unchanged": 3} | empty
    assert away.headers["content-disposition"] == 'attachment; filename="tag-library.csv"'
    assert away.content.decode("utf-8-sig").splitlines()[0] == "标签组,选择,标签,颜色,同义词,保鲜期（天）,岗位,门店"
    assert back.json()["unchanged"] == 3


async def test_what_is_wrong_is_told_row_by_row_and_nothing_is_done(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    wrong = "标签组,标签,颜色\n风格,简约,#000000\n风格,运动,red\n".encode()

    tried = await send(served, world.hq, wrong, "/files/tag-library?dryRun=true")
    refused = await send(served, world.hq, wrong)
    chinese = await send(served, world.hq, wrong, **{"Accept-Language": "zh-CN"})

    problem = {"row": 3, "reason": "color: write it as #rrggbb."}
    assert (tried.status_code, tried.json()["problems"], tried.json()["problemCount"]) == (200, [problem], 1)
    assert (refused.status_code, refused.json()["code"]) == (400, "LIBRARY_FILE_WRONG")
    assert refused.json()["problems"] == [problem]
    assert chinese.json()["problems"] == [{"row": 3, "reason": "color：请写成 #rrggbb。"}]
    assert await count(ground, world.brand.id, Tag) == 0


async def test_others_than_headquarters_and_other_bodies_are_refused(served: Served, ground: Ground) -> None:
    world = await build_world(ground)
    await build_tag(ground, world, await build_group(ground, world), "简约")

    for actor in (world.shop.guide, world.shop.manager, world.east_manager):
        for answer in (
            await send(served, actor, FILE),
            await get(served, actor, "tag-library.csv"),
            await get(served, actor, "tag-library.xlsx"),
        ):
            assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    for body, status, code in (
        (b"", 400, "FILE_EMPTY"),
        (b"PK\x03\x04", 400, "WORKBOOK_WRONG"),
        (b"x" * (2 * 1024 * 1024 + 1), 413, "REQUEST_TOO_LARGE"),
    ):
        refused = await send(served, world.hq, body)
        assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await served.http.get("/files/tag-library.csv")).status_code == 401
