"""Hand a campaign's tasks out, store by store, and take them back; chunk by chunk, each a commit of its own.

Whom a store's chunk chooses is read before it begins, and looked at once more when nobody can change it. One that is
done twice, or cut off, does no harm: whoever was chosen has a line by then that says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer
from customers.queries import relationships
from directory.models import Account
from kernel import bulk, clock, ids
from kernel.actor import system
from kernel.work import Work
from tasks.commands.adding import add_made
from tasks.commands.telling import tell
from tasks.events import TaskCancelled
from tasks.models import (
    Campaign,
    CampaignAim,
    CampaignRecipient,
    CampaignState,
    CampaignStore,
    TaskKind,
    TaskSource,
    Verdict,
)
from tasks.models.dealing import Dealt
from tasks.queries import audience, reach
from tasks.queries import campaigns as queries
from tasks.queries.hours import StoreHours
from tasks.queries.hours import of_store as hours_of

HAND_OUT = "tasks.hand_out_campaign"
HAND_OUT_IN = "tasks.hand_out_campaign_in"
CLOSE_OFF = "tasks.close_campaign_off"
TAKE_BACK = "tasks.take_campaign_back"
AT_ONCE = 100
STORES_AT_ONCE = 500


async def hand_out(work: Work, campaign_id: UUID, after: UUID | None = None) -> None:
    """Ask for a job for each store that isn't done."""
    campaign = await queries.hold(work.session, work.actor.brand_id, campaign_id)
    if campaign is None or campaign.state is not CampaignState.SENDING:
        return
    found = await queries.undone(work.session, campaign.brand_id, campaign.id, after, STORES_AT_ONCE)
    for store_id in found:
        work.later(HAND_OUT_IN, campaign_id=str(campaign.id), store_id=str(store_id))
    if len(found) == STORES_AT_ONCE:
        work.later(HAND_OUT, campaign_id=str(campaign.id), after=str(found[-1]))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whom a store's next chunk chooses, as was read before; the last one knows who is left out, by verdict."""

    manner: audience.Manner
    chosen: Sequence[Any]
    is_last: bool
    left_out: Mapping[str, int]


async def draft_chunk(session: AsyncSession, brand_id: UUID, campaign_id: UUID, store_id: UUID) -> Chunk | None:
    """Read whom the next chunk is to choose; none for what isn't being sent, or is about guides."""
    actor = system(brand_id)
    campaign = await queries.find(session, brand_id, campaign_id)
    if campaign is None or campaign.state is not CampaignState.SENDING or campaign.aim is CampaignAim.GUIDES:
        return None
    hours = await hours_of(session, brand_id, store_id)
    manner = audience.manner_of(hours.setting, hours.time_zone, campaign.due_at)
    who = await audience.members_of(session, actor, campaign)
    free = await audience.free_of_store(session, campaign, store_id, manner, who)
    chosen = [each.candidate for each in reach.dealt(campaign, free, await queries.given(session, campaign, store_id))]
    is_last = len(chosen) <= AT_ONCE
    left_out = await audience.left_out_of_store(session, campaign, store_id, manner, who) if is_last else {}
    if left_out.get(Verdict.OVER_QUOTA.value):
        left_out[Verdict.OVER_QUOTA.value] -= len(chosen)
    return Chunk(manner, chosen[:AT_ONCE], is_last, left_out)


async def hand_out_in(work: Work, campaign_id: UUID, store_id: UUID, prepared: Chunk | None) -> None:
    """Make the tasks of a store's next chunk, and note who was chosen; ask for the next chunk if there is one.

    Nothing is handed out of a campaign that is paused or recalled, or due by now.
    """
    campaign = await queries.hold(work.session, work.actor.brand_id, campaign_id)
    if campaign is None or campaign.state is not CampaignState.SENDING:
        return
    place = await queries.lock_store(work.session, campaign.brand_id, campaign.id, store_id)
    if place is None or place.done_at is not None:
        return
    at = clock.now()
    if campaign.due_at <= at:
        place.close(at, {})
    elif campaign.aim is CampaignAim.GUIDES:
        await _to_guides(work, campaign, place, at)
    elif prepared is not None:
        await _to_customers(work, campaign, place, at, prepared)
    if place.done_at is None:
        work.later(HAND_OUT_IN, campaign_id=str(campaign_id), store_id=str(store_id))
    elif not await queries.others_undone(work.session, campaign, store_id):
        work.later(CLOSE_OFF, campaign_id=str(campaign_id))


async def close_off(work: Work, campaign_id: UUID) -> None:
    """Note that every store is done.

    The last store asks for it; where the last two were done at once and neither knew of the other, a chore does.
    """
    campaign = await queries.lock(work.session, work.actor, campaign_id)
    left = await queries.undone(work.session, campaign.brand_id, campaign.id, None, 1)
    if campaign.state is CampaignState.SENDING and not left:
        campaign.hand_out_all()


async def take_back(work: Work, campaign_id: UUID) -> None:
    """Cancel some of the open tasks of a campaign that was recalled, and ask for the next."""
    campaign = await queries.hold(work.session, work.actor.brand_id, campaign_id)
    if campaign is None or campaign.state is not CampaignState.RECALLED:
        return
    tasks = await queries.lock_open_tasks(work.session, campaign.brand_id, campaign.id, AT_ONCE)
    at = clock.now()
    for task in tasks:
        task.cancel(at, None)
    await tell(
        work,
        *(TaskCancelled(task_id=task.id, account_id=task.account_id, version=task.version) for task in tasks),
    )
    if len(tasks) == AT_ONCE:
        work.later(TAKE_BACK, campaign_id=str(campaign_id))


async def _to_customers(work: Work, campaign: Campaign, place: CampaignStore, at: datetime, chunk: Chunk) -> None:
    chosen = await _still_so(work, campaign, place, chunk)
    hours = await hours_of(work.session, campaign.brand_id, place.store_id)
    usual = _usual(campaign, hours, at)
    rows = [
        usual | {"id": ids.new(), "relationship_id": each.candidate.relationship_id, "contact_day": chunk.manner.day}
        for each in chosen
        if not each.is_control
    ]
    made = set(await add_made(work, rows))
    of = {row["relationship_id"]: row["id"] for row in rows if row["id"] in made}
    await _note(
        work,
        campaign,
        place,
        at,
        [
            (each.holder_id, each.customer_id, is_control, of.get(each.relationship_id))
            for each, is_control in ((one.candidate, one.is_control) for one in chosen)
        ],
    )
    if chunk.is_last and len(chosen) == len(chunk.chosen):
        place.close(at, chunk.left_out)


async def _still_so(work: Work, campaign: Campaign, place: CampaignStore, chunk: Chunk) -> Sequence[Dealt]:
    """Those of a chunk of whom what they were chosen by still holds, and will until the commit."""
    about = sorted(candidate.customer_id for candidate in chunk.chosen)
    await work.session.execute(
        select(col(Customer.id))
        .where(col(Customer.brand_id) == campaign.brand_id, col(Customer.id).in_(about))
        .order_by(col(Customer.id))
        .with_for_update(read=True)
    )
    await relationships.hold_many(
        work.session, campaign.brand_id, [candidate.relationship_id for candidate in chunk.chosen]
    )
    who = await audience.members_of(work.session, work.actor, campaign)
    free = await audience.free_of_store(work.session, campaign, place.store_id, chunk.manner, who, about)
    return reach.dealt(campaign, free, await queries.given(work.session, campaign, place.store_id))


async def _to_guides(work: Work, campaign: Campaign, place: CampaignStore, at: datetime) -> None:
    hours = await hours_of(work.session, campaign.brand_id, place.store_id)
    told = exists().where(
        col(CampaignRecipient.brand_id) == campaign.brand_id,
        col(CampaignRecipient.campaign_id) == campaign.id,
        col(CampaignRecipient.account_id) == col(Account.id),
    )
    statement = audience.guides_at_work(campaign).where(~told).limit(AT_ONCE)
    found = (await work.session.execute(statement, {audience.STORES: [place.store_id]})).all()
    usual = _usual(campaign, hours, at)
    rows = [
        usual
        | {
            "id": ids.new(),
            "store_id": place.store_id,
            "account_id": row.id,
            "source_key": f"campaign:{campaign.id}:{row.id}",
        }
        for row in found
    ]
    made = set(await add_made(work, rows))
    await _note(
        work,
        campaign,
        place,
        at,
        [(row["account_id"], None, False, row["id"] if row["id"] in made else None) for row in rows],
    )
    if len(found) < AT_ONCE:
        place.close(at, {})


async def _note(
    work: Work,
    campaign: Campaign,
    place: CampaignStore,
    at: datetime,
    chosen: Sequence[tuple[UUID, UUID | None, bool, UUID | None]],
) -> None:
    """Keep who was chosen: account, customer, whether for the control group, and the task if one was made."""
    rows = [
        {
            "brand_id": campaign.brand_id,
            "id": ids.new(),
            "campaign_id": campaign.id,
            "store_id": place.store_id,
            "account_id": account_id,
            "customer_id": customer_id,
            "is_control": is_control,
            "task_id": task_id,
            "at": at,
        }
        for account_id, customer_id, is_control, task_id in chosen
    ]
    await bulk.insert_rows(work.session, CampaignRecipient, rows)


def _usual(campaign: Campaign, hours: StoreHours, at: datetime) -> dict[str, Any]:
    """What the campaign's tasks in a store have in common."""
    usual = hours.times(hours.day_of(campaign.due_at), at, campaign.priority)
    return {
        "kind": TaskKind.CAMPAIGN,
        "source": TaskSource.CAMPAIGN,
        "campaign_id": campaign.id,
        "title": campaign.title,
        "reason": campaign.reason,
        "suggested_words": campaign.suggested_words,
        "priority": campaign.priority,
        "created_by_id": campaign.created_by_id,
        "due_at": campaign.due_at,
        "alert_at": usual.alert_at,
        "escalates_at": hours.escalates_at(campaign.due_at),
        "expires_at": max(usual.expires_at, campaign.due_at),
    }
