"""What stores planned, why somebody was chosen or not, and what a plan would be, in GraphQL."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import strawberry

from kernel import clock
from schema.context import Info
from schema.customers import Customer, customer_of
from schema.directory import Account, Store, account_of, store_of
from schema.fields import field
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, read_id, shown_as, sought_id
from schema.tasks.rules import RevisitRule, rule_of
from schema.tasks.types import Task, task_of
from tasks.models import Verdict
from tasks.models.choosing import Choice
from tasks.models.verdicts import said
from tasks.queries import explaining, planning
from tasks.queries import plans as queries
from tasks.queries.explaining import Explanation

MOST_GUIDES = 100
MOST_EACH = 20

strawberry.enum(Verdict, name="PlanVerdict", description="What became of a customer in a day's plan.")


@strawberry.type(description="How many customers of a store met a verdict.")
class PlanCount:
    verdict: Verdict
    customers: int


@strawberry.type(description="A store's plan of one of its days: made once.")
class PlanRun:
    day: date = strawberry.field(description="The store's own day.")
    begun_at: datetime = strawberry.field(description="In UTC.")
    done_at: datetime | None = strawberry.field(description="In UTC; null until all its tasks are made.")
    store_id: strawberry.Private[UUID]
    counts: strawberry.Private[dict[str, int]]

    @field("The store.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("How many customers met each verdict; empty until it is done, and where there was nothing to plan.")
    async def customers(self) -> list[PlanCount]:
        return _counted({Verdict(name): count for name, count in self.counts.items()})

    @field("Whether it was begun more than a quarter of an hour ago and isn't done.")
    async def is_late(self) -> bool:
        return self.done_at is None and self.begun_at < clock.now() - queries.LATE_AFTER


@strawberry.type(description="What a live rule says of a customer.")
class RuleSays:
    is_match: bool = strawberry.field(description="Whether it speaks for turning to them.")
    says: str = strawberry.field(description="Why, or why not; misses in the reader's language.")
    rule: RevisitRule


@strawberry.type(description="Why a customer was chosen for a day, or wasn't (为什么安排 / 没安排).")
class PlanExplanation:
    day: date = strawberry.field(description="The day of the store.")
    verdict: Verdict | None = strawberry.field(
        description="Null while the store hasn't planned the day and rules speak for turning to them."
    )
    says: str = strawberry.field(description="The verdict as a sentence in the reader's language.")
    place: int | None = strawberry.field(description="Their place in the guide's list of that day, where it was kept.")
    quota: int = strawberry.field(description="How many customers a guide is given a day at most.")
    is_kept: bool = strawberry.field(
        description="Whether the plan noted this, and it is less than 30 days old; otherwise they are judged anew."
    )
    rules: list[RuleSays] = strawberry.field(description="What each live rule says of them, by what is known now.")
    customer_id: strawberry.Private[UUID]
    store_id: strawberry.Private[UUID]
    account_id: strawberry.Private[UUID]
    task_id: strawberry.Private[UUID | None]

    @field("The customer.")
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info, self.customer_id)

    @field("The store through which the viewer sees them.")
    async def store(self, info: Info) -> Store | None:
        return await store_of(info, self.store_id)

    @field("The account in whose line they are, or were.")
    async def keeper(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)

    @field("The task that the plan made; null if there is none in sight.")
    async def task(self, info: Info) -> Task | None:
        return await task_of(info, self.task_id)


@strawberry.type(description="A customer who would be chosen.")
class PlannedCustomer:
    reason: str = strawberry.field(description="Why, as the task would say.")
    place: int = strawberry.field(description="In the guide's list, from 1 on.")
    rule_id: strawberry.Private[UUID]
    customer_id: strawberry.Private[UUID]

    @field("The rule that speaks for them.")
    async def rule(self, info: Info) -> RevisitRule | None:
        return await rule_of(info, self.rule_id)

    @field("The customer.")
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info, self.customer_id)


@strawberry.type(description="What a guide would be given.")
class PlannedList:
    chosen: int = strawberry.field(description="How many customers.")
    customers: list[PlannedCustomer] = strawberry.field(description="The first of them, at most 20.")
    account_id: strawberry.Private[UUID]

    @field("Whose list it is.")
    async def keeper(self, info: Info) -> Account | None:
        return await account_of(info, self.account_id)


@strawberry.type(description="What a plan would be; nothing is changed.")
class PlanPreview:
    day: date = strawberry.field(description="The day of the store.")
    quota: int = strawberry.field(description="How many customers a guide is given a day at most.")
    customers: list[PlanCount] = strawberry.field(description="How many customers would meet each verdict.")
    guides: list[PlannedList] = strawberry.field(description="Who would be given somebody; at most 100.")


@strawberry.type
class PlanQueries:
    @field("Stores' plans, the latest day first; for managers of theirs, and HQ. At most 100 a page.")
    async def plan_runs(
        self,
        info: Info,
        store_id: strawberry.ID | None = None,
        day: date | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[PlanRun]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.page(session, info.context.actor, page, sought_id(store_id), day)
        return connection(PlanRun, rows, page, lambda row: (row.day, row.store_id))

    @field(
        "Why a customer was chosen for a day (today, if none is given), or wasn't: for whoever holds them, managers "
        "and HQ. Refused with `NOT_FOUND`, and `INVALID` for a day to come."
    )
    async def plan_of(self, info: Info, customer_id: strawberry.ID, day: date | None = None) -> PlanExplanation:
        async with info.context.read() as session:
            found = await explaining.explain(session, info.context.actor, read_id(customer_id), day)
        return _explained(found, info.context.language)

    @field(
        "What the plan of a store's day would be, today's or a past one's; changes nothing. By the live rules, or by "
        "those that are named, drafts too. Of a past day, purchases and tasks are those until then. For managers and "
        "HQ; refused with `FORBIDDEN`, `NOT_FOUND`, `INVALID`."
    )
    async def preview_plan(
        self,
        info: Info,
        store_id: strawberry.ID,
        day: date | None = None,
        rule_ids: list[strawberry.ID] | None = None,
    ) -> PlanPreview:
        named = [read_id(rule_id) for rule_id in rule_ids] if rule_ids is not None else None
        async with info.context.read() as session:
            draft = await planning.preview(session, info.context.actor, read_id(store_id), day, named)
        lists = groupby(draft.of(Verdict.CHOSEN), lambda choice: choice.subject.account_id)
        return PlanPreview(
            day=draft.day,
            quota=draft.setting.quota,
            customers=_counted(draft.counts),
            guides=[_list(account_id, list(chosen)) for account_id, chosen in lists][:MOST_GUIDES],
        )


def _list(account_id: UUID, chosen: Sequence[Choice]) -> PlannedList:
    return PlannedList(
        account_id=account_id,
        chosen=len(chosen),
        customers=[
            PlannedCustomer(
                reason=choice.match.reason,
                place=choice.place,
                rule_id=choice.match.rule_id,
                customer_id=choice.subject.customer_id,
            )
            for choice in chosen[:MOST_EACH]
        ],
    )


def _explained(found: Explanation, language: str) -> PlanExplanation:
    return PlanExplanation(
        day=found.day,
        verdict=found.verdict,
        says=said(found.verdict, found.place, found.quota, language),
        place=found.place,
        quota=found.quota,
        is_kept=found.is_kept,
        rules=[
            RuleSays(
                is_match=each.is_match,
                says=each.zh if language == "zh" else each.en,
                rule=shown_as(RevisitRule, each.rule),
            )
            for each in found.rules
        ],
        customer_id=found.customer_id,
        store_id=found.store_id,
        account_id=found.account_id,
        task_id=found.task_id,
    )


def _counted(counts: Any) -> list[PlanCount]:
    return [PlanCount(verdict=verdict, customers=counts[verdict]) for verdict in Verdict if counts.get(verdict)]
