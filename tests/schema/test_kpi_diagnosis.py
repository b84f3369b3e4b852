"""Diagnoses through GraphQL; what they say is proved where they are worked out."""

from typing import Any

import pytest

from kernel.errors import Invalid, NotFound
from kernel.pages import BadCursor, BadPageSize
from kernel.work import Ground
from schema.root import schema
from tests.asking import ask, context, refused
from tests.factories import World
from tests.kpi.test_diagnosing_whom import world

__all__ = ["world"]

NOWHERE = "0190a5e2-0000-7000-8000-000000000000"
ASKED = """
query ($staff: ID, $store: ID, $from: Date! = "2026-03-01", $until: Date! = "2026-03-31", $adjusted: Boolean! = false,
       $first: Int! = 20, $after: Cursor) {
  kpiDiagnosis(staffId: $staff, storeId: $store, fromDay: $from, untilDay: $until, adjusted: $adjusted, first: $first,
               after: $after) {
    edges { node {
      guide { id } currency wasAtWork peerKind peers weakest cause says
      handed { orders gross refunds tasksDue contactsDue }
      sharing { brought expected steps { step own peers sample isSmall shortfall standing lowest highest } }
      tasks { brought expected steps { step shortfall } }
    } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
SAYS = (
    "Shares too seldom: on 5% of the days at work, peers on 50%; that costs about CNY 3,600.00. A matter of "
    "motivation: ask what keeps them from sharing. The sample is small: watch on before judging."
)


def nodes(answer: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in answer["kpiDiagnosis"]["edges"]]


async def test_a_manager_reads_what_holds_a_guide_back(ground: Ground, world: World) -> None:
    [node] = nodes(await ask(ground, world.shop.manager, ASKED, staff=str(world.shop.guide.id), adjusted=True))

    assert node["guide"] == {"id": str(world.shop.guide.id)}
    assert (node["wasAtWork"], node["peerKind"], node["peers"]) == (True, "SAME_SIZE", 5)
    assert (node["weakest"], node["cause"], node["says"]) == ("SHARE_RATE", "MOTIVATION", SAYS)
    assert node["handed"] == {"orders": 0, "gross": 0, "refunds": 0, "tasksDue": 0, "contactsDue": 0}
    sharing = node["sharing"]
    assert (sharing["brought"], sharing["expected"]) == (40_000, 400_000)
    assert sum(step["shortfall"] for step in sharing["steps"]) == 360_000
    first, last = sharing["steps"][0], sharing["steps"][-1]
    assert (first["own"], first["peers"], first["sample"], first["isSmall"]) == (0.05, 0.5, 20, True)
    assert first["standing"] == "BELOW"
    assert 0 <= first["lowest"] < 0.05 < first["highest"] < 0.5
    assert (last["step"], last["standing"], last["lowest"]) == ("GROSS_PER_ORDER", None, None)
    assert sum(step["shortfall"] for step in node["tasks"]["steps"]) == 0


async def test_the_sentence_is_in_the_readers_language(ground: Ground, world: World) -> None:
    asked = context(ground, world.shop.guide)
    asked.language = "zh"

    answer = await schema.execute(ASKED, {}, asked)

    assert answer.data is not None
    assert "分享太少" in nodes(answer.data)[0]["says"]


async def test_a_store_is_read_page_by_page(ground: Ground, world: World) -> None:
    store = str(world.shop.store.id)
    first = await ask(ground, world.shop.manager, ASKED, store=store, first=1)
    place = first["kpiDiagnosis"]["pageInfo"]
    second = await ask(ground, world.shop.manager, ASKED, store=store, first=1, after=place["endCursor"])

    assert place["hasNextPage"] is True
    assert [node["guide"]["id"] for node in nodes(first) + nodes(second)] == sorted(
        str(guide.id) for guide in world.shop.guides
    )
    assert second["kpiDiagnosis"]["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        ({"from": "1926-03-01", "until": "2026-03-01"}, Invalid),
        ({"from": "2025-01-01", "until": "2026-03-01"}, Invalid),
        ({"from": "2026-03-02", "until": "2026-03-01"}, Invalid),
        ({"staff": NOWHERE}, NotFound),
        ({"staff": "nobody"}, NotFound),
        ({"first": 101}, BadPageSize),
        ({"after": "nowhere"}, BadCursor),
        ({"staff": None}, Invalid),
    ],
)
async def test_bad_input_is_refused(
    ground: Ground, world: World, asked: dict[str, Any], refusal: type[Exception]
) -> None:
    [error] = await refused(ground, world.hq, ASKED, **{"staff": str(world.shop.guide.id)} | asked)

    assert type(error) is refusal
