"""Looking for customers."""

from datetime import datetime

import strawberry

from customers.queries import customers, records
from customers.queries.customers import CustomerOrder
from schema.context import Info
from schema.customers.types import Customer, Note, Visit, customer_of
from schema.fields import field
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, sought_id
from tagging.queries import carried

strawberry.enum(
    CustomerOrder,
    description="By name; newest members first; or whoever was contacted longest ago first, and never before all.",
)


@strawberry.input(description="Which customers: all that is given must hold.")
class CustomerFilter:
    search: str | None = strawberry.field(
        default=None, description="A whole phone, a whole member number, or part of a name."
    )
    store_id: strawberry.ID | None = strawberry.field(default=None, description="With a relationship in that store.")
    tier: str | None = None
    tag_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Carrying all of these tags.")
    do_not_contact: bool | None = None
    birthday_month: int | None = strawberry.field(default=None, description="From 1 to 12.")
    last_contact_before: datetime | None = strawberry.field(
        default=None, description="Not contacted since then; never is before."
    )


@strawberry.type
class CustomerQueries:
    @field("Customers in sight; at most 100 a page.")
    async def customers(
        self,
        info: Info,
        filter: CustomerFilter | None = None,
        order_by: CustomerOrder = CustomerOrder.NAME,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[Customer]:
        context, page = info.context, page_of(first, after)
        wanted = _wanted(info, filter or CustomerFilter())
        async with context.read() as session:
            rows = await customers.page(session, context.actor, context.vault, page, wanted, order_by)
        return connection(Customer, rows, page, customers.PLACES[order_by])

    @field("One customer; null if there is none in sight.")
    async def customer(self, info: Info, id: strawberry.ID) -> Customer | None:
        return await customer_of(info, sought_id(id))

    @field("What was written down about a customer, in all relationships in sight, the latest first.")
    async def notes(
        self, info: Info, customer_id: strawberry.ID, first: int = 20, after: Cursor | None = None
    ) -> Connection[Note]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await records.page_of_notes(session, info.context.actor, sought_id(customer_id), page)
        return connection(Note, rows, page, lambda row: (row.at, row.id))

    @field("The contacts with a customer that were noted, in all relationships in sight, the latest first.")
    async def visits(
        self, info: Info, customer_id: strawberry.ID, first: int = 20, after: Cursor | None = None
    ) -> Connection[Visit]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await records.page_of_visits(session, info.context.actor, sought_id(customer_id), page)
        return connection(Visit, rows, page, lambda row: (row.at, row.id))


def _wanted(info: Info, wanted: CustomerFilter) -> customers.Filter:
    tag_ids = [tag_id for tag_id in map(sought_id, wanted.tag_ids or []) if tag_id]
    return customers.Filter(
        search=wanted.search,
        store_id=sought_id(wanted.store_id),
        tier=wanted.tier,
        do_not_contact=wanted.do_not_contact,
        birthday_month=wanted.birthday_month,
        last_contact_before=wanted.last_contact_before,
        among=carried.carrying_all(info.context.actor, tag_ids) if tag_ids else None,
    )
