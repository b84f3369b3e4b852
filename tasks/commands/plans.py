"""Plan a store's day: once, whoever asks and however often, in short transactions.

What takes long, reading and choosing, is done before with nothing locked (`tasks.queries.planning`). Here the
run and the chosen customers are locked, whoever can't be turned to any more is dropped, and the rest get tasks.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import delete, tuple_
from sqlmodel import col

from kernel import bulk, clock, ids
from kernel.work import Work
from tasks.commands.adding import add_made
from tasks.models import PlanCandidate, PlanRun, TaskSource, Verdict
from tasks.models.choosing import Choice
from tasks.models.hours import times
from tasks.queries import plans
from tasks.queries.planning import Draft

PLAN_STORE = "tasks.plan_store"
AT_ONCE = 200  # tasks in a transaction: others wait for its locks

Stores = Sequence[tuple[UUID, date]]


async def begin(work: Work, stores: Stores) -> int:
    """Have the plans of these stores' days made, those that are not begun; returns how many that are."""
    at = clock.now()
    rows = [
        {"brand_id": work.actor.brand_id, "store_id": store_id, "day": day, "counts": {}, "begun_at": at}
        for store_id, day in sorted(stores)
    ]
    begun = await bulk.insert_missing(work.session, PlanRun, rows)
    for _, store_id, day in begun:
        work.later(PLAN_STORE, store_id=str(store_id), day=day.isoformat())
    return len(begun)


async def carry_out(work: Work, store_id: UUID, day: date, draft: Draft | None, after: UUID | None = None) -> None:
    """Make the tasks of a store's plan, or a part of them and ask for the next; a plan that is made is left alone.

    A part is for whole accounts; `after` is the last one that has been seen to.

    Without a draft there was nothing to plan. A draft that is older than a part that was made meanwhile does no
    harm: what decides is looked at again.
    """
    run = await plans.lock(work.session, work.actor.brand_id, store_id, day)
    if run is None or run.done_at is not None:
        return
    if draft is None:
        run.finish(clock.now(), {})
        return
    left = [choice for choice in draft.choices if after is None or choice.subject.account_id > after]
    part = _part(left)
    down = await _give(work, draft, part)
    if len(part) < len(left):
        last = str(part[-1].subject.account_id)
        work.later(PLAN_STORE, store_id=str(store_id), day=day.isoformat(), after=last)
        return
    run.finish(clock.now(), await _counts(work, draft, down))


async def forget(work: Work, today: date) -> bool:
    """Delete some candidates of more than 30 days ago and plans of more than 400; false when none are left."""
    found = False
    kept = ((PlanCandidate, plans.CANDIDATES_KEPT), (PlanRun, plans.RUNS_KEPT))
    for table, how_long in kept:
        old = await plans.old(work.session, work.actor.brand_id, table, today - how_long)
        if old:
            found = True
            await work.session.execute(
                delete(table)
                .where(col(table.brand_id) == work.actor.brand_id, tuple_(*plans.keys_of(table)).in_(old))
                .execution_options(synchronize_session=False)
            )
    return found


def _part(choices: Sequence[Choice]) -> list[Choice]:
    """The lists of the first accounts, as many as one transaction takes."""
    part: list[Choice] = []
    chosen = 0
    for _, of_account in groupby(choices, lambda choice: choice.subject.account_id):
        mine = list(of_account)
        chosen += sum(choice.verdict is Verdict.CHOSEN for choice in mine)
        if part and chosen > AT_ONCE:
            break
        part += mine
    return part


async def _give(work: Work, draft: Draft, part: Sequence[Choice]) -> Counter[Verdict]:
    """Make tasks of those who are chosen and may still be; returns how many may not, by why."""
    chosen = [choice for choice in part if choice.verdict is Verdict.CHOSEN]
    down = await _turned_down(work, draft, chosen) if chosen else {}
    rows = _tasks(draft, [choice for choice in chosen if choice.subject.customer_id not in down])
    made = set(await add_made(work, list(rows.values())))
    task_ids = {customer_id: row["id"] for customer_id, row in rows.items() if row["id"] in made}
    down |= {customer_id: Verdict.CLAIMED for customer_id in rows if customer_id not in task_ids}
    noted = [
        {
            "brand_id": work.actor.brand_id,
            "store_id": draft.store_id,
            "day": draft.day,
            "customer_id": choice.subject.customer_id,
            "account_id": choice.subject.account_id,
            "rule_id": choice.match.rule_id,
            "verdict": down.get(choice.subject.customer_id, choice.verdict),
            "place": choice.place,
            "worth": choice.match.worth,
            "task_id": task_ids.get(choice.subject.customer_id),
        }
        for choice in part
    ]
    await bulk.insert_missing(work.session, PlanCandidate, noted)
    return Counter(down.values())


async def _turned_down(work: Work, draft: Draft, chosen: Sequence[Choice]) -> dict[UUID, Verdict]:
    """What has changed since the draft was read. All that decides is locked before it is looked at again."""
    brand_id = work.actor.brand_id
    holders = {
        choice.subject.customer_id: (choice.subject.relationship_id, choice.subject.account_id) for choice in chosen
    }
    down = await plans.turned_down(work.session, brand_id, holders)
    taken = Counter(await plans.given(work.session, brand_id, draft.store_id, draft.day))
    for choice in chosen:
        customer_id, account_id = choice.subject.customer_id, choice.subject.account_id
        if customer_id in down:
            continue
        if taken[account_id] >= draft.setting.quota:
            down[customer_id] = Verdict.OVER_QUOTA
        taken[account_id] += 1
    return down


def _tasks(draft: Draft, chosen: Sequence[Choice]) -> dict[UUID, dict[str, Any]]:
    """The rows of tasks by customer."""
    now = clock.now()
    by_priority = {
        priority: asdict(times(draft.setting, draft.time_zone, draft.day, now, priority))
        for priority in {draft.rules[choice.match.rule_id].priority for choice in chosen}
    }
    rows = {}
    for choice in chosen:
        rule = draft.rules[choice.match.rule_id]
        rows[choice.subject.customer_id] = {
            "id": ids.new(),
            "relationship_id": choice.subject.relationship_id,
            "kind": choice.match.kind,
            "title": rule.title,
            "reason": choice.match.reason,
            "suggested_words": rule.suggested_words,
            "priority": rule.priority,
            "rule_id": rule.id,
            "source": TaskSource.RULE,
            "source_key": f"plan:{draft.day}:{choice.subject.customer_id}",
            "contact_day": draft.day,
            **by_priority[rule.priority],
        }
    return rows


async def _counts(work: Work, draft: Draft, down: Counter[Verdict]) -> dict[str, int]:
    """How many customers met each verdict in the end, whatever part of the plan they were in."""
    counts = Counter(draft.counts) + down
    counts[Verdict.CHOSEN] = len(await plans.chosen(work.session, work.actor.brand_id, draft.store_id, draft.day))
    return {verdict.value: count for verdict, count in sorted(counts.items()) if count}
