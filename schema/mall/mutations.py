"""Taking orders and refunds, and moving orders on."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import strawberry

from mall import commands
from mall.commands import Line, OrderNews, RefundNews
from mall.models import Channel, LineKind, OrderState
from schema.context import Act, Info
from schema.fields import mutation
from schema.mall.types import Order, Refund, order_of, refund_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Fen, given_id, read_id


@strawberry.type(description="The order as it is after the change.")
class OrderChanged:
    order: Order | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The refund as it was taken.")
class RefundChanged:
    refund: Refund | None = seen()
    places: list[Place] = told()


OrderResult = Annotated[OrderChanged | Problem, strawberry.union("OrderResult")]
RefundResult = Annotated[RefundChanged | Problem, strawberry.union("RefundResult")]


@strawberry.input(description="One line of an order or refund.")
class LineInput:
    product_code: str = strawberry.field(description="1 to 64 characters.")
    name: str = strawberry.field(description="As it was sold, in 1 to 200 characters.")
    quantity: int = strawberry.field(description="From 1 to 1,000,000.")
    amount: Fen = strawberry.field(description="For the whole quantity; only a service may be below zero.")
    kind: LineKind = strawberry.field(default=LineKind.GOODS, description="A discount or postage is a service.")
    sku_code: str | None = strawberry.field(default=None, description="At most 64 characters.")
    variant: str | None = strawberry.field(
        default=None, description="Size, colour or the like, in at most 100 characters; kept of an order's lines only."
    )


@strawberry.input(description="What a till or mall says of an order. Name the store by id or by code.")
class OrderInput:
    source: str = strawberry.field(description="Which till or mall says so, in 1 to 32 characters.")
    number: str = strawberry.field(description="Unique within the source, in 1 to 64 characters.")
    placed_at: datetime = strawberry.field(description="When it was ordered.")
    amount: Fen = strawberry.field(description="What was, or is to be, paid, from 0; the lines add up to it.")
    currency: str = strawberry.field(description="The brand's: three letters, ISO 4217.")
    lines: list[LineInput] = strawberry.field(description="1 to 1,000; a discount is a service line below zero.")
    channel: Channel = Channel.POS
    state: OrderState = OrderState.PAID
    store_id: strawberry.ID | None = None
    store_code: str | None = None
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who bought it; or give the member number. Neither: a guest."
    )
    member_number: str | None = None
    country: str | None = None
    city: str | None = strawberry.field(default=None, description="Where it goes, in at most 60 characters.")
    paid_at: datetime | None = strawberry.field(
        default=None, description="By default `placedAt`, unless it is pending, or was cancelled without a payment."
    )
    guide_code: str | None = strawberry.field(
        default=None, description="The staff number of the guide whom the order names, in at most 64 characters."
    )
    note: str | None = strawberry.field(
        default=None,
        description="The buyer's words, in at most 500 characters. Of these only the guide whom they name is kept.",
    )
    share_code: str | None = strawberry.field(default=None, description="The code of the link that it came through.")
    news_at: datetime | None = strawberry.field(
        default=None,
        description="When this was true at the source, by default `placedAt`. Older news never overwrites newer.",
    )


@strawberry.input(description="What a till or mall says of a refund: on an order, or else in a store.")
class RefundInput:
    source: str = strawberry.field(description="Which till or mall says so, in 1 to 32 characters.")
    number: str = strawberry.field(description="Unique within the source, in 1 to 64 characters.")
    placed_at: datetime = strawberry.field(description="When the money was given back.")
    amount: Fen = strawberry.field(description="Above zero.")
    currency: str = strawberry.field(description="The brand's: three letters, ISO 4217.")
    lines: list[LineInput] = strawberry.field(default_factory=list, description="What was given back, if known.")
    order_id: strawberry.ID | None = None
    order_number: str | None = strawberry.field(
        default=None, description="The order's number within the same source, instead of its id."
    )
    store_id: strawberry.ID | None = strawberry.field(default=None, description="Where there is no order; or its code.")
    store_code: str | None = None
    customer_id: strawberry.ID | None = strawberry.field(
        default=None, description="Who got it, where there is no order; or give the member number."
    )
    member_number: str | None = None


@strawberry.type
class MallMutations:
    @mutation(
        "Take an order, or newer news of one; for machines with the scope `orders:write`. The same source and number "
        "again is the same order: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `AMOUNTS_DIFFER`, `WRONG_CURRENCY`, "
        "`ORDER_DIFFERS`, `REFUND_EXCEEDS_ORDER`."
    )
    async def record_order(self, info: Info, input: OrderInput, idempotency_key: str | None = None) -> OrderResult:
        return await _order(info, idempotency_key, lambda work: commands.record_order(work, _order_news(input)))

    @mutation(
        "Take a refund; for machines with the scope `orders:write`. All refunds of an order stay within its amount: "
        "`FORBIDDEN`, `NOT_FOUND`, `INVALID`, `AMOUNTS_DIFFER`, `WRONG_CURRENCY`, `REFUND_DIFFERS`, "
        "`REFUND_EXCEEDS_ORDER`, `ORDER_UNPAID`."
    )
    async def record_refund(self, info: Info, input: RefundInput, idempotency_key: str | None = None) -> RefundResult:
        done = await info.context.mutate(
            info, idempotency_key, lambda work: commands.record_refund(work, _refund_news(input))
        )
        return RefundChanged(refund=await refund_of(info, done.id), places=done.places)

    @mutation(
        "Say that an order is on its way: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `ORDER_MOVED_ON`.",
        edited=(Order, order_of),
    )
    async def ship_order(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> OrderResult:
        return await _order(
            info,
            idempotency_key,
            lambda work: commands.ship_order(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Say that the customer has got everything: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `ORDER_MOVED_ON`.",
        edited=(Order, order_of),
    )
    async def complete_order(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> OrderResult:
        return await _order(
            info,
            idempotency_key,
            lambda work: commands.complete_order(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Take an open order back as a whole; for the store's manager and machines: `NOT_FOUND`, `FORBIDDEN`, "
        "`STALE_VERSION`, `ORDER_MOVED_ON`, `ORDER_REFUNDED`.",
        edited=(Order, order_of),
    )
    async def cancel_order(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> OrderResult:
        return await _order(
            info,
            idempotency_key,
            lambda work: commands.cancel_order(work, read_id(id), expected_version=expected_version),
        )


async def _order(info: Info, key: str | None, act: Act) -> OrderChanged:
    done = await info.context.mutate(info, key, act)
    return OrderChanged(order=await order_of(info, done.id), places=done.places)


def _order_news(given: OrderInput) -> OrderNews:
    return OrderNews(
        source=given.source,
        number=given.number,
        placed_at=given.placed_at,
        amount=given.amount,
        currency=given.currency,
        lines=_lines(given.lines),
        channel=given.channel,
        state=given.state,
        store_id=given_id(given.store_id),
        store_code=given.store_code,
        customer_id=given_id(given.customer_id),
        member_number=given.member_number,
        country=given.country,
        city=given.city,
        paid_at=given.paid_at,
        guide_code=given.guide_code,
        note=given.note,
        share_code=given.share_code,
        news_at=given.news_at,
    )


def _refund_news(given: RefundInput) -> RefundNews:
    return RefundNews(
        source=given.source,
        number=given.number,
        placed_at=given.placed_at,
        amount=given.amount,
        currency=given.currency,
        lines=_lines(given.lines),
        order_id=given_id(given.order_id),
        order_number=given.order_number,
        store_id=given_id(given.store_id),
        store_code=given.store_code,
        customer_id=given_id(given.customer_id),
        member_number=given.member_number,
    )


def _lines(given: Sequence[LineInput]) -> tuple[Line, ...]:
    return tuple(
        Line(line.product_code, line.name, line.quantity, line.amount, line.kind, line.variant, line.sku_code)
        for line in given
    )
