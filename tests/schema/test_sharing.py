"""What an event looks like is worked out once for all who are given it, and for nobody else."""

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.dataloader import DataLoader

import customers.queries.customers
from customers import commands as customers_commands
from customers.models import Customer
from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from schema import sharing
from schema.live import Readings
from schema.live.changes import Change, Changes
from schema.positions import Position
from schema.root import schema
from server import answers
from server.hub import Hub
from tests.asking import context
from tests.factories import World, build_customer, build_world
from tests.serving import serving
from tests.statements import statements

LIVE = """subscription ($after: Cursor, $named: Boolean! = true) { changes(after: $after) {
  cursor changes { node { ... on Relationship { version customer { id name @include(if: $named) } } } } } }"""


@dataclass
class Kept(Readings):
    """Remembers which events it gave."""

    ground: Ground
    events: list[Changes] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.ground.db)

    async def behind(self, actor: Actor, position: Position | None) -> Changes:
        event = await super().behind(actor, position)
        if event.changes:
            self.events.append(event)
        return event


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


@pytest.fixture
async def customer(ground: Ground, world: World) -> Customer:
    return await build_customer(ground, world.shop.guide, name="王芳")


@asynccontextmanager
async def listening(
    ground: Ground, readings: Readings, *phones: tuple[Actor, str, dict[str, Any]]
) -> AsyncIterator[list[Any]]:
    """The streams of these people's phones, each in its language and with its variables; the first answer is heard."""
    hub = Hub(ground)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(hub.running())
        streams = []
        for actor, language, variables in phones:
            asks = replace(context(ground, actor, hub), readings=readings, language=language)
            streams.append(await stack.enter_async_context(aclosing(await schema.subscribe(LIVE, variables, asks))))
        assert [answer.errors for answer in await heard(streams)] == [None] * len(phones)
        yield streams


async def heard(streams: list[Any]) -> list[Any]:
    """The next answer of each."""
    async with asyncio.timeout(10):
        return await asyncio.gather(*(anext(stream) for stream in streams))


def told(answer: Any) -> Any:
    """What the answer shows of the one relationship that has changed."""
    assert answer.errors is None, answer.errors
    [change] = answer.data["changes"]["changes"]
    return change["node"]


async def write(ground: Ground, guide: Actor, customer: Customer) -> None:
    async with unit_of_work(ground, guide) as work:
        await customers_commands.edit_remark(work, customer.id, remark="喜欢亚麻")


def phone(actor: Actor, number: int = 0, language: str = "zh", **variables: Any) -> tuple[Actor, str, dict[str, Any]]:
    return replace(actor, sign_in_id=UUID(int=number)), language, variables


async def test_ten_phones_of_one_person_cost_the_statements_of_one(
    ground: Ground, world: World, customer: Customer
) -> None:
    guide, taken = world.shop.guide, []
    for count in (1, 10):
        phones = [phone(guide, number) for number in range(count)]
        async with listening(ground, Readings(ground.db), *phones) as streams:
            await write(ground, guide, customer)
            with statements(ground) as sent:
                shown = [told(answer) for answer in await heard(streams)]
        taken.append(sum("FROM customer" in statement for statement in sent))
        assert all(each == shown[0] for each in shown)
        assert shown[0]["customer"] == {"id": str(customer.id), "name": "王芳"}

    assert taken == [1, 1]


async def test_where_a_phone_came_from_doesnt_keep_it_from_sharing(
    ground: Ground, world: World, customer: Customer
) -> None:
    guide, readings = world.shop.guide, Kept(ground)
    async with listening(ground, readings, phone(guide)) as streams:
        await write(ground, guide, customer)
        [answer] = await heard(streams)
    after = answer.data["changes"]["cursor"]
    readings.events.clear()

    async with listening(ground, readings, phone(guide, 1), phone(guide, 2, after=after)) as streams:
        await write(ground, guide, customer)
        first, second = await heard(streams)

    assert readings.events[0] is readings.events[1]
    assert len(readings.events[0].kept) == 1
    assert first.data.shared is second.data.shared


@pytest.mark.parametrize("mutant", [False, True], ids=["", "a mutant that leaves the variables out"])
async def test_what_is_asked_for_is_answered_with_and_nothing_else(
    ground: Ground, world: World, customer: Customer, monkeypatch: pytest.MonkeyPatch, mutant: bool
) -> None:
    if mutant:
        monkeypatch.setattr(sharing, "_variables_of", lambda _asked: ())
    guide, readings = world.shop.guide, Kept(ground)
    async with listening(ground, readings, phone(guide, 1), phone(guide, 2, named=False)) as streams:
        await write(ground, guide, customer)
        named, unnamed = [told(answer)["customer"] for answer in await heard(streams)]

    assert readings.events[0] is readings.events[1]
    assert ("name" in named and "name" not in unnamed) is not mutant


async def test_languages_are_kept_apart(ground: Ground, world: World, customer: Customer) -> None:
    guide, readings = world.shop.guide, Kept(ground)
    phones = [phone(guide, number, language) for number, language in enumerate(["zh", "en", "zh"])]
    async with listening(ground, readings, *phones) as streams:
        await write(ground, guide, customer)
        chinese, english, again = await heard(streams)

    assert len(readings.events[0].kept) == 2
    assert chinese.data.shared is again.data.shared
    assert chinese.data.shared is not english.data.shared


async def test_those_who_see_different_things_are_never_given_one_event(
    ground: Ground, world: World, customer: Customer
) -> None:
    readings = Kept(ground)
    people = [world.shop.guide, world.shop.manager]
    async with listening(ground, readings, *(phone(person) for person in people)) as streams:
        await write(ground, world.shop.guide, customer)
        assert [told(answer)["version"] for answer in await heard(streams)] == [2, 2]

    assert len({id(event) for event in readings.events}) == 2
    assert len({id(event.kept) for event in readings.events}) == 2


async def test_an_answer_with_an_error_is_nobody_elses(
    ground: Ground, world: World, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_it_is, failures = customers.queries.customers.by_ids, [RuntimeError("once")]

    async def by_ids(session: AsyncSession, actor: Actor, ids: Any) -> Any:
        if failures:
            raise failures.pop()
        return await as_it_is(session, actor, ids)

    guide = world.shop.guide
    async with listening(ground, Readings(ground.db), phone(guide, 1), phone(guide, 2)) as streams:
        monkeypatch.setattr(customers.queries.customers, "by_ids", by_ids)
        await write(ground, guide, customer)
        found = await heard(streams)

    assert sorted(answer.errors is None for answer in found) == [False, True]
    [fine] = [answer for answer in found if answer.errors is None]
    assert told(fine)["customer"]["name"] == "王芳"


async def test_who_leaves_while_an_event_is_worked_out_leaves_the_others_theirs(
    ground: Ground, world: World, customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_it_is, is_reading, let_go = customers.queries.customers.by_ids, asyncio.Event(), asyncio.Event()

    async def by_ids(session: AsyncSession, actor: Actor, ids: Any) -> Any:
        is_reading.set()
        await let_go.wait()
        return await as_it_is(session, actor, ids)

    guide = world.shop.guide
    async with listening(ground, Readings(ground.db), phone(guide, 1), phone(guide, 2)) as streams:
        monkeypatch.setattr(customers.queries.customers, "by_ids", by_ids)
        first, second = (asyncio.create_task(anext(stream)) for stream in streams)
        await write(ground, guide, customer)
        await is_reading.wait()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        let_go.set()
        async with asyncio.timeout(10):
            answer = await second

    assert told(answer)["customer"]["name"] == "王芳"


async def test_what_is_shared_goes_over_the_wire_as_it_would_alone(
    ground: Ground, world: World, customer: Customer
) -> None:
    guide = world.shop.guide
    asks = context(ground, guide)
    async with listening(ground, Readings(ground.db), phone(guide, 1), phone(guide, 2)) as streams:
        await write(ground, guide, customer)
        first, second = await heard(streams)

    shared = first.data.shared
    assert shared is second.data.shared
    assert orjson.dumps(answers.payload(first, asks)) == orjson.dumps({"data": shared.data})
    assert answers.payload(first, asks)["data"] is answers.payload(second, asks)["data"]


async def test_who_waits_for_news_holds_nothing_of_the_last(ground: Ground, world: World, customer: Customer) -> None:
    guide = world.shop.guide
    async with serving(ground) as served, served.line(guide) as line:
        await line.subscribe("1", LIVE)
        await line.hear()
        await write(ground, guide, customer)
        assert len((await line.hear())["payload"]["data"]["changes"]["changes"]) == 1
        async with asyncio.timeout(10):
            while _alive(Change, sharing.Shared, DataLoader):  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.05)


def _alive(*kinds: type) -> int:
    gc.collect()
    return sum(isinstance(each, kinds) for each in gc.get_objects())
