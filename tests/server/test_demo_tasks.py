"""The demo's tasks: every figure in a reason is one that the orders give."""

import re
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import and_, func, select
from sqlmodel import col

from customers.models import Customer
from kernel import clock
from mall.models import Order, OrderState, Refund
from tasks.models import Outcome, Task, TaskKind, TaskState
from tests.server.conftest import AS_OF, Demo

SHANGHAI = "Asia/Shanghai"


async def test_reasons_quote_the_figures_that_the_orders_give(demo: Demo) -> None:
    patterns = {
        r"平时 (\d+) 天来一次，已 (\d+) 天没来；近一年消费 ¥([\d,]+)": _long_away,
        r"(\d+) 月 (\d+) 日生日；近一年来过 (\d+) 次，消费 ¥([\d,]+)": _birthday,
        r"(\d+) 天前第一次来，消费 ¥([\d,]+)": _first_time,
        r"小程序订单 (\d+)，¥([\d,]+)，(\d+) 天前付款，(还没发货|已发货还没签收)": _on_its_way,
    }
    seen: Counter[str] = Counter()
    async with demo.ground.db.read() as session:
        tasks = (
            await session.scalars(
                select(Task).where(col(Task.customer_id).is_not(None), col(Task.campaign_id).is_(None))
            )
        ).all()

    for task in tasks:
        ((pattern, found),) = [(p, m) for p in patterns if (m := re.fullmatch(p, task.reason or ""))]
        quoted = tuple(group.replace(",", "") for group in found.groups())
        assert quoted == await patterns[pattern](demo, task), task.reason
        seen[pattern] += 1
    assert set(seen) == set(patterns)


async def _days(demo: Demo, task: Task) -> list[Any]:
    """The days on which the customer had bought before the task was made, in order."""
    query = (
        select(col(Order.day))
        .where(
            col(Order.brand_id) == task.brand_id,
            col(Order.customer_id) == task.customer_id,
            col(Order.placed_at) < task.created_at,
        )
        .distinct()
        .order_by(col(Order.day))
    )
    return [day for (day,) in await demo.rows(query)]


async def _spent_in_a_year(demo: Demo, task: Task) -> str:
    """Orders of the 365 days before, less what had been given back of them; in whole yuan."""
    day = clock.store_day(task.created_at, SHANGHAI)
    bought = and_(
        col(Order.brand_id) == task.brand_id,
        col(Order.customer_id) == task.customer_id,
        col(Order.placed_at) < task.created_at,
        col(Order.day) > day - timedelta(days=365),
    )
    gross = await demo.one(select(func.sum(col(Order.amount))).where(bought))
    back = await demo.one(
        select(func.sum(col(Refund.amount)))
        .join(Order, col(Order.id) == col(Refund.order_id))
        .where(bought, col(Refund.placed_at) < task.created_at),
    )
    yuan, fen = divmod((gross or 0) - (back or 0), 100)
    assert fen == 0
    return str(yuan)


async def _long_away(demo: Demo, task: Task) -> tuple[str, ...]:
    days = await _days(demo, task)
    gaps = sorted((later - earlier).days for earlier, later in pairwise(days))
    middle = gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]
    away = (clock.store_day(task.created_at, SHANGHAI) - days[-1]).days
    return str((middle + 1) // 2), str(away), await _spent_in_a_year(demo, task)


async def _birthday(demo: Demo, task: Task) -> tuple[str, ...]:
    born = await demo.one(select(col(Customer.birthday)).where(col(Customer.id) == task.customer_id))
    day = clock.store_day(task.created_at, SHANGHAI)
    visits = [visited for visited in await _days(demo, task) if (day - visited).days < 365]
    return str(born.month), str(born.day), str(len(visits)), await _spent_in_a_year(demo, task)


async def _first_time(demo: Demo, task: Task) -> tuple[str, ...]:
    (day,) = await _days(demo, task)
    first = select(func.sum(col(Order.amount))).where(
        col(Order.customer_id) == task.customer_id, col(Order.placed_at) < task.created_at
    )
    return str((clock.store_day(task.created_at, SHANGHAI) - day).days), str(await demo.one(first) // 100)


async def _on_its_way(demo: Demo, task: Task) -> tuple[str, ...]:
    number = (task.reason or "").removeprefix("小程序订单 ").split("，")[0]
    ours = and_(col(Order.brand_id) == task.brand_id, col(Order.customer_id) == task.customer_id)
    (order,) = (await demo.rows(select(Order).where(ours, col(Order.number) == number)))[0]
    days = (clock.store_day(task.created_at, SHANGHAI) - order.day).days
    where = {OrderState.PAID: "还没发货", OrderState.SHIPPED: "已发货还没签收"}[order.state]
    assert order.relationship_id == task.relationship_id
    return order.number, str(order.amount // 100), str(days), where


async def test_there_are_tasks_of_every_state_late_today_and_tomorrow(demo: Demo) -> None:
    async with demo.ground.db.read() as session:
        tasks = (await session.scalars(select(Task))).all()
    today, tomorrow = clock.day_bounds(clock.store_day(AS_OF, SHANGHAI), SHANGHAI)
    pending = [task for task in tasks if task.state is TaskState.PENDING]
    done = [task for task in tasks if task.state is TaskState.DONE]

    assert all(task.created_at <= AS_OF for task in tasks)
    assert sum(task.due_at < today for task in pending) > 10
    assert sum(today <= task.due_at < tomorrow for task in pending) > 10
    assert sum(task.due_at >= tomorrow for task in pending) > 10
    asleep = [task for task in pending if task.snoozed_until]
    assert asleep
    assert all(task.snoozed_until and AS_OF < task.snoozed_until <= task.due_at for task in asleep)
    assert {task.outcome for task in done} >= {Outcome.REACHED, Outcome.NOT_REACHED, Outcome.BOUGHT}
    for task in done:
        assert task.closed_at
        assert task.created_at < task.closed_at <= AS_OF
    # The others are made by the night and the planner.
    assert {task.kind for task in pending} == {
        TaskKind.TODO,
        TaskKind.REVISIT,
        TaskKind.ORDER_FOLLOW_UP,
        TaskKind.CAMPAIGN,
    }
    assert all(0 <= task.priority <= 100 for task in tasks)


async def test_a_task_that_ended_in_a_purchase_has_an_order_at_that_moment(demo: Demo) -> None:
    bought = await demo.rows(
        select(col(Task.id), func.count(col(Order.id)))
        .outerjoin(
            Order, and_(col(Order.customer_id) == col(Task.customer_id), col(Order.placed_at) == col(Task.closed_at))
        )
        .where(col(Task.outcome) == Outcome.BOUGHT)
        .group_by(col(Task.id)),
    )

    assert bought
    assert all(orders == 1 for _, orders in bought)


async def test_nobody_is_to_contact_those_who_do_not_want_it(demo: Demo) -> None:
    silent = select(col(Customer.id)).where(col(Customer.do_not_contact))

    assert len(await demo.rows(silent)) > 10
    assert await demo.one(select(func.count()).where(col(Task.customer_id).in_(silent))) == 0
