"""Evidence rules, their words, and their trial on real customers, in GraphQL."""

import asyncio
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry

from schema.context import Act, Info
from schema.customers import Customer, customer_of
from schema.directory import Staff, staff_of
from schema.fields import OUT_OF_SIGHT, field, mutation
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, given_id, read_id, shown_as, sought_id
from schema.tagging.library import Tag, tag_of
from schema.versioned import Versioned
from tagging.commands import rules as commands
from tagging.models import RuleMode, RuleState
from tagging.models.behaviour import BEHAVIOUR
from tagging.models.expressions import Argument, Kind, Word
from tagging.queries import previews, wording
from tagging.queries import rules as queries

strawberry.enum(RuleMode, description="Whether a rule sets its tag, suggests it, or only bears witness in audits.")
strawberry.enum(RuleState, description="A draft does nothing; a live rule acts; a retired one is used no more.")
strawberry.enum(Kind, name="ExpressionKind", description="What a value in an expression is.")


@strawberry.type(description="When behaviour speaks for a tag (标签规则).")
class TagRule(Versioned):
    name: str = strawberry.field(description="1 to 60 characters.")
    mode: RuleMode
    state: RuleState
    confidence: int = strawberry.field(description="What tags that it sets carry, from 1 to 100.")
    created_at: datetime = strawberry.field(description="In UTC.")
    live_at: datetime | None = strawberry.field(description="Since when it acts, in UTC; null for a draft.")
    retired_at: datetime | None = strawberry.field(description="Since when it is used no more, in UTC.")
    tag_id: strawberry.Private[UUID]
    by_staff_id: strawberry.Private[UUID | None]

    @field("The tag that it is about.")
    async def tag(self, info: Info) -> Tag | None:
        return await tag_of(info, self.tag_id)

    @field("What speaks for the tag, as it is written today; a store that is gone is `?`.")
    async def condition(self, info: Info) -> str:
        return (await _text(info, self.id)).condition

    @field("When there is enough behaviour to say anything; null if any behaviour in the rule's window is enough.")
    async def enough(self, info: Info) -> str | None:
        return (await _text(info, self.id)).enough

    @field(f"Who wrote it; {OUT_OF_SIGHT}.")
    async def by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.by_staff_id)


@strawberry.type(description="What a word of behaviour can be given in brackets, as in `spend(days: 90)`.")
class BehaviourArgument:
    name: str
    kind: Kind
    says: str = strawberry.field(description="What it is, in the viewer's language.")
    default: str | None = strawberry.field(description="What it is when it is left out.")
    lowest: int | None
    highest: int | None
    choices: list[str] = strawberry.field(description="What can be given; empty if anything of its kind can.")


@strawberry.type(description="A word that rules are written with.")
class BehaviourWord:
    name: str
    kind: Kind
    says: str = strawberry.field(description="What it is, in the viewer's language.")
    operators: list[str] = strawberry.field(description="How it can be compared.")
    arguments: list[BehaviourArgument]


@strawberry.type(description="What a rule would do today, as one that sets its tag.")
class TagRulePreview:
    customers: int = strawberry.field(description="How many customers the brand has.")
    evaluated: int = strawberry.field(description="How many of them were looked at, and all counts are about.")
    is_sample: bool = strawberry.field(description="Whether these are a random sample: beyond 20,000 customers.")
    seed: int | None = strawberry.field(description="What the sample was drawn by: the same again gives the same.")
    speaks_for: int = strawberry.field(description="How many the evidence is for.")
    speaks_against: int
    unknown: int = strawberry.field(description="How many did too little to say.")
    would_set: int = strawberry.field(description="How many would be given the tag who don't carry it.")
    would_unset: int = strawberry.field(description="How many would lose it: only what this rule set itself.")
    disagreements: int = strawberry.field(description="How many carry by hand what the evidence is against.")
    found: strawberry.Private[list[UUID]]

    @field("At most ten of those where people and the evidence disagree.")
    async def examples(self, info: Info) -> list[Customer]:
        found = await asyncio.gather(*(customer_of(info, customer_id) for customer_id in self.found))
        return [customer for customer in found if customer is not None]


@strawberry.input(description="A rule as it is written.")
class TagRuleInput:
    name: str = strawberry.field(description="1 to 60 characters.")
    tag_id: strawberry.ID = strawberry.field(description="A tag of the brand.")
    mode: RuleMode
    condition: str = strawberry.field(
        description='What speaks for the tag, as in `share(name: "裙") >= 40%`; at most 8,000 characters.'
    )
    enough: str | None = strawberry.field(
        default=None, description="When there is enough behaviour to say anything, as in `orders >= 3`."
    )
    confidence: int = strawberry.field(default=80, description="What tags that it sets carry, from 1 to 100.")


@strawberry.type(description="The rule as it is after the change.")
class TagRuleChanged:
    rule: TagRule | None = seen()
    places: list[Place] = told()


TagRuleResult = Annotated[TagRuleChanged | Problem, strawberry.union("TagRuleResult")]


@strawberry.type
class RuleQueries:
    @field("The brand's rules, the newest first; for managers and HQ. At most 100 a page.")
    async def tag_rules(
        self,
        info: Info,
        state: RuleState | None = None,
        tag_id: strawberry.ID | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[TagRule]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.page(session, info.context.actor, page, state, sought_id(tag_id))
        return connection(TagRule, rows, page, lambda row: (row.id,))

    @field("One rule; null if there is none in sight.")
    async def tag_rule(self, info: Info, id: strawberry.ID) -> TagRule | None:
        return await rule_of(info, sought_id(id))

    @field("The words that rules are written with; some dozen.")
    async def behaviour_words(self, info: Info) -> list[BehaviourWord]:
        return [_word(word, info.context.language) for word in BEHAVIOUR.values()]

    @field(
        "What a rule would do today; changes nothing. `ruleId` is the rule that it would replace. For HQ; refused with "
        "`FORBIDDEN`, `NOT_FOUND`, `BAD_EXPRESSION`, `TAG_RETIRED`, `INVALID`."
    )
    async def preview_tag_rule(
        self,
        info: Info,
        tag_id: strawberry.ID,
        condition: str,
        enough: str | None = None,
        rule_id: strawberry.ID | None = None,
        seed: int = 0,
    ) -> TagRulePreview:
        async with info.context.read() as session:
            found = await previews.preview(
                session,
                info.context.actor,
                tag_id=read_id(tag_id),
                condition=condition,
                enough=enough,
                rule_id=given_id(rule_id),
                seed=seed,
            )
        return TagRulePreview(**asdict(found))


async def rule_of(info: Info, rule_id: UUID | None) -> TagRule | None:
    """The rule, if there is one in sight."""
    return shown_as(TagRule, await info.context.load(queries.by_ids, rule_id)) if rule_id else None


@strawberry.type
class RuleMutations:
    @mutation(
        "Write a rule: a draft, which does nothing until it is started. For HQ: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, "
        "`BAD_EXPRESSION`, `TAG_RETIRED`, `RULE_NAME_TAKEN`, `TOO_MANY_RULES`."
    )
    async def add_tag_rule(self, info: Info, input: TagRuleInput, idempotency_key: str | None = None) -> TagRuleResult:
        return await _rule(info, idempotency_key, lambda work: commands.save_rule(work, **_said(input)))

    @mutation(
        "Write a rule anew, all of it; it is a draft again. For HQ: `FORBIDDEN`, `NOT_FOUND`, `INVALID`, "
        "`STALE_VERSION`, `BAD_EXPRESSION`, `TAG_RETIRED`, `RULE_RETIRED`, `RULE_NAME_TAKEN`.",
        edited=(TagRule, rule_of),
    )
    async def edit_tag_rule(
        self,
        info: Info,
        id: strawberry.ID,
        input: TagRuleInput,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> TagRuleResult:
        return await _rule(
            info,
            idempotency_key,
            lambda work: commands.save_rule(work, read_id(id), expected_version=expected_version, **_said(input)),
        )

    @mutation(
        "Let a rule act: on all customers, soon, and from then on whenever one of them does something. For HQ: "
        "`FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `TAG_RETIRED`, `RULE_IS_LIVE`, `RULE_RETIRED`.",
        edited=(TagRule, rule_of),
    )
    async def start_tag_rule(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> TagRuleResult:
        return await _rule(
            info,
            idempotency_key,
            lambda work: commands.go_live(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Use a rule no more: what it suggested is withdrawn, what it set stays until it is stale or taken off. For "
        "HQ: `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `RULE_RETIRED`.",
        edited=(TagRule, rule_of),
    )
    async def retire_tag_rule(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> TagRuleResult:
        return await _rule(
            info,
            idempotency_key,
            lambda work: commands.retire_rule(work, read_id(id), expected_version=expected_version),
        )


async def _rule(info: Info, key: str | None, act: Act) -> TagRuleChanged:
    done = await info.context.mutate(info, key, act)
    return TagRuleChanged(rule=await rule_of(info, done.id), places=done.places)


async def _text(info: Info, rule_id: object) -> wording.Text:
    text: wording.Text = await info.context.load(wording.texts, rule_id)
    return text


def _said(given: TagRuleInput) -> dict[str, Any]:
    return {
        "name": given.name,
        "tag_id": read_id(given.tag_id),
        "mode": given.mode,
        "condition": given.condition,
        "enough": given.enough,
        "confidence": given.confidence,
    }


def _word(word: Word, language: str) -> BehaviourWord:
    return BehaviourWord(
        name=word.name,
        kind=word.kind,
        says=word.zh if language == "zh" else word.en,
        operators=[op.value for op in word.ops],
        arguments=[_argument(name, argument, language) for name, argument in word.arguments.items()],
    )


def _argument(name: str, argument: Argument, language: str) -> BehaviourArgument:
    return BehaviourArgument(
        name=name,
        kind=argument.kind,
        says=argument.zh if language == "zh" else argument.en,
        default=None if argument.default is None else str(argument.default),
        lowest=argument.lowest or None,
        highest=argument.highest,
        choices=list(argument.choices),
    )
