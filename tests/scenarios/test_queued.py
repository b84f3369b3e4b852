"""A phone that was offline sends its queue: late, twice, out of order. Each item is done once, or told why not."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer, Note
from handover import commands as handover
from kernel import clock, feed
from kernel.actor import Actor, Role
from kernel.idempotency import ClientMutation
from kernel.work import Ground, unit_of_work
from schema import positions
from server.worker import KEYS_KEPT, keep_house
from tasks.models import Task
from tests.asking import ask
from tests.customers.test_profile import NUMBER, build_reachable
from tests.factories import NOON, World, build_customer, build_task, build_world, relationship_of
from tests.refusals import snapshot

REMARK = """mutation ($customer: ID!, $remark: String, $version: Int, $key: String) {
  editRemark(customerId: $customer, remark: $remark, expectedVersion: $version, idempotencyKey: $key) {
    __typename
    ... on RelationshipChanged { relationship { remark version } places { feed seq } }
    ... on Problem { code current { version ... on Relationship { remark } } } } }"""
COMPLETE = """mutation ($id: ID!, $key: String, $version: Int) {
  completeTask(id: $id, idempotencyKey: $key, expectedVersion: $version) {
    __typename ... on TaskChanged { task { id title version } places { feed seq } } ... on Problem { code } } }"""
NOTE = """mutation ($customer: ID!, $key: String) {
  addNote(customerId: $customer, body: "喜欢浅色", idempotencyKey: $key) {
    __typename ... on NoteChanged { note { id } } ... on Problem { code } } }"""
REVEAL = """mutation ($id: ID!, $key: String) { revealPhone(id: $id, idempotencyKey: $key) {
    __typename ... on PhoneRevealed { phone } ... on Problem { code } } }"""
NEWS = """query ($after: Cursor) { changes(after: $after) {
  cursor places { feed seq } changes { id position } } }"""


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def remark(ground: Ground, actor: Actor, customer: Customer, **given: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await ask(ground, actor, REMARK, customer=str(customer.id), **given))["editRemark"]
    return answer


async def complete(ground: Ground, actor: Actor, task: Task, **given: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await ask(ground, actor, COMPLETE, id=str(task.id), **given))["completeTask"]
    return answer


async def give_away(ground: Ground, world: World, customer: Customer) -> None:
    """The manager gives the customer, with the open tasks, to the other guide."""
    relationship, taker = await relationship_of(ground, customer), world.shop.other_guide.account_ids[0]
    async with unit_of_work(ground, world.shop.manager) as work:
        await handover.reassign(work, relationship.id, to_account_id=taker)


async def news(ground: Ground, actor: Actor, after: str | None = None) -> dict[str, Any]:
    told: dict[str, Any] = (await ask(ground, actor, NEWS, after=after))["changes"]
    return told


def reaches(come: list[dict[str, Any]], places: list[dict[str, Any]]) -> bool:
    """Whether a stream that has come so far has come to all of these places."""
    by_feed = {place["feed"]: place["seq"] for place in come}
    return all(by_feed.get(place["feed"], -1) >= place["seq"] for place in places)


async def test_an_edit_that_somebody_forestalled_is_compared_and_sent_anew(ground: Ground, world: World) -> None:
    guide, manager = world.shop.guide, world.shop.manager
    customer = await build_customer(ground, guide)
    await remark(ground, guide, customer, remark="常客", version=1)
    # The guide reads version 2 and goes down into the cellar; the manager writes meanwhile.
    await remark(ground, manager, customer, remark="常客，对羊毛过敏", version=2)
    before = await snapshot(ground)

    late = await remark(ground, guide, customer, remark="常客，周末来", version=2, key="k")
    again = await remark(ground, guide, customer, remark="常客，周末来", version=2, key="k")

    shown = {"version": 3, "remark": "常客，对羊毛过敏"}
    assert late == again == {"__typename": "Problem", "code": "STALE_VERSION", "current": shown}
    assert await snapshot(ground) == before
    # A refused key has done nothing: it is as good for what the guide makes of it as a new one.
    merged = await remark(ground, guide, customer, remark="对羊毛过敏，周末来", version=3, key="k")
    assert merged["relationship"] == {"version": 4, "remark": "对羊毛过敏，周末来"}


async def test_edits_that_overtake_each_other_are_done_in_the_order_they_were_made(
    ground: Ground, world: World
) -> None:
    guide = world.shop.guide
    customer = await build_customer(ground, guide)
    first: dict[str, Any] = {"remark": "常客", "version": 1, "key": "first"}
    second: dict[str, Any] = {"remark": "常客，周末来", "version": 2, "key": "second"}

    too_early = await remark(ground, guide, customer, **second)
    in_turn = [await remark(ground, guide, customer, **each) for each in (first, second, first, second)]

    assert (too_early["code"], too_early["current"]) == ("STALE_VERSION", {"version": 1, "remark": None})
    assert [each["__typename"] for each in in_turn] == ["RelationshipChanged"] * 4
    assert in_turn[:2] != in_turn[2:]  # a repeated key shows the row as it is now …
    assert [each["places"] for each in in_turn[:2]] == [each["places"] for each in in_turn[2:]]  # … and its own places
    assert in_turn[3]["relationship"] == {"version": 3, "remark": "常客，周末来"}


async def test_what_was_done_stays_done_when_the_row_has_left_the_sight(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    customer = await build_customer(ground, guide)
    done = await remark(ground, guide, customer, remark="周末来", key="k")
    await give_away(ground, world, customer)
    before = await snapshot(ground)

    late = await remark(ground, guide, customer, remark="周末来", key="k")

    assert late == {"__typename": "RelationshipChanged", "relationship": None, "places": done["places"]}
    assert await snapshot(ground) == before


async def test_what_was_not_done_before_the_row_left_the_sight_is_not_done(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    customer = await build_customer(ground, guide)
    task = await build_task(ground, guide, customer)
    await give_away(ground, world, customer)
    before = await snapshot(ground)

    for given in ({"key": "k"}, {"key": "k", "version": 1}, {"version": 7}):
        assert await complete(ground, guide, task, **given) == {"__typename": "Problem", "code": "NOT_FOUND"}

    assert await snapshot(ground) == before


async def test_the_stream_comes_to_the_places_of_an_answer_with_the_change_and_not_before(
    ground: Ground, world: World
) -> None:
    for actor in (world.shop.guide, world.shop.manager):
        task = await build_task(ground, world.shop.guide)
        start = await news(ground, actor)

        places = (await complete(ground, actor, task))["places"]
        told = await news(ground, actor, start["cursor"])
        [change] = told["changes"]
        behind = await news(ground, actor, change["position"])

        assert change["id"] == str(task.id)
        assert [reaches(each["places"], places) for each in (start, told, behind)] == [False, True, True]


async def test_an_answer_repeated_after_the_feeds_started_over_names_places_that_can_be_reached(
    ground: Ground, world: World
) -> None:
    manager = world.shop.manager
    task, other = await build_task(ground, world.shop.guide), await build_task(ground, world.shop.guide)
    before = await complete(ground, manager, task, key="k")
    async with ground.db.write() as session:
        await feed.new_epoch(session, world.brand.id)
    await complete(ground, manager, other)

    places = (await complete(ground, manager, task, key="k"))["places"]

    assert len(places) == len(before["places"]) == 1
    assert places[0]["feed"] != before["places"][0]["feed"]
    assert reaches((await news(ground, manager))["places"], places)


async def test_places_that_are_kept_as_they_were_would_never_be_reached(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant of the test above."""
    guide = world.shop.guide
    task = await build_task(ground, guide)
    await complete(ground, guide, task, key="k")
    async with ground.db.write() as session:
        await feed.new_epoch(session, world.brand.id)

    async def as_they_were(_session: Any, _actor: Actor, places: positions.Places) -> positions.Places:
        return places

    monkeypatch.setattr(positions, "still_good", as_they_were)
    places = (await complete(ground, guide, task, key="k"))["places"]

    assert not reaches((await news(ground, guide))["places"], places)


async def test_an_answer_repeated_elsewhere_names_no_feed_of_the_former_post(ground: Ground, world: World) -> None:
    manager = world.shop.manager
    task = await build_task(ground, world.shop.guide)
    assert (await complete(ground, manager, task, key="k"))["places"]
    moved = replace(manager, store_id=world.shops[1].store.id, role=Role.GUIDE, account_ids=())

    late = await complete(ground, moved, task, key="k")

    assert late == {"__typename": "TaskChanged", "task": None, "places": []}


async def test_an_answer_that_an_older_program_kept_has_no_places(ground: Ground, world: World) -> None:
    task = await build_task(ground, world.shop.guide)
    done = await complete(ground, world.shop.guide, task, key="k")
    async with ground.db.write() as session:
        kept = (await session.scalars(select(ClientMutation))).one()
        kept.result_ref = {"ids": [str(task.id)]}

    assert await complete(ground, world.shop.guide, task, key="k") == done | {"places": []}


async def test_a_key_is_good_for_thirty_days(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    customer = await build_customer(ground, guide)

    async def note(days: float) -> str:
        with clock.stopped_at(NOON + timedelta(days=days)):
            await keep_house(ground)
            made = await ask(ground, guide, NOTE, customer=str(customer.id), key="k")
        return str(made["addNote"]["note"]["id"])

    first = await note(0)
    assert await note(KEYS_KEPT.days) == first
    assert await note(KEYS_KEPT.days + 1) != first
    async with ground.db.read() as session:
        assert len((await session.scalars(select(Note).where(col(Note.brand_id) == world.brand.id))).all()) == 2


async def test_a_phone_asked_for_twice_under_one_key_is_looked_at_once(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    customer = await build_reachable(ground, guide)

    with clock.stopped_at(NOON):
        first = await ask(ground, guide, REVEAL, id=str(customer.id), key="k")
    kept = await snapshot(ground)
    with clock.stopped_at(NOON + timedelta(hours=1)):
        again = await ask(ground, guide, REVEAL, id=str(customer.id), key="k")
    with clock.stopped_at(NOON + timedelta(hours=1, seconds=1)):
        too_late = await ask(ground, guide, REVEAL, id=str(customer.id), key="k")

    assert first == again == {"revealPhone": {"__typename": "PhoneRevealed", "phone": NUMBER}}
    assert too_late["revealPhone"]["code"] == "REVEAL_OVER"
    assert await snapshot(ground) == kept
    assert kept["audit_entry"].total() == 1
    assert "13812345678" not in repr(kept["client_mutation"])


async def test_a_phone_is_not_shown_again_once_the_customer_is_out_of_sight(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    customer = await build_reachable(ground, guide)
    await ask(ground, guide, REVEAL, id=str(customer.id), key="k")
    await give_away(ground, world, customer)

    late = await ask(ground, guide, REVEAL, id=str(customer.id), key="k")

    assert late == {"revealPhone": {"__typename": "Problem", "code": "NOT_FOUND"}}
