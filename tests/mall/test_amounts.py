"""Whatever tills say in whatever order, amounts stay as a book-keeper would have them."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kernel.db import Database
from kernel.errors import Refusal
from kernel.redis import connect
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import Line, OrderNews
from mall.models import COUNTED_STATES, OrderState
from mall.queries import orders, refunds
from server.wiring import wiring
from tests.factories import World, build_world
from tests.mall.trading import order_news, refund_news, till

FURTHER = list(OrderState)


@dataclass
class Booked:
    """An order as the book-keeper has it."""

    news: OrderNews
    order_id: Any
    state: OrderState
    amount: int
    news_minute: int
    version: int = 1
    refunds: dict[str, int] = field(default_factory=dict)

    @property
    def place(self) -> tuple[int, int, int]:
        """Of two news of one minute and state, the one with more on it counts."""
        return (self.news_minute, FURTHER.index(self.state), self.amount)

    @property
    def refunded(self) -> int:
        return sum(self.refunds.values())


class Till(RuleBasedStateMachine):
    """A till that says things twice, late and wrongly, against a book-keeper who writes along."""

    ground: Ground
    world: World
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.book: list[Booked] = []

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def _do(self, command: Any, *arguments: Any, **named: Any) -> Any:
        try:
            async with unit_of_work(self.ground, till(self.world)) as work:
                return await command(work, *arguments, **named)
        except Refusal as refusal:
            return refusal.code

    @initialize(amount=st.integers(0, 50))
    def open_the_shop(self, amount: int) -> None:
        self._place(amount)

    @rule(amount=st.integers(0, 50))
    def place(self, amount: int) -> None:
        self._place(amount)

    def _place(self, amount: int) -> None:
        news = order_news(self.world, amount=amount)
        order = self.run(self._do(commands.record_order, news))
        self.book.append(Booked(news, order.id, OrderState.PAID, amount, 0))

    @rule(
        data=st.data(),
        minute=st.integers(0, 9),
        amount=st.integers(0, 50),
        state=st.sampled_from(OrderState),
        lines_amount=st.integers(0, 50) | st.none(),
    )
    def hear(self, data: Any, minute: int, amount: int, state: OrderState, lines_amount: int | None) -> None:
        self._hear(data.draw(st.sampled_from(self.book)), minute, amount, state, lines_amount)

    @rule(data=st.data(), state=st.sampled_from(OrderState), below=st.integers(-1, 1))
    def hear_newer(self, data: Any, state: OrderState, below: int) -> None:
        booked = data.draw(st.sampled_from(self.book))
        amount = max(booked.refunded - below, 0) if below else booked.amount
        self._hear(booked, booked.news_minute + 1, amount, state, None)

    def _hear(self, booked: Booked, minute: int, amount: int, state: OrderState, lines_amount: int | None) -> None:
        lines = [Line("P", "商品", 1, amount if lines_amount is None else lines_amount)]
        news = replace(
            booked.news,
            amount=amount,
            lines=lines,
            state=state,
            news_at=booked.news.placed_at + timedelta(minutes=minute),
        )
        answer = self.run(self._do(commands.record_order, news))
        if lines_amount not in (None, amount):
            assert answer == "AMOUNTS_DIFFER"
        elif (minute, FURTHER.index(state), amount) <= booked.place:
            assert answer.id == booked.order_id
        elif amount < booked.refunded:
            assert answer == "REFUND_EXCEEDS_ORDER"
        else:
            booked.state, booked.amount, booked.news_minute = state, amount, minute
            booked.version += 1

    @rule(data=st.data(), amount=st.integers(0, 12), number=st.integers(0, 3))
    def give_back(self, data: Any, amount: int, number: int) -> None:
        booked = data.draw(st.sampled_from(self.book))
        name = f"{booked.order_id}-{number}"
        placed_at = booked.news.placed_at + timedelta(minutes=50)
        news = refund_news(self.world, booked.order_id, amount=amount, number=name, placed_at=placed_at)
        answer = self.run(self._do(commands.record_refund, news))
        if amount < 1:
            assert answer == "INVALID"
        elif name in booked.refunds:
            assert answer == "REFUND_DIFFERS" if booked.refunds[name] != amount else answer.amount == amount
        elif booked.state is OrderState.PENDING:
            assert answer == "ORDER_UNPAID"
        elif amount > booked.amount - booked.refunded:
            assert answer == "REFUND_EXCEEDS_ORDER"
        else:
            booked.refunds[name] = amount
            booked.version += 1

    @precondition(lambda self: self.book)
    @invariant()
    def the_books_agree(self) -> None:
        self.run(self._compare())

    async def _compare(self) -> None:
        async with self.ground.db.read() as session:
            ids = [booked.order_id for booked in self.book]
            kept = await orders.by_ids(session, self.world.hq, ids)
            lines = await orders.lines_of(session, self.world.hq, ids)
            given_back = await refunds.of_orders(session, self.world.hq, ids)
        for booked in self.book:
            row = kept[booked.order_id]
            assert (row.state, row.amount, row.version) == (booked.state, booked.amount, booked.version)
            assert sum(line.amount for line in lines[row.id]) == row.amount
            amounts = sorted(refund.amount for refund in given_back.get(row.id, []))
            assert amounts == sorted(booked.refunds.values())
            assert sum(amounts) <= row.amount
            assert {refund.is_void for refund in given_back.get(row.id, [])} <= {row.state not in COUNTED_STATES}


def test_the_database_and_the_book_keeper_agree(database_url: str) -> None:
    loop = asyncio.new_event_loop()
    db = Database(database_url)
    ground = Ground(db, connect(None), wiring)
    Till.ground, Till.loop = ground, loop
    Till.world = loop.run_until_complete(build_world(ground))
    try:
        run_state_machine_as_test(
            Till,
            settings=settings(
                max_examples=12,
                stateful_step_count=25,
                deadline=None,
                derandomize=True,
                phases=[Phase.generate],  # a failure is told at once: shrinking it on a database takes minutes
            ),
        )
    finally:
        loop.run_until_complete(ground.redis.aclose(close_connection_pool=True))
        loop.run_until_complete(db.close())
        loop.close()
