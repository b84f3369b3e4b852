"""Subscriptions and notices through GraphQL; when somebody is told is proved where it is decided."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kernel.errors import Forbidden
from kernel.work import Ground, unit_of_work
from kpi.commands import sending
from kpi.models import WatchKind
from schema.root import schema as graph
from tests.asking import ask, context, refused
from tests.factories import World, build_world
from tests.kpi.watching import at
from tests.mall.trading import till
from tests.statements import statements

NOTICES = """query ($first: Int = 20, $after: Cursor, $seen: Boolean) {
  kpiNotices(first: $first, after: $after, isSeen: $seen) {
  edges { cursor node { id kind day seenAt lines { sentence fromDay variables figures { figure value side line } } } }
  pageInfo { hasNextPage } } }"""
WATCH = """mutation ($kind: KpiWatchKind!, $figures: [KpiFigure!], $side: KpiSide, $line: Float) {
  watchKpi(kind: $kind, figures: $figures, side: $side, line: $line) {
    ... on KpiWatchChanged { watch { id kind figures side line isPaused store { id } } } ... on Problem { code } } }"""
HOOK = """mutation ($url: String!, $secret: String) { setKpiHook(url: $url, secret: $secret) {
  ... on KpiHookChanged { secret hook { url version } } ... on Problem { code } } }"""


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


def line(**told: Any) -> dict[str, Any]:
    return {
        "watch_id": "00000000-0000-0000-0000-000000000001",
        "of": "华东",
        "from_day": "2026-03-03",
        "until_day": "2026-03-03",
        "figures": [told],
        "query": "{ __typename }",
        "variables": {"figures": ["GROSS"]},
    }


async def tell(ground: Ground, world: World, days: int, *lines: dict[str, Any]) -> UUID:
    """Headquarters is told something, so many days after the 4th."""
    async with unit_of_work(ground, world.hq) as work:
        day = at(4).date() + timedelta(days=days)
        told = await sending.tell(work, world.hq.id, WatchKind.DAILY, day, lines)
    assert told
    return told


async def test_a_notice_is_a_sentence_in_the_readers_language(ground: Ground, world: World) -> None:
    lines = [
        line(figure="gross", value=1_234_567.0, previous=None),
        line(figure="share_rate", value=0.5, side="below", line=0.75),
        line(figure="orders", value=3.0, usual_low=10.4, usual_high=22.0),
        {**line(), "figures": [], "alerts": 2},
    ]
    await tell(ground, world, 0, *lines)

    said = {}
    for language in ("en", "zh"):
        asking = context(ground, world.hq)
        asking.language = language
        answer = await graph.execute(NOTICES, {}, asking)
        assert answer.data is not None, answer.errors
        [edge] = answer.data["kpiNotices"]["edges"]
        said[language] = [each["sentence"] for each in edge["node"]["lines"]]

    assert said == {
        "en": [
            "华东, 2026-03-03: Gross CNY 12,345.67 (before: —).",
            "华东, 2026-03-03: Share rate 50.0%, below your line of 75.0%.",
            "华东, 2026-03-03: Orders 3, on Tuesdays usually 10 to 22.",
            "2 warnings of mass deletion: look at the alerts.",
        ],
        "zh": [
            "华东，2026-03-03：销售额 CNY 12,345.67（上期 —）。",
            "华东，2026-03-03：分享率 50.0%，低于您设的 75.0%。",
            "华东，2026-03-03：订单数 3，往常周二为 10 至 22。",
            "有 2 条批量删改提醒，请到“异常提醒”中查看。",
        ],
    }


async def test_notices_come_page_by_page_and_at_the_same_cost(ground: Ground, world: World) -> None:
    taken, told = [], []
    for number in range(3):
        told.append(str(await tell(ground, world, number, line(figure="gross", value=1.0, previous=1.0))))
        with statements(ground) as sent:
            page = (await ask(ground, world.hq, NOTICES))["kpiNotices"]
        taken.append((len(page["edges"]), len(sent)))
    first = (await ask(ground, world.hq, NOTICES, first=2))["kpiNotices"]
    rest = (await ask(ground, world.hq, NOTICES, first=2, after=first["edges"][-1]["cursor"]))["kpiNotices"]

    assert [count for count, _ in taken] == [1, 2, 3]
    assert len({sent for _, sent in taken}) == 1
    assert [edge["node"]["id"] for page in (first, rest) for edge in page["edges"]] == told[::-1]
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    assert (await ask(ground, world.hq, NOTICES, seen=True))["kpiNotices"]["edges"] == []
    assert (await ask(ground, world.shop.manager, NOTICES))["kpiNotices"]["edges"] == []


async def test_a_line_is_said_in_the_figures_unit(ground: Ground, world: World) -> None:
    given = {"kind": "THRESHOLD", "figures": ["SHARE_RATE"], "side": "BELOW", "line": 0.25}

    made = (await ask(ground, world.shop.guide, WATCH, **given))["watchKpi"]["watch"]
    wrong = (await ask(ground, world.shop.guide, WATCH, kind="DAILY"))["watchKpi"]
    listed = (await ask(ground, world.shop.guide, "{ kpiWatches { id line } }"))["kpiWatches"]

    assert {name: made[name] for name in given} == given
    assert wrong == {"code": "INVALID"}
    assert listed == [{"id": made["id"], "line": 0.25}]


async def test_a_secret_is_told_once_and_to_headquarters_alone(ground: Ground, world: World) -> None:
    url = "https://hooks.example.com/x"

    first = (await ask(ground, world.hq, HOOK, url=url))["setKpiHook"]
    second = (await ask(ground, world.hq, HOOK, url=f"{url}/y"))["setKpiHook"]
    local = (await ask(ground, world.hq, HOOK, url="http://127.0.0.1/"))["setKpiHook"]
    shown = [(await ask(ground, actor, "{ kpiHook { url } }"))["kpiHook"] for actor in (world.hq, world.shop.manager)]

    assert first["secret"].startswith("whsec_")
    assert (second["secret"], second["hook"]) == (None, {"url": f"{url}/y", "version": 2})
    assert local == {"code": "INVALID"}
    assert shown == [{"url": f"{url}/y"}, None]


async def test_figures_are_compared_for_whoever_may_read_them(ground: Ground, world: World) -> None:
    text = '{ kpiCompared(figures: [ORDERS], fromDay: "2026-03-04", untilDay: "2026-03-04") { figure value usualLow } }'

    [error] = await refused(ground, till(world), text)
    answer = await ask(ground, till(world, "reports:read"), text)

    assert isinstance(error, Forbidden)
    assert answer == {"kpiCompared": [{"figure": "ORDERS", "value": 0.0, "usualLow": None}]}
