"""Let live rules act on customers: on those whose behaviour changed, and on all of them once a night."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from customers.models import Customer
from kernel import bulk, clock, ids
from kernel.work import Work
from tagging.commands import carrying
from tagging.commands.carrying import Pair
from tagging.commands.marks import take_away
from tagging.commands.rules import GO_THROUGH
from tagging.commands.writing import say
from tagging.models import MarkPurpose, Night, SetBy, SuggestionState, TagSuggestion
from tagging.models.deciding import Decision, Ruling, decide, disagrees
from tagging.models.measuring import Rule
from tagging.models.reasons import because
from tagging.queries import evidence, facts, marks, rules, suggestions
from tagging.queries.carried import lock_customers
from tagging.queries.evidence import Evidence

AT_ONCE = 500
MARKS_AT_ONCE = 200

Live = Mapping[UUID, tuple[Ruling, Rule]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the rules made of some customers."""

    evaluated: int = 0
    set: int = 0
    unset: int = 0
    suggested: int = 0
    withdrawn: int = 0
    disagreements: int = 0


async def follow_marks(work: Work, most: int = MARKS_AT_ONCE) -> int:
    """Look again at customers whose behaviour changed, the oldest marks first; returns how many marks are done.

    The marks are read before the behaviour, and only these are taken away: what changes meanwhile has left its own.
    """
    found = await marks.oldest(work.session, work.actor.brand_id, MarkPurpose.RULES, most, is_shared=True)
    if not found:
        return 0
    await evaluate(work, sorted(set(found.values())), await today(work))
    await take_away(work, found)
    return len(found)


async def night_step(work: Work, night: Night) -> UUID | None:
    """The next customers of the brand, as of that night."""
    last, outcome = await _next_customers(work, night.after_id, night.day)
    night.count(
        evaluated=outcome.evaluated,
        set=outcome.set,
        unset=outcome.unset,
        suggested=outcome.suggested,
        withdrawn=outcome.withdrawn,
        disagreements=outcome.disagreements,
    )
    return last


async def go_through(work: Work, after: str | None = None) -> None:
    """All customers of the brand, chunk by chunk: what is done when a rule goes live or is retired."""
    last, _ = await _next_customers(work, UUID(after) if after else None, await today(work))
    if last is not None:
        work.later(GO_THROUGH, after=str(last))


async def evaluate(work: Work, customer_ids: Sequence[UUID], day: date) -> Outcome:
    """Let the live rules act on these customers, by what they had done by the end of that day.

    Most customers are as they should be: only those who aren't are locked, and looked at again under the lock.
    """
    live = await rules.live(work.session, work.actor.brand_id)
    _, _, due, disagreements = await _decide(work, live, customer_ids, day)
    if not due:
        return Outcome(evaluated=len(customer_ids), disagreements=disagreements)
    locked = await lock_customers(work.session, work.actor, sorted(due))
    at, found, decisions, _ = await _decide(work, live, locked, day)
    await _apply(work, live, found, decisions, at)
    return Outcome(
        evaluated=len(customer_ids),
        set=sum(len(decision.put) for decision in decisions.values()),
        unset=sum(len(decision.off) for decision in decisions.values()),
        suggested=sum(len(decision.suggest) for decision in decisions.values()),
        withdrawn=sum(len(decision.withdraw) for decision in decisions.values()),
        disagreements=disagreements,
    )


async def today(work: Work) -> date:
    """The day that it is where most of the brand's stores are."""
    return (await facts.today_of(work.session, work.actor.brand_id)).day


async def _next_customers(work: Work, after: UUID | None, day: date) -> tuple[UUID | None, Outcome]:
    statement = select(col(Customer.id)).where(col(Customer.brand_id) == work.actor.brand_id)
    if after is not None:
        statement = statement.where(col(Customer.id) > after)
    chunk = (await work.session.scalars(statement.order_by(col(Customer.id)).limit(AT_ONCE))).all()
    outcome = await evaluate(work, chunk, day) if chunk else Outcome()
    return (chunk[-1] if len(chunk) == AT_ONCE else None), outcome


async def _decide(
    work: Work, live: Live, customer_ids: Sequence[UUID], day: date
) -> tuple[datetime, Evidence, dict[UUID, Decision], int]:
    """What is due for each of the customers who aren't as they should be, and how often people see it otherwise."""
    at, brand_id = clock.now(), work.actor.brand_id
    rulings = [ruling for ruling, _ in live.values()]
    trees = {rule_id: rule for rule_id, (_, rule) in live.items()}
    found = await evidence.judge(work.session, brand_id, trees, customer_ids, day)
    there = await suggestions.standing(
        work.session, brand_id, customer_ids, sorted({ruling.tag_id for ruling in rulings}), at
    )
    decisions, disagreements = {}, 0
    for customer_id in customer_ids:
        findings, worn = found.customers[customer_id].findings, there.worn.get(customer_id, [])
        decision = decide(
            rulings,
            findings,
            worn,
            there.offered.get(customer_id, {}),
            there.turned_down.get(customer_id, ()),
            at,
        )
        disagreements += sum(disagrees(ruling, findings[ruling.id], worn) for ruling in rulings)
        if not decision.is_empty:
            decisions[customer_id] = decision
    return at, found, decisions, disagreements


async def _apply(work: Work, live: Live, found: Evidence, decisions: Mapping[UUID, Decision], at: datetime) -> None:
    digits = await facts.digits_of(work.session, work.actor.brand_id)

    def pair(customer_id: UUID, ruling: Ruling) -> Pair:
        tallies = found.customers[customer_id].tallies
        reason = because(ruling.name, found.judges[ruling.id], tallies, minor_digits=digits)
        return Pair(customer_id, ruling.tag_id, reason)

    # What is taken off comes first: a tag may go from one rule to another.
    off = _by_rule((rule_id, Pair(who, tag_id)) for who, each in decisions.items() for rule_id, tag_id in each.off)
    for rule_id, pairs in off.items():
        await carrying.take_off(work, pairs, set_by=SetBy.RULE, rule_id=rule_id)
    put = _by_rule((ruling.id, pair(who, ruling)) for who, each in decisions.items() for ruling in each.put)
    for rule_id, pairs in put.items():
        confidence = live[rule_id][0].confidence
        await carrying.put(work, pairs, set_by=SetBy.RULE, rule_id=rule_id, confidence=confidence)
    await _withdraw(work, [each_id for each in decisions.values() for each_id in each.withdraw], at)
    await _suggest(
        work, [(ruling.id, pair(who, ruling)) for who, each in decisions.items() for ruling in each.suggest], at
    )
    await say(work, {who for who, each in decisions.items() if each.suggest or each.withdraw})


def _by_rule(pairs: Iterable[tuple[UUID, Pair]]) -> dict[UUID, list[Pair]]:
    found: dict[UUID, list[Pair]] = defaultdict(list)
    for rule_id, pair in pairs:
        found[rule_id].append(pair)
    return found


async def _withdraw(work: Work, suggestion_ids: Sequence[UUID], at: datetime) -> None:
    for start in range(0, len(suggestion_ids), AT_ONCE):
        await work.session.execute(
            update(TagSuggestion)
            .where(
                col(TagSuggestion.brand_id) == work.actor.brand_id,
                col(TagSuggestion.id).in_(suggestion_ids[start : start + AT_ONCE]),
                col(TagSuggestion.state) == SuggestionState.OPEN,
            )
            .values(state=SuggestionState.WITHDRAWN, decided_at=at, version=TagSuggestion.version + 1)
            .execution_options(synchronize_session=False)
        )


async def _suggest(work: Work, new: Sequence[tuple[UUID, Pair]], at: datetime) -> None:
    await bulk.insert_rows(
        work.session,
        TagSuggestion,
        [
            {
                "brand_id": work.actor.brand_id,
                "id": ids.new(),
                "customer_id": pair.customer_id,
                "tag_id": pair.tag_id,
                "rule_id": rule_id,
                "reason": pair.reason,
                "state": SuggestionState.OPEN,
                "at": at,
                "version": 1,
            }
            for rule_id, pair in new
        ],
    )
