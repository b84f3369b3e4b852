"""Take refunds: never more on an order than was paid for it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from kernel import bulk, clock, ids
from kernel.errors import Invalid, NotFound, optional_text, require_text
from kernel.work import Work
from mall.commands import charging, crediting, steps
from mall.commands.amounts import checked_lines, require_amount, require_past
from mall.errors import OrderUnpaid, RefundDiffers, RefundExceedsOrder, WrongCurrency
from mall.events import RefundRecorded
from mall.models import Line, Order, OrderState, OrderStepKind, Refund, RefundLine, RefundNews
from mall.policy import require_recorder
from mall.queries import orders, parties, refunds


async def record_refund(work: Work, news: RefundNews) -> Refund:
    """Take a refund; the same source and number again changes nothing.

    On an order, all refunds together stay within its amount, and whoever has its credit bears them. What is given back
    of an order that is cancelled is void: neither counts. Without an order, whoever held the relationship at the time
    bears it.
    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `AMOUNTS_DIFFER`, `WRONG_CURRENCY`, `REFUND_DIFFERS`,
    `REFUND_EXCEEDS_ORDER`, `ORDER_UNPAID`.
    """
    require_recorder(work.actor)
    news = _checked(news)
    order = await _order(work, news)
    known = await refunds.known(work.session, work.actor, news.source, news.number)
    if known is not None:
        return await _same(work, news, order, known)
    refund = await (_on(work, news, order) if order else _without_order(work, news))
    if not await bulk.insert_missing(work.session, Refund, [refund.model_dump()]):
        known = await refunds.known(work.session, work.actor, news.source, news.number)
        if known is None:
            raise NotFound
        return await _same(work, news, order, known)
    lines = await _as_sold(work, order, news.lines)
    await bulk.insert_missing(work.session, RefundLine, _line_rows(refund, lines))
    await charging.charge(work, refund)
    if order is not None:
        steps.note(work, order.id, OrderStepKind.REFUNDED, refund.placed_at, amount=refund.amount)
        crediting.tell_elsewhere(work, order, await crediting.credits_of(work, order))
    work.record(_recorded(refund, order))
    return refund


async def _order(work: Work, news: RefundNews) -> Order | None:
    if news.order_id is not None:
        return await orders.lock(work.session, work.actor, news.order_id)
    if news.order_number is None:
        return None
    found = await orders.lock_by_number(work.session, work.actor, news.source, news.order_number)
    if found is None:
        raise NotFound
    return found


def _checked(news: RefundNews) -> RefundNews:
    require_amount("amount", news.amount, least=1)
    require_past("placedAt", news.placed_at)
    if news.order_id and news.order_number:
        raise Invalid(field="order", reason="give its id or its number.", reason_zh="订单 id 与订单号只需给一个。")
    if (news.order_id or news.order_number) and (
        news.store_id or news.store_code or news.customer_id or news.member_number
    ):
        raise Invalid(
            field="orderId",
            reason="says the store and customer already.",
            reason_zh="订单已确定门店和顾客，请勿重复填写。",
        )
    return replace(
        news,
        source=require_text("source", news.source, longest=32),
        number=require_text("number", news.number, longest=64),
        order_number=optional_text("orderNumber", news.order_number, longest=64),
        lines=checked_lines(news.lines, news.amount) if news.lines else (),
    )


async def _on(work: Work, news: RefundNews, order: Order) -> Refund:
    if order.state is OrderState.PENDING:
        raise OrderUnpaid
    store_id, time_zone, currency = await parties.store(work.session, work.actor, order.store_id, None)
    left = order.amount - await refunds.total_of(work.session, order.brand_id, order.id)
    if news.amount > left:
        raise RefundExceedsOrder(left=left)
    refund = _refund(work, news, store_id, time_zone, currency)
    refund.order_id = order.id
    refund.customer_id = order.customer_id
    refund.relationship_id = order.relationship_id
    refund.is_void = order.state is OrderState.CANCELLED
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
    refund.relationship_id = relationship.id if relationship is not None else None
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


async def _same(work: Work, news: RefundNews, order: Order | None, known: Refund) -> Refund:
    if known.order_id != (order.id if order is not None else None):
        raise RefundDiffers(what="order", what_zh="订单")
    if known.amount != news.amount:
        raise RefundDiffers(what="amount", what_zh="金额")
    if news.is_dated and known.placed_at != news.placed_at:
        raise RefundDiffers(what="time", what_zh="时间")
    if news.placed_at < known.placed_at:
        await _date_back(work, news.placed_at, order, known)
    return known


async def _date_back(work: Work, placed_at: datetime, order: Order | None, refund: Refund) -> None:
    """What the source doesn't date was given back when it was heard of first, by the source's own clock."""
    _, time_zone, _ = await parties.store(work.session, work.actor, refund.store_id, None)
    was_on = refund.day
    refund.placed_at = placed_at
    refund.day = clock.store_day(placed_at, time_zone)
    refund.version += 1
    if order is not None:
        order.version += 1
    await charging.charge(work, refund)
    work.record(_recorded(refund, order, was_on))


async def _as_sold(work: Work, order: Order | None, lines: Sequence[Line]) -> Sequence[Line]:
    """The lines by the product codes that the order has for their SKUs: what was given back is what was sold."""
    if order is None or not any(line.sku_code for line in lines):
        return lines
    sold = {row.sku_code: row.product_code for row in await orders.kept_lines(work.session, order) if row.sku_code}
    return [replace(line, product_code=sold.get(line.sku_code, line.product_code)) for line in lines]


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


def _recorded(refund: Refund, order: Order | None, was_on: date | None = None) -> RefundRecorded:
    return RefundRecorded(
        refund_id=refund.id,
        store_id=refund.store_id,
        order_id=refund.order_id,
        order_version=order.version if order else None,
        relationship_id=refund.relationship_id,
        customer_id=refund.customer_id,
        version=refund.version,
        was_on=was_on,
    )
