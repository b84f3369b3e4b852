"""Jobs are carried out once their work is committed, whatever happens to worker and Redis."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from kernel import clock, idempotency, jobs
from kernel.actor import Role, system
from kernel.jobs import Handler, Job, JobState
from kernel.redis import connect
from kernel.work import Ground, Work, unit_of_work
from server import worker
from server.worker import Worker
from tests.factories import World, build_world


@dataclass
class Workshop:
    """A worker's handlers, and what they were given."""

    world: World
    done: list[str] = field(default_factory=list)
    failures: int = 0

    @property
    def ground(self) -> Ground:
        return self.world.ground

    @property
    def handlers(self) -> dict[str, Handler]:
        return {"rename": self.rename, "sleep": self.sleep, "chain": self.chain, "give_up": self.give_up}

    async def rename(self, work: Work, name: str) -> None:
        """Change a row, so that what is rolled back can be seen."""
        assert work.actor.role is Role.SYSTEM
        await work.session.execute(update(Brand).where(col(Brand.id) == work.actor.brand_id).values(name=name))
        self.done.append(name)
        if self.failures:
            self.failures -= 1
            raise ConnectionError("call 13812345678")

    async def sleep(self, work: Work, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self.done.append("slept")

    async def give_up(self, work: Work) -> None:
        """End as a library does that lets the cancellation of a task of its own get out."""
        raise asyncio.CancelledError

    async def chain(self, work: Work, left: int) -> None:
        self.done.append(str(left))
        if left:
            work.later("chain", left=left - 1)

    async def ask(self, name: str, /, delay: timedelta = timedelta(), **args: object) -> None:
        async with unit_of_work(self.ground, system(self.world.brand.id)) as work:
            work.requests.append(jobs.Request(name, args, delay))

    async def row(self) -> Job:
        """The one that was asked for here; a worker asks for the brand's night and segments by itself."""
        async with self.ground.db.read() as session:
            return (await session.scalars(select(Job).where(col(Job.name).not_like("tagging.%")))).one()

    async def brand_name(self) -> str | None:
        async with self.ground.db.read() as session:
            return await session.scalar(select(col(Brand.name)).where(col(Brand.id) == self.world.brand.id))

    async def forget_triggers(self) -> None:
        """As if Redis had lost everything."""
        await self.ground.redis.flushall()

    def worker(self, ground: Ground | None = None, sweep_seconds: float = 60.0) -> Worker:
        return Worker(ground or self.ground, self.handlers, poll_seconds=0.05, sweep_seconds=sweep_seconds)


@pytest.fixture
async def workshop(ground: Ground) -> Workshop:
    return Workshop(await build_world(ground))


@asynccontextmanager
async def running(*loops: Callable[[], Awaitable[None]], of: Worker) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(loop()) for loop in loops]
    try:
        yield
    finally:
        await of.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is a row, or somebody else's state
            await asyncio.sleep(0.01)


async def settled(workshop: Workshop, state: JobState, seconds: float = 10) -> Job:
    async with asyncio.timeout(seconds):
        while (row := await workshop.row()).state != state.value:  # noqa: ASYNC110 - a row tells nobody
            await asyncio.sleep(0.02)
    return row


async def test_a_triggered_job_is_carried_out_in_its_brand_and_done(workshop: Workshop) -> None:
    mine = workshop.worker()
    async with running(mine.listen, of=mine):
        await workshop.ask("rename", name="新名")
        row = await settled(workshop, JobState.DONE)

    assert await workshop.brand_name() == "新名"
    assert (row.attempts, row.lease_token, row.last_error) == (1, None, None)
    assert workshop.done == ["新名"]


async def test_a_job_that_redis_forgot_is_found(workshop: Workshop) -> None:
    await workshop.ask("rename", name="新名")
    await workshop.forget_triggers()

    assert await workshop.worker().sweep_once() == 1

    assert (await workshop.row()).state == JobState.DONE.value


async def test_a_delayed_job_waits_for_its_time(workshop: Workshop) -> None:
    await workshop.ask("rename", delay=timedelta(hours=1), name="新名")

    assert await workshop.worker().sweep_once() == 0
    with clock.stopped_at(clock.now() + timedelta(hours=1, seconds=1)):
        assert await workshop.worker().sweep_once() == 1

    assert workshop.done == ["新名"]


async def test_a_failing_job_changes_nothing_and_is_tried_again_later(workshop: Workshop) -> None:
    workshop.failures = 2
    await workshop.ask("rename", name="新名")

    await workshop.worker().sweep_once()
    failed = await workshop.row()
    assert (failed.state, failed.attempts, failed.last_error) == ("waiting", 1, "ConnectionError")
    assert failed.run_at > clock.now()
    assert await workshop.brand_name() == "青禾"

    for attempt in (2, 3):
        with clock.stopped_at(clock.now() + timedelta(minutes=attempt)):
            await workshop.worker().sweep_once()

    done = await workshop.row()
    assert (done.state, done.attempts, done.last_error) == ("done", 3, None)
    assert await workshop.brand_name() == "新名"


async def test_a_job_that_always_fails_is_given_up_and_kept(workshop: Workshop) -> None:
    workshop.failures = 100
    await workshop.ask("rename", name="新名")

    for attempt in range(jobs.MOST_ATTEMPTS + 3):
        with clock.stopped_at(clock.now() + timedelta(hours=attempt)):
            await workshop.worker().sweep_once()

    row = await workshop.row()
    assert (row.state, row.attempts, row.last_error) == ("failed", jobs.MOST_ATTEMPTS, "ConnectionError")
    assert len(workshop.done) == jobs.MOST_ATTEMPTS


async def test_a_job_that_nobody_knows_is_kept_with_its_reason(workshop: Workshop) -> None:
    await workshop.ask("unheard_of")

    await workshop.worker().sweep_once()

    assert (await workshop.row()).last_error == "KeyError"


async def test_a_job_whose_worker_died_is_taken_over_after_its_lease(workshop: Workshop) -> None:
    await workshop.ask("rename", name="新名")
    job_id = (await workshop.row()).id
    async with workshop.ground.db.write() as session:
        assert await jobs.take(session, job_id)

    assert await workshop.worker().sweep_once() == 0
    with clock.stopped_at(clock.now() + jobs.LEASE + timedelta(seconds=1)):
        assert await workshop.worker().sweep_once() == 1

    assert ((await workshop.row()).state, workshop.done) == ("done", ["新名"])


async def test_a_job_that_kills_every_worker_is_given_up(workshop: Workshop) -> None:
    await workshop.ask("rename", name="新名")
    job_id = (await workshop.row()).id
    moment = clock.now()
    for _ in range(jobs.MOST_ATTEMPTS):
        with clock.stopped_at(moment):
            async with workshop.ground.db.write() as session:
                assert await jobs.take(session, job_id)
        moment += jobs.LEASE * 2

    with clock.stopped_at(moment):
        await workshop.worker().sweep_once()

    assert ((await workshop.row()).state, workshop.done) == ("failed", [])


async def test_what_a_worker_does_after_losing_its_lease_is_rolled_back(workshop: Workshop) -> None:
    await workshop.ask("rename", name="新名")
    job_id = (await workshop.row()).id

    async def lose_the_lease(work: Work, name: str) -> None:
        await workshop.rename(work, name)
        await work.session.execute(
            update(Job).where(col(Job.brand_id) == work.actor.brand_id).values(lease_token=UUID(int=7))
        )

    await worker.run(workshop.ground, job_id, {"rename": lose_the_lease})

    assert await workshop.brand_name() == "青禾"
    assert (await workshop.row()).state == "waiting"


async def test_many_workers_on_one_job_do_it_once(workshop: Workshop) -> None:
    await workshop.ask("rename", name="新名")
    job_id = (await workshop.row()).id

    await asyncio.gather(*(worker.run(workshop.ground, job_id, workshop.handlers) for _ in range(8)))

    assert workshop.done == ["新名"]


async def test_a_job_asked_for_by_a_job_follows_at_once(workshop: Workshop) -> None:
    mine = workshop.worker()
    async with running(mine.listen, of=mine):
        await workshop.ask("chain", left=4)
        await until(lambda: workshop.done == ["4", "3", "2", "1", "0"])


async def test_a_job_is_picked_up_without_waiting_for_the_sweep(workshop: Workshop) -> None:
    mine = workshop.worker(sweep_seconds=60)
    async with running(mine.listen, mine.sweep, of=mine):
        await asyncio.sleep(0.2)
        await workshop.ask("rename", name="新名")
        await until(lambda: bool(workshop.done), seconds=5)


async def test_without_redis_the_sweeper_alone_carries_everything_out(workshop: Workshop) -> None:
    unreachable = connect("redis://127.0.0.1:1")
    mine = workshop.worker(replace(workshop.ground, redis=unreachable), sweep_seconds=0.1)
    async with running(mine.listen, mine.sweep, of=mine):
        await workshop.ask("rename", name="新名")
        await settled(workshop, JobState.DONE)
    await unreachable.aclose(close_connection_pool=True)

    assert workshop.done == ["新名"]


async def test_arq_is_started_again_after_it_lost_redis(workshop: Workshop) -> None:
    mine = workshop.worker()
    async with running(mine.listen, of=mine):
        await until(lambda: mine._arq is not None and mine._arq.main_task is not None)
        first = mine._arq
        assert first is not None
        await workshop.ground.redis.set("daogou:jobs", "not a sorted set")  # arq can make nothing of this
        await until(lambda: mine._arq is not first)
        await workshop.ground.redis.delete("daogou:jobs")
        await workshop.ask("rename", name="新名")
        await until(lambda: bool(workshop.done))


async def test_stopping_waits_for_what_is_under_way(workshop: Workshop) -> None:
    mine = workshop.worker()
    async with running(mine.listen, of=mine):
        await workshop.ask("sleep", seconds=0.5)
        await until(lambda: bool(mine._running))

    assert workshop.done == ["slept"]
    assert (await workshop.row()).state == "done"


async def test_what_takes_too_long_to_stop_is_put_back(workshop: Workshop) -> None:
    mine = workshop.worker()
    async with running(mine.listen, of=mine):
        await workshop.ask("sleep", seconds=30)
        await until(lambda: bool(mine._running))
        await mine.stop(grace=0.1)

    row = await workshop.row()
    assert (row.state, row.last_error, row.lease_token) == ("waiting", "Cancelled", None)
    assert workshop.done == []


async def test_a_job_longer_than_its_lease_is_cut_off(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LONGEST", timedelta(seconds=0.1))
    await workshop.ask("sleep", seconds=30)

    await workshop.worker().sweep_once()

    assert (await workshop.row()).last_error == "TimeoutError"


async def test_a_job_that_ends_cancelled_is_put_back_and_the_sweep_goes_on(workshop: Workshop) -> None:
    await workshop.ask("give_up")
    await workshop.forget_triggers()

    mine = workshop.worker(sweep_seconds=0.05)
    async with running(mine.sweep, of=mine):
        async with asyncio.timeout(10):
            while (await workshop.row()).last_error is None:  # noqa: ASYNC110 - a row tells nobody
                await asyncio.sleep(0.02)
        await workshop.ask("rename", name="新名")
        await workshop.forget_triggers()
        await until(lambda: workshop.done == ["新名"])


async def test_a_whole_backlog_is_worked_off(workshop: Workshop) -> None:
    for number in range(30):
        await workshop.ask("rename", name=f"第{number}")
    await workshop.forget_triggers()
    mine = workshop.worker()

    async with running(mine.sweep, of=mine):
        await until(lambda: len(workshop.done) == 30, seconds=30)

    assert sorted(workshop.done) == sorted(f"第{number}" for number in range(30))


async def test_the_house_is_kept(workshop: Workshop) -> None:
    actor = system(workshop.world.brand.id)

    async def act() -> idempotency.Reference:
        return {}

    for age in (timedelta(days=31), timedelta(days=29)):
        with clock.stopped_at(clock.now() - age):
            async with unit_of_work(workshop.ground, actor) as work:
                await idempotency.once(work.session, actor, f"key-{age.days}", "op", "a hash", act)
    for age in (timedelta(days=8), timedelta(days=6)):
        with clock.stopped_at(clock.now() - age):
            await workshop.ask("rename", name=f"{age.days}")
            await workshop.worker().sweep_once()

    await worker.keep_house(workshop.ground)

    async with workshop.ground.db.read() as session:
        keys = (await session.scalars(select(col(idempotency.ClientMutation.key)))).all()
    assert keys == ["key-29"]
    assert (await workshop.row()).args == {"name": "6"}


async def test_a_job_that_is_prepared_reads_while_others_write(workshop: Workshop) -> None:
    """The answer of what is read first is the handler's; on SQLite, too, nobody waits for the reading."""

    async def read_name(session: AsyncSession, brand_id: UUID, by: str) -> str | None:
        before = await session.scalar(select(col(Brand.name)).where(col(Brand.id) == brand_id))
        async with asyncio.timeout(5), unit_of_work(workshop.ground, system(brand_id)) as work:
            await workshop.rename(work, by)
        return before

    async def note(work: Work, by: str, prepared: str) -> None:
        workshop.done.append(f"{prepared} before {by}")

    await workshop.ask("note", by="new")
    job_id = (await workshop.row()).id

    await worker.run(workshop.ground, job_id, {"note": note}, {"note": read_name})

    assert workshop.done == ["new", "青禾 before new"]
    assert (await workshop.row()).state == JobState.DONE


async def test_a_job_whose_preparation_fails_is_put_back(workshop: Workshop) -> None:
    async def fail(session: AsyncSession, brand_id: UUID, name: str) -> None:
        raise ConnectionError

    await workshop.ask("rename", name="new")
    job_id = (await workshop.row()).id

    await worker.run(workshop.ground, job_id, workshop.handlers, {"rename": fail})

    assert workshop.done == []
    assert (await workshop.row()).last_error == "ConnectionError"
