"""Revisit rules, plan settings, and what rules need to know, through GraphQL."""

from typing import Any

from kernel.work import Ground
from mall.models import Channel, OrderState
from tasks.models import Trigger
from tests.asking import ask
from tests.factories import build_customer, build_world
from tests.mall.trading import place
from tests.statements import statements
from tests.tagging.labels import build_group, build_tag
from tests.tasks.revisiting import build_rule

ADD = """mutation ($input: RevisitRuleInput!) { addRevisitRule(input: $input) {
    ... on RevisitRuleChanged { places { seq } rule { id version state trigger days windowDays category title
        suggestedWords priority weight liveAt retiredAt tags { name } segment { name } by { id } } }
    ... on Problem { code message } } }"""
CHANGE = """mutation ($id: ID!, $version: Int) { %s(id: $id, expectedVersion: $version) {
    ... on RevisitRuleChanged { rule { state version } } ... on Problem { code current { id version } } } }"""
LIST = """query ($first: Int!, $state: RevisitRuleState) { revisitRules(first: $first, state: $state) {
    edges { node { name state tags { name } segment { name } by { number } } } pageInfo { hasNextPage } } }"""
SETTING = """query ($store: ID) { planSetting(storeId: $store) {
    version quota plansAt store { code } } }"""
SET = """mutation ($store: ID, $input: PlanSettingInput!, $version: Int) {
    setPlanSetting(storeId: $store, input: $input, expectedVersion: $version) {
    ... on PlanSettingChanged { setting { version quota plansAt isOn store { code } } }
    ... on Problem { code message current { version } } } }"""
DROP = """mutation ($store: ID!) { dropPlanSetting(storeId: $store) {
    ... on PlanSettingChanged { setting { version quota store { code } } } ... on Problem { code } } }"""
TIER = """mutation { editCustomer(id: "%s", %s) {
    ... on CustomerChanged { customer { tier tierUntil } } ... on Problem { code message } } }"""


async def test_hq_writes_a_rule_and_lets_it_plan_pause_and_rest(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "通勤")
    said = {
        "name": "新品",
        "trigger": "NEW_ARRIVALS",
        "title": "有新品",
        "windowDays": 14,
        "category": "连衣裙",
        "tagIds": [str(tag.id)],
        "suggestedWords": "拍给您看看？",
        "weight": 2,
    }

    added = (await ask(ground, world.hq, ADD, input=said))["addRevisitRule"]
    rule = added["rule"]
    states = [
        (await ask(ground, world.hq, CHANGE % name, id=rule["id"]))[name]["rule"]["state"]
        for name in ("startRevisitRule", "pauseRevisitRule", "startRevisitRule", "retireRevisitRule")
    ]
    stale = (await ask(ground, world.hq, CHANGE % "pauseRevisitRule", id=rule["id"], version=1))["pauseRevisitRule"]
    refused = (await ask(ground, world.shop.manager, ADD, input=said))["addRevisitRule"]

    assert rule == {
        "id": rule["id"],
        "version": 1,
        "state": "DRAFT",
        "trigger": "NEW_ARRIVALS",
        "days": 0,
        "windowDays": 14,
        "category": "连衣裙",
        "title": "有新品",
        "suggestedWords": "拍给您看看？",
        "priority": 50,
        "weight": 2,
        "liveAt": None,
        "retiredAt": None,
        "tags": [{"name": "通勤"}],
        "segment": None,
        "by": {"id": str(world.hq.id)},
    }
    assert states == ["LIVE", "PAUSED", "LIVE", "RETIRED"]
    assert stale == {"code": "STALE_VERSION", "current": {"id": rule["id"], "version": 5}}
    assert refused["code"] == "FORBIDDEN"


async def test_what_a_trigger_doesnt_take_is_said(ground: Ground) -> None:
    world = await build_world(ground)
    wrong: dict[str, Any] = {"name": "生日", "trigger": "BIRTHDAY_MONTH", "title": "生日", "days": 3, "windowDays": 5}

    problem = (await ask(ground, world.hq, ADD, input=wrong))["addRevisitRule"]

    assert problem == {"code": "INVALID", "message": "windowDays: rules with this trigger take none."}


async def test_everybody_reads_the_rules_and_any_number_takes_as_many_statements(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "通勤")
    for _ in range(3):
        await build_rule(ground, world, Trigger.STALE_TAG, tag_ids=[str(tag.id)], by_staff_id=world.hq.id)

    counts = []
    for first in (1, 3):
        with statements(ground) as sent:
            found = (await ask(ground, world.shop.guide, LIST, first=first))["revisitRules"]
        assert [edge["node"]["tags"] for edge in found["edges"]] == [[{"name": "通勤"}]] * first
        assert found["pageInfo"]["hasNextPage"] is (first < 3)
        counts.append(len(sent))

    assert counts[0] == counts[1]
    paused = (await ask(ground, world.shop.guide, LIST, first=3, state="PAUSED"))["revisitRules"]
    assert paused["edges"] == []


async def test_a_brand_from_before_there_were_rules_takes_those_to_begin_with_once(ground: Ground) -> None:
    world = await build_world(ground)
    begin = """mutation { addStarterRules { ... on StarterRulesAdded { rules { trigger state } }
        ... on Problem { code } } }"""

    added = (await ask(ground, world.hq, begin))["addStarterRules"]["rules"]
    again = (await ask(ground, world.hq, begin))["addStarterRules"]

    assert [rule["trigger"] for rule in added] == [trigger.name for trigger in Trigger]
    assert again == {"code": "HAS_RULES"}


async def test_managers_say_how_their_store_plans_and_take_it_back(ground: Ground) -> None:
    world = await build_world(ground)
    here, far = str(world.shop.store.id), str(world.shops[2].store.id)
    manager, code = world.shop.manager, {"code": world.shop.store.code}

    before = (await ask(ground, world.shop.guide, SETTING, store=here))["planSetting"]
    own = (await ask(ground, manager, SET, store=here, input={"quota": 5, "isOn": False}, version=0))["setPlanSetting"]
    wrong = (await ask(ground, manager, SET, store=here, input={"quota": 51}))["setPlanSetting"]
    stale = (await ask(ground, manager, SET, store=here, input={"quota": 6}, version=0))["setPlanSetting"]
    brand = (await ask(ground, world.hq, SET, input={"quota": 9}))["setPlanSetting"]["setting"]
    dropped = (await ask(ground, manager, DROP, store=here))["dropPlanSetting"]["setting"]
    again = (await ask(ground, manager, DROP, store=here))["dropPlanSetting"]

    assert before == {"version": 0, "quota": 8, "plansAt": "06:00", "store": None}
    assert own["setting"] == {"version": 1, "quota": 5, "plansAt": "06:00", "isOn": False, "store": code}
    assert wrong == {"code": "INVALID", "message": "quota: from 0 to 50.", "current": None}
    assert (stale["code"], stale["current"]) == ("STALE_VERSION", {"version": 1})
    assert (brand["quota"], brand["store"]) == (9, None)
    assert (dropped["quota"], dropped["store"], again) == (9, None, {"code": "NOT_FOUND"})
    for store in (far, "nonsense"):
        assert (await ask(ground, manager, SETTING, store=store))["planSetting"] is None
        assert (await ask(ground, manager, SET, store=store, input={}))["setPlanSetting"]["code"] == "NOT_FOUND"
    assert (await ask(ground, manager, SETTING))["planSetting"]["quota"] == 9


async def test_what_is_usual_is_shown_when_a_store_gives_up_its_own(ground: Ground) -> None:
    world = await build_world(ground)
    here = str(world.shop.store.id)
    await ask(ground, world.shop.manager, SET, store=here, input={"quota": 5})

    dropped = (await ask(ground, world.shop.manager, DROP, store=here))["dropPlanSetting"]["setting"]

    assert dropped == {"version": 0, "quota": 8, "store": None}


async def test_a_tier_has_a_last_day_that_another_tier_forgets(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide, tier="金卡")

    async def edit(changes: str) -> dict[str, Any]:
        answer = (await ask(ground, world.shop.guide, TIER % (customer.id, changes)))["editCustomer"]
        changed: dict[str, Any] = answer.get("customer", answer)
        return changed

    assert await edit('tierUntil: "2026-12-31"') == {"tier": "金卡", "tierUntil": "2026-12-31"}
    assert await edit('tier: "金卡", city: "上海"') == {"tier": "金卡", "tierUntil": "2026-12-31"}
    assert await edit('tierUntil: "1999-12-31"') == {
        "code": "INVALID",
        "message": "tierUntil: from 2000 to 2199.",
    }
    assert await edit('tier: "钻石"') == {"tier": "钻石", "tierUntil": None}
    assert await edit('tier: "黑卡", tierUntil: "2027-01-31"') == {"tier": "黑卡", "tierUntil": "2027-01-31"}
    assert await edit("tierUntil: null") == {"tier": "黑卡", "tierUntil": None}


async def test_a_product_keeps_the_day_it_came(ground: Ground) -> None:
    world = await build_world(ground)
    put = """mutation { putProduct(code: "P1", name: "羊绒衫", price: 1%s) {
        ... on ProductChanged { product { listedOn version } } ... on Problem { code } } }"""

    answers = [
        (await ask(ground, world.hq, put % listed))["putProduct"]
        for listed in ("", ', listedOn: "2026-03-01"', "", ', listedOn: "2026-03-05"', ', listedOn: "1800-01-01"')
    ]

    assert [answer.get("product", answer) for answer in answers] == [
        {"listedOn": None, "version": 1},
        {"listedOn": "2026-03-01", "version": 2},
        {"listedOn": "2026-03-01", "version": 2},
        {"listedOn": "2026-03-05", "version": 3},
        {"code": "INVALID"},
    ]


async def test_an_order_says_when_it_reached_the_customer(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    shipped = await place(ground, world, customer, channel=Channel.MINI_MALL)
    bought = await place(ground, world, customer, state=OrderState.COMPLETED)
    complete = """mutation ($id: ID!) { completeOrder(id: $id) {
        ... on OrderChanged { order { state completedAt } } ... on Problem { code } } }"""

    done = (await ask(ground, world.shop.guide, complete, id=str(shipped.id)))["completeOrder"]["order"]
    read = await ask(ground, world.shop.guide, "query ($id: ID!) { order(id: $id) { completedAt } }", id=str(bought.id))

    assert done["state"] == "COMPLETED"
    assert done["completedAt"] is not None
    assert read["order"] == {"completedAt": None}
