"""What live rules do to customers: set, unset only what they set, suggest, and never against a person."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update
from sqlmodel import col

from customers.models import Customer, Holding, Relationship
from kernel import clock
from kernel.actor import system
from kernel.work import Ground, Work, unit_of_work
from server import chores
from tagging import commands
from tagging.commands import evaluating, nights, rules, suggestions
from tagging.commands.evaluating import Outcome
from tagging.models import (
    Choice,
    CustomerMark,
    CustomerTag,
    MarkPurpose,
    Night,
    RuleMode,
    SetBy,
    SuggestionState,
    TagSuggestion,
)
from tests.factories import NOON, World, build_customer, build_world, said
from tests.mall.trading import place
from tests.tagging.labels import build_group, build_tag, history, put
from tests.tagging.ruling import bought, evaluate, follow, live, suggested, worn

DRESSES = 'share(name: "裙") >= 50%'
DAY = timedelta(days=1)


async def test_a_rule_sets_its_tag_and_says_why(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "爱裙装")
    customer = await build_customer(ground, world.shop.guide)
    rule = await live(ground, world, tag, DRESSES, name="裙装", confidence=70)
    await place(ground, world, customer, **bought(("碎花裙", 62_000), ("大衣", 38_000)))
    before = await said(ground, world.shop.guide.id)

    outcome = await evaluate(ground, customer)

    async with ground.db.read() as session:
        carried = await session.get(CustomerTag, (world.brand.id, customer.id, tag.id))
    assert carried
    assert (outcome.set, outcome.unset) == (1, 0)
    assert (carried.set_by, carried.rule_id, carried.confidence) == (SetBy.RULE, rule.id, 70)
    assert carried.reason == "裙装：近 365 天“裙”占消费额 62%"
    assert (await said(ground, world.shop.guide.id))[len(before) :] == [("put", "customer", customer.id)]


async def test_what_it_set_it_takes_off_when_the_evidence_turns_and_leaves_when_there_is_none(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "爱裙装")
    turned, silent = [await build_customer(ground, world.shop.guide) for _ in range(2)]
    await live(ground, world, tag, 'share(name: "裙", days: 30) >= 50%')
    for customer in (turned, silent):
        await place(ground, world, customer, **bought(("碎花裙", 10_000), at=NOON - 20 * DAY))
    await evaluate(ground, turned, silent)

    await place(ground, world, turned, **bought(("大衣", 90_000)))
    outcome = await evaluate(ground, turned, silent, day=(NOON + 15 * DAY).date())

    assert (await worn(ground, turned), await worn(ground, silent)) == ({}, {tag.id: SetBy.RULE})
    assert outcome.unset == 1


@pytest.mark.parametrize("set_by", [SetBy.GUIDE, SetBy.IMPORT, SetBy.TAKEOVER])
async def test_what_a_person_or_an_import_set_is_never_taken_off_nor_replaced(ground: Ground, set_by: SetBy) -> None:
    world = await build_world(ground)
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE)
    small, large = await build_tag(ground, world, sizes, "S"), await build_tag(ground, world, sizes, "L")
    against, other = [await build_customer(ground, world.shop.guide) for _ in range(2)]
    await live(ground, world, small, DRESSES)
    await put(ground, world.shop.guide, [against], [small])
    await put(ground, world.shop.guide, [other], [large])
    await _set_by(ground, world, set_by)
    await place(ground, world, against, **bought(("大衣", 10_000)))
    await place(ground, world, other, **bought(("短裙", 10_000)))

    outcome = await evaluate(ground, against, other)

    assert await worn(ground, against) == {small.id: set_by}
    assert await worn(ground, other) == {large.id: set_by}
    assert await suggested(ground, other) == [(small.id, SuggestionState.OPEN)]
    assert (outcome.disagreements, outcome.set, outcome.unset, outcome.suggested) == (2, 0, 0, 1)


async def test_even_a_persons_stale_tag_is_only_suggested_against(ground: Ground) -> None:
    world = await build_world(ground)
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE)
    small, large = await build_tag(ground, world, sizes, "S"), await build_tag(ground, world, sizes, "L")
    customer = await build_customer(ground, world.shop.guide)
    await live(ground, world, small, DRESSES)
    await put(ground, world.shop.guide, [customer], [large])
    async with ground.db.write() as session:
        await session.execute(
            update(CustomerTag).where(col(CustomerTag.brand_id) == world.brand.id).values(valid_until=NOON - DAY)
        )
    await place(ground, world, customer, **bought(("短裙", 10_000)))

    await evaluate(ground, customer)

    assert await worn(ground, customer) == {large.id: SetBy.GUIDE}


async def test_of_two_rules_for_one_group_the_surer_has_its_way_whoever_was_first(ground: Ground) -> None:
    world = await build_world(ground)
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE)
    small, large = await build_tag(ground, world, sizes, "S"), await build_tag(ground, world, sizes, "L")
    customer = await build_customer(ground, world.shop.guide)
    await place(ground, world, customer, **bought(("短裙", 10_000)))
    await live(ground, world, small, "orders >= 1", name="一", confidence=60)
    await evaluate(ground, customer)
    await live(ground, world, large, "orders >= 1", name="二", confidence=90)

    await evaluate(ground, customer)
    again = await evaluate(ground, customer)

    assert await worn(ground, customer) == {large.id: SetBy.RULE}
    assert (again.set, again.unset) == (0, 0)


async def test_a_tag_goes_over_to_another_rule_that_still_bears_it(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "熟客")
    customer = await build_customer(ground, world.shop.guide)
    first = await live(ground, world, tag, "orders <= 1", name="一")
    await place(ground, world, customer, placed_at=NOON)
    await evaluate(ground, customer)
    second = await live(ground, world, tag, "orders >= 2", name="二")
    await place(ground, world, customer, placed_at=NOON)

    await evaluate(ground, customer)

    async with ground.db.read() as session:
        carried = await session.get(CustomerTag, (world.brand.id, customer.id, tag.id))
    assert carried
    assert (carried.rule_id, first.id) == (second.id, first.id)


async def test_a_rule_leaves_alone_what_a_guide_took_off_for_180_days(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "爱裙装")
    customer = await build_customer(ground, world.shop.guide)
    await live(ground, world, tag, DRESSES)
    await place(ground, world, customer, **bought(("短裙", 10_000)))
    with clock.stopped_at(NOON):
        await evaluate(ground, customer)
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.remove_tags(work, [customer.id], [tag.id])
    carried = []
    for days in (0, 179, 181):
        with clock.stopped_at(NOON + days * DAY):
            await evaluate(ground, customer, day=(NOON + days * DAY).date())
        carried.append(await worn(ground, customer))

    assert carried == [{}, {}, {tag.id: SetBy.RULE}]


async def test_a_witness_and_a_draft_do_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    tags = [await build_tag(ground, world, group, name) for name in ("一", "二")]
    customer = await build_customer(ground, world.shop.guide)
    await live(ground, world, tags[0], "orders >= 1", mode=RuleMode.WITNESS)
    draft = await live(ground, world, tags[1], "orders >= 1", name="旧")
    async with unit_of_work(ground, world.hq) as work:
        await rules.save_rule(work, draft.id, name="新", tag_id=tags[1].id, mode=RuleMode.SET, condition="orders >= 1")
    await place(ground, world, customer, placed_at=NOON)

    await evaluate(ground, customer)

    assert (await worn(ground, customer), await suggested(ground, customer)) == ({}, [])


async def test_a_suggestion_is_withdrawn_with_its_evidence_and_made_again_with_it(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "爱裙装")
    customer = await build_customer(ground, world.shop.guide)
    await live(ground, world, tag, DRESSES, mode=RuleMode.SUGGEST)
    await place(ground, world, customer, **bought(("短裙", 10_000)))
    await evaluate(ground, customer)
    await evaluate(ground, customer)
    assert await suggested(ground, customer) == [(tag.id, SuggestionState.OPEN)]

    await place(ground, world, customer, **bought(("大衣", 50_000)))
    await evaluate(ground, customer)
    await place(ground, world, customer, **bought(("长裙", 90_000)))
    await evaluate(ground, customer)

    assert [state for _, state in await suggested(ground, customer)] == [
        SuggestionState.WITHDRAWN,
        SuggestionState.OPEN,
    ]
    assert await worn(ground, customer) == {}


async def test_what_was_accepted_is_the_guides_and_what_was_declined_is_not_asked_for_180_days(ground: Ground) -> None:
    world = await build_world(ground)
    group = await build_group(ground, world)
    liked, disliked = await build_tag(ground, world, group, "爱裙装"), await build_tag(ground, world, group, "熟客")
    customer = await build_customer(ground, world.shop.guide)
    await live(ground, world, liked, DRESSES, mode=RuleMode.SUGGEST, name="裙装")
    await live(ground, world, disliked, "orders >= 1", mode=RuleMode.SUGGEST)
    await place(ground, world, customer, **bought(("短裙", 10_000)))
    with clock.stopped_at(NOON):
        await evaluate(ground, customer)
        rows = dict(await _offered_all(ground, world))
        async with unit_of_work(ground, world.shop.guide) as work:
            await suggestions.accept_suggestion(work, rows[liked.id])
            await suggestions.decline_suggestion(work, rows[disliked.id])
    states = []
    for days in (179, 181):
        with clock.stopped_at(NOON + days * DAY):
            await evaluate(ground, customer, day=(NOON + days * DAY).date())
        states.append(sum(state is SuggestionState.OPEN for _, state in await suggested(ground, customer)))

    assert await worn(ground, customer) == {liked.id: SetBy.GUIDE}
    assert states == [0, 1]
    lines = await history(ground, customer)
    assert lines[0].reason == "裙装：近 365 天“裙”占消费额 100%"


async def test_what_a_guide_accepted_stays_when_the_evidence_turns(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "爱裙装")
    customer = await build_customer(ground, world.shop.guide)
    rule = await live(ground, world, tag, DRESSES, mode=RuleMode.SUGGEST, name="裙装")
    await place(ground, world, customer, **bought(("短裙", 10_000)))
    await evaluate(ground, customer)
    [(_, suggestion_id)] = await _offered_all(ground, world)
    async with unit_of_work(ground, world.shop.guide) as work:
        await suggestions.accept_suggestion(work, suggestion_id)
    async with unit_of_work(ground, world.hq) as work:
        await rules.save_rule(work, rule.id, name="裙装", tag_id=tag.id, mode=RuleMode.SET, condition=DRESSES)
        await rules.go_live(work, rule.id)
    await place(ground, world, customer, **bought(("大衣", 90_000)))

    outcome = await evaluate(ground, customer)

    assert await worn(ground, customer) == {tag.id: SetBy.GUIDE}
    assert (outcome.unset, outcome.disagreements) == (0, 1)


async def test_marks_are_followed_once_and_taken_away(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "熟客")
    customer = await build_customer(ground, world.shop.guide)
    await live(ground, world, tag, "orders >= 1")
    await place(ground, world, customer)

    done = [await follow(ground, world), await follow(ground, world)]

    assert done == [1, 0]
    assert await worn(ground, customer) == {tag.id: SetBy.RULE}
    async with ground.db.read() as session:
        purposes = set(
            await session.scalars(select(col(CustomerMark.purpose)).where(col(CustomerMark.brand_id) == world.brand.id))
        )
    assert MarkPurpose.RULES not in purposes


async def test_a_customer_without_a_relationship_is_marked_too(ground: Ground) -> None:
    world, elsewhere = await build_world(ground), await build_world(ground, "other")
    tag = await build_tag(ground, world, await build_group(ground, world), "熟客")
    await live(ground, world, tag, "orders >= 1")
    customer = await build_customer(ground, world.shop.guide)
    await _forget_relationship(ground, customer)
    await place(ground, world, customer)

    assert (await follow(ground, world), await follow(ground, elsewhere)) == (1, 0)
    assert await worn(ground, customer) == {tag.id: SetBy.RULE}


async def test_what_happens_while_marks_are_followed_is_not_lost(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that commits after the behaviour was read has left a mark of its own."""
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "熟客")
    customer = await build_customer(ground, world.shop.guide)
    await live(ground, world, tag, "orders >= 2")
    await place(ground, world, customer)
    if ground.db.is_sqlite:
        await follow(ground, world)
        await place(ground, world, customer)
    else:
        before = evaluating.evaluate

        async def meanwhile(work: Work, customer_ids: Sequence[UUID], day: date) -> Outcome:
            outcome = await before(work, customer_ids, day)
            await place(ground, world, customer)
            return outcome

        monkeypatch.setattr(evaluating, "evaluate", meanwhile)
        await follow(ground, world)
        monkeypatch.setattr(evaluating, "evaluate", before)
    assert await worn(ground, customer) == {}

    await follow(ground, world)

    assert await worn(ground, customer) == {tag.id: SetBy.RULE}


async def test_two_workers_at_once_do_it_once(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "熟客")
    people = [await build_customer(ground, world.shop.guide) for _ in range(5)]
    await live(ground, world, tag, "orders >= 1")
    for customer in people:
        await place(ground, world, customer)

    done = await asyncio.gather(follow(ground, world), follow(ground, world))

    assert sum(done) == 5
    for customer in people:
        assert await worn(ground, customer) == {tag.id: SetBy.RULE}
        assert len(await history(ground, customer)) == 1


async def test_the_workers_sweep_lets_rules_follow(ground: Ground) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "熟客")
    customer = await build_customer(ground, world.shop.guide)
    await live(ground, world, tag, "orders >= 1")
    await place(ground, world, customer)

    await chores.see_to_all(ground)

    assert await worn(ground, customer) == {tag.id: SetBy.RULE}


async def test_the_night_goes_through_all_customers_chunk_by_chunk(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "熟客")
    people = [await build_customer(ground, world.shop.guide) for _ in range(5)]
    await live(ground, world, tag, "orders >= 1")
    for customer in people[:3]:
        await place(ground, world, customer, placed_at=NOON)
    monkeypatch.setattr(evaluating, "AT_ONCE", 2)
    monkeypatch.setattr(nights, "STEPS", {"rules": evaluating.night_step})
    day = NOON.date()
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await nights.begin(work, day)
    for _ in range(3):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await nights.go_on(work, day)

    async with ground.db.read() as session:
        night = await session.get(Night, (world.brand.id, day))
    assert night
    assert night.done_at is not None
    assert night.counts == {
        "evaluated": 5,
        "set": 3,
        "unset": 0,
        "suggested": 0,
        "withdrawn": 0,
        "disagreements": 0,
    }
    assert [bool(await worn(ground, customer)) for customer in people] == [True] * 3 + [False] * 2


async def test_going_live_looks_at_everybody_in_jobs(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    world = await build_world(ground)
    tag = await build_tag(ground, world, await build_group(ground, world), "熟客")
    people = [await build_customer(ground, world.shop.guide) for _ in range(3)]
    for customer in people:
        await place(ground, world, customer)
    monkeypatch.setattr(evaluating, "AT_ONCE", 2)
    rule = await live(ground, world, tag, "orders >= 1", mode=RuleMode.SUGGEST)

    async with unit_of_work(ground, system(world.brand.id)) as work:
        await evaluating.go_through(work)
        [request] = work.requests
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await evaluating.go_through(work, **request.args)
        assert work.requests == []
    assert len(await _offered_all(ground, world)) == 3
    async with unit_of_work(ground, world.hq) as work:
        await rules.retire_rule(work, rule.id)
        assert [each.name for each in work.requests] == [rules.GO_THROUGH]
    await evaluate(ground, *people)

    assert await _offered_all(ground, world) == []


async def _set_by(ground: Ground, world: World, set_by: SetBy) -> None:
    async with ground.db.write() as session:
        await session.execute(
            update(CustomerTag).where(col(CustomerTag.brand_id) == world.brand.id).values(set_by=set_by)
        )


async def _offered_all(ground: Ground, world: World) -> list[tuple[UUID, UUID]]:
    async with ground.db.read() as session:
        found = await session.execute(
            select(col(TagSuggestion.tag_id), col(TagSuggestion.id)).where(
                col(TagSuggestion.brand_id) == world.brand.id, col(TagSuggestion.state) == SuggestionState.OPEN
            )
        )
        return [(tag_id, suggestion_id) for tag_id, suggestion_id in found]


async def _forget_relationship(ground: Ground, customer: Customer) -> None:
    mine = (col(Relationship.brand_id) == customer.brand_id, col(Relationship.customer_id) == customer.id)
    async with ground.db.write() as session:
        held = (await session.scalars(select(col(Relationship.id)).where(*mine))).all()
        await session.execute(
            delete(Holding).where(col(Holding.brand_id) == customer.brand_id, col(Holding.relationship_id).in_(held))
        )
        await session.execute(delete(Relationship).where(*mine))
