"""What brand, regions, stores, staff and accounts look like."""

import asyncio
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from directory.models import AccountKind, StaffState, StoreState
from directory.queries import accounts, brands, covers, machines, regions, staff, stores
from handover.models.words import kind_word
from handover.queries import departures
from kernel.actor import Role
from schema.context import Info
from schema.fields import OUT_OF_SIGHT, field
from schema.scalars import shown_as
from schema.versioned import Versioned

if TYPE_CHECKING:
    from schema.handover.covering import Cover

# A type of a module further up.
_COVERS = list[Annotated["Cover", strawberry.lazy("schema.handover.covering")]]

strawberry.enum(Role, description="What somebody is to the brand; decides what they see.")
strawberry.enum(
    StaffState,
    description="`LEAVING` from the day that it is known until access is closed and nothing is held; then `DEPARTED`. "
    "Guides read `ACTIVE` as long as access is open, of themselves and of others; so does everybody of themselves.",
)
strawberry.enum(StoreState, description="Whether a store trades.")
strawberry.enum(AccountKind, description="A guide's own account, or the one public account of a store (店铺公共号).")


@strawberry.type(description="The tenant (品牌): nothing crosses from one brand to another.")
class Brand:
    id: strawberry.ID
    code: str = strawberry.field(description="What people name the brand by when they sign in.")
    name: str
    currency: str = strawberry.field(description="Of all its amounts: three letters, ISO 4217.")


@strawberry.type(description="A node of the brand's tree (区域). Changes don't tell of regions: ask when you show one.")
class Region(Versioned):
    code: str = strawberry.field(description="Unique in the brand: a-z, 0-9, - and _.")
    name: str
    path: str = strawberry.field(description="The codes from the root down, as in `/cn/east/`.")
    parent_id: strawberry.Private[UUID | None]

    @field("The region above; null at the top, and where it is out of sight.")
    async def parent(self, info: Info) -> "Region | None":
        return await region_of(info, self.parent_id)


@strawberry.type(description="When a store is open on one day of the week, on the clock of the store.")
class OpeningHours:
    opens: str = strawberry.field(description="From when, as in `10:00`.")
    closes: str = strawberry.field(description="Until when, as in `22:00`; `24:00` is midnight.")


@strawberry.type(description="A shop (门店). It owns relationships; the accounts in it hold them.")
class Store(Versioned):
    code: str = strawberry.field(description="Unique in the brand.")
    name: str
    city: str | None
    time_zone: str = strawberry.field(description="Its IANA time zone: the shop's day is a day there.")
    state: StoreState
    region_id: strawberry.Private[UUID]

    @field("Seven entries from Monday on; null on a day when the store is shut.")
    async def opening_hours(self) -> list[OpeningHours | None]:
        days: Any = self.opening_hours  # the row's column, of the same name as this field
        return [OpeningHours(opens=day[0], closes=day[1]) if day else None for day in days]

    @field("The region that the store is in.")
    async def region(self, info: Info) -> Region | None:
        return await region_of(info, self.region_id)

    @field("The accounts of the store: the public one first, then by number those of the guides who work there.")
    async def accounts(self, info: Info) -> list["Account"]:
        return shown_as(list[Account], await info.context.load(accounts.of_stores, self.id) or [])


@strawberry.type(description="Where somebody worked, as what, from when to when.")
class Assignment:
    role: Role
    starts_at: datetime = strawberry.field(description="In UTC.")
    ends_at: datetime | None = strawberry.field(description="In UTC; null for the present one.")
    store_id: strawberry.Private[UUID | None]
    region_id: strawberry.Private[UUID | None]

    @field(f"The store, for guides and store managers; {OUT_OF_SIGHT}.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field(f"The region, for regional managers; {OUT_OF_SIGHT}.")
    async def region(self, info: Info) -> Region | None:
        return await region_of(info, self.region_id)


@strawberry.type(description="A person who works here (员工), in a store, over a region or for the whole brand.")
class Staff(Versioned):
    number: str = strawberry.field(description="Unique in the brand; people sign in with it.")
    name: str
    role: Role
    state: StaffState
    hired_at: datetime = strawberry.field(description="In UTC.")
    access_closed_at: datetime | None = strawberry.field(description="Since when they can't sign in, in UTC.")
    last_day: date | None = strawberry.field(
        description="Of somebody who is leaving: when this day is over in their store, access closes by itself. Null "
        "if none was named, and where `state` reads `ACTIVE`."
    )
    store_id: strawberry.Private[UUID | None]
    region_id: strawberry.Private[UUID | None]

    @field("Where a guide or store manager works.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("What a regional manager answers for.")
    async def region(self, info: Info) -> Region | None:
        return await region_of(info, self.region_id)

    @field("Their accounts: one for each store in sight where they are or were a guide; of oneself all of them.")
    async def accounts(self, info: Info) -> list["Account"]:
        return shown_as(list[Account], await info.context.load(accounts.of_staff, self.id) or [])

    @field("Where they worked, the latest first.")
    async def assignments(self, info: Info) -> list[Assignment]:
        return shown_as(list[Assignment], await info.context.load(staff.assignments, self.id) or [])


@strawberry.type(description="What customers add and what holds relationships (账号); of one store for good.")
class Account(Versioned):
    kind: AccountKind
    partner_user_id: str | None = strawberry.field(description="Its user id on the partner's side (企业微信).")
    store_id: strawberry.Private[UUID]
    staff_id: strawberry.Private[UUID | None]

    @field("The store that it belongs to.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("The guide whose it is; null for a public account, and for a former colleague who works elsewhere.")
    async def owner(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)


@strawberry.type(description="A machine that calls us (服务账号): a till, a mall, a data job.")
class ServiceAccount:
    id: strawberry.ID
    name: str
    scopes: list[str] = strawberry.field(description="What it may do, such as `orders:write`; nothing else.")


@strawberry.type(description="What a brand that tells leavers so says to the viewer who is leaving.")
class OwnDeparture:
    last_day: date | None = strawberry.field(description="Until when they can sign in; null if no day was named.")
    message: str = strawberry.field(description="A kind word, in the language of the request.")


@strawberry.type(description="Who asks.")
class Viewer:
    id: strawberry.ID = strawberry.field(description="Of the staff member or service account.")
    role: Role
    brand_id: strawberry.Private[UUID]
    staff_id: strawberry.Private[UUID | None]
    store_id: strawberry.Private[UUID | None]

    @field("The brand that everything here belongs to.")
    async def brand(self, info: Info) -> Brand:
        return shown_as(Brand, await info.context.load(brands.by_ids, self.brand_id))

    @field("The person; null for a machine.")
    async def staff(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)

    @field("The store that they work in; null for regional managers, HQ and machines.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("The region that a regional manager answers for, and for guides and store managers that of their store.")
    async def region(self, info: Info) -> Region | None:
        person: Any = await staff_of(info, self.staff_id)
        store: Any = await store_of(info, self.store_id)
        return await region_of(info, store.region_id if store else person and person.region_id)

    @field("The machine; null for a person.")
    async def service_account(self, info: Info) -> ServiceAccount | None:
        if self.staff_id is not None:
            return None
        return shown_as(ServiceAccount, await info.context.load(machines.by_ids, self.id))

    @field(
        "The covers (代班) that they are part of and that are not over: for whom they serve until when, or who for "
        "them. Ask anew when you are told of your owner's own `STAFF` row, and after `mustRefetch`.",
        graphql_type=_COVERS,
    )
    async def covers(self, info: Info) -> Any:
        return await info.context.load(covers.open_of, self.staff_id) if self.staff_id else []

    @field("Null for whoever isn't leaving, and always where the brand tells leavers nothing (`telling`).")
    async def departure(self, info: Info) -> OwnDeparture | None:
        async with info.context.read() as session:
            found = await departures.own(session, info.context.actor)
        if found is None:
            return None
        return OwnDeparture(last_day=found.last_day, message=kind_word(found.last_day, info.context.language))

    @field("The accounts that they act for: a guide's own, a store manager's also the public one of the store.")
    async def accounts(self, info: Info) -> list[Account]:
        found = await asyncio.gather(*(account_of(info, account_id) for account_id in info.context.actor.account_ids))
        return [account for account in found if account is not None]


async def region_of(info: Info, region_id: UUID | None) -> Region | None:
    """The region, if there is one in sight."""
    return shown_as(Region, await info.context.load(regions.by_ids, region_id)) if region_id else None


async def store_of(info: Info, store_id: UUID | None) -> Store | None:
    """The store, if there is one in sight."""
    return shown_as(Store, await info.context.load(stores.by_ids, store_id)) if store_id else None


async def staff_of(info: Info, staff_id: UUID | None) -> Staff | None:
    """The staff member, if there is one in sight."""
    return shown_as(Staff, await info.context.load(staff.by_ids, staff_id)) if staff_id else None


async def account_of(info: Info, account_id: UUID | None) -> Account | None:
    """The account, if there is one in sight."""
    return shown_as(Account, await info.context.load(accounts.by_ids, account_id)) if account_id else None
