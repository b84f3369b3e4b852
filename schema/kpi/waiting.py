"""How much of the figures is still to be counted."""

from datetime import date

import strawberry

from kpi.models import Grain
from kpi.queries import marks, scoping
from schema.context import Info
from schema.fields import field
from schema.kpi.types import asked_of, days_of
from schema.scalars import shown_as


@strawberry.type(
    description="Days of stores that are about to be counted anew: their figures lack what has just changed. Usually "
    "none, and some for a second or two; many while what was brought in is counted, the newest months first."
)
class KpiWaiting:
    days: int = strawberry.field(description="How many days of stores, a day in two stores being two.")
    stores: int = strawberry.field(description="Of how many stores.")


@strawberry.type
class WaitingQueries:
    @field(
        "How much of the range is still to be counted, 10,000 marks of changes being looked at. `regionId` takes in "
        "all below it; of a person, and of a guide who asks, it is the stores of their accounts. `INVALID` unless the "
        "range is 1 to 366 days; `NOT_FOUND` for what is out of sight; `FORBIDDEN` for a machine without "
        "`reports:read`."
    )
    async def kpi_waiting(
        self,
        info: Info,
        from_day: date,
        until_day: date,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
    ) -> KpiWaiting:
        days, asked = days_of(from_day, until_day), asked_of(region_id, store_id, staff_id)
        async with info.context.read() as session:
            scope = await scoping.scope(session, info.context.actor, asked, Grain.STORE)
            return shown_as(KpiWaiting, await marks.waiting(session, scope, days))
