"""Whom a campaign reaches: its stores, guides and customers as they are now, and why others are left out."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, distinct, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Relationship
from directory.models import Region, Store, StoreState
from directory.policy import stores_visible_to
from kernel.actor import Actor
from tasks.errors import CampaignMovedOn, CampaignReachesNobody, CampaignTooLarge
from tasks.models import Campaign, CampaignAim, Verdict
from tasks.models.dealing import Dealt, Load, deal, load
from tasks.policy import require_author
from tasks.queries import campaigns
from tasks.queries.audience import STORES, Manner, SubjectRow, guides_at_work, judged, manner_of, members, members_of
from tasks.queries.settings import settings_of

MOST_CUSTOMERS = 200_000
MOST_GUIDES = 10_000
MOSTSTORES = 10_000

_AT_ONCE = 5_000

PlaceRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Preview:
    """What sending a campaign now would come to. `left_out` counts customers by why they get no task.

    `customers` are all that the campaign selects; those of the control group are left alone.
    """

    stores: int
    customers: int
    control: int
    tasks: int
    left_out: Mapping[Verdict, int]
    load: Load


async def stores(session: AsyncSession, author: Actor, campaign: Campaign) -> Sequence[PlaceRow]:
    """The open stores that the campaign selects, as far as they are in the author's sight, by id: `id`, `time_zone`.

    Raises `CAMPAIGN_REACHES_NOBODY`, `CAMPAIGN_TOO_LARGE`.
    """
    rows = select(col(Store.id), col(Store.time_zone)).where(
        stores_visible_to(author), col(Store.state) == StoreState.OPEN
    )
    named = []
    if campaign.store_ids:
        named.append(col(Store.id).in_(list(map(UUID, campaign.store_ids))))
    if campaign.region_ids:
        named.append(col(Store.region_id).in_(_below(author.brand_id, list(map(UUID, campaign.region_ids)))))
    if named:
        rows = rows.where(or_(*named))
    found = (await session.execute(rows.order_by(col(Store.id)).limit(MOSTSTORES + 1))).all()
    if not found:
        raise CampaignReachesNobody
    if len(found) > MOSTSTORES:
        raise _too_large()
    return found


async def require_reach(session: AsyncSession, author: Actor, campaign: Campaign, places: Sequence[PlaceRow]) -> None:
    """Refuse what would reach nobody, or too many. Raises `CAMPAIGN_REACHES_NOBODY`, `CAMPAIGN_TOO_LARGE`."""
    if campaign.aim is CampaignAim.GUIDES:
        await guides(session, campaign, [place.id for place in places])
        return
    await _require_size(session, author, campaign, places)
    async for _ in _subjects(session, author, campaign, places, only_free=True, most=1):
        return
    raise CampaignReachesNobody


async def preview(session: AsyncSession, actor: Actor, campaign_id: UUID) -> Preview:
    """What sending a campaign now would come to: whom it reaches, who is left out and why, and the load per guide.

    Raises `NOT_FOUND`, `FORBIDDEN`, `BAD_EXPRESSION`, `CAMPAIGN_MOVED_ON` for one that is sent already,
    `CAMPAIGN_AUTHOR_AWAY`, `CAMPAIGN_REACHES_NOBODY`, `CAMPAIGN_TOO_LARGE`.
    """
    campaign = await campaigns.get(session, actor, campaign_id)
    require_author(actor, campaign)
    if campaign.is_sent:
        raise CampaignMovedOn(state=campaign.state)
    author = await campaigns.author_of(session, campaign)
    places = await stores(session, author, campaign)
    if campaign.aim is CampaignAim.GUIDES:
        found = await guides(session, campaign, [place.id for place in places])
        return Preview(len(places), 0, 0, len(found), {}, load(row.id for row in found))
    await _require_size(session, author, campaign, places)
    left_out: Counter[Verdict] = Counter()
    free: list[SubjectRow] = []
    async for row in _subjects(session, author, campaign, places):
        if row.verdict:
            left_out[Verdict(row.verdict)] += 1
        else:
            free.append(row)
    # Beside the event loop: so many are drawn in some tenths of a second.
    chosen = await asyncio.to_thread(dealt, campaign, free, {})
    treated = [each.candidate.holder_id for each in chosen if not each.is_control]
    if not treated:
        raise CampaignReachesNobody
    if len(chosen) < len(free):
        left_out[Verdict.OVER_QUOTA] = len(free) - len(chosen)
    customers = len(free) + left_out.total() - left_out[Verdict.OVER_QUOTA]
    return Preview(len(places), customers, len(chosen) - len(treated), len(treated), left_out, load(treated))


def dealt(campaign: Campaign, free: Sequence[Any], given: Mapping[UUID, int]) -> list[Dealt]:
    """Who of those who are free is chosen, as the campaign says."""
    return deal(
        free,
        seed=campaign.seed,
        percent=campaign.control_percent,
        most_per_guide=campaign.most_per_guide,
        given=given,
    )


async def guides(session: AsyncSession, campaign: Campaign, store_ids: Sequence[UUID]) -> Sequence[Row[UUID, UUID]]:
    """The accounts of the guides at work there whom the campaign is for, and their stores, by id.

    Raises `CAMPAIGN_REACHES_NOBODY`, `CAMPAIGN_TOO_LARGE`.
    """
    found = (await session.execute(guides_at_work(campaign).limit(MOST_GUIDES + 1), {STORES: list(store_ids)})).all()
    if not found:
        raise CampaignReachesNobody
    if len(found) > MOST_GUIDES:
        raise _too_large()
    return found


async def _require_size(session: AsyncSession, author: Actor, campaign: Campaign, places: Sequence[PlaceRow]) -> None:
    who = await members_of(session, author, campaign)
    some = members(campaign.brand_id, who, col(Relationship.holder_id)).limit(MOST_CUSTOMERS + 1).subquery()
    counted = await session.execute(
        select(func.count(), func.count(distinct(some.c.holder_id))).select_from(some),
        {STORES: [place.id for place in places]},
    )
    customers, holders = counted.one()
    if customers > MOST_CUSTOMERS or holders > MOST_GUIDES:
        raise _too_large()


async def _subjects(
    session: AsyncSession,
    author: Actor,
    campaign: Campaign,
    places: Sequence[PlaceRow],
    *,
    only_free: bool = False,
    most: int | None = None,
) -> AsyncIterator[SubjectRow]:
    """The customers of these stores with the reason why each is left out, if there is one, by holder and worth."""
    who = await members_of(session, author, campaign)
    for manner, store_ids in (await _by_manner(session, campaign, places)).items():
        people = judged(campaign.brand_id, who, manner).subquery()
        rows = select(people.c.customer_id, people.c.holder_id, people.c.verdict)
        rows = rows.order_by(people.c.holder_id, people.c.worth.desc(), people.c.customer_id).limit(most)
        if only_free:
            rows = rows.where(people.c.verdict.is_(None))
        stream = await session.stream(rows.execution_options(yield_per=_AT_ONCE), {STORES: store_ids})
        async for row in stream:
            yield row


async def _by_manner(session: AsyncSession, campaign: Campaign, places: Sequence[PlaceRow]) -> dict[Manner, list[UUID]]:
    settings = await settings_of(session, campaign.brand_id, [place.id for place in places])
    found: dict[Manner, list[UUID]] = defaultdict(list)
    for place in places:
        found[manner_of(settings[place.id], place.time_zone, campaign.due_at)].append(place.id)
    return found


def _below(brand_id: UUID, region_ids: Sequence[UUID]) -> Any:
    root = aliased(Region)
    return select(col(Region.id)).where(
        col(Region.brand_id) == brand_id,
        exists().where(
            col(root.brand_id) == brand_id,
            col(root.id).in_(region_ids),
            func.substr(col(Region.path), 1, func.length(col(root.path))) == col(root.path),
        ),
    )


def _too_large() -> CampaignTooLarge:
    return CampaignTooLarge(customers=MOST_CUSTOMERS, guides=MOST_GUIDES)
