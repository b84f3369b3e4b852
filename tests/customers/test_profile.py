"""What is known of a customer is kept, and the phone is guarded."""

import asyncio
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlmodel import col

from customers import commands
from customers.commands.profile import MOST_REVEALS
from customers.errors import BadPhone, NoPhone, PhoneTaken, TooManyReveals
from customers.models import Customer
from customers.queries.looks import REVEALED, Revealed, revealed
from customers.queries.phones import masked
from kernel import clock, feed
from kernel.actor import Actor, Role, Scope
from kernel.audit import AuditEntry
from kernel.errors import Forbidden, Invalid, NotFound, Refusal, StaleVersion
from kernel.work import Ground, unit_of_work
from tests.asking import VAULT
from tests.factories import NOON, World, build_customer, build_world, reload, said
from tests.refusals import refused, snapshot

NUMBER = "+8613812345678"


async def build_reachable(ground: Ground, holder: Actor, number: str = NUMBER) -> Customer:
    return await build_customer(
        ground,
        holder,
        phone_sealed=VAULT.seal(holder.brand_id, number),
        phone_index=VAULT.index(holder.brand_id, number),
        phone_masked=masked(number),
    )


async def edit(ground: Ground, actor: Actor, customer: Customer, **changes: Any) -> Customer:
    async with unit_of_work(ground, actor) as work:
        return await commands.edit(work, customer.id, **changes)


async def change_phone(ground: Ground, actor: Actor, customer: Customer, phone: str | None) -> Customer:
    async with unit_of_work(ground, actor) as work:
        return await commands.change_phone(work, VAULT, customer.id, phone=phone)


async def consent(ground: Ground, actor: Actor, customer: Customer, do_not_contact: bool) -> Customer:
    async with unit_of_work(ground, actor) as work:
        return await commands.set_consent(work, customer.id, do_not_contact=do_not_contact)


async def reveal(ground: Ground, actor: Actor, customer: Customer) -> Revealed:
    async with unit_of_work(ground, actor) as work:
        look = await commands.reveal_phone(work, customer.id)
    async with ground.db.read() as session:
        return await revealed(session, actor, VAULT, look.id)


async def audited(ground: Ground) -> list[tuple[str, Any, Any]]:
    async with ground.db.read() as session:
        found = await session.scalars(select(AuditEntry).order_by(col(AuditEntry.id)))
    return [(entry.action, entry.actor_id, entry.entity_id) for entry in found]


async def known_in_two_stores(ground: Ground, world: World) -> Customer:
    customer = await build_customer(ground, world.shop.guide)
    async with unit_of_work(ground, world.shops[1].guide) as work:
        await commands.claim(work, VAULT, member_number=customer.member_number)
    return customer


async def test_an_edit_changes_what_is_named_and_tells_every_store_that_knows_the_customer(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await known_in_two_stores(ground, world)
    before = {shop.guide.id: await said(ground, shop.guide.id) for shop in world.shops}

    await edit(ground, world.shop.guide, customer, tier="金卡", birthday=date(1990, 5, 1), expected_version=1)
    await edit(ground, world.shop.guide, customer, name=" 王小芳 ", tier=None)

    edited = await reload(ground, customer)
    assert (edited.name, edited.tier, edited.birthday, edited.version) == ("王小芳", None, date(1990, 5, 1), 3)
    news = [("put", "customer", customer.id)] * 2
    for shop in world.shops[:2]:
        assert await said(ground, shop.guide.id) == [*before[shop.guide.id], *news]
        assert (await said(ground, feed.of_desk(shop.store.id)))[-2:] == news
    assert await said(ground, world.shops[2].guide.id) == []
    assert await said(ground, world.shop.other_guide.id) == []


async def test_an_edit_that_is_wrong_old_or_of_somebody_unseen_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    machine = Actor(
        brand_id=world.brand.id, id=world.hq.id, role=Role.SERVICE, scopes=frozenset({Scope.CUSTOMERS_READ.value})
    )
    refusals: list[tuple[Actor, dict[str, Any], type[Refusal]]] = [
        (world.shop.guide, {"name": "新", "expected_version": 2}, StaleVersion),
        (world.shop.guide, {"name": ""}, Invalid),
        (world.shop.guide, {"birthday": clock.now().date() + timedelta(days=3)}, Invalid),
        (world.shop.other_guide, {"name": "新"}, NotFound),
        (world.shops[1].manager, {"name": "新"}, NotFound),
        (world.shops[2].guide, {"name": "新"}, NotFound),
        (machine, {"name": "新"}, Forbidden),
    ]

    for actor, changes, kind in refusals:
        async with refused(ground, kind):
            await edit(ground, actor, customer, **changes)


async def test_two_edits_of_one_version_at_once_leave_one(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    results = await asyncio.gather(
        *(edit(ground, world.shop.guide, customer, name=name, expected_version=1) for name in ("甲", "乙")),
        return_exceptions=True,
    )

    assert [type(result) for result in results if not isinstance(result, Customer)] == [StaleVersion]
    assert (await reload(ground, customer)).version == 2


async def test_a_new_phone_is_sealed_and_found_and_the_old_one_forgotten(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_reachable(ground, world.shop.guide)

    await change_phone(ground, world.shop.guide, customer, "139 0000 1111")

    changed = await reload(ground, customer)
    assert changed.phone_sealed
    assert VAULT.open(world.brand.id, changed.phone_sealed) == "+8613900001111"
    assert (changed.phone_masked, changed.version) == ("139****1111", 2)
    assert changed.phone_index == VAULT.index(world.brand.id, "+8613900001111")
    assert await audited(ground) == [("customer.phone_changed", world.shop.guide.id, customer.id)]
    assert await said(ground, world.shop.guide.id) == [("put", "customer", customer.id)]


async def test_a_phone_may_be_taken_away(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_reachable(ground, world.shop.guide)

    await change_phone(ground, world.shop.guide, customer, None)

    gone = await reload(ground, customer)
    assert (gone.phone_sealed, gone.phone_index, gone.phone_masked) == (None, None, None)


async def test_a_phone_that_is_none_or_somebody_elses_is_refused(ground: Ground) -> None:
    world = await build_world(ground)
    await build_reachable(ground, world.shops[1].guide)
    customer = await build_customer(ground, world.shop.guide)

    async with refused(ground, PhoneTaken):
        await change_phone(ground, world.shop.guide, customer, "13812345678")
    async with refused(ground, BadPhone):
        await change_phone(ground, world.shop.guide, customer, "110")
    async with refused(ground, NotFound):
        await change_phone(ground, world.shop.other_guide, customer, "13900001111")


async def test_two_customers_who_get_one_phone_at_once_share_it_not(ground: Ground) -> None:
    world = await build_world(ground)
    customers = [await build_customer(ground, world.shop.guide) for _ in range(2)]

    results = await asyncio.gather(
        *(change_phone(ground, world.shop.guide, customer, "13812345678") for customer in customers),
        return_exceptions=True,
    )

    assert [type(result) for result in results if not isinstance(result, Customer)] == [PhoneTaken]


async def test_the_wish_to_be_left_alone_is_kept_with_its_time_and_said_once(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    with clock.stopped_at(NOON):
        for _ in range(2):
            await consent(ground, world.shop.guide, customer, True)

    alone = await reload(ground, customer)
    assert (alone.do_not_contact, alone.do_not_contact_at, alone.version) == (True, NOON, 2)
    assert await said(ground, world.shop.guide.id) == [("put", "customer", customer.id)]
    assert await audited(ground) == [("customer.consent_changed", world.shop.guide.id, customer.id)]

    await consent(ground, world.shop.manager, customer, False)
    again = await reload(ground, customer)
    assert (again.do_not_contact, again.do_not_contact_at) == (False, None)


async def test_the_phone_is_revealed_to_who_sees_the_customer_and_each_look_is_written_down(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_reachable(ground, world.shop.guide)
    await consent(ground, world.shop.guide, customer, True)
    spoken = await said(ground, world.shop.guide.id)

    for actor in (world.shop.guide, world.shop.manager, world.east_manager, world.hq):
        assert await reveal(ground, actor, customer) == Revealed(NUMBER, True)

    assert [entry for entry in await audited(ground) if entry[0] == REVEALED] == [
        (REVEALED, actor.id, customer.id)
        for actor in (world.shop.guide, world.shop.manager, world.east_manager, world.hq)
    ]
    assert await said(ground, world.shop.guide.id) == spoken


async def test_a_phone_is_not_revealed_to_strangers_or_machines_nor_where_there_is_none(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_reachable(ground, world.shop.guide)
    machine = Actor(
        brand_id=world.brand.id, id=world.hq.id, role=Role.SERVICE, scopes=frozenset(scope.value for scope in Scope)
    )

    for stranger in (world.shop.other_guide, world.shops[1].manager, world.shops[2].guide):
        async with refused(ground, NotFound):
            await reveal(ground, stranger, customer)
    async with refused(ground, Forbidden):
        await reveal(ground, machine, customer)
    silent = await build_customer(ground, world.shop.guide)
    async with refused(ground, NoPhone):
        await reveal(ground, world.shop.guide, silent)


async def test_sixty_looks_an_hour_are_enough_for_one_person(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_reachable(ground, world.shop.guide)
    with clock.stopped_at(NOON):
        for _ in range(MOST_REVEALS - 1):
            await reveal(ground, world.shop.guide, customer)
        results = await asyncio.gather(
            *(reveal(ground, world.shop.guide, customer) for _ in range(3)), return_exceptions=True
        )
        assert sorted(isinstance(result, TooManyReveals) for result in results) == [False, True, True]
        async with refused(ground, TooManyReveals):
            await reveal(ground, world.shop.guide, customer)
        assert await reveal(ground, world.shop.manager, customer)

    with clock.stopped_at(NOON + timedelta(hours=1, seconds=1)):
        assert await reveal(ground, world.shop.guide, customer)


async def test_no_table_says_the_phone_in_clear(ground: Ground) -> None:
    world = await build_world(ground)
    async with unit_of_work(ground, world.shop.guide) as work:
        customer = await commands.create(work, VAULT, name="王芳", phone=NUMBER)
    await reveal(ground, world.shop.guide, customer)

    assert "13812345678" not in repr(await snapshot(ground))
