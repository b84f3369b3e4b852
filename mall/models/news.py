"""What sources say of orders and refunds: plain data, whichever way it comes in."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mall.models.orders import Channel, LineKind, OrderState


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an order or refund; `amount` is for the whole quantity, in the currency's minor unit.

    `variant` is size, colour or the like, of an order's line; blanks say nothing.
    """

    product_code: str
    name: str
    quantity: int
    amount: int
    kind: LineKind = LineKind.GOODS
    variant: str | None = None
    sku_code: str | None = None


@dataclass(frozen=True, slots=True)
class OrderNews:
    """What a source says of an order at `news_at`; without one, at the moment it was placed.

    The store is named by id or by code, the customer by id or member number; an order without one
    is a guest's. `amount` and the lines are in the currency's minor unit. An order that isn't pending was paid at
    `paid_at`; without one, when it was placed. One that is completed reached the customer at `completed_at`; without
    one, when that was first heard of. `guide_code` is the staff number of a guide whom the order names, `note`
    the buyer's words, of which nothing is kept but the guide they name; `share_code` is the link it came through.
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
    city: str | None = None
    paid_at: datetime | None = None
    news_at: datetime | None = None
    guide_code: str | None = None
    note: str | None = None
    share_code: str | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RefundNews:
    """What a source says of money given back: on an order, or else in a store, to a customer if one is known.

    `amount` is positive, in the currency's minor unit. Lines may be left out. The order is named by its id, or by its
    number within the same source. Where the source doesn't say when (`is_dated` is false), `placed_at` is when it was
    heard of: of several such times the earliest counts.
    """

    source: str
    number: str
    placed_at: datetime
    amount: int
    currency: str
    lines: Sequence[Line] = ()
    order_id: UUID | None = None
    order_number: str | None = None
    store_id: UUID | None = None
    store_code: str | None = None
    customer_id: UUID | None = None
    member_number: str | None = None
    is_dated: bool = True
