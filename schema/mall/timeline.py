"""What happened to an order, one line at a time."""

from datetime import datetime
from uuid import UUID

import strawberry

from mall.models import OrderStepKind
from schema.context import Info
from schema.directory import Staff, staff_of
from schema.fields import OUT_OF_SIGHT, field
from schema.scalars import Fen

strawberry.enum(
    OrderStepKind,
    description="What happened to an order. `UNPAID`: its source took the payment back; `REOPENED`: it was cancelled, "
    "or further on, before; `AMENDED`: its contents changed, as by an exchange; `CREDITED`: somebody got or lost the "
    "credit; `ANSWERED`: the store turned to it first; `SERVED`: somebody else looks after it.",
)


@strawberry.type(description="One line of an order's timeline.")
class OrderStep:
    kind: OrderStepKind
    at: datetime = strawberry.field(description="When it was so, by its source's clock; in UTC.")
    noted_at: datetime | None = strawberry.field(
        description="When it was heard of here, in UTC; null for what only the order itself says, as one from a file."
    )
    amount: Fen | None = strawberry.field(
        description="What was given back, or what the order comes to since it was amended; else null."
    )
    staff_id: strawberry.Private[UUID | None]

    @field(f"Who did it here; null for what its source did, and {OUT_OF_SIGHT}.")
    async def by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)
