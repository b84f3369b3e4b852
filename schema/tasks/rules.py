"""Revisit rules in GraphQL."""

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import strawberry

from kernel.work import Work
from schema.context import Act, Info
from schema.directory import Staff, staff_of
from schema.fields import OUT_OF_SIGHT, field, mutation
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, given_id, read_id, shown_as, sought_id
from schema.versioned import Versioned
from tagging.queries import library
from tagging.queries import segments as segment_queries
from tasks.commands import rules as commands
from tasks.models import RevisitRuleState, Trigger
from tasks.queries import rules as queries

if TYPE_CHECKING:
    from schema.tagging import Tag
    from schema.tagging.segments import Segment

# Types of a module beside this one, which is imported by what is further down.
_TAGS = list[Annotated["Tag", strawberry.lazy("schema.tagging")]]
_SEGMENT = Annotated["Segment", strawberry.lazy("schema.tagging.segments")] | None

strawberry.enum(
    Trigger,
    name="RevisitTrigger",
    description="What makes a customer somebody to turn to again; `docs/tasks-rules.md` says what each takes.",
)
strawberry.enum(
    RevisitRuleState,
    description="A draft plans nothing yet; a live rule plans; a paused one not for now; a retired one never again.",
)


@strawberry.type(description="Which customers guides are to turn to, and what is said about it (回访规则).")
class RevisitRule(Versioned):
    name: str = strawberry.field(description="1 to 60 characters.")
    trigger: Trigger
    state: RevisitRuleState
    days: int = strawberry.field(description="As the trigger means it; 0 where it takes none.")
    window_days: int = strawberry.field(description="As the trigger means it; 0 where it takes none.")
    category: str | None = strawberry.field(description="The category of new arrivals.")
    title: str = strawberry.field(description="What its tasks say is to be done, in 1 to 100 characters.")
    suggested_words: str | None = strawberry.field(description="What could be said to the customer.")
    priority: int = strawberry.field(description="That of its tasks, from 0 (whenever) to 100 (now).")
    weight: int = strawberry.field(description="Its share of a guide's day among the rules, from 1 to 10.")
    created_at: datetime = strawberry.field(description="In UTC.")
    live_at: datetime | None = strawberry.field(description="Since when it plans, in UTC; null while it doesn't.")
    retired_at: datetime | None = strawberry.field(description="Since when it is used no more, in UTC.")
    tag_ids: strawberry.Private[list[str]]
    segment_id: strawberry.Private[UUID | None]
    by_staff_id: strawberry.Private[UUID | None]

    @field("The tags that it is about; at most 20, none is any for stale tags.", graphql_type=_TAGS)
    async def tags(self, info: Info) -> Any:
        found = await asyncio.gather(*(info.context.load(library.by_ids, UUID(tag_id)) for tag_id in self.tag_ids))
        return [tag for tag in found if tag is not None]

    @field("The segment whose members it is for; null is everybody.", graphql_type=_SEGMENT)
    async def segment(self, info: Info) -> Any:
        return await info.context.load(segment_queries.by_ids, self.segment_id) if self.segment_id else None

    @field(f"Who wrote it; null if it came with the brand, and {OUT_OF_SIGHT}.")
    async def by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.by_staff_id)


@strawberry.input(description="A rule as it is written. What its trigger doesn't take is left out.")
class RevisitRuleInput:
    name: str = strawberry.field(description="1 to 60 characters.")
    trigger: Trigger
    title: str = strawberry.field(description="What its tasks say is to be done, in 1 to 100 characters.")
    days: int | None = None
    window_days: int | None = None
    category: str | None = strawberry.field(default=None, description="At most 60 characters.")
    tag_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="At most 20 tags of the brand.")
    segment_id: strawberry.ID | None = strawberry.field(default=None, description="One that the brand shares.")
    suggested_words: str | None = strawberry.field(default=None, description="At most 500 characters.")
    priority: int = strawberry.field(default=50, description="From 0 (whenever) to 100 (now).")
    weight: int = strawberry.field(default=1, description="From 1 to 10.")


@strawberry.type(description="The rule as it is after the change.")
class RevisitRuleChanged:
    rule: RevisitRule | None = seen()
    places: list[Place] = told()


@strawberry.type(description="The rules that a brand begins with.")
class StarterRulesAdded:
    rules: list[RevisitRule] = strawberry.field(description="One for each trigger.")
    places: list[Place] = told()


RevisitRuleResult = Annotated[RevisitRuleChanged | Problem, strawberry.union("RevisitRuleResult")]
StarterRulesResult = Annotated[StarterRulesAdded | Problem, strawberry.union("StarterRulesResult")]


async def rule_of(info: Info, rule_id: UUID | None) -> RevisitRule | None:
    """The rule, if there is one in sight."""
    return shown_as(RevisitRule, await info.context.load(queries.by_ids, rule_id)) if rule_id else None


@strawberry.type
class RuleQueries:
    @field("The brand's revisit rules, the newest first, for all its staff. At most 100 a page.")
    async def revisit_rules(
        self, info: Info, state: RevisitRuleState | None = None, first: int = 20, after: Cursor | None = None
    ) -> Connection[RevisitRule]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.page(session, info.context.actor, page, state)
        return connection(RevisitRule, rows, page, lambda row: (row.id,))

    @field("One rule; null if there is none in sight.")
    async def revisit_rule(self, info: Info, id: strawberry.ID) -> RevisitRule | None:
        return await rule_of(info, sought_id(id))


@strawberry.type
class RuleMutations:
    @mutation(
        "Write a rule: a draft, which plans nothing until it is started. For HQ: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, "
        "`RULE_NAME_TAKEN`, `TOO_MANY_RULES`."
    )
    async def add_revisit_rule(
        self, info: Info, input: RevisitRuleInput, idempotency_key: str | None = None
    ) -> RevisitRuleResult:
        return await _rule(info, idempotency_key, lambda work: commands.save_rule(work, _said(input)))

    @mutation(
        "Write a rule anew, all of it; it is a draft again. For HQ: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, "
        "`STALE_VERSION`, `RULE_RETIRED`, `RULE_NAME_TAKEN`.",
        edited=(RevisitRule, rule_of),
    )
    async def edit_revisit_rule(
        self,
        info: Info,
        id: strawberry.ID,
        input: RevisitRuleInput,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> RevisitRuleResult:
        return await _rule(
            info,
            idempotency_key,
            lambda work: commands.save_rule(work, _said(input), read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Let a draft or a paused rule plan, from each store's next plan on. For HQ: `FORBIDDEN`, `NOT_FOUND`, "
        "`INVALID`, `STALE_VERSION`, `RULE_IS_LIVE`, `RULE_RETIRED`.",
        edited=(RevisitRule, rule_of),
    )
    async def start_revisit_rule(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> RevisitRuleResult:
        return await _rule(
            info, idempotency_key, lambda work: commands.go_live(work, read_id(id), expected_version=expected_version)
        )

    @mutation(
        "Let a rule plan nothing for now; the tasks that it made stay. For HQ: `FORBIDDEN`, `NOT_FOUND`, "
        "`STALE_VERSION`, `RULE_NOT_LIVE`, `RULE_RETIRED`.",
        edited=(RevisitRule, rule_of),
    )
    async def pause_revisit_rule(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> RevisitRuleResult:
        return await _rule(
            info, idempotency_key, lambda work: commands.pause(work, read_id(id), expected_version=expected_version)
        )

    @mutation(
        "Let a rule plan never again; the tasks that it made stay, and its name is free. For HQ: `FORBIDDEN`, "
        "`NOT_FOUND`, `STALE_VERSION`, `RULE_RETIRED`.",
        edited=(RevisitRule, rule_of),
    )
    async def retire_revisit_rule(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> RevisitRuleResult:
        return await _rule(
            info, idempotency_key, lambda work: commands.retire(work, read_id(id), expected_version=expected_version)
        )

    @mutation(
        "Give a brand that never had a rule one for each trigger: live, but for new arrivals, which need a category "
        "and tags of yours. For HQ: `FORBIDDEN`, `HAS_RULES`."
    )
    async def add_starter_rules(self, info: Info, idempotency_key: str | None = None) -> StarterRulesResult:
        done = await info.context.mutate_many(info, idempotency_key, _begin)
        rules = await asyncio.gather(*(rule_of(info, rule_id) for rule_id in done.ids))
        return StarterRulesAdded(rules=[rule for rule in rules if rule is not None], places=done.places)


async def _begin(work: Work) -> list[UUID]:
    return [rule.id for rule in await commands.begin(work)]


async def _rule(info: Info, key: str | None, act: Act) -> RevisitRuleChanged:
    done = await info.context.mutate(info, key, act)
    return RevisitRuleChanged(rule=await rule_of(info, done.id), places=done.places)


def _said(given: RevisitRuleInput) -> commands.Said:
    return commands.Said(
        name=given.name,
        trigger=given.trigger,
        title=given.title,
        days=given.days,
        window_days=given.window_days,
        category=given.category,
        tag_ids=[read_id(tag_id) for tag_id in given.tag_ids or ()],
        segment_id=given_id(given.segment_id),
        suggested_words=given.suggested_words,
        priority=given.priority,
        weight=given.weight,
    )
