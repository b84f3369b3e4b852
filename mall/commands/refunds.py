"""Take refunds: never more on an order than was paid for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from kernel import bulk, clock, ids
from kernel.errors import Invalid, NotFound, require_text
from kernel.work import Work
from mall.commands.amounts import Line, checked_lines, require_amount, require_past
from mall.errors import OrderMovedOn, RefundDiffers, RefundExceedsOrder, WrongCurrency
from mall.events import RefundRecorded
from mall.models import Order, OrderState, Refund, RefundLine
from mall.policy import require_recorder
from mall.queries import orders, parties, refunds


@dataclass(frozen=True, slots=True)
class RefundNews:
    """What a source says of money given back: on an order, or else in a store, to a customer if one is known.

    `amount` is positive, in the currency's minor unit. Lines may be left out.
    """

    source: str
    number: str
    placed_at: datetime
    amount: int
    currency: str
    lines: Sequence[Line] = ()
    order_id: UUID | None = None
    store_id: UUID | None = None
    store_code: str | None = None
    customer_id: UUID | None = None
    member_number: str | None = None


async def record_refund(work: Work, news: RefundNews) -> Refund:
    """Take a refund; the same source and number again changes nothing.

    On an order, all refunds together stay within its amount, and whoever has its credit bears them.
    Without an order, whoever held the relationship at the time does.
    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `AMOUNTS_DIFFER`, `WRONG_CURRENCY`, `REFUND_DIFFERS`,
    `REFUND_EXCEEDS_ORDER`, `ORDER_MOVED_ON`.
    """
    require_recorder(work.actor)
    news = _checked(news)
    order = await orders.lock(work.session, work.actor, news.order_id) if news.order_id else None
    known = await refunds.known(work.session, work.actor, news.source, news.number)
    if known is not None:
        return _same(news, known)
    refund = await (_on(work, news, order) if order else _without_order(work, news))
    if not await bulk.insert_missing(work.session, Refund, [refund.model_dump()]):
        known = await refunds.known(work.session, work.actor, news.source, news.number)
        if known is None:
            raise NotFound
        return _same(news, known)
    await bulk.insert_missing(work.session, RefundLine, _line_rows(refund, news.lines))
    work.record(_recorded(refund, order))
    return refund


def _checked(news: RefundNews) -> RefundNews:
    require_amount("amount", news.amount, least=1)
    require_past("placedAt", news.placed_at)
    if news.order_id and (news.store_id or news.store_code or news.customer_id or news.member_number):
        raise Invalid(
            field="orderId",
            reason="says the store and customer already.",
            reason_zh="订单已确定门店和顾客，请勿重复填写。",
        )
    return replace(
        news,
        source=require_text("source", news.source, longest=32),
        number=require_text("number", news.number, longest=64),
        lines=checked_lines(news.lines, news.amount) if news.lines else (),
    )


async def _on(work: Work, news: RefundNews, order: Order) -> Refund:
    if order.state is OrderState.CANCELLED:
        raise OrderMovedOn
    store_id, time_zone, currency = await parties.store(work.session, work.actor, order.store_id, None)
    left = order.amount - await refunds.total_of(work.session, order.brand_id, order.id)
    if news.amount > left:
        raise RefundExceedsOrder(left=left)
    refund = _refund(work, news, store_id, time_zone, currency)
    refund.order_id = order.id
    refund.customer_id = order.customer_id
    refund.relationship_id = order.relationship_id
    refund.charged_account_id = await orders.credited_account(work.session, order.brand_id, order.id)
    order.version += 1
    return refund


async def _without_order(work: Work, news: RefundNews) -> Refund:
    store_id, time_zone, currency = await parties.store(work.session, work.actor, news.store_id, news.store_code)
    refund = _refund(work, news, store_id, time_zone, currency)
    customer_id = await parties.customer(work.session, work.actor, news.customer_id, news.member_number)
    if customer_id is None:
        return refund
    refund.customer_id = customer_id
    relationship = await parties.lock_relationship(work.session, work.actor, customer_id, store_id)
    if relationship is not None:
        refund.relationship_id = relationship.id
        refund.charged_account_id = await parties.guide_at(
            work.session, refund.brand_id, relationship.id, news.placed_at
        )
    return refund


def _refund(work: Work, news: RefundNews, store_id: UUID, time_zone: str, currency: str) -> Refund:
    if news.currency != currency:
        raise WrongCurrency(currency=currency)
    return Refund(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        source=news.source,
        number=news.number,
        store_id=store_id,
        amount=news.amount,
        currency=news.currency,
        placed_at=news.placed_at,
        day=clock.store_day(news.placed_at, time_zone),
    )


def _same(news: RefundNews, known: Refund) -> Refund:
    if known.order_id != news.order_id:
        raise RefundDiffers(what="order", what_zh="订单")
    if known.amount != news.amount:
        raise RefundDiffers(what="amount", what_zh="金额")
    if known.placed_at != news.placed_at:
        raise RefundDiffers(what="time", what_zh="时间")
    return known


def _line_rows(refund: Refund, lines: Sequence[Line]) -> list[dict[str, object]]:
    return [
        {
            "brand_id": refund.brand_id,
            "refund_id": refund.id,
            "line": place,
            "product_code": line.product_code,
            "name": line.name,
            "kind": line.kind,
            "quantity": line.quantity,
            "amount": line.amount,
        }
        for place, line in enumerate(lines, 1)
    ]


def _recorded(refund: Refund, order: Order | None) -> RefundRecorded:
    return RefundRecorded(
        refund_id=refund.id,
        store_id=refund.store_id,
        order_id=refund.order_id,
        order_version=order.version if order else None,
        relationship_id=refund.relationship_id,
        version=refund.version,
    )
