"""Campaigns: written, sent, held up, taken back."""

from kernel.work import Ground
from tasks.models import CampaignState, TaskKind
from tests.factories import build_customer, build_world, reload
from tests.tasks.sending import recipients, sent, tasks_of


async def test_a_campaign_gives_each_holder_a_task_for_each_customer(ground: Ground) -> None:
    world = await build_world(ground)
    first = await build_customer(ground, world.shop.guide)
    second = await build_customer(ground, world.shops[2].other_guide)

    campaign = await sent(ground, world.hq)

    made = {(task.customer_id, task.account_id, task.kind) for task in await tasks_of(ground, campaign)}
    assert made == {
        (first.id, world.shop.guide.account_ids[0], TaskKind.CAMPAIGN),
        (second.id, world.shops[2].other_guide.account_ids[0], TaskKind.CAMPAIGN),
    }
    assert len(await recipients(ground, campaign)) == 2
    assert (await reload(ground, campaign)).state is CampaignState.RUNNING
