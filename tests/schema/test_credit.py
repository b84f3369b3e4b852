"""Who earned orders, in GraphQL: rules, decisions in words, corrections, flags, and what one earned elsewhere."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models import Order
from schema.root import schema
from tests.asking import ask, context
from tests.factories import World, build_customer, build_world
from tests.mall.earning import build_share, correct, credits, days_ago
from tests.mall.trading import place, refund
from tests.statements import statements

RULES = "{ creditRules { version editedAt rules { kind days shares { party points } } } }"
CHANGE = """
mutation ($rules: [CreditRuleInput!]!, $version: Int) { changeCreditRules(rules: $rules, expectedVersion: $version) {
  ... on CreditRulesChanged { creditRules { version rules { kind days shares { party points } } } }
  ... on Problem { code message index current { version } } } }"""
CORRECT = """
mutation ($order: ID!, $parts: [CreditPartInput!]!, $reason: String!, $version: Int) {
  correctCredit(orderId: $order, parts: $parts, reason: $reason, expectedVersion: $version) {
    ... on OrderChanged { order { version credits { reason points amount account { id } } } places { feed } }
    ... on Problem { code message index current { version } } } }"""
HISTORY = """
query ($id: ID!) { order(id: $id) { creditHistory {
  turn words by { name } rules { rule isApplied says account { id } }
  credits { reason points amount account { id } } } } }"""
PARTS = [
    "isOffHours isCrossCity",
    "share { code store { id } opens }",
    "answeredAt answeredBy { id }",
    "credits { account { id } }",
    "creditHistory { rules { says } credits { account { id } } }",
    "creditHistory { by { id } }",
]


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def shared(ground: Ground, world: World, **values: Any) -> Order:
    """An order of the first guide's customer that came through the other guide's link."""
    customer = await build_customer(ground, world.shop.guide)
    link = await build_share(ground, world.shop.other_guide, days_ago(3))
    return await place(ground, world, customer, share_code=link.code, **values)


async def history(ground: Ground, actor: Actor, order: Order, language: str = "en") -> list[dict[str, Any]]:
    answer = await schema.execute(HISTORY, {"id": str(order.id)}, replace(context(ground, actor), language=language))
    assert answer.data is not None, answer.errors
    found: list[dict[str, Any]] = answer.data["order"]["creditHistory"]
    return found


async def test_the_usual_rules_are_version_nought_and_hq_changes_them(ground: Ground, world: World) -> None:
    usual = (await ask(ground, world.shop.guide, RULES))["creditRules"]
    assert (usual["version"], usual["editedAt"]) == (0, None)
    assert [(each["kind"], each["days"]) for each in usual["rules"]] == [
        ("SHARE", 7),
        ("NAMED", None),
        ("HOLDER", None),
        ("STORE", None),
    ]
    rules = [{"kind": "SHARE", "days": 30, "shares": [{"party": "SHARER", "points": 10_000}]}, {"kind": "STORE"}]

    changed = (await ask(ground, world.hq, CHANGE, rules=rules, version=0))["changeCreditRules"]["creditRules"]
    stale = (await ask(ground, world.hq, CHANGE, rules=rules, version=0))["changeCreditRules"]
    forbidden = (await ask(ground, world.shop.manager, CHANGE, rules=rules))["changeCreditRules"]

    assert (changed["version"], [each["days"] for each in changed["rules"]]) == (1, [30, None])
    assert (stale["code"], stale["current"]) == ("STALE_VERSION", {"version": 1})
    assert forbidden["code"] == "FORBIDDEN"


async def test_a_refusal_of_rules_names_the_place(ground: Ground, world: World) -> None:
    wrong = [{"kind": "HOLDER"}, {"kind": "SHARE", "days": 0}, {"kind": "STORE"}]

    problem = (await ask(ground, world.hq, CHANGE, rules=wrong))["changeCreditRules"]

    assert (problem["code"], problem["index"]) == ("CREDIT_RULES_WRONG", 1)
    assert problem["message"] == "rules[1].days: from 1 to 90."
    assert (await ask(ground, world.hq, RULES))["creditRules"]["version"] == 0


async def test_a_decision_says_of_each_rule_why_in_the_readers_language(ground: Ground, world: World) -> None:
    order = await shared(ground, world)

    [en] = await history(ground, world.shop.manager, order)
    [zh] = await history(ground, world.shop.guide, order, "zh")

    assert [(each["rule"], each["isApplied"]) for each in en["rules"]] == [
        ("SHARE", True),
        ("NAMED", False),
        ("HOLDER", False),
        ("STORE", False),
    ]
    assert en["rules"][0]["says"] == "It came through a guide's link that was made or opened 2 days before (within 7)."
    assert zh["rules"][0]["says"].startswith("通过导购的分享链接下单")
    assert zh["rules"][1]["says"] == "前面的规则已确定归属，未再判断。"
    other = str(world.shop.other_guide.account_ids[0])
    assert en["credits"] == [{"reason": "SHARE", "points": 10_000, "amount": 19_900, "account": {"id": other}}]


async def test_a_correction_shows_its_author_and_their_words(ground: Ground, world: World) -> None:
    order = await shared(ground, world)
    given = {"order": str(order.id), "reason": "顾客说是同事接待的", "version": 1}
    parts = [{"accountId": str(world.shop.guide.account_ids[0]), "points": 2_500}, {"store": True, "points": 7_500}]

    done = (await ask(ground, world.shop.manager, CORRECT, parts=parts, **given))["correctCredit"]
    stale = (await ask(ground, world.shop.manager, CORRECT, parts=parts, **given))["correctCredit"]
    _, last = await history(ground, world.shop.manager, order)

    assert [(each["reason"], each["points"], each["amount"]) for each in done["order"]["credits"]] == [
        ("CORRECTED", 2_500, 4_975),
        ("CORRECTED", 7_500, 14_925),
    ]
    assert done["places"]
    assert (stale["code"], stale["current"]) == ("STALE_VERSION", {"version": 2})
    assert (last["turn"], last["words"], last["rules"]) == (2, "顾客说是同事接待的", [])
    assert last["by"]["name"].endswith("-1-M")


@pytest.mark.parametrize("part", [{"points": 10_000}, {"points": 10_000, "store": True, "accountId": "x"}])
async def test_a_part_is_an_accounts_or_the_stores(ground: Ground, world: World, part: dict[str, Any]) -> None:
    order = await shared(ground, world)

    answer = await ask(ground, world.hq, CORRECT, order=str(order.id), parts=[part], reason="不清楚")

    assert answer["correctCredit"]["code"] == "INVALID"
    assert answer["correctCredit"]["message"] == "parts[0]: an account, or the store."


async def test_whoever_earned_it_elsewhere_is_told_of_their_part_and_of_nothing_else(
    ground: Ground, world: World
) -> None:
    order = await shared(ground, world)
    await refund(ground, world, order.id, amount=900)
    for holder in (world.shop.guide, world.shop.other_guide):  # who earned what they see is told of that
        await place(ground, world, await build_customer(ground, holder))
    snapshot = """{ snapshot(first: 500, types: [CREDIT]) { items { entityType id version relationshipId node {
      ... on Credit { reason points amount refunded orderNumber orderAmount orderState currency article store { id }
        account { id } order { id } } } } } }"""

    mine = (await ask(ground, world.shop.other_guide, snapshot))["snapshot"]["items"]

    [credit] = await credits(ground, order)
    [item] = mine
    assert (item["entityType"], item["id"], item["version"], item["relationshipId"]) == (
        "CREDIT",
        str(credit.id),
        2,
        None,
    )
    assert item["node"] == {
        "reason": "SHARE",
        "points": 10_000,
        "amount": 19_900,
        "refunded": 900,
        "orderNumber": order.number,
        "orderAmount": 19_900,
        "orderState": "PAID",
        "currency": "CNY",
        "article": "羊绒衫",
        "store": {"id": str(world.shop.store.id)},
        "account": {"id": str(world.shop.other_guide.account_ids[0])},
        "order": None,
    }
    for who in (world.shop.guide, world.shop.manager, world.shops[1].guide, world.east_manager, world.hq):
        assert (await ask(ground, who, snapshot))["snapshot"]["items"] == []
    assert (await ask(ground, world.shop.other_guide, HISTORY, id=str(order.id)))["order"] is None


async def test_flags_go_by_the_store_and_the_order(ground: Ground, world: World) -> None:
    world.shop.store.city = "上海"
    async with ground.db.write() as session:
        await session.merge(world.shop.store)
    night = (clock.now() - timedelta(days=3)).replace(hour=18, minute=0)  # two in the morning in Shanghai
    flags = "query ($id: ID!) { order(id: $id) { isOffHours isCrossCity } }"
    found = [
        (await ask(ground, world.hq, flags, id=str((await place(ground, world, **given)).id)))["order"]
        for given in (
            {"placed_at": night, "city": "苏州"},
            {"placed_at": night + timedelta(hours=12), "city": "上海市"},
            {"placed_at": night},
        )
    ]

    assert found == [
        {"isOffHours": True, "isCrossCity": True},
        {"isOffHours": False, "isCrossCity": False},
        {"isOffHours": True, "isCrossCity": None},
    ]


async def test_an_order_shows_the_link_that_it_came_through_to_whoever_may_see_both(
    ground: Ground, world: World
) -> None:
    share = "query ($id: ID!) { order(id: $id) { number share { code account { id } } } }"
    came, alone = await shared(ground, world), await place(ground, world)

    async def shown(who: Actor, order: Order) -> Any:
        found = (await ask(ground, who, share, id=str(order.id)))["order"]
        return found and found["share"]

    link = await shown(world.shop.manager, came)

    assert link["account"] == {"id": str(world.shop.other_guide.account_ids[0])}
    assert [await shown(who, came) for who in (world.hq, world.east_manager)] == [link, link]
    assert await shown(world.shop.guide, came) is None  # the order is theirs, the link is not
    assert await shown(world.shop.other_guide, came) is None  # the link is theirs, the order is not
    assert await shown(world.shops[1].manager, came) is None
    assert await shown(world.shop.manager, alone) is None


@pytest.mark.parametrize("part", PARTS)
async def test_one_order_and_three_take_the_same_number_of_statements(ground: Ground, world: World, part: str) -> None:
    counts = []
    for more in (1, 2):
        for _ in range(more):
            order = await shared(ground, world, city="苏州")
            await correct(ground, world.hq, order, (world.shop.other_guide, 5_000), (None, 5_000))
            async with unit_of_work(ground, world.shop.guide) as work:
                await commands.answer_order(work, order.id)
        with statements(ground) as sent:
            await ask(ground, world.shop.manager, f"{{ orders(first: 10) {{ edges {{ node {{ {part} }} }} }} }}")
        counts.append(len(sent))

    assert counts[0] == counts[1]


async def test_what_one_earned_is_read_in_one_statement_however_much_it_is(ground: Ground, world: World) -> None:
    counts = []
    for more in (1, 2):
        for _ in range(more):
            await shared(ground, world)
        with statements(ground) as sent:
            await ask(
                ground,
                world.shop.other_guide,
                "{ snapshot(first: 9, types: [CREDIT]) { items { node { ... on Credit { article refunded } } } } }",
            )
        counts.append(len(sent))

    assert counts[0] == counts[1]
