"""Evidence rules and suggestions through GraphQL."""

from typing import Any

from kernel import clock
from kernel.errors import Forbidden
from kernel.work import Ground
from tagging.errors import BadRule
from tagging.models import RuleMode
from tests.asking import ask, refused
from tests.factories import build_customer, build_world
from tests.mall.trading import place
from tests.statements import statements
from tests.tagging.labels import build_group, build_tag
from tests.tagging.ruling import bought, evaluate, live, write

ADD = """mutation ($input: TagRuleInput!) { addTagRule(input: $input) {
    ... on TagRuleChanged { rule { id version state name mode confidence condition enough tag { name } by { id } } }
    ... on Problem { code message } } }"""
START = """mutation ($id: ID!, $version: Int) { startTagRule(id: $id, expectedVersion: $version) {
    ... on TagRuleChanged { rule { state liveAt } } ... on Problem { code current { version } } } }"""
LIST = """query ($first: Int!, $after: Cursor) { tagRules(first: $first, after: $after) {
    edges { node { name condition enough tag { name } } } pageInfo { hasNextPage endCursor } } }"""
PREVIEW = """query ($tag: ID!, $condition: String!) { previewTagRule(tagId: $tag, condition: $condition) {
    customers evaluated isSample wouldSet wouldUnset disagreements unknown examples { name } } }"""
WORDS = "{ behaviourWords { name kind says operators arguments { name kind says default choices } } }"
SUGGESTIONS = """{ tagSuggestions { edges { node { id version reason state tag { name }
    customer { name tagSuggestions { id } } } } } }"""
DECIDE = """mutation ($id: ID!, $version: Int) { %s(id: $id, expectedVersion: $version) {
    ... on TagSuggestionDecided { places { seq }
      suggestion { state decidedBy { id } customer { tags { name setBy } } } }
    ... on Problem { code } } }"""


def said(tag: Any, condition: str, **also: Any) -> dict[str, Any]:
    return {"name": "裙装", "tagId": str(tag.id), "mode": "SET", "condition": condition} | also


async def test_hq_writes_a_rule_tries_it_out_and_lets_it_act(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "爱裙装")
    customer = await build_customer(ground, world.shop.guide)
    await place(ground, world, customer, **bought(("短裙", 10_000), at=clock.now()))
    condition = 'share(name: "裙") >= 0.4'

    tried = (await ask(ground, world.hq, PREVIEW, tag=str(tag.id), condition=condition))["previewTagRule"]
    added = (await ask(ground, world.hq, ADD, input=said(tag, condition, enough="orders>=1")))["addTagRule"]["rule"]
    stale = (await ask(ground, world.hq, START, id=added["id"], version=9))["startTagRule"]
    started = (await ask(ground, world.hq, START, id=added["id"], version=1))["startTagRule"]["rule"]

    assert (tried["customers"], tried["evaluated"], tried["isSample"], tried["wouldSet"]) == (1, 1, False, 1)
    assert (added["state"], added["condition"], added["enough"]) == (
        "DRAFT",
        'share(name: "裙") >= 40%',
        "orders >= 1",
    )
    assert (added["tag"], added["by"]) == ({"name": "爱裙装"}, {"id": str(world.hq.id)})
    assert stale == {"code": "STALE_VERSION", "current": {"version": 1}}
    assert started["state"] == "LIVE"


async def test_what_cant_be_read_says_where(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "爱裙装")

    answer = (await ask(ground, world.hq, ADD, input=said(tag, "orders > 1", enough="oders > 1")))["addTagRule"]
    [error] = await refused(ground, world.hq, PREVIEW, tag=str(tag.id), condition='share(name: "(") > 1%')
    [forbidden] = await refused(ground, world.shop.manager, PREVIEW, tag=str(tag.id), condition="orders > 1")

    assert answer["code"] == "BAD_EXPRESSION"
    assert answer["message"].startswith("enough, line 1, column 1: oders is unknown")
    assert isinstance(error, BadRule)
    assert isinstance(forbidden, Forbidden)


async def test_rules_come_page_by_page_with_as_many_statements_for_three_as_for_one(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "常客")
    counts = []
    for number in (1, 2, 3):
        await write(ground, world, tag, f'orders(store: "qinghe-{number}") >= {number}', name=f"规则{number}")
        if number != 2:
            with statements(ground) as sent:
                page = (await ask(ground, world.hq, LIST, first=3))["tagRules"]
            counts.append(len(sent))
    first = (await ask(ground, world.shop.manager, LIST, first=2))["tagRules"]
    rest = (await ask(ground, world.shop.manager, LIST, first=2, after=first["pageInfo"]["endCursor"]))["tagRules"]
    nothing = (await ask(ground, world.shop.guide, LIST, first=3))["tagRules"]

    assert counts[0] == counts[1]
    assert [edge["node"]["condition"] for edge in page["edges"]] == [
        f'orders(store: "qinghe-{number}") >= {number}' for number in (3, 2, 1)
    ]
    assert (len(first["edges"]), first["pageInfo"]["hasNextPage"], len(rest["edges"])) == (2, True, 1)
    assert nothing["edges"] == []


async def test_the_words_say_what_they_are(ground: Ground) -> None:
    world = await build_world(ground)

    words = {word["name"]: word for word in (await ask(ground, world.hq, WORDS))["behaviourWords"]}

    arguments = {argument["name"]: argument for argument in words["share"]["arguments"]}
    assert (words["share"]["kind"], words["spend"]["kind"]) == ("SHARE", "MONEY")
    assert (arguments["days"]["default"], arguments["channel"]["choices"]) == ("365", ["mini_mall", "pos", "file"])
    assert all(word["says"] and word["operators"] for word in words.values())


async def test_a_guide_decides_on_what_is_suggested_for_their_customers(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    tags = [await build_tag(ground, world, group, name) for name in ("爱裙装", "常客")]
    customer = await build_customer(ground, world.shop.guide, "李娜")
    await place(ground, world, customer, **bought(("短裙", 10_000)))
    await live(ground, world, tags[0], 'share(name: "裙") >= 40%', mode=RuleMode.SUGGEST, name="裙装")
    await live(ground, world, tags[1], "orders >= 1", mode=RuleMode.SUGGEST, name="常客")
    await evaluate(ground, customer)

    mine = await ask(ground, world.shop.guide, SUGGESTIONS)
    others = await ask(ground, world.shop.other_guide, SUGGESTIONS)
    nodes = [edge["node"] for edge in mine["tagSuggestions"]["edges"]]
    by_tag = {node["tag"]["name"]: node for node in nodes}
    answers = [
        (await ask(ground, actor, DECIDE % mutation, id=by_tag[tag]["id"], version=version))[mutation]
        for actor, mutation, tag, version in (
            (world.shop.other_guide, "acceptTagSuggestion", "爱裙装", 1),
            (world.hq, "acceptTagSuggestion", "爱裙装", 1),
            (world.shop.guide, "acceptTagSuggestion", "爱裙装", 7),
            (world.shop.guide, "acceptTagSuggestion", "爱裙装", 1),
            (world.shop.manager, "declineTagSuggestion", "常客", 1),
            (world.shop.manager, "declineTagSuggestion", "爱裙装", 2),
        )
    ]

    assert others["tagSuggestions"]["edges"] == []
    assert by_tag["爱裙装"]["reason"] == "裙装：近 365 天“裙”占消费额 100%"
    assert len(by_tag["爱裙装"]["customer"]["tagSuggestions"]) == 2
    assert [answer.get("code") for answer in answers] == [
        "NOT_FOUND",
        "FORBIDDEN",
        "STALE_VERSION",
        None,
        None,
        "SUGGESTION_DECIDED",
    ]
    assert answers[3]["suggestion"] == {
        "state": "ACCEPTED",
        "decidedBy": {"id": str(world.shop.guide.id)},
        "customer": {"tags": [{"name": "爱裙装", "setBy": "GUIDE"}]},
    }
    assert answers[4]["suggestion"]["state"] == "DECLINED"
    assert len(answers[3]["places"]) == 1
    assert (await ask(ground, world.shop.guide, SUGGESTIONS))["tagSuggestions"]["edges"] == []
