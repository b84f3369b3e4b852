"""What is kept of malls has its effect once, waits for a person, or is given up; and is forgotten in time."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from intake.commands import applying, forgetting, hooks, inbox
from intake.errors import HookMessageBusy, HookMessageSettled
from intake.models import HookMessage, HookMessageState, HookRefusal, HookSecret
from intake.models.schemes import Signed
from intake.queries import hook_messages
from intake.queries import hooks as sources
from kernel import clock, jobs
from kernel.actor import system
from kernel.audit import AuditEntry
from kernel.errors import Forbidden, Invalid, NotFound, Refusal
from kernel.work import Ground, unit_of_work
from mall.models import Order, OrderState, Refund
from server import worker
from server.wiring import handlers
from tests.asking import VAULT
from tests.factories import World, build_world
from tests.mall.trading import count
from tests.server.calling import Mall, connect, messages, packed, refunded, said

HANDLERS = handlers(VAULT)


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


@pytest.fixture
async def mall(ground: Ground, world: World) -> Mall:
    return await connect(ground, world)


async def take(ground: Ground, mall: Mall, content: Any, message_id: str | None = None) -> UUID:
    """A message is kept; nobody applies it yet."""
    async with ground.db.read() as session:
        sender = await sources.sender(session, mall.slug, clock.now())
    assert sender is not None
    body = packed(content)
    notice = inbox.read(sender, body)
    known = {each.id for each in await messages(ground, mall)}
    async with unit_of_work(ground, system(sender.brand_id)) as work:
        await inbox.take_in(work, VAULT, sender, Signed(message_id or str(len(known)), body), notice)
    [kept] = [each.id for each in await messages(ground, mall) if each.id not in known]
    return kept


async def run(ground: Ground) -> None:
    """Every job that is due is done, and those that they ask for."""
    async with ground.db.read() as session:
        due = await jobs.due(session)
    for job_id in due:
        await worker.run(ground, job_id, HANDLERS)
    if due:
        await run(ground)


async def hurry(ground: Ground, world: World) -> None:
    """What was to be done later is due now."""
    async with ground.db.write() as session:
        await session.execute(
            update(jobs.Job).where(col(jobs.Job.brand_id) == world.brand.id).values(run_at=clock.now())
        )


async def only(ground: Ground, mall: Mall) -> HookMessage:
    [message] = await messages(ground, mall)
    return message


async def orders(ground: Ground, world: World) -> list[Order]:
    async with ground.db.read() as session:
        return list(await session.scalars(select(Order).where(col(Order.brand_id) == world.brand.id)))


async def test_a_message_becomes_an_order_of_its_source_and_store(ground: Ground, world: World, mall: Mall) -> None:
    await take(ground, mall, said("W-1"))

    await run(ground)

    [order], message = await orders(ground, world), await only(ground, mall)
    assert (order.source, order.number, order.store_id) == (mall.slug.partition(".")[2], "W-1", world.shop.store.id)
    assert (message.state, message.order_id, message.attempts) == (HookMessageState.APPLIED, order.id, 1)
    assert message.applied_at is not None


async def test_a_job_that_runs_twice_applies_once(ground: Ground, world: World, mall: Mall) -> None:
    message_id = await take(ground, mall, said("W-1"))

    for _ in range(2):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await inbox.apply(work, VAULT, message_id)

    assert await count(ground, world.brand.id, Order) == 1
    assert (await only(ground, mall)).attempts == 1


async def test_messages_about_one_order_at_once_leave_the_newest(ground: Ground, world: World, mall: Mall) -> None:
    at = clock.now().replace(microsecond=0)
    for minutes, state in ((3, "completed"), (1, "paid"), (2, "shipped"), (0, "pending")):
        moment = (at - timedelta(minutes=10 - minutes)).isoformat()
        await take(
            ground, mall, said("W-1", placed_at=(at - timedelta(hours=1)).isoformat(), state=state, updated_at=moment)
        )
    async with ground.db.read() as session:
        due = await jobs.due(session)

    await asyncio.gather(*(worker.run(ground, job_id, HANDLERS) for job_id in due))
    await hurry(ground, world)
    await run(ground)

    [order] = await orders(ground, world)
    assert order.state is OrderState.COMPLETED
    assert {each.state for each in await messages(ground, mall)} == {HookMessageState.APPLIED}


async def test_an_unknown_store_is_parked_until_somebody_names_another(
    ground: Ground, world: World, mall: Mall
) -> None:
    await take(ground, mall, said("W-1", store="nowhere"))
    await run(ground)
    parked = await only(ground, mall)
    nothing = await count(ground, world.brand.id, Order)
    store = world.shop.store
    async with ground.db.write() as session:
        await session.execute(update(type(store)).where(col(type(store).id) == store.id).values(code="nowhere"))

    async with unit_of_work(ground, world.hq) as work:
        await inbox.replay(work, [parked.id])
    await run(ground)

    assert (parked.state, parked.code) == (HookMessageState.PARKED, "STORE_UNKNOWN")
    assert parked.facts == {"field": "store", "store": "nowhere"}
    assert nothing == 0
    message = await only(ground, mall)
    assert (message.state, message.code, message.attempts) == (HookMessageState.APPLIED, None, 2)


async def test_a_refund_that_came_first_is_applied_when_its_order_comes(
    ground: Ground, world: World, mall: Mall
) -> None:
    await take(ground, mall, refunded("W-1"))
    await run(ground)
    parked = (await only(ground, mall)).state
    await take(ground, mall, said("W-1"))

    await run(ground)

    assert parked is HookMessageState.PARKED
    assert [each.state for each in await messages(ground, mall)] == [HookMessageState.APPLIED] * 2
    assert await count(ground, world.brand.id, Refund) == 1


async def test_a_refund_that_nobody_calls_back_looks_again_by_itself(ground: Ground, world: World, mall: Mall) -> None:
    """Both are applied at once: the order finds nothing parked yet, and the refund finds no order yet."""
    await take(ground, mall, refunded("W-1"))
    await run(ground)
    async with ground.db.write() as session:  # the order finds it being looked at
        await session.execute(update(HookMessage).values(state=HookMessageState.RECEIVED))
    await take(ground, mall, said("W-1"))
    await run(ground)
    async with ground.db.write() as session:
        await session.execute(
            update(HookMessage).where(col(HookMessage.order_id).is_(None)).values(state=HookMessageState.PARKED)
        )

    await hurry(ground, world)
    await run(ground)

    assert [each.state for each in await messages(ground, mall)] == [HookMessageState.APPLIED] * 2


async def test_a_refund_of_an_order_that_is_being_paid_looks_again_by_itself(
    ground: Ground, world: World, mall: Mall
) -> None:
    """The payment is applied while the refund, which found none, isn't parked yet."""
    pending = said("W-1", state="pending")
    paid = said("W-1", placed_at=pending["data"]["placed_at"])
    await take(ground, mall, pending)
    await take(ground, mall, refunded("W-1"))
    await run(ground)
    parked = [each.code for each in await messages(ground, mall)]
    async with ground.db.write() as session:  # the payment finds it being looked at
        await session.execute(
            update(HookMessage).where(col(HookMessage.code) == "ORDER_UNPAID").values(state=HookMessageState.RECEIVED)
        )
    await take(ground, mall, paid)
    await run(ground)
    async with ground.db.write() as session:
        await session.execute(
            update(HookMessage).where(col(HookMessage.code) == "ORDER_UNPAID").values(state=HookMessageState.PARKED)
        )

    await hurry(ground, world)
    await run(ground)

    assert parked == [None, "ORDER_UNPAID"]
    assert [each.state for each in await messages(ground, mall)] == [HookMessageState.APPLIED] * 3


async def test_a_message_that_fails_every_time_is_given_up_and_may_be_asked_for_again(
    ground: Ground, world: World, mall: Mall, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError

    message_id = await take(ground, mall, said("W-1"))
    with monkeypatch.context() as broken:
        broken.setattr(applying, "apply", fail)
        for attempt in range(jobs.MOST_ATTEMPTS):
            still = (await only(ground, mall)).state
            assert still is HookMessageState.RECEIVED, attempt
            await hurry(ground, world)
            await run_once(ground)
    given_up = await only(ground, mall)
    async with ground.db.read() as session:
        left = await jobs.figures(session, world.brand.id)

    async with unit_of_work(ground, world.hq) as work:
        await inbox.replay(work, [message_id])
    await run(ground)

    assert (given_up.state, given_up.code) == (HookMessageState.GIVEN_UP, "HOOK_GIVEN_UP")
    assert given_up.facts == {"error": "RuntimeError"}
    assert left == []
    assert (await only(ground, mall)).state is HookMessageState.APPLIED


async def run_once(ground: Ground) -> None:
    async with ground.db.read() as session:
        [job_id] = await jobs.due(session)
    await worker.run(ground, job_id, HANDLERS)


async def test_what_comes_while_a_source_is_paused_is_applied_once_it_goes_on(
    ground: Ground, world: World, mall: Mall, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox, "_AT_A_TIME", 2)
    async with unit_of_work(ground, world.hq) as work:
        await hooks.pause_source(work, mall.source_id)
    for number in range(5):
        await take(ground, mall, said(f"W-{number}"))
    await run(ground)
    waiting = {each.state for each in await messages(ground, mall)}

    async with unit_of_work(ground, world.hq) as work:
        await hooks.resume_source(work, mall.source_id)
    await run(ground)

    assert waiting == {HookMessageState.RECEIVED}
    assert {each.state for each in await messages(ground, mall)} == {HookMessageState.APPLIED}
    assert await count(ground, world.brand.id, Order) == 5


async def test_only_what_waits_for_somebody_is_replayed_or_dropped(ground: Ground, world: World, mall: Mall) -> None:
    waiting = await take(ground, mall, said("W-1"))
    with pytest.raises(HookMessageBusy):
        await replay(ground, world.hq, waiting)
    await run(ground)
    for act in (replay, drop):
        with pytest.raises(HookMessageSettled):
            await act(ground, world.hq, waiting)
    parked = await take(ground, mall, said("W-2", store="nowhere"))
    await run(ground)
    for nobody, refusal in (
        (world.east_manager, Forbidden),
        (world.shop.manager, Forbidden),
        (world.shop.guide, Forbidden),
    ):
        for act in (replay, drop, reveal):
            with pytest.raises(refusal):
                await act(ground, nobody, parked)
    stranger = await build_world(ground, "other")
    for act in (replay, drop, reveal):
        with pytest.raises(NotFound):
            await act(ground, stranger.hq, parked)
    with pytest.raises(Invalid):
        await replay(ground, world.hq, *[parked] * 101)

    assert (await messages(ground, mall))[1].state is HookMessageState.PARKED
    await drop(ground, world.hq, parked)

    dropped = (await messages(ground, mall))[1]
    assert (dropped.state, dropped.reason) == (HookMessageState.DROPPED, "a test")


async def replay(ground: Ground, actor: Any, *message_ids: UUID) -> None:
    async with unit_of_work(ground, actor) as work:
        await inbox.replay(work, message_ids)


async def drop(ground: Ground, actor: Any, message_id: UUID) -> None:
    async with unit_of_work(ground, actor) as work:
        await inbox.drop(work, message_id, "a test")


async def reveal(ground: Ground, actor: Any, message_id: UUID) -> None:
    async with unit_of_work(ground, actor) as work:
        await inbox.reveal(work, message_id)


async def test_who_looks_at_a_message_is_written_down(ground: Ground, world: World, mall: Mall) -> None:
    message_id = await take(ground, mall, said("W-1"))

    await reveal(ground, world.hq, message_id)

    async with ground.db.read() as session:
        [line] = await session.scalars(select(AuditEntry).where(col(AuditEntry.action) == "hook_message_revealed"))
    assert (line.actor_id, line.entity_id, line.detail) == (world.hq.id, message_id, {})


async def test_what_is_old_is_forgotten_the_bodies_first(ground: Ground, world: World, mall: Mall) -> None:
    await take(ground, mall, said("W-1"))
    await take(ground, mall, said("W-2", store="nowhere"))
    await run(ground)
    await take(ground, mall, said("W-3"))
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await inbox.note_refusal(work, mall.source_id, Odd(), 401, is_signed=False)
    kept: list[list[bool]] = []

    for days in (29, 31, 179, 181):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            assert not await forgetting.forget(work, clock.now() + timedelta(days=days))
        kept.append([each.body is not None for each in await messages(ground, mall)])

    # Applied, parked, and one that still waits to be applied.
    assert kept == [[True, True, True], [False, True, True], [False, True, True], [True]]
    assert await count(ground, world.brand.id, HookRefusal) == 0
    assert await count(ground, world.brand.id, HookSecret) == 1


class Odd(Refusal):
    code = "WRONG"
    en = zh = "wrong"


async def test_figures_are_those_of_the_hour_the_day_and_now(ground: Ground, world: World, mall: Mall) -> None:
    at = clock.now()
    for number, store in enumerate((None, None, "nowhere")):
        await take(ground, mall, said(f"W-{number}", store=store))
    await run(ground)
    await take(ground, mall, said("W-9"))
    first, second, parked, _ = await messages(ground, mall)
    for message_id, ago in ((first.id, timedelta(hours=2)), (second.id, timedelta(days=2))):
        async with ground.db.write() as session:
            await session.execute(
                update(HookMessage)
                .where(col(HookMessage.id) == message_id)
                .values(received_at=at - ago, applied_at=at - ago, state_at=at - ago)
            )

    async with ground.db.read() as session:
        found = (await hook_messages.figures(session, world.hq, [mall.source_id], at=clock.now()))[mall.source_id]
        nobody = (await hook_messages.figures(session, world.shop.manager, [mall.source_id], at=clock.now()))[
            mall.source_id
        ]

    assert (found.received_in_hour, found.received_in_day, found.applied_in_hour, found.applied_in_day) == (2, 3, 0, 1)
    assert (found.waiting, found.parked, found.given_up, found.parked_since) == (1, 1, 0, parked.state_at)
    assert found.waiting_since is not None
    assert nobody == hook_messages.HookFigures()
