"""A phone takes everything over page by page; of a relationship that it is given it hears all that hangs on it."""

from typing import Any

import pytest

from customers import commands as customers
from customers.models import Customer
from handover import commands as handover
from kernel import ids
from kernel.actor import Actor, Role
from kernel.errors import Forbidden
from kernel.pages import BadCursor, BadPageSize
from kernel.work import Ground, unit_of_work
from tests.asking import ask, refused
from tests.factories import World, build_customer, build_task, build_world, relationship_of
from tests.mall.trading import place, refund
from tests.statements import statements
from tests.tagging.labels import build_group, build_tag

SNAPSHOT = """
query ($after: Cursor, $first: Int! = 500, $types: [EntityType!]) {
  snapshot(after: $after, first: $first, types: $types) {
    next cursor items { entityType id version relationshipId node { __typename } }
  }
}
"""
CHANGES = """
query ($after: Cursor, $first: Int! = 500) { changes(after: $after, first: $first) {
  cursor upToDate mustRefetch changes { op entityType id relationshipId position }
} }
"""
Copy = set[tuple[str, str]]


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def busy_customer(ground: Ground, world: World, holder: Actor) -> Customer:
    """A customer with two notes, a visit, two orders and a refund."""
    customer = await build_customer(ground, holder)
    for body in ("喜欢素色", "周末来"):
        async with unit_of_work(ground, world.shop.manager) as work:
            await customers.add_note(work, customer.id, body=body)
    async with unit_of_work(ground, holder) as work:
        await customers.note_visit(work, customer.id)
    order = await place(ground, world, customer)
    await place(ground, world, customer)
    await refund(ground, world, order.id)
    return customer


async def snapshot(ground: Ground, actor: Actor, **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await ask(ground, actor, SNAPSHOT, **arguments))["snapshot"]
    return answer


async def copied(ground: Ground, actor: Actor, first: int = 500, **arguments: Any) -> tuple[list[Any], str]:
    """All items of a snapshot, and its cursor."""
    items: list[Any] = []
    page = await snapshot(ground, actor, first=first, **arguments)
    cursor = page["cursor"]
    while True:
        assert len(page["items"]) <= first
        assert page["cursor"] == cursor
        items += page["items"]
        if page["next"] is None:
            return items, cursor
        page = await snapshot(ground, actor, first=first, after=page["next"], **arguments)


async def told(ground: Ground, actor: Actor, after: str, first: int) -> list[Any]:
    """All changes behind a cursor, in batches of that size."""
    found: list[Any] = []
    while True:
        batch = (await ask(ground, actor, CHANGES, after=after, first=first))["changes"]
        assert len(batch["changes"]) <= first
        found += batch["changes"]
        after = batch["cursor"]
        if batch["upToDate"]:
            return found


def keys(items: list[Any]) -> Copy:
    return {(item["entityType"], item["id"]) for item in items}


async def hand_over(ground: Ground, world: World, customer: Customer, to: Actor) -> None:
    held = await relationship_of(ground, customer)
    async with unit_of_work(ground, world.shop.manager) as work:
        await handover.reassign(work, held.id, to_account_id=to.account_ids[0])


async def test_a_guide_copies_what_they_hold_and_what_the_store_shares(ground: Ground, world: World) -> None:
    mine = await busy_customer(ground, world, world.shop.guide)
    await busy_customer(ground, world, world.shop.other_guide)
    task = await build_task(ground, world.shop.guide, mine)
    group = await build_group(ground, world)
    tag = await build_tag(ground, world, group, "通勤")

    items, _ = await copied(ground, world.shop.guide)

    held = await relationship_of(ground, mine)
    kinds = [item["entityType"] for item in items]
    assert kinds == (
        ["STORE", *["STAFF"] * 3, "TAG_GROUP", "TAG", "RELATIONSHIP", "CUSTOMER", "TASK"]
        + ["NOTE"] * 2
        + ["VISIT"]
        + ["ORDER"] * 2
        + ["REFUND"]
    )
    named = {"RELATIONSHIP": held.id, "CUSTOMER": mine.id, "TASK": task.id, "TAG": tag.id}
    assert {(kind, str(thing)) for kind, thing in named.items()} <= keys(items)
    belonging = {item["entityType"] for item in items if item["relationshipId"] == str(held.id)}
    assert belonging == {"NOTE", "VISIT", "ORDER", "REFUND"}
    assert all(item["node"]["__typename"].upper() == item["entityType"].replace("_", "") for item in items)


async def test_pages_of_any_size_hold_the_same(ground: Ground, world: World) -> None:
    for _ in range(3):
        await busy_customer(ground, world, world.shop.guide)
    whole, _ = await copied(ground, world.shop.manager)

    for size in (1, 2, 7, len(whole), len(whole) + 1):
        items, _ = await copied(ground, world.shop.manager, first=size)
        assert items == whole


async def test_some_kinds_alone_are_copied(ground: Ground, world: World) -> None:
    await busy_customer(ground, world, world.shop.guide)

    items, _ = await copied(ground, world.shop.guide, first=1, types=["NOTE", "CUSTOMER"])
    nothing, _ = await copied(ground, world.shop.guide, types=[])

    assert [item["entityType"] for item in items] == ["CUSTOMER", "NOTE", "NOTE"]
    assert nothing == []


@pytest.mark.parametrize("who", ["hq", "east_manager"])
async def test_whoever_works_over_stores_copies_only_what_is_their_own(ground: Ground, world: World, who: str) -> None:
    await busy_customer(ground, world, world.shop.guide)
    actor: Actor = getattr(world, who)

    items, _ = await copied(ground, actor)

    assert keys(items) == {("STAFF", str(actor.id))}


async def test_what_happens_between_two_pages_is_told_behind_the_cursor(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    first = await busy_customer(ground, world, guide)
    page = await snapshot(ground, guide, first=6)
    second = await busy_customer(ground, world, world.shop.other_guide)
    await hand_over(ground, world, second, guide)
    await hand_over(ground, world, first, world.shop.other_guide)
    rest: list[Any] = []
    after = page["next"]
    while after:
        more = await snapshot(ground, guide, first=6, after=after)
        rest += more["items"]
        after = more["next"]

    copy: dict[tuple[str, str], Any] = dict.fromkeys(keys(page["items"] + rest))
    apply(copy, page["items"] + rest, await told(ground, guide, page["cursor"], 3))

    fresh, _ = await copied(ground, guide)
    assert set(copy) == keys(fresh)
    assert ("CUSTOMER", str(second.id)) in copy
    assert ("CUSTOMER", str(first.id)) not in copy


def apply(copy: dict[tuple[str, str], Any], items: list[Any], changes: list[Any]) -> None:
    """What a client does with changes: take over, forget, and forget what belonged to a forgotten relationship."""
    belongs = {(item["entityType"], item["id"]): item["relationshipId"] for item in items}
    for change in changes:
        key = (change["entityType"], change["id"])
        if change["op"] == "PUT":
            copy[key], belongs[key] = None, change["relationshipId"]
            continue
        copy.pop(key, None)
        if change["entityType"] == "RELATIONSHIP":
            for other in [other for other in copy if belongs[other] == change["id"]]:
                del copy[other]


@pytest.mark.parametrize("size", [1, 2, 3, 500])
async def test_whoever_is_given_relationships_hears_of_all_that_hangs_on_them(
    ground: Ground, world: World, size: int
) -> None:
    giver, taker = world.shop.guides
    given = [await busy_customer(ground, world, giver) for _ in range(2)]
    kept = await busy_customer(ground, world, giver)
    items, cursor = await copied(ground, taker)
    losing, losing_cursor = await copied(ground, giver)
    for customer in given:
        await hand_over(ground, world, customer, taker)

    gained = dict.fromkeys(keys(items))
    apply(gained, items, await told(ground, taker, cursor, size))
    left = dict.fromkeys(keys(losing))
    apply(left, losing, await told(ground, giver, losing_cursor, size))

    assert set(gained) == keys((await copied(ground, taker))[0])
    assert set(left) == keys((await copied(ground, giver))[0])
    assert ("CUSTOMER", str(kept.id)) in left
    assert len(gained) - len(items) == 2 * (1 + 1 + 2 + 1 + 2 + 1)


async def test_whoever_took_over_a_part_of_a_relationship_goes_on_inside_it(ground: Ground, world: World) -> None:
    giver, taker = world.shop.guides
    customer = await busy_customer(ground, world, giver)
    _, cursor = await copied(ground, taker)
    await hand_over(ground, world, customer, taker)
    everything = await told(ground, taker, cursor, 500)

    for taken, change in enumerate(everything, 1):
        rest = await told(ground, taker, change["position"], 500)
        assert [each["id"] for each in rest] == [each["id"] for each in everything[taken:]]


async def test_a_relationship_that_has_left_again_brings_nothing(ground: Ground, world: World) -> None:
    giver, taker = world.shop.guides
    customer = await busy_customer(ground, world, giver)
    items, cursor = await copied(ground, taker)
    await hand_over(ground, world, customer, taker)
    await hand_over(ground, world, customer, giver)

    changes = await told(ground, taker, cursor, 2)

    assert {change["op"] for change in changes} == {"DEL"}
    copy = dict.fromkeys(keys(items))
    apply(copy, items, changes)
    assert set(copy) == keys(items)


async def test_a_customer_known_elsewhere_is_new_to_the_store_that_claims_them(ground: Ground, world: World) -> None:
    known = await busy_customer(ground, world, world.shop.guide)
    claimer, manager = world.shops[1].guide, world.shops[1].manager
    cursors = [(actor, (await copied(ground, actor))[1]) for actor in (claimer, manager)]
    async with unit_of_work(ground, claimer) as work:
        await customers.claim(work, None, phone=None, member_number=known.member_number)  # type: ignore[arg-type]  # no phone

    for actor, cursor in cursors:
        heard = await told(ground, actor, cursor, 500)
        assert [change["entityType"] for change in heard] == ["RELATIONSHIP", "CUSTOMER"]


async def test_a_relationship_with_its_things_takes_the_same_statements_as_three(ground: Ground, world: World) -> None:
    giver, taker = world.shop.guides
    counts = []
    for number in (1, 3):
        _, cursor = await copied(ground, taker)
        for _ in range(number):
            await hand_over(ground, world, await busy_customer(ground, world, giver), taker)
        with statements(ground) as ran:
            await ask(ground, taker, CHANGES, after=cursor)
        counts.append(len(ran))

    assert counts[0] == counts[1]


async def test_a_page_takes_the_same_statements_for_one_customer_as_for_three(ground: Ground, world: World) -> None:
    counts = []
    for number in (1, 2):
        for _ in range(number):
            await busy_customer(ground, world, world.shop.guide)
        with statements(ground) as ran:
            await snapshot(ground, world.shop.guide)
        counts.append(len(ran))

    assert counts[0] == counts[1]


async def test_a_place_that_this_server_never_gave_is_refused(ground: Ground, world: World) -> None:
    await busy_customer(ground, world, world.shop.guide)
    page = await snapshot(ground, world.shop.guide, first=6)
    foreign = (await snapshot(ground, world.shops[1].guide, first=2))["next"]

    for bad in ("", "x", "A" * 300, page["cursor"], page["next"][:-9], foreign):
        [error] = await refused(ground, world.shop.guide, SNAPSHOT, after=bad)
        assert isinstance(error, BadCursor), bad
    [error] = await refused(ground, world.shop.guide, SNAPSHOT, after=page["next"], types=["STORE"])
    assert isinstance(error, BadCursor)


async def test_a_cursor_into_the_midst_of_nothing_starts_over(ground: Ground, world: World) -> None:
    giver, taker = world.shop.guides
    _, cursor = await copied(ground, taker)
    await hand_over(ground, world, await busy_customer(ground, world, giver), taker)
    inside = (await ask(ground, taker, CHANGES, after=cursor, first=2))["changes"]["cursor"]

    for bad in (inside[:-4], inside[:-20] + "A" * 20, inside + "AAAA"):
        assert (await ask(ground, taker, CHANGES, after=bad))["changes"]["mustRefetch"], bad
    assert (await ask(ground, giver, CHANGES, after=inside))["changes"]["mustRefetch"]


async def test_machines_copy_nothing_and_a_page_has_1_to_500_items(ground: Ground, world: World) -> None:
    machine = Actor(brand_id=world.brand.id, id=ids.new(), role=Role.SERVICE)
    [error] = await refused(ground, machine, SNAPSHOT)
    assert isinstance(error, Forbidden)
    for size in (0, 501, -1):
        [error] = await refused(ground, world.shop.guide, SNAPSHOT, first=size)
        assert isinstance(error, BadPageSize)
