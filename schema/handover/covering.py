"""Cover for leave in GraphQL: who serves for whom who is away, from when to when."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from directory.commands import covers as commands
from directory.models import CoverState
from directory.queries import covers as queries
from kernel import clock
from schema.context import Act, Info
from schema.directory import Account, Staff, Store, account_of, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field, mutation
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, read_id, shown_as, sought_id
from schema.versioned import Versioned

strawberry.enum(
    CoverState,
    description="What has been said of a cover. It is in force by its dates, to the instant; that it has begun or is "
    "over is said some seconds later.",
)


@strawberry.type(
    description="A colleague on leave, and the delegate who sees and serves what they hold meanwhile (休假代班). The "
    "holder stays: credit and commission are theirs, and so is what the delegate does for them, noted with the "
    "delegate's name. What the delegate takes on is the delegate's own."
)
class Cover(Versioned):
    state: CoverState
    starts_at: datetime = strawberry.field(description="In UTC.")
    ends_at: datetime = strawberry.field(description="In UTC; of one that was ended early that instant.")
    arranged_at: datetime = strawberry.field(description="In UTC.")
    staff_id: strawberry.Private[UUID]
    delegate_id: strawberry.Private[UUID]
    account_id: strawberry.Private[UUID]
    store_id: strawberry.Private[UUID]
    arranged_by_id: strawberry.Private[UUID | None]
    ended_by_id: strawberry.Private[UUID | None]

    @field("Whether the delegate sees and serves at this moment.")
    def is_in_force(self) -> bool:
        return self.state is not CoverState.CANCELLED and self.starts_at <= clock.now() < self.ends_at

    @field(f"Who is away; {OUT_OF_SIGHT}.")
    async def staff(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)

    @field(f"Who serves for them; {OUT_OF_SIGHT}.")
    async def delegate(self, info: Info) -> Staff | None:
        return await staff_of(info, self.delegate_id)

    @field("The account whose customers, tasks and orders are served.")
    async def account(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)

    @field("The store that it is in.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field(f"Who arranged it; {OUT_OF_SIGHT}.")
    async def arranged_by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.arranged_by_id)

    @field("Who ended or cancelled it before its time; null if nobody did.")
    async def ended_by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.ended_by_id)


@strawberry.type(description="The cover as it is after the change.")
class CoverChanged:
    cover: Cover | None = seen()
    places: list[Place] = told()


CoverResult = Annotated[CoverChanged | Problem, strawberry.union("CoverResult")]


async def cover_of(info: Info, cover_id: UUID | None) -> Cover | None:
    """The cover, if there is one in sight."""
    return shown_as(Cover, await info.context.load(queries.by_ids, cover_id)) if cover_id else None


@strawberry.type
class CoverQueries:
    @field("A cover; null if it isn't in sight.")
    async def cover(self, info: Info, id: strawberry.ID) -> Cover | None:
        return await cover_of(info, sought_id(id))

    @field(
        "The covers of the stores that the viewer answers for, for a guide those that they are part of; what begins "
        "last comes first, at most 100 a page. `staffId` is either of the two people; `open` leaves out what is over."
    )
    async def covers(
        self,
        info: Info,
        store_id: strawberry.ID | None = None,
        staff_id: strawberry.ID | None = None,
        open: bool = False,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[Cover]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.page(
                session,
                info.context.actor,
                page,
                store_id=sought_id(store_id),
                staff_id=sought_id(staff_id),
                is_open=open,
            )
        return connection(Cover, rows, page, lambda row: (row.starts_at, row.id))


@strawberry.type
class CoverMutations:
    @mutation(
        "Let a guide of the same store, or its manager, see and serve what a guide on leave holds, until `endsAt`: "
        "from `startsAt` on, or from now. At most 90 days, beginning within a year; for managers: `NOT_FOUND`, "
        "`FORBIDDEN`, `OWN_COVER`, `COVER_DATES`, `ABSENT_UNFIT`, `DELEGATE_UNFIT`, `COVER_OVERLAPS`, `COVER_CHAIN`, "
        "`TOO_MANY_COVERS`."
    )
    async def arrange_cover(
        self,
        info: Info,
        staff_id: strawberry.ID,
        delegate_id: strawberry.ID,
        ends_at: datetime,
        starts_at: datetime | None = None,
        idempotency_key: str | None = None,
    ) -> CoverResult:
        return await _cover(
            info,
            idempotency_key,
            lambda work: commands.arrange(
                work,
                staff_id=read_id(staff_id),
                delegate_id=read_id(delegate_id),
                ends_at=ends_at,
                starts_at=starts_at,
            ),
        )

    @mutation(
        "Give a cover other dates; what is left out stays. Of one that has begun only the end can be another. For "
        "managers: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `COVER_OVER`, `COVER_UNDER_WAY`, `COVER_DATES`, "
        "`COVER_OVERLAPS`, `COVER_CHAIN`, `TOO_MANY_COVERS`.",
        edited=(Cover, cover_of),
    )
    async def edit_cover(
        self,
        info: Info,
        id: strawberry.ID,
        starts_at: datetime | None = None,
        ends_at: datetime | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> CoverResult:
        return await _cover(
            info,
            idempotency_key,
            lambda work: commands.date(
                work, read_id(id), starts_at=starts_at, ends_at=ends_at, expected_version=expected_version
            ),
        )

    @mutation(
        "End a cover now; one that has not begun is cancelled. For managers: `NOT_FOUND`, `FORBIDDEN`, "
        "`STALE_VERSION`, `COVER_OVER`.",
        edited=(Cover, cover_of),
    )
    async def end_cover(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> CoverResult:
        return await _cover(
            info, idempotency_key, lambda work: commands.end(work, read_id(id), expected_version=expected_version)
        )


async def _cover(info: Info, key: str | None, act: Act) -> CoverChanged:
    done = await info.context.mutate(info, key, act)
    return CoverChanged(cover=await cover_of(info, done.id), places=done.places)
