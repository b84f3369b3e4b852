"""What managers are warned of, and what came of looking into it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from handover.commands import watching as commands
from handover.models import AlertKind
from handover.queries import watching as queries
from schema.context import Info
from schema.directory import Staff, Store, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field, mutation
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, read_id, shown_as
from schema.versioned import Versioned

strawberry.enum(
    AlertKind,
    description="REVEALS: phones looked at in full, in an hour. EXPORTS: files of customers or commission taken away, "
    "in a day. DELETIONS: customers whose phone was changed, who were set to do-not-contact, who lost tags "
    "or a contact at the partner, in an hour.",
)


@strawberry.type(
    description="Somebody did more of something than the work asks for (异常提醒). It may be fine: look into it. A "
    "phone is told to ask anew with a change of the staff member, or of its owner."
)
class Alert(Versioned):
    kind: AlertKind
    count: int = strawberry.field(description="How often it had been done when this was raised.")
    line: int = strawberry.field(description="How often may be done without a word; half of it for who is leaving.")
    since: datetime = strawberry.field(description="From when on it was counted, in UTC.")
    raised_at: datetime = strawberry.field(description="In UTC.")
    settled_at: datetime | None = strawberry.field(description="When somebody had looked into it, in UTC.")
    words: str | None = strawberry.field(description="What came of it.")
    staff_id: strawberry.Private[UUID]
    store_id: strawberry.Private[UUID | None]
    settled_by_id: strawberry.Private[UUID | None]

    @field(f"Who did it; {OUT_OF_SIGHT}.")
    async def staff(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)

    @field("Where they worked then; null for those above stores.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field(f"Who looked into it; {OUT_OF_SIGHT}.")
    async def settled_by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.settled_by_id)


@strawberry.type(description="The alert as it is after the change.")
class AlertChanged:
    alert: Alert | None = seen()
    places: list[Place] = told()


AlertResult = Annotated[AlertChanged | Problem, strawberry.union("AlertResult")]


async def alert_of(info: Info, alert_id: UUID | None) -> Alert | None:
    """The alert, if there is one in sight."""
    return shown_as(Alert, await info.context.load(queries.by_ids, alert_id)) if alert_id else None


@strawberry.type
class AlertQueries:
    @field(
        "What the viewer is warned of, the newest first; at most 100 a page. Store managers read of their guides, "
        "regional managers also of store managers, HQ of all; nobody of themselves. Empty for guides."
    )
    async def alerts(
        self, info: Info, is_settled: bool | None = None, first: int = 20, after: Cursor | None = None
    ) -> Connection[Alert]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.page(session, info.context.actor, page, is_settled=is_settled)
        return connection(Alert, rows, page, lambda row: (row.raised_at, row.id))


@strawberry.type
class AlertMutations:
    @mutation(
        "Say in 1 to 500 characters what came of looking into an alert; its to-do is done with that: `NOT_FOUND`, "
        "`FORBIDDEN`, `STALE_VERSION`, `INVALID`, `ALERT_SETTLED`.",
        edited=(Alert, alert_of),
    )
    async def settle_alert(
        self,
        info: Info,
        id: strawberry.ID,
        words: str,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> AlertResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.settle(work, read_id(id), words=words, expected_version=expected_version),
        )
        return AlertChanged(alert=await alert_of(info, done.id), places=done.places)
