"""Tasks as GraphQL shows them."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from mall.queries import orders
from schema.context import Info
from schema.customers import Customer, Relationship, customer_of, relationship_of
from schema.directory import Account, Staff, Store, account_of, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field
from schema.paging import page_of
from schema.scalars import Fen, shown_as
from schema.versioned import Versioned
from tagging.queries import library
from tasks.models import Outcome, SkipReason, StepKind, TaskKind, TaskSource, TaskState
from tasks.queries import campaigns, history, influence
from tasks.queries import tasks as queries
from tasks.queries.tasks import TaskOrder

if TYPE_CHECKING:
    from schema.mall.types import Order
    from schema.tagging import Tag

# Types of modules beside this one, which is imported by what is further down.
_ORDER = Annotated["Order", strawberry.lazy("schema.mall.types")]
_TAG = Annotated["Tag", strawberry.lazy("schema.tagging")]

strawberry.enum(TaskKind, description="What a task is about.")
strawberry.enum(
    TaskState,
    description="`PENDING` until it is `DONE`; `SKIPPED`, with a reason; `EXPIRED`, of no use any more; or "
    "`CANCELLED`, taken back. All but the first are for good. A task that moves to somebody else stays pending.",
)
strawberry.enum(TaskSource, description="Who or what made the task.")
strawberry.enum(Outcome, description="What came of contacting the customer.")
strawberry.enum(SkipReason, description="Why a task was not carried out; `OTHER` needs a remark.")
strawberry.enum(StepKind, name="TaskStepKind", description="What happened to a task.")
strawberry.enum(TaskOrder, description="Soonest due first; highest priority first, then soonest due; or newest first.")


@strawberry.type(description="A line of a task's history. Tasks of earlier times have no lines of what came before.")
class TaskStep:
    id: strawberry.ID
    kind: StepKind
    at: datetime = strawberry.field(description="In UTC.")
    until: datetime | None = strawberry.field(description="With `SNOOZED`, until when it was put off, in UTC.")
    by_staff_id: strawberry.Private[UUID | None]
    from_account_id: strawberry.Private[UUID | None]
    to_account_id: strawberry.Private[UUID | None]

    @field("Who did it; null where a machine did, and for whoever is out of sight.")
    async def by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.by_staff_id)

    @field("With `MOVED`, the account that kept it until then.")
    async def from_account(self, info: Info) -> Account | None:
        return await account_of(info, self.from_account_id)

    @field("With `MOVED`, the account that has kept it since.")
    async def to_account(self, info: Info) -> Account | None:
        return await account_of(info, self.to_account_id)


@strawberry.type(
    description="Orders that the customer placed soon after somebody had turned to them: influenced by the task, never "
    "caused by it. What customers do who are left alone is told by a campaign's control group."
)
class TaskInfluence:
    orders: int = strawberry.field(
        description="Orders in any store, placed at the moment of the contact or within `withinDays` times 24 hours "
        "after it, and not cancelled. Of several contacts the last one before an order has it."
    )
    amount: Fen = strawberry.field(description="What they amount to, less what was given back on them.")
    currency: str
    within_days: int = strawberry.field(description="As the setting of the task's store says today.")


@strawberry.type(description="Something for somebody to do (待办 / 回访).")
class Task(Versioned):
    kind: TaskKind
    title: str = strawberry.field(description="What to do, in 1 to 100 characters.")
    reason: str | None = strawberry.field(description="Why, in words that the keeper understands.")
    suggested_words: str | None = strawberry.field(description="What could be said to the customer.")
    priority: int = strawberry.field(description="From 0 (whenever) to 100 (now).")
    due_at: datetime = strawberry.field(description="When it is due, in UTC.")
    snoozed_until: datetime | None = strawberry.field(description="Until when it is out of sight, in UTC.")
    state: TaskState
    source: TaskSource
    outcome: Outcome | None
    outcome_remark: str | None = strawberry.field(description="What was said when it was closed.")
    created_at: datetime = strawberry.field(description="In UTC.")
    closed_at: datetime | None = strawberry.field(description="When it was closed, in whichever way, in UTC.")
    alert_at: datetime | None = strawberry.field(
        description="From when on a phone may make itself heard of it, in UTC: out of the store's quiet hours, unless "
        "the priority is 100. Null: as soon as it comes."
    )
    seen_at: datetime | None = strawberry.field(description="When whoever keeps it first opened it, in UTC.")
    escalates_at: datetime | None = strawberry.field(description="When it comes before the manager, in UTC.")
    escalated_at: datetime | None = strawberry.field(description="When it came before the manager, in UTC.")
    expires_at: datetime | None = strawberry.field(description="When it ends by itself, in UTC; null: never.")
    skip_reason: SkipReason | None = strawberry.field(description="With `SKIPPED`, why; `outcomeRemark` may say more.")
    rule_id: strawberry.ID | None = strawberry.field(description="The revisit rule that asked for it.")
    campaign_id: strawberry.ID | None = strawberry.field(description="The campaign that it is of.")
    store_id: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID | None]
    tag_id: strawberry.Private[UUID | None]
    relationship_id: strawberry.Private[UUID | None]
    account_id: strawberry.Private[UUID]
    created_by_id: strawberry.Private[UUID | None]
    closed_by_id: strawberry.Private[UUID | None]
    closed_by_order_id: strawberry.Private[UUID | None]

    @field("The customer it is about; null if it is about nobody in particular.")
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info, self.customer_id)

    @field(
        "The tag to check, where that is what there is to do: `confirmTags`, or another answer, closes the task.",
        graphql_type=_TAG | None,
    )
    async def tag(self, info: Info) -> Any:
        return await info.context.load(library.by_ids, self.tag_id) if self.tag_id else None

    @field("The relationship it is about; null if it is about nobody in particular.")
    async def relationship(self, info: Info) -> Relationship | None:
        return await relationship_of(info, self.relationship_id)

    @field("The account that keeps it.")
    async def keeper(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)

    @field("The store it belongs to.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field(f"Who made it, if it was a person; {OUT_OF_SIGHT}.")
    async def created_by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.created_by_id)

    @field(f"Who closed it, if it was a person; {OUT_OF_SIGHT}.")
    async def closed_by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.closed_by_id)

    @field(
        "The purchase that settled it; null where it was closed otherwise, and while the order is out of sight.",
        graphql_type=_ORDER | None,
    )
    async def closed_by_order(self, info: Info) -> Any:
        return await info.context.load(orders.by_ids, self.closed_by_order_id) if self.closed_by_order_id else None

    @field("What the campaign is called that it is of.")
    async def campaign_name(self, info: Info) -> str | None:
        return await info.context.load(campaigns.names, self.id) if self.campaign_id else None

    @field(
        "What came of it; null unless it is `DONE` with the outcome `REACHED`, `APPOINTMENT` or `BOUGHT`, and by a "
        "person: a purchase that settled it shows nobody's having turned to the customer. Null for who may not read "
        "orders."
    )
    async def influence(self, info: Info) -> TaskInfluence | None:
        found = await info.context.load(influence.by_tasks, self.id) if self.state is TaskState.DONE else None
        return shown_as(TaskInfluence, found) if found else None

    @field("What happened to it, the latest first; 1 to 100 lines.")
    async def history(self, info: Info, first: int = 20) -> list[TaskStep]:
        rows = await info.context.load(history.of_tasks, self.id, most=page_of(first, None).first)
        return shown_as(list[TaskStep], rows or [])


async def task_of(info: Info, task_id: UUID | None) -> Task | None:
    """The task, if there is one in sight."""
    return shown_as(Task, await info.context.load(queries.by_ids, task_id)) if task_id else None
