"""What everybody earned, period by period, and what finance ties it to, in GraphQL."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from mall.commands import commission as commands
from mall.models import CommissionReason, CommissionRole
from mall.models.periods import Rhythm, Span
from mall.queries.commission import ledger, periods, reconciling, statements
from schema.context import Info
from schema.directory import Staff, Store, staff_of, store_of
from schema.fields import OUT_OF_SIGHT, field, mutation, question
from schema.mall.commission import CommissionPlan, plan_of
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, Fen, shown_as, sought_id
from schema.versioned import Versioned

strawberry.enum(
    CommissionReason,
    description="Why it was posted: `ACCRUAL`, an order was paid; `REVERSAL`, money was given back; `CORRECTION`, the "
    "order, its credit or its state was put right.",
)
strawberry.enum(Rhythm, name="CommissionRhythm", description="How long a period is: a month, or three.")


@strawberry.type(description="A period of commission, on each store's calendar. Nothing is posted into a closed one.")
class CommissionPeriod:
    first_day: date = strawberry.field(description="It goes by this day.")
    last_day: date
    closed_at: datetime | None
    digest: str | None = strawberry.field(
        description="A SHA-256 over all entries of a closed period; null until it has been worked out."
    )


@strawberry.type(description="How a brand's periods lie. `version` is 0 as long as no plan was started.")
class CommissionSetting(Versioned):
    rhythm: Rhythm = strawberry.field(description="That of the newest periods.")
    rhythm_from: date = strawberry.field(description="The first of the month from which on it holds.")
    closed_until: date | None = strawberry.field(description="The last day of what is closed.")


@strawberry.type(description="A part of a statement.")
class CommissionSum:
    role: CommissionRole
    category: str | None
    basis: Fen = strawberry.field(description="What it is worked out of: this person's part of the goods.")
    amount: Fen
    entries: int


@strawberry.type(description="One posting of the ledger (佣金明细), never changed.")
class CommissionEntry:
    id: strawberry.ID
    source: str = strawberry.field(description="Of the order.")
    number: str = strawberry.field(description="Of the order.")
    role: CommissionRole
    category: str | None
    rate: int = strawberry.field(description="In ten-thousandths.")
    basis: Fen = strawberry.field(description="This person's part of the goods; below zero when given back.")
    amount: Fen = strawberry.field(description="What was earned, or below zero lost.")
    reason: CommissionReason
    day: date = strawberry.field(description="The store's day of the payment, the refund or the correction.")
    period: date = strawberry.field(description="The first day of the period that it counts in.")
    posted_at: datetime
    is_borne_by_store: bool = strawberry.field(
        description="Whether the store bears it: whoever had earned it had left and been paid for the last time, so it "
        "is in nobody's statement."
    )
    order_id: strawberry.ID
    refund_id: strawberry.ID | None
    staff_id: strawberry.Private[UUID]
    store_id: strawberry.Private[UUID]
    plan_id: strawberry.Private[UUID]

    @field(f"Who earned it; {OUT_OF_SIGHT}.")
    async def staff(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)

    @field("The store of the order.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("By which plan.")
    async def plan(self, info: Info) -> CommissionPlan | None:
        return await plan_of(info, self.plan_id)


@strawberry.type(
    description="What one person earned on the orders of one store in a period (佣金对账单): as it stands while the "
    "period is open, frozen once it is closed."
)
class CommissionStatement:
    period: date = strawberry.field(description="The first day of the period.")
    basis: Fen
    amount: Fen
    entries: int = strawberry.field(description="How many entries it is the sum of.")
    store_id: strawberry.Private[UUID]
    staff_id: strawberry.Private[UUID]
    sums: strawberry.Private[list[dict[str, Any]]]

    @field(f"Who earned it; {OUT_OF_SIGHT}.")
    async def staff(self, info: Info) -> Staff | None:
        return await staff_of(info, self.staff_id)

    @field("The store of the orders.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("By role and category; they add up to the amount. At most one for each rate of the plans.")
    async def by_category(self) -> list[CommissionSum]:
        return [CommissionSum(**{**each, "role": CommissionRole(each["role"])}) for each in self.sums]


@strawberry.type(
    description="What commission is tied to, in one store or all. goods + services − discounts = orders; orders − "
    "refunds = net; guides + managers = commission = statements."
)
class CommissionTies:
    order_count: int
    goods: Fen = strawberry.field(description="Goods before discounts, of orders paid in the period that count.")
    discounts: Fen = strawberry.field(description="Above zero.")
    services: Fen = strawberry.field(description="Postage and other services, which earn nothing.")
    orders: Fen = strawberry.field(description="What was paid.")
    refunds: Fen = strawberry.field(description="Given back in the period, above zero; with or without an order.")
    net: Fen
    guide_basis: Fen = strawberry.field(description="Of the goods less discounts and refunds, what guides earned on.")
    manager_basis: Fen = strawberry.field(description="The same of store managers.")
    guides: Fen = strawberry.field(description="What guides earned.")
    managers: Fen = strawberry.field(description="What store managers earned.")
    commission: Fen = strawberry.field(description="What all earned: the sum of the entries.")
    statements: Fen = strawberry.field(description="The sum of the statements.")
    borne: Fen = strawberry.field(
        description="Above zero: what the stores bear of commission taken back after whoever had earned it had left "
        "and been paid for the last time; in none of the others."
    )
    is_tied: bool = strawberry.field(description="Whether all of it adds up.")


@strawberry.type(description="What one store's commission is tied to.")
class StoreCommissionTies:
    code: str
    name: str
    ties: CommissionTies
    store_id: strawberry.Private[UUID]

    @field("The store.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)


@strawberry.type(description="An order whose lines don't add up to it. There should be none.")
class UntiedOrder:
    order_id: strawberry.ID
    source: str
    number: str
    lines: Fen
    amount: Fen


@strawberry.type(description="What a period's commission is tied to (对账), to the penny.")
class CommissionReconciliation:
    period: CommissionPeriod
    total: CommissionTies
    stores: Connection[StoreCommissionTies] = strawberry.field(description="By code; at most 100 a page.")
    untied: list[UntiedOrder] = strawberry.field(description="The orders behind a difference; at most 100.")


@strawberry.type(description="The setting as it is after the change.")
class CommissionSettingChanged:
    setting: CommissionSetting | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The period that was closed.")
class CommissionPeriodClosed:
    period: CommissionPeriod | None = seen()
    places: list[Place] = told()


CommissionSettingResult = Annotated[CommissionSettingChanged | Problem, strawberry.union("CommissionSettingResult")]
CommissionPeriodResult = Annotated[CommissionPeriodClosed | Problem, strawberry.union("CommissionPeriodResult")]
CommissionReconciliationResult = Annotated[
    CommissionReconciliation | Problem, strawberry.union("CommissionReconciliationResult")
]


@strawberry.type
class CommissionStatementQueries:
    @field("How the brand's commission periods lie.")
    async def commission_setting(self, info: Info) -> CommissionSetting:
        return await _setting(info, info.context.actor.brand_id)

    @field("The periods of commission, the newest first: at most 240.")
    async def commission_periods(self, info: Info) -> list[CommissionPeriod]:
        async with info.context.read() as session:
            return shown_as(list[CommissionPeriod], await periods.latest(session, info.context.actor))

    @field(
        "Statements in sight of the period of that day: one's own; for managers also those on the orders of their "
        "stores; for HQ all. By store and person, at most 100 a page."
    )
    async def commission_statements(
        self,
        info: Info,
        period: date,
        staff_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[CommissionStatement]:
        page, actor = page_of(first, after), info.context.actor
        async with info.context.read() as session:
            first_day = (await periods.of_day(session, actor, period)).first_day
            rows = await statements.page(session, actor, page, first_day, sought_id(staff_id), sought_id(store_id))
        return connection(CommissionStatement, rows, page, lambda row: (row.store_id, row.staff_id))

    @field("The entries in sight of the period of that day, oldest first; at most 100 a page.")
    async def commission_entries(
        self,
        info: Info,
        period: date,
        staff_id: strawberry.ID | None = None,
        store_id: strawberry.ID | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[CommissionEntry]:
        page, actor = page_of(first, after), info.context.actor
        async with info.context.read() as session:
            first_day = (await periods.of_day(session, actor, period)).first_day
            rows = await ledger.page(session, actor, page, first_day, sought_id(staff_id), sought_id(store_id))
        return connection(CommissionEntry, rows, page, lambda row: (row.id,))

    @question(
        "What the commission of the period of that day is tied to, in all and by store. For HQ, and machines with the "
        "scope `reports:read`: `FORBIDDEN`, `BAD_PAGE_SIZE`, `BAD_CURSOR`."
    )
    async def commission_reconciliation(
        self, info: Info, period: date, first: int = 20, after: Cursor | None = None
    ) -> CommissionReconciliationResult:
        page, actor = page_of(first, after), info.context.actor
        async with info.context.read() as session:
            found = await periods.of_day(session, actor, period)
            span = Span(found.first_day, found.last_day)
            total = await reconciling.in_all(session, actor, span)
            stores = await reconciling.by_store(session, actor, span, page)
            untied = await reconciling.untied(session, actor, span)
        return CommissionReconciliation(
            period=shown_as(CommissionPeriod, found),
            total=shown_as(CommissionTies, total),
            stores=connection(StoreCommissionTies, stores, page, lambda row: (row.code, row.store_id)),
            untied=shown_as(list[UntiedOrder], untied),
        )


@strawberry.type
class CommissionPeriodMutations:
    @mutation(
        "Let periods be months, or quarters counted from a month, from the next period on, or a later one that "
        "`fromDay` is the first day of; as long as nothing was posted, from any month. For HQ: `FORBIDDEN`, `INVALID`, "
        "`STALE_VERSION`, `COMMISSION_RHYTHM_TOO_EARLY`.",
        edited=(CommissionSetting, lambda info, brand_id: _setting(info, brand_id)),
    )
    async def set_commission_rhythm(
        self,
        info: Info,
        rhythm: Rhythm,
        from_day: date | None = None,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> CommissionSettingResult:
        done = await info.context.mutate(
            info,
            idempotency_key,
            lambda work: commands.set_rhythm(work, rhythm, from_day, expected_version=expected_version),
        )
        return CommissionSettingChanged(setting=await _setting(info, done.id), places=done.places)

    @mutation(
        "Close the period of that day for good, once it is over in every store: its statements are frozen, and nothing "
        "is posted into it any more. For HQ: `FORBIDDEN`, `NOT_FOUND` as long as no plan was started, "
        "`COMMISSION_PERIOD_NOT_OVER`, `COMMISSION_PERIOD_CLOSED`, `EARLIER_COMMISSION_PERIOD_OPEN`."
    )
    async def close_commission_period(
        self, info: Info, period: date, idempotency_key: str | None = None
    ) -> CommissionPeriodResult:
        done = await info.context.mutate(info, idempotency_key, lambda work: commands.close_period(work, period))
        async with info.context.read() as session:
            closed = await periods.of_id(session, info.context.actor, done.id)
        return CommissionPeriodClosed(period=shown_as(CommissionPeriod, closed), places=done.places)


async def _setting(info: Info, _brand_id: UUID) -> CommissionSetting:
    async with info.context.read() as session:
        return shown_as(CommissionSetting, await periods.setting_shown(session, info.context.actor))
