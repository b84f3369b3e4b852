"""Campaigns: written, sent, held up, taken back; who may, and what is refused."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from directory.models import Staff
from kernel import clock, ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from server import chores
from tasks.commands import campaigns
from tasks.errors import (
    CampaignAuthorAway,
    CampaignDueInThePast,
    CampaignMovedOn,
    CampaignReachesNobody,
    CampaignTooLarge,
)
from tasks.models import Campaign, CampaignAim, CampaignState
from tasks.queries import reach
from tests.factories import NOON, World, build_campaign, build_customer, build_world, reload
from tests.refusals import snapshot
from tests.tasks.sending import draft, send, sent, tasks_of, work_off, written


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def state_of(ground: Ground, campaign: Campaign) -> CampaignState:
    return (await reload(ground, campaign)).state


async def test_a_draft_is_kept_as_it_was_written(ground: Ground, world: World) -> None:
    campaign = await written(ground, world.hq, store_ids=[world.shop.store.id, world.shop.store.id], control_percent=20)

    kept = await reload(ground, campaign)
    assert (kept.state, kept.store_ids, kept.control_percent) == (
        CampaignState.DRAFT,
        [str(world.shop.store.id)],
        20,
    )
    assert kept.created_by_id == world.hq.staff_id


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"name": " "}, Invalid),
        ({"title": "很" * 101}, Invalid),
        ({"priority": 101}, Invalid),
        ({"control_percent": 51}, Invalid),
        ({"control_percent": -1}, Invalid),
        ({"most_per_guide": 0}, Invalid),
        ({"most_per_guide": 201}, Invalid),
        ({"due_at": -timedelta(minutes=1)}, CampaignDueInThePast),
        ({"due_at": timedelta(days=367)}, Invalid),
        ({"send_at": -timedelta(minutes=1)}, Invalid),
        ({"send_at": timedelta(days=91), "due_at": timedelta(days=95)}, Invalid),
        ({"send_at": timedelta(days=3)}, CampaignDueInThePast),
        ({"aim": CampaignAim.GUIDES, "control_percent": 10}, Invalid),
        ({"guide_ids": [ids.new()]}, Invalid),
        ({"segment_id": ids.new()}, NotFound),
        ({"store_ids": [ids.new()]}, NotFound),
        ({"region_ids": [ids.new()]}, NotFound),
        ({"store_ids": [ids.new() for _ in range(2_001)]}, Invalid),
        ({"aim": CampaignAim.GUIDES, "guide_ids": [ids.new()]}, NotFound),
    ],
)
async def test_what_cannot_be_is_refused_and_nothing_is_kept(
    ground: Ground, world: World, wrong: dict[str, Any], refusal: type[Exception]
) -> None:
    now = clock.now()
    given = {key: now + value if isinstance(value, timedelta) else value for key, value in wrong.items()}
    before = await snapshot(ground)

    with pytest.raises(refusal):
        await written(ground, world.hq, **given)

    assert await snapshot(ground) == before


async def test_a_guide_sends_nothing(ground: Ground, world: World) -> None:
    with pytest.raises(Forbidden):
        await written(ground, world.shop.guide)


async def test_a_manager_names_only_what_they_see(ground: Ground, world: World) -> None:
    for named in ({"store_ids": [world.shops[1].store.id]}, {"region_ids": [world.regions["north"].id]}):
        with pytest.raises(NotFound):
            await written(ground, world.shop.manager, **named)


async def test_a_manager_reaches_their_own_stores_alone(ground: Ground, world: World) -> None:
    for shop in world.shops:
        await build_customer(ground, shop.guide)

    by_manager = await sent(ground, world.shop.manager)
    by_region = await sent(ground, world.east_manager)

    assert {task.store_id for task in await tasks_of(ground, by_manager)} == {world.shop.store.id}
    # The first store's customer has a task already.
    assert {task.store_id for task in await tasks_of(ground, by_region)} == {world.shops[1].store.id}


async def test_regions_stand_for_their_stores_beside_those_that_are_named(ground: Ground, world: World) -> None:
    for shop in world.shops:
        await build_customer(ground, shop.guide)

    campaign = await sent(ground, world.hq, region_ids=[world.regions["north"].id], store_ids=[world.shops[1].store.id])

    assert {task.store_id for task in await tasks_of(ground, campaign)} == {
        world.shops[1].store.id,
        world.shops[2].store.id,
    }


async def test_a_draft_can_be_written_anew_until_it_is_sent(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await written(ground, world.shop.manager)

    async with unit_of_work(ground, world.shop.manager) as work:
        await campaigns.save(work, draft(title="请来看看"), campaign.id, expected_version=1)
    await send(ground, world.shop.manager, campaign)

    assert (await reload(ground, campaign)).title == "请来看看"
    with pytest.raises(CampaignMovedOn):
        async with unit_of_work(ground, world.shop.manager) as work:
            await campaigns.save(work, draft(), campaign.id)


async def test_an_edit_of_an_older_version_is_refused(ground: Ground, world: World) -> None:
    campaign = await written(ground, world.shop.manager)

    with pytest.raises(StaleVersion):
        async with unit_of_work(ground, world.shop.manager) as work:
            await campaigns.save(work, draft(), campaign.id, expected_version=2)


@pytest.mark.parametrize("act", [campaigns.send, campaigns.pause, campaigns.resume, campaigns.recall])
async def test_who_does_not_answer_for_a_campaign_changes_nothing_of_it(ground: Ground, world: World, act: Any) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await send(ground, world.hq, await written(ground, world.hq))
    theirs = await written(ground, world.shop.manager)
    before = await snapshot(ground)

    for actor, which, refusal in (
        (world.shop.manager, campaign, Forbidden),  # came into their store, and isn't theirs
        (world.east_manager, campaign, Forbidden),
        (world.east_manager, theirs, NotFound),  # another's draft
        (world.shop.guide, campaign, NotFound),
        (world.shops[2].manager, theirs, NotFound),
    ):
        with pytest.raises(refusal):
            async with unit_of_work(ground, actor) as work:
                await act(work, which.id)
    assert await snapshot(ground) == before


async def test_sending_twice_at_once_sends_once(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await written(ground, world.hq)

    told = await asyncio.gather(*(send(ground, world.hq, campaign) for _ in range(2)), return_exceptions=True)
    await work_off(ground)

    assert sorted(type(each).__name__ for each in told) == ["Campaign", "CampaignMovedOn"]
    assert len(await tasks_of(ground, campaign)) == 1


async def test_of_two_managers_at_once_one_wins_and_both_know(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await send(ground, world.hq, await written(ground, world.hq))

    async def steer(act: Any) -> Any:
        async with unit_of_work(ground, world.hq) as work:
            return await act(work, campaign.id, expected_version=campaign.version)

    told = await asyncio.gather(steer(campaigns.pause), steer(campaigns.recall), return_exceptions=True)

    assert sorted(type(each).__name__ for each in told) == ["Campaign", "StaleVersion"]
    assert await state_of(ground, campaign) in (CampaignState.PAUSED, CampaignState.RECALLED)


async def _refused(ground: Ground, actor: Actor, campaign: Campaign, refusal: type[Exception]) -> None:
    """At the preview as when it is sent; nothing changes, nothing is said."""
    before = await snapshot(ground)
    with pytest.raises(refusal):
        async with ground.db.read() as session:
            await reach.preview(session, actor, campaign.id)
    with pytest.raises(refusal):
        await send(ground, actor, campaign)
    assert await snapshot(ground) == before


async def test_a_campaign_that_reaches_no_customer_is_refused(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide, do_not_contact=True)

    await _refused(ground, world.hq, await written(ground, world.hq), CampaignReachesNobody)


async def test_a_campaign_to_no_guide_is_refused(ground: Ground, world: World) -> None:
    campaign = await written(
        ground, world.hq, aim=CampaignAim.GUIDES, guide_ids=[world.shop.guide.id], store_ids=[world.shops[2].store.id]
    )

    await _refused(ground, world.hq, campaign, CampaignReachesNobody)


async def test_a_campaign_to_too_many_guides_is_refused(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "MOST_GUIDES", 5)

    await _refused(ground, world.hq, await written(ground, world.hq, aim=CampaignAim.GUIDES), CampaignTooLarge)


async def test_a_campaign_about_too_many_customers_is_refused(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await build_customer(ground, world.shop.guide)
    monkeypatch.setattr(reach, "MOST_CUSTOMERS", 2)

    await _refused(ground, world.hq, await written(ground, world.hq), CampaignTooLarge)


async def test_what_would_be_due_before_it_is_sent_is_refused(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await build_campaign(ground, world.hq, due_at=clock.now() - timedelta(hours=1))
    before = await snapshot(ground)

    with pytest.raises(CampaignDueInThePast):
        await send(ground, world.hq, campaign)

    assert await snapshot(ground) == before


async def _scheduled(ground: Ground, actor: Actor, **values: Any) -> Campaign:
    now = clock.now()
    campaign = await written(ground, actor, send_at=now + timedelta(hours=3), due_at=now + timedelta(days=2), **values)
    return await send(ground, actor, campaign)


async def test_a_scheduled_campaign_is_sent_at_its_time_and_not_before(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await _scheduled(ground, world.hq)

    await chores.mind_campaigns(ground)
    assert await state_of(ground, campaign) is CampaignState.SCHEDULED
    with clock.stopped_at(clock.now() + timedelta(hours=3, minutes=1)):
        await chores.mind_campaigns(ground)
        await chores.mind_campaigns(ground)
        await work_off(ground)

    assert len(await tasks_of(ground, campaign)) == 1


async def test_who_loses_a_region_meanwhile_reaches_no_more_than_they_see(ground: Ground, world: World) -> None:
    for shop in world.shops:
        await build_customer(ground, shop.guide)
    campaign = await _scheduled(ground, world.east_manager)
    await _change(ground, world, world.east_manager, region_id=world.regions["north"].id)

    with clock.stopped_at(clock.now() + timedelta(hours=4)):
        await chores.mind_campaigns(ground)
        await work_off(ground)

    assert {task.store_id for task in await tasks_of(ground, campaign)} == {world.shops[2].store.id}


async def test_who_has_left_sends_nothing_any_more(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await _scheduled(ground, world.shop.manager)
    await _change(ground, world, world.shop.manager, access_closed_at=NOON)

    with clock.stopped_at(clock.now() + timedelta(hours=4)):
        await chores.mind_campaigns(ground)
        await work_off(ground)

    back = await reload(ground, campaign)
    assert (back.state, back.refused) == (CampaignState.DRAFT, CampaignAuthorAway.code)
    assert await tasks_of(ground, campaign) == []


async def _change(ground: Ground, world: World, who: Actor, **values: Any) -> None:
    async with ground.db.write() as session:
        person = await session.get(Staff, (world.brand.id, who.id))
        for name, value in values.items():
            setattr(person, name, value)
