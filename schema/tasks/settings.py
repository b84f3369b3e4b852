"""How stores plan, in GraphQL."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

import strawberry

from schema.context import Act, Info
from schema.directory import Store, store_of
from schema.fields import field, mutation
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import given_id, read_id, shown_as, sought_id
from schema.versioned import Versioned
from tasks.commands import settings as commands
from tasks.queries import settings as queries


@strawberry.type(description="How a store plans whom its guides turn to (回访设置). Times are on the store's clock.")
class PlanSetting(Versioned):
    is_on: bool = strawberry.field(description="Whether plans are made.")
    plans_at: str = strawberry.field(description="When a day's plan is made, as in `06:00`.")
    due_by: str = strawberry.field(description="By when what is planned is due, as in `18:00`.")
    quiet_from: str = strawberry.field(description="From when on no phone makes itself heard, but for emergencies.")
    quiet_until: str = strawberry.field(description="Until when; may be behind midnight. As `quietFrom`: never quiet.")
    quota: int = strawberry.field(description="How many planned tasks a guide gets a day at most, 0 to 50.")
    cool_down_days: int = strawberry.field(description="For how many days a customer is left in peace, 1 to 365.")
    escalates_after_hours: int = strawberry.field(
        description="How long after it was due a manager hears of it, 1 to 168."
    )
    expires_after_days: int = strawberry.field(description="How many days later a task ends by itself, 1 to 30.")
    influence_days: int = strawberry.field(
        description="For how many days after a task orders count as influenced by it, never as caused, 1 to 90."
    )
    store_id: strawberry.Private[UUID | None]

    @field("The store that says so for itself; null where it is how the brand's stores plan.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)


@strawberry.input(description="How a store is to plan. What is left out stays as it is at present.")
class PlanSettingInput:
    is_on: bool | None = None
    plans_at: str | None = strawberry.field(default=None, description="`HH:MM`, from 00:00 to 23:59; so the others.")
    due_by: str | None = None
    quiet_from: str | None = None
    quiet_until: str | None = None
    quota: int | None = strawberry.field(default=None, description="0 to 50.")
    cool_down_days: int | None = strawberry.field(default=None, description="1 to 365.")
    escalates_after_hours: int | None = strawberry.field(default=None, description="1 to 168.")
    expires_after_days: int | None = strawberry.field(default=None, description="1 to 30.")
    influence_days: int | None = strawberry.field(default=None, description="1 to 90.")


@strawberry.type(description="How it is planned after the change.")
class PlanSettingChanged:
    setting: PlanSetting | None = seen()
    places: list[Place] = told()


PlanSettingResult = Annotated[PlanSettingChanged | Problem, strawberry.union("PlanSettingResult")]


async def _setting_by_id(info: Info, setting_id: UUID) -> PlanSetting | None:
    return shown_as(PlanSetting, await info.context.load(queries.by_ids, setting_id))


@strawberry.type
class SettingQueries:
    @field(
        "How a store plans at present: as it says for itself, or else as the brand does; null if it isn't in sight. "
        "Without a store, as the brand does. `version` is 0 where nobody has said anything yet."
    )
    async def plan_setting(self, info: Info, store_id: strawberry.ID | None = None) -> PlanSetting | None:
        if store_id is None:
            return await _setting(info, None)
        store = await store_of(info, sought_id(store_id))
        return await _setting(info, UUID(str(store.id))) if store else None


@strawberry.type
class SettingMutations:
    @mutation(
        "Say how a store plans, for managers who have it in sight; without a store how those of the brand do that "
        "don't say so for themselves, for HQ. `expectedVersion` is that of the setting at present. Refused with "
        "`NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.",
        edited=(PlanSetting, _setting_by_id),
    )
    async def set_plan_setting(
        self,
        info: Info,
        input: PlanSettingInput,
        store_id: strawberry.ID | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> PlanSettingResult:
        changes: Any = {name: value for name, value in asdict(input).items() if value is not None}
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.set_plan_setting(
                work, given_id(store_id), expected_version=expected_version, **changes
            ),
        )

    @mutation(
        "Let a store plan as the brand does again. For managers who have it in sight: `NOT_FOUND` (also where it says "
        "nothing for itself), `FORBIDDEN`, `STALE_VERSION`.",
        edited=(PlanSetting, _setting_by_id),
    )
    async def drop_plan_setting(
        self,
        info: Info,
        store_id: strawberry.ID,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> PlanSettingResult:
        return await _changed(
            info,
            idempotency_key,
            lambda work: commands.drop_plan_setting(work, read_id(store_id), expected_version=expected_version),
        )


async def _setting(info: Info, store_id: UUID | None) -> PlanSetting:
    async with info.context.read() as session:
        return shown_as(PlanSetting, await queries.setting_of(session, info.context.actor.brand_id, store_id))


async def _changed(info: Info, key: str | None, act: Act) -> PlanSettingChanged:
    done = await info.context.mutate(info, key, act)
    # What is usual is no row: it goes by the brand's id.
    is_usual = done.id == info.context.actor.brand_id
    setting = await _setting(info, None) if is_usual else await _setting_by_id(info, done.id)
    return PlanSettingChanged(setting=setting, places=done.places)
