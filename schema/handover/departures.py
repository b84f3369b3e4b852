"""Departures in GraphQL: who is leaving, what they hold, and giving it to others."""

from typing import Any

import strawberry

from handover import commands
from handover.queries import departures as queries
from kernel.errors import NotFound
from schema.context import Info
from schema.customers import Relationship, RelationshipChanged, RelationshipResult, relationship_of
from schema.directory import Staff, staff_of
from schema.fields import field, mutation
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, read_id


@strawberry.type(description="Somebody who is leaving, and what their accounts still hold (离职交接).")
class Departure:
    relationships: int = strawberry.field(description="Held until they are reassigned.")
    open_tasks: int
    open_orders: int = strawberry.field(description="Paid or shipped, and served by them.")

    @field("Who is leaving.")
    async def staff(self, info: Info) -> Staff:
        leaver: Any = self  # the row of the staff member, with the counts beside it
        staff = await staff_of(info, leaver.id)
        if staff is None:
            raise NotFound
        return staff


@strawberry.type
class DepartureQueries:
    @field("Who is leaving the stores that the viewer answers for, by number; at most 100 a page. Empty for guides.")
    async def departures(self, info: Info, first: int = 20, after: Cursor | None = None) -> Connection[Departure]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.departures(session, info.context.actor, page)
        return connection(Departure, rows, page, lambda row: (row.number, row.id))


@strawberry.type
class DepartureMutations:
    @mutation(
        "Give one relationship to another account of its store, with its open tasks and open orders; for managers: "
        "`NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `ALREADY_HELD`, `OTHER_STORE`, `HOLDER_UNFIT`, `STORE_CLOSED`.",
        edited=(Relationship, relationship_of),
    )
    async def reassign_relationship(
        self,
        info: Info,
        id: strawberry.ID,
        to_account_id: strawberry.ID,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> RelationshipResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.reassign(
                work, read_id(id), to_account_id=read_id(to_account_id), expected_version=expected_version
            ),
        )
        return RelationshipChanged(relationship=await relationship_of(info, done.id), places=done.places)
