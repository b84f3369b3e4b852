"""Looking for orders and refunds."""

from datetime import date

import strawberry

from mall.models import Channel, OrderState
from mall.queries import orders
from schema.context import Info
from schema.fields import field
from schema.mall.types import Order, Refund, order_of, refund_of
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, sought_id


@strawberry.input(description="Which orders: all that is given must hold. Days are those of each store's calendar.")
class OrderFilter:
    states: list[OrderState] | None = strawberry.field(default=None, description="In one of these states.")
    channel: Channel | None = None
    store_id: strawberry.ID | None = None
    customer_id: strawberry.ID | None = None
    from_day: date | None = strawberry.field(default=None, description="Its `day` is that day or later.")
    until_day: date | None = strawberry.field(default=None, description="Its `day` is that day or earlier.")
    paid_from_day: date | None = strawberry.field(default=None, description="Paid on that day or later.")
    paid_until_day: date | None = strawberry.field(default=None, description="Paid on that day or earlier.")
    number: str | None = strawberry.field(default=None, description="The order's number, or how it begins.")
    city: str | None = strawberry.field(default=None, description="Where it goes, as the source writes it.")
    share_id: strawberry.ID | None = strawberry.field(default=None, description="It came through that link.")
    credited_to: strawberry.ID | None = strawberry.field(
        default=None, description="That account has at least a part of the credit."
    )
    served_by: strawberry.ID | None = strawberry.field(default=None, description="That account looks after it now.")
    is_unanswered: bool | None = strawberry.field(
        default=None, description="True for open orders of the mini-mall that nobody of the store has turned to."
    )


@strawberry.type
class MallQueries:
    @field("Orders in sight, the newest first; at most 100 a page.")
    async def orders(
        self, info: Info, filter: OrderFilter | None = None, first: int = 20, after: Cursor | None = None
    ) -> Connection[Order]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await orders.page(session, info.context.actor, page, _wanted(filter or OrderFilter()))
        return connection(Order, rows, page, lambda row: (row.placed_at, row.id))

    @field("One order; null if there is none in sight.")
    async def order(self, info: Info, id: strawberry.ID) -> Order | None:
        return await order_of(info, sought_id(id))

    @field("One refund; null if there is none in sight.")
    async def refund(self, info: Info, id: strawberry.ID) -> Refund | None:
        return await refund_of(info, sought_id(id))


def _wanted(wanted: OrderFilter) -> orders.Filter:
    return orders.Filter(
        states=wanted.states,
        channel=wanted.channel,
        store_id=sought_id(wanted.store_id),
        customer_id=sought_id(wanted.customer_id),
        from_day=wanted.from_day,
        until_day=wanted.until_day,
        paid_from_day=wanted.paid_from_day,
        paid_until_day=wanted.paid_until_day,
        number=wanted.number.strip() if wanted.number else None,
        city=wanted.city,
        share_id=sought_id(wanted.share_id),
        credited_to=sought_id(wanted.credited_to),
        served_by=sought_id(wanted.served_by),
        is_unanswered=wanted.is_unanswered,
    )
