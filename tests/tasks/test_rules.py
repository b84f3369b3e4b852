"""Headquarters writes revisit rules: what is refused, what they become, and what a brand begins with."""

import asyncio
from typing import Any

import pytest

from kernel import clock, ids
from kernel.actor import Actor, Role, Scope, system
from kernel.errors import Forbidden, Invalid, NotFound, Refusal, StaleVersion
from kernel.work import Ground, unit_of_work
from tagging import commands as tagging
from tagging.models import Sharing
from tasks.commands import rules
from tasks.commands.rules import Said
from tasks.errors import HasRules, RuleIsLive, RuleNameTaken, RuleNotLive, RuleRetired, TooManyRules
from tasks.models import RevisitRule, RevisitRuleState, Trigger
from tasks.models.limits import TAKES
from tasks.queries import rules as queries
from tests.factories import NOON, World, build_world, reload
from tests.refusals import refused, snapshot
from tests.tagging.labels import build_group, build_tag
from tests.tasks.revisiting import build_rule


def said(trigger: Trigger = Trigger.NO_CONTACT, **values: Any) -> Said:
    usual: dict[str, Any] = {"name": "久未联系", "title": "问候"}
    if trigger is Trigger.NO_CONTACT:
        usual["days"] = 90
    return Said(trigger=trigger, **usual | values)


async def save(ground: Ground, actor: Actor, what: Said, *given: Any, **values: Any) -> RevisitRule:
    async with unit_of_work(ground, actor) as work:
        return await rules.save_rule(work, what, *given, **values)


async def test_a_rule_is_written_as_a_draft_and_read_back(ground: Ground) -> None:
    world = await build_world(ground)
    words = "您好，最近好吗？"
    written = await save(
        ground, world.hq, said(name=" 久未联系 ", suggested_words=f" {words}", priority=40, weight=3, days=1000)
    )

    rule = await reload(ground, written)
    assert (rule.name, rule.state, rule.days, rule.window_days) == ("久未联系", RevisitRuleState.DRAFT, 1000, 0)
    assert (rule.title, rule.suggested_words, rule.priority, rule.weight) == ("问候", words, 40, 3)
    assert (rule.by_staff_id, rule.version, rule.live_at) == (world.hq.id, 1, None)


async def test_a_rule_lives_pauses_becomes_a_draft_and_retires(ground: Ground) -> None:
    world = await build_world(ground)
    rule = await save(ground, world.hq, said())
    states = []
    with clock.stopped_at(NOON):
        for act in (rules.go_live, rules.pause, rules.go_live, rules.retire):
            async with unit_of_work(ground, world.hq) as work:
                done = await act(work, rule.id)
                states.append((done.state, done.live_at, done.retired_at))

    assert states == [
        (RevisitRuleState.LIVE, NOON, None),
        (RevisitRuleState.PAUSED, None, None),
        (RevisitRuleState.LIVE, NOON, None),
        (RevisitRuleState.RETIRED, None, NOON),
    ]
    assert (await reload(ground, rule)).version == 5


async def test_an_edited_rule_is_a_draft_again(ground: Ground) -> None:
    world = await build_world(ground)
    live = await build_rule(ground, world, Trigger.NO_CONTACT, days=90)

    await save(ground, world.hq, said(Trigger.REFUND, name="退款", days=1, window_days=7), live.id, expected_version=1)

    rule = await reload(ground, live)
    assert (rule.trigger, rule.days, rule.window_days) == (Trigger.REFUND, 1, 7)
    assert (rule.state, rule.live_at, rule.version) == (RevisitRuleState.DRAFT, None, 2)


async def test_only_live_rules_plan(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    live = [await build_rule(ground, world, trigger) for trigger in (Trigger.REFUND, Trigger.DELIVERY)]
    for state in set(RevisitRuleState) - {RevisitRuleState.LIVE}:
        await build_rule(ground, world, Trigger.CHURN, state=state)
    await build_rule(ground, other, Trigger.CHURN)

    async with ground.db.read() as session:
        assert [rule.id for rule in await queries.live(session, world.brand.id)] == [rule.id for rule in live]


ALL_WRONG: list[tuple[Trigger, dict[str, Any]]] = [
    (trigger, {name: value})
    for trigger, takes in TAKES.items()
    for name, bounds in (("days", takes.days), ("window_days", takes.window_days))
    for value in ((1,) if bounds is None else (None, bounds[0] - 1, bounds[1] + 1))
]


def fitting(trigger: Trigger, tag_ids: list[Any]) -> dict[str, Any]:
    """What the trigger needs, at its least."""
    takes = TAKES[trigger]
    return {
        "days": takes.days and takes.days[0],
        "window_days": takes.window_days and takes.window_days[0],
        "category": "连衣裙" if takes.category else None,
        "tag_ids": tag_ids if takes.needs_tags else [],
    }


async def test_every_trigger_takes_what_it_needs_within_its_ranges_and_nothing_else(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "通勤")
    for trigger in Trigger:
        await save(ground, world.hq, said(trigger, name=trigger.value, **fitting(trigger, [tag.id])))
    wrong = [*ALL_WRONG]
    for trigger, takes in TAKES.items():
        wrong += [] if takes.category else [(trigger, {"category": "连衣裙"})]
        wrong += [(trigger, {"category": " "})] if takes.category else []
        wrong += [(trigger, {"tag_ids": []})] if takes.needs_tags else []
        wrong += [] if takes.most_tags else [(trigger, {"tag_ids": [tag.id]})]

    before = await snapshot(ground)
    for trigger, values in wrong:
        with pytest.raises(Invalid) as caught:
            await save(ground, world.hq, said(trigger, name="x", **fitting(trigger, [tag.id]) | values))
        assert all("{" not in caught.value.say(language) for language in ("zh", "en"))
    assert await snapshot(ground) == before


@pytest.mark.parametrize(
    "values",
    [
        {"name": " "},
        {"name": "名" * 61},
        {"title": ""},
        {"title": "题" * 101},
        {"suggested_words": "话" * 501},
        {"priority": -1},
        {"priority": 101},
        {"weight": 0},
        {"weight": 11},
        {"segment_id": ids.new()},
    ],
)
async def test_what_a_rule_says_has_limits(ground: Ground, values: dict[str, Any]) -> None:
    world = await build_world(ground)

    async with refused(ground, Invalid):
        await save(ground, world.hq, said(**values))


async def test_tags_are_the_brands_and_in_use(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    group = await build_group(ground, world)
    usable = await build_tag(ground, world, group, "通勤")
    retired = await build_tag(ground, world, group, "旧", retired_at=NOON)
    own = await build_tag(ground, world, None, "我的", owner_id=world.hq.id)
    foreign = await build_tag(ground, other, await build_group(ground, other), "别家")

    for tag in (retired, own, foreign):
        async with refused(ground, Invalid):
            await save(ground, world.hq, said(Trigger.STALE_TAG, tag_ids=[usable.id, tag.id]))
    many = [(await build_tag(ground, world, group, f"标签{number}")).id for number in range(21)]
    async with refused(ground, Invalid):
        await save(ground, world.hq, said(Trigger.STALE_TAG, tag_ids=many))
    assert (await save(ground, world.hq, said(Trigger.STALE_TAG, tag_ids=[usable.id, usable.id]))).tag_ids == [
        str(usable.id)
    ]


async def test_a_segment_is_one_that_the_brand_shares_and_uses(ground: Ground) -> None:
    world = await build_world(ground)
    async with unit_of_work(ground, world.hq) as work:
        shared = await tagging.save_segment(work, name="金卡", text='tier = "金卡"', sharing=Sharing.BRAND)
        private = await tagging.save_segment(work, name="银卡", text='tier = "银卡"')

    rule = await save(ground, world.hq, said(segment_id=shared.id))
    async with refused(ground, Invalid):
        await save(ground, world.hq, said(name="x", segment_id=private.id))
    async with unit_of_work(ground, world.hq) as work:
        await tagging.retire_segment(work, shared.id)
    async with refused(ground, Invalid), unit_of_work(ground, world.hq) as work:
        await rules.go_live(work, rule.id)


async def test_names_are_unique_among_rules_in_use(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    first = await save(ground, world.hq, said())
    second = await save(ground, world.hq, said(name="别的"))
    await save(ground, other.hq, said())

    async with refused(ground, RuleNameTaken):
        await save(ground, world.hq, said())
    async with refused(ground, RuleNameTaken):
        await save(ground, world.hq, said(), second.id)
    await save(ground, world.hq, said(), first.id)
    async with unit_of_work(ground, world.hq) as work:
        await rules.retire(work, first.id)
    await save(ground, world.hq, said())


async def test_of_two_rules_of_one_name_at_once_one_is_written(ground: Ground) -> None:
    world = await build_world(ground)

    answers = await asyncio.gather(*(save(ground, world.hq, said()) for _ in range(2)), return_exceptions=True)

    assert sorted(type(answer).__name__ for answer in answers) == ["RevisitRule", "RuleNameTaken"]


async def test_a_brand_has_fifty_rules_in_use_at_most(ground: Ground) -> None:
    world = await build_world(ground)
    made = [await build_rule(ground, world, Trigger.REFUND) for _ in range(queries.MOST_RULES)]

    async with refused(ground, TooManyRules):
        await save(ground, world.hq, said())
    await save(ground, world.hq, said(), made[0].id)
    async with unit_of_work(ground, world.hq) as work:
        await rules.retire(work, made[1].id)
    await save(ground, world.hq, said(name="又一条"))


ACTS = (rules.go_live, rules.pause, rules.retire)


@pytest.mark.parametrize("act", ACTS)
async def test_rules_are_headquarters_to_change(ground: Ground, act: Any) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    rule = await build_rule(ground, world, Trigger.REFUND)
    machine = Actor(brand_id=world.brand.id, id=ids.new(), role=Role.SERVICE, scopes=frozenset(Scope))

    async def attempt(actor: Actor, expected_version: int | None = None) -> None:
        async with unit_of_work(ground, actor) as work:
            await act(work, rule.id, expected_version=expected_version)

    for actor in (world.shop.guide, world.shop.manager, world.east_manager, machine):
        async with refused(ground, Forbidden):
            await attempt(actor)
        async with refused(ground, Forbidden):
            await save(ground, actor, said())
    async with refused(ground, NotFound):
        await attempt(other.hq)
    async with refused(ground, StaleVersion):
        await attempt(world.hq, expected_version=7)


@pytest.mark.parametrize(
    ("act", "state", "refusal"),
    [
        (rules.go_live, RevisitRuleState.LIVE, RuleIsLive),
        (rules.go_live, RevisitRuleState.RETIRED, RuleRetired),
        (rules.pause, RevisitRuleState.DRAFT, RuleNotLive),
        (rules.pause, RevisitRuleState.PAUSED, RuleNotLive),
        (rules.pause, RevisitRuleState.RETIRED, RuleRetired),
        (rules.retire, RevisitRuleState.RETIRED, RuleRetired),
    ],
)
async def test_what_a_rule_is_already_it_cant_become(
    ground: Ground, act: Any, state: RevisitRuleState, refusal: type[Refusal]
) -> None:
    world = await build_world(ground)
    rule = await build_rule(ground, world, Trigger.REFUND, state=state)

    async with refused(ground, refusal), unit_of_work(ground, world.hq) as work:
        await act(work, rule.id)


async def test_a_retired_rule_isnt_edited(ground: Ground) -> None:
    world = await build_world(ground)
    rule = await build_rule(ground, world, Trigger.REFUND, state=RevisitRuleState.RETIRED)

    async with refused(ground, RuleRetired):
        await save(ground, world.hq, said(), rule.id)


# What a brand begins with


async def begin(ground: Ground, actor: Actor) -> list[RevisitRule]:
    async with unit_of_work(ground, actor) as work:
        return await rules.begin(work)


async def test_a_brand_begins_with_one_rule_for_each_trigger_and_new_arrivals_wait_for_tags(ground: Ground) -> None:
    world = await build_world(ground)

    made = await begin(ground, system(world.brand.id))

    assert [rule.trigger for rule in made] == list(Trigger)
    assert {rule.trigger for rule in made if rule.state is not RevisitRuleState.LIVE} == {Trigger.NEW_ARRIVALS}
    assert all(rule.live_at for rule in made if rule.state is RevisitRuleState.LIVE)


async def test_what_a_brand_begins_with_could_have_been_written(ground: Ground) -> None:
    world = await build_world(ground)
    for rule in await begin(ground, world.hq):
        takes = TAKES[rule.trigger]
        written = Said(
            name=rule.name,
            trigger=rule.trigger,
            title=rule.title,
            days=rule.days if takes.days else None,
            window_days=rule.window_days if takes.window_days else None,
            suggested_words=rule.suggested_words,
            priority=rule.priority,
            weight=rule.weight,
        )
        if takes.needs_tags:
            with pytest.raises(Invalid):
                await save(ground, world.hq, written, rule.id)
        else:
            await save(ground, world.hq, written, rule.id)


async def test_new_arrivals_dont_go_live_before_they_have_tags_and_a_category(ground: Ground) -> None:
    world = await build_world(ground)
    [draft] = [rule for rule in await begin(ground, world.hq) if rule.trigger is Trigger.NEW_ARRIVALS]

    async with refused(ground, Invalid), unit_of_work(ground, world.hq) as work:
        await rules.go_live(work, draft.id)


async def test_a_brand_that_ever_had_a_rule_doesnt_begin_again(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    await build_rule(ground, world, Trigger.REFUND, state=RevisitRuleState.RETIRED)

    async with refused(ground, HasRules):
        await begin(ground, world.hq)
    for actor in (other.shop.manager, other.east_manager, other.shop.guide):
        async with refused(ground, Forbidden):
            await begin(ground, actor)
    answers = await asyncio.gather(*(begin(ground, other.hq) for _ in range(2)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["HasRules", "list"]


async def test_another_brands_rules_arent_read(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    rule = await build_rule(ground, world, Trigger.REFUND)

    async def seen(actor: Actor) -> bool:
        async with ground.db.read() as session:
            return rule.id in await queries.by_ids(session, actor, [rule.id])

    nobody = Actor(brand_id=world.brand.id, id=ids.new(), role=Role.SERVICE)
    assert [await seen(actor) for actor in _people(world)] == [True] * 4
    assert [await seen(actor) for actor in (*_people(other), nobody)] == [False] * 5


def _people(world: World) -> list[Actor]:
    return [world.hq, world.east_manager, world.shop.manager, world.shop.guide]
