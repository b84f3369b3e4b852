"""Arranging regions and stores."""

from collections.abc import Sequence
from typing import Annotated

import strawberry

from customers import commands as customers
from directory import commands
from directory.commands.stores import StoreChanges
from schema.context import Act, Info
from schema.directory.types import Region, Store, region_of, store_of
from schema.fields import mutation
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import given_id, read_id


@strawberry.type(description="The region as it is after the change.")
class RegionChanged:
    region: Region | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The store as it is after the change.")
class StoreChanged:
    store: Store | None = seen()
    places: list[Place] = told()


RegionResult = Annotated[RegionChanged | Problem, strawberry.union("RegionResult")]
StoreResult = Annotated[StoreChanged | Problem, strawberry.union("StoreResult")]


@strawberry.input(description="When a store is open on one day of the week, on the clock of the store.")
class OpeningHoursInput:
    opens: str = strawberry.field(description="From when, as in `10:00`.")
    closes: str = strawberry.field(description="Until when, as in `22:00`, later than `opens`; `24:00` is midnight.")


Week = list[OpeningHoursInput | None]


@strawberry.type
class PlaceMutations:
    @mutation(
        "Add a region below another, or at the top: `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `CODE_TAKEN`, "
        "`REGION_TOO_DEEP`."
    )
    async def add_region(
        self,
        info: Info,
        code: str,
        name: str,
        parent_id: strawberry.ID | None = None,
        idempotency_key: str | None = None,
    ) -> RegionResult:
        return await _region(
            info,
            idempotency_key,
            lambda work: commands.add_region(work, code=code, name=name, parent_id=given_id(parent_id)),
        )

    @mutation(
        "Give a region another name: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.", edited=(Region, region_of)
    )
    async def rename_region(
        self,
        info: Info,
        id: strawberry.ID,
        name: str,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> RegionResult:
        return await _region(
            info,
            idempotency_key,
            lambda work: commands.rename_region(work, read_id(id), name=name, expected_version=expected_version),
        )

    @mutation(
        "Hang a region, with all below it, under another, or at the top without `parentId`: `NOT_FOUND`, "
        "`FORBIDDEN`, `STALE_VERSION`, `REGION_CYCLE`, `REGION_TOO_DEEP`.",
        edited=(Region, region_of),
    )
    async def move_region(
        self,
        info: Info,
        id: strawberry.ID,
        parent_id: strawberry.ID | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> RegionResult:
        return await _region(
            info,
            idempotency_key,
            lambda work: commands.move_region(
                work, read_id(id), parent_id=given_id(parent_id), expected_version=expected_version
            ),
        )

    @mutation(
        "Open a store, with its public account. `openingHours` has seven entries from Monday on, null for a day when "
        "it is shut: `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `CODE_TAKEN`, `BAD_TIME_ZONE`, `BAD_OPENING_HOURS`."
    )
    async def open_store(
        self,
        info: Info,
        region_id: strawberry.ID,
        code: str,
        name: str,
        time_zone: str,
        opening_hours: Week,
        city: str | None = None,
        idempotency_key: str | None = None,
    ) -> StoreResult:
        return await _store(
            info,
            idempotency_key,
            lambda work: commands.open_store(
                work,
                region_id=read_id(region_id),
                code=code,
                name=name,
                city=city,
                time_zone=time_zone,
                opening_hours=_hours(opening_hours),
            ),
        )

    @mutation(
        "Change what is given of a store; `city: null` forgets the city: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, "
        "`INVALID`, `BAD_TIME_ZONE`, `BAD_OPENING_HOURS`.",
        edited=(Store, store_of),
    )
    async def edit_store(
        self,
        info: Info,
        id: strawberry.ID,
        name: str | None = None,
        city: strawberry.Maybe[str | None] = None,
        time_zone: str | None = None,
        opening_hours: Week | None = None,
        region_id: strawberry.ID | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> StoreResult:
        changes = StoreChanges()
        if name is not None:
            changes["name"] = name
        if city is not None:
            changes["city"] = city.value
        if time_zone is not None:
            changes["time_zone"] = time_zone
        if opening_hours is not None:
            changes["opening_hours"] = _hours(opening_hours)
        if region_id is not None:
            changes["region_id"] = read_id(region_id)
        return await _store(
            info,
            idempotency_key,
            lambda work: commands.edit_store(work, read_id(id), expected_version=expected_version, **changes),
        )

    @mutation(
        "Close a store where nobody works and nothing is held any more: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, "
        "`STORE_CLOSED`, `STORE_STAFFED`, `STILL_HOLDS`.",
        edited=(Store, store_of),
    )
    async def close_store(
        self,
        info: Info,
        id: strawberry.ID,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> StoreResult:
        return await _store(
            info,
            idempotency_key,
            lambda work: customers.close_store(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Trade again in a closed store: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `STORE_OPEN`.",
        edited=(Store, store_of),
    )
    async def reopen_store(
        self,
        info: Info,
        id: strawberry.ID,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> StoreResult:
        return await _store(
            info,
            idempotency_key,
            lambda work: commands.reopen_store(work, read_id(id), expected_version=expected_version),
        )


async def _region(info: Info, key: str | None, act: Act) -> RegionChanged:
    done = await info.context.mutate(info, key, act)
    return RegionChanged(region=await region_of(info, done.id), places=done.places)


async def _store(info: Info, key: str | None, act: Act) -> StoreChanged:
    done = await info.context.mutate(info, key, act)
    return StoreChanged(store=await store_of(info, done.id), places=done.places)


def _hours(week: Week) -> Sequence[tuple[str, str] | None]:
    return [(day.opens, day.closes) if day else None for day in week]
