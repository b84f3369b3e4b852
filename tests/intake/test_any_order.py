"""A mall says what it says in any order, often and late: what remains is what it said last, and money adds up."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select
from sqlmodel import col

from customers.models import Customer
from intake.commands import applying
from intake.commands.applying import Applied
from intake.models.adapting import adapt
from intake.models.notices import Notice
from intake.queries import hook_mappings
from kernel import clock
from kernel.actor import system
from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground, unit_of_work
from mall.commands import crediting, voiding
from mall.models import COUNTED_STATES, Credit, Order, OrderLine, OrderState, PurchaseProfile, Refund, RefundCharge
from mall.models.contents import lines_said, weight
from server.wiring import wiring
from tests.factories import World, build_customer, build_world
from tests.intake.malls import COAT, MALLS, PLACED, SCARF, Piece, Returned, Told, sent

BAG = Piece("B-1", "B", "手袋", 88_801)
LATER = PLACED + timedelta(days=60)
SHAPES = ("daogou", "shopify", "woocommerce")
MOST_DELIVERIES = 5
FURTHER = list(OrderState)
PIECES = st.sampled_from(((COAT,), (SCARF,), (COAT, SCARF), (BAG, SCARF), (COAT, SCARF, BAG)))
SECONDS = st.integers(0, 3)


@dataclass
class Message:
    """Something that the mall sent: how often it came, and what became of it last."""

    number: str
    notice: Notice
    deliveries: int = 0
    outcome: Applied | None = None

    @property
    def is_taken(self) -> bool:
        return self.outcome is not None and self.outcome.parked is None


@dataclass
class Mall:
    """An order as it is at the mall, and all that was said of it."""

    shape: str
    told: Told
    messages: list[Message] = field(default_factory=list)


def heavier(notice: Notice) -> tuple[Any, ...]:
    """What is newer: of the same second the state further on, and then, whatever counts, always the same one."""
    order = notice.order
    assert order is not None
    paid_at = order.paid_at or (order.placed_at if order.state in COUNTED_STATES else None)
    said = weight(order.amount, paid_at, order.city, lines_said(order.lines))
    return notice.news_at, FURTHER.index(order.state), said


class Wires(RuleBasedStateMachine):
    """Malls that change their orders, and wires that deliver what they say as they like."""

    ground: Ground
    loop: asyncio.AbstractEventLoop
    worlds = 0
    world: World
    customer: Customer

    def __init__(self) -> None:
        super().__init__()
        self.malls: list[Mall] = []
        self.is_sound = True

    def run(self, work: Any) -> Any:
        with clock.stopped_at(LATER):
            return self.loop.run_until_complete(work)

    @initialize(shape=st.sampled_from(SHAPES), pieces=PIECES, is_paid=st.booleans())
    def open_the_malls(self, shape: str, pieces: tuple[Piece, ...], is_paid: bool) -> None:
        Wires.worlds += 1
        self.world = self.run(build_world(self.ground, f"w{Wires.worlds}"))
        self.customer = self.run(build_customer(self.ground, self.world.shop.guide, member_number="8801"))
        self._place(shape, pieces, is_paid)

    # What happens at the malls -----------------------------------------------------------------------------------

    @precondition(lambda self: len(self.malls) < 3)
    @rule(shape=st.sampled_from(SHAPES), pieces=PIECES, is_paid=st.booleans())
    def place(self, shape: str, pieces: tuple[Piece, ...], is_paid: bool) -> None:
        self._place(shape, pieces, is_paid)

    def _place(self, shape: str, pieces: tuple[Piece, ...], is_paid: bool) -> None:
        told = Told(
            number=str(5_000 + len(self.malls)),
            state="paid" if is_paid else "pending",
            news_at=PLACED,
            paid_at=PLACED if is_paid else None,
            pieces=pieces,
            store=self.world.shop.store.code,
        )
        self.malls.append(Mall(shape, told))
        self._say(self.malls[-1], told)

    @rule(data=st.data(), seconds=SECONDS, act=st.sampled_from(("pay", "pay", "ship", "complete", "cancel", "reopen")))
    def go_on(self, data: Any, seconds: int, act: str) -> None:
        mall = self._any(data)
        at = mall.told.news_at + timedelta(seconds=seconds)
        state = mall.told.state
        if act == "pay" and state == "pending":
            self._say(mall, replace(mall.told, state="paid", paid_at=at, news_at=at))
        elif act == "ship" and state == "paid":
            self._say(mall, replace(mall.told, state="shipped", news_at=at))
        elif act == "complete" and state in ("paid", "shipped"):
            self._say(mall, replace(mall.told, state="completed", completed_at=at, news_at=at))
        elif act == "cancel" and state != "cancelled":
            self._say(mall, replace(mall.told, state="cancelled", news_at=at + timedelta(seconds=1)))
        elif act == "reopen" and state in ("cancelled", "completed") and mall.told.paid_at:
            self._say(mall, replace(mall.told, state="paid", completed_at=None, news_at=at + timedelta(seconds=1)))

    @rule(data=st.data(), seconds=SECONDS, pieces=PIECES, discount=st.integers(0, 5_000))
    def exchange(self, data: Any, seconds: int, pieces: tuple[Piece, ...], discount: int) -> None:
        mall = self._any(data)
        at = mall.told.news_at + timedelta(seconds=seconds)
        changed = replace(mall.told, pieces=pieces, discount=discount, postage=discount % 7, news_at=at)
        if changed.amount >= sum(refund.amount for refund in changed.refunds):
            self._say(mall, changed)

    @rule(data=st.data(), amount=st.integers(2, 60_000))
    def give_back(self, data: Any, amount: int) -> None:
        mall = self._any(data)
        told = mall.told
        at = told.news_at + timedelta(seconds=1)
        if told.state == "pending" or amount > told.amount - sum(refund.amount for refund in told.refunds):
            return
        refund = Returned(f"{told.number}{len(told.refunds)}", amount, at)
        self._say(mall, replace(told, refunds=(*told.refunds, refund), news_at=at))
        if mall.shape == "daogou":
            self._send(mall, _refund_alone(told, refund))

    def _say(self, mall: Mall, told: Told) -> None:
        mall.told = told
        self._send(mall, MALLS[mall.shape](told))

    def _send(self, mall: Mall, payload: dict[str, Any]) -> None:
        notice = adapt(hook_mappings.load(mall.shape), sent(payload), mall.shape, currency="CNY")
        assert notice is not None
        mall.messages.append(Message(mall.told.number, notice))

    def _any(self, data: Any) -> Mall:
        place: int = data.draw(st.integers(0, len(self.malls) - 1))
        return self.malls[place]

    # What the wires do -------------------------------------------------------------------------------------------

    @rule(data=st.data(), times=st.integers(1, 3))
    def deliver(self, data: Any, times: int) -> None:
        waiting = [one for mall in self.malls for one in mall.messages if one.deliveries < MOST_DELIVERIES]
        for _ in range(times):
            self.run(self._deliver(waiting[data.draw(st.integers(0, len(waiting) - 1))] if waiting else None))

    @rule(data=st.data())
    def deliver_the_newest(self, data: Any) -> None:
        self.run(self._deliver(self._any(data).messages[-1]))

    async def _deliver(self, message: Message | None) -> None:
        if message is None:
            return
        message.deliveries += 1
        async with unit_of_work(self.ground, system(self.world.brand.id)) as work:
            outcome = await applying.apply(work, message.notice)
        # What has been taken once is never refused afterwards.
        assert not (message.is_taken and outcome.parked is not None), outcome
        message.outcome = outcome

    def teardown(self) -> None:
        if not self.malls or not self.is_sound:
            return
        late = [one for mall in self.malls for one in reversed(mall.messages) if not one.is_taken]
        for _ in range(2):  # what waited for something is replayed
            for message in late:
                self.run(self._deliver(message))
        assert all(one.is_taken for mall in self.malls for one in mall.messages)
        self.what_remains_is_what_was_said_last()

    # What has to be so -------------------------------------------------------------------------------------------

    @invariant()
    def what_remains_is_what_was_said_last(self) -> None:
        if self.malls:
            self.is_sound = False
            self.run(self._compare())
            self.is_sound = True

    async def _compare(self) -> None:
        kept = await self._kept()
        known = {order.number: order for order in kept.orders}
        for mall in self.malls:
            taken = [one.notice for one in mall.messages if one.is_taken]
            assert (mall.told.number in known) == any(notice.order for notice in taken)
            if mall.told.number in known:
                _require_newest(kept, known[mall.told.number], taken)
        _require_profile(kept)

    async def _kept(self) -> "Kept":
        brand_id = self.world.brand.id
        async with self.ground.db.read() as session:

            async def rows(model: Any) -> list[Any]:
                return list(await session.scalars(select(model).where(col(model.brand_id) == brand_id)))

            return Kept(
                await rows(Order),
                sorted(await rows(OrderLine), key=lambda line: int(line.line)),
                await rows(Credit),
                await rows(Refund),
                await rows(RefundCharge),
                await rows(PurchaseProfile),
            )


@dataclass
class Kept:
    """All that the database has of the brand's orders."""

    orders: list[Order]
    lines: list[OrderLine]
    credits: list[Credit]
    refunds: list[Refund]
    charges: list[RefundCharge]
    profiles: list[PurchaseProfile]


def _refund_alone(told: Told, refund: Returned) -> dict[str, Any]:
    return {
        "type": "refund",
        "timestamp": refund.at.isoformat(),
        "data": {
            "number": refund.number,
            "order_number": told.number,
            "amount": refund.amount,
            "currency": "CNY",
            "refunded_at": refund.at.isoformat(),
        },
    }


def _require_newest(kept: Kept, order: Order, taken: list[Notice]) -> None:
    newest = max((notice for notice in taken if notice.order is not None), key=heavier).order
    assert newest is not None
    counts = order.state in COUNTED_STATES
    paid_at = newest.paid_at or (newest.placed_at if counts else None)
    assert (order.state, order.amount, order.news_at, order.paid_at, order.completed_at) == (
        newest.state,
        newest.amount,
        newest.news_at,
        paid_at,
        newest.completed_at,
    )
    assert order.day == (paid_at or order.placed_at).date()  # six in the morning is the same day in Shanghai
    lines = [line for line in kept.lines if line.order_id == order.id]
    assert lines_said(lines) == lines_said(newest.lines)
    assert sum(line.amount for line in lines) == order.amount
    credited = [part.amount for part in kept.credits if part.order_id == order.id]
    assert bool(credited) or not counts
    assert sum(credited) == order.amount or not credited
    _require_refunds(kept, order, taken, counts, bool(credited))


def _require_refunds(kept: Kept, order: Order, taken: list[Notice], counts: bool, is_credited: bool) -> None:
    expected: dict[str, tuple[int, datetime]] = {}
    for refund in (refund for notice in taken for refund in notice.refunds):
        at = min(refund.placed_at, expected.get(refund.number, (0, refund.placed_at))[1])
        expected[refund.number] = (refund.amount, at)
    refunds = [refund for refund in kept.refunds if refund.order_id == order.id]
    assert {refund.number: (refund.amount, refund.placed_at) for refund in refunds} == expected
    assert sum(refund.amount for refund in refunds) <= order.amount
    assert {refund.is_void for refund in refunds} <= {not counts}
    charged: Counter[UUID] = Counter()
    for charge in kept.charges:
        charged[charge.refund_id] += charge.amount
    assert not is_credited or all(charged[refund.id] == refund.amount for refund in refunds)


def _require_profile(kept: Kept) -> None:
    counted = [order for order in kept.orders if order.state in COUNTED_STATES]
    gross = sum(order.amount for order in counted)
    back = sum(refund.amount for refund in kept.refunds if not refund.is_void)
    said = [(row.orders, row.gross, row.refunds, row.net) for row in kept.profiles]
    assert (said or [(0, 0, 0, 0)]) == [(len(counted), gross, back, gross - back)]


def let_them_run(database_url: str, examples: int) -> None:
    loop = asyncio.new_event_loop()
    db = Database(database_url)
    Wires.ground, Wires.loop = Ground(db, connect(None), wiring), loop
    try:
        run_state_machine_as_test(
            Wires,
            settings=settings(
                max_examples=examples,
                stateful_step_count=25,
                deadline=None,
                derandomize=True,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.generate],  # a failure is told at once: shrinking it on a database takes minutes
            ),
        )
    finally:
        loop.run_until_complete(Wires.ground.redis.aclose(close_connection_pool=True))
        loop.run_until_complete(db.close())
        loop.close()


def test_whatever_the_wires_do_the_newest_remains(database_url: str) -> None:
    let_them_run(database_url, examples=10)


async def _nothing(*_: object) -> None:
    pass


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "mutant", ["arrival wins", "ties as they come", "voids nothing", "credit stays", "half is kept"]
)
def test_wires_that_decide_are_noticed(database_url: str, mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if mutant == "arrival wins":
        monkeypatch.setattr(Order, "knows", lambda *_: False)
        monkeypatch.setattr(Order, "ties_with", lambda *_: False)
    elif mutant == "ties as they come":
        monkeypatch.setattr(Order, "ties_with", lambda *_: False)
    elif mutant == "voids nothing":
        monkeypatch.setattr(voiding, "follow", _nothing)
    elif mutant == "credit stays":
        monkeypatch.setattr(crediting, "share_again", _nothing)
    else:
        monkeypatch.setattr("mall.commands.orders._follow_in_credit", _nothing)

    with pytest.raises(AssertionError):
        let_them_run(database_url, examples=40)
