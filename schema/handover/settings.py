"""How a brand hands over, and how many relationships its guides take on, in GraphQL."""

from typing import Annotated, Any
from uuid import UUID

import strawberry

from handover import commands
from handover.models import Telling
from handover.queries import settings
from schema.context import Info
from schema.directory import Staff, staff_of
from schema.fields import field, mutation
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, read_id, shown_as
from schema.versioned import Versioned

strawberry.enum(
    Telling,
    name="LeaverTelling",
    description="Whether a leaver's own phone says that they are leaving, as long as their access is open.",
)


@strawberry.type(description="How a brand hands over (交接设置).")
class HandoverSetting(Versioned):
    capacity: int = strawberry.field(
        description="How many relationships a guide takes on at most, together with what they hold: 1 to 50,000."
    )
    undo_hours: int = strawberry.field(description="How long after its approval a handover can be undone: 0 to 720.")
    telling: Telling
    welcomes_a_day: int = strawberry.field(description="Welcome tasks for one takeover guide and day: 1 to 200.")
    reveals_an_hour: int = strawberry.field(
        description="How many phones one person reveals in an hour before the manager hears of it: 1 to 59."
    )
    exports_a_day: int = strawberry.field(description="The same for exports in a day: 1 to 1,000.")
    deletions_an_hour: int = strawberry.field(description="The same for deletions in an hour: 1 to 1,000.")


@strawberry.input(description="What is to be different. What is left out stays.")
class HandoverSettingInput:
    capacity: int | None = strawberry.field(default=None, description="1 to 50,000.")
    undo_hours: int | None = strawberry.field(default=None, description="0 to 720.")
    telling: Telling | None = None
    welcomes_a_day: int | None = strawberry.field(default=None, description="1 to 200.")
    reveals_an_hour: int | None = strawberry.field(default=None, description="1 to 59.")
    exports_a_day: int | None = strawberry.field(default=None, description="1 to 1,000.")
    deletions_an_hour: int | None = strawberry.field(default=None, description="1 to 1,000.")


@strawberry.type(description="How many relationships one guide holds at most, where it isn't as many as everybody.")
class TakeoverCapacity(Versioned):
    capacity: int = strawberry.field(description="0 to 50,000; 0 takes nobody on.")
    staff_id: strawberry.Private[UUID]

    @field("The guide.")
    async def staff(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)


@strawberry.type(description="How the brand hands over after the change.")
class HandoverSettingsChanged:
    setting: HandoverSetting | None = seen()
    places: list[Place] = told()


@strawberry.type(description="What is said of the guide after the change.")
class TakeoverCapacityChanged:
    capacity: TakeoverCapacity | None = strawberry.field(
        description="Null if they hold as many as everybody, or are out of your sight by now."
    )
    places: list[Place] = told()


HandoverSettingsResult = Annotated[HandoverSettingsChanged | Problem, strawberry.union("HandoverSettingsResult")]
TakeoverCapacityResult = Annotated[TakeoverCapacityChanged | Problem, strawberry.union("TakeoverCapacityResult")]


async def _current(info: Info, _setting_id: UUID) -> Any:
    async with info.context.read() as session:
        return await settings.row_of(session, info.context.actor.brand_id)


async def _capacity(info: Info, staff_id: UUID) -> Any:
    return await info.context.load(settings.capacity_by_staff, staff_id)


@strawberry.type
class HandoverSettingQueries:
    @field("How the brand hands over; `version` is 0 where nobody has said anything yet.")
    async def handover_settings(self, info: Info) -> HandoverSetting:
        async with info.context.read() as session:
            return shown_as(HandoverSetting, await settings.setting_of(session, info.context.actor.brand_id))

    @field("The guides in sight who take on another number than everybody, by their number; at most 100 a page.")
    async def takeover_capacities(
        self, info: Info, first: int = 20, after: Cursor | None = None
    ) -> Connection[TakeoverCapacity]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await settings.capacities(session, info.context.actor, page)
        return connection(TakeoverCapacity, rows, page, lambda row: (row.number, row.id))


@strawberry.type
class HandoverSettingMutations:
    @mutation(
        "Hand over differently in what is named; for HQ. `expectedVersion` is 0 where nobody has said anything yet: "
        "`FORBIDDEN`, `STALE_VERSION`, `INVALID`.",
        edited=(HandoverSetting, _current),
    )
    async def set_handover_settings(
        self,
        info: Info,
        input: HandoverSettingInput,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> HandoverSettingsResult:
        changes: Any = {name: value for name, value in vars(input).items() if value is not None}
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.set_handover_settings(work, expected_version=expected_version, **changes),
        )
        async with info.context.read() as session:
            setting = await settings.setting_of(session, info.context.actor.brand_id)
        return HandoverSettingsChanged(setting=shown_as(HandoverSetting, setting), places=done.places)

    @mutation(
        "Let a guide hold at most so many relationships; null is as many as everybody. For whoever stands above them; "
        "`expectedVersion` is 0 where nothing was said of them yet: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, "
        "`INVALID`.",
        edited=(TakeoverCapacity, _capacity),
    )
    async def set_takeover_capacity(
        self,
        info: Info,
        staff_id: strawberry.ID,
        capacity: int | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TakeoverCapacityResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.set_takeover_capacity(
                work, read_id(staff_id), capacity=capacity, expected_version=expected_version
            ),
        )
        row = await _capacity(info, done.id)
        return TakeoverCapacityChanged(
            capacity=None if row is None else shown_as(TakeoverCapacity, row), places=done.places
        )
