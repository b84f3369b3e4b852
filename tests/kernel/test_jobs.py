"""A job is a row: taken by one worker at a time, tried again, and in the end given up on, never lost."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from kernel import clock, ids, jobs
from kernel.jobs import Job, JobState, Request
from kernel.work import Ground

BRAND = ids.new()
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def test_two_workers_at_once_get_a_job_once(ground: Ground) -> None:
    job_id = await _enqueue(ground)

    async def take() -> Job | None:
        async with ground.db.write() as session:
            return await jobs.take(session, job_id)

    taken = await asyncio.gather(*(take() for _ in range(5)))

    assert len([job for job in taken if job]) == 1


async def test_a_job_whose_worker_died_is_due_again_when_its_lease_ends(ground: Ground) -> None:
    with clock.stopped_at(NOON):
        job_id = await _enqueue(ground)
        await _take(ground, job_id)
        assert await _due(ground) == []
    with clock.stopped_at(NOON + jobs.LEASE + timedelta(seconds=1)):
        assert await _due(ground) == [job_id]
        again = await _take(ground, job_id)
        assert again.attempts == 2


async def test_a_worker_that_lost_its_lease_cannot_finish(ground: Ground) -> None:
    with clock.stopped_at(NOON):
        job_id = await _enqueue(ground)
        late = await _take(ground, job_id)
    with clock.stopped_at(NOON + jobs.LEASE + timedelta(seconds=1)):
        prompt = await _take(ground, job_id)
        async with ground.db.write() as session:
            assert not await jobs.finish(session, late)
            assert await jobs.finish(session, prompt)


async def test_a_failing_job_is_tried_again_ever_later_and_kept_when_given_up_on(ground: Ground) -> None:
    at = NOON
    with clock.stopped_at(at):
        job_id = await _enqueue(ground)
    waits = []
    for _ in range(jobs.MOST_ATTEMPTS):
        with clock.stopped_at(at):
            job = await _take(ground, job_id)
            async with ground.db.write() as session:
                await jobs.postpone(session, job, "SomeError")
        row = await _row(ground, job_id)
        waits.append((row.run_at - at).total_seconds())
        at = max(at, row.run_at)

    assert waits[:3] == [2, 4, 8]
    assert (await _row(ground, job_id)).state == JobState.FAILED
    with clock.stopped_at(at + timedelta(days=1)):
        assert await _due(ground) == []


async def test_a_delayed_job_is_not_due_before_its_time(ground: Ground) -> None:
    with clock.stopped_at(NOON):
        async with ground.db.write() as session:
            at_once = await jobs.enqueue(session, BRAND, [Request("later", {}, timedelta(minutes=5))])
        assert at_once == []
        assert await _due(ground) == []
    with clock.stopped_at(NOON + timedelta(minutes=5)):
        assert len(await _due(ground)) == 1


async def test_jobs_long_done_are_forgotten_and_failed_ones_kept(ground: Ground) -> None:
    with clock.stopped_at(NOON):
        done, waiting = await _enqueue(ground), await _enqueue(ground)
        job = await _take(ground, done)
        async with ground.db.write() as session:
            await jobs.finish(session, job)
    async with ground.db.write() as session:
        await jobs.forget_done(session, NOON + timedelta(days=1))

    async with ground.db.read() as session:
        assert await session.get(Job, (BRAND, done)) is None
        assert await session.get(Job, (BRAND, waiting)) is not None


async def _enqueue(ground: Ground) -> UUID:
    async with ground.db.write() as session:
        [job_id] = await jobs.enqueue(session, BRAND, [Request("something", {"number": 1})])
    return job_id


async def _take(ground: Ground, job_id: UUID) -> Job:
    async with ground.db.write() as session:
        job = await jobs.take(session, job_id)
    assert job
    return job


async def _due(ground: Ground) -> list[UUID]:
    async with ground.db.read() as session:
        return list(await jobs.due(session))


async def _row(ground: Ground, job_id: UUID) -> Job:
    async with ground.db.read() as session:
        row = await session.get(Job, (BRAND, job_id))
    assert row
    return row
