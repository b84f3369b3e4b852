"""Looking around in the directory."""

import strawberry

from directory.models import StaffState, StoreState
from directory.queries import regions, staff, stores
from kernel.actor import Role
from schema.context import Info
from schema.directory.types import Region, Staff, Store, Viewer, region_of, staff_of, store_of
from schema.fields import field
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, shown_as, sought_id


@strawberry.type
class DirectoryQueries:
    @field("Who asks.")
    async def viewer(self, info: Info) -> Viewer:
        actor = info.context.actor
        return Viewer(
            id=shown_as(strawberry.ID, actor.id),
            role=actor.role,
            brand_id=actor.brand_id,
            staff_id=actor.staff_id,
            store_id=actor.store_id,
        )

    @field("Regions in sight, each behind the one above it; at most 100 a page.")
    async def regions(
        self, info: Info, first: int = 20, after: Cursor | None = None, parent_id: strawberry.ID | None = None
    ) -> Connection[Region]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await regions.page(session, info.context.actor, page, sought_id(parent_id))
        return connection(Region, rows, page, lambda row: (row.path, row.id))

    @field("One region; null if there is none in sight.")
    async def region(self, info: Info, id: strawberry.ID) -> Region | None:
        return await region_of(info, sought_id(id))

    @field("Stores in sight, by code; at most 100 a page.")
    async def stores(
        self,
        info: Info,
        first: int = 20,
        after: Cursor | None = None,
        region_id: strawberry.ID | None = None,
        state: StoreState | None = None,
    ) -> Connection[Store]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await stores.page(session, info.context.actor, page, sought_id(region_id), state)
        return connection(Store, rows, page, lambda row: (row.code, row.id))

    @field("One store; null if there is none in sight.")
    async def store(self, info: Info, id: strawberry.ID) -> Store | None:
        return await store_of(info, sought_id(id))

    @field("Staff in sight, by number; at most 100 a page. `search` is a whole number or part of a name.")
    async def staff(
        self,
        info: Info,
        first: int = 20,
        after: Cursor | None = None,
        search: str | None = None,
        store_id: strawberry.ID | None = None,
        role: Role | None = None,
        state: StaffState | None = None,
    ) -> Connection[Staff]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await staff.page(
                session,
                info.context.actor,
                page,
                search=search,
                store_id=sought_id(store_id),
                role=role,
                state=state,
            )
        return connection(Staff, rows, page, lambda row: (row.number, row.id))

    @field("One staff member; null if there is none in sight.")
    async def staff_member(self, info: Info, id: strawberry.ID) -> Staff | None:
        return await staff_of(info, sought_id(id))
