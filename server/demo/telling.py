"""Give everybody something to do: tasks with reasons, late and in time, put off, and done with an outcome."""

from datetime import datetime, timedelta
from math import ceil
from uuid import UUID

from mall.models import OPEN_STATES
from server.demo.house import Keeper, Row, Shop
from server.demo.lives import Making, Person, Tie
from server.demo.reasons import Reason, to_follow_up, to_revisit
from server.demo.words import BOUGHT_REMARK, CHORES, DESK_CHORES, OUTCOMES
from tasks.models import Outcome, TaskKind, TaskSource, TaskState

MORNING = 6 * 3600
EVENING = 21 * 3600 + 1800
ESCALATES_AFTER = timedelta(hours=24)
SNOOZED_SHARE = 0.08
LATE_SHARE = 0.3
DONE_SHARE = 0.3


def tell(making: Making, people: list[Person]) -> None:
    """Tasks about these customers, and in a store's first batch the chores of the house."""
    if making.part == 0:
        _tell_chores(making, making.shop)
    open_room = ceil(making.shape.tasks_per_guide / making.parts)
    done_room = ceil(open_room / 2)
    pending: dict[UUID, int] = {}
    done: dict[UUID, int] = {}
    for person in people:
        account_id = person.tie.keeper.account_id
        if person.customer["do_not_contact"] or not person.purchases:
            continue
        if done.get(account_id, 0) < done_room and making.dice.throw() < DONE_SHARE and _tell_done(making, person):
            done[account_id] = done.get(account_id, 0) + 1
        elif pending.get(account_id, 0) < open_room and _tell_pending(making, person):
            pending[account_id] = pending.get(account_id, 0) + 1


def _tell_pending(making: Making, person: Person) -> bool:
    """One open task at most: an order on its way first, then the rules' reasons."""
    dice, today = making.dice, making.today
    fresh = 0 if today.seconds > MORNING else 1
    days_ago = dice.between(fresh + 1, 5) if dice.throw() < LATE_SHARE else fresh
    latest = person.purchases[-1]
    if latest.order["state"] in OPEN_STATES and latest.days_ago > fresh:
        reason: Reason | None = to_follow_up(making, person, latest, fresh)
        days_ago, tie = fresh, latest.tie
    else:
        reason = to_revisit(making, person, days_ago, today.at(days_ago, MORNING))
        tie = person.tie
    if reason is None or latest.placed_at >= today.at(days_ago, MORNING):
        return False
    # A late task was due by yesterday evening, a fresh one by this or tomorrow evening.
    due = dice.between(1, days_ago) if days_ago > fresh else dice.one_of((0, 0, -1))
    _task(making, person, tie, reason, days_ago, today.at(due, EVENING), snoozes=dice.throw() < SNOOZED_SHARE)
    return True


def _tell_done(making: Making, person: Person) -> bool:
    """A task of the past weeks: if the customer then bought, that is what came of it."""
    dice, today = making.dice, making.today
    days_ago = dice.between(5, 20)
    made_at = today.at(days_ago, MORNING)
    reason = to_revisit(making, person, days_ago, made_at)
    if reason is None:
        return False
    closed_at = today.at(days_ago - dice.between(0, 2), dice.between(10 * 3600, 20 * 3600))
    outcome, remark = dice.one_of(OUTCOMES)
    bought = next((p for p in person.purchases if p.placed_at >= made_at and p.days_ago >= 2), None)
    if bought is not None:
        closed_at, outcome, remark = bought.placed_at, Outcome.BOUGHT, BOUGHT_REMARK
    task = _task(making, person, person.tie, reason, days_ago, today.at(days_ago - 2, EVENING))
    task |= {
        "state": TaskState.DONE,
        "escalates_at": None,
        "closed_at": closed_at,
        "outcome": outcome,
        "outcome_remark": remark,
        "version": 2,
    }
    return True


def _task(
    making: Making, person: Person, tie: Tie, reason: Reason, days_ago: int, due_at: datetime, *, snoozes: bool = False
) -> Row:
    """A task that a rule made; whoever holds the relationship keeps it."""
    day = making.day(days_ago)
    task = _row(making, tie.shop, tie.keeper, reason.kind, reason.title, reason.text, days_ago, due_at)
    task |= {
        "relationship_id": tie.row["id"],
        "customer_id": person.customer["id"],
        "suggested_words": reason.words,
        "priority": reason.priority,
        "source": TaskSource.RULE,
        "source_key": f"{reason.kind.value}:{tie.row['id']}:{day.isoformat()}",
        "created_by_id": None,
    }
    if snoozes:
        until = making.today.at(-1, 10 * 3600)
        due_at = max(due_at, until)
        task |= {"snoozed_until": until, "due_at": due_at, "escalates_at": due_at + ESCALATES_AFTER, "version": 2}
    return task


def _tell_chores(making: Making, shop: Shop) -> None:
    """What the store manager asks for: of the guides, and of whoever looks after the store's own account."""
    fresh = 0 if making.today.seconds > MORNING else 1
    for keeper in (shop.public, *shop.guides):
        if keeper.is_leaving:
            continue
        chores = CHORES if keeper.staff_id else DESK_CHORES
        for title, why in making.dice.some_of(chores, making.dice.between(1, 2)):
            due_at = making.today.at(making.dice.one_of((0, -1)), EVENING)
            _row(making, shop, keeper, TaskKind.TODO, title, why, fresh, due_at)


def _row(
    making: Making, shop: Shop, keeper: Keeper, kind: TaskKind, title: str, reason: str, days_ago: int, due_at: datetime
) -> Row:
    task: Row = {
        "brand_id": making.house.brand_id,
        "id": making.dice.id(),
        "store_id": shop.id,
        "account_id": keeper.account_id,
        "relationship_id": None,
        "customer_id": None,
        "campaign_id": None,
        "contact_day": None,
        "kind": kind,
        "title": title,
        "reason": reason,
        "suggested_words": None,
        "priority": 40,
        "due_at": due_at,
        "escalates_at": due_at + ESCALATES_AFTER,
        "state": TaskState.PENDING,
        "snoozed_until": None,
        "source": TaskSource.PERSON,
        "source_key": None,
        "created_by_id": shop.manager_id,
        "created_at": making.today.at(days_ago, MORNING),
        "closed_at": None,
        "seen_at": None,
        "outcome": None,
        "outcome_remark": None,
        "version": 1,
    }
    making.batch.tasks.append(task)
    return task
