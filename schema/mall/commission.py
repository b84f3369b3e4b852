"""Commission plans in GraphQL: what is paid for what, and from when on."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from mall.commands import commission as commands
from mall.models import CommissionPlanState, CommissionRole
from mall.models.commissioning import Rate
from mall.queries.commission import plans as queries
from mall.queries.commission import previewing
from schema.context import Act, Info
from schema.fields import field, mutation, question
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, Fen, read_id, shown_as, sought_id
from schema.versioned import Versioned

strawberry.enum(
    CommissionRole,
    description="As what somebody earns: `GUIDE`, who has the credit of the order; `STORE_MANAGER`, whoever managed "
    "its store when it was paid.",
)
strawberry.enum(
    CommissionPlanState,
    description="A `DRAFT` pays nothing and may be edited; a `LIVE` plan pays for its days, and is only ever ended.",
)


@strawberry.type(description="What a role earns of a category.")
class CommissionRate:
    role: CommissionRole
    category: str | None = strawberry.field(description="Null is for all categories that have no rate of their own.")
    rate: int = strawberry.field(description="In ten-thousandths: 500 is 5 %. At most 5,000.")


@strawberry.type(description="What is paid for orders of some days (佣金方案). Changes don't tell of it.")
class CommissionPlan(Versioned):
    name: str
    state: CommissionPlanState
    from_day: date = strawberry.field(description="The first day whose payments count, on each store's calendar.")
    until_day: date | None = strawberry.field(description="The last; null as long as it goes on.")
    created_at: datetime
    started_at: datetime | None
    said_rates: strawberry.Private[list[Any]]

    @field("What it pays, one for each role and category; at most 200.")
    async def rates(self) -> list[CommissionRate]:
        return [CommissionRate(**{**each, "role": CommissionRole(each["role"])}) for each in self.said_rates]


@strawberry.input(description="What a role is to earn of a category.")
class CommissionRateInput:
    role: CommissionRole
    category: str | None = strawberry.field(default=None, description="Without one: all that have none of their own.")
    rate: int = strawberry.field(description="In ten-thousandths, 0 to 5,000: 500 is 5 %.")


@strawberry.input(description="A plan as it is written, all of it.")
class CommissionPlanInput:
    name: str = strawberry.field(description="1 to 60 characters.")
    from_day: date
    until_day: date | None = None
    rates: list[CommissionRateInput] = strawberry.field(description="1 to 200, one for each role and category.")


@strawberry.type(description="The plan as it is after the change; null once it is removed.")
class CommissionPlanChanged:
    plan: CommissionPlan | None = seen()
    places: list[Place] = told()


@strawberry.type(description="What a role would have earned of a category.")
class PreviewedCommission:
    role: CommissionRole
    category: str | None
    basis: Fen = strawberry.field(description="What it is worked out of: goods less discounts and refunds.")
    amount: Fen


@strawberry.type(description="What a plan would have paid for orders of the past, as they are by now.")
class CommissionPreview:
    orders: int
    amount: Fen = strawberry.field(description="What all would have earned.")
    sums: list[PreviewedCommission] = strawberry.field(description="By role and category; they add up to it.")


CommissionPlanResult = Annotated[CommissionPlanChanged | Problem, strawberry.union("CommissionPlanResult")]
CommissionPreviewResult = Annotated[CommissionPreview | Problem, strawberry.union("CommissionPreviewResult")]


async def plan_of(info: Info, plan_id: UUID | None) -> CommissionPlan | None:
    """The plan, if it is in sight."""
    return shown_as(CommissionPlan, await info.context.load(queries.by_ids, plan_id)) if plan_id else None


@strawberry.type
class CommissionPlanQueries:
    @field(
        "Commission plans, those that begin last first: all for HQ, the live ones for whoever is paid by them. At most "
        "100 a page."
    )
    async def commission_plans(
        self, info: Info, first: int = 20, after: Cursor | None = None
    ) -> Connection[CommissionPlan]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.page(session, info.context.actor, page)
        return connection(CommissionPlan, rows, page, lambda row: (row.from_day, row.id))

    @field("One plan; null if there is none in sight.")
    async def commission_plan(self, info: Info, id: strawberry.ID) -> CommissionPlan | None:
        return await plan_of(info, sought_id(id))

    @question(
        "What a plan would have paid for orders of these days, both included, whatever its own are. For HQ: "
        "`FORBIDDEN`, `NOT_FOUND`, `INVALID`, `COMMISSION_PREVIEW_TOO_LARGE` beyond 20,000 orders."
    )
    async def preview_commission_plan(
        self, info: Info, id: strawberry.ID, from_day: date, until_day: date
    ) -> CommissionPreviewResult:
        async with info.context.read() as session:
            found = await previewing.preview(session, info.context.actor, read_id(id), from_day, until_day)
        return CommissionPreview(
            orders=found.orders, amount=Fen(found.amount), sums=shown_as(list[PreviewedCommission], found.sums)
        )


@strawberry.type
class CommissionPlanMutations:
    @mutation(
        "Write a plan: a draft, which pays nothing until it is started. For HQ: `FORBIDDEN`, `INVALID`, "
        "`TOO_MANY_COMMISSION_PLANS`."
    )
    async def add_commission_plan(
        self, info: Info, input: CommissionPlanInput, idempotency_key: str | None = None
    ) -> CommissionPlanResult:
        return await _plan(info, idempotency_key, lambda work: commands.save_plan(work, _said(input)))

    @mutation(
        "Write a draft anew, all of it. For HQ: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `STALE_VERSION`, "
        "`COMMISSION_PLAN_LIVE`.",
        edited=(CommissionPlan, plan_of),
    )
    async def edit_commission_plan(
        self,
        info: Info,
        id: strawberry.ID,
        input: CommissionPlanInput,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> CommissionPlanResult:
        return await _plan(
            info,
            idempotency_key,
            lambda work: commands.save_plan(work, _said(input), read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Take a draft away, or a plan that hasn't begun. For HQ: `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, "
        "`COMMISSION_PLAN_LIVE`.",
        edited=(CommissionPlan, plan_of),
    )
    async def remove_commission_plan(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> CommissionPlanResult:
        return await _plan(
            info,
            idempotency_key,
            lambda work: commands.remove_plan(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Let a draft pay for orders of its days, also for those that were paid before. From now on it is only ever "
        "ended. For HQ: `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `COMMISSION_PLAN_LIVE`, `COMMISSION_PLANS_OVERLAP`.",
        edited=(CommissionPlan, plan_of),
    )
    async def start_commission_plan(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> CommissionPlanResult:
        return await _plan(
            info,
            idempotency_key,
            lambda work: commands.start_plan(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Let a live plan pay up to that day, today or later. For HQ: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, "
        "`STALE_VERSION`, `COMMISSION_PLAN_DRAFT`, `COMMISSION_PLAN_OVER`, `COMMISSION_PLANS_OVERLAP`.",
        edited=(CommissionPlan, plan_of),
    )
    async def end_commission_plan(
        self,
        info: Info,
        id: strawberry.ID,
        until_day: date,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> CommissionPlanResult:
        return await _plan(
            info,
            idempotency_key,
            lambda work: commands.end_plan(work, read_id(id), until_day, expected_version=expected_version),
        )


async def _plan(info: Info, key: str | None, act: Act) -> CommissionPlanChanged:
    done = await info.context.mutate(info, key, act)
    return CommissionPlanChanged(plan=await plan_of(info, done.id), places=done.places)


def _said(given: CommissionPlanInput) -> commands.Said:
    return commands.Said(given.name, given.from_day, given.until_day, _rates(given.rates))


def _rates(given: Sequence[CommissionRateInput]) -> list[Rate]:
    return [Rate(each.role, each.category, each.rate) for each in given]
