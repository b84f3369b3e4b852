"""What one message of a mall says, whichever mall it is."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mall.models import OrderNews, OrderState, RefundNews


class Unknown(StrEnum):
    """What becomes of an order that names somebody, or something, that the brand doesn't know.

    `park`: it waits for a person; `take`: the order is taken without them, as a guest's, or with codes as sold.
    """

    PARK = "park"
    TAKE = "take"


@dataclass(frozen=True, slots=True)
class Notice:
    """What one message of a mall says: an order as it is at the source, and the refunds it names.

    `order` is none where the message is of refunds alone, or says no more of the order than its `state`. `number` is
    the order's, for people; `news_at` is when this was true at the source, called `source`.
    """

    order: OrderNews | None
    refunds: tuple[RefundNews, ...]
    number: str
    news_at: datetime
    unknown_customer: Unknown = Unknown.PARK
    unknown_sku: Unknown = Unknown.PARK
    state: OrderState | None = None
    source: str = ""
