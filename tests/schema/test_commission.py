"""Commission in GraphQL: a plan from draft to statement, and what each role may ask."""

from typing import Any

import pytest

from kernel import clock
from kernel.work import Ground
from tests.asking import ask
from tests.factories import World, build_customer, build_world
from tests.mall.commissions import NEXT_MONTH, NOON, WHOLE, buy, draft, product, running, work_off
from tests.mall.trading import place, refund
from tests.statements import statements

ADD = """mutation ($input: CommissionPlanInput!) { addCommissionPlan(input: $input) {
  ... on CommissionPlanChanged { plan { id version state name rates { role category rate } } }
  ... on Problem { code } } }"""
START = """mutation ($id: ID!, $version: Int) { startCommissionPlan(id: $id, expectedVersion: $version) {
  ... on CommissionPlanChanged { plan { state } }
  ... on Problem { code current { ... on CommissionPlan { version state } } } } }"""
PREVIEW = """query ($id: ID!, $from: Date!, $until: Date!) {
  previewCommissionPlan(id: $id, fromDay: $from, untilDay: $until) {
    ... on CommissionPreview { orders amount sums { role category basis amount } } ... on Problem { code } } }"""
STATEMENTS = """query ($period: Date!) { commissionStatements(period: $period) { edges { node {
  period amount basis entries staff { id } store { id } byCategory { role category amount entries } } } } }"""
ENTRIES = """query ($period: Date!, $first: Int, $after: Cursor) {
  commissionEntries(period: $period, first: $first, after: $after) {
    pageInfo { hasNextPage endCursor }
    edges { node { number amount basis rate reason category day period role refundId
      staff { id } plan { name } } } } }"""
TIES = """query ($period: Date!) { commissionReconciliation(period: $period) {
  ... on CommissionReconciliation { period { firstDay lastDay closedAt }
    total { orders refunds net commission statements isTied }
    stores { edges { node { code ties { commission isTied } store { id } } } } untied { number } }
  ... on Problem { code } } }"""
CLOSE = """mutation ($period: Date!) { closeCommissionPeriod(period: $period) {
  ... on CommissionPeriodClosed { period { firstDay lastDay digest } } ... on Problem { code message } } }"""
PERIODS = """{ commissionPeriods { firstDay lastDay closedAt digest }
  commissionSetting { rhythm rhythmFrom closedUntil } }"""
RHYTHM = """mutation ($rhythm: CommissionRhythm!, $version: Int) {
  setCommissionRhythm(rhythm: $rhythm, expectedVersion: $version) {
    ... on CommissionSettingChanged { setting { version rhythm } }
    ... on Problem { code current { ... on CommissionSetting { version rhythm } } } } }"""


@pytest.fixture
async def world(ground: Ground) -> World:
    world = await build_world(ground)
    await product(ground, world, "S1", "鞋履")
    return world


async def asked(ground: Ground, actor: Any, text: str, **given: Any) -> Any:
    [answer] = (await ask(ground, actor, text, **given)).values()
    return answer


async def test_a_plan_is_drafted_tried_and_started(ground: Ground, world: World) -> None:
    said = {"name": "春季", "fromDay": "2026-03-01", "rates": [{"role": "GUIDE", "category": "鞋履", "rate": 800}]}
    with clock.stopped_at(NOON):
        await buy(ground, world)
        plan = (await asked(ground, world.hq, ADD, input=said))["plan"]
        span = {"from": "2026-04-01", "until": "2026-04-30"}
        seen = await asked(ground, world.hq, PREVIEW, id=plan["id"], **span)
        denied = await asked(ground, world.shop.manager, PREVIEW, id=plan["id"], **span)
        stale = await asked(ground, world.hq, START, id=plan["id"], version=7)
        started = await asked(ground, world.hq, START, id=plan["id"], version=1)

    assert plan["rates"] == said["rates"]
    assert seen == {
        "orders": 1,
        "amount": 2_160,
        "sums": [{"role": "GUIDE", "category": "鞋履", "basis": 27_000, "amount": 2_160}],
    }
    assert denied == {"code": "FORBIDDEN"}
    assert stale == {"code": "STALE_VERSION", "current": {"version": 1, "state": "DRAFT"}}
    assert started == {"plan": {"state": "LIVE"}}


async def test_a_guide_reads_their_statement_and_what_it_is_the_sum_of(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world)
        await refund(ground, world, order.id, amount=9_000)
        guide = world.shop.guide

        [edge] = (await asked(ground, guide, STATEMENTS, period="2026-04-09"))["edges"]
        first = await asked(ground, guide, ENTRIES, period="2026-04-09", first=3)
        rest = await asked(ground, guide, ENTRIES, period="2026-04-09", first=3, after=first["pageInfo"]["endCursor"])

    statement, entries = edge["node"], [each["node"] for each in (*first["edges"], *rest["edges"])]
    assert (statement["staff"], statement["store"]) == ({"id": str(guide.id)}, {"id": str(guide.store_id)})
    assert statement["amount"] == sum(entry["amount"] for entry in entries)
    assert statement["basis"] == sum(entry["basis"] for entry in entries) == 27_000
    assert statement["entries"] == len(entries) == 4
    assert sum(each["amount"] for each in statement["byCategory"]) == statement["amount"]
    assert {(entry["number"], entry["day"], entry["period"]) for entry in entries} == {
        (order.number, "2026-04-10", "2026-04-01")
    }
    assert [entry["reason"] for entry in entries] == ["ACCRUAL"] * 2 + ["REVERSAL"] * 2
    assert {entry["plan"]["name"] for entry in entries} == {"春季佣金"}
    assert {entry["staff"]["id"] for entry in entries} == {str(guide.id)}


async def test_headquarters_reconciles_and_closes_and_then_it_stays_as_it_is(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        await running(ground, world)
        await buy(ground, world)
        early = await asked(ground, world.hq, CLOSE, period="2026-04-01")
    with clock.stopped_at(NEXT_MONTH):
        ties = await asked(ground, world.hq, TIES, period="2026-04-30")
        denied = [
            await asked(ground, actor, text, period="2026-04-01")
            for actor in (world.shop.manager, world.shop.guide)
            for text in (TIES, CLOSE)
        ]
        closed = await asked(ground, world.hq, CLOSE, period="2026-04-01")
        await work_off(ground)
        again = await asked(ground, world.hq, CLOSE, period="2026-04-01")
        listed = await ask(ground, world.hq, PERIODS)
        after = await asked(ground, world.hq, TIES, period="2026-04-30")

    assert early["code"] == "COMMISSION_PERIOD_NOT_OVER"
    assert denied == [{"code": "FORBIDDEN"}, {"code": "FORBIDDEN", "message": denied[1].get("message")}] * 2
    assert closed == {"period": {"firstDay": "2026-04-01", "lastDay": "2026-04-30", "digest": None}}
    assert again["code"] == "COMMISSION_PERIOD_CLOSED"
    assert ties["total"] == after["total"]
    assert ties["total"] == {
        "orders": 37_000,
        "refunds": 0,
        "net": 37_000,
        "commission": 2_970,
        "statements": 2_970,
        "isTied": True,
    }
    assert [each["node"]["ties"]["commission"] for each in ties["stores"]["edges"]] == [2_970, 0, 0]
    assert ties["untied"] == []
    assert after["period"]["closedAt"]
    assert [each["firstDay"] for each in listed["commissionPeriods"]] == ["2026-05-01", "2026-04-01"]
    assert [bool(each["digest"]) for each in listed["commissionPeriods"]] == [False, True]
    assert listed["commissionSetting"]["closedUntil"] == "2026-04-30"


async def test_who_says_the_rhythm_of_an_older_setting_is_shown_the_newer(ground: Ground, world: World) -> None:
    said = await asked(ground, world.hq, RHYTHM, rhythm="QUARTERLY")
    stale = await asked(ground, world.hq, RHYTHM, rhythm="MONTHLY", version=1)

    assert said == {"setting": {"version": 2, "rhythm": "QUARTERLY"}}
    assert stale == {"code": "STALE_VERSION", "current": {"version": 2, "rhythm": "QUARTERLY"}}


LISTS = {
    "commissionPlans(first: $first)": "edges { node { name rates { rate } } }",
    "commissionStatements(period: $period, first: $first)": "edges { node { staff { name } store { code } amount } }",
    "commissionEntries(period: $period, first: $first)": (
        "edges { node { staff { name } store { code } plan { name } amount } }"
    ),
    "commissionReconciliation(period: $period, first: $first)": (
        "... on CommissionReconciliation { stores { edges { node { code store { name } } } } }"
    ),
}


async def test_one_row_and_three_take_the_same_statements(ground: Ground, world: World) -> None:
    with clock.stopped_at(NOON):
        for guide in world.shop.guides:
            await place(ground, world, await build_customer(ground, guide), **WHOLE)
        await running(ground, world)
        for _ in range(2):
            await draft(ground, world)
        for name, part in LISTS.items():
            takes_period = "$period: Date!, " if "$period" in name else ""
            document = f"query ({takes_period}$first: Int!) {{ {name} {{ {part} }} }}"
            given = {"period": "2026-04-30"} if takes_period else {}
            counts = []
            for first in (1, 3):
                with statements(ground) as sent:
                    shown = await asked(ground, world.hq, document, first=first, **given)
                assert len(shown.get("stores", shown)["edges"]) == first, name
                counts.append(len(sent))
            assert counts[0] == counts[1], name
