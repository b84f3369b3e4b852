"""A segment's members as a file."""

import csv
import io

import pytest

from kernel import ids
from kernel.actor import Actor
from kernel.work import Ground
from tagging.models import Sharing
from tagging.queries import exporting
from tests.factories import build_world
from tests.serving import Served, serving
from tests.tagging.test_segment_index import GOLD, enrol
from tests.tagging.test_segments import keep
from tests.tagging.test_segments_agree import fold, rebuild


async def fetch(served: Served, actor: Actor, segment_id: object, language: str = "zh") -> tuple[int, list[list[str]]]:
    headers = {"Authorization": f"Bearer {await served.token(actor)}", "Accept-Language": language}
    answer = await served.http.get(f"/files/segments/{segment_id}.csv", headers=headers)
    if answer.status_code != 200:
        return answer.status_code, [[answer.json()["code"]]]
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return answer.status_code, list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_members_in_sight_come_as_a_file_and_no_cell_is_a_formula(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "AT_ONCE", 2)
    world = await build_world(ground)
    segment = await keep(ground, world.hq, "金", GOLD, sharing=Sharing.BRAND)
    there = await enrol(ground, world, 3, tier="金卡", name="=HYPERLINK(1)", phone_masked="138****5678")
    code = world.shop.store.code
    wanted = [[each.member_number, "'=HYPERLINK(1)", "金卡", "", code, "138****5678"] for each in there]
    async with serving(ground) as served:
        for is_built in (False, True):
            if is_built:
                await rebuild(ground, world)
                await fold(ground, world, 2)  # one is asked of SQL
            status, [heading, *lines] = await fetch(served, world.shop.guide, segment.id)
            assert (status, heading) == (200, ["会员号", "姓名", "等级", "城市", "门店", "手机"])
            assert lines == wanted
            assert await fetch(served, world.shop.other_guide, segment.id, "en") == (
                200,
                [["Member number", "Name", "Tier", "City", "Store", "Phone"]],
            )


async def test_what_isnt_in_sight_isnt_found(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    segment = await keep(ground, world.shop.guide, "金", GOLD)
    async with serving(ground) as served:
        for actor, segment_id in ((other.hq, segment.id), (world.hq, segment.id), (world.hq, ids.new()), (world.hq, 7)):
            assert await fetch(served, actor, segment_id) == (404, [["NOT_FOUND"]])
        assert (await served.http.get(f"/files/segments/{segment.id}.csv")).status_code == 401
