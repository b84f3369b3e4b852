"""Segments through GraphQL."""

from typing import Any

import pytest

from kernel.work import Ground
from tagging.models import Sharing
from tests.asking import ask
from tests.factories import NOON, build_world
from tests.statements import statements
from tests.tagging.test_segment_index import GOLD, enrol, night
from tests.tagging.test_segments import keep
from tests.tagging.test_segments_agree import rebuild

COUNT = """query ($text: String!) { segmentCount(text: $text) {
  ... on SegmentCount { count isExact pending } ... on Problem { code message line column } } }"""
PARTS = (
    "text",
    "owner { name }",
    "count { count isExact pending }",
)


async def test_a_count_while_it_is_written_and_where_it_is_wrong(ground: Ground) -> None:
    world = await build_world(ground)
    await enrol(ground, world, 2, tier="金卡")

    counted = await ask(ground, world.shop.guide, COUNT, text=GOLD)
    wrong = await ask(ground, world.shop.guide, COUNT, text=f"{GOLD} and\n  colour = 1")

    assert counted["segmentCount"] == {"count": 2, "isExact": True, "pending": 0}
    problem = wrong["segmentCount"]
    assert (problem["code"], problem["line"], problem["column"]) == ("BAD_EXPRESSION", 2, 3)
    assert problem["message"].startswith("Line 2, column 3: colour is unknown")
    everybody = await ask(ground, world.shop.other_guide, COUNT, text=GOLD)
    assert everybody["segmentCount"]["count"] == 0


async def test_a_segment_is_kept_edited_shared_and_retired(ground: Ground) -> None:
    world = await build_world(ground)
    shown = "{ ... on SegmentChanged { segment { id name text sharing version retiredAt } } ... on Problem { code } }"

    async def change(call: str) -> dict[str, Any]:
        answer = await ask(ground, world.hq, f"mutation {{ changed: {call} {shown} }}")
        return dict(answer["changed"]["segment"])

    kept = await change('saveSegment(name: "老客", text: "orders>=3 且 非 do_not_contact=是")')
    assert (kept["text"], kept["sharing"]) == ("orders >= 3 and not do_not_contact = true", "PRIVATE")
    which = f'id: "{kept["id"]}"'
    assert (await change(f'editSegment({which}, text: "orders >= 4", expectedVersion: 1)'))["version"] == 2
    assert (await change(f"shareSegment({which}, sharing: BRAND)"))["sharing"] == "BRAND"
    assert (await change(f"retireSegment({which}, expectedVersion: 3)"))["retiredAt"]
    answer = await ask(
        ground, world.hq, f"{{ segment({which}) {{ versions {{ edges {{ node {{ version text by {{ id }} }} }} }} }} }}"
    )
    versions = [edge["node"] for edge in answer["segment"]["versions"]["edges"]]
    assert [(each["version"], each["text"]) for each in versions[-2:]] == [
        (2, "orders >= 4"),
        (1, "orders >= 3 and not do_not_contact = true"),
    ]
    assert {each["by"]["id"] for each in versions} == {str(world.hq.id)}


async def test_members_come_in_pages_and_changes_with_who_they_were(ground: Ground) -> None:
    world = await build_world(ground)
    segment = await keep(ground, world.hq, "金", GOLD, sharing=Sharing.BRAND)
    there = await enrol(ground, world, 3, tier="金卡")
    await rebuild(ground, world)
    await night(ground, world, NOON.date())
    [new] = await enrol(ground, world, 1, tier="金卡")
    text = """query ($id: ID!, $after: Cursor) { segment(id: $id) {
      members(first: 2, after: $after) { edges { node { id name } } pageInfo { hasNextPage endCursor } }
      changesSinceNight { night wasEdited enteredCount leftCount entered { id } left { id } } } }"""

    first = (await ask(ground, world.shop.guide, text, id=str(segment.id)))["segment"]
    after = first["members"]["pageInfo"]["endCursor"]
    second = (await ask(ground, world.shop.guide, text, id=str(segment.id), after=after))["segment"]

    shown = [edge["node"]["id"] for page in (first, second) for edge in page["members"]["edges"]]
    assert shown == [str(each.id) for each in (*there, new)]
    assert second["members"]["pageInfo"]["hasNextPage"] is False
    assert first["changesSinceNight"] == {
        "night": NOON.date().isoformat(),
        "wasEdited": False,
        "enteredCount": 1,
        "leftCount": 0,
        "entered": [{"id": str(new.id)}],
        "left": [],
    }


@pytest.mark.parametrize("part", PARTS)
async def test_one_segment_and_three_take_the_same_number_of_statements(ground: Ground, part: str) -> None:
    world = await build_world(ground)
    await enrol(ground, world, 2, tier="金卡")
    await rebuild(ground, world)
    lengths: list[int] = []
    for number in (1, 3):
        for each in range(len(lengths), number):
            await keep(ground, world.hq, f"第 {each}", f"{GOLD} or orders >= {each + 1}")
        await ask(ground, world.hq, f"{{ segments {{ edges {{ node {{ {part} }} }} }} }}")
        with statements(ground) as sent:
            found = await ask(ground, world.hq, f"{{ segments {{ edges {{ node {{ {part} }} }} }} }}")
        assert len(found["segments"]["edges"]) == number
        lengths.append(len(sent))
    assert lengths[0] == lengths[1]


async def test_the_words_are_told_in_the_readers_language(ground: Ground) -> None:
    world = await build_world(ground)

    words = (await ask(ground, world.shop.guide, "{ segmentWords { name kind description operators choices } }"))[
        "segmentWords"
    ]

    by_name = {each["name"]: each for each in words}
    assert by_name["churn_band"]["choices"] == ["new", "active", "at_risk", "lapsed", "none"]
    assert by_name["tier"] == {
        "name": "tier",
        "kind": "text",
        "description": "The membership tier.",
        "operators": ["=", "!=", "in", "not in"],
        "choices": [],
    }


async def test_a_segment_out_of_sight_is_null_or_not_found(ground: Ground) -> None:
    world = await build_world(ground)
    segment = await keep(ground, world.shop.guide, "我的", GOLD)

    answer = await ask(ground, world.hq, f'{{ segment(id: "{segment.id}") {{ name }} }}')

    assert answer["segment"] is None
    call = f'mutation {{ retireSegment(id: "{segment.id}") {{ ... on Problem {{ code }} }} }}'
    assert (await ask(ground, world.hq, call))["retireSegment"] == {"code": "NOT_FOUND"}
