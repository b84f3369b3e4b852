"""Customers through GraphQL."""

from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col

from customers import commands
from customers.models import Customer, Visit
from kernel.actor import Actor
from kernel.idempotency import ClientMutation
from kernel.work import Ground, unit_of_work
from tests.asking import VAULT, ask, refused
from tests.factories import build_customer, build_world, relationship_of
from tests.statements import statements

PROBLEM = "... on Problem { code message }"
REGISTER = f"""mutation ($input: NewCustomer!, $key: String) {{
  registerCustomer(input: $input, idempotencyKey: $key) {{
    ... on CustomerChanged {{ customer {{ id memberNumber name phoneMasked tier birthday lastContactAt version
      relationships {{ id isPrimary remark holder {{ id kind owner {{ number }} }} store {{ code }} }} }} }}
    {PROBLEM} }} }}"""
# Each asks for a kind of row in one place only: what is asked for in two comes in one read or two, as it happens.
PARTS = (
    "relationships { store { region { code } } customer { name } holder { kind } }",
    "relationships { holder { owner { name } } }",
    "relationships { holdings { reason fromAt account { kind } by { number } } }",
    "relationships { notes(first: 2) { body author { number } } visits { at remark account { kind } } }",
    "relationships { visits { author { assignments { role } } relationship { isPrimary } } }",
)


async def one(ground: Ground, actor: Actor, call: str, shown: str) -> dict[str, Any]:
    """What a mutation changed, or its problem."""
    [answer] = (await ask(ground, actor, f"mutation {{ {call} {{ {shown} {PROBLEM} }} }}")).values()
    if "code" in answer:
        return dict(answer)
    [changed] = answer.values()
    return dict(changed)


async def test_a_customer_is_registered_once_per_key(ground: Ground) -> None:
    world = await build_world(ground)
    person = {"name": "王芳", "phone": "138 1234 5678", "tier": "金卡", "birthday": "1990-05-01", "remark": "喜欢红色"}

    once = await ask(ground, world.shop.guide, REGISTER, input=person, key="k1")
    again = await ask(ground, world.shop.guide, REGISTER, input=person, key="k1")
    other = await ask(ground, world.shop.guide, REGISTER, input=person | {"name": "王方"}, key="k1")

    customer = once["registerCustomer"]["customer"]
    assert again == once
    assert other["registerCustomer"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert (customer["phoneMasked"], customer["birthday"], customer["lastContactAt"]) == (
        "138****5678",
        "1990-05-01",
        None,
    )
    [relationship] = customer["relationships"]
    assert (relationship["isPrimary"], relationship["remark"], relationship["store"]["code"]) == (
        True,
        "喜欢红色",
        "qinghe-1",
    )
    assert relationship["holder"]["owner"] == {"number": "qinghe-1-G1"}
    async with ground.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Customer)) == 1
        [mutation] = list(await session.scalars(select(ClientMutation)))
    assert "1234" not in repr(mutation.result_ref)


async def test_create_claim_and_register_refuse_with_codes(ground: Ground) -> None:
    world = await build_world(ground)
    shown = "... on CustomerChanged { customer { id } }"
    guide, colleague, stranger = world.shop.guide, world.shop.other_guide, world.shops[1].guide
    create = 'createCustomer(input: { name: "王芳", phone: "13812345678" })'
    claim = 'claimCustomer(phone: "13812345678")'

    assert (await one(ground, stranger, claim, shown))["code"] == "NOT_FOUND"
    made = await one(ground, guide, create, shown)
    assert (await one(ground, guide, create, shown))["code"] == "PHONE_TAKEN"
    assert (await one(ground, colleague, claim, shown))["code"] == "ALREADY_HELD"
    assert await one(ground, stranger, claim, shown) == made
    bad = 'registerCustomer(input: { name: "王芳", phone: "110" })'
    assert (await one(ground, guide, bad, shown))["code"] == "BAD_PHONE"
    unsaid = 'createCustomer(input: { name: "王芳", accountId: "nonsense" })'
    assert (await one(ground, world.hq, unsaid, shown))["code"] == "NOT_FOUND"


@pytest.mark.parametrize("part", PARTS)
async def test_one_customer_and_three_take_the_same_number_of_statements(ground: Ground, part: str) -> None:
    world = await build_world(ground)
    for _ in range(3):
        customer = await build_customer(ground, world.shop.guide)
        async with unit_of_work(ground, world.shop.guide) as work:
            await commands.add_note(work, customer.id, body="真丝")
            await commands.note_visit(work, customer.id)
    document = f"query ($first: Int!) {{ customers(first: $first) {{ edges {{ node {{ id {part} }} }} }} }}"

    counts = []
    for first in (1, 3):
        with statements(ground) as sent:
            found = (await ask(ground, world.shop.guide, document, first=first))["customers"]["edges"]
        assert len(found) == first
        assert all(edge["node"]["relationships"] for edge in found)
        counts.append(len(sent))

    assert counts[0] == counts[1]


@pytest.mark.parametrize("order", ["NAME", "JOINED", "LAST_CONTACT"])
async def test_pages_of_customers_follow_each_other(ground: Ground, order: str) -> None:
    world = await build_world(ground)
    made = {str((await build_customer(ground, world.shop.guide, f"名{number}")).id) for number in range(5)}
    document = f"""query ($after: Cursor) {{ customers(first: 2, after: $after, orderBy: {order}) {{
        edges {{ node {{ id }} }} pageInfo {{ hasNextPage endCursor }} }} }}"""

    seen: list[str] = []
    page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        answer = (await ask(ground, world.shop.guide, document, after=page["endCursor"]))["customers"]
        seen += [edge["node"]["id"] for edge in answer["edges"]]
        page = answer["pageInfo"]

    assert len(seen) == 5
    assert set(seen) == made


async def test_customers_are_filtered(ground: Ground) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.guide, "王芳", tier="金卡")
    await build_customer(ground, world.shop.guide, "李娜", tier="银卡")

    async def found(chosen: str) -> list[str]:
        document = f"{{ customers(filter: {{ {chosen} }}) {{ edges {{ node {{ name }} }} }} }}"
        answer = await ask(ground, world.shop.guide, document)
        return [edge["node"]["name"] for edge in answer["customers"]["edges"]]

    assert await found('search: "王"') == ["王芳"]
    assert await found('tier: "银卡", doNotContact: false') == ["李娜"]
    assert await found(f'storeId: "{world.shops[1].store.id}"') == []
    assert await found('storeId: "nonsense"') == []
    assert await found(f'tagIds: ["{world.brand.id}"]') == []
    assert await found('tagIds: ["nonsense"]') == []
    assert sorted(await found("tagIds: []")) == ["李娜", "王芳"]
    assert sorted(await found('lastContactBefore: "2026-03-02T12:00:00+08:00"')) == ["李娜", "王芳"]


async def test_what_is_unseen_or_malformed_is_null_or_empty(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shops[1].guide)
    document = """query ($id: ID!) { customer(id: $id) { id } notes(customerId: $id) { edges { cursor } }
        visits(customerId: $id) { edges { cursor } } }"""

    for unseen in (str(customer.id), "nonsense", str(world.brand.id)):
        assert await ask(ground, world.shop.guide, document, id=unseen) == {
            "customer": None,
            "notes": {"edges": []},
            "visits": {"edges": []},
        }


async def test_an_edit_leaves_what_is_not_named_and_forgets_what_is_null(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide, tier="金卡", city="上海")
    shown = "... on CustomerChanged { customer { name tier city birthday version } }"
    guide = world.shop.guide

    named = f'editCustomer(id: "{customer.id}", name: "王小芳", birthday: "1990-05-01", expectedVersion: 1)'
    assert await one(ground, guide, named, shown) == {
        "name": "王小芳",
        "tier": "金卡",
        "city": "上海",
        "birthday": "1990-05-01",
        "version": 2,
    }
    forgetting = f'editCustomer(id: "{customer.id}", tier: null, birthday: null)'
    assert await one(ground, guide, forgetting, shown) == {
        "name": "王小芳",
        "tier": None,
        "city": "上海",
        "birthday": None,
        "version": 3,
    }
    assert (await one(ground, guide, named, shown))["code"] == "STALE_VERSION"
    assert (await one(ground, world.shop.other_guide, named, shown))["code"] == "NOT_FOUND"


async def test_the_phone_is_changed_revealed_and_taken_away(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    guide = world.shop.guide
    changed = "... on CustomerChanged { customer { phoneMasked doNotContact } }"
    reveal = (
        f'mutation {{ revealPhone(id: "{customer.id}") {{ ... on PhoneRevealed {{ phone doNotContact }} {PROBLEM} }} }}'
    )

    assert (await ask(ground, guide, reveal))["revealPhone"]["code"] == "NO_PHONE"
    number = f'changePhone(id: "{customer.id}", phone: "+44 20 7946 0958")'
    assert (await one(ground, guide, number, changed))["phoneMasked"] == "+44****0958"
    alone = f'setDoNotContact(id: "{customer.id}", doNotContact: true)'
    assert (await one(ground, guide, alone, changed))["doNotContact"] is True
    assert (await ask(ground, guide, reveal))["revealPhone"] == {"phone": "+442079460958", "doNotContact": True}
    assert (await ask(ground, world.shop.other_guide, reveal))["revealPhone"]["code"] == "NOT_FOUND"
    assert (await one(ground, guide, f'changePhone(id: "{customer.id}")', changed))["phoneMasked"] is None


async def test_remarks_notes_and_visits_are_written_down(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    guide = world.shop.guide

    remark = f'editRemark(customerId: "{customer.id}", remark: "喜欢红色", expectedVersion: 1)'
    assert await one(ground, guide, remark, "... on RelationshipChanged { relationship { remark version } }") == {
        "remark": "喜欢红色",
        "version": 2,
    }
    shown = "... on NoteChanged { note { id body version author { number } } }"
    note = await one(ground, guide, f'addNote(customerId: "{customer.id}", body: "真丝")', shown)
    assert (note["body"], note["author"]) == ("真丝", {"number": "qinghe-1-G1"})
    edited = await one(ground, guide, f'editNote(id: "{note["id"]}", body: "羊绒", expectedVersion: 1)', shown)
    assert (edited["body"], edited["version"]) == ("羊绒", 2)
    visit = f'noteVisit(customerId: "{customer.id}", at: "2026-03-02T12:00:00+08:00", idempotencyKey: "v1")'
    for _ in range(2):
        assert (await one(ground, guide, visit, "... on VisitChanged { visit { at } }"))["at"] == (
            "2026-03-02T04:00:00+00:00"
        )
    async with ground.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Visit)) == 1
    listed = await ask(
        ground,
        guide,
        f'{{ customer(id: "{customer.id}") {{ lastContactAt }} visits(customerId: "{customer.id}") '
        f'{{ edges {{ node {{ at }} }} }} notes(customerId: "{customer.id}") {{ edges {{ node {{ body }} }} }} }}',
    )
    assert listed["customer"]["lastContactAt"] == "2026-03-02T04:00:00+00:00"
    assert [edge["node"]["body"] for edge in listed["notes"]["edges"]] == ["羊绒"]
    assert len(listed["visits"]["edges"]) == 1


async def test_an_instant_without_an_offset_or_beyond_the_calendar_is_refused_before_anything_runs(
    ground: Ground,
) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)

    for at in ("2026-03-02T12:00:00", "yesterday", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00"):
        errors = await refused(
            ground,
            world.shop.guide,
            f'mutation {{ noteVisit(customerId: "{customer.id}", at: "{at}") {{ __typename }} }}',
        )
        assert not any(isinstance(error, SQLAlchemyError) for error in errors)

    async with ground.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Visit)) == 0


async def test_the_primary_relationship_is_set_from_above(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    async with unit_of_work(ground, world.shops[1].guide) as work:
        await commands.claim(work, VAULT, member_number=customer.member_number)
    first = await relationship_of(ground, customer)
    document = "{ customer(id: $id) { relationships { id isPrimary } } }"
    [_, other] = (await ask(ground, world.hq, f"query ($id: ID!) {document}", id=str(customer.id)))["customer"][
        "relationships"
    ]
    shown = "... on RelationshipChanged { relationship { isPrimary } }"
    call = f'setPrimaryRelationship(id: "{other["id"]}")'

    assert (await one(ground, world.shops[1].manager, call, shown))["code"] == "FORBIDDEN"
    assert await one(ground, world.east_manager, call, shown) == {"isPrimary": True}
    again = (await ask(ground, world.hq, f"query ($id: ID!) {document}", id=str(customer.id)))["customer"]
    assert {row["id"]: row["isPrimary"] for row in again["relationships"]} == {
        other["id"]: True,
        str(first.id): False,
    }


async def test_the_page_size_of_nested_lists_is_bounded(ground: Ground) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.guide)

    for size in (0, 101):
        document = f"{{ customers {{ edges {{ node {{ relationships {{ notes(first: {size}) {{ id }} }} }} }} }} }}"
        [error] = await refused(ground, world.shop.guide, document)
        assert getattr(error, "code", None) == "BAD_PAGE_SIZE"


async def test_customers_of_another_brand_are_not_there(ground: Ground) -> None:
    world = await build_world(ground)
    other = await build_world(ground, "baiyu")
    customer = await build_customer(ground, other.shop.guide)

    answer = await ask(
        ground,
        world.hq,
        f'{{ customers {{ edges {{ node {{ id }} }} }} customer(id: "{customer.id}") {{ id }} }}',
    )

    assert answer == {"customers": {"edges": []}, "customer": None}
    async with ground.db.read() as session:
        assert await session.scalar(select(func.count()).where(col(Customer.brand_id) == other.brand.id)) == 1
