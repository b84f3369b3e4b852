"""Customers are created, claimed, or whichever is right."""

import asyncio
from datetime import date
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from customers import commands
from customers.errors import (
    AlreadyHeld,
    BadPhone,
    HolderUnfit,
    IdentityMismatch,
    MemberNumberTaken,
    PhoneTaken,
)
from customers.models import Customer, Holding, HoldingReason, Relationship
from directory.models import Staff, StaffState
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.crypto import Vault
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.work import Ground, unit_of_work
from tests.factories import build_customer, build_world, said
from tests.refusals import refused

VAULT = Vault(b"k" * 32)
PHONE = "138 1234 5678"


async def create(ground: Ground, actor: Actor, **values: Any) -> Customer:
    async with unit_of_work(ground, actor) as work:
        return await commands.create(work, VAULT, **{"name": "王芳", "phone": PHONE} | values)


async def claim(ground: Ground, actor: Actor, **values: Any) -> Customer:
    async with unit_of_work(ground, actor) as work:
        return await commands.claim(work, VAULT, **values)


async def register(ground: Ground, actor: Actor, **values: Any) -> Customer:
    async with unit_of_work(ground, actor) as work:
        return await commands.register(work, VAULT, **{"name": "王芳", "phone": PHONE} | values)


async def relationships(ground: Ground, customer: Customer) -> list[Relationship]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(Relationship)
            .where(col(Relationship.customer_id) == customer.id)
            .order_by(col(Relationship.created_at), col(Relationship.id))
        )
        return list(found)


async def count(ground: Ground, model: Any) -> int:
    async with ground.db.read() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def test_a_new_customer_is_held_by_the_guide_and_nobody_can_read_the_phone(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide

    customer = await create(
        ground, guide, name=" 王芳 ", tier="金卡", birthday=date(1990, 5, 1), city="上海", remark="喜欢红色"
    )

    assert (customer.name, customer.tier, customer.phone_masked) == ("王芳", "金卡", "138****5678")
    assert customer.phone_sealed
    assert b"5678" not in customer.phone_sealed
    assert VAULT.open(world.brand.id, customer.phone_sealed) == "+8613812345678"
    [relationship] = await relationships(ground, customer)
    assert (relationship.holder_id, relationship.store_id) == (guide.account_ids[0], guide.store_id)
    assert (relationship.is_primary, relationship.remark) == (True, "喜欢红色")
    assert relationship.touched_at
    async with ground.db.read() as session:
        [holding] = list(await session.scalars(select(Holding)))
    assert (holding.account_id, holding.reason, holding.until_at) == (
        guide.account_ids[0],
        HoldingReason.CREATED,
        None,
    )
    news = [("whole", "relationship", relationship.id)]
    assert await said(ground, guide.id) == news
    assert await said(ground, feed.of_desk(world.shop.store.id)) == news
    assert await said(ground, world.shop.other_guide.id) == []


async def test_a_customer_without_a_number_gets_one(ground: Ground) -> None:
    world = await build_world(ground)

    first = await create(ground, world.shop.guide, phone=None)
    second = await create(ground, world.shop.guide, phone=None)

    assert first.member_number != second.member_number
    assert (first.phone_masked, first.phone_index) == (None, None)


async def test_a_phone_and_a_member_number_are_given_once_in_a_brand(ground: Ground) -> None:
    world = await build_world(ground)
    other = await build_world(ground, "baiyu")
    await create(ground, world.shop.guide, member_number="M1")

    async with refused(ground, PhoneTaken):
        await create(ground, world.shops[1].guide, phone="+8613812345678")
    async with refused(ground, MemberNumberTaken):
        await create(ground, world.shops[1].guide, phone=None, member_number="M1")

    assert (await create(ground, other.shop.guide, member_number="M1")).phone_masked == "138****5678"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"name": " "}, Invalid),
        ({"name": "王" * 61}, Invalid),
        ({"phone": "12345"}, BadPhone),
        ({"birthday": date(1899, 12, 31)}, Invalid),
        ({"birthday": date(2999, 1, 1)}, Invalid),
        ({"member_number": " "}, Invalid),
        ({"remark": "长" * 201}, Invalid),
    ],
)
async def test_what_does_not_fit_is_refused(ground: Ground, values: dict[str, Any], kind: type[Invalid]) -> None:
    world = await build_world(ground)

    async with refused(ground, kind):
        await create(ground, world.shop.guide, **values)


async def test_a_manager_says_who_is_to_hold(ground: Ground) -> None:
    world = await build_world(ground)
    manager, guide = world.shop.manager, world.shop.guide

    named = await create(ground, manager, phone=None, account_id=guide.account_ids[0])
    pooled = await create(ground, manager, phone=None)

    assert [row.holder_id for row in await relationships(ground, named)] == [guide.account_ids[0]]
    assert [row.holder_id for row in await relationships(ground, pooled)] == [world.shop.public.id]


async def test_hq_must_say_who_is_to_hold(ground: Ground) -> None:
    world = await build_world(ground)

    async with refused(ground, Invalid):
        await create(ground, world.hq)
    assert await create(ground, world.hq, account_id=world.shop.guide.account_ids[0])


async def test_a_guide_fills_no_other_account(ground: Ground) -> None:
    world = await build_world(ground)

    async with refused(ground, Forbidden):
        await create(ground, world.shop.guide, account_id=world.shop.other_guide.account_ids[0])
    async with refused(ground, Forbidden):
        await create(ground, world.shop.guide, account_id=world.shop.public.id)
    async with refused(ground, NotFound):
        await create(ground, world.shop.guide, account_id=world.shops[1].public.id)


async def test_a_machine_creates_customers_if_it_may(ground: Ground) -> None:
    world = await build_world(ground)
    reader, writer = (
        Actor(brand_id=world.brand.id, id=world.brand.id, role=Role.SERVICE, scopes=frozenset({scope.value}))
        for scope in (Scope.CUSTOMERS_READ, Scope.CUSTOMERS_WRITE)
    )

    async with refused(ground, Forbidden):
        await create(ground, reader, account_id=world.shop.public.id)
    assert await create(ground, writer, account_id=world.shop.public.id)


async def test_who_is_leaving_gets_no_new_customer(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    await build_customer(ground, guide)
    async with unit_of_work(ground, world.hq) as work:
        await commands.close_access(work, guide.id)

    async with refused(ground, HolderUnfit):
        await create(ground, world.shop.manager, account_id=guide.account_ids[0])
    async with refused(ground, HolderUnfit):
        await create(ground, guide)


async def test_an_account_of_a_former_store_takes_nobody(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    async with unit_of_work(ground, world.hq) as work:
        await commands.move_staff(work, guide.id, role=Role.GUIDE, store_id=world.shops[1].store.id)

    async with refused(ground, HolderUnfit):
        await create(ground, world.hq, account_id=guide.account_ids[0])


async def test_a_customer_of_another_store_is_claimed_by_phone(ground: Ground) -> None:
    world = await build_world(ground)
    known = await create(ground, world.shop.guide)
    claimer = world.shops[1].guide

    claimed = await claim(ground, claimer, phone="+86 138-1234-5678")

    assert claimed.id == known.id
    first, second = await relationships(ground, known)
    assert (first.is_primary, second.is_primary) == (True, False)
    assert second.holder_id == claimer.account_ids[0]
    assert await said(ground, claimer.id) == [("whole", "relationship", second.id)]
    assert await said(ground, world.shop.guide.id) == [("whole", "relationship", first.id)]


async def test_claiming_again_changes_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    known = await create(ground, world.shop.guide)

    for _ in range(2):
        await claim(ground, world.shops[1].guide, member_number=known.member_number)

    assert len(await relationships(ground, known)) == 2
    assert len(await said(ground, world.shops[1].guide.id)) == 1


async def test_who_is_held_in_the_store_is_not_claimed_from_a_colleague(ground: Ground) -> None:
    world = await build_world(ground)
    await create(ground, world.shop.guide)

    for actor in (world.shop.other_guide, world.shop.manager):
        async with refused(ground, AlreadyHeld):
            await claim(ground, actor, phone=PHONE)


async def test_who_is_unknown_can_not_be_claimed(ground: Ground) -> None:
    world = await build_world(ground)
    other = await build_world(ground, "baiyu")
    await create(ground, other.shop.guide)

    async with refused(ground, NotFound):
        await claim(ground, world.shop.guide, phone=PHONE)
    async with refused(ground, Invalid):
        await claim(ground, world.shop.guide)
    async with refused(ground, BadPhone):
        await claim(ground, world.shop.guide, phone="110")


async def test_a_phone_and_a_number_of_two_people_are_refused(ground: Ground) -> None:
    world = await build_world(ground)
    await create(ground, world.shop.guide, member_number="M1")
    await create(ground, world.shop.guide, phone=None, member_number="M2")

    for number in ("M2", "M3"):
        async with refused(ground, IdentityMismatch):
            await claim(ground, world.shops[1].guide, phone=PHONE, member_number=number)
        async with refused(ground, IdentityMismatch):
            await register(ground, world.shops[1].guide, phone=PHONE, member_number=number)
    async with refused(ground, IdentityMismatch):
        await register(ground, world.shops[1].guide, phone="13900000000", member_number="M2")


async def test_two_guides_who_claim_one_customer_at_once_share_nobody(ground: Ground) -> None:
    world = await build_world(ground)
    known = await create(ground, world.shops[1].guide)

    results = await asyncio.gather(
        *(claim(ground, guide, phone=PHONE) for guide in world.shop.guides), return_exceptions=True
    )

    assert [type(result) for result in results if not isinstance(result, Customer)] == [AlreadyHeld]
    assert len(await relationships(ground, known)) == 2


async def test_registering_creates_or_claims(ground: Ground) -> None:
    world = await build_world(ground)

    created = await register(ground, world.shop.guide, name="王芳")
    again = await register(ground, world.shop.guide, name="王小姐")
    claimed = await register(ground, world.shops[1].guide, name="王女士")

    assert created.id == again.id == claimed.id
    assert claimed.name == "王芳"
    assert len(await relationships(ground, created)) == 2
    assert len(await said(ground, world.shop.guide.id)) == 1


async def test_registering_one_phone_in_one_store_at_once_gives_it_to_one(ground: Ground) -> None:
    world = await build_world(ground)

    results = await asyncio.gather(
        *(register(ground, guide) for guide in (*world.shop.guides, *world.shop.guides)), return_exceptions=True
    )

    held = [result for result in results if isinstance(result, Customer)]
    assert len(held) == 2
    assert {type(result) for result in results if not isinstance(result, Customer)} == {AlreadyHeld}
    assert (await count(ground, Customer), await count(ground, Relationship), await count(ground, Holding)) == (1, 1, 1)


async def test_registering_one_phone_in_three_stores_at_once_makes_one_customer(ground: Ground) -> None:
    world = await build_world(ground)

    results = await asyncio.gather(*(register(ground, shop.guide) for shop in world.shops))

    assert len({customer.id for customer in results}) == 1
    found = await relationships(ground, results[0])
    assert sorted(row.is_primary for row in found) == [False, False, True]


async def test_a_guide_who_is_shut_out_at_the_same_moment_never_departs_holding_somebody(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide

    async def shut_out() -> None:
        async with unit_of_work(ground, world.hq) as work:
            await commands.close_access(work, guide.id)

    await asyncio.gather(register(ground, guide), shut_out(), return_exceptions=True)

    async with ground.db.read() as session:
        person = await session.get(Staff, (guide.brand_id, guide.id))
    assert person
    assert person.state is (StaffState.LEAVING if await count(ground, Relationship) else StaffState.DEPARTED)
