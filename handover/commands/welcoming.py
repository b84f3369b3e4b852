"""Ask takeover guides to welcome the customers who came to them, a few a day."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from handover.models import HandoverState, ItemReason
from handover.models.spreading import open_days, spread
from handover.queries import moving, settings
from handover.queries import welcoming as queries
from kernel import clock
from kernel.work import Work
from tasks.commands import add_made
from tasks.models import TaskKind, TaskSource
from tasks.models.hours import at_clock
from tasks.queries import hours
from tasks.queries.hours import StoreHours

WELCOME = "handover.welcome"
AT_ONCE = 100
PRIORITY = 60
TITLE = "接手问候"
REASON = "这位顾客刚从同事那里交接给你，先看看交接卡，再问候一声、介绍一下自己。"


async def welcome(work: Work, handover_id: UUID) -> int:
    """Make the next welcome tasks, at most 100; says how many. Each customer once a handover and guide.

    Each is for a day on which the shop is open, from tomorrow on: it sleeps until the shop opens, and is due before it
    closes. A guide has at most so many for one day as the brand says, the most valuable customers first. Once a
    handover is undone, none are made any more.
    """
    handover = await moving.lock(work.session, work.actor.brand_id, handover_id)
    if handover is None or handover.undoes_id is not None:
        return 0
    if handover.state not in (HandoverState.SETTLING, HandoverState.DONE):
        return 0
    rows = await queries.unwelcomed(work.session, handover, AT_ONCE)
    if not rows:
        return 0
    brand_id, now = handover.brand_id, clock.now()
    most = (await settings.setting_of(work.session, brand_id)).welcomes_a_day
    there = await hours.of_stores(work.session, brand_id, {row.store_id for row in rows})
    weeks = await queries.weeks(work.session, brand_id, {row.store_id for row in rows})
    taken: dict[UUID, Counter[date]] = defaultdict(Counter)
    zones = {row.holder_id: there[row.store_id] for row in rows}
    for row in await queries.due(work.session, brand_id, list(zones)):
        taken[row.account_id][zones[row.account_id].day_of(row.due_at)] += row.number
    made: list[dict[str, Any]] = []
    for account_id, store in zones.items():
        its = [row for row in rows if row.holder_id == account_id]
        week = weeks[its[0].store_id]
        days = spread(len(its), open_days(week, store.day_of(now) + timedelta(days=1)), taken[account_id], max(most, 1))
        made += [_task(handover.id, row, day, store, week) for row, day in zip(its, days, strict=True)]
    return len(await add_made(work, made))


def _task(handover_id: UUID, row: Any, day: date, store: StoreHours, week: Sequence[Any]) -> dict[str, Any]:
    opens, closes = _open_hours(day, store, week)
    times = asdict(store.times(day, opens, PRIORITY))
    due_at = min(times["due_at"], closes)
    return {
        "kind": TaskKind.WELCOME,
        "title": TITLE,
        "reason": REASON,
        "relationship_id": row.relationship_id,
        "priority": PRIORITY,
        "source": TaskSource.RULE,
        "source_key": _key(handover_id, row),
        "snoozed_until": opens,
        **times,
        "due_at": due_at,
        "escalates_at": store.escalates_at(due_at),
    }


def _key(handover_id: UUID, row: Any) -> str:
    """Once a handover; and once for each guide after the first, whom their customers fell back to."""
    key = f"{queries.PREFIX}:{handover_id}:{row.relationship_id}"
    return f"{key}:{row.holder_id.hex[-16:]}" if row.reason is ItemReason.FALLBACK else key


def _open_hours(day: date, store: StoreHours, week: Sequence[Any]) -> tuple[datetime, datetime]:
    """When the shop opens and closes on that day; a shop that is never open, all day."""
    shown = week[day.weekday()]
    if shown is None:
        return clock.day_bounds(day, store.time_zone)
    opens, closes = (at_clock(day, each, store.time_zone) for each in shown)
    return opens, closes - timedelta(minutes=1)
