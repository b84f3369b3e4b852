"""An order of the mini-mall that nobody turns to becomes a task while the customer still thinks of it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from customers.models import Customer
from kernel import clock, jobs
from kernel.actor import system
from kernel.errors import Forbidden, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from mall import commands as mall
from mall.models import Channel, MallSetting, Order, OrderState, OrderStep, OrderStepKind
from server.wiring import HANDLERS
from tasks import commands as tasks
from tasks.commands.answering import ASK_FOR_ANSWER
from tasks.models import Task, TaskKind, TaskState
from tasks.queries import answers
from tasks.reactions import CLOSE_ANSWERED, CLOSE_MOOT
from tests.factories import World, build_customer, build_task, build_world, reload, said, save
from tests.mall.trading import place

NOON = datetime(2026, 5, 31, 4, 0, tzinfo=UTC)  # noon in Shanghai
NIGHT = datetime(2026, 5, 31, 15, 0, tzinfo=UTC)  # eleven in the evening there
MORNING = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)  # nine, when the quiet ends


async def named(ground: Ground, world: World, name: str) -> list[jobs.Job]:
    async with ground.db.read() as session:
        found = await session.scalars(select(jobs.Job).where(col(jobs.Job.brand_id) == world.brand.id))
        return [job for job in found if job.name == name]


async def carry_out(ground: Ground, world: World, job: jobs.Job) -> None:
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await HANDLERS[job.name](work, **job.args)


async def ordered(ground: Ground, world: World, customer: Customer | None, **values: Any) -> Order:
    """An order in the mini-mall, paid this moment."""
    usual: dict[str, Any] = {"channel": Channel.MINI_MALL, "placed_at": clock.now(), "amount": 39_900}
    return await place(ground, world, customer, **usual | values)


async def rings(ground: Ground, world: World) -> list[jobs.Job]:
    """The delayed jobs."""
    return await named(ground, world, ASK_FOR_ANSWER)


async def made(ground: Ground, world: World) -> list[Task]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(Task).where(col(Task.brand_id) == world.brand.id, col(Task.kind) == TaskKind.ORDER_FOLLOW_UP)
        )
        return list(found)


async def test_half_an_hour_after_the_payment_the_holder_is_asked_to_turn_to_it(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(NOON):
        order = await ordered(ground, world, customer)
        [job] = await rings(ground, world)
    assert job.run_at == NOON + timedelta(minutes=30)

    late = NOON + timedelta(minutes=32)
    with clock.stopped_at(late):
        await carry_out(ground, world, job)

    [task] = await made(ground, world)
    assert (task.reason, task.priority, task.state) == ("32 分钟前下单 ¥399，还没有人回应", 90, TaskState.PENDING)
    assert (task.account_id, task.customer_id) == (world.shop.guide.account_ids[0], customer.id)
    assert (task.due_at, task.alert_at) == (late + timedelta(minutes=30), late)
    assert task.source_key == f"unanswered:{order.id}"
    assert ("put", "task", task.id) in await said(ground, world.shop.guide.id)


async def test_in_the_quiet_hours_it_is_looked_at_again_when_they_end(ground: Ground) -> None:
    world = await build_world(ground)
    with clock.stopped_at(NIGHT):
        await ordered(ground, world, await build_customer(ground, world.shop.guide))
        [job] = await rings(ground, world)
    with clock.stopped_at(job.run_at):
        await carry_out(ground, world, job)
    assert await made(ground, world) == []
    [again] = [each for each in await rings(ground, world) if each.id != job.id]
    assert again.run_at == MORNING

    with clock.stopped_at(MORNING):
        await carry_out(ground, world, again)
    assert [task.reason for task in await made(ground, world)] == ["10 小时前下单 ¥399，还没有人回应"]


async def test_the_brand_says_how_long_or_that_nobody_is_reminded(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    setting = MallSetting(brand_id=world.brand.id, answer_minutes=5)
    await save(ground, setting)
    with clock.stopped_at(NOON):
        await ordered(ground, world, customer)
        [job] = await rings(ground, world)
    assert job.run_at == NOON + timedelta(minutes=5)

    async with ground.db.write() as session:
        (await session.merge(setting)).answer_minutes = 0
    with clock.stopped_at(NOON):
        await ordered(ground, world, customer)
        assert len(await rings(ground, world)) == 1


async def test_tills_guests_and_what_is_heard_of_days_later_remind_nobody(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(NOON):
        await ordered(ground, world, customer, channel=Channel.POS)
        await ordered(ground, world, None)
        assert await rings(ground, world) == []

        await ordered(ground, world, customer, placed_at=NOON - timedelta(days=2))
        for job in await rings(ground, world):
            await carry_out(ground, world, job)
    assert await made(ground, world) == []


async def answer(ground: Ground, world: World, _customer: Customer, order: Order) -> None:
    async with unit_of_work(ground, world.shop.guide) as work:
        await mall.answer_order(work, order.id)


async def note(ground: Ground, world: World, customer: Customer, _order: Order | None = None) -> None:
    async with unit_of_work(ground, world.shop.guide) as work:
        await customers.add_note(work, customer.id, body="已回电")


async def visit(ground: Ground, world: World, customer: Customer, _order: Order | None = None) -> None:
    async with unit_of_work(ground, world.shop.guide) as work:
        await customers.note_visit(work, customer.id)


async def call(ground: Ground, world: World, customer: Customer, _order: Order | None = None) -> None:
    task = await build_task(ground, world.shop.guide, customer)
    async with unit_of_work(ground, world.shop.guide) as work:
        await tasks.complete(work, task.id)


async def cancel(ground: Ground, world: World, _customer: Customer, order: Order) -> None:
    async with unit_of_work(ground, world.shop.manager) as work:
        await mall.cancel_order(work, order.id)


async def leave_alone(ground: Ground, world: World, customer: Customer, _order: Order | None = None) -> None:
    async with unit_of_work(ground, world.shop.guide) as work:
        await customers.set_consent(work, customer.id, do_not_contact=True)


@pytest.mark.parametrize("deed", [answer, note, visit, call, cancel, leave_alone])
async def test_nobody_is_reminded_of_what_is_answered_or_need_not_be(ground: Ground, deed: Any) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(NOON):
        order = await ordered(ground, world, customer)
        [job] = await rings(ground, world)
    with clock.stopped_at(NOON + timedelta(minutes=10)):
        await deed(ground, world, customer, order)

    with clock.stopped_at(NOON + timedelta(minutes=30)):
        await carry_out(ground, world, job)

    assert await made(ground, world) == []


async def test_what_was_done_before_the_order_and_what_the_order_settled_itself_are_no_answer(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    open_task = await build_task(ground, world.shop.guide, customer)
    with clock.stopped_at(NOON - timedelta(minutes=1)):
        await note(ground, world, customer)
        await call(ground, world, customer)
    with clock.stopped_at(NOON):
        order = await ordered(ground, world, customer)
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await HANDLERS["tasks.settle_by_order"](work, order_id=str(order.id))
        [job] = await rings(ground, world)
    assert (await reload(ground, open_task)).closed_by_order_id == order.id

    with clock.stopped_at(NOON + timedelta(minutes=30)):
        await carry_out(ground, world, job)

    assert len(await made(ground, world)) == 1


async def test_twice_and_at_the_same_time_make_one_task_which_an_answer_closes(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(NOON):
        order = await ordered(ground, world, customer)
        [job] = await rings(ground, world)

        await asyncio.gather(*(carry_out(ground, world, job) for _ in range(3)))
        await answer(ground, world, customer, order)
        [closing] = await named(ground, world, CLOSE_ANSWERED)
        await carry_out(ground, world, closing)
        await carry_out(ground, world, closing)
        await carry_out(ground, world, job)

        [task] = await made(ground, world)
        assert (task.state, task.closed_by_id) == (TaskState.DONE, None)


async def test_who_answered_first_stays_and_a_second_answer_changes_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    order = await ordered(ground, world, await build_customer(ground, world.shop.guide))
    for who in (world.shop.guide, world.shop.manager, world.shop.guide):
        async with unit_of_work(ground, who) as work:
            await mall.answer_order(work, order.id, expected_version=1)

    kept = await reload(ground, order)
    assert (kept.answered_by_id, kept.version) == (world.shop.guide.id, 2)
    assert (await said(ground, world.shop.guide.id)).count(("put", "order", order.id)) == 2
    async with ground.db.read() as session:
        found = await session.scalars(select(OrderStep).where(col(OrderStep.brand_id) == world.brand.id))
        assert [step.staff_id for step in found if step.kind is OrderStepKind.ANSWERED] == [world.shop.guide.id]


async def test_strangers_and_those_above_answer_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    order = await ordered(ground, world, await build_customer(ground, world.shop.guide))

    for who, refusal in (
        (world.shop.other_guide, NotFound),
        (world.shops[1].manager, NotFound),
        (world.hq, Forbidden),
        (world.east_manager, Forbidden),
        (system(world.brand.id), Forbidden),
    ):
        with pytest.raises(refusal):
            async with unit_of_work(ground, who) as work:
                await mall.answer_order(work, order.id)
    with pytest.raises(StaleVersion):
        async with unit_of_work(ground, world.shop.guide) as work:
            await mall.answer_order(work, order.id, expected_version=9)

    assert (await reload(ground, order)).answered_at is None


async def test_a_timer_that_looks_at_nothing_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: whoever wrote a note after the order is asked all the same."""
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(NOON):
        await ordered(ground, world, customer)
        [job] = await rings(ground, world)
        await note(ground, world, customer)

        async def never(*_given: Any) -> bool:
            return False

        monkeypatch.setattr(answers, "_in_touch", never)
        await carry_out(ground, world, job)

        assert len(await made(ground, world)) == 1


@pytest.mark.parametrize("by", ["manager", "mall"])
async def test_an_order_that_is_cancelled_is_waited_for_no_longer(ground: Ground, by: str) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(NOON):
        order = await ordered(ground, world, customer, number="M-1")
        [job] = await rings(ground, world)
    with clock.stopped_at(NOON + timedelta(minutes=32)):
        await carry_out(ground, world, job)
        if by == "manager":
            async with unit_of_work(ground, world.shop.manager) as work:
                await mall.cancel_order(work, order.id)
        else:
            again = {"placed_at": NOON, "number": "M-1", "news_at": clock.now(), "state": OrderState.CANCELLED}
            await ordered(ground, world, customer, **again)
        [closing] = await named(ground, world, CLOSE_MOOT)
        await carry_out(ground, world, closing)
        await carry_out(ground, world, closing)

    [task] = await made(ground, world)
    assert (task.state, task.closed_by_id, task.outcome_remark) == (TaskState.CANCELLED, None, "订单已取消。")
