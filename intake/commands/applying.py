"""Do what a mall's message says: all of it, or nothing that is left for a person."""

from dataclasses import dataclass, replace
from uuid import UUID

from intake.errors import MemberUnknown, OrderNotHere, SkuUnknown, StoreUnknown
from intake.models.notices import Notice, Unknown
from kernel.errors import NotFound, Refusal
from kernel.work import Work
from mall import commands
from mall.errors import OrderUnpaid
from mall.models import COUNTED_STATES, Line, LineKind, Order, OrderNews, OrderState, RefundNews
from mall.queries import orders, parties, sku_codes

_NAMED = 5


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of a notice: the order that it was about, or why it has to wait, with nothing changed.

    `waits_for_order`: it came before its order, or before that was paid, and can be applied as soon as it is.
    """

    order_id: UUID | None
    parked: Refusal | None = None
    waits_for_order: bool = False


async def apply(work: Work, notice: Notice) -> Applied:
    """Take the order and its refunds; what a person has to mend first is parked, and then nothing is changed or said.

    Older news changes nothing, nor does the same again.
    """
    events, requests = len(work.events), len(work.requests)
    try:
        async with work.session.begin_nested():
            return Applied(await _apply(work, notice))
    except Refusal as refusal:
        del work.events[events:]
        del work.requests[requests:]
        return Applied(None, refusal, isinstance(refusal, OrderNotHere | OrderUnpaid))


async def _apply(work: Work, notice: Notice) -> UUID | None:
    order_id = None
    if notice.order is not None:
        news = await _placed_here(work, notice, notice.order)
        order_id = (await commands.record_order(work, news)).id
    elif notice.state is not None:
        order_id = (await _move(work, notice, notice.state)).id
    for refund in notice.refunds:
        order_id = await _give_back(work, refund) or order_id
    return order_id


async def _placed_here(work: Work, notice: Notice, news: OrderNews) -> OrderNews:
    """The news, of a store, customer and goods that the brand knows."""
    try:
        await parties.store(work.session, work.actor, news.store_id, news.store_code or "")
    except NotFound as unknown:
        raise StoreUnknown(store=news.store_code or "?") from unknown
    if notice.unknown_sku is Unknown.PARK:
        await _require_skus(work, news)
    return await _bought_by(work, notice, news)


async def _bought_by(work: Work, notice: Notice, news: OrderNews) -> OrderNews:
    """The news, as a guest's if it may be that nobody knows the customer. A guest's order stays one."""
    try:
        await parties.customer(work.session, work.actor, news.customer_id, news.member_number)
    except NotFound as unknown:
        if notice.unknown_customer is Unknown.PARK:
            raise MemberUnknown(number=news.number) from unknown
        return replace(news, member_number=None)
    if notice.unknown_customer is Unknown.TAKE and news.member_number is not None:
        known = await orders.lock_by_number(work.session, work.actor, news.source, news.number)
        if known is not None and known.customer_id is None:
            return replace(news, member_number=None)
    return news


async def _require_skus(work: Work, news: OrderNews) -> None:
    """Refuse SKUs that aren't in the catalogue, where the brand has one with SKUs."""
    codes = [line.sku_code for line in news.lines if line.kind is LineKind.GOODS and line.sku_code]
    unknown = await sku_codes.unknown_of(work.session, work.actor, codes)
    if unknown:
        raise SkuUnknown(codes=", ".join(unknown[:_NAMED]) + (" …" if len(unknown) > _NAMED else ""))


async def _move(work: Work, notice: Notice, state: OrderState) -> Order:
    """The order as it is known, in the state that the message says."""
    order = await orders.lock_by_number(work.session, work.actor, notice.source, notice.number)
    # One that goes on without its payment: when that was decides who earned it, and older news is heard no more.
    if order is None or (order.state is OrderState.PENDING and state in COUNTED_STATES):
        raise OrderNotHere(number=notice.number)
    lines = await orders.kept_lines(work.session, order)
    return await commands.record_order(
        work,
        OrderNews(
            source=order.source,
            number=order.number,
            placed_at=order.placed_at,
            amount=order.amount,
            currency=order.currency,
            lines=[
                Line(row.product_code, row.name, row.quantity, row.amount, row.kind, row.variant, row.sku_code)
                for row in lines
            ],
            channel=order.channel,
            state=state,
            store_id=order.store_id,
            customer_id=order.customer_id,
            paid_at=None if state is OrderState.PENDING else order.paid_at,
            completed_at=notice.news_at if state is OrderState.COMPLETED else None,
            news_at=notice.news_at,
        ),
    )


async def _give_back(work: Work, news: RefundNews) -> UUID | None:
    try:
        return (await commands.record_refund(work, news)).order_id
    except NotFound as unknown:
        raise OrderNotHere(number=news.order_number or "?") from unknown
