"""Everybody arranges their own workbench; headquarters says what a role begins with."""

import asyncio
from collections.abc import Sequence

import pytest

from kernel import feed
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, Invalid, Refusal, StaleVersion
from kernel.work import Ground, unit_of_work
from tasks.commands import workbench
from tasks.errors import CardLocked, FilterUnfit
from tasks.models import BUILT_IN, Card, PlacedCard, TaskKind
from tasks.queries.workbench import Layout, defaults, of_actor
from tests.factories import World, build_world, said
from tests.mall.trading import till
from tests.refusals import refused

OWN = [PlacedCard(Card.ORDERS), PlacedCard(Card.TASKS, only=(TaskKind.REVISIT,)), PlacedCard(Card.TILES, True)]
FIXED = [PlacedCard(Card.TILES, is_locked=True)]


async def arrange(
    ground: Ground, actor: Actor, cards: Sequence[PlacedCard] = OWN, version: int | None = None
) -> Layout:
    async with unit_of_work(ground, actor) as work:
        return await workbench.arrange(work, cards, expected_version=version)


async def reset(ground: Ground, actor: Actor) -> Layout:
    async with unit_of_work(ground, actor) as work:
        return await workbench.reset(work)


async def set_default(
    ground: Ground, actor: Actor, cards: Sequence[PlacedCard] = FIXED, role: Role = Role.GUIDE
) -> None:
    async with unit_of_work(ground, actor) as work:
        await workbench.set_default(work, role, cards)


async def seen(ground: Ground, actor: Actor) -> Layout:
    async with ground.db.read() as session:
        found = await of_actor(session, actor)
    assert found
    return found


async def test_an_arrangement_is_the_persons_own_and_told_to_them_alone(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide

    made = await arrange(ground, guide)

    shown = await seen(ground, guide)
    assert shown == made
    assert (shown.id, shown.version, shown.is_own) == (guide.id, 1, True)
    assert [each for each in shown.cards if each.card in (Card.ORDERS, Card.TASKS, Card.TILES)] == OWN
    assert await said(ground, feed.of_staff(guide.id)) == [("put", "staff", guide.id)]
    assert await said(ground, feed.of_store(world.shop.store.id)) == []
    other = await seen(ground, world.shop.other_guide)
    assert (other.version, other.is_own, [*other.cards]) == (0, False, [*BUILT_IN])


async def test_the_same_arrangement_again_changes_and_says_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    await arrange(ground, world.shop.guide)

    assert (await arrange(ground, world.shop.guide)).version == 1

    assert len(await said(ground, feed.of_staff(world.shop.guide.id))) == 1


async def test_a_reset_takes_the_default_and_what_it_becomes_and_the_version_goes_on(ground: Ground) -> None:
    world = await build_world(ground)
    await arrange(ground, world.shop.guide)

    back = await reset(ground, world.shop.guide)
    await set_default(ground, world.hq)

    assert (back.version, back.is_own, [*back.cards]) == (2, False, [*BUILT_IN])
    shown = await seen(ground, world.shop.guide)
    assert [each.card for each in shown.cards if each.is_locked] == [Card.TILES]
    assert (await reset(ground, world.shop.guide)).version == 2
    assert (await reset(ground, world.shop.other_guide)).version == 0


async def test_what_headquarters_fixes_later_is_seen_again_and_cannot_be_hidden(ground: Ground) -> None:
    world = await build_world(ground)
    await arrange(ground, world.shop.guide)
    await arrange(ground, world.shop.manager)

    await set_default(ground, world.hq)

    fixed = [each for each in (await seen(ground, world.shop.guide)).cards if each.card is Card.TILES]
    assert fixed == [PlacedCard(Card.TILES, is_locked=True)]
    async with refused(ground, CardLocked):
        await arrange(ground, world.shop.guide)
    left_out = await arrange(ground, world.shop.guide, OWN[:2])
    assert [each.card for each in left_out.cards if each.is_locked] == [Card.TILES]
    assert not any(each.is_hidden for each in left_out.cards)
    assert [each.is_hidden for each in (await seen(ground, world.shop.manager)).cards if each.card is Card.TILES] == [
        True
    ]


async def test_a_default_is_told_once_for_each_store_or_to_whoever_works_over_them(ground: Ground) -> None:
    world = await build_world(ground)
    stores = [shop.store.id for shop in world.shops]

    await set_default(ground, world.hq)
    for store in stores:
        assert await said(ground, feed.of_store(store)) == [("put", "store", store)]
        assert await said(ground, feed.of_desk(store)) == []

    await set_default(ground, world.hq, role=Role.STORE_MANAGER)
    await set_default(ground, world.hq, role=Role.REGIONAL_MANAGER)
    for store in stores:
        assert len(await said(ground, feed.of_store(store))) == 1
        assert await said(ground, feed.of_desk(store)) == [("put", "store", store)]
    assert await said(ground, feed.of_staff(world.east_manager.id)) == [("put", "staff", world.east_manager.id)]
    assert await said(ground, feed.of_staff(world.hq.id)) == []
    assert await said(ground, feed.of_staff(world.shop.guide.id)) == []
    await set_default(ground, world.hq)
    assert len(await said(ground, feed.of_store(stores[0]))) == 1


BAD: list[tuple[list[PlacedCard], type[Refusal]]] = [
    ([PlacedCard(Card.TASKS), PlacedCard(Card.TASKS, True)], Invalid),
    ([PlacedCard(Card.TASKS, only=("paid",))], FilterUnfit),
    ([PlacedCard(Card.TILES, only=("todo",))], FilterUnfit),
    ([PlacedCard(Card.ORDERS, only=("paid", "high"))], FilterUnfit),
]


@pytest.mark.parametrize(("cards", "kind"), BAD)
async def test_cards_that_cannot_be_are_refused(ground: Ground, cards: list[PlacedCard], kind: type[Refusal]) -> None:
    world = await build_world(ground)

    async with refused(ground, kind):
        await arrange(ground, world.shop.guide, cards)
    async with refused(ground, kind):
        await set_default(ground, world.hq, cards)


async def test_who_may_say_what_a_role_begins_with(ground: Ground) -> None:
    world = await build_world(ground)

    for actor in (world.shop.guide, world.shop.manager, world.east_manager, till(world)):
        async with refused(ground, Forbidden):
            await set_default(ground, actor)
    async with refused(ground, Forbidden):
        await arrange(ground, till(world))
    async with refused(ground, Forbidden):
        await reset(ground, till(world))
    for role in (Role.SERVICE, Role.SYSTEM):
        async with refused(ground, Invalid):
            await set_default(ground, world.hq, role=role)
    async with refused(ground, Invalid):
        await set_default(ground, world.hq, [PlacedCard(Card.TASKS, is_hidden=True, is_locked=True)])


async def test_an_arrangement_of_an_older_one_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    await arrange(ground, world.shop.guide, version=0)

    async with refused(ground, StaleVersion):
        await arrange(ground, world.shop.guide, OWN[:1], version=0)
    assert (await arrange(ground, world.shop.guide, OWN[:1], version=1)).version == 2


async def test_of_two_phones_at_once_one_comes_after_the_other_and_one_that_read_before_is_refused(
    ground: Ground,
) -> None:
    world = await build_world(ground)
    guide = world.shop.guide

    both = await asyncio.gather(arrange(ground, guide, OWN), arrange(ground, guide, OWN[:1]))
    assert sorted(each.version for each in both) == [1, 2]
    last = max(both, key=lambda each: each.version)
    assert await seen(ground, guide) == last

    late = await asyncio.gather(
        arrange(ground, guide, OWN[1:], 2), arrange(ground, guide, OWN[2:], 2), return_exceptions=True
    )
    assert {type(each) for each in late} == {Layout, StaleVersion}


async def test_guides_cannot_fix_cards_for_themselves_and_other_brands_have_their_own(ground: Ground) -> None:
    world, elsewhere = await build_world(ground), await build_world(ground, "elsewhere")
    await set_default(ground, elsewhere.hq)

    shown = await arrange(ground, world.shop.guide, FIXED)

    assert not any(each.is_locked for each in shown.cards)
    assert [*(await seen(ground, world.shop.other_guide)).cards] == [*BUILT_IN]


async def roles(ground: Ground, actor: Actor) -> list[tuple[Role, int]]:
    async with ground.db.read() as session:
        return [(each.role, each.version) for each in await defaults(session, actor)]


async def test_headquarters_sees_all_defaults_and_the_others_their_own_roles(ground: Ground) -> None:
    world: World = await build_world(ground)
    await set_default(ground, world.hq)

    assert await roles(ground, world.hq) == [
        (Role.GUIDE, 1),
        (Role.STORE_MANAGER, 0),
        (Role.REGIONAL_MANAGER, 0),
        (Role.HQ, 0),
    ]
    assert await roles(ground, world.shop.guide) == [(Role.GUIDE, 1)]
    assert await roles(ground, till(world)) == []
