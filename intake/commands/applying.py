"""Do what a mall's message says: all of it, or nothing that is left for a person."""

from dataclasses import dataclass, replace
from uuid import UUID

from intake.errors import MemberUnknown, OrderNotHere
from intake.models.notices import Notice, Unknown
from kernel.errors import NotFound, Refusal
from kernel.work import Work
from mall import commands
from mall.errors import OrderUnpaid, SkuUnknown, StoreUnknown
from mall.models import COUNTED_STATES, Line, LineKind, Order, OrderNews, OrderState, RefundNews
from mall.queries import orders, parties, skus


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
        order_id = (await _take(work, notice, notice.order)).id
    elif notice.state is not None:
        order_id = (await _move(work, notice, notice.state)).id
    for refund in notice.refunds:
        order_id = await _give_back(work, refund) or order_id
    return order_id


async def _take(work: Work, notice: Notice, news: OrderNews) -> Order:
    """The order, of a store, customer and goods that the brand knows."""
    news = commands.check_order(work.actor, replace(news, store_code=news.store_code or ""))
    named = await parties.named(work.session, work.actor, news)
    if named.store_id is None:
        raise StoreUnknown(field="store", store=news.store_code or "?")
    if notice.unknown_sku is Unknown.PARK:
        await _require_skus(work, news)
    if _is_by_guest(notice, news, named):
        news, named = replace(news, member_number=None), replace(named, customer_id=None)
    return await commands.take_order(work, news, named)


def _is_by_guest(notice: Notice, news: OrderNews, named: parties.Named) -> bool:
    """Whether it is taken as a guest's though it names somebody; what was a guest's once stays so."""
    if news.member_number is None:
        return False
    if named.customer_id is None:
        if notice.unknown_customer is Unknown.PARK:
            raise MemberUnknown(number=news.number)
        return True
    is_guests = named.order_id is not None and named.order_customer_id is None
    return is_guests and notice.unknown_customer is Unknown.TAKE


async def _require_skus(work: Work, news: OrderNews) -> None:
    """Refuse SKUs that aren't in the catalogue, where the brand has one with SKUs."""
    codes = [line.sku_code for line in news.lines if line.kind is LineKind.GOODS and line.sku_code]
    unknown = await skus.unknown_codes(work.session, work.actor, codes)
    if unknown:
        raise SkuUnknown.of("sku", unknown)


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
