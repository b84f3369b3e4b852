"""Mutations of campaigns that an app can put in a queue."""

from kernel.work import Ground, unit_of_work
from tasks.commands import campaigns
from tests.factories import World, build_customer
from tests.scenarios.writing import Given, Prepare, Write, name, soon
from tests.tasks.sending import written


async def add_campaign(_ground: Ground, world: World) -> Write:
    return Write(world.shop.manager, {"input": _input()})


async def edit_campaign(ground: Ground, world: World) -> Write:
    campaign = await written(ground, world.shop.manager)
    return Write(world.shop.manager, {"id": str(campaign.id), "input": _input()}, campaign.id)


async def send_campaign(ground: Ground, world: World) -> Write:
    await build_customer(ground, world.shop.guide)
    campaign = await written(ground, world.shop.manager)
    return Write(world.shop.manager, {"id": str(campaign.id)}, campaign.id)


async def pause_campaign(ground: Ground, world: World) -> Write:
    write = await send_campaign(ground, world)
    assert write.edited
    async with unit_of_work(ground, world.shop.manager) as work:
        await campaigns.send(work, write.edited)
    return write


async def resume_campaign(ground: Ground, world: World) -> Write:
    write = await pause_campaign(ground, world)
    assert write.edited
    async with unit_of_work(ground, world.shop.manager) as work:
        await campaigns.pause(work, write.edited)
    return write


async def recall_campaign(ground: Ground, world: World) -> Write:
    return await pause_campaign(ground, world)


def _input() -> Given:
    return {"name": name(), "aim": "CUSTOMERS", "title": "邀请到店", "dueAt": soon()}


WRITES: dict[str, Prepare] = {
    "addCampaign": add_campaign,
    "editCampaign": edit_campaign,
    "sendCampaign": send_campaign,
    "pauseCampaign": pause_campaign,
    "resumeCampaign": resume_campaign,
    "recallCampaign": recall_campaign,
}
