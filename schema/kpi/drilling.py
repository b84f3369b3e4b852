"""From figures down to what they are made of, in GraphQL: totals, series, customers."""

from datetime import date
from uuid import UUID

import strawberry

from kpi.models import Span
from kpi.models.definitions import DEFINITIONS, Figure
from kpi.queries import buyers, looking
from schema.context import Info
from schema.customers import Customer, customer_of
from schema.fields import field
from schema.kpi.types import KpiDefinition, KpiPoint, KpiValue, asked_of, days_of, once, value
from schema.mall import Channel
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, Fen, shown_as

_SCOPE = (
    "`regionId` takes in all below it, `staffId` is a person with all accounts in sight; a guide is shown their own. "
    "Days are those of each store's calendar, both included: `INVALID` unless they are 1 to 366, and with a channel "
    "or source that a figure isn't told apart by. `NOT_FOUND` for what is out of sight; `FORBIDDEN` for a machine "
    "without `reports:read`."
)


@strawberry.type(description="A customer who bought, or got money back, on the days asked for.")
class KpiBuyer:
    orders: int = strawberry.field(description="Their orders of these days that are paid for and not cancelled.")
    gross: Fen = strawberry.field(description="What their orders come to; by guide, the parts credited to them.")
    refunds: Fen = strawberry.field(description="Given back on these days; by guide, what they bear of it.")
    net: Fen = strawberry.field(description="Gross less refunds; may be below zero.")
    id: strawberry.Private[UUID]

    @field("Who it is; their orders are in `orders`, with `customerId`, `fromDay` and `untilDay`.")
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info, self.id)


@strawberry.type
class DrillingQueries:
    @field("What each figure is, in the order in which pages show them.")
    async def kpi_definitions(self, info: Info) -> list[KpiDefinition]:
        info.context.actor  # noqa: B018 - refuses whoever isn't signed in
        return shown_as(list[KpiDefinition], list(DEFINITIONS.values()))

    @field(f"Figures of all that is asked for, in the order in which they are named, each once. {_SCOPE}")
    async def kpi_totals(
        self,
        info: Info,
        figures: list[Figure],
        from_day: date,
        until_day: date,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
        channel: Channel | None = None,
        source: str | None = None,
    ) -> list[KpiValue]:
        days, asked = days_of(from_day, until_day), asked_of(region_id, store_id, staff_id, channel, source)
        async with info.context.read() as session:
            found = await looking.totals(session, info.context.actor, asked, days, once(figures))
        return [value(each) for each in found]

    @field(
        "Figures for each day, week or month of a range, which may cut the first and the last: all of them, in their "
        "order, at most 366; all values of days to come are null, and active customers of weeks and months that are "
        f"cut or not over. {_SCOPE}"
    )
    async def kpi_series(
        self,
        info: Info,
        figures: list[Figure],
        span: Span,
        from_day: date,
        until_day: date,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
        channel: Channel | None = None,
        source: str | None = None,
    ) -> list[KpiPoint]:
        days, asked = days_of(from_day, until_day), asked_of(region_id, store_id, staff_id, channel, source)
        async with info.context.read() as session:
            found = await looking.series(session, info.context.actor, asked, span, days, once(figures))
        return [
            KpiPoint(first_day=point.first, last_day=point.last, figures=[value(each) for each in point.values])
            for point in found
        ]

    @field(
        "Customers of a store or a guide with an order or a refund on these days, most gross first; at most 100 a "
        "page. Guests and customers out of sight aren't among them. Managers name a store or a person, or are refused "
        "with `INVALID`, as for a range that isn't 1 to 366 days; `NOT_FOUND` for what is out of sight; `FORBIDDEN` "
        "for a machine without `reports:read`, which sees nobody without `customers:read` either; `BAD_PAGE_SIZE`, "
        "`BAD_CURSOR`."
    )
    async def kpi_customers(
        self,
        info: Info,
        from_day: date,
        until_day: date,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[KpiBuyer]:
        page, days = page_of(first, after), days_of(from_day, until_day)
        asked = asked_of(None, store_id, staff_id)
        async with info.context.read() as session:
            rows = await buyers.page(session, info.context.actor, page, asked, days)
        return connection(KpiBuyer, rows, page, lambda row: (row.gross, row.id))
