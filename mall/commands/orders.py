"""Take orders from tills, malls and files: once each, and never older news over newer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from kernel import bulk, clock, ids
from kernel.errors import NotFound
from kernel.work import Work
from mall.commands import charging, crediting, naming, steps, voiding
from mall.commands.checking import check_order
from mall.errors import OrderDiffers, RefundExceedsOrder, WrongCurrency
from mall.events import OrderCancelled, OrderChanged, OrderCompleted, OrderPaid, OrderPlaced
from mall.models import Line, Order, OrderLine, OrderNews, OrderState
from mall.models.contents import lines_said, weight
from mall.queries import orders, parties, products, refunds, skus


@dataclass(frozen=True, slots=True)
class _Parties:
    store_id: UUID
    time_zone: str
    customer_id: UUID | None


async def record_order(work: Work, news: OrderNews) -> Order:
    """Take an order, or newer news of one; news that is not newer changes nothing.

    Source and number tell orders apart. The lines add up to the amount, a discount being a service
    line below zero. Newer news is right, whatever state it says; who earned the order is decided when it is paid.
    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `AMOUNTS_DIFFER`, `WRONG_CURRENCY`, `ORDER_DIFFERS`,
    `REFUND_EXCEEDS_ORDER`.
    """
    news = check_order(work.actor, news)
    return await take_order(work, news, await parties.named(work.session, work.actor, news))


async def take_order(work: Work, news: OrderNews, named: parties.Named) -> Order:
    """The same for news that is checked, by whoever has looked already what it names.

    Raises `NOT_FOUND`, `WRONG_CURRENCY`, `ORDER_DIFFERS`, `REFUND_EXCEEDS_ORDER`.
    """
    who = _parties(news, named)
    known = None
    if named.order_id is not None:
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


def _parties(news: OrderNews, named: parties.Named) -> _Parties:
    if named.store_id is None or named.time_zone is None:
        raise NotFound
    if news.currency != named.currency:
        raise WrongCurrency(currency=named.currency)
    if named.customer_id is None and (news.customer_id is not None or news.member_number is not None):
        raise NotFound
    return _Parties(named.store_id, named.time_zone, named.customer_id)


async def _compose(work: Work, news: OrderNews, who: _Parties) -> Order:
    relationship = None
    if who.customer_id is not None:
        relationship = await parties.lock_relationship(work.session, work.actor, who.customer_id, who.store_id)
    order = Order(
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
        city=news.city,
        amount=news.amount,
        currency=news.currency,
        placed_at=news.placed_at,
        day=_day(news, who),
        paid_at=news.paid_at,
        news_at=news.news_at,
        completed_at=_completed_at(news),
    )
    await naming.name(work, order, news)
    return order


def _day(news: OrderNews, who: _Parties) -> date:
    return clock.store_day(news.paid_at or news.placed_at, who.time_zone)


def _completed_at(news: OrderNews) -> datetime | None:
    """When an order that is heard of as completed reached the customer: later than it was placed, or nobody knows."""
    if news.completed_at is not None:
        return news.completed_at
    is_later = news.state is OrderState.COMPLETED and news.news_at is not None and news.news_at > news.placed_at
    return news.news_at if is_later else None


async def _complete_record(work: Work, news: OrderNews, order: Order) -> None:
    await _add_lines(work, order.id, news.lines)
    steps.note_placed(work, order)
    if order.paid_at is not None:
        await _say_paid(work, order)
    if order.completed_at is not None:
        work.record(completed(order))
    work.record(
        OrderPlaced(
            order_id=order.id,
            store_id=order.store_id,
            relationship_id=order.relationship_id,
            customer_id=order.customer_id,
            channel=order.channel.value,
            version=order.version,
        )
    )


async def _say_paid(work: Work, order: Order) -> None:
    await crediting.decide(work, order)
    work.record(
        OrderPaid(
            order_id=order.id,
            store_id=order.store_id,
            relationship_id=order.relationship_id,
            channel=order.channel.value,
        )
    )


async def _hear_again(work: Work, news: OrderNews, who: _Parties, order: Order) -> Order:
    _require_same(news, who, order)
    heard_at = news.news_at or news.placed_at
    if order.knows(heard_at, news.state):
        return order
    known, said = lines_said(await orders.kept_lines(work.session, order)), lines_said(news.lines)
    if order.ties_with(heard_at, news.state) and weight(news.amount, news.paid_at, news.city, said) <= weight(
        order.amount, order.paid_at, order.city, known
    ):
        return order
    await _require_room_for_refunds(work, news, order)
    before, was_on = steps.Before(order.state, order.paid_at, order.amount, known), order.day
    order.hear(news.state, news.amount, heard_at, news.paid_at, news.completed_at)
    order.city = news.city if news.city is not None else order.city
    order.day = _day(news, who)
    await _replace_lines(work, order.id, news.lines)
    await voiding.follow(work, order)
    steps.note_heard(work, order, before, said)
    await _follow_in_credit(work, news, order)
    if order.state is OrderState.COMPLETED is not before.state:
        work.record(completed(order))
    if order.state is OrderState.CANCELLED is not before.state:
        work.record(cancelled(order))
    work.record(changed(order, was_on))
    return order


async def _follow_in_credit(work: Work, news: OrderNews, order: Order) -> None:
    """Who has the credit keeps it; as long as nobody has, newer news may say how the order came about."""
    if credits := await crediting.credits_of(work, order):
        crediting.share_again(order, credits)
        crediting.tell_elsewhere(work, order, credits)
        return
    if order.share_id is None and order.named_account_id is None:
        await naming.name(work, order, news)
    if order.paid_at is not None:
        await _say_paid(work, order)
        for refund in await refunds.kept_of(work.session, order):
            await charging.charge(work, refund)


async def _require_room_for_refunds(work: Work, news: OrderNews, order: Order) -> None:
    if news.state is OrderState.CANCELLED:  # what was given back is void then, and some malls say 0
        return
    refunded = await refunds.total_of(work.session, order.brand_id, order.id)
    if refunded > news.amount:
        raise RefundExceedsOrder(left=news.amount)


def changed(order: Order, was_on: date | None = None) -> OrderChanged:
    """The fact that an order is not as it was; `was_on` is the day it counted on, where that may be another one."""
    return OrderChanged(
        order_id=order.id,
        store_id=order.store_id,
        relationship_id=order.relationship_id,
        customer_id=order.customer_id,
        version=order.version,
        was_on=was_on,
    )


def cancelled(order: Order) -> OrderCancelled:
    """The fact that an order was taken back as a whole."""
    return OrderCancelled(order_id=order.id, store_id=order.store_id, relationship_id=order.relationship_id)


def completed(order: Order) -> OrderCompleted:
    """The fact that an order has reached the customer."""
    return OrderCompleted(
        order_id=order.id,
        store_id=order.store_id,
        relationship_id=order.relationship_id,
        channel=order.channel.value,
    )


def _require_same(news: OrderNews, who: _Parties, order: Order) -> None:
    if who.store_id != order.store_id:
        raise OrderDiffers(what="store", what_zh="门店")
    if who.customer_id != order.customer_id:
        raise OrderDiffers(what="customer", what_zh="顾客")
    if news.placed_at != order.placed_at:
        raise OrderDiffers(what="time", what_zh="下单时间")


async def _replace_lines(work: Work, order_id: UUID, lines: Sequence[Line]) -> None:
    await work.session.execute(
        delete(OrderLine).where(col(OrderLine.brand_id) == work.actor.brand_id, col(OrderLine.order_id) == order_id)
    )
    await _add_lines(work, order_id, lines)


async def _add_lines(work: Work, order_id: UUID, lines: Sequence[Line]) -> None:
    brand_id = work.actor.brand_id
    known = await products.ids_of_codes(work.session, work.actor, [line.product_code for line in lines])
    # The SKU says more exactly what was sold: where the two disagree, its product is the line's.
    wares = await skus.places_of_codes(work.session, work.actor, [line.sku_code for line in lines if line.sku_code])
    rows = [
        {
            "brand_id": brand_id,
            "order_id": order_id,
            "line": place,
            "product_id": sku.product_id if sku else known.get(line.product_code),
            "sku_id": sku.id if sku else None,
            "product_code": line.product_code,
            "sku_code": line.sku_code,
            "name": line.name,
            "variant": line.variant,
            "kind": line.kind,
            "quantity": line.quantity,
            "amount": line.amount,
        }
        for place, line in enumerate(lines, 1)
        for sku in (wares.get(line.sku_code or ""),)
    ]
    await bulk.insert_missing(work.session, OrderLine, rows)
