"""Who is new, stays, lapses and weighs, in GraphQL."""

from datetime import date

import strawberry
from sqlalchemy.ext.asyncio import AsyncSession

from kpi.models import Grain
from kpi.models.months import MOST_COHORTS, Months
from kpi.queries import scoping
from kpi.queries.customer_views import concentration, flow, pyramid, rhythm
from kpi.queries.customer_views.purchases import reach
from kpi.queries.customer_views.pyramid import Letter, Wanted, Worth
from kpi.queries.scoping import Scope
from schema.context import Info
from schema.fields import field
from schema.kpi.concentration import Concentration
from schema.kpi.customer_view_types import (
    CustomerCohort,
    CustomerFlow,
    Lapsed,
    PurchaseGaps,
    Pyramid,
    PyramidCustomer,
    Repeat,
)
from schema.kpi.types import asked_of
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, shown_as

_SCOPE = (
    "Of a region with all below it, a store, or the orders credited to a person (`staffId`); left out, of all that the "
    "viewer sees, and for a guide always of their own. Orders that count are paid for and not cancelled, with a known "
    "customer, on the day of their store's calendar. Refused with `NOT_FOUND` for what is out of sight, `FORBIDDEN` "
    "for a machine without `reports:read`, `INVALID` for days before 1970 or after 2200"
)
_ON = "`on` is the last day that is seen, today if it is left out."


@strawberry.type
class CustomerViewQueries:
    @field(
        "How many customers came, stayed, came back and stayed away in each month (拉新、留存、回流), from the month "
        "of the day `fromMonth` to that of `untilMonth`; refused with `INVALID` if that is not 1 to 36 months. "
        f"{_SCOPE}."
    )
    async def kpi_customer_flow(
        self,
        info: Info,
        from_month: date,
        until_month: date,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
    ) -> list[CustomerFlow]:
        months = Months(from_month, until_month)
        async with info.context.read() as session:
            scope = await _scope(info, session, region_id, store_id, staff_id)
            return [shown_as(CustomerFlow, row) for row in await flow.monthly(session, scope, months)]

    @field(
        "What became of the customers whose first order was in each month from that of `fromMonth` to that of "
        "`untilMonth`, up to the end of it (同期群); refused with `INVALID` if that is not 1 to 24 months. Months "
        f"without a first order are left out. {_SCOPE}."
    )
    async def kpi_cohorts(
        self,
        info: Info,
        from_month: date,
        until_month: date,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
    ) -> list[CustomerCohort]:
        months = Months(from_month, until_month, MOST_COHORTS)
        async with info.context.read() as session:
            scope = await _scope(info, session, region_id, store_id, staff_id)
            return [shown_as(CustomerCohort, row) for row in await flow.cohorts(session, scope, months)]

    @field(
        "Customers as A, B and C (20 %, 30 %, 50 %) by what they come to from `fromDay` on, or since the first order "
        f"if it is left out. {_ON} {_SCOPE}."
    )
    async def kpi_pyramid(
        self,
        info: Info,
        by: Worth = Worth.GROSS,
        from_day: date | None = None,
        on: date | None = None,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
    ) -> Pyramid:
        wanted = Wanted(by, from_day)
        async with info.context.read() as session:
            scope = await _scope(info, session, region_id, store_id, staff_id)
            return shown_as(Pyramid, await pyramid.pyramid(session, scope, await reach(session, scope, on), wanted))

    @field(
        "The customers of one letter whom the viewer sees, those who come to most first; at most 100 a page, further "
        f"refused with `BAD_PAGE_SIZE` and `BAD_CURSOR`. Each page sorts them all anew. {_ON} {_SCOPE}."
    )
    async def kpi_pyramid_customers(
        self,
        info: Info,
        letter: Letter,
        by: Worth = Worth.GROSS,
        from_day: date | None = None,
        on: date | None = None,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[PyramidCustomer]:
        page, wanted = page_of(first, after), Wanted(by, from_day)
        async with info.context.read() as session:
            scope = await _scope(info, session, region_id, store_id, staff_id)
            seen = await reach(session, scope, on)
            rows = await pyramid.customers(session, info.context.actor, scope, seen, wanted, letter, page)
        return connection(PyramidCustomer, rows, page, lambda row: row.place)

    @field(f"How many customers have bought nothing for 30, 60, 90, 180 and 365 days (流失). {_ON} {_SCOPE}.")
    async def kpi_lapsed(
        self,
        info: Info,
        on: date | None = None,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
    ) -> Lapsed:
        async with info.context.read() as session:
            scope = await _scope(info, session, region_id, store_id, staff_id)
            return shown_as(Lapsed, await rhythm.lapsed(session, scope, (await reach(session, scope, on)).on))

    @field(f"How many customers bought again (复购率). {_ON} {_SCOPE}.")
    async def kpi_repeat(
        self,
        info: Info,
        on: date | None = None,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
    ) -> Repeat:
        async with info.context.read() as session:
            scope = await _scope(info, session, region_id, store_id, staff_id)
            return shown_as(Repeat, await rhythm.repeat(session, scope, (await reach(session, scope, on)).on))

    @field(f"How many days pass between purchase days (购买间隔). {_ON} {_SCOPE}.")
    async def kpi_purchase_gaps(
        self,
        info: Info,
        on: date | None = None,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
    ) -> PurchaseGaps:
        async with info.context.read() as session:
            scope = await _scope(info, session, region_id, store_id, staff_id)
            return shown_as(PurchaseGaps, await rhythm.gaps(session, scope, (await reach(session, scope, on)).on))

    @field(
        "How much of the last 12 months' revenue hangs on single guides, and what is at stake if one leaves "
        "(人走客走): the guides whose customers brought most first, at most 100 a page. Of a region with all below it, "
        "or a store; "
        "left out, of all that the viewer sees. For managers, HQ and machines with `reports:read` (`FORBIDDEN`); "
        "`NOT_FOUND` for guides, and for what is out of sight; `BAD_PAGE_SIZE`, `BAD_CURSOR`."
    )
    async def kpi_concentration(
        self,
        info: Info,
        region_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Concentration:
        page = page_of(first, after)
        async with info.context.read() as session:
            scope = await _scope(info, session, region_id, store_id)
            seen = await reach(session, scope, None)
            return shown_as(Concentration, await concentration.concentration(session, scope, seen, page))


async def _scope(
    info: Info,
    session: AsyncSession,
    region_id: strawberry.ID | None,
    store_id: strawberry.ID | None,
    staff_id: strawberry.ID | None = None,
) -> Scope:
    return await scoping.scope(session, info.context.actor, asked_of(region_id, store_id, staff_id), Grain.STORE)
