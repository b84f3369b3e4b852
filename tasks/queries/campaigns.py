"""Reads of campaigns themselves: who sees them, what is due with them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.queries import actors
from kernel.actor import Actor, Role, system
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged
from tasks.errors import CampaignAuthorAway
from tasks.models import Campaign, CampaignRecipient, CampaignState, CampaignStore, Task, TaskState
from tasks.policy import campaign_stores_visible_to, campaigns_visible_to, visible_to

CampaignRow = Row[*tuple[Any, ...]]

KEYS = (Key(col(Campaign.created_at), descending=True), Key(col(Campaign.id), descending=True))


async def page(
    session: AsyncSession, actor: Actor, page: Page, states: Sequence[CampaignState] = ()
) -> Sequence[CampaignRow]:
    """The campaigns in sight, newest first; one more than asked for when there is a next page."""
    rows = _rows(actor)
    if states:
        rows = rows.where(col(Campaign.state).in_(states))
    return (await session.execute(paged(rows, page, *KEYS))).all()


async def by_ids(session: AsyncSession, actor: Actor, campaign_ids: Sequence[UUID]) -> dict[UUID, CampaignRow]:
    """Those of the campaigns that are in sight."""
    found = await session.execute(_rows(actor).where(col(Campaign.id).in_(campaign_ids)))
    return {row.id: row for row in found}


async def names(session: AsyncSession, actor: Actor, task_ids: Sequence[UUID]) -> dict[UUID, str]:
    """By task in sight, what the campaign is called that sent it: whoever sees the task is told."""
    found = await session.execute(
        select(col(Task.id), col(Campaign.name))
        .join(Campaign, and_(col(Campaign.brand_id) == col(Task.brand_id), col(Campaign.id) == col(Task.campaign_id)))
        .where(visible_to(actor), col(Task.id).in_(task_ids))
    )
    return dict(found.all())


async def lock(session: AsyncSession, actor: Actor, campaign_id: UUID) -> Campaign:
    """The campaign, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    campaign = await session.scalar(
        select(Campaign)
        .where(campaigns_visible_to(actor), col(Campaign.id) == campaign_id)
        .with_for_update(key_share=True)
    )
    if campaign is None:
        raise NotFound
    return campaign


async def get(session: AsyncSession, actor: Actor, campaign_id: UUID) -> Campaign:
    """The campaign. `NOT_FOUND` if it isn't in sight."""
    campaign = await session.scalar(
        select(Campaign).where(campaigns_visible_to(actor), col(Campaign.id) == campaign_id)
    )
    if campaign is None:
        raise NotFound
    return campaign


async def find(session: AsyncSession, brand_id: UUID, campaign_id: UUID) -> Campaign | None:
    """The campaign, for jobs."""
    return await session.get(Campaign, (brand_id, campaign_id))


async def hold(session: AsyncSession, brand_id: UUID, campaign_id: UUID) -> Campaign | None:
    """The campaign, which changes only after the commit; many stores may hold it so at once."""
    return await session.scalar(
        select(Campaign)
        .where(col(Campaign.brand_id) == brand_id, col(Campaign.id) == campaign_id)
        .with_for_update(read=True)
    )


async def lock_store(session: AsyncSession, brand_id: UUID, campaign_id: UUID, store_id: UUID) -> CampaignStore | None:
    """A store of the campaign, for one at a time to hand tasks out in."""
    return await session.scalar(
        select(CampaignStore)
        .where(
            col(CampaignStore.brand_id) == brand_id,
            col(CampaignStore.campaign_id) == campaign_id,
            col(CampaignStore.store_id) == store_id,
        )
        .with_for_update()
    )


async def reaches_beyond(session: AsyncSession, actor: Actor, campaign_id: UUID) -> bool:
    """Whether it was sent to a store that is out of the actor's sight."""
    beyond = exists().where(
        col(CampaignStore.brand_id) == actor.brand_id,
        col(CampaignStore.campaign_id) == campaign_id,
        ~campaign_stores_visible_to(actor),
    )
    return bool(await session.scalar(select(beyond)))


async def undone(
    session: AsyncSession, brand_id: UUID, campaign_id: UUID, after: UUID | None, most: int
) -> Sequence[UUID]:
    """The stores that still have tasks to be handed out in, by id."""
    rows = select(col(CampaignStore.store_id)).where(
        col(CampaignStore.brand_id) == brand_id,
        col(CampaignStore.campaign_id) == campaign_id,
        col(CampaignStore.done_at).is_(None),
    )
    if after is not None:
        rows = rows.where(col(CampaignStore.store_id) > after)
    return (await session.scalars(rows.order_by(col(CampaignStore.store_id)).limit(most))).all()


async def others_undone(session: AsyncSession, campaign: Campaign, store_id: UUID) -> bool:
    """Whether there is another store in which tasks are still to be handed out."""
    others = exists().where(
        col(CampaignStore.brand_id) == campaign.brand_id,
        col(CampaignStore.campaign_id) == campaign.id,
        col(CampaignStore.store_id) != store_id,
        col(CampaignStore.done_at).is_(None),
    )
    return bool(await session.scalar(select(others)))


async def given(session: AsyncSession, campaign: Campaign, store_id: UUID) -> dict[UUID, int]:
    """How many customers of each holder in a store were chosen for a task so far, made or not."""
    found = await session.execute(
        select(col(CampaignRecipient.account_id), func.count())
        .where(
            col(CampaignRecipient.brand_id) == campaign.brand_id,
            col(CampaignRecipient.campaign_id) == campaign.id,
            col(CampaignRecipient.store_id) == store_id,
            col(CampaignRecipient.is_control).is_(False),
        )
        .group_by(col(CampaignRecipient.account_id))
    )
    return dict(found.all())


async def lock_open_tasks(session: AsyncSession, brand_id: UUID, campaign_id: UUID, most: int) -> Sequence[Task]:
    """Open tasks of a campaign, locked in the order of their keys."""
    found = await session.scalars(
        select(Task)
        .where(
            col(Task.brand_id) == brand_id, col(Task.campaign_id) == campaign_id, col(Task.state) == TaskState.PENDING
        )
        .order_by(col(Task.id))
        .limit(most)
        .with_for_update(key_share=True)
    )
    return found.all()


async def due_to_send(session: AsyncSession, brand_id: UUID, now: datetime, most: int) -> Sequence[UUID]:
    """The scheduled campaigns whose time has come."""
    found = await session.scalars(
        select(col(Campaign.id))
        .where(
            col(Campaign.brand_id) == brand_id,
            col(Campaign.state) == CampaignState.SCHEDULED,
            col(Campaign.send_at) <= now,
        )
        .order_by(col(Campaign.send_at), col(Campaign.id))
        .limit(most)
    )
    return found.all()


async def finished(
    session: AsyncSession, brand_id: UUID, now: datetime, most: int = 1, only: UUID | None = None
) -> Sequence[UUID]:
    """The campaigns that are over: nothing is open, or all that is should have expired; and none is to come."""
    alive = exists().where(
        col(Task.brand_id) == col(Campaign.brand_id),
        col(Task.campaign_id) == col(Campaign.id),
        col(Task.state) == TaskState.PENDING,
        or_(col(Task.expires_at).is_(None), col(Task.expires_at) > now),
    )
    over = select(col(Campaign.id)).where(
        col(Campaign.brand_id) == brand_id,
        or_(
            col(Campaign.state) == CampaignState.RUNNING,
            and_(col(Campaign.state) == CampaignState.PAUSED, col(Campaign.due_at) <= now),
        ),
        ~alive,
    )
    if only is not None:
        over = over.where(col(Campaign.id) == only)
    return (await session.scalars(over.order_by(col(Campaign.id)).limit(most))).all()


async def handed_out(session: AsyncSession, brand_id: UUID, most: int) -> Sequence[UUID]:
    """The campaigns that are being sent, and have nothing left to hand out."""
    left = exists().where(
        col(CampaignStore.brand_id) == col(Campaign.brand_id),
        col(CampaignStore.campaign_id) == col(Campaign.id),
        col(CampaignStore.done_at).is_(None),
    )
    found = await session.scalars(
        select(col(Campaign.id))
        .where(col(Campaign.brand_id) == brand_id, col(Campaign.state) == CampaignState.SENDING, ~left)
        .order_by(col(Campaign.id))
        .limit(most)
    )
    return found.all()


async def lock_scheduled_of(session: AsyncSession, brand_id: UUID, staff_id: UUID, most: int) -> Sequence[Campaign]:
    """The first campaigns that wait for their time and that somebody answers for, locked in the order of their keys."""
    found = await session.scalars(
        select(Campaign)
        .where(
            col(Campaign.brand_id) == brand_id,
            col(Campaign.created_by_id) == staff_id,
            col(Campaign.state) == CampaignState.SCHEDULED,
        )
        .order_by(col(Campaign.id))
        .limit(most)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def author_of(session: AsyncSession, campaign: Campaign) -> Actor:
    """Whoever answers for a campaign, with the sight that they have today. Raises `CAMPAIGN_AUTHOR_AWAY`."""
    if campaign.created_by_id is None:
        return system(campaign.brand_id)
    author = await actors.of_staff(session, campaign.brand_id, campaign.created_by_id)
    if author is None or author.role is Role.GUIDE:
        raise CampaignAuthorAway
    return author


def place(row: CampaignRow) -> list[Any]:
    """Where a row lies in the list."""
    return [row.created_at, row.id]


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Campaign.__table__.columns).where(campaigns_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel
