"""Write campaigns, send them, hold them up and take them back; `handing_out` does what is many."""

import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Region, Staff, Store
from directory.policy import regions_visible_to, staff_visible_to, stores_visible_to
from kernel import bulk, clock, ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, Refusal, optional_text, require_text, require_version
from kernel.work import Work
from tasks.commands.handing_out import HAND_OUT, TAKE_BACK
from tasks.errors import CampaignDueInThePast, CampaignMovedOn
from tasks.models import Campaign, CampaignAim, CampaignState, CampaignStore
from tasks.policy import require_author, require_campaigner
from tasks.queries import audience, reach
from tasks.queries import campaigns as queries

MOST_STORES = 2_000
MOST_REGIONS = 200
MOST_GUIDES = 2_000
MOST_PER_GUIDE = 200
MOST_CONTROL = 50
FURTHEST_SEND = timedelta(days=90)
FURTHEST_DUE = timedelta(days=366)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A campaign as somebody writes it. Without stores and regions it is for all stores in their sight."""

    name: str
    aim: CampaignAim
    title: str
    due_at: datetime
    reason: str | None = None
    suggested_words: str | None = None
    priority: int = 60
    segment_id: UUID | None = None
    store_ids: Sequence[UUID] = ()
    region_ids: Sequence[UUID] = ()
    guide_ids: Sequence[UUID] = ()
    control_percent: int = 0
    most_per_guide: int = 20
    send_at: datetime | None = None


async def save(
    work: Work, draft: Draft, campaign_id: UUID | None = None, *, expected_version: int | None = None
) -> Campaign:
    """Write a campaign, or write one anew that isn't sent; it is a draft then, and whoever wrote it answers for it.

    Raises `FORBIDDEN`, `NOT_FOUND` for what is out of the author's sight, `INVALID`, `CAMPAIGN_DUE_IN_THE_PAST`, and
    for one that there is `STALE_VERSION`, `CAMPAIGN_MOVED_ON`.
    """
    require_campaigner(work.actor)
    at = clock.now()
    if campaign_id is None:
        values = await _checked(work.session, work.actor, draft, at)
        campaign = Campaign(
            brand_id=work.actor.brand_id, id=ids.new(), seed=secrets.randbits(63), created_at=at, **values
        )
        campaign.created_by_id = work.actor.staff_id
        work.session.add(campaign)
        return campaign
    campaign = await queries.lock(work.session, work.actor, campaign_id)
    require_author(work.actor, campaign)
    require_version(campaign, expected_version)
    campaign.rewrite()
    for name, value in (await _checked(work.session, work.actor, draft, at)).items():
        setattr(campaign, name, value)
    campaign.created_by_id = work.actor.staff_id
    return campaign


async def send(work: Work, campaign_id: UUID, *, expected_version: int | None = None) -> Campaign:
    """Send a draft: at once, or at its time if that is to come. Jobs hand the tasks out, store by store.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `CAMPAIGN_MOVED_ON`, `CAMPAIGN_DUE_IN_THE_PAST`,
    `CAMPAIGN_AUTHOR_AWAY`, `CAMPAIGN_REACHES_NOBODY`, `CAMPAIGN_TOO_LARGE`, `BAD_EXPRESSION`.
    """
    campaign = await queries.lock(work.session, work.actor, campaign_id)
    require_author(work.actor, campaign)
    require_version(campaign, expected_version)
    if campaign.state is not CampaignState.DRAFT:
        raise CampaignMovedOn(state=campaign.state)
    at = clock.now()
    places = await _places(work, campaign, at)
    if campaign.send_at is not None and campaign.send_at > at:
        campaign.schedule()
    else:
        await _start(work, campaign, places, at)
    return campaign


async def begin(work: Work, campaign_id: UUID) -> None:
    """Send a scheduled campaign whose time has come; what can't be sent is a draft again, and says why."""
    campaign = await queries.lock(work.session, work.actor, campaign_id)
    at = clock.now()
    if campaign.state is not CampaignState.SCHEDULED or campaign.send_at is None or campaign.send_at > at:
        return
    try:
        places = await _places(work, campaign, at)
    except Refusal as refusal:
        campaign.fall_back(refusal.code)
    else:
        await _start(work, campaign, places, at)


async def pause(work: Work, campaign_id: UUID, *, expected_version: int | None = None) -> Campaign:
    """Hand out no more for now; what is handed out stays.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, and `CAMPAIGN_MOVED_ON` where nothing is left to hand out.
    """
    campaign = await _to_steer(work, campaign_id, expected_version)
    campaign.pause()
    return campaign


async def resume(work: Work, campaign_id: UUID, *, expected_version: int | None = None) -> Campaign:
    """Go on handing out, or waiting for the time.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `CAMPAIGN_MOVED_ON`, `CAMPAIGN_DUE_IN_THE_PAST`.
    """
    campaign = await _to_steer(work, campaign_id, expected_version)
    campaign.resume()
    if campaign.due_at <= clock.now():
        raise CampaignDueInThePast
    if campaign.is_sent:
        work.later(HAND_OUT, campaign_id=str(campaign.id))
    return campaign


async def recall(work: Work, campaign_id: UUID, *, expected_version: int | None = None) -> Campaign:
    """Take back what is open, in jobs; what is done stays. What isn't sent never will be.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `CAMPAIGN_MOVED_ON`.
    """
    campaign = await _to_steer(work, campaign_id, expected_version)
    campaign.recall(clock.now())
    if campaign.is_sent:
        work.later(TAKE_BACK, campaign_id=str(campaign.id))
    return campaign


async def end(work: Work, campaign_id: UUID) -> None:
    """Note that a campaign is over: all its tasks are closed, or ought to be."""
    campaign = await queries.lock(work.session, work.actor, campaign_id)
    if campaign.id in await queries.finished(work.session, campaign.brand_id, clock.now(), only=campaign.id):
        campaign.end(clock.now())


async def pass_on(work: Work, from_staff_id: UUID, to_staff_id: UUID, most: int) -> int:
    """Let somebody else answer for what waits for its time and whoever leaves answers for; says how many there were.

    At most so many at a time. They reach the same stores, as far as these are in the other one's sight.
    """
    person = await work.session.get(Staff, (work.actor.brand_id, from_staff_id))
    if person is None:
        return 0
    found = await queries.lock_scheduled_of(work.session, work.actor.brand_id, from_staff_id, most)
    for campaign in found:
        campaign.pass_on(to_staff_id, store_id=person.store_id, region_id=person.region_id)
    return len(found)


async def _to_steer(work: Work, campaign_id: UUID, expected_version: int | None) -> Campaign:
    """The campaign, locked for HQ or its author: as long as all that it was sent to is in their sight."""
    campaign = await queries.lock(work.session, work.actor, campaign_id)
    require_author(work.actor, campaign)
    if await queries.reaches_beyond(work.session, work.actor, campaign.id):
        raise Forbidden
    require_version(campaign, expected_version)
    return campaign


async def _places(work: Work, campaign: Campaign, at: datetime) -> Sequence[reach.PlaceRow]:
    """The stores that it can be sent to now; refused where it can't."""
    if campaign.due_at <= max(at, campaign.send_at or at):
        raise CampaignDueInThePast
    author = await queries.author_of(work.session, campaign)
    places = await reach.stores(work.session, author, campaign)
    await reach.require_reach(work.session, author, campaign, places)
    if campaign.segment_id is not None:
        campaign.segment_tree = await audience.tree_of(work.session, author, campaign.segment_id)
    return places


async def _start(work: Work, campaign: Campaign, places: Sequence[reach.PlaceRow], at: datetime) -> None:
    campaign.start(at)
    rows = [
        CampaignStore(brand_id=campaign.brand_id, campaign_id=campaign.id, store_id=place.id).model_dump()
        for place in places
    ]
    await bulk.insert_rows(work.session, CampaignStore, rows)
    work.later(HAND_OUT, campaign_id=str(campaign.id))


async def _checked(session: AsyncSession, actor: Actor, draft: Draft, at: datetime) -> dict[str, Any]:
    """The columns of a draft; refused where something is wrong with them."""
    _require_range("priority", draft.priority, 0, 100)
    _require_range("controlPercent", draft.control_percent, 0, MOST_CONTROL)
    _require_range("mostPerGuide", draft.most_per_guide, 1, MOST_PER_GUIDE)
    _require_times(draft, at)
    _require_fitting(draft)
    if draft.segment_id is not None:
        await audience.tree_of(session, actor, draft.segment_id)
    stores = await _seen(session, "storeIds", draft.store_ids, MOST_STORES, Store, stores_visible_to(actor))
    regions = await _seen(session, "regionIds", draft.region_ids, MOST_REGIONS, Region, regions_visible_to(actor))
    named = await _seen(session, "guideIds", draft.guide_ids, MOST_GUIDES, Staff, staff_visible_to(actor))
    return asdict(draft) | {
        "name": require_text("name", draft.name, longest=60),
        "title": require_text("title", draft.title, longest=100),
        "reason": optional_text("reason", draft.reason or "", longest=300),
        "suggested_words": optional_text("suggestedWords", draft.suggested_words or "", longest=500),
        "store_ids": stores,
        "region_ids": regions,
        "guide_ids": named,
        "segment_tree": None,
    }


async def _seen(
    session: AsyncSession, field: str, named: Sequence[UUID], most: int, model: Any, visible: ColumnElement[bool]
) -> list[str]:
    """Ids as they are kept, once each. `INVALID` for too many, `NOT_FOUND` where one is out of sight."""
    wanted = sorted(set(named))
    if len(wanted) > most:
        raise Invalid(field=field, reason=f"at most {most}.", reason_zh=f"最多 {most} 个。")
    if wanted:
        found = await session.scalar(select(func.count()).select_from(model).where(visible, col(model.id).in_(wanted)))
        if found != len(wanted):
            raise NotFound
    return [str(each) for each in wanted]


def _require_range(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise Invalid(field=field, reason=f"from {least} to {most}.", reason_zh=f"应在 {least} 到 {most} 之间。")


def _require_times(draft: Draft, at: datetime) -> None:
    if draft.send_at is not None and not at < draft.send_at <= at + FURTHEST_SEND:
        raise Invalid(field="sendAt", reason="within the next 90 days.", reason_zh="请选择未来 90 天以内的时间。")
    if draft.due_at <= max(at, draft.send_at or at):
        raise CampaignDueInThePast
    if draft.due_at > at + FURTHEST_DUE:
        raise Invalid(field="dueAt", reason="within the next 366 days.", reason_zh="请选择未来 366 天以内的时间。")


def _require_fitting(draft: Draft) -> None:
    """Customers are chosen by a segment and have a control group; guides are named."""
    if draft.aim is CampaignAim.CUSTOMERS and draft.guide_ids:
        raise Invalid(field="guideIds", reason="only for tasks of guides.", reason_zh="仅适用于面向导购的活动。")
    if draft.aim is CampaignAim.GUIDES and (draft.segment_id or draft.control_percent):
        raise Invalid(
            field="segmentId" if draft.segment_id else "controlPercent",
            reason="only for tasks about customers.",
            reason_zh="仅适用于面向顾客的活动。",
        )
