"""What happens to orders and refunds."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

MINI_MALL = "mini_mall"


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """`channel` is where it was made: `MINI_MALL`, the till, or a file."""

    order_id: UUID
    store_id: UUID
    relationship_id: UUID | None
    customer_id: UUID | None
    channel: str
    version: int


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """`was_on` is the store's day on which it counted before, if that may be another one."""

    order_id: UUID
    store_id: UUID
    relationship_id: UUID | None
    customer_id: UUID | None
    version: int
    was_on: date | None = None


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
class RefundCharged:
    """Others bear a refund than before, because others earned its order."""

    refund_id: UUID
    store_id: UUID
    relationship_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class OrderCompleted:
    """The order has reached the customer, later than it was placed. Again if its source took that back meanwhile."""

    order_id: UUID
    store_id: UUID
    relationship_id: UUID | None
    channel: str


@dataclass(frozen=True, slots=True)
class OrderCancelled:
    """The order was taken back as a whole: nobody need turn to it. Again if it came back meanwhile."""

    order_id: UUID
    store_id: UUID
    relationship_id: UUID | None


@dataclass(frozen=True, slots=True)
class OrderAnswered:
    """Somebody of the store turned to the order: once for each order."""

    order_id: UUID
    store_id: UUID
    relationship_id: UUID | None


@dataclass(frozen=True, slots=True)
class CreditKey:
    """A part of an order that somebody earned without holding the relationship."""

    credit_id: UUID
    account_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class CreditDecided:
    """Who earned an order is decided. `elsewhere` are those who don't hear of the order itself."""

    order_id: UUID
    store_id: UUID
    elsewhere: tuple[CreditKey, ...]


@dataclass(frozen=True, slots=True)
class CreditChanged:
    """An order is not as it was, whose parts belong to whoever doesn't hear of the order itself."""

    order_id: UUID
    store_id: UUID
    elsewhere: tuple[CreditKey, ...]


@dataclass(frozen=True, slots=True)
class CreditCorrected:
    """A manager said otherwise who earned an order; `turn` is the number of the decision. `lost` is what is gone."""

    order_id: UUID
    store_id: UUID
    turn: int
    elsewhere: tuple[CreditKey, ...]
    lost: tuple[CreditKey, ...]


CreditEvent = CreditDecided | CreditChanged | CreditCorrected


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
    """`was_on` is the store's day on which it counted before, if that may be another one."""

    refund_id: UUID
    store_id: UUID
    order_id: UUID | None
    order_version: int | None
    relationship_id: UUID | None
    customer_id: UUID | None
    version: int
    was_on: date | None = None


@dataclass(frozen=True, slots=True)
class CommissionExported:
    """Somebody took a period of commission away as a file."""

    actor_id: UUID


@dataclass(frozen=True, slots=True)
class CommissionCaughtUp:
    """Postings were made long after what they are for; `store_days` are the days that they count on."""

    store_days: frozenset[tuple[UUID, date]]


@dataclass(frozen=True, slots=True)
class ShareMade:
    share_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class ShareOpened:
    """Somebody followed a link."""

    share_id: UUID
    at: datetime


@dataclass(frozen=True, slots=True)
class PurchasesLoaded:
    """Orders or refunds of these customers were loaded, corrected or taken away, without a word for each.

    `store_days` are the stores' days on which they counted before, or count since.
    """

    customer_ids: frozenset[UUID]
    store_days: frozenset[tuple[UUID, date]] = frozenset()


@dataclass(frozen=True, slots=True)
class ProfileRefreshed:
    """What a customer's purchases amount to was worked out again, after loading or because time went by."""

    customer_id: UUID


MallEvent = OrderPlaced | OrderChanged | ServingMoved | RefundRecorded | RefundVoided | RefundCharged
