"""Say why a customer was or was not chosen on a day, and what each rule says of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from customers.policy import relationships_visible_to
from directory.models import Store
from kernel import clock
from kernel.actor import Actor, Scope
from kernel.errors import NotFound
from tasks.models import PlanCandidate, PlanRun, PlanSetting, RevisitRule, Task, Verdict
from tasks.models.judging import excluded, judge
from tasks.models.subjects import Day, Match, Miss, Subject
from tasks.queries import rules as rules_of
from tasks.queries import subjects
from tasks.queries.planning import require_not_to_come
from tasks.queries.settings import setting_of


@dataclass(frozen=True, slots=True)
class RuleSays:
    """What one rule says of the customer: a reason to turn to them, or why there is none."""

    rule: RevisitRule
    is_match: bool
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a customer was chosen for a day of a store, or was not.

    Without a verdict the store hasn't planned that day, and rules speak for them. `place` is theirs in the
    holder's list, where that was kept. `is_kept` says that this is what the plan noted; otherwise the customer is
    judged anew, by what is known now.
    """

    customer_id: UUID
    store_id: UUID
    account_id: UUID
    day: date
    verdict: Verdict | None
    place: int | None
    quota: int
    task_id: UUID | None
    is_kept: bool
    rules: Sequence[RuleSays]


async def explain(session: AsyncSession, actor: Actor, customer_id: UUID, day: date | None = None) -> Explanation:
    """Why the customer was or was not chosen on that day, or today, in the store through which the actor sees them.

    Raises `NOT_FOUND`, and `INVALID` for a day to come.
    """
    relationship = await _seen(session, actor, customer_id)
    store = await session.get_one(Store, (actor.brand_id, relationship.store_id))
    today = clock.store_day(clock.now(), store.time_zone)
    day = day or today
    require_not_to_come(day, today)
    setting = await setting_of(session, actor.brand_id, store.id)
    rules = await rules_of.live(session, actor.brand_id)
    facts = await subjects.day_of(session, actor.brand_id, day, rules)
    [subject] = await subjects.of_store(
        session, actor.brand_id, store.id, day, rules, as_of_past=day < today, only=[customer_id]
    )
    kept = await session.get(PlanCandidate, (actor.brand_id, store.id, day, customer_id))
    task = await session.get(Task, (actor.brand_id, kept.task_id)) if kept and kept.task_id else None
    run = await session.get(PlanRun, (actor.brand_id, store.id, day))
    says = _says(rules, subject, facts, task)
    verdict = kept.verdict if kept else _verdict(setting, subject, facts, says, run)
    return Explanation(
        customer_id=customer_id,
        store_id=store.id,
        account_id=kept.account_id if kept else subject.account_id,
        day=day,
        verdict=verdict,
        place=kept.place if kept else None,
        quota=setting.quota,
        task_id=task.id if task else None,
        is_kept=kept is not None,
        rules=says,
    )


async def _seen(session: AsyncSession, actor: Actor, customer_id: UUID) -> Relationship:
    found = await session.scalar(
        select(Relationship)
        .where(relationships_visible_to(actor), col(Relationship.customer_id) == customer_id)
        .order_by(col(Relationship.is_primary).desc(), col(Relationship.id))
        .limit(1)
    )
    if found is None or not actor.may(Scope.TASKS_READ, Scope.TASKS_WRITE):
        raise NotFound
    return found


def _verdict(
    setting: PlanSetting, subject: Subject, facts: Day, says: Sequence[RuleSays], run: PlanRun | None
) -> Verdict | None:
    """By what is known now. Whom rules speak for, and no plan of that day kept, was too far behind in line."""
    verdict = excluded(setting, subject, facts)
    if verdict is not None:
        return verdict
    if not any(each.is_match for each in says):
        return Verdict.NO_RULE
    return Verdict.OVER_QUOTA if run is not None and run.done_at is not None else None


def _says(rules: Sequence[RevisitRule], subject: Subject, facts: Day, task: Task | None) -> list[RuleSays]:
    """What all rules say, also of somebody whom no plan would choose; of a task's rule, what the task says."""
    free = replace(subject, is_primary=True, holder_works=True, do_not_contact=False, is_open=False)
    anybody = PlanSetting(brand_id=UUID(int=0), id=UUID(int=0), cool_down_days=0)
    judged = judge(rules, anybody, free, facts)
    both: Sequence[Match | Miss] = [*judged.matches, *judged.misses]
    found = {each.rule_id: each for each in both}
    return [_said(rule, found[rule.id], task) for rule in rules]


def _said(rule: RevisitRule, found: Match | Miss, task: Task | None) -> RuleSays:
    if task is not None and task.rule_id == rule.id:
        return RuleSays(rule, True, task.reason or rule.title, task.reason or rule.title)
    if isinstance(found, Match):
        return RuleSays(rule, True, found.reason, found.reason)
    return RuleSays(rule, False, found.en, found.zh)
