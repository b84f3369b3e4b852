"""Managing staff."""

from typing import Annotated

import strawberry

from customers import commands as customers
from directory import commands
from handover.commands import departing
from kernel.actor import Role
from schema.context import Act, Info
from schema.directory.types import Staff, staff_of
from schema.fields import mutation
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import given_id, read_id


@strawberry.type(description="The staff member as they are after the change.")
class StaffChanged:
    staff: Staff | None = seen()
    places: list[Place] = told()


StaffResult = Annotated[StaffChanged | Problem, strawberry.union("StaffResult")]


@strawberry.type
class StaffMutations:
    @mutation(
        "Take somebody on: a guide or store manager into a store, a regional manager for a region. Without a password "
        "of 8 to 128 characters they can't sign in until one is set: `NOT_FOUND`, `FORBIDDEN`, `INVALID`, "
        "`CODE_TAKEN`, `PLACE_MISMATCH`, `STORE_CLOSED`, `PASSWORD_LENGTH`."
    )
    async def hire_staff(
        self,
        info: Info,
        number: str,
        name: str,
        role: Role,
        store_id: strawberry.ID | None = None,
        region_id: strawberry.ID | None = None,
        password: str | None = None,
        idempotency_key: str | None = None,
    ) -> StaffResult:
        info.context.actor  # noqa: B018 - nobody who isn't signed in may keep a core busy with hashing
        password_hash = await commands.hashed(password) if password is not None else None
        return await staff_changed(
            info,
            idempotency_key,
            lambda work: commands.hire(
                work,
                number=number,
                name=name,
                role=role,
                store_id=given_id(store_id),
                region_id=given_id(region_id),
                password_hash=password_hash,
            ),
        )

    @mutation(
        "Correct somebody's name: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.", edited=(Staff, staff_of)
    )
    async def rename_staff(
        self,
        info: Info,
        id: strawberry.ID,
        name: str,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> StaffResult:
        return await staff_changed(
            info,
            idempotency_key,
            lambda work: commands.rename(work, read_id(id), name=name, expected_version=expected_version),
        )

    @mutation(
        "Give somebody who holds no relationship another role or place: `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`, "
        "`STALE_VERSION`, `PLACE_MISMATCH`, `STORE_CLOSED`, `ACCESS_CLOSED`, `STILL_HOLDS`.",
        edited=(Staff, staff_of),
    )
    async def move_staff(
        self,
        info: Info,
        id: strawberry.ID,
        role: Role,
        store_id: strawberry.ID | None = None,
        region_id: strawberry.ID | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> StaffResult:
        return await staff_changed(
            info,
            idempotency_key,
            lambda work: customers.move_staff(
                work,
                read_id(id),
                role=role,
                store_id=given_id(store_id),
                region_id=given_id(region_id),
                expected_version=expected_version,
            ),
        )

    @mutation(
        "Set somebody's password, 8 to 128 characters; whoever is signed in as them has to sign in again: "
        "`NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `PASSWORD_LENGTH`.",
        edited=(Staff, staff_of),
    )
    async def reset_password(
        self,
        info: Info,
        id: strawberry.ID,
        password: str,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> StaffResult:
        info.context.require_staff()
        password_hash = await commands.hashed(password)
        return await staff_changed(
            info,
            idempotency_key,
            lambda work: commands.reset_password(
                work, read_id(id), password_hash=password_hash, expected_version=expected_version
            ),
        )

    @mutation(
        "Shut somebody out at once, whatever they hold. They are `LEAVING` until it has gone to others, then "
        "`DEPARTED`: `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`, `STALE_VERSION`, `ACCESS_CLOSED`.",
        edited=(Staff, staff_of),
    )
    async def close_access(
        self,
        info: Info,
        id: strawberry.ID,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> StaffResult:
        return await staff_changed(
            info,
            idempotency_key,
            lambda work: customers.close_access(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Take a leave back, or hire somebody again in the role and place they had: `NOT_FOUND`, `FORBIDDEN`, "
        "`OWN_ACCESS`, `STALE_VERSION`, `ACCESS_OPEN`, `STORE_CLOSED`, `HANDOVER_IN_FLIGHT`; a handover of theirs that "
        "isn't approved yet is cancelled.",
        edited=(Staff, staff_of),
    )
    async def reopen_access(
        self,
        info: Info,
        id: strawberry.ID,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> StaffResult:
        return await staff_changed(
            info,
            idempotency_key,
            lambda work: departing.reopen_access(work, read_id(id), expected_version=expected_version),
        )


async def staff_changed(info: Info, key: str | None, act: Act) -> StaffChanged:
    """The answer of a mutation that changes somebody who works here."""
    done = await info.context.mutate(info, key, act)
    return StaffChanged(staff=await staff_of(info, done.id), places=done.places)
