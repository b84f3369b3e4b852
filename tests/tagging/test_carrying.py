"""The one way by which tags come on customers and go: what is replaced, confirmed, passed over and written down."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from kernel import clock, feed, ids
from kernel.actor import system
from kernel.errors import Invalid
from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.commands import carrying, writing
from tagging.commands.carrying import Pair
from tagging.errors import OnlyOneOfGroup
from tagging.models import Choice, CustomerTag, SetBy, Tag, TagChange, TagChangeKind
from tests.factories import NOON, World, build_customer, build_world, reload, said
from tests.tagging.labels import build_group, build_tag, carried, history, put

DAY = timedelta(days=1)


async def by_rule(
    ground: Ground, world: World, customer: Customer, tags: Sequence[Tag], rule_id: UUID, **given: Any
) -> list[UUID]:
    """What a rule puts on at noon, or at `at`."""
    at: datetime = given.pop("at", NOON)
    with clock.stopped_at(at):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            pairs = [Pair(customer.id, tag.id) for tag in tags]
            return await carrying.put(work, pairs, set_by=SetBy.RULE, rule_id=rule_id, **given)


async def by_guide(
    ground: Ground, world: World, customer: Customer, tag: Tag, at: datetime, reason: str | None = None
) -> list[UUID]:
    with clock.stopped_at(at):
        async with unit_of_work(ground, world.shop.guide) as work:
            return await commands.add_tags(work, [customer.id], [tag.id], reason=reason)


async def worn(ground: Ground, customer: Customer, tag: Tag) -> CustomerTag:
    async with ground.db.read() as session:
        found = await session.get(CustomerTag, (customer.brand_id, customer.id, tag.id))
    assert found
    return found


async def test_who_what_when_and_why_are_kept_and_written_down(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    group = await build_group(ground, world, shelf_life_days=90)
    tag = await build_tag(ground, world, group, "简约")
    rule_id = ids.new()

    await by_rule(ground, world, customer, [tag], rule_id, reason="近一年 62% 买的是简约款", confidence=80)

    row = await worn(ground, customer, tag)
    assert (row.set_by, row.by_staff_id, row.rule_id, row.confidence) == (SetBy.RULE, None, rule_id, 80)
    assert (row.reason, row.set_at, row.checked_at) == ("近一年 62% 买的是简约款", NOON, NOON)
    assert row.valid_until == NOON + 90 * DAY
    [line] = await history(ground, customer)
    assert (line.kind, line.tag_id, line.set_by, line.rule_id) == (TagChangeKind.SET, tag.id, SetBy.RULE, rule_id)
    assert (line.reason, line.confidence, line.at) == ("近一年 62% 买的是简约款", 80, NOON)


async def test_in_a_single_choice_group_the_old_tag_goes_with_a_line_that_says_by_which(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE)
    small, large = [await build_tag(ground, world, sizes, name) for name in ("S", "L")]

    await by_guide(ground, world, customer, small, NOON)
    await by_guide(ground, world, customer, large, NOON + DAY, "试过了")

    assert await carried(ground, customer) == {large.id}
    assert [(line.kind, line.tag_id, line.other_tag_id) for line in await history(ground, customer)] == [
        (TagChangeKind.SET, small.id, None),
        (TagChangeKind.REPLACED, small.id, large.id),
        (TagChangeKind.SET, large.id, None),
    ]
    assert (await worn(ground, customer, large)).reason == "试过了"
    assert (await reload(ground, customer)).version == 3


@pytest.mark.parametrize("forgotten", ["replacement", "history"])
async def test_a_planted_bug_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch, forgotten: str) -> None:
    """The mutants: single-choice replacement forgotten; a line of the history forgotten."""

    async def nothing(*_arguments: Any) -> None:
        return None

    monkeypatch.setattr(writing, "drop" if forgotten == "replacement" else "write", nothing)

    with pytest.raises(AssertionError):
        await test_in_a_single_choice_group_the_old_tag_goes_with_a_line_that_says_by_which(ground)


async def test_a_tag_that_is_there_is_confirmed_once_a_day(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    tag = await build_tag(ground, world, await build_group(ground, world, shelf_life_days=90), "简约")
    await by_guide(ground, world, customer, tag, NOON)

    assert await by_guide(ground, world, customer, tag, NOON + DAY / 2) == []
    assert await by_guide(ground, world, customer, tag, NOON + 2 * DAY) == [customer.id]

    row = await worn(ground, customer, tag)
    assert (row.set_at, row.checked_at, row.valid_until) == (NOON, NOON + 2 * DAY, NOON + 92 * DAY)
    assert [line.kind for line in await history(ground, customer)] == [TagChangeKind.SET, TagChangeKind.CONFIRMED]
    assert (await reload(ground, customer)).version == 3


async def test_a_machine_confirms_once_in_a_quarter_of_the_shelf_life(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    tag = await build_tag(ground, world, await build_group(ground, world, shelf_life_days=40), "简约")
    lasting = await build_tag(ground, world, await build_group(ground, world, "生肖"), "龙")
    rule_id = ids.new()
    await by_rule(ground, world, customer, [tag, lasting], rule_id)

    assert await by_rule(ground, world, customer, [tag, lasting], rule_id, at=NOON + 9 * DAY) == []
    assert await by_rule(ground, world, customer, [tag, lasting], rule_id, at=NOON + 10 * DAY) == [customer.id]

    assert (await worn(ground, customer, tag)).checked_at == NOON + 10 * DAY
    assert (await worn(ground, customer, lasting)).checked_at == NOON


async def test_what_a_rule_found_and_a_person_confirms_is_the_persons(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    tag = await build_tag(ground, world, await build_group(ground, world), "简约")
    rule_id = ids.new()
    await by_rule(ground, world, customer, [tag], rule_id, confidence=70, reason="买得多")

    await by_guide(ground, world, customer, tag, NOON)
    await by_rule(ground, world, customer, [tag], rule_id, at=NOON + 900 * DAY, reason="还是买得多")
    async with unit_of_work(ground, system(world.brand.id)) as work:
        gone = await carrying.take_off(work, [Pair(customer.id, tag.id)], set_by=SetBy.RULE, rule_id=rule_id)

    row = await worn(ground, customer, tag)
    assert gone == []
    assert (row.set_by, row.by_staff_id, row.rule_id) == (SetBy.GUIDE, world.shop.guide.id, None)
    assert (row.confidence, row.set_at) == (100, NOON)


async def test_a_rule_takes_off_what_it_put_on_and_no_more(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    group = await build_group(ground, world)
    own, others, guides = [await build_tag(ground, world, group, name) for name in ("一", "二", "三")]
    rule_id, another_id = ids.new(), ids.new()
    await by_rule(ground, world, customer, [own], rule_id)
    await by_rule(ground, world, customer, [others], another_id)
    await by_guide(ground, world, customer, guides, NOON)

    async with unit_of_work(ground, system(world.brand.id)) as work:
        pairs = [Pair(customer.id, tag.id) for tag in (own, others, guides)]
        await carrying.take_off(work, pairs, set_by=SetBy.RULE, rule_id=rule_id, reason="一年没有买过")

    assert await carried(ground, customer) == {others.id, guides.id}
    last = (await history(ground, customer))[-1]
    assert (last.kind, last.tag_id, last.reason) == (TagChangeKind.REMOVED, own.id, "一年没有买过")


async def test_a_rule_replaces_what_a_person_said_only_once_that_is_stale(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE, shelf_life_days=30)
    small, large = [await build_tag(ground, world, sizes, name) for name in ("S", "L")]
    await by_guide(ground, world, customer, small, NOON)

    assert await by_rule(ground, world, customer, [large], ids.new(), at=NOON + 29 * DAY) == []
    assert await carried(ground, customer) == {small.id}
    assert await by_rule(ground, world, customer, [large], ids.new(), at=NOON + 30 * DAY) == [customer.id]

    assert await carried(ground, customer) == {large.id}


async def test_what_there_is_not_is_passed_over(ground: Ground) -> None:
    world, other = await build_world(ground), await build_world(ground, "other")
    customer, foreign = await build_customer(ground, world.shop.guide), await build_customer(ground, other.shop.guide)
    group = await build_group(ground, world)
    tag, retired = [await build_tag(ground, world, group, name, **values) for name, values in _IN_USE_AND_NOT]
    theirs = await build_tag(ground, other, await build_group(ground, other), "别家")
    pairs = [Pair(foreign.id, tag.id), Pair(ids.new(), tag.id)]
    pairs += [Pair(customer.id, each) for each in (tag.id, retired.id, theirs.id, ids.new())]

    async with unit_of_work(ground, system(world.brand.id)) as work:
        changed = await carrying.put(work, pairs, set_by=SetBy.IMPORT)

    assert changed == [customer.id]
    assert await carried(ground, customer) == {tag.id}
    assert await carried(ground, foreign) == set()


_IN_USE_AND_NOT: list[tuple[str, dict[str, Any]]] = [("在用", {}), ("停用", {"retired_at": NOON})]


async def test_refusals_change_nothing_and_say_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE)
    small, large = [await build_tag(ground, world, sizes, name) for name in ("S", "L")]

    with pytest.raises(OnlyOneOfGroup):
        await by_rule(ground, world, customer, [small, large], ids.new())
    with pytest.raises(Invalid):
        await by_rule(ground, world, customer, [small], ids.new(), reason="长" * 201)

    assert await carried(ground, customer) == set()
    assert await history(ground, customer) == []
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == []


async def test_only_what_is_carried_is_confirmed(ground: Ground) -> None:
    world = await build_world(ground)
    carrier, bare = [await build_customer(ground, world.shop.guide) for _ in range(2)]
    group = await build_group(ground, world, shelf_life_days=10)
    tags = [await build_tag(ground, world, group, name) for name in ("一", "二")]
    with clock.stopped_at(NOON):
        await put(ground, world.shop.guide, [carrier], tags[:1])

    with clock.stopped_at(NOON + 20 * DAY):
        async with unit_of_work(ground, world.shop.guide) as work:
            people, asked = [carrier.id, bare.id], [tag.id for tag in tags]
            changed = await commands.confirm_tags(work, people, asked, reason="问过了")

    assert changed == [carrier.id]
    assert await carried(ground, carrier) == {tags[0].id}
    assert await carried(ground, bare) == set()
    assert (await worn(ground, carrier, tags[0])).valid_until == NOON + 30 * DAY
    last = (await history(ground, carrier))[-1]
    assert (last.kind, last.reason, last.by_staff_id) == (TagChangeKind.CONFIRMED, "问过了", world.shop.guide.id)


async def test_rules_and_guides_side_by_side_leave_one_of_a_single_choice(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    sizes = await build_group(ground, world, "尺码", Choice.SINGLE)
    tags = [await build_tag(ground, world, sizes, name) for name in ("S", "M", "L")]

    await asyncio.gather(
        *(by_rule(ground, world, customer, [tag], ids.new()) for tag in tags),
        *(by_guide(ground, world, customer, tag, NOON) for tag in tags),
    )

    [left] = await carried(ground, customer)
    async with ground.db.read() as session:
        found = await session.scalars(select(TagChange).where(col(TagChange.brand_id) == world.brand.id))
        lines = found.all()
    gone = [line.tag_id for line in lines if line.kind is TagChangeKind.REPLACED]
    came = [line.tag_id for line in lines if line.kind is TagChangeKind.SET]
    assert sorted(came) == sorted([*gone, left])
