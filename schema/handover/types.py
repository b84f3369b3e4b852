"""A handover as GraphQL shows it, and what it does with each relationship."""

from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from directory.queries import stores
from handover.models import HandoverKind, HandoverState, HeldHere, ItemReason, LinkedThere, Strategy
from handover.queries import handovers, settlements
from schema.context import Info
from schema.customers import Relationship, relationship_of
from schema.directory import Account, Staff, Store, account_of, staff_of, store_of
from schema.fields import field
from schema.handover.ledger import HandoverLedgerLine, HandoverViolation, lines_of, violations_of
from schema.handover.plan_types import HandoverBecause, HandoverPlan, because_of, plan_of
from schema.handover.settling_types import HandoverAttempt, HandoverSettlement, settlement_of
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, sought_id
from schema.versioned import Versioned

MOST_ATTEMPTS = 10

strawberry.enum(HandoverKind, description="Why: somebody leaves, works elsewhere from now on, or a store closes.")
strawberry.enum(
    HandoverState,
    description="draft → approved → moving ⇄ paused → settling → done; or cancelled before it moves; or undone. "
    "Settling: all has moved here, and the partner hasn't answered for all of it yet.",
)
strawberry.enum(Strategy, description="How takeover guides are chosen.")
strawberry.enum(
    ItemReason,
    description="Why a relationship goes where it goes. OVERFLOW: nobody who could take it had room. FALLBACK: the "
    "guide of the plan couldn't take it any more. GIVEN_BACK: a handover is undone.",
)
strawberry.enum(
    HeldHere,
    description="Where a relationship of a handover stands here. ELSEWHERE: it wasn't the leaver's any more when its "
    "turn came. KEPT: it was to be given back, and somebody has acted since.",
)


@strawberry.type(description="How many relationships of a handover are in which state here.")
class HandoverProgress:
    total: int
    pending: int
    moved: int
    elsewhere: int
    kept: int
    undone: int


@strawberry.type(description="What a handover does with one relationship.")
class HandoverItem:
    reason: ItemReason | None = strawberry.field(description="Null until the plan is made.")
    score: int = strawberry.field(description="How much speaks for the takeover account, in thousandths.")
    here: HeldHere
    there: LinkedThere
    moved_at: datetime | None = strawberry.field(description="In UTC.")
    why: str | None = strawberry.field(description="A code that says why it is elsewhere, or was kept.")
    is_merged: bool = strawberry.field(description="Whether the customer was known in the successor store already.")
    handover_id: strawberry.Private[UUID]
    relationship_id: strawberry.Private[UUID]
    successor_id: strawberry.Private[UUID | None]
    from_account_id: strawberry.Private[UUID]
    to_account_id: strawberry.Private[UUID | None]

    @field("What spoke for the takeover account, in numbers.")
    async def because(self, info: Info) -> HandoverBecause:
        row: Any = self
        return because_of(row.because)

    @field("The relationship; null while it is out of sight, and once it has ended with its store.")
    async def relationship(self, info: Info) -> Relationship | None:
        return await relationship_of(info, self.relationship_id)

    @field("Where a store closes, the relationship that it goes on in; null before it does, and while out of sight.")
    async def successor(self, info: Info) -> Relationship | None:
        return await relationship_of(info, self.successor_id)

    @field("Who held it when the handover started.")
    async def from_account(self, info: Info) -> Account | None:
        return await account_of(info, self.from_account_id)

    @field("Who takes it over; null until the plan is made.")
    async def to_account(self, info: Info) -> Account | None:
        return await account_of(info, self.to_account_id)

    @field("What was tried at the partner, the newest first, at most 10.")
    async def attempts(self, info: Info) -> list[HandoverAttempt]:
        found: list[HandoverAttempt] = await info.context.load(
            settlements.of_items, (self.handover_id, self.relationship_id), most=MOST_ATTEMPTS
        )
        return found


@strawberry.type(description="Somebody's relationships, tasks and open work going to others (交接 / 离职继承).")
class Handover(Versioned):
    kind: HandoverKind
    state: HandoverState
    strategy: Strategy
    planned_at: datetime | None = strawberry.field(description="Null while the plan is being made. In UTC.")
    started_at: datetime = strawberry.field(description="In UTC.")
    approved_at: datetime | None
    moved_at: datetime | None = strawberry.field(description="When the last relationship had moved here.")
    ended_at: datetime | None = strawberry.field(description="When it was done, cancelled or undone.")
    undo_until: datetime | None = strawberry.field(
        description="Until when it can be undone; while it is paused, also later."
    )
    staff_id: strawberry.Private[UUID | None]
    store_id: strawberry.Private[UUID | None]
    started_by_id: strawberry.Private[UUID | None]
    approved_by_id: strawberry.Private[UUID | None]
    undoes_id: strawberry.Private[UUID | None]

    @field("The plan in total; null while it is being made.")
    async def plan(self, info: Info) -> HandoverPlan | None:
        row: Any = self
        return plan_of(row.plan) if row.planned_at else None

    @field("The leaver; null where a store closes.")
    async def staff(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)

    @field("Where the leaver works, or the store that closes.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field(
        "How many people still work in a store that closes; null for other kinds. A closing dismisses nobody: while "
        "there are any the store stays open, without customers, though the handover is done. Once they have been moved "
        "(`moveStaff`), or have left, `closeStore` closes it."
    )
    async def still_at_work(self, info: Info) -> int | None:
        if self.kind is not HandoverKind.CLOSING or self.store_id is None:
            return None
        count: int = await info.context.load(stores.staffed, self.store_id)
        return count

    @field("Who started it; null for the product itself.")
    async def started_by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.started_by_id)

    @field("Who approved it.")
    async def approved_by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.approved_by_id)

    @field("The handover that this one gives back.")
    async def undoes(self, info: Info) -> "Handover | None":
        return await handover_of(info, self.undoes_id)

    @field(
        "Where its signed report is, as JSON; the workbook ends with `.xlsx`. For whoever sees it, with their token."
    )
    async def report_url(self, info: Info) -> str:
        return f"{info.context.public_url}/files/handovers/{self.id}.json"

    @field("How far it has come, in the stores in sight.")
    async def progress(self, info: Info) -> HandoverProgress:
        counted = await info.context.load(progress_of, UUID(str(self.id)))
        return HandoverProgress(
            total=sum(counted.values()),
            pending=counted.get(HeldHere.PENDING, 0),
            moved=counted.get(HeldHere.MOVED, 0),
            elsewhere=counted.get(HeldHere.ELSEWHERE, 0),
            kept=counted.get(HeldHere.KEPT, 0),
            undone=counted.get(HeldHere.UNDONE, 0),
        )

    @field("How far it has come at the partner, in the stores in sight; nothing is asked before all has moved here.")
    async def settlement(self, info: Info) -> HandoverSettlement:
        return settlement_of(await info.context.load(settlements.settlements, UUID(str(self.id))))

    @field(
        "Where each thing is that was held at the start, or came since, counted from the things themselves; of the "
        "first 10 handovers of a request, null of the others."
    )
    async def ledger(self, info: Info) -> list[HandoverLedgerLine] | None:
        found: list[HandoverLedgerLine] | None = await info.context.load(lines_of, UUID(str(self.id)))
        return found

    @field("What is wrong with it, if anything; of the first 10 handovers of a request, null of the others.")
    async def violations(self, info: Info) -> list[HandoverViolation] | None:
        found: list[HandoverViolation] | None = await info.context.load(violations_of, UUID(str(self.id)))
        return found

    @field("What it does with each relationship in the stores in sight, by its id; at most 100 a page.")
    async def items(
        self,
        info: Info,
        to_account_id: strawberry.ID | None = None,
        here: HeldHere | None = None,
        there: LinkedThere | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[HandoverItem]:
        page = page_of(first, after)
        narrowed = handovers.ItemFilter(to_account_id=sought_id(to_account_id), here=here, there=there)
        async with info.context.read() as session:
            rows = await handovers.items(session, info.context.actor, UUID(str(self.id)), page, narrowed)
        return connection(HandoverItem, rows, page, lambda row: (row.relationship_id,))


@strawberry.type
class HandoverReading:
    @field("A handover; null if it isn't in sight.")
    async def handover(self, info: Info, id: strawberry.ID) -> Handover | None:
        return await handover_of(info, sought_id(id))

    @field("The handovers of the stores that the viewer answers for, the newest first; at most 100 a page.")
    async def handovers(
        self,
        info: Info,
        states: list[HandoverState] | None = None,
        staff_id: strawberry.ID | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[Handover]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await handovers.page(
                session,
                info.context.actor,
                page,
                states=states or (),
                staff_id=sought_id(staff_id),
            )
        return connection(Handover, rows, page, lambda row: (row.started_at, row.id))


async def handover_of(info: Info, handover_id: UUID | None) -> Handover | None:
    """The handover, if it is in sight."""
    if handover_id is None:
        return None
    found: Handover | None = await info.context.load(handovers.by_ids, handover_id)
    return found


async def progress_of(session: Any, actor: Any, handover_ids: list[UUID]) -> dict[UUID, dict[HeldHere, int]]:
    """As the loader asks for it; the handovers are in sight already."""
    return await handovers.progress(session, actor, handover_ids)
