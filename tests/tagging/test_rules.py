"""Writing rules: what is refused, with the place, at once; and trying them out on real customers."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from kernel import clock, ids
from kernel.errors import Forbidden, Invalid, NotFound, Refusal, StaleVersion
from kernel.work import Ground, unit_of_work
from tagging import commands as tagging
from tagging.commands import rules
from tagging.errors import (
    BadExpression,
    BadRule,
    RuleIsLive,
    RuleNameTaken,
    RuleRetired,
    TagRetired,
    TooManyRules,
)
from tagging.models import Choice, RuleMode, RuleState, SegmentIndex, SegmentMember
from tagging.models.behaviour import BEHAVIOUR
from tagging.models.expressions import checked, from_json, parse, to_json, written
from tagging.queries import previews, wording
from tagging.queries import rules as queries
from tests.factories import NOON, build_customer, build_world, save
from tests.mall.trading import place
from tests.quickest import Quickest
from tests.refusals import refused
from tests.statements import statements
from tests.tagging.labels import build_group, build_tag, put
from tests.tagging.ruling import bought, evaluate, live, write

DOCS = Path(__file__).parents[2] / "docs"
SOON_ENOUGH = 0.05  # seconds
HOSTILE = [
    ("spent > 3", 1, 1, "spent is unknown"),
    ('orders > 3 and\n  rule(name: "别的") = true', 2, 3, "rule is unknown"),
    ('orders > 1 and share(name: "((a+)+)+$", colour: "x") > 1%', 1, 49, "takes"),
    ('share(name: "(") > 1%', 1, 13, "regular expression"),
    (r'share(name: "(a)\1") > 1%', 1, 13, "regular expression"),
    ('share(name: "((((((x{100}){100}){100}){100}){100}){100})") > 1%', 1, 13, "regular expression"),
    ("share(days: 3651) > 1%", 1, 13, "out of range"),
    ("share(days: 0) > 1%", 1, 13, "out of range"),
    ("share(name: 裙) > 1%", 1, 13, "means nothing"),
    ("share > 1.5", 1, 9, "out of range"),
    ("orders > 1 and", 1, 15, "too early"),
    (" and ".join(["orders > 1"] * 10_000), 1, 8001, "longer than"),
    (" or ".join(["orders>1"] * 600), 1, 1, "more than 200"),
    ("not " * 1_500 + "orders>1", 1, 6001, "levels"),
    ("(" * 3_000 + "orders>1", 1, 3009, "too early"),
]


@pytest.mark.parametrize("part", ["condition", "enough"])
async def test_what_cant_be_read_is_refused_with_the_place(ground: Ground, part: str) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "爱裙装")
    for text, line, column, why in HOSTILE:
        given = {"condition": "orders > 1"} | {part: text}
        with pytest.raises(BadRule) as caught:
            await write(ground, world, tag, name="x", **given)
        facts = caught.value.facts
        assert (facts["part"], facts["line"], facts["column"]) == (part, line, column), text[:60]
        assert why in str(facts["reason"]), facts


def test_refusing_takes_less_than_50_ms() -> None:
    parse("orders > 1")
    for text, *_ in HOSTILE:
        took = Quickest()
        for _ in range(3):
            with took.turn(), pytest.raises(BadExpression):
                checked(parse(text), BEHAVIOUR, minor_digits=2)
        assert took.seconds < SOON_ENOUGH, text[:60]


async def test_a_store_that_isnt_there_is_refused_with_the_place(ground: Ground) -> None:
    world = await build_world(ground)
    await build_world(ground, "other")
    tag = await build_tag(ground, world, await build_group(ground, world), "常客")

    async with refused(ground, BadRule):
        await write(ground, world, tag, 'orders(store: "other-1") > 1')


async def test_a_rule_is_written_down_again_as_it_means_today(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "常客")
    said = 'orders(store: "qinghe-1") >= 3 或 share(name: "\\b裙", days: 90) > 40% 且 spend(price_from: 99.5) > 1000'
    rule = await write(ground, world, tag, said, enough="orders >= 2")

    async with ground.db.read() as session:
        text = (await wording.texts(session, world.hq, [rule.id]))[rule.id]

    assert text.condition == (
        'orders(store: "qinghe-1") >= 3 or share(days: 90, name: "\\\\b裙") > 40% and spend(price_from: 99.5) > 1000'
    )
    assert text.enough == "orders >= 2"
    assert (rule.state, rule.version, rule.confidence) == (RuleState.DRAFT, 1, 80)


async def test_a_rule_goes_from_draft_to_live_to_retired(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "常客")
    rule = await live(ground, world, tag, "orders >= 1")
    async with refused(ground, RuleIsLive), unit_of_work(ground, world.hq) as work:
        await rules.go_live(work, rule.id)
    async with unit_of_work(ground, world.hq) as work:
        edited = await rules.save_rule(
            work, rule.id, name="新", tag_id=tag.id, mode=RuleMode.SUGGEST, condition="visits > 1", expected_version=2
        )
        assert [each.name for each in work.requests] == [rules.GO_THROUGH]
    assert (edited.state, edited.version, edited.live_at) == (RuleState.DRAFT, 3, None)
    async with unit_of_work(ground, world.hq) as work:
        retired = await rules.retire_rule(work, rule.id, expected_version=3)
    assert (retired.state, retired.version) == (RuleState.RETIRED, 4)
    for act in (rules.go_live, rules.retire_rule):
        async with refused(ground, RuleRetired), unit_of_work(ground, world.hq) as work:
            await act(work, rule.id)


async def test_what_may_not_be_written_is_refused_and_leaves_no_trace(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    tag, gone = (
        await build_tag(ground, world, group, "常客"),
        await build_tag(ground, world, group, "旧", retired_at=NOON),
    )
    own = await build_tag(ground, world, None, "我的", owner_id=world.hq.id)
    rule = await write(ground, world, tag, "orders >= 1", name="一")
    second: dict[str, Any] = {"name": "二"}
    cases: list[tuple[type[Refusal], Any, dict[str, Any]]] = [
        (TagRetired, gone, second),
        (Invalid, own, second),
        (Invalid, tag, {"name": " "}),
        (Invalid, tag, {"name": "二", "confidence": 0}),
        (Invalid, tag, {"name": "二", "confidence": 101}),
        (RuleNameTaken, tag, {"name": "一"}),
        (StaleVersion, tag, {"name": "一", "rule_id": rule.id, "expected_version": 7}),
        (NotFound, tag, {"name": "一", "rule_id": ids.new()}),
    ]
    for kind, about, values in cases:
        async with refused(ground, kind):
            await write(ground, world, about, "orders >= 2", **values)
    monkeypatch.setattr(queries, "MOST_RULES", 1)
    async with refused(ground, TooManyRules):
        await write(ground, world, tag, "orders >= 2", name="二")


async def test_rules_are_headquarters_and_no_others(ground: Ground) -> None:
    world, elsewhere = await build_world(ground), await build_world(ground, "other")
    tag = await build_tag(ground, world, await build_group(ground, world), "常客")
    rule = await write(ground, world, tag, "orders >= 1")
    for actor in (world.shop.guide, world.shop.manager, world.east_manager):
        async with refused(ground, Forbidden), unit_of_work(ground, actor) as work:
            await rules.go_live(work, rule.id)
        async with refused(ground, Forbidden), ground.db.read() as session:
            await previews.preview(session, actor, tag_id=tag.id, condition="orders >= 1")
    async with refused(ground, NotFound), unit_of_work(ground, elsewhere.hq) as work:
        await rules.go_live(work, rule.id)
    seen = []
    for actor in (world.hq, world.east_manager, world.shop.manager, world.shop.guide, elsewhere.hq):
        async with ground.db.read() as session:
            seen.append(rule.id in await queries.by_ids(session, actor, [rule.id]))
    assert seen == [True, True, True, False, False]


async def test_a_preview_counts_what_the_rule_then_does(ground: Ground) -> None:
    world = await build_world(ground)
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE)
    small, large = await build_tag(ground, world, sizes, "S"), await build_tag(ground, world, sizes, "L")
    people = [await build_customer(ground, world.shop.guide) for _ in range(7)]
    fits, tagged, otherwise, wrong, turned, _silent, elsewhere = people
    await put(ground, world.shop.guide, [tagged, wrong], [small])
    await put(ground, world.shop.guide, [otherwise], [large])
    now = clock.now()
    for customer in (fits, tagged, otherwise, turned):
        await place(ground, world, customer, **bought(("短裙", 100), at=now))
    for customer in (wrong, elsewhere):
        await place(ground, world, customer, **bought(("大衣", 100), at=now))
    condition = 'share(name: "裙") > 50%'
    rule = await live(ground, world, small, condition)
    day = clock.store_day(now, "Asia/Shanghai")
    await evaluate(ground, turned, day=day)
    await place(ground, world, turned, **bought(("大衣", 900), at=now))

    async with ground.db.read() as session:
        shown = await previews.preview(session, world.hq, tag_id=small.id, condition=condition, rule_id=rule.id)
    outcome = await evaluate(ground, *people, day=day)

    assert (shown.customers, shown.evaluated, shown.is_sample, shown.seed) == (7, 7, False, None)
    assert (shown.speaks_for, shown.speaks_against, shown.unknown) == (3, 3, 1)
    assert (shown.would_set, shown.would_unset, shown.disagreements) == (1, 1, 2)
    assert (outcome.set, outcome.unset, outcome.disagreements) == (1, 1, 2)
    assert set(shown.found) == {otherwise.id, wrong.id}


async def test_beyond_the_most_a_preview_looks_at_a_sample_that_can_be_drawn_again(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "常客")
    for _ in range(12):
        await place(ground, world, await build_customer(ground, world.shop.guide))
    monkeypatch.setattr(previews, "MOST", 5)

    async with ground.db.read() as session:
        drawn = [tuple(await previews._chosen(session, world.hq, 12, seed)) for seed in (1, 1, 2, 3, 4)]
        shown = await previews.preview(session, world.hq, tag_id=tag.id, condition="orders > 0", seed=1)

    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1
    assert all(len(set(each)) == 5 for each in drawn)
    assert (shown.customers, shown.evaluated, shown.is_sample, shown.seed, shown.would_set) == (12, 5, True, 1, 5)


async def test_a_sample_is_drawn_by_the_numbers_that_segments_give_where_there_are_any(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    people = [await build_customer(ground, world.shop.guide) for _ in range(8)]
    numbered = [
        SegmentMember(brand_id=world.brand.id, number=number, customer_id=customer.id, terms=[])
        for number, customer in enumerate(people)
    ]
    await save(ground, SegmentIndex(brand_id=world.brand.id, next_number=8, built_at=NOON), *numbered)
    monkeypatch.setattr(previews, "MOST", 3)

    async with ground.db.read() as session:
        with statements(ground) as sent:
            drawn = [tuple(await previews._chosen(session, world.hq, 8, seed)) for seed in (1, 1, 2, 3)]

    assert not any("FROM customer " in statement for statement in sent)
    assert drawn[0] == drawn[1]
    assert len(set(drawn)) > 1
    assert {len(set(each)) for each in drawn} == {3}


async def test_a_merged_tag_hands_its_rules_on_and_a_retired_one_takes_them_along(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    tag, gone = await build_tag(ground, world, group, "熟客"), await build_tag(ground, world, group, "旧")
    rule = await live(ground, world, tag, "orders >= 1", name="一")
    await live(ground, world, gone, "orders >= 1", name="二")
    async with unit_of_work(ground, world.hq) as work:
        await tagging.retire_tag(work, gone.id)

    async with ground.db.read() as session:
        assert list(await queries.live(session, world.brand.id)) == [rule.id]


def test_the_rules_on_the_page_can_be_read() -> None:
    pages = "\n".join(page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("tagging*.md")))
    _, table = pages.split("| 要表达的意思 | 规则 |", 1)
    shown = re.findall(r"^\| [^|`]+ \| `(.+)` \|$", table, re.MULTILINE)

    assert len(shown) == 9
    for text in shown:
        checked(parse(text), BEHAVIOUR, minor_digits=2)


_SIMPLE = some.sampled_from(["orders >= 2", 'share(name: "裙|袍") > 12.5%', "not visits(days: 7) = 0", "spend < 99.01"])


@given(some.lists(_SIMPLE, min_size=1, max_size=5), some.sampled_from([" and ", " or "]))
@settings(max_examples=50, deadline=None)
def test_what_is_kept_is_what_was_written(parts: list[str], joint: str) -> None:
    tree = checked(parse(joint.join(parts)), BEHAVIOUR, minor_digits=2)
    text = written(from_json(to_json(tree)), BEHAVIOUR, {}, minor_digits=2)

    assert checked(parse(text), BEHAVIOUR, minor_digits=2) == tree
