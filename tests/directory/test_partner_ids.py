"""Accounts are told apart at the partner: one user id, one person."""

import asyncio
from uuid import UUID

import pytest

from directory import commands
from directory.errors import PartnerUserTaken
from directory.models import Account, AccountKind
from directory.queries import accounts
from kernel import ids
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from tests.factories import World, build_world, save


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def known_as(ground: Ground, world: World, account_id: UUID) -> str | None:
    async with ground.db.read() as session:
        return (await accounts.get(session, world.hq, account_id)).partner_user_id


async def set_id(
    ground: Ground, world: World, account_id: UUID, user_id: str | None, version: int | None = None
) -> None:
    async with unit_of_work(ground, world.hq) as work:
        await commands.set_partner_user_id(work, account_id, user_id=user_id, expected_version=version)


async def test_an_account_gets_an_id_another_one_and_none(ground: Ground, world: World) -> None:
    [account_id] = world.shop.guide.account_ids
    seen = []
    for version, user_id in enumerate(("lin.wei", " lin.wei2 ", None), 1):
        await set_id(ground, world, account_id, user_id, version)
        seen.append(await known_as(ground, world, account_id))

    assert seen == ["lin.wei", "lin.wei2", None]


async def test_one_id_is_of_one_guide_whatever_accounts_they_have(ground: Ground, world: World) -> None:
    guide, [first] = world.shop.guide, world.shop.guide.account_ids
    second = Account(
        brand_id=world.brand.id,
        id=ids.new(),
        store_id=world.shops[1].store.id,
        kind=AccountKind.GUIDE,
        staff_id=guide.id,
    )
    await save(ground, second)
    await set_id(ground, world, first, "lin.wei")
    await set_id(ground, world, second.id, "lin.wei")

    for other in (world.shop.other_guide.account_ids[0], world.shop.public.id):
        with pytest.raises(PartnerUserTaken):
            await set_id(ground, world, other, "lin.wei")
        assert await known_as(ground, world, other) is None


async def test_of_two_who_ask_for_the_same_id_at_once_one_gets_it(ground: Ground, world: World) -> None:
    asked = [actor.account_ids[0] for actor in world.shop.guides]

    done = await asyncio.gather(*(set_id(ground, world, each, "lin.wei") for each in asked), return_exceptions=True)

    assert [type(each) for each in done if each is not None] == [PartnerUserTaken]
    assert {await known_as(ground, world, each) for each in asked} == {None, "lin.wei"}


async def test_another_brand_may_use_the_same_id(ground: Ground, world: World) -> None:
    other = await build_world(ground, "theirs")
    await set_id(ground, world, world.shop.guide.account_ids[0], "lin.wei")
    await set_id(ground, other, other.shop.guide.account_ids[0], "lin.wei")

    assert await known_as(ground, other, other.shop.guide.account_ids[0]) == "lin.wei"


async def test_only_headquarters_says_so_and_out_of_sight_nothing_is_found(ground: Ground, world: World) -> None:
    theirs = await build_world(ground, "theirs")
    [own] = world.shop.guide.account_ids
    cases = [
        (world.shop.guide, own, Forbidden),
        (world.shop.manager, own, Forbidden),
        (world.east_manager, own, Forbidden),
        (world.shops[1].manager, own, NotFound),
        (theirs.hq, own, NotFound),
    ]
    for actor, account_id, refusal in cases:
        with pytest.raises(refusal):
            async with unit_of_work(ground, actor) as work:
                await commands.set_partner_user_id(work, account_id, user_id="x")

    assert await known_as(ground, world, own) is None


async def test_a_text_too_long_or_an_old_version_changes_nothing(ground: Ground, world: World) -> None:
    [own] = world.shop.guide.account_ids

    with pytest.raises(Invalid):
        await set_id(ground, world, own, "x" * 65)
    with pytest.raises(StaleVersion):
        await set_id(ground, world, own, "x", 7)

    assert await known_as(ground, world, own) is None


async def test_many_are_named_by_their_numbers_and_unknown_numbers_come_back(ground: Ground, world: World) -> None:
    given = {"qinghe-1-G1": "lin", "qinghe-1-G2": "wang", "nobody": "x", "qinghe-hq": "boss"}
    async with unit_of_work(ground, world.hq) as work:
        unknown = await commands.set_partner_user_ids(work, given)
    async with ground.db.read() as session:
        without = await accounts.without_partner_id(session, world.brand.id)

    assert unknown == ["nobody", "qinghe-hq"]
    assert [await known_as(ground, world, each.account_ids[0]) for each in world.shop.guides] == ["lin", "wang"]
    assert without == 4


async def test_two_guides_change_their_ids_with_each_other_at_once(ground: Ground, world: World) -> None:
    for given in ({"qinghe-1-G1": "a", "qinghe-1-G2": "b"}, {"qinghe-1-G1": "b", "qinghe-1-G2": "a"}):
        async with unit_of_work(ground, world.hq) as work:
            await commands.set_partner_user_ids(work, given)

    assert [await known_as(ground, world, each.account_ids[0]) for each in world.shop.guides] == ["b", "a"]


async def test_two_guides_with_one_id_are_refused_together(ground: Ground, world: World) -> None:
    with pytest.raises(PartnerUserTaken):
        async with unit_of_work(ground, world.hq) as work:
            await commands.set_partner_user_ids(work, {"qinghe-1-G1": "a", "qinghe-1-G2": "a"})
    with pytest.raises(Forbidden):
        async with unit_of_work(ground, world.shop.manager) as work:
            await commands.set_partner_user_ids(work, {"qinghe-1-G1": "a"})

    assert await known_as(ground, world, world.shop.guide.account_ids[0]) is None
