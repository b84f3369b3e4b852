"""What orders and refunds look like."""

from datetime import date, datetime
from uuid import UUID

import strawberry

from mall.models import Channel, LineKind, OrderState
from mall.queries import credits, orders, refunds, timelines
from schema.context import Info
from schema.customers import Customer, Relationship, customer_of, relationship_of
from schema.directory import Account, Staff, Store, account_of, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field
from schema.mall.crediting import CreditDecision, CreditPart
from schema.mall.sharing import Share, share_of
from schema.mall.timeline import OrderStep
from schema.mall.wares import Product, Sku, product_of, sku_of
from schema.scalars import Fen, shown_as
from schema.versioned import Versioned

strawberry.enum(
    OrderState,
    description="`PENDING` waits for its payment, and counts nowhere. `PAID` and `SHIPPED` orders are open: somebody "
    "still looks after them.",
)
strawberry.enum(
    Channel, description="Where an order was made: in the mini-mall (小程序商城), at the till, or in a file."
)
strawberry.enum(LineKind, description="Goods count as merchandise; postage, discounts and fees are services.")


@strawberry.type(description="One line of an order, as it was sold, whatever the catalogue says later.")
class OrderLine:
    line: int = strawberry.field(description="Its place, from 1 on.")
    product_code: str
    name: str
    sku_code: str | None = strawberry.field(description="The code of the SKU, if the source said so.")
    variant: str | None = strawberry.field(
        description="Size, colour or the like, in the source's words, if it said so."
    )
    kind: LineKind
    quantity: int
    amount: Fen = strawberry.field(description="For the whole quantity; a discount is below zero.")
    product_id: strawberry.Private[UUID | None]
    sku_id: strawberry.Private[UUID | None]

    @field("The product, if the catalogue knew it then.")
    async def product(self, info: Info) -> Product | None:
        return await product_of(info, self.product_id)

    @field("The SKU, if the catalogue knew it then.")
    async def sku(self, info: Info) -> Sku | None:
        return await sku_of(info, self.sku_id)


@strawberry.type(description="One line of a refund, as it was given back.")
class RefundLine:
    line: int = strawberry.field(description="Its place, from 1 on.")
    product_code: str
    name: str
    kind: LineKind
    quantity: int
    amount: Fen = strawberry.field(description="For the whole quantity, above zero.")


@strawberry.type(description="Who bears a part of a refund.")
class RefundCharge:
    part: int = strawberry.field(description="Its place, from 1 on.")
    amount: Fen = strawberry.field(description="Above zero, or zero where there is too little to share out.")
    account_id: strawberry.Private[UUID | None]

    @field("The guide's account that bears it; null when the store does.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)


@strawberry.type(description="Money given back (退款). It may name no order.")
class Refund(Versioned):
    source: str
    number: str = strawberry.field(description="Unique within the source.")
    amount: Fen = strawberry.field(description="Above zero.")
    currency: str
    placed_at: datetime = strawberry.field(description="When the money was given back, in UTC.")
    day: date = strawberry.field(description="That day on the store's calendar.")
    store_id: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID | None]
    order_id: strawberry.Private[UUID | None]
    is_void: bool = strawberry.field(
        description="It doesn't count as long as its order is cancelled: the order doesn't, either."
    )

    @field("The store that gave it.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("Who got it; null for a guest.")
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info, self.customer_id)

    @field("What it is for; null if it names no order.")
    async def order(self, info: Info) -> "Order | None":
        return await order_of(info, self.order_id)

    @field("Who bears it: those who have the credit of the order, in the same parts, which add up to it.")
    async def charges(self, info: Info) -> list[RefundCharge]:
        return shown_as(list[RefundCharge], await info.context.load(refunds.charges_of, self.id) or [])

    @field("What was given back, if the source said so.")
    async def lines(self, info: Info) -> list[RefundLine]:
        return shown_as(list[RefundLine], await info.context.load(refunds.lines_of, self.id) or [])


@strawberry.type(description="A purchase (订单). Without a customer it is a guest's: revenue of the store only.")
class Order(Versioned):
    source: str = strawberry.field(description="The till, mall or file that it came from.")
    number: str = strawberry.field(description="Unique within the source.")
    state: OrderState
    channel: Channel
    country: str | None
    city: str | None = strawberry.field(description="Where it goes, if the source said so.")
    amount: Fen = strawberry.field(description="What was, or is to be, paid; the lines add up to it.")
    currency: str
    placed_at: datetime = strawberry.field(description="In UTC.")
    day: date = strawberry.field(
        description="On the store's calendar the day on which it was paid, or was placed if nothing was paid yet."
    )
    paid_at: datetime | None = strawberry.field(description="In UTC; null as long as nothing was paid.")
    completed_at: datetime | None = strawberry.field(
        description="When it reached the customer, in UTC, if that was later than it was placed."
    )
    answered_at: datetime | None = strawberry.field(
        description="When somebody of the store turned to it first (`answerOrder`), in UTC."
    )
    store_id: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID | None]
    relationship_id: strawberry.Private[UUID | None]
    serving_account_id: strawberry.Private[UUID | None]
    share_id: strawberry.Private[UUID | None]
    answered_by_id: strawberry.Private[UUID | None]

    @field("The store that sold it.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("Who bought it; null for a guest.")
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info, self.customer_id)

    @field("The relationship that it belongs to; null for a guest, and where it is out of sight.")
    async def relationship(self, info: Info) -> Relationship | None:
        return await relationship_of(info, self.relationship_id)

    @field("The account that looks after it now (服务); it moves with a handover.")
    async def served_by(self, info: Info) -> Account | None:
        return await account_of(info, self.serving_account_id)

    @field(f"The link that it came through (分享); null if it came through none, and {OUT_OF_SIGHT}.")
    async def share(self, info: Info) -> Share | None:
        return await share_of(info, self.share_id)

    @field("Who earned it, in parts; none as long as nothing was paid.")
    async def credits(self, info: Info) -> list[CreditPart]:
        return shown_as(list[CreditPart], await info.context.load(credits.of_orders, self.id) or [])

    @field("Every decision about who earned it, the first one first, with the reasons; none of orders from a file.")
    async def credit_history(self, info: Info) -> list[CreditDecision]:
        return shown_as(list[CreditDecision], await info.context.load(credits.decisions_of, self.id) or [])

    @field(
        "Whether it was placed while the store was shut, by the opening hours and the clock that it has now; null if "
        "it has no hours."
    )
    async def is_off_hours(self, info: Info) -> bool | None:
        return (await info.context.load(credits.flags_of, self.id) or (None, None))[0]

    @field("Whether it goes to another city than the store's; null if one of them isn't known.")
    async def is_cross_city(self, info: Info) -> bool | None:
        return (await info.context.load(credits.flags_of, self.id) or (None, None))[1]

    @field(f"Who of the store turned to it first; {OUT_OF_SIGHT}.")
    async def answered_by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.answered_by_id)

    @field("What was bought, in its order; at most 1,000 lines.")
    async def lines(self, info: Info) -> list[OrderLine]:
        return shown_as(list[OrderLine], await info.context.load(orders.lines_of, self.id) or [])

    @field("What happened to it, the oldest first: the last 200 things.")
    async def timeline(self, info: Info) -> list[OrderStep]:
        return shown_as(list[OrderStep], await info.context.load(timelines.of_orders, self.id) or [])

    @field("What was given back of it, the oldest first.")
    async def refunds(self, info: Info) -> list[Refund]:
        return shown_as(list[Refund], await info.context.load(refunds.of_orders, self.id) or [])


async def order_of(info: Info, order_id: UUID | None) -> Order | None:
    """The order, if there is one in sight."""
    return shown_as(Order, await info.context.load(orders.by_ids, order_id)) if order_id else None


async def refund_of(info: Info, refund_id: UUID | None) -> Refund | None:
    """The refund, if there is one in sight."""
    return shown_as(Refund, await info.context.load(refunds.by_ids, refund_id)) if refund_id else None
