"""Readers who are woken together read together: in few statements, and each as if they had read alone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from customers import commands as customers
from kernel import clock, feed
from kernel.actor import Actor
from kernel.db import Database
from kernel.feed import Place
from kernel.work import Ground, unit_of_work
from schema import positions
from schema.live import reading, readings, together
from schema.live.changes import Changes
from schema.live.entities import ENTITIES, EntityType
from schema.live.reading import Batch
from schema.live.readings import Answer, Readings
from schema.live.together import Reader
from schema.positions import Position
from tasks import commands as tasks
from tests.factories import World, build_customer, build_task, build_world, relationship_of
from tests.statements import statements


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


@dataclass
class Held:
    """A database whose readers wait, before or after their snapshot is taken, until they are let go."""

    db: Database
    after_snapshot: bool = True
    is_reading: asyncio.Event = field(default_factory=asyncio.Event)
    let_go: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        async with self.db.read() as session:
            if self.after_snapshot:
                await session.execute(text("SELECT count(*) FROM feed"))
            self.is_reading.set()
            await self.let_go.wait()
            yield session


@dataclass
class Away:
    """A database that can't be reached so many times, and then can."""

    db: Database
    times: int = 1

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncSession]:
        if self.times:
            self.times -= 1
            raise ConnectionRefusedError
        async with self.db.read() as session:
            yield session


def over(db: object, kind: type[Readings] = Readings) -> Readings:
    return kind(cast(Database, db))


async def here(ground: Ground, actor: Actor) -> Position:
    """Where the actor's feeds end now."""
    async with ground.db.read() as session:
        return Position(positions.ends(await positions.heads(session, actor)))


async def add_task(ground: Ground, actor: Actor) -> UUID:
    async with unit_of_work(ground, actor) as work:
        return (await tasks.add(work, title="整理陈列", due_at=clock.now())).id


def shown(changes: Changes) -> list[tuple[str, str]]:
    return [(change.op.name, change.id) for change in changes.changes]


async def test_readers_who_are_alike_are_given_the_same_and_it_is_read_once(ground: Ground, world: World) -> None:
    guide, position = world.shop.guide, await here(ground, world.shop.guide)
    made = await add_task(ground, guide)
    phones = [replace(guide, sign_in_id=UUID(int=number)) for number in range(5)]
    shared = over(ground.db)
    taken = []
    for some in (phones[:1], phones):
        with statements(ground) as sent:
            told = await asyncio.gather(*(shared.behind(phone, position) for phone in some))
        taken.append(len(sent))

    assert taken[0] == taken[1] == 3
    assert {id(each) for each in told} == {id(told[0])}
    assert shown(told[0]) == [("PUT", str(made))]


async def test_different_readers_share_what_does_not_depend_on_their_sight(ground: Ground, world: World) -> None:
    people = [*world.shop.guides, world.shop.manager]
    position = {person.id: await here(ground, person) for person in people}
    made = [await add_task(ground, guide) for guide in world.shop.guides]
    with statements(ground) as sent:
        shared = over(ground.db)
        told = await asyncio.gather(*(shared.behind(person, position[person.id]) for person in people))

    assert [shown(each) for each in told[:2]] == [[("PUT", str(task))] for task in made]
    assert sorted(shown(told[2])) == sorted(("PUT", str(task)) for task in made)
    assert len(sent) == 1 + 1 + len(people)  # where the feeds end, their entries, and what each person sees


class Latecomers(Readings):
    """A mutant: whoever is alike may still come in when the round has begun."""

    under_way: dict[Reader, Answer] = {}  # noqa: RUF012 - one of it is made

    def _begun(self) -> dict[Reader, Answer]:
        self.under_way = super()._begun()
        return self.under_way

    async def behind(self, actor: Actor, position: Position | None) -> Changes:
        known = self.under_way.get(together.reader(actor, position))
        return await (asyncio.shield(known) if known is not None else super().behind(actor, position))


async def woken_late(ground: Ground, guide: Actor, kind: type[Readings]) -> list[str]:
    """What a reader is told of a commit that came after the snapshot of the round that was under way."""
    held, position = Held(ground.db), await here(ground, guide)
    shared = over(held, kind)
    early = asyncio.create_task(shared.behind(guide, position))
    await held.is_reading.wait()
    await add_task(ground, guide)
    late = asyncio.create_task(shared.behind(guide, position))
    await asyncio.sleep(0)
    held.let_go.set()
    assert shown(await early) == []
    return [op for op, _ in shown(await late)]


async def test_who_is_woken_while_a_round_reads_takes_part_in_the_next(ground: Ground, world: World) -> None:
    assert await woken_late(ground, world.shop.guide, Readings) == ["PUT"]
    assert await woken_late(ground, world.shop.guide, Latecomers) == []  # so the check would have noticed


async def test_what_is_committed_before_the_snapshot_is_told(ground: Ground, world: World) -> None:
    guide, held = world.shop.guide, Held(ground.db, after_snapshot=False)
    position = await here(ground, guide)
    told = asyncio.create_task(over(held).behind(guide, position))
    await held.is_reading.wait()
    made = await add_task(ground, guide)
    held.let_go.set()

    assert shown(await told) == [("PUT", str(made))]


@dataclass(frozen=True, slots=True)
class Careless(Reader):
    """A mutant: who reads is no part of what makes two readers alike."""

    actor: Actor = field(compare=False)


@pytest.mark.parametrize(("kind", "ops"), [(Reader, {"PUT", "DEL"}), (Careless, {"PUT"})])
async def test_those_whose_sight_differs_never_share(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch, kind: type[Reader], ops: set[str]
) -> None:
    monkeypatch.setattr(together, "Reader", kind)
    guide = world.shop.guide
    customer = await build_customer(ground, guide)
    position = await here(ground, guide)
    async with unit_of_work(ground, guide) as work:
        await customers.edit_remark(work, customer.id, remark="喜欢亚麻")
    # The same person, the same feeds, the same place in them; but one has lost the account that holds the customer.
    shared, bare = over(ground.db), replace(guide, account_ids=())

    told = await asyncio.gather(shared.behind(guide, position), shared.behind(bare, position))

    assert {op for each in told for op, _ in shown(each)} == ops  # with the mutant, one is shown what is not theirs


async def test_who_leaves_takes_nothing_from_the_others(ground: Ground, world: World) -> None:
    guide, held = world.shop.guide, Held(ground.db)
    position = await here(ground, guide)
    await add_task(ground, guide)
    shared = over(held)
    leaving, staying = (asyncio.create_task(shared.behind(guide, position)) for _ in range(2))
    await held.is_reading.wait()
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    held.let_go.set()

    assert len(shown(await staying)) == 1
    assert leaving.cancelled()


async def test_a_round_that_everybody_has_left_ends_and_the_next_one_reads(ground: Ground, world: World) -> None:
    guide, held = world.shop.guide, Held(ground.db)
    position = await here(ground, guide)
    shared = over(held)
    alone = asyncio.create_task(shared.behind(guide, position))
    await held.is_reading.wait()
    alone.cancel()
    await asyncio.gather(alone, return_exceptions=True)
    held.let_go.set()
    await add_task(ground, guide)

    assert len(shown(await shared.behind(guide, position))) == 1


async def test_a_round_without_a_database_fails_each_of_its_readers_and_no_later_one(
    ground: Ground, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    guide, manager = world.shop.guide, world.shop.manager
    shared = over(Away(ground.db))
    told = await asyncio.gather(shared.behind(guide, None), shared.behind(manager, None), return_exceptions=True)

    assert [type(each) for each in told] == [ConnectionRefusedError] * 2
    assert [record.message for record in caplog.records] == ["changes_unread"]
    assert (await shared.behind(guide, None)).up_to_date


async def test_a_fault_in_reading_for_one_is_no_fault_for_the_others(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    culprit, other = world.shop.guides
    position = {guide.id: await here(ground, guide) for guide in (culprit, other)}
    made = [await add_task(ground, guide) for guide in (culprit, other)]
    as_it_is = ENTITIES[EntityType.TASK]

    async def by_ids(session: AsyncSession, actor: Actor, ids: Any) -> Any:
        if actor.id == culprit.id:
            await session.execute(text("SELECT nonsense"))
        return await as_it_is.by_ids(session, actor, ids)

    monkeypatch.setitem(ENTITIES, EntityType.TASK, replace(as_it_is, by_ids=by_ids))
    shared = over(ground.db)
    told = await asyncio.gather(
        *(shared.behind(guide, position[guide.id]) for guide in (culprit, other)), return_exceptions=True
    )

    assert isinstance(told[0], Exception)
    assert isinstance(told[1], Changes)
    assert shown(told[1]) == [("PUT", str(made[1]))]
    assert "round_failed" in [record.message for record in caplog.records]


async def test_a_person_whose_feed_is_missing_is_an_error_for_nobody_else(ground: Ground, world: World) -> None:
    shared = over(ground.db)
    nobody = replace(world.shop.guide, id=UUID(int=7), staff_id=UUID(int=7))

    told = await asyncio.gather(
        shared.behind(nobody, None), shared.behind(world.shop.guide, None), return_exceptions=True
    )

    assert isinstance(told[0], LookupError)
    assert isinstance(told[1], Changes)


async def test_more_readers_than_a_round_takes_are_all_served(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readings, "MOST", 2)
    people = [actor for shop in world.shops for actor in (*shop.guides, shop.manager)]
    shared = over(ground.db)

    told = await asyncio.gather(*(shared.behind(person, None) for person in people))

    assert [each.place for each in told] == [await here(ground, person) for person in people]


async def test_read_together_or_alone_is_told_the_same(ground: Ground, world: World) -> None:
    """Against the reading for one, from every place that somebody stood at while things happened."""
    guide, other, manager = *world.shop.guides, world.shop.manager
    stands: list[tuple[Actor, Position]] = []

    async def stand() -> None:
        stands.extend([(person, await here(ground, person)) for person in (guide, other, manager)])

    await stand()
    customer = await build_customer(ground, guide)
    for number in range(3):
        async with unit_of_work(ground, guide) as work:
            await customers.edit_remark(work, customer.id, remark=f"第 {number} 次")
        await add_task(ground, other)
        await stand()
    task = await build_task(ground, guide)
    async with unit_of_work(ground, guide) as work:
        await tasks.complete(work, task.id)
    async with ground.db.write() as session:  # gone, or never theirs
        await feed.append(session, guide.brand_id, [feed.Entry(guide.id, "task", UUID(int=1), 3)])
    lost = replace(stands[0][1], places={**stands[0][1].places, guide.id: Place(UUID(int=2), 0)})
    stands += [(guide, lost), (manager, stands[0][1])]

    together_told, told = await both(ground, stands)

    assert together_told == told
    assert {len(news) for news, *_ in told.values()} >= {0, 1, 2, 5}
    assert {op for news, *_ in told.values() for *_, op in news} == {True, False}


async def test_who_is_far_behind_or_given_something_whole_is_read_for_alone(ground: Ground, world: World) -> None:
    guide, other, manager = *world.shop.guides, world.shop.manager
    customer = await build_customer(ground, guide)
    held = await relationship_of(ground, customer)
    position = {person.id: await here(ground, person) for person in (guide, other, manager)}
    async with unit_of_work(ground, manager) as work:
        await customers.reassign(work, held.id, to_account_id=other.account_ids[0])
    async with ground.db.write() as session:
        many = [feed.Entry(guide.id, "task", UUID(int=number), 1) for number in range(1, together.NEAR + 1)]
        await feed.append(session, guide.brand_id, many)

    together_told, told = await both(ground, [(person, position[person.id]) for person in (guide, other, manager)])
    answers = await asyncio.gather(
        *(over(ground.db).behind(person, position[person.id]) for person in (guide, other, manager))
    )

    assert set(told) - set(together_told) >= {together.reader(each, position[each.id]) for each in (guide, other)}
    assert [len(each.changes) for each in answers] == [len(news) for news, *_ in told.values()]


async def both(ground: Ground, stands: list[tuple[Actor, Position]]) -> tuple[dict[Reader, Any], dict[Reader, Any]]:
    """What all are told together, and what each is told alone."""
    readers = [together.reader(*each) for each in stands]
    async with ground.db.read() as session:
        at_once = await together.behind_all(session, readers)
        alone = {each: await reading.behind(session, each.actor, each.position, feed.BATCH) for each in readers}
    return {each: plain(batch) for each, batch in at_once.items()}, {
        each: plain(batch) for each, batch in alone.items()
    }


def plain(batch: Batch) -> tuple[Any, ...]:
    news = [(each.kind, each.id, each.version, each.at, each.behind, each.row is None) for each in batch.news]
    return news, batch.position, batch.is_last, batch.is_lost
