"""Customers are found, in order and a page at a time, by those who may see them."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers import commands
from customers.models import Customer
from customers.queries import customers, records, relationships
from customers.queries.customers import CustomerOrder, Filter
from customers.queries.phones import masked
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import BadCursor, Page
from kernel.work import Ground, unit_of_work
from tests.asking import VAULT
from tests.factories import NOON, World, build_customer, build_world, relationship_of
from tests.statements import statements


async def names(ground: Ground, actor: Actor, order: CustomerOrder = CustomerOrder.NAME, **wanted: Any) -> list[str]:
    async with ground.db.read() as session:
        rows = await customers.page(session, actor, VAULT, Page(100), Filter(**wanted), order)
    return [row.name for row in rows]


async def contacted(ground: Ground, customer: Customer, days: int) -> None:
    relationship = await relationship_of(ground, customer)
    async with ground.db.write() as session:
        row = await session.merge(relationship)
        row.last_contact_at = NOON + timedelta(days=days)


async def build_people(ground: Ground, world: World) -> dict[str, Customer]:
    guide = world.shop.guide
    number = "+8613812345678"
    return {
        "a": await build_customer(
            ground,
            guide,
            "a",
            member_number="M-1",
            tier="金卡",
            birthday=date(1990, 5, 31),
            joined_at=NOON + timedelta(days=2),
            phone_index=VAULT.index(guide.brand_id, number),
            phone_sealed=VAULT.seal(guide.brand_id, number),
            phone_masked=masked(number),
        ),
        "b": await build_customer(ground, guide, "b 王芳", do_not_contact=True, joined_at=NOON + timedelta(days=3)),
        "c": await build_customer(
            ground, world.shop.other_guide, "c 王%芳", birthday=date(2000, 12, 1), joined_at=NOON + timedelta(days=1)
        ),
        "d": await build_customer(ground, world.shops[2].guide, "d", tier="金卡"),
    }


async def test_each_sees_what_is_theirs(ground: Ground) -> None:
    world = await build_world(ground)
    await build_people(ground, world)
    other = await build_world(ground, "baiyu")

    assert await names(ground, world.shop.guide) == ["a", "b 王芳"]
    assert await names(ground, world.shop.other_guide) == ["c 王%芳"]
    assert await names(ground, world.shop.manager) == ["a", "b 王芳", "c 王%芳"]
    assert await names(ground, world.east_manager) == ["a", "b 王芳", "c 王%芳"]
    assert await names(ground, world.hq) == ["a", "b 王芳", "c 王%芳", "d"]
    assert await names(ground, other.hq) == []


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"search": "王"}, ["b", "c"]),
        ({"search": "%"}, ["c"]),
        ({"search": "A"}, ["a"]),
        ({"search": "M-1"}, ["a"]),
        ({"search": "M-"}, []),
        ({"search": "138 1234 5678"}, ["a"]),
        ({"search": "5678"}, []),
        ({"search": "13912345678"}, []),
        ({"search": "a\x00"}, []),
        ({"tier": "金卡"}, ["a"]),
        ({"tier": "\x00"}, []),
        ({"do_not_contact": True}, ["b"]),
        ({"do_not_contact": False}, ["a", "c"]),
        ({"birthday_month": 5}, ["a"]),
        ({"birthday_month": 12}, ["c"]),
        ({"birthday_month": 13}, []),
        ({"search": "王", "do_not_contact": False}, ["c"]),
    ],
)
async def test_a_filter_lets_through_what_it_says(ground: Ground, wanted: dict[str, Any], found: list[str]) -> None:
    world = await build_world(ground)
    await build_people(ground, world)

    assert [name[0] for name in await names(ground, world.shop.manager, **wanted)] == found


async def test_a_store_and_a_choice_from_elsewhere_narrow_the_list(ground: Ground) -> None:
    world = await build_world(ground)
    people = await build_people(ground, world)

    assert await names(ground, world.hq, store_id=world.shops[2].store.id) == ["d"]
    assert await names(ground, world.shop.guide, store_id=world.shops[2].store.id) == []
    chosen = select(col(Customer.id)).where(col(Customer.id).in_([people["b"].id, people["d"].id]))
    assert await names(ground, world.shop.guide, among=chosen) == ["b 王芳"]


async def test_last_contact_counts_within_sight_only_and_never_comes_first(ground: Ground) -> None:
    world = await build_world(ground)
    people = await build_people(ground, world)
    await contacted(ground, people["a"], 5)
    await contacted(ground, people["b"], 1)
    async with unit_of_work(ground, world.shops[2].guide) as work:
        await commands.claim(work, VAULT, member_number=people["b"].member_number)
        await commands.note_visit(work, people["b"].id, at=NOON + timedelta(days=9))

    by_contact = CustomerOrder.LAST_CONTACT
    assert await names(ground, world.shop.manager, by_contact) == ["c 王%芳", "b 王芳", "a"]
    assert await names(ground, world.hq, by_contact) == ["c 王%芳", "d", "a", "b 王芳"]
    limit = NOON + timedelta(days=2)
    assert await names(ground, world.shop.manager, last_contact_before=limit) == ["b 王芳", "c 王%芳"]
    assert await names(ground, world.hq, last_contact_before=limit) == ["c 王%芳", "d"]


async def test_newest_members_come_first(ground: Ground) -> None:
    world = await build_world(ground)
    await build_people(ground, world)

    assert [name[0] for name in await names(ground, world.shop.manager, CustomerOrder.JOINED)] == ["b", "a", "c"]


@pytest.mark.parametrize("order", CustomerOrder)
async def test_pages_follow_each_other_without_gap_or_repetition(ground: Ground, order: CustomerOrder) -> None:
    world = await build_world(ground)
    for number in range(7):
        customer = await build_customer(ground, world.shop.guide, "同名" if number < 4 else f"名{number}")
        if number % 3:
            await contacted(ground, customer, number % 3)

    seen: list[UUID] = []
    after = None
    async with ground.db.read() as session:
        while True:
            page = Page(3, after)
            rows = await customers.page(session, world.shop.guide, VAULT, page, Filter(), order)
            seen += [row.id for row in rows[:3]]
            if len(rows) <= 3:
                break
            place = customers.PLACES[order](rows[2])
            after = [value.isoformat() if hasattr(value, "isoformat") else str(value) for value in place]

    assert len(seen) == len(set(seen)) == 7


async def test_a_cursor_of_another_list_is_refused(ground: Ground) -> None:
    world = await build_world(ground)

    async with ground.db.read() as session:
        for after in ([], ["x"], [1, 2], ["x", "no id"]):
            with pytest.raises(BadCursor):
                await customers.page(session, world.hq, VAULT, Page(3, after), Filter(), CustomerOrder.NAME)


async def test_rows_hold_nothing_of_the_phone_but_its_mask(ground: Ground) -> None:
    world = await build_world(ground)
    people = await build_people(ground, world)

    async with ground.db.read() as session:
        [row] = (await customers.by_ids(session, world.shop.guide, [people["a"].id])).values()
        unseen = await customers.by_ids(session, world.shop.other_guide, [people["a"].id])

    assert row.phone_masked == "138****5678"
    assert not {"phone_sealed", "phone_index"} & set(row._fields)
    assert unseen == {}


async def test_the_latest_records_of_each_relationship_come_in_one_statement(ground: Ground) -> None:
    world = await build_world(ground)
    guide = world.shop.guide
    people = [await build_customer(ground, guide) for _ in range(3)]
    for day in range(4):
        for customer in people[:2]:
            async with unit_of_work(ground, guide) as work:
                await commands.note_visit(work, customer.id, at=NOON + timedelta(days=day), remark=str(day))
                await commands.add_note(work, customer.id, body=str(day))
    ids = [(await relationship_of(ground, customer)).id for customer in people]

    for batch, text in ((records.latest_visits, "remark"), (records.latest_notes, "body")):
        for wanted in (ids[:1], ids):
            async with ground.db.read() as session:
                with statements(ground) as sent:
                    found = await batch(session, guide, wanted, 2)
            assert len(sent) == 1
            assert [getattr(row, text) for row in found[ids[0]]] == ["3", "2"]
        assert found[ids[2]] == []
        async with ground.db.read() as session:
            assert await batch(session, world.shop.other_guide, ids, 2) == {each: [] for each in ids}


async def test_holdings_are_told_latest_first_and_bounded(ground: Ground) -> None:
    world = await build_world(ground)
    relationship = await relationship_of(ground, await build_customer(ground, world.shop.guide))
    for account_id in (world.shop.other_guide.account_ids[0], world.shop.public.id):
        async with unit_of_work(ground, world.shop.manager) as work:
            await commands.reassign(work, relationship.id, to_account_id=account_id)

    async with ground.db.read() as session:
        found = await relationships.holdings(session, world.shop.manager, [relationship.id], 2)
        unseen = await relationships.holdings(session, world.shop.guide, [relationship.id], 2)

    assert [row.account_id for row in found[relationship.id]] == [
        world.shop.public.id,
        world.shop.other_guide.account_ids[0],
    ]
    assert unseen == {relationship.id: []}


async def test_relationships_out_of_sight_are_left_out(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    async with unit_of_work(ground, world.shops[2].guide) as work:
        await commands.claim(work, VAULT, member_number=customer.member_number)

    async def stores_seen(actor: Actor) -> list[UUID]:
        async with ground.db.read() as session:
            found = await relationships.of_customers(session, actor, [customer.id])
        return [row.store_id for row in found[customer.id]]

    here, north = world.shop.store.id, world.shops[2].store.id
    assert await stores_seen(world.hq) == [here, north]
    assert await stores_seen(world.east_manager) == [here]
    assert await stores_seen(world.shops[2].guide) == [north]
    assert await stores_seen(world.shops[1].guide) == []


async def test_a_relationship_of_another_brand_does_not_exist_even_for_hq(ground: Ground) -> None:
    world = await build_world(ground)
    other = await build_world(ground, "baiyu")
    relationship = await relationship_of(ground, await build_customer(ground, other.shop.guide))

    async with ground.db.read() as session:
        with pytest.raises(NotFound):
            await relationships.get(session, world.hq, relationship.id)
        assert await relationships.by_ids(session, world.hq, [relationship.id]) == {}


async def test_records_of_a_customer_are_paged_over_all_relationships_in_sight(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    async with unit_of_work(ground, world.shops[2].guide) as work:
        await commands.claim(work, VAULT, member_number=customer.member_number)
    for number, shop in enumerate((world.shop, world.shops[2], world.shop)):
        async with unit_of_work(ground, shop.guide) as work:
            await commands.note_visit(work, customer.id, at=NOON + timedelta(days=number), remark=str(number))

    async with ground.db.read() as session:
        everything = await records.page_of_visits(session, world.hq, customer.id, Page(2))
        last = everything[1]
        rest = await records.page_of_visits(
            session, world.hq, customer.id, Page(2, [last.at.isoformat(), str(last.id)])
        )
        east = await records.page_of_visits(session, world.shop.guide, customer.id, Page(5))
        nobody = await records.page_of_notes(session, world.hq, None, Page(5))

    assert [row.remark for row in (*everything[:2], *rest)] == ["2", "1", "0"]
    assert [row.remark for row in east] == ["2", "0"]
    assert list(nobody) == []
