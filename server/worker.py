"""Run jobs: arq says when to look, and a sweeper finds what arq forgot."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import orjson
from arq.worker import Worker as ArqWorker
from arq.worker import func
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from directory.commands import sign_in as sign_ins
from directory.queries import actors
from handover.commands import listening
from intake.commands import forgetting, leaving
from intake.queries import runs as import_runs
from kernel import clock, compaction, idempotency, jobs
from kernel.actor import system
from kernel.crypto import Vault
from kernel.redis import QUEUE, RUN_JOB
from kernel.work import Ground, Work, unit_of_work
from mall.commands import folding
from server import chores
from server.posting import post_notice
from server.settings import Settings
from server.wecom.connecting import partner_of
from server.wiring import ERRANDS, HANDLERS, LAST_RESORTS, PREPARATIONS, Errand, LastResort, errands, handlers
from tasks.commands import plans

# Below the lease, so that nobody else takes a job that is still being carried out.
LONGEST = jobs.LEASE - timedelta(seconds=15)
AT_ONCE = 8
PREPARING_AT_ONCE = 2  # they reckon, too: whoever has a transaction open waits for them
GRACE_SECONDS = 20
LAST_WORDS_SECONDS = 2
HOUSEKEEPING_SECONDS = 3600
COUNTING_SECONDS = 1.0
MOST_AT_A_SWEEP = 200

KEYS_KEPT = timedelta(days=30)
DONE_KEPT = timedelta(days=7)
SIGN_INS_KEPT = timedelta(days=7)

log = logging.getLogger(__name__)


class LeaseLost(Exception):
    """Another worker has the job by now: what this one did is rolled back."""


async def run(
    ground: Ground,
    job_id: UUID,
    handlers: Mapping[str, jobs.Handler] = HANDLERS,
    preparations: Mapping[str, jobs.Preparation] = PREPARATIONS,
    turn: AbstractAsyncContextManager[object] = nullcontext(),  # noqa: B008 - it holds nothing
    errands: Mapping[str, Errand] = ERRANDS,
) -> None:
    """Carry a job out, once nobody else does; what it did and its being done are one commit.

    A job that has a preparation reads first, when it is its turn, with nothing locked: others write meanwhile. An
    errand commits what it does bit by bit, and is done when it returns.
    """
    async with ground.db.write() as session:
        job = await jobs.take(session, job_id)
    if job is None:
        return
    try:
        async with asyncio.timeout(LONGEST.total_seconds()):
            if job.attempts > jobs.MOST_ATTEMPTS:
                raise RuntimeError("every attempt so far ended with its worker")
            if job.name in errands:
                await errands[job.name](ground, job.brand_id, **job.args)
                await _note_done(ground, job)
                return
            prepared = await _prepare(ground, job, preparations, turn)
            await _carry_out(ground, job, handlers, prepared)
    except asyncio.CancelledError:
        await asyncio.shield(_put_back(ground, job, "Cancelled"))
        raise
    except Exception as error:
        log.exception("job_failed", extra={"job": job.name, "job_id": str(job.id), "attempts": job.attempts})
        await _put_back(ground, job, type(error).__name__)


async def keep_house(ground: Ground) -> None:
    """Delete what nobody asks for any more: old keys, jobs long done, sign-ins long over, superseded news."""
    at = clock.now()
    async with ground.db.write() as session:
        await idempotency.forget(session, at - KEYS_KEPT)
    async with ground.db.write() as session:
        await jobs.forget_done(session, at - DONE_KEPT)
    async with ground.db.write() as session:
        await sign_ins.forget_ended(session, at - SIGN_INS_KEPT)
    async with ground.db.read() as session:
        brands = [brand.id for brand in await actors.brands(session)]
    for brand_id in brands:
        await _to_the_end(ground, brand_id, lambda work: plans.forget(work, at.date()))
        await _to_the_end(ground, brand_id, lambda work: forgetting.forget(work, at))
        await _to_the_end(ground, brand_id, lambda work: folding.fold_opens(work, at))
        await _to_the_end(ground, brand_id, lambda work: listening.forget(work, at))
    async with ground.db.read() as session:
        grown = await compaction.due(session)
    for brand_id, feed_id in grown:
        await compaction.compact(ground.db, brand_id, feed_id)


async def _to_the_end(ground: Ground, brand_id: UUID, keep: Callable[[Work], Awaitable[bool]]) -> None:
    """As often as there is more of it, each time in a short transaction."""
    while True:
        async with unit_of_work(ground, system(brand_id)) as work:
            if not await keep(work):
                return


async def see_to_left_imports(ground: Ground) -> None:
    """Tell of imports that nobody is at any more; `intake.commands.leaving` says what else."""
    at = clock.now()
    async with ground.db.read() as session:
        found = await import_runs.unattended(session, at, at - leaving.LONG)
    for brand_id, run_id in found:
        async with unit_of_work(ground, system(brand_id)) as work:
            await leaving.see_to(work, run_id)


@asynccontextmanager
async def working(ground: Ground, settings: Settings, grace: float = GRACE_SECONDS) -> AsyncIterator[None]:
    """Jobs are carried out for as long as the block lasts; those under way get some seconds to end."""
    collect_seldom()
    vault = Vault(settings.data_key_bytes)
    worker = Worker(
        ground,
        handlers(vault),
        errands=errands(
            lambda on, brand_id: partner_of(on, vault, settings, brand_id),
            partial(post_notice, vault, settings.is_embedded),
        ),
        poll_seconds=settings.worker_poll_seconds,
        sweep_seconds=1.0 if settings.is_embedded else 5.0,
    )
    tasks = [asyncio.create_task(loop()) for loop in (worker.listen, worker.sweep, worker.count)]
    try:
        yield
    finally:
        await worker.stop(grace)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def collect_seldom() -> None:
    """Let Python look for rings of garbage seldom in this process.

    A job holds many thousand rows at once, which aren't garbage: looking through them again and again was a quarter of
    what planning a store takes.
    """
    gc.set_threshold(50_000, 20, 50)


@dataclass(slots=True)
class Worker:
    """The three loops of a process that carries jobs out."""

    ground: Ground
    handlers: Mapping[str, jobs.Handler] = field(default_factory=lambda: HANDLERS)
    preparations: Mapping[str, jobs.Preparation] = field(default_factory=lambda: PREPARATIONS)
    errands: Mapping[str, Errand] = field(default_factory=lambda: ERRANDS)
    poll_seconds: float = 0.1
    sweep_seconds: float = 5.0
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _running: set[asyncio.Task[None]] = field(default_factory=set)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _readers: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(PREPARING_AT_ONCE))
    _arq: ArqWorker | None = None

    async def listen(self) -> None:
        """Let arq trigger jobs. An outage of Redis ends arq's worker, so another is started when it is over."""
        pause = 0.5
        while not self._stopping.is_set():
            began = asyncio.get_running_loop().time()
            self._arq = self._new_arq()
            try:
                await self._arq.async_run()
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("worker_without_redis", extra={"error": type(error).__name__, "pause": pause})
            except Exception:
                log.exception("worker_restarted")
            await asyncio.gather(*self._arq.tasks.values(), return_exceptions=True)
            if asyncio.get_running_loop().time() - began > 60:
                pause = 0.5
            await self._rest(pause)
            pause = min(pause * 2, 8)

    async def sweep(self) -> None:
        """Carry out what is due and was not triggered: delayed jobs, repeats, and what Redis forgot."""
        kept_house_at = 0.0
        while not self._stopping.is_set():
            found = 0
            try:
                found = await self.sweep_once()
                await see_to_left_imports(self.ground)
                await chores.see_to_all(self.ground)
                now = asyncio.get_running_loop().time()
                if now - kept_house_at > HOUSEKEEPING_SECONDS:
                    kept_house_at = now
                    await keep_house(self.ground)
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("sweep_failed", extra={"error": type(error).__name__})
            except Exception:
                log.exception("sweep_failed")
            if found < MOST_AT_A_SWEEP:
                await self._rest(self.sweep_seconds)

    async def count(self) -> None:
        """Count what changed, a second after the last time: a figure is there within two seconds of what it counts."""
        while not self._stopping.is_set():
            for chore in (chores.begin_days, chores.count_figures):
                try:
                    await chore(self.ground)
                except (SQLAlchemyError, OSError, TimeoutError) as error:
                    log.warning("counting_failed", extra={"chore": chore.__name__, "error": type(error).__name__})
                except Exception:
                    log.exception("counting_failed", extra={"chore": chore.__name__})
            await self._rest(COUNTING_SECONDS)

    async def sweep_once(self) -> int:
        """Carry out the jobs that are due now, at most 200; returns how many there were."""
        async with self.ground.db.read() as session:
            due = await jobs.due(session, MOST_AT_A_SWEEP)
        await asyncio.gather(*(self._run(job_id) for job_id in due))
        return len(due)

    async def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Begin nothing more, and wait for what is under way; what takes too long is put back."""
        self._stopping.set()
        if self._arq is not None:
            self._arq.allow_pick_jobs = False
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._arq is not None:
            if self._arq.main_task is not None:
                # It may be about to take one more, which then has nothing to do.
                self._arq.main_task.cancel()
                await asyncio.wait([self._arq.main_task], timeout=LAST_WORDS_SECONDS)
            # arq tells Redis of each job that is over; the connection is closed after this.
            if self._arq.tasks:
                await asyncio.wait(list(self._arq.tasks.values()), timeout=LAST_WORDS_SECONDS)

    async def _run(self, job_id: UUID) -> None:
        async with self._turns:
            if self._stopping.is_set():
                return
            task = asyncio.create_task(
                run(self.ground, job_id, self.handlers, self.preparations, self._readers, self.errands)
            )
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            # Waited for, not awaited: a job that ends cancelled must not cancel the sweeper, or arq's loop.
            await asyncio.wait([task])
            error = None if task.cancelled() else task.exception()
            if error is not None:
                # The job stays leased; once that has run out, the sweeper takes it again.
                log.warning("job_not_settled", extra={"job_id": str(job_id), "error": type(error).__name__})

    def _new_arq(self) -> ArqWorker:
        async def triggered(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> None:
            await self._run(UUID(args[0]))

        return ArqWorker(
            functions=[func(triggered, name=RUN_JOB, keep_result=0, max_tries=1)],
            redis_pool=self.ground.redis,
            queue_name=QUEUE,
            handle_signals=False,
            max_jobs=AT_ONCE * 2,
            job_timeout=LONGEST + timedelta(seconds=60),  # ours comes first; a job may also wait for its turn
            keep_result=0,
            poll_delay=self.poll_seconds,
            retry_jobs=False,
            job_serializer=orjson.dumps,
            job_deserializer=orjson.loads,
            log_results=False,
        )

    async def _rest(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


async def _prepare(
    ground: Ground,
    job: jobs.Job,
    preparations: Mapping[str, jobs.Preparation],
    turn: AbstractAsyncContextManager[object],
) -> dict[str, Any]:
    if job.name not in preparations:
        return {}
    async with turn, ground.db.read() as session:
        return {"prepared": await preparations[job.name](session, job.brand_id, **job.args)}


async def _carry_out(
    ground: Ground, job: jobs.Job, handlers: Mapping[str, jobs.Handler], prepared: Mapping[str, Any]
) -> None:
    handler = handlers[job.name]
    async with unit_of_work(ground, system(job.brand_id)) as work:
        await handler(work, **job.args, **prepared)
        if not await jobs.finish(work.session, job):
            raise LeaseLost


async def _note_done(ground: Ground, job: jobs.Job) -> None:
    async with ground.db.write() as session:
        await jobs.finish(session, job)


async def _put_back(
    ground: Ground, job: jobs.Job, error: str, last_resorts: Mapping[str, LastResort] = LAST_RESORTS
) -> None:
    async with unit_of_work(ground, system(job.brand_id)) as work:
        resort = last_resorts.get(job.name) if job.attempts >= jobs.MOST_ATTEMPTS else None
        if resort is None:
            await jobs.postpone(work.session, job, error)
        elif await jobs.finish(work.session, job):
            await resort(work, error, **job.args)
