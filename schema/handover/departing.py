"""Say that somebody is leaving, and take it back."""

from datetime import date

import strawberry

from directory import commands as directory
from handover.commands import departing
from schema.context import Info
from schema.directory import Staff, staff_of
from schema.directory.people import StaffResult, staff_changed
from schema.fields import mutation
from schema.scalars import read_id


@strawberry.type
class DepartingMutations:
    @mutation(
        "Note that somebody is leaving (离职): they get no new customers from now on, and look after what they hold "
        "until access is closed, by `closeAccess` or by itself when `lastDay` is over in their store. Asked again it "
        "changes the last day. For managers above them: `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`, `STALE_VERSION`, "
        "`INVALID`, `ACCESS_CLOSED`.",
        edited=(Staff, staff_of),
    )
    async def mark_leaving(
        self,
        info: Info,
        id: strawberry.ID,
        last_day: date | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> StaffResult:
        return await staff_changed(
            info,
            idempotency_key,
            lambda work: directory.begin_leaving(
                work, read_id(id), last_day=last_day, expected_version=expected_version
            ),
        )

    @mutation(
        "Let somebody stay after all whose access is open; a draft of their handover is cancelled. For managers above "
        "them: `NOT_FOUND`, `FORBIDDEN`, `OWN_ACCESS`, `STALE_VERSION`, `ACCESS_CLOSED`, `NOT_LEAVING`, "
        "`HANDOVER_IN_FLIGHT` once it is approved.",
        edited=(Staff, staff_of),
    )
    async def withdraw_leaving(
        self,
        info: Info,
        id: strawberry.ID,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> StaffResult:
        return await staff_changed(
            info,
            idempotency_key,
            lambda work: departing.withdraw_leaving(work, read_id(id), expected_version=expected_version),
        )
