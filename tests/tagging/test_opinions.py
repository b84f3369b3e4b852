"""What live rules say of the tags that an audit drew."""

from typing import Any
from uuid import UUID

from customers.models import Customer
from kernel import ids
from kernel.work import Ground
from mall.commands import Line
from tagging.models import AuditMethod, RuleMode, RuleState, Tag, TagRule, Verdict
from tagging.models.behaviour import BEHAVIOUR
from tagging.models.expressions import checked, parse, to_json
from tagging.queries import opinions
from tests.asking import ask
from tests.factories import NOON, World, build_customer, build_world, save
from tests.mall.trading import place
from tests.statements import statements
from tests.tagging.auditing import build_tags, draw, items
from tests.tagging.labels import put

AUDIT = """query ($id: ID!) { tagAudit(id: $id) { name method state seed size version
    store { id } region { id } group { id } tag { id } setter { id } by { id } setBy
    items(verdict: WRONG) { edges { node { verdict because isInherited customer { id } tag { id } setter { id } } } }
    result { open drift { value isBeyondNoise interval { low high } }
      overall { population drawn known unknown right estimate isSmall represented lowest highest
        interval { low high } }
      byGuide { guide { id } rank standing accuracy { estimate isSmall } }
      byStore { store { id } standing } byGroup { group { id } agreement { kappa } } byTag { tag { id } }
      own { drawn } inherited { drawn } } } }"""
DRAW = """mutation ($name: String!, $size: Int!, $seed: Int, $setBy: [SetBy!], $key: String) {
    drawTagAudit(name: $name, method: EVIDENCE, size: $size, seed: $seed, setBy: $setBy, idempotencyKey: $key) {
    ... on TagAuditChanged { audit { id } places { feed } } ... on Problem { code } } }"""


async def rule(ground: Ground, world: World, tag: Tag, condition: str, **values: Any) -> TagRule:
    """A live rule, as it is kept."""
    tree = to_json(checked(parse(condition), BEHAVIOUR, minor_digits=2))
    usual: dict[str, Any] = {"mode": RuleMode.SET, "state": RuleState.LIVE, "name": f"规则{ids.new().hex[-6:]}"}
    made = TagRule(
        brand_id=world.brand.id, id=ids.new(), tag_id=tag.id, condition=tree, created_at=NOON, **usual | values
    )
    await save(ground, made)
    return made


async def opinion(ground: Ground, customer: Customer, tag: Tag) -> opinions.Opinion:
    async with ground.db.read() as session:
        found = await opinions.of_tags(session, customer.brand_id, [(customer.id, tag.id)])
    return found[customer.id, tag.id]


async def buyer(ground: Ground, world: World, amount: int) -> Customer:
    """Somebody who has bought one thing, just now."""
    customer = await build_customer(ground, world.shop.guide)
    await place(ground, world, customer, amount=amount, lines=[Line("P1", "羊绒衫", 1, amount)])
    return customer


async def test_evidence_is_for_against_or_too_little(ground: Ground) -> None:
    world = await build_world(ground)
    tag, without_rule = await build_tags(ground, world)
    much, little = await buyer(ground, world, 200_000), await buyer(ground, world, 100)
    nothing = await build_customer(ground, world.shop.guide)
    await rule(ground, world, tag, "spend() >= 1000", name="高消费")

    assert await opinion(ground, much, tag) == (Verdict.RIGHT, "高消费：近 365 天消费 2000.00")
    assert (await opinion(ground, little, tag)).verdict is Verdict.WRONG
    assert await opinion(ground, nothing, tag) == (Verdict.UNKNOWN, None)
    assert await opinion(ground, much, without_rule) == opinions.NO_RULE


async def test_any_rule_that_speaks_for_a_tag_is_enough_and_only_live_ones_speak(ground: Ground) -> None:
    world = await build_world(ground)
    [tag] = await build_tags(ground, world, 1)
    customer = await buyer(ground, world, 100)
    await rule(ground, world, tag, "spend() >= 1000")
    await rule(ground, world, tag, "orders() >= 1", state=RuleState.DRAFT)
    assert (await opinion(ground, customer, tag)).verdict is Verdict.WRONG

    await rule(ground, world, tag, "orders() >= 1", mode=RuleMode.SUGGEST)

    assert (await opinion(ground, customer, tag)).verdict is Verdict.RIGHT


async def test_rules_that_only_bear_witness_decide_alone(ground: Ground) -> None:
    world = await build_world(ground)
    [tag] = await build_tags(ground, world, 1)
    customer = await buyer(ground, world, 100)
    await rule(ground, world, tag, "orders() >= 1")
    await rule(ground, world, tag, "spend() >= 1000", mode=RuleMode.WITNESS)

    assert (await opinion(ground, customer, tag)).verdict is Verdict.WRONG


async def test_opinions_take_as_many_statements_for_one_tag_as_for_three(ground: Ground) -> None:
    world = await build_world(ground)
    tags = await build_tags(ground, world, 3)
    customers = [await buyer(ground, world, 100) for _ in range(3)]
    for tag in tags:
        await rule(ground, world, tag, "spend() >= 1000")
    counts = []

    for some in (1, 3):
        pairs: list[tuple[UUID, UUID]] = [(row.id, tag.id) for row, tag in zip(customers, tags, strict=True)][:some]
        async with ground.db.read() as session:
            with statements(ground) as sent:
                assert len(await opinions.of_tags(session, world.brand.id, pairs)) == some
        counts.append(len(sent))

    assert counts[0] == counts[1]


async def test_an_audit_by_evidence_asks_the_rules(ground: Ground) -> None:
    world = await build_world(ground)
    [tag] = await build_tags(ground, world, 1)
    right, wrong = await buyer(ground, world, 200_000), await buyer(ground, world, 100)
    await put(ground, world.shop.guide, [right, wrong], [tag])
    await rule(ground, world, tag, "spend() >= 1000")

    audit = await draw(ground, world.shop.manager, method=AuditMethod.EVIDENCE)

    assert {item.customer_id: item.verdict for item in await items(ground, audit)} == {
        right.id: Verdict.RIGHT,
        wrong.id: Verdict.WRONG,
    }


async def test_an_audit_is_drawn_once_per_key_and_read_over_graphql(ground: Ground) -> None:
    world = await build_world(ground)
    [tag] = await build_tags(ground, world, 1)
    right, wrong = await buyer(ground, world, 200_000), await buyer(ground, world, 100)
    await put(ground, world.shop.guide, [right, wrong], [tag])
    await rule(ground, world, tag, "spend() >= 1000")
    asked: dict[str, Any] = {"name": "三月抽查", "size": 10, "seed": 7, "setBy": ["GUIDE"]}

    once = (await ask(ground, world.shop.manager, DRAW, key="k", **asked))["drawTagAudit"]
    again = (await ask(ground, world.shop.manager, DRAW, key="k", **asked))["drawTagAudit"]
    refused = (await ask(ground, world.shop.guide, DRAW, **asked))["drawTagAudit"]
    shown = (await ask(ground, world.shop.manager, AUDIT, id=once["audit"]["id"]))["tagAudit"]
    unseen = (await ask(ground, world.shop.guide, AUDIT, id=once["audit"]["id"]))["tagAudit"]

    assert once == again
    assert (refused, unseen) == ({"code": "FORBIDDEN"}, None)
    assert (shown["name"], shown["state"], shown["seed"], shown["setBy"]) == ("三月抽查", "CLOSED", 7, ["GUIDE"])
    assert (shown["store"], shown["region"]) == ({"id": str(world.shop.store.id)}, None)
    [item] = [edge["node"] for edge in shown["items"]["edges"]]
    assert (item["customer"]["id"], item["verdict"], item["isInherited"]) == (str(wrong.id), "WRONG", False)
    overall = shown["result"]["overall"]
    assert (overall["population"], overall["drawn"], overall["estimate"]) == (2.0, 2, 0.5)
    assert overall["interval"] == {"low": 0.5, "high": 0.5}
    assert shown["result"]["byGuide"] == [
        {
            "guide": {"id": str(world.shop.guide.id)},
            "rank": None,
            "standing": "WITHIN_NOISE",
            "accuracy": {"estimate": 0.5, "isSmall": False},
        }
    ]
    assert shown["result"]["byGroup"] == [{"group": {"id": str(tag.group_id)}, "agreement": None}]
    assert (shown["result"]["drift"], shown["result"]["own"], shown["result"]["open"]) == (None, {"drawn": 2}, 0)
