"""A mall calls while the programs die at a point of their work: each order is there in the end, once."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx2
from sqlalchemy import select
from sqlmodel import col

from intake.models import HookMessage, HookMessageState
from mall.models import Order, OrderStep, Refund
from tests.chaos.house import House
from tests.chaos.report import Report
from tests.server.calling import Mall, connect, packed, refunded, said, signed

_ANSWERED = range(200, 300)
_PAUSE = 0.1
_AMOUNT = 19_900
_REFUNDED = 5_000


async def calling(
    house: House, seed: int, *, web: str | None, worker: str | None, orders: int, within: float = 150.0
) -> Report:
    """So many orders, each with a refund, are reported in any order and up to three times each.

    A refund that misses its order by a moment is looked at again after two seconds, and then after four.
    """
    rng = random.Random(seed)
    mall = await connect(house.ground, house.people.world)
    await _be(house, web, worker)
    report = Report(f"calling ({web}, {worker})", seed)
    numbers = [f"{mall.slug[-6:]}-{number}" for number in range(orders)]
    news = [(f"o-{number}", said(number)) for number in numbers]
    news += [(f"r-{number}", refunded(number, _REFUNDED, number=f"R-{number}")) for number in numbers]
    calls = [each for each in news for _ in range(rng.randint(1, 3))]
    rng.shuffle(calls)
    mending = asyncio.create_task(_mend(house, report))
    try:
        async with httpx2.AsyncClient(timeout=5.0) as client:
            places = asyncio.Semaphore(4)
            await asyncio.gather(*(_send(house, client, mall, rng, places, *each) for each in calls))
        report.written, report.acknowledged, report.repeated = len(news), len(news), len(calls) - len(news)
        await _settled(house, mall, len(news), within)
    finally:
        mending.cancel()
        await asyncio.gather(mending, return_exceptions=True)
        await _be(house, None, None)
    await _judge(house, mall, numbers, report)
    return report


async def _be(house: House, web: str | None, worker: str | None) -> None:
    """Start the programs anew, with these points to die at or none."""
    for program in house.programs:
        role = "worker" if program is house.worker else "serve"
        mutant = worker if program is house.worker else web
        await asyncio.to_thread(program.end, signal.SIGKILL)
        program.arguments = [role] if mutant is None else [mutant, role]
    await house.up()


async def _mend(house: House, report: Report) -> None:
    """Start whatever died, for ever."""
    while True:
        for program in house.programs:
            if not program.is_running:
                report.kills += 1
                program.start()
        await asyncio.sleep(_PAUSE)


async def _send(
    house: House,
    client: httpx2.AsyncClient,
    mall: Mall,
    rng: random.Random,
    places: asyncio.Semaphore,
    message_id: str,
    content: Any,
) -> None:
    """As a mall does: again and again, signed anew, until somebody says that it is kept."""
    body = packed(content)
    async with places:
        while True:
            headers = {"Content-Type": "application/json", **signed(mall.secret, body, message_id)}
            try:
                url = rng.choice(house.webs).url
                answer = await client.post(f"{url}{mall.path}", content=body, headers=headers)
                if answer.status_code in _ANSWERED:
                    return
            except httpx2.TransportError:
                pass
            await asyncio.sleep(_PAUSE)


async def _settled(house: House, mall: Mall, count: int, within: float) -> None:
    """Return when all that was kept is applied, or after so long."""
    until = asyncio.get_running_loop().time() + within
    while asyncio.get_running_loop().time() < until:
        states = Counter(each.state for each in await _kept(house, mall))
        if states[HookMessageState.APPLIED] == count:
            return
        await asyncio.sleep(_PAUSE)


async def _judge(house: House, mall: Mall, numbers: Sequence[str], report: Report) -> None:
    for message in await _kept(house, mall):
        if message.state is not HookMessageState.APPLIED:
            report.lost.append(f"{message.message_id} is {message.state}")
    async with house.ground.db.read() as session:
        found = (await session.scalars(select(Order).where(col(Order.number).in_(numbers)))).all()
        ids = [order.id for order in found]
        steps = (await session.scalars(select(OrderStep).where(col(OrderStep.order_id).in_(ids)))).all()
        refunds = (await session.scalars(select(Refund).where(col(Refund.order_id).in_(ids)))).all()
    report.compared = len(found) + len(refunds) + len(steps)
    orders = Counter(order.number for order in found)
    given_back = Counter(refund.number for refund in refunds)
    for number in numbers:
        _expect(report, f"order {number}", orders[number])
        _expect(report, f"refund of {number}", given_back[f"R-{number}"])
    for order in found:
        kinds = Counter(str(step.kind) for step in steps if step.order_id == order.id)
        for kind in ("placed", "paid", "refunded"):
            _expect(report, f"{kind} of {order.number}", kinds[kind])
        if order.amount != _AMOUNT:
            report.broken.append(f"{order.number} comes to {order.amount}")
    report.masked += house.masked()


def _expect(report: Report, what: str, count: int) -> None:
    if count < 1:
        report.lost.append(what)
    if count > 1:
        report.doubled.append(f"{what}: {count} times")


async def _kept(house: House, mall: Mall) -> list[HookMessage]:
    async with house.ground.db.read() as session:
        found = await session.scalars(select(HookMessage).where(col(HookMessage.source_id) == mall.source_id))
        return list(found)
