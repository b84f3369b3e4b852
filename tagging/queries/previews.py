"""Try a rule out on real customers before it acts."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import String, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer
from kernel import clock
from kernel.actor import Actor
from tagging.models import Choice, RuleMode, SegmentIndex, SegmentMember
from tagging.models.deciding import Ruling, Worn, decide, disagrees
from tagging.models.judging import Finding
from tagging.models.measuring import Rule
from tagging.policy import require_librarian
from tagging.queries import evidence, facts, library, suggestions, wording

MOST = 20_000
AT_ONCE = 500
MOST_EXAMPLES = 10
NUMBERED = 0.9  # of the customers, for a sample to be drawn by their numbers
_RANDOM_DIGITS = 15  # the last of an id are drawn by lot


@dataclass(slots=True)
class Preview:
    """What a rule would do today. Counts are of the customers that were looked at: all, or a random sample.

    `found` are some of those where people and the evidence disagree.
    """

    customers: int
    is_sample: bool
    seed: int | None
    evaluated: int = 0
    speaks_for: int = 0
    speaks_against: int = 0
    unknown: int = 0
    would_set: int = 0
    would_unset: int = 0
    disagreements: int = 0
    found: list[UUID] = field(default_factory=list)


async def preview(
    session: AsyncSession,
    actor: Actor,
    *,
    tag_id: UUID,
    condition: str,
    enough: str | None = None,
    rule_id: UUID | None = None,
    seed: int = 0,
) -> Preview:
    """What such a rule would do today, as one that sets its tag, whatever other rules say.

    `rule_id` is the rule that would be written anew: the tags that it set are those that would be unset. Looks at
    the whole brand up to 20,000 customers, and beyond that at as many, drawn by `seed`. Raises `FORBIDDEN`,
    `NOT_FOUND`, `BAD_EXPRESSION`, `TAG_RETIRED`, `INVALID`.
    """
    require_librarian(actor)
    rule = await wording.understood(session, actor, condition, enough)
    ruling = await _ruling(session, actor, tag_id, rule_id)
    day = (await facts.today_of(session, actor.brand_id)).day
    total = await session.scalar(select(func.count()).where(col(Customer.brand_id) == actor.brand_id)) or 0
    is_sample = total > MOST
    shown = Preview(total, is_sample, seed if is_sample else None)
    chosen = await _chosen(session, actor, total, shown.seed)
    for start in range(0, len(chosen), AT_ONCE):
        await _look(session, actor, shown, ruling, rule, chosen[start : start + AT_ONCE], day)
    return shown


async def _ruling(session: AsyncSession, actor: Actor, tag_id: UUID, rule_id: UUID | None) -> Ruling:
    tag = await library.brand_tag(session, actor, tag_id)
    group = (await library.groups_by_ids(session, actor, [tag.group_id]))[tag.group_id]
    single = group.id if group.choice is Choice.SINGLE else None
    return Ruling(rule_id or UUID(int=0), "", tag_id, single, RuleMode.SET, 100)


async def _chosen(session: AsyncSession, actor: Actor, total: int, seed: int | None) -> Sequence[UUID]:
    customers = select(col(Customer.id)).where(col(Customer.brand_id) == actor.brand_id)
    if seed is None:
        return (await session.scalars(customers.order_by(col(Customer.id)))).all()
    index = await session.get(SegmentIndex, actor.brand_id)
    if index is not None and index.next_number >= max(MOST, total * NUMBERED):
        return await _by_number(session, actor, random.Random(seed).sample(range(index.next_number), MOST))  # noqa: S311
    # Ids end in random digits: those behind a place that the seed gives, and round again from the beginning.
    place = f"{random.Random(seed).getrandbits(4 * _RANDOM_DIGITS):0{_RANDOM_DIGITS}x}"  # noqa: S311 - a sample, no secret
    text = func.replace(cast(col(Customer.id), String), "-", "")
    lot = func.substr(text, 33 - _RANDOM_DIGITS)
    return sorted(await session.scalars(customers.order_by((lot < place), lot).limit(MOST)))


async def _by_number(session: AsyncSession, actor: Actor, numbers: Sequence[int]) -> list[UUID]:
    """Segments number a brand's customers: of many millions, some are found without looking at the others."""
    found: list[UUID] = []
    for start in range(0, len(numbers), AT_ONCE):
        found += await session.scalars(
            select(col(SegmentMember.customer_id)).where(
                col(SegmentMember.brand_id) == actor.brand_id,
                col(SegmentMember.number).in_(numbers[start : start + AT_ONCE]),
            )
        )
    return sorted(found)


async def _look(
    session: AsyncSession,
    actor: Actor,
    shown: Preview,
    ruling: Ruling,
    rule: Rule,
    customer_ids: Sequence[UUID],
    day: date,
) -> None:
    found = await evidence.judge(session, actor.brand_id, {ruling.id: rule}, customer_ids, day)
    at = clock.now()
    there = await suggestions.standing(session, actor.brand_id, customer_ids, [ruling.tag_id], at)
    for customer_id in customer_ids:
        worn: list[Worn] = there.worn.get(customer_id, [])
        findings = found.customers[customer_id].findings
        decision = decide([ruling], findings, worn, {}, there.turned_down.get(customer_id, ()), at)
        finding = findings[ruling.id]
        shown.evaluated += 1
        shown.speaks_for += finding is Finding.FOR
        shown.speaks_against += finding is Finding.AGAINST
        shown.unknown += finding is Finding.UNKNOWN
        shown.would_set += any(row.tag_id == ruling.tag_id for row in decision.put) and not any(
            row.tag_id == ruling.tag_id for row in worn
        )
        shown.would_unset += len(decision.off)
        if disagrees(ruling, finding, worn):
            shown.disagreements += 1
            if len(shown.found) < MOST_EXAMPLES:
                shown.found.append(customer_id)
