"""Work out whom a store's guides should turn to on a day; nothing is written or locked."""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Store, StoreState
from directory.queries import stores
from kernel import clock
from kernel.actor import Actor
from kernel.db import Database
from kernel.errors import Invalid, NotFound
from tasks.models import PlanSetting, RevisitRule, Verdict
from tasks.models.choosing import Choice, choose
from tasks.models.judging import judging
from tasks.models.subjects import Day, Judged, Subject
from tasks.policy import require_planner, rules_visible_to
from tasks.queries import plans, rules, subjects
from tasks.queries.settings import setting_of

_AT_A_TIME = 50  # customers judged before others have their turn in this process: some milliseconds


@dataclass(frozen=True, slots=True)
class Draft:
    """Whom a store's guides should turn to on a day, as things were when it was read.

    `counts` says how many customers met each verdict, without those whom the same plan has chosen before.
    """

    store_id: UUID
    time_zone: str
    day: date
    setting: PlanSetting
    rules: Mapping[UUID, RevisitRule]
    choices: Sequence[Choice]
    counts: Mapping[Verdict, int]

    def of(self, verdict: Verdict) -> Iterator[Choice]:
        """Those of the choices that have this verdict."""
        return (choice for choice in self.choices if choice.verdict is verdict)


async def for_today(session: AsyncSession, brand_id: UUID, store_id: UUID, day: date) -> Draft | None:
    """The draft of a plan that is to be carried out now.

    None where there is nothing to plan any more: the day is over, the store has closed, or plans no longer.
    """
    store = await session.get(Store, (brand_id, store_id))
    if store is None or store.state is not StoreState.OPEN or clock.store_day(clock.now(), store.time_zone) != day:
        return None
    live = await rules.live(session, brand_id)
    setting = await setting_of(session, brand_id, store_id)
    return await draft(session, store, day, live, setting) if setting.is_on and live else None


async def draft(
    session: AsyncSession,
    store: Store,
    day: date,
    of_rules: Sequence[RevisitRule],
    setting: PlanSetting,
    *,
    as_of_past: bool = False,
    facts: Day | None = None,
) -> Draft:
    """Whom the rules would have the store's guides turn to on that day; `as_of_past` leaves out what came after it.

    `facts` are those of the day, where they are known already.
    """
    brand_id = store.brand_id
    facts = facts or await subjects.day_of(session, brand_id, day, of_rules)
    read = await subjects.of_store(session, brand_id, store.id, day, of_rules, as_of_past=as_of_past)
    already = {} if as_of_past else await plans.given(session, brand_id, store.id, day)
    before: Collection[UUID] = () if as_of_past else await plans.chosen(session, brand_id, store.id, day)
    counts, candidates = await _judged(read, of_rules, setting, facts, before)
    choices = choose(candidates, of_rules, setting, already, day)
    chosen = sum(choice.verdict is Verdict.CHOSEN for choice in choices)
    counts |= {Verdict.CHOSEN: chosen, Verdict.OVER_QUOTA: len(candidates) - chosen}
    known = {rule.id: rule for rule in of_rules}
    return Draft(store.id, store.time_zone, day, setting, known, choices, {k: n for k, n in counts.items() if n})


async def preview(
    session: AsyncSession, actor: Actor, store_id: UUID, day: date | None = None, rule_ids: Sequence[UUID] | None = None
) -> Draft:
    """What the plan of a store's day would be, today's or a past one's; by the live rules, or others, drafts too.

    Of a past day purchases and tasks are those until then, and all else is as it is now.
    Raises `NOT_FOUND`, `FORBIDDEN`, and `INVALID` for a day to come or too many rules.
    """
    require_planner(actor)
    if not await stores.by_ids(session, actor, [store_id]):
        raise NotFound
    store = await session.get_one(Store, (actor.brand_id, store_id))
    today = clock.store_day(clock.now(), store.time_zone)
    day = day or today
    require_not_to_come(day, today)
    of_rules = await rules.live(session, actor.brand_id) if rule_ids is None else await _named(session, actor, rule_ids)
    setting = await setting_of(session, actor.brand_id, store_id)
    return await draft(session, store, day, of_rules, setting, as_of_past=day < today)


async def previews(db: Database, actor: Actor, of_stores: Sequence[Store], day: date | None = None) -> list[Draft]:
    """The same for several stores of one brand, each as it is when it is its turn."""
    require_planner(actor)
    known: dict[date, Day] = {}
    drafts = []
    for store in of_stores:
        today = clock.store_day(clock.now(), store.time_zone)
        wanted = day or today
        require_not_to_come(wanted, today)
        async with db.read() as session:
            of_rules = await rules.live(session, actor.brand_id)
            setting = await setting_of(session, actor.brand_id, store.id)
            if wanted not in known:
                known[wanted] = await subjects.day_of(session, actor.brand_id, wanted, of_rules)
            is_past, facts = wanted < today, known[wanted]
            drafts.append(await draft(session, store, wanted, of_rules, setting, as_of_past=is_past, facts=facts))
    return drafts


def require_not_to_come(day: date, today: date) -> None:
    """What is to come can't be explained, or tried out: it depends on what happens until then."""
    if day > today:
        raise Invalid(field="day", reason="not a day to come.", reason_zh="不能是将来的日期。")


async def _named(session: AsyncSession, actor: Actor, rule_ids: Sequence[UUID]) -> Sequence[RevisitRule]:
    if not 1 <= len(rule_ids) <= rules.MOST_RULES:
        raise Invalid(
            field="ruleIds",
            reason=f"from 1 to {rules.MOST_RULES}.",
            reason_zh=f"请选择 1 到 {rules.MOST_RULES} 条规则。",
        )
    found = await session.scalars(
        select(RevisitRule)
        .where(rules_visible_to(actor), col(RevisitRule.id).in_(rule_ids))
        .order_by(col(RevisitRule.id))
    )
    named = found.all()
    if len(named) < len(set(rule_ids)):
        raise NotFound
    return named


async def stores_of(session: AsyncSession, brand_id: UUID, codes: Collection[str] | None = None) -> Sequence[Store]:
    """The open stores of a brand by code; all of them, or those with these codes, open or not."""
    wanted = col(Store.state) == StoreState.OPEN if codes is None else col(Store.code).in_(codes)
    found = await session.scalars(
        select(Store).where(col(Store.brand_id) == brand_id, wanted).order_by(col(Store.code))
    )
    return found.all()


async def _judged(
    read: Sequence[Subject],
    of_rules: Sequence[RevisitRule],
    setting: PlanSetting,
    facts: Day,
    before: Collection[UUID],
) -> tuple[dict[Verdict, int], list[Judged]]:
    counts: Counter[Verdict] = Counter()
    candidates: list[Judged] = []
    judged_by = judging(of_rules, setting, facts, tells_misses=False)
    for place, subject in enumerate(read):
        if place % _AT_A_TIME == 0:
            await asyncio.sleep(0)
        judged = judged_by(subject)
        if judged.verdict is None:
            candidates.append(judged)
        elif subject.customer_id not in before:
            counts[judged.verdict] += 1
    return dict(counts), candidates
