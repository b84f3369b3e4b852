"""What happens to orders and refunds."""

from dataclasses import dataclass
from uuid import UUID

MINI_MALL = "mini_mall"


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """`channel` is where it was made: `MINI_MALL`, the till, or a file."""

    order_id: UUID
    store_id: UUID
    relationship_id: UUID | None
    channel: str
    version: int


@dataclass(frozen=True, slots=True)
class OrderChanged:
    order_id: UUID
    store_id: UUID
    relationship_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class OrderPaid:
    """The order has been paid: at once when it was placed, or later. Once for each order."""

    order_id: UUID
    store_id: UUID
    relationship_id: UUID | None
    channel: str


@dataclass(frozen=True, slots=True)
class RefundVoided:
    """A refund doesn't count any more, or counts again, as its order does."""

    refund_id: UUID
    store_id: UUID
    relationship_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class ServingMoved:
    order_id: UUID
    store_id: UUID
    relationship_id: UUID | None
    from_account_id: UUID | None
    to_account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class RefundRecorded:
    refund_id: UUID
    store_id: UUID
    order_id: UUID | None
    order_version: int | None
    relationship_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class PurchasesLoaded:
    """Orders or refunds of these customers were loaded, corrected or taken away, without a word for each."""

    customer_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class ProfileRefreshed:
    """What a customer's purchases amount to was worked out again, after loading or because time went by."""

    customer_id: UUID


MallEvent = OrderPlaced | OrderChanged | ServingMoved | RefundRecorded | RefundVoided
