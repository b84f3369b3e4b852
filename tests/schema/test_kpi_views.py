"""Figures through GraphQL: what is shown of them, to whom, and what is refused."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from kernel import clock
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.pages import BadCursor, BadPageSize
from kernel.work import Ground
from kpi.models import KpiTurn
from kpi.models.definitions import DEFINITIONS, Figure
from schema.kpi import following
from schema.root import schema
from tests.asking import ask, context, refused
from tests.factories import World, build_customer, build_world
from tests.kpi.test_every_change import count_all
from tests.kpi.test_tiles import NOW
from tests.mall.trading import place, refund, till
from tests.scenarios.documents import GRAPH
from tests.statements import statements

NOWHERE = "0190a5e2-0000-7000-8000-000000000000"
RANKING = """
query ($by: KpiRankedBy!, $figure: KpiFigure = GROSS, $from: Date = "2026-03-01", $until: Date = "2026-03-31",
       $regionId: ID, $storeId: ID, $channel: Channel, $source: String, $also: [KpiFigure!],
       $ascending: Boolean = false, $first: Int = 20, $after: Cursor) {
  kpiRanking(by: $by, figure: $figure, fromDay: $from, untilDay: $until, regionId: $regionId, storeId: $storeId,
             channel: $channel, source: $source, also: $also, ascending: $ascending, first: $first, after: $after) {
    edges { node { position value share sample isSmall figures { figure value sample isSmall }
                   previous { position change value } tags { coverage staleShare }
                   region { code } store { code } guide { number } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
TOTALS = """
query ($figures: [KpiFigure!]!, $storeId: ID, $channel: Channel, $from: Date = "2026-03-01",
       $until: Date = "2026-03-31") {
  kpiTotals(figures: $figures, fromDay: $from, untilDay: $until, storeId: $storeId, channel: $channel) {
    figure value sample isSmall
  }
}
"""
SERIES = """
query ($span: KpiSpan!) {
  kpiSeries(figures: [GROSS], span: $span, fromDay: "2026-03-28", untilDay: "2026-03-31") {
    firstDay lastDay figures { value }
  }
}
"""
CUSTOMERS = """
query ($storeId: ID, $staffId: ID, $first: Int = 20, $after: Cursor) {
  kpiCustomers(storeId: $storeId, staffId: $staffId, fromDay: "2026-03-01", untilDay: "2026-03-31", first: $first,
               after: $after) {
    edges { node { orders gross refunds net customer { id name } } }
    pageInfo { hasNextPage endCursor }
  }
}
"""
ORDERS = """
query ($customerId: ID!) {
  orders(filter: { customerId: $customerId, fromDay: "2026-03-01", untilDay: "2026-03-31" }) {
    edges { node { amount } }
  }
}
"""
MINE = """
query ($figure: KpiFigure!) {
  kpiMyPosition(figure: $figure, fromDay: "2026-03-01", untilDay: "2026-03-31") {
    inStore { value position of } inBrand { value position of }
  }
}
"""
CHANGED = "subscription { kpiChanged }"


async def _traded(ground: Ground) -> World:
    """The first guide sold 300 and 101, of which 1 went back; a colleague 200; the second shop 50."""
    world = await build_world(ground)
    first, other = await build_customer(ground, world.shop.guide), await build_customer(ground, world.shop.other_guide)
    await place(ground, world, first, amount=300)
    sold = await place(ground, world, first, amount=101)
    await refund(ground, world, sold.id, amount=1)
    await place(ground, world, other, amount=200)
    await place(ground, world, store_id=world.shops[1].store.id, amount=50)
    await count_all(ground, world.brand.id)
    return world


def _nodes(connection: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge["node"] for edge in connection["edges"]]


async def _ranked(ground: Ground, actor: Actor, by: str, **variables: Any) -> list[dict[str, Any]]:
    return _nodes((await ask(ground, actor, RANKING, by=by, **variables))["kpiRanking"])


async def test_a_line_has_all_that_a_page_shows(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)

        [first, second, third] = await _ranked(ground, world.hq, "STORE", also=["AVERAGE_BASKET", "NET"])

    assert first == {
        "position": 1,
        "value": 601.0,
        "share": 601 / 651,
        "sample": None,
        "isSmall": False,
        "figures": [
            {"figure": "AVERAGE_BASKET", "value": 200.0, "sample": 3, "isSmall": True},
            {"figure": "NET", "value": 600.0, "sample": None, "isSmall": False},
        ],
        "previous": {"position": 1, "change": 0, "value": 0.0},
        "tags": {"coverage": 0.0, "staleShare": None},
        "region": None,
        "store": {"code": "qinghe-1"},
        "guide": None,
    }
    assert (second["position"], second["previous"]) == (2, {"position": 1, "change": -1, "value": 0.0})
    assert (third["position"], third["value"], third["share"]) == (3, 0.0, 0.0)
    assert third["figures"][0] == {"figure": "AVERAGE_BASKET", "value": None, "sample": 0, "isSmall": True}


async def test_guides_and_regions_are_named_as_such(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)

        guides = await _ranked(ground, world.shop.manager, "GUIDE")
        regions = await _ranked(ground, world.hq, "REGION")

    assert [(each["guide"], each["store"], each["value"]) for each in guides] == [
        ({"number": "qinghe-1-G1"}, None, 401.0),
        ({"number": "qinghe-1-G2"}, None, 200.0),
    ]
    assert guides[0]["tags"] == {"coverage": 0.0, "staleShare": None}
    assert [(each["region"], each["tags"], each["value"]) for each in regions] == [
        ({"code": "east"}, None, 651.0),
        ({"code": "north"}, None, 0.0),
    ]


async def test_a_ranking_is_read_page_by_page(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)
        whole = [each["store"]["code"] for each in await _ranked(ground, world.hq, "STORE")]

        walked, after = [], None
        for _ in whole:
            page = (await ask(ground, world.hq, RANKING, by="STORE", first=1, after=after))["kpiRanking"]
            walked += [each["store"]["code"] for each in _nodes(page)]
            after = page["pageInfo"]["endCursor"]

    assert walked == whole
    assert not page["pageInfo"]["hasNextPage"]


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"from": "2026-03-02", "until": "2026-03-01"}, Invalid),
        ({"from": "1926-03-01"}, Invalid),
        ({"from": "2025-03-30"}, Invalid),
        ({"first": 0}, BadPageSize),
        ({"first": 101}, BadPageSize),
        ({"after": "nonsense"}, BadCursor),
        ({"after": "WzFd"}, BadCursor),
        ({"figure": "LINKS", "channel": "POS"}, Invalid),
        ({"also": ["COMMISSION"], "source": "pos"}, Invalid),
        ({"storeId": NOWHERE}, NotFound),
        ({"storeId": "nonsense"}, NotFound),
        ({"regionId": NOWHERE}, NotFound),
    ],
    ids=str,
)
async def test_what_cant_be_asked_is_refused(ground: Ground, given: dict[str, Any], refusal: type[Exception]) -> None:
    world = await build_world(ground)

    [error] = await refused(ground, world.hq, RANKING, by="STORE", **given)

    assert type(error) is refusal


async def test_a_figure_that_there_is_none_of_is_no_valid_document(ground: Ground) -> None:
    world = await build_world(ground)

    answer = await schema.execute(RANKING, {"by": "STORE", "figure": "PROFIT"}, context(ground, world.hq))

    assert answer.data is None
    assert answer.errors
    assert "PROFIT" in answer.errors[0].message


async def test_guides_are_shown_their_own_and_machines_what_they_may(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)
        figures = {"figures": ["GROSS", "REFUNDS", "GROSS"]}

        mine = (await ask(ground, world.shop.guide, TOTALS, **figures))["kpiTotals"]
        place_ = (await ask(ground, world.shop.other_guide, MINE, figure="GROSS"))["kpiMyPosition"]
        of_all = (await ask(ground, till(world, "reports:read"), TOTALS, **figures))["kpiTotals"]
        for actor, document, given in (
            (world.shop.guide, RANKING, {"by": "GUIDE"}),
            (till(world), RANKING, {"by": "STORE"}),
            (till(world), TOTALS, figures),
            (till(world), SERIES, {"span": "DAY"}),
            (till(world), CUSTOMERS, {"storeId": str(world.shop.store.id)}),
            (world.hq, MINE, {"figure": "GROSS"}),
        ):
            [error] = await refused(ground, actor, document, **given)
            assert isinstance(error, Forbidden), document

    assert [(each["figure"], each["value"]) for each in mine] == [("GROSS", 401.0), ("REFUNDS", 1.0)]
    assert [(each["figure"], each["value"]) for each in of_all] == [("GROSS", 651.0), ("REFUNDS", 1.0)]
    assert place_ == {
        "inStore": {"value": 200.0, "position": 2, "of": 2},
        "inBrand": {"value": 200.0, "position": 2, "of": 6},
    }


async def test_a_series_says_which_days_each_point_is_about(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)

        points = (await ask(ground, world.shop.manager, SERIES, span="WEEK"))["kpiSeries"]

    assert points == [
        {"firstDay": "2026-03-28", "lastDay": "2026-03-29", "figures": [{"value": 0.0}]},
        {"firstDay": "2026-03-30", "lastDay": "2026-03-31", "figures": [{"value": 601.0}]},
    ]


async def test_from_a_store_one_comes_down_to_a_customers_orders(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)
        store = str(world.shop.store.id)

        page = (await ask(ground, world.shop.manager, CUSTOMERS, storeId=store, first=1))["kpiCustomers"]
        cursor = page["pageInfo"]["endCursor"]
        rest = await ask(ground, world.shop.manager, CUSTOMERS, storeId=store, after=cursor)
        [most] = _nodes(page)
        found = await ask(ground, world.shop.manager, ORDERS, customerId=most["customer"]["id"])

    assert {name: most[name] for name in ("orders", "gross", "refunds", "net")} == {
        "orders": 2,
        "gross": 401,
        "refunds": 1,
        "net": 400,
    }
    assert [each["gross"] for each in _nodes(rest["kpiCustomers"])] == [200]
    assert sorted(each["amount"] for each in _nodes(found["orders"])) == [101, 300]


async def test_lines_take_no_more_statements_however_many_there_are(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)
        sent = []
        for first in (1, 3):
            with statements(ground) as told:
                assert len(await _ranked(ground, world.hq, "STORE", first=first)) == first
            sent.append(len(told))
            with statements(ground) as told:
                assert len(await _ranked(ground, world.hq, "GUIDE", first=first)) == first
            sent.append(len(told))

    assert sent[:2] == sent[2:]


async def test_definitions_say_of_each_figure_what_the_registry_says(ground: Ground) -> None:
    world = await build_world(ground)

    shown = await ask(
        ground,
        world.shop.guide,
        "{ kpiDefinitions { figure name nameZh unit means formula tables caveat isSales } }",
    )

    assert [each["figure"] for each in shown["kpiDefinitions"]] == [figure.name for figure in DEFINITIONS]
    assert shown["kpiDefinitions"][3] == {
        "figure": "NET",
        "name": "Net",
        "nameZh": "净销售额",
        "unit": "MONEY",
        "means": DEFINITIONS[Figure.NET].means,
        "formula": "gross - refunds",
        "tables": ["mall_order", "credit", "refund", "refund_charge"],
        "caveat": None,
        "isSales": True,
    }


def test_each_figure_is_described_in_the_schema_by_its_definition() -> None:
    shown: Any = GRAPH.type_map["KpiFigure"]

    for figure, definition in DEFINITIONS.items():
        description = shown.values[figure.name].description
        for said in (definition.name, definition.name_zh, definition.unit, definition.means, definition.formula):
            assert said in description
        assert all(table in description for table in definition.tables)
        assert (definition.caveat or "") in description


async def test_who_watches_is_told_at_once_and_when_figures_were_counted(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOKS_EVERY", 0.02)
    monkeypatch.setattr(following, "TELLS_EVERY", 0.02)
    world, other = await _traded(ground), await build_world(ground, "other")
    await count_all(ground, other.brand.id)
    told = []

    async with aclosing(await _watch(ground, world.shop.manager)) as stream:
        async with asyncio.timeout(10):
            async for event in stream:
                assert event.errors is None, event.errors
                told.append(event.data["kpiChanged"])
                if len(told) == 3:
                    break
                await _turn(ground, other, told[-1] + 100)
                await _turn(ground, world, told[-1] + 1)

    assert told == [told[0], told[0] + 1, told[0] + 2]


async def test_who_watches_is_told_no_oftener_than_agreed_and_then_of_the_newest(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOKS_EVERY", 0.02)
    monkeypatch.setattr(following, "TELLS_EVERY", 0.5)
    world = await _traded(ground)

    async with aclosing(await _watch(ground, world.shop.manager)) as stream:
        async with asyncio.timeout(10):
            first = (await anext(stream)).data["kpiChanged"]
            began = asyncio.get_running_loop().time()
            for more in (1, 2, 3):
                await _turn(ground, world, first + more)
            second = (await anext(stream)).data["kpiChanged"]

    assert second == first + 3
    assert asyncio.get_running_loop().time() - began >= 0.5


def test_what_somebody_else_read_is_told_soon_enough_for_figures_within_two_seconds() -> None:
    """Counting takes up to a second; what is told may be a look old when the next one is waited for."""
    assert 2 * following.LOOKS_EVERY <= 1


async def test_many_who_watch_take_one_read_a_look(ground: Ground) -> None:
    world = await build_world(ground)
    watching = [await _watch(ground, world.shop.manager) for _ in range(20)]

    with statements(ground) as sent:
        await asyncio.gather(*(anext(stream) for stream in watching))
    for stream in watching:
        await stream.aclose()

    assert len([each for each in sent if "kpi_turn" in each]) == 1


async def test_a_machine_that_may_not_read_reports_is_told_nothing(ground: Ground) -> None:
    world = await build_world(ground)

    async with aclosing(await _watch(ground, till(world))) as stream:
        [answer] = [each async for each in stream]

    assert isinstance(answer.errors[0].original_error, Forbidden)


async def _watch(ground: Ground, actor: Actor) -> Any:
    return await schema.subscribe(CHANGED, {}, context(ground, actor))


async def _turn(ground: Ground, world: World, revision: int) -> None:
    async with ground.db.write() as session:
        await session.execute(update(KpiTurn).where(col(KpiTurn.brand_id) == world.brand.id).values(revision=revision))
