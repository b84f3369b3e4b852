"""A phone asks what changed for it, and is told all of it, once, and nothing that isn't its own."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, update
from sqlmodel import col

from customers import commands as customers
from kernel import clock, feed
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, NotSignedIn
from kernel.feed import Feed, FeedEvent
from kernel.pages import BadPageSize
from kernel.work import Ground, unit_of_work
from schema.live.entities import ENTITIES, EntityType
from schema.root import schema
from server.hub import Hub
from tasks import commands as tasks
from tests.asking import ask, context, refused
from tests.factories import World, build_customer, build_task, build_world, relationship_of
from tests.statements import statements

DOCUMENT = """
query ($after: Cursor, $first: Int! = 100) { changes(after: $after, first: $first) {
  cursor upToDate mustRefetch
  changes { op entityType id version position
    node { __typename ... on Task { title state version } ... on Relationship { customer { name } } } }
} }
"""
LIVE = DOCUMENT.replace("query ($after: Cursor, $first: Int! = 100)", "subscription ($after: Cursor)").replace(
    ", first: $first", ""
)


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def changes(ground: Ground, actor: Actor, after: str | None = None, **arguments: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await ask(ground, actor, DOCUMENT, after=after, **arguments))["changes"]
    return answer


async def now(ground: Ground, actor: Actor) -> str:
    """The actor's cursor of now."""
    cursor: str = (await changes(ground, actor))["cursor"]
    return cursor


async def news(ground: Ground, actor: Actor, after: str) -> list[tuple[str, str, str]]:
    """What changed since, in short."""
    return [(each["op"], each["entityType"], each["id"]) for each in (await changes(ground, actor, after))["changes"]]


async def add_task(ground: Ground, actor: Actor, title: str = "整理陈列") -> UUID:
    async with unit_of_work(ground, actor) as work:
        return (await tasks.add(work, title=title, due_at=clock.now())).id


async def complete(ground: Ground, actor: Actor, task_id: UUID) -> None:
    async with unit_of_work(ground, actor) as work:
        await tasks.complete(work, task_id)


@asynccontextmanager
async def listening(ground: Ground, actor: Actor | None, after: str | None = None) -> AsyncIterator[Any]:
    """A subscription whose answers come one by one from `anext`."""
    hub = Hub(ground)
    async with hub.running():
        stream = await schema.subscribe(LIVE, {"after": after}, context(ground, actor, hub))
        async with aclosing(stream) as answers:
            yield answers


async def heard(answers: Any, within: float = 5) -> dict[str, Any]:
    async with asyncio.timeout(within):
        answer = await anext(answers)
    assert answer.errors is None, answer.errors
    told: dict[str, Any] = answer.data["changes"]
    return told


async def test_without_a_cursor_there_is_nothing_yet_but_the_cursor_of_now(ground: Ground, world: World) -> None:
    await add_task(ground, world.shop.guide)

    first = await changes(ground, world.shop.guide)
    after = await changes(ground, world.shop.guide, first["cursor"])

    assert first == after
    assert (first["changes"], first["upToDate"], first["mustRefetch"]) == ([], True, False)


async def test_a_change_brings_the_thing_as_it_is_now(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    customer = await build_customer(ground, guide, name="王芳")
    task = await build_task(ground, guide, customer)
    cursor = await now(ground, guide)

    await complete(ground, guide, task.id)
    told = await changes(ground, guide, cursor)

    [change] = told["changes"]
    assert change["node"] == {"__typename": "Task", "title": "回访", "state": "DONE", "version": 2}
    assert (change["op"], change["entityType"], change["version"]) == ("PUT", "TASK", 2)
    assert change["position"] == told["cursor"]
    assert await news(ground, guide, told["cursor"]) == []


async def test_many_changes_of_one_thing_are_told_once_at_the_last(ground: Ground, world: World) -> None:
    guide, cursor = world.shop.guide, await now(ground, world.shop.guide)
    first, second = await add_task(ground, guide), await add_task(ground, guide)
    await complete(ground, guide, first)

    told = await changes(ground, guide, cursor)

    assert [(each["id"], each["version"]) for each in told["changes"]] == [(str(second), 1), (str(first), 2)]


async def test_batches_of_any_size_tell_the_same(ground: Ground, world: World) -> None:
    guide, cursor = world.shop.guide, await now(ground, world.shop.guide)
    made = [str(await add_task(ground, guide)) for _ in range(5)]

    for size in (1, 2, 5, 6):
        told, reached, rounds = [], cursor, 0
        while True:
            batch = await changes(ground, guide, reached, first=size)
            told += [each["id"] for each in batch["changes"]]
            reached, rounds = batch["cursor"], rounds + 1
            if batch["upToDate"]:
                break
        assert told == made
        assert rounds == -(-5 // size)


async def test_whoever_took_over_some_changes_goes_on_behind_them(ground: Ground, world: World) -> None:
    manager, cursor = world.shop.manager, await now(ground, world.shop.manager)
    made = {str(await add_task(ground, guide)) for guide in (manager, *world.shop.guides)}

    told = (await changes(ground, manager, cursor))["changes"]

    assert {each["id"] for each in told} == made
    for taken, change in enumerate(told, 1):
        assert await news(ground, manager, change["position"]) == [("PUT", "TASK", each["id"]) for each in told[taken:]]


async def test_a_moved_relationship_is_forgotten_by_one_known_to_the_other_and_kept_by_the_manager(
    ground: Ground, world: World
) -> None:
    giver, taker, manager = world.shop.guide, world.shop.other_guide, world.shop.manager
    customer = await build_customer(ground, giver)
    held = await relationship_of(ground, customer)
    task = await build_task(ground, giver, customer)
    everybody = (giver, taker, manager, world.shops[1].manager, world.hq)
    cursors = {actor.id: await now(ground, actor) for actor in everybody}

    async with unit_of_work(ground, manager) as work:
        await customers.reassign(work, held.id, to_account_id=taker.account_ids[0])
        await tasks.move_open(work, [held.id], taker.account_ids[0])

    told = {actor.id: sorted(await news(ground, actor, cursors[actor.id])) for actor in everybody}
    person = ("CUSTOMER", str(customer.id))
    keys = [("RELATIONSHIP", str(held.id)), ("TASK", str(task.id))]
    assert told[giver.id] == [("DEL", *key) for key in (person, *keys)]
    assert told[taker.id] == [("PUT", *key) for key in (person, *keys)]
    assert told[manager.id] == [("PUT", *key) for key in keys]
    assert told[world.shops[1].manager.id] == told[world.hq.id] == []


async def test_what_a_manager_gives_away_inside_the_store_stays_in_sight(ground: Ground, world: World) -> None:
    manager, taker = world.shop.manager, world.shop.guide
    customer = await build_customer(ground, manager)  # the manager's account is the public one
    held = await relationship_of(ground, customer)
    cursor = await now(ground, manager)

    async with unit_of_work(ground, manager) as work:
        await customers.reassign(work, held.id, to_account_id=taker.account_ids[0])

    assert await news(ground, manager, cursor) == [("PUT", "RELATIONSHIP", str(held.id))]


async def test_news_of_a_thing_that_has_left_since_is_to_forget_it(ground: Ground, world: World) -> None:
    giver, taker = world.shop.guide, world.shop.other_guide
    task = await build_task(ground, giver)
    cursor = await now(ground, giver)
    async with unit_of_work(ground, giver) as work:
        await tasks.snooze(work, task.id, until=clock.now().replace(year=clock.now().year + 1))
    async with ground.db.write() as session:  # as if the entry that takes it away were still to be read
        await session.execute(
            update(type(task))
            .where(col(type(task).brand_id) == task.brand_id, col(type(task).id) == task.id)
            .values(account_id=taker.account_ids[0])
        )

    [change] = (await changes(ground, giver, cursor))["changes"]

    assert (change["op"], change["id"], change["node"]) == ("DEL", str(task.id), None)


async def test_a_thing_that_no_program_here_knows_is_stepped_over(
    ground: Ground, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    guide, cursor = world.shop.guide, await now(ground, world.shop.guide)
    async with ground.db.write() as session:
        await feed.append(session, guide.brand_id, [feed.Entry(guide.id, "novelty", uuid4(), 1)])
    made = await add_task(ground, guide)

    assert await news(ground, guide, cursor) == [("PUT", "TASK", str(made))]
    assert [record.message for record in caplog.records if record.name == "schema.live.reading"] == [
        "unknown_entity_type"
    ]


async def test_every_kind_of_thing_can_be_resolved(ground: Ground, world: World) -> None:
    assert {str(name) for name in EntityType} == ENTITIES.keys()
    async with ground.db.read() as session:
        for entity in ENTITIES.values():
            assert await entity.by_ids(session, world.hq, [uuid4()]) == {}


async def _of_a_colleague(ground: Ground, world: World) -> str:
    return await now(ground, world.shop.other_guide)


async def _of_another_brand(ground: Ground, world: World) -> str:
    other = await build_world(ground, "baihe")
    return await now(ground, other.shop.guide)


async def _of_garbage(ground: Ground, world: World) -> str:
    return "nonsense"


async def _of_half_a_cursor(ground: Ground, world: World) -> str:
    return (await now(ground, world.shop.guide))[:-9]


async def _of_the_future(ground: Ground, world: World) -> str:
    cursor = await now(ground, world.shop.guide)
    raw = bytearray(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    raw[-1] += 1
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def _of_a_restored_backup(ground: Ground, world: World) -> str:
    cursor = await now(ground, world.shop.guide)
    async with ground.db.write() as session:
        await feed.new_epoch(session, world.brand.id)
    return cursor


async def _of_long_ago(ground: Ground, world: World) -> str:
    cursor = await now(ground, world.shop.guide)
    await add_task(ground, world.shop.guide)
    async with ground.db.write() as session:
        await session.execute(update(Feed).where(col(Feed.feed_id) == world.shop.guide.id).values(floor=1))
        await session.execute(delete(FeedEvent).where(col(FeedEvent.feed_id) == world.shop.guide.id))
    return cursor


async def _of_too_far_behind(ground: Ground, world: World) -> str:
    cursor = await now(ground, world.shop.guide)
    async with ground.db.write() as session:
        await session.execute(
            update(Feed).where(col(Feed.feed_id) == world.shop.guide.id).values(head=feed.FURTHEST_BEHIND + 1)
        )
    return cursor


async def _of_another_post(ground: Ground, world: World) -> str:
    return await now(ground, world.shops[1].manager)


CURSORS = [
    _of_a_colleague, _of_another_brand, _of_garbage, _of_half_a_cursor, _of_the_future, _of_a_restored_backup,
    _of_long_ago, _of_too_far_behind, _of_another_post,
]  # fmt: skip


@pytest.mark.parametrize("cursor", CURSORS, ids=lambda cursor: cursor.__name__.removeprefix("_of_"))
async def test_whoever_comes_with_a_cursor_that_is_no_good_starts_over(
    ground: Ground, world: World, cursor: Any
) -> None:
    guide = world.shop.guide
    bad = await cursor(ground, world)

    told = await changes(ground, guide, bad)
    async with listening(ground, guide, bad) as answers:
        first = await heard(answers)
        ended = await anext(answers, "ended")

    assert told == first
    assert (told["mustRefetch"], told["changes"], told["upToDate"]) == (True, [], False)
    assert ended == "ended"
    made = await add_task(ground, guide)
    assert await news(ground, guide, told["cursor"]) == [("PUT", "TASK", str(made))]


async def test_a_batch_has_1_to_500_changes(ground: Ground, world: World) -> None:
    for first in (0, -1, 501):
        [error] = await refused(ground, world.shop.guide, DOCUMENT, first=first)
        assert isinstance(error, BadPageSize)


async def test_machines_and_strangers_follow_nothing(ground: Ground, world: World) -> None:
    machine = Actor(brand_id=world.brand.id, id=uuid4(), role=Role.SERVICE)
    for actor, refusal in ((machine, Forbidden), (None, NotSignedIn)):
        [error] = await refused(ground, actor, DOCUMENT)
        assert type(error) is refusal
        async with listening(ground, actor) as answers:
            [error] = [each.original_error for each in (await anext(answers)).errors]
        assert type(error) is refusal


async def test_a_subscription_answers_at_once_and_then_as_things_happen(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    async with listening(ground, guide) as answers:
        first = await heard(answers)
        made = await add_task(ground, guide)
        second = await heard(answers)
        await complete(ground, guide, made)
        third = await heard(answers)

    assert (first["changes"], first["upToDate"]) == ([], True)
    assert [(each["id"], each["version"]) for each in second["changes"]] == [(str(made), 1)]
    assert [(each["id"], each["version"]) for each in third["changes"]] == [(str(made), 2)]


async def test_a_subscription_catches_up_first_and_says_when_it_has(ground: Ground, world: World) -> None:
    guide, cursor = world.shop.guide, await now(ground, world.shop.guide)
    async with ground.db.write() as session:
        gone = [feed.Entry(guide.id, "task", uuid4(), 1) for _ in range(feed.BATCH + 1)]
        await feed.append(session, guide.brand_id, gone)

    async with listening(ground, guide, cursor) as answers:
        first, second = await heard(answers), await heard(answers)

    assert (len(first["changes"]), first["upToDate"]) == (feed.BATCH, False)
    assert (len(second["changes"]), second["upToDate"]) == (1, True)
    assert {each["op"] for each in first["changes"] + second["changes"]} == {"DEL"}


async def test_the_end_of_catching_up_is_told_where_the_last_batch_was_full(ground: Ground, world: World) -> None:
    guide, cursor = world.shop.guide, await now(ground, world.shop.guide)
    async with ground.db.write() as session:
        entries = [feed.Entry(guide.id, "task", uuid4(), 1) for _ in range(feed.BATCH)]
        await feed.append(session, guide.brand_id, entries)

    async with listening(ground, guide, cursor) as answers:
        first = await heard(answers)

    assert (first["upToDate"], len(first["changes"])) == (True, feed.BATCH)


async def test_a_listening_phone_is_sent_back_to_the_start_by_a_new_epoch(ground: Ground, world: World) -> None:
    async with listening(ground, world.shop.guide) as answers:
        await heard(answers)
        async with ground.db.write() as session:
            await feed.new_epoch(session, world.brand.id)

        assert (await heard(answers))["mustRefetch"]
        assert await anext(answers, "ended") == "ended"


async def test_a_batch_takes_the_same_statements_for_one_change_as_for_twenty(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    taken = []
    for count in (1, 20):
        cursor = await now(ground, guide)
        for _ in range(count):
            customer = await build_customer(ground, guide)
            task = await build_task(ground, guide, customer)
            await complete(ground, guide, task.id)
        with statements(ground) as sent:
            assert len((await changes(ground, guide, cursor))["changes"]) == count
        taken.append(len(sent))

    assert taken[0] == taken[1]
