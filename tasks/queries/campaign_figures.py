"""What became of campaigns, computed from their base rows: one statement a figure for all campaigns of a page.

Each counts what is in the actor's sight: a manager sees what came of a campaign in their own stores.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from tasks.models import CampaignRecipient, CampaignStore, Outcome, Task, TaskState
from tasks.policy import campaign_stores_visible_to, recipients_visible_to, visible_to

PlaceRow = Row[*tuple[Any, ...]]

MOST_STORES = 100
_REASONS = ("do_not_contact", "task_open", "claimed", "cooling_down", "holder_away", "over_quota")


@dataclass(slots=True)
class Tasks:
    """A campaign's tasks: how many there are, were seen, are in each state, and came to each outcome."""

    sent: int = 0
    seen: int = 0
    states: dict[TaskState, int] = field(default_factory=lambda: defaultdict(int))
    outcomes: dict[Outcome, int] = field(default_factory=lambda: defaultdict(int))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The customers of a campaign: chosen for a task, left alone, and left out by why.

    `claimed` were claimed for the day by somebody else, before the campaign came to them or just then.
    """

    stores: int = 0
    stores_done: int = 0
    chosen: int = 0
    control: int = 0
    do_not_contact: int = 0
    task_open: int = 0
    claimed: int = 0
    cooling_down: int = 0
    holder_away: int = 0
    over_quota: int = 0


async def tasks(session: AsyncSession, actor: Actor, campaign_ids: Sequence[UUID]) -> dict[UUID, Tasks]:
    """What became of the campaigns' tasks."""
    keys = (col(Task.campaign_id), col(Task.state), col(Task.outcome))
    found = await session.execute(
        select(*keys, func.count(), func.count(col(Task.seen_at)))
        .where(visible_to(actor), col(Task.campaign_id).in_(campaign_ids))
        .group_by(*keys)
    )
    figures: dict[UUID, Tasks] = {campaign_id: Tasks() for campaign_id in campaign_ids}
    for campaign_id, state, outcome, count, seen in found.all():
        each = figures[campaign_id]  # type: ignore[index]  # asked for by id: never empty
        each.sent += count
        each.seen += seen
        each.states[state] += count
        if outcome is not None:
            each.outcomes[outcome] += count
    return figures


async def customers(session: AsyncSession, actor: Actor, campaign_ids: Sequence[UUID]) -> dict[UUID, Chosen]:
    """Whom the campaigns chose, and whom not; two statements."""
    picked = await session.execute(
        select(
            col(CampaignRecipient.campaign_id),
            func.sum(case((col(CampaignRecipient.is_control), 1), else_=0)),
            func.sum(case((col(CampaignRecipient.is_control), 0), else_=1)),
            func.sum(
                case(
                    (and_(col(CampaignRecipient.is_control).is_(False), col(CampaignRecipient.task_id).is_(None)), 1),
                    else_=0,
                )
            ),
        )
        .where(
            recipients_visible_to(actor),
            col(CampaignRecipient.campaign_id).in_(campaign_ids),
            col(CampaignRecipient.customer_id).is_not(None),
        )
        .group_by(col(CampaignRecipient.campaign_id))
    )
    chosen = {campaign_id: tuple(map(int, counts)) for campaign_id, *counts in picked}
    left_out = await session.execute(
        select(
            col(CampaignStore.campaign_id),
            func.count(),
            func.count(col(CampaignStore.done_at)),
            *(func.sum(getattr(CampaignStore, name)).label(name) for name in _REASONS),
        )
        .where(campaign_stores_visible_to(actor), col(CampaignStore.campaign_id).in_(campaign_ids))
        .group_by(col(CampaignStore.campaign_id))
    )
    found = {}
    for campaign_id, places, done, *counts in left_out:
        reasons = dict(zip(_REASONS, map(int, counts), strict=True))
        control, treated, late = chosen.get(campaign_id, (0, 0, 0))
        reasons["claimed"] += late
        found[campaign_id] = Chosen(places, done, treated, control, **reasons)
    return {campaign_id: found.get(campaign_id, Chosen()) for campaign_id in campaign_ids}


async def by_store(session: AsyncSession, actor: Actor, campaign_ids: Sequence[UUID]) -> dict[UUID, Sequence[PlaceRow]]:
    """What became of each campaign's tasks in its first 100 stores by id, as far as they are in sight."""
    place = func.row_number().over(partition_by=col(CampaignStore.campaign_id), order_by=col(CampaignStore.store_id))
    places = (
        select(
            col(CampaignStore.campaign_id),
            col(CampaignStore.store_id),
            col(CampaignStore.done_at),
            place.label("place"),
        )
        .where(campaign_stores_visible_to(actor), col(CampaignStore.campaign_id).in_(campaign_ids))
        .subquery()
    )
    about = and_(
        col(Task.brand_id) == actor.brand_id,
        col(Task.campaign_id) == places.c.campaign_id,
        col(Task.store_id) == places.c.store_id,
    )
    found = await session.execute(
        select(
            places.c.campaign_id,
            places.c.store_id,
            (places.c.done_at.is_not(None)).label("is_done"),
            func.count(col(Task.id)).label("sent"),
            func.count(col(Task.seen_at)).label("seen"),
            *(func.count(case((col(Task.state) == state, 1))).label(state.value) for state in TaskState),
        )
        .outerjoin(Task, about)
        .where(places.c.place <= MOST_STORES)
        .group_by(places.c.campaign_id, places.c.store_id, places.c.done_at)
        .order_by(places.c.campaign_id, places.c.store_id)
    )
    figures: dict[UUID, list[PlaceRow]] = {campaign_id: [] for campaign_id in campaign_ids}
    for row in found:
        figures[row.campaign_id].append(row)
    return dict(figures)
