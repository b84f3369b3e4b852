"""Take orders from tills, malls and files: once each, and never older news over newer."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from kernel import bulk, clock, ids
from kernel.errors import NotFound, require_text
from kernel.work import Work
from mall.commands.amounts import Line, checked_lines, require_amount, require_past
from mall.errors import OrderDiffers, OrderRefunded, RefundExceedsOrder, WrongCurrency
from mall.events import OrderChanged, OrderPlaced
from mall.models import Channel, Credit, CreditReason, Order, OrderLine, OrderState
from mall.policy import require_recorder
from mall.queries import orders, parties, products, refunds


@dataclass(frozen=True, slots=True)
class OrderNews:
    """What a source says of an order at `news_at`; without one, at the moment it was placed.

    The store is named by id or by code, the customer by id or member number; an order without one
    is a guest's. `amount` and the lines are in the currency's minor unit.
    """

    source: str
    number: str
    placed_at: datetime
    amount: int
    currency: str
    lines: Sequence[Line]
    channel: Channel = Channel.POS
    state: OrderState = OrderState.PAID
    store_id: UUID | None = None
    store_code: str | None = None
    customer_id: UUID | None = None
    member_number: str | None = None
    country: str | None = None
    news_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Parties:
    store_id: UUID
    time_zone: str
    customer_id: UUID | None


async def record_order(work: Work, news: OrderNews) -> Order:
    """Take an order, or newer news of one; news that is not newer changes nothing.

    Source and number tell orders apart. The lines add up to the amount, a discount being a service
    line below zero. The guide who held the relationship when the order was placed has the credit, for good.
    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `AMOUNTS_DIFFER`, `WRONG_CURRENCY`, `ORDER_DIFFERS`,
    `ORDER_MOVED_ON`, `ORDER_REFUNDED`, `REFUND_EXCEEDS_ORDER`.
    """
    require_recorder(work.actor)
    news = _checked(news)
    who = await _parties(work, news)
    known = await orders.lock_by_number(work.session, work.actor, news.source, news.number)
    if known is None:
        order = await _compose(work, news, who)
        if await bulk.insert_missing(work.session, Order, [order.model_dump()]):
            await _complete_record(work, news, order)
            return order
        known = await orders.lock_by_number(work.session, work.actor, news.source, news.number)
    if known is None:
        raise NotFound
    return await _hear_again(work, news, who, known)


def _checked(news: OrderNews) -> OrderNews:
    require_amount("amount", news.amount, least=0)
    require_past("placedAt", news.placed_at)
    require_past("newsAt", news.news_at or news.placed_at)
    return replace(
        news,
        source=require_text("source", news.source, longest=32),
        number=require_text("number", news.number, longest=64),
        country=require_text("country", news.country, longest=60) if news.country is not None else None,
        lines=checked_lines(news.lines, news.amount),
    )


async def _parties(work: Work, news: OrderNews) -> _Parties:
    store_id, time_zone, currency = await parties.store(work.session, work.actor, news.store_id, news.store_code)
    if news.currency != currency:
        raise WrongCurrency(currency=currency)
    customer_id = await parties.customer(work.session, work.actor, news.customer_id, news.member_number)
    return _Parties(store_id, time_zone, customer_id)


async def _compose(work: Work, news: OrderNews, who: _Parties) -> Order:
    relationship = None
    if who.customer_id is not None:
        relationship = await parties.lock_relationship(work.session, work.actor, who.customer_id, who.store_id)
    return Order(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        source=news.source,
        number=news.number,
        store_id=who.store_id,
        customer_id=who.customer_id,
        relationship_id=relationship.id if relationship else None,
        serving_account_id=relationship.holder_id if relationship else None,
        state=news.state,
        channel=news.channel,
        country=news.country,
        amount=news.amount,
        currency=news.currency,
        placed_at=news.placed_at,
        day=clock.store_day(news.placed_at, who.time_zone),
        news_at=news.news_at,
        completed_at=_completed_at(news),
    )


def _completed_at(news: OrderNews) -> datetime | None:
    """When an order that is heard of as completed reached the customer: later than it was placed, or nobody knows."""
    is_later = news.state is OrderState.COMPLETED and news.news_at is not None and news.news_at > news.placed_at
    return news.news_at if is_later else None


async def _complete_record(work: Work, news: OrderNews, order: Order) -> None:
    await _put_lines(work, order.id, news.lines)
    await _decide_credit(work, order)
    work.record(
        OrderPlaced(
            order_id=order.id,
            store_id=order.store_id,
            relationship_id=order.relationship_id,
            channel=order.channel.value,
            version=order.version,
        )
    )


async def _decide_credit(work: Work, order: Order) -> None:
    guide = None
    if order.relationship_id is not None:
        guide = await parties.guide_at(work.session, order.brand_id, order.relationship_id, order.placed_at)
    credit = Credit(
        brand_id=order.brand_id,
        order_id=order.id,
        store_id=order.store_id,
        account_id=guide,
        reason=CreditReason.HOLDER if guide else CreditReason.STORE,
        decided_at=max(clock.now(), order.placed_at),
    )
    work.session.add(credit)


async def _hear_again(work: Work, news: OrderNews, who: _Parties, order: Order) -> Order:
    _require_same(news, who, order)
    heard_at = news.news_at or news.placed_at
    if order.knows(heard_at):
        return order
    await _require_room_for_refunds(work, news, order)
    order.hear(news.state, news.amount, heard_at)
    await _put_lines(work, order.id, news.lines)
    work.record(changed(order))
    return order


async def _require_room_for_refunds(work: Work, news: OrderNews, order: Order) -> None:
    refunded = await refunds.total_of(work.session, order.brand_id, order.id)
    if refunded and news.state is OrderState.CANCELLED:
        raise OrderRefunded
    if refunded > news.amount:
        raise RefundExceedsOrder(left=news.amount)


def changed(order: Order) -> OrderChanged:
    """The fact that an order is not as it was."""
    return OrderChanged(
        order_id=order.id,
        store_id=order.store_id,
        relationship_id=order.relationship_id,
        version=order.version,
    )


def _require_same(news: OrderNews, who: _Parties, order: Order) -> None:
    if who.store_id != order.store_id:
        raise OrderDiffers(what="store", what_zh="门店")
    if who.customer_id != order.customer_id:
        raise OrderDiffers(what="customer", what_zh="顾客")
    if news.placed_at != order.placed_at:
        raise OrderDiffers(what="time", what_zh="下单时间")


async def _put_lines(work: Work, order_id: UUID, lines: Sequence[Line]) -> None:
    brand_id = work.actor.brand_id
    await work.session.execute(
        delete(OrderLine).where(col(OrderLine.brand_id) == brand_id, col(OrderLine.order_id) == order_id)
    )
    known = await products.ids_of_codes(work.session, work.actor, [line.product_code for line in lines])
    rows = [
        {
            "brand_id": brand_id,
            "order_id": order_id,
            "line": place,
            "product_id": known.get(line.product_code),
            "product_code": line.product_code,
            "name": line.name,
            "variant": line.variant,
            "kind": line.kind,
            "quantity": line.quantity,
            "amount": line.amount,
        }
        for place, line in enumerate(lines, 1)
    ]
    await bulk.insert_missing(work.session, OrderLine, rows)
