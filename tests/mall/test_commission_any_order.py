"""Whatever happens to orders in whatever turn, closes in between: at every step the ledger says what it should."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from kernel import clock
from kernel.errors import Refusal
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import Line, RefundNews, Wanted, commission
from mall.commands.commission import posting
from mall.models import COUNTED_STATES, CommissionEntry, LineKind, Order, OrderState, Refund
from mall.models.commissioning import Rate
from mall.queries.commission import verifying
from tests.factories import World, build_customer, build_world
from tests.mall.commissions import GUIDE, MANAGER, NOON, product, running, work_off
from tests.mall.trading import order_news, till

STEPS = 30
RATES = [Rate(GUIDE, None, 333), Rate(GUIDE, "鞋履", 777), Rate(MANAGER, None, 101)]
NUMBERS = ("W-0", "W-1", "W-2")
CODES = ("P0", "S1", "P2")


@dataclass
class Life:
    """A shop whose orders get all sorts of news, at a time that goes on."""

    ground: Ground
    world: World
    customers: Sequence[Customer]
    chance: random.Random
    now: datetime = NOON
    placed: dict[str, datetime] = field(default_factory=dict)

    async def step(self) -> None:
        self.now += timedelta(hours=self.chance.choice((1, 5, 30, 200)))
        happens = self.chance.choice((*[self.news] * 3, *[self.refund] * 3, self.correct, self.close, self.cancel))
        with clock.stopped_at(self.now):
            try:
                await happens(self.chance.choice(NUMBERS))
            except Refusal:
                return  # and nothing has changed, as is looked at next

    async def news(self, number: str) -> None:
        lines = [Line(self.chance.choice(CODES), "衣物", 1, self.chance.choice((0, 1, 999, 10_001))) for _ in range(3)]
        discount = self.chance.randint(0, sum(line.amount for line in lines))
        lines.append(Line("DC", "满减", 1, -discount, LineKind.SERVICE))
        placed_at, state = self.placed.setdefault(number, self.now), self.chance.choice(list(OrderState))
        news = order_news(
            self.world,
            self.customers[NUMBERS.index(number) % 2],
            amount=sum(line.amount for line in lines),
            source="mall",
            number=number,
            placed_at=placed_at,
            news_at=max(placed_at, self.now - timedelta(hours=self.chance.choice((0, 0, 24)))),
            lines=lines,
            state=state,
            paid_at=None if state is OrderState.PENDING else placed_at,
        )
        async with unit_of_work(self.ground, till(self.world)) as work:
            await commands.record_order(work, news)

    async def refund(self, number: str) -> None:
        order = await self.order(number)
        amount = self.chance.choice((1, order.amount // 2, order.amount))
        lines = [Line(self.chance.choice(CODES), "衣物", 1, amount)] if self.chance.random() < 0.5 else []
        news = RefundNews("mall", f"R{self.chance.randrange(20)}", self.now, amount, "CNY", lines, order_number=number)
        async with unit_of_work(self.ground, till(self.world)) as work:
            await commands.record_refund(work, news)

    async def correct(self, number: str) -> None:
        order, points = await self.order(number), self.chance.randint(1, 9_999)
        first, second = (guide.account_ids[0] for guide in self.world.shop.guides)
        parts = [Wanted(first, points), Wanted(self.chance.choice((None, second)), 10_000 - points)]
        async with unit_of_work(self.ground, self.world.shop.manager) as work:
            await commands.correct_credit(work, order.id, parts, reason="同事接待的")

    async def close(self, _number: str) -> None:
        async with unit_of_work(self.ground, self.world.hq) as work:
            await commission.close_period(work, self.now.date() - timedelta(days=31))
        await work_off(self.ground)

    async def cancel(self, number: str) -> None:
        order = await self.order(number)
        async with unit_of_work(self.ground, self.world.shop.manager) as work:
            await commands.cancel_order(work, order.id)

    async def order(self, number: str) -> Order:
        if number not in self.placed:
            await self.news(number)
        async with self.ground.db.read() as session:
            found = await session.scalars(
                select(Order).where(col(Order.brand_id) == self.world.brand.id, col(Order.number) == number)
            )
            return found.one()

    async def require_right(self) -> None:
        """The ledger is what everything comes to that is known; what is closed is as it was; and who lost all has 0."""
        brand_id = self.world.brand.id
        assert [line async for line in verifying.differences(self.ground.db.read, brand_id)] == []
        async with self.ground.db.read() as session:
            orders = (await session.scalars(select(Order).where(col(Order.brand_id) == brand_id))).all()
            refunds = (await session.scalars(select(Refund).where(col(Refund.brand_id) == brand_id))).all()
            entries = (
                await session.scalars(select(CommissionEntry).where(col(CommissionEntry.brand_id) == brand_id))
            ).all()
        for order in orders:
            earned = sum(entry.amount for entry in entries if entry.order_id == order.id)
            given_back = sum(refund.amount for refund in refunds if refund.order_id == order.id)
            assert 0 <= earned <= order.amount
            assert given_back <= order.amount or order.state is OrderState.CANCELLED
            if order.state not in COUNTED_STATES or given_back == order.amount:
                assert earned == 0


async def begin(ground: Ground, seed: int) -> Life:
    world = await build_world(ground)
    await product(ground, world, "S1", "鞋履")
    customers = [await build_customer(ground, guide) for guide in world.shop.guides]
    with clock.stopped_at(NOON):
        await running(ground, world, RATES)
    return Life(ground, world, customers, random.Random(seed))


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_ledger_is_right_whatever_happens_in_whatever_turn(ground: Ground, seed: int) -> None:
    life = await begin(ground, seed)

    for _ in range(STEPS):
        await life.step()
        await life.require_right()


async def test_a_ledger_that_forgets_corrections_would_be_noticed(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: what was posted once for an order stays as it is."""
    usual = posting._entries
    monkeypatch.setattr(posting, "_entries", lambda work, case, *more: () if case.posted else usual(work, case, *more))
    life = await begin(ground, 1)

    with pytest.raises(AssertionError):
        for _ in range(STEPS):
            await life.step()
            await life.require_right()
