"""Campaigns to test with, and what is done with them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from kernel import clock
from kernel.actor import Actor, system
from kernel.jobs import Job, JobState
from kernel.work import Ground, unit_of_work
from server.wiring import HANDLERS
from server.worker import run
from tasks.commands import campaigns, handing_out
from tasks.commands.campaigns import Draft
from tasks.models import Campaign, CampaignAim, CampaignRecipient, Task
from tests.factories import World


def draft(**values: Any) -> Draft:
    """A campaign about all customers in sight, due in two days."""
    usual: dict[str, Any] = {
        "name": "春装上新",
        "aim": CampaignAim.CUSTOMERS,
        "title": "邀请到店试穿",
        "due_at": clock.now() + timedelta(days=2),
    }
    return Draft(**usual | values)


async def written(ground: Ground, actor: Actor, **values: Any) -> Campaign:
    async with unit_of_work(ground, actor) as work:
        return await campaigns.save(work, draft(**values))


async def send(ground: Ground, actor: Actor, campaign: Campaign) -> Campaign:
    async with unit_of_work(ground, actor) as work:
        return await campaigns.send(work, campaign.id)


async def sent(ground: Ground, actor: Actor, **values: Any) -> Campaign:
    """A campaign all of whose tasks are handed out."""
    campaign = await send(ground, actor, await written(ground, actor, **values))
    await work_off(ground)
    return campaign


async def work_off(ground: Ground) -> int:
    """Carry out every job of campaigns that waits, and those that follow from it; how many there were."""
    done = 0
    names = [name for name in HANDLERS if "campaign" in name]
    while True:
        async with ground.db.read() as session:
            waiting = (
                await session.scalars(
                    select(col(Job.id)).where(col(Job.state) == JobState.WAITING.value, col(Job.name).in_(names))
                )
            ).all()
        if not waiting:
            return done
        for job_id in waiting:
            await run(ground, job_id)
            done += 1


async def hand_out_once(ground: Ground, world: World, campaign: Campaign, store_id: UUID) -> None:
    """One chunk of one store."""
    chunk = await drafted(ground, campaign, store_id)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await handing_out.hand_out_in(work, campaign.id, store_id, chunk)


async def drafted(ground: Ground, campaign: Campaign, store_id: UUID) -> handing_out.Chunk | None:
    """Whom the next chunk of a store would choose."""
    async with ground.db.read() as session:
        return await handing_out.draft_chunk(session, campaign.brand_id, campaign.id, store_id)


async def recipients(ground: Ground, campaign: Campaign) -> list[CampaignRecipient]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(CampaignRecipient)
            .where(
                col(CampaignRecipient.brand_id) == campaign.brand_id, col(CampaignRecipient.campaign_id) == campaign.id
            )
            .order_by(col(CampaignRecipient.id))
        )
        return list(found)


async def tasks_of(ground: Ground, campaign: Campaign) -> list[Task]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(Task)
            .where(col(Task.brand_id) == campaign.brand_id, col(Task.campaign_id) == campaign.id)
            .order_by(col(Task.id))
        )
        return list(found)
