"""What the evidence of live rules says of tags that customers carry."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from tagging.models import RuleMode, RuleState, TagRule, Verdict
from tagging.models.expressions import from_json
from tagging.models.judging import Finding
from tagging.models.measuring import Rule
from tagging.models.reasons import because
from tagging.queries import evidence, facts

AT_ONCE = 250

Pair = tuple[UUID, UUID]


class Opinion(NamedTuple):
    """What is to be thought of a tag on a customer, and why, in words, where there is something to say."""

    verdict: Verdict
    because: str | None


NO_RULE = Opinion(Verdict.UNKNOWN, "没有可以佐证的规则")


async def of_tags(session: AsyncSession, brand_id: UUID, pairs: Collection[Pair]) -> dict[Pair, Opinion]:
    """An opinion of each (customer, tag), by what the customer has done until today.

    A tag's rules that only bear witness decide alone, if it has such: a rule that sets a tag would otherwise confirm
    itself. Right where any rule speaks for the tag, wrong where one speaks against it and none for it, unknown
    where none has enough to go by, or there is none. Four statements for every 250.
    """
    rules = await _rules(session, brand_id, {tag_id for _, tag_id in pairs})
    day = (await facts.today_of(session, brand_id)).day
    digits = await facts.digits_of(session, brand_id)
    opinions = {pair: NO_RULE for pair in pairs if pair[1] not in rules}
    # By tag, so that each part needs the rules of few tags.
    wanted = sorted((pair for pair in pairs if pair[1] in rules), key=lambda pair: (pair[1], pair[0]))
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        named = {rule.id: rule for tag_id in {pair[1] for pair in part} for rule in rules[tag_id]}
        found = await evidence.judge(
            session,
            brand_id,
            {key: _read(rule) for key, rule in named.items()},
            sorted({customer_id for customer_id, _ in part}),
            day,
        )
        for pair in part:
            opinions[pair] = _opinion(rules[pair[1]], found, pair[0], digits)
    return opinions


def _opinion(rules: Sequence[TagRule], found: evidence.Evidence, customer_id: UUID, digits: int) -> Opinion:
    judged = found.customers[customer_id]
    for finding, verdict in ((Finding.FOR, Verdict.RIGHT), (Finding.AGAINST, Verdict.WRONG)):
        for rule in rules:
            if judged.findings[rule.id] is finding:
                why = because(rule.name, found.judges[rule.id], judged.tallies, minor_digits=digits)
                return Opinion(verdict, why)
    return Opinion(Verdict.UNKNOWN, None)


async def _rules(session: AsyncSession, brand_id: UUID, tag_ids: Collection[UUID]) -> Mapping[UUID, list[TagRule]]:
    """The live rules of each tag: those that only bear witness, or else all."""
    live = await session.scalars(
        select(TagRule)
        .where(
            col(TagRule.brand_id) == brand_id,
            col(TagRule.state) == RuleState.LIVE,
            col(TagRule.tag_id).in_(sorted(tag_ids)),
        )
        .order_by(col(TagRule.id))
    )
    rules: dict[UUID, list[TagRule]] = defaultdict(list)
    for rule in live:
        rules[rule.tag_id].append(rule)
    witnesses = {key: [rule for rule in each if rule.mode is RuleMode.WITNESS] for key, each in rules.items()}
    return {key: witnesses[key] or each for key, each in rules.items()}


def _read(rule: TagRule) -> Rule:
    return Rule(from_json(rule.condition), from_json(rule.enough) if rule.enough is not None else None)
