"""Tasks of campaigns: who gets one, who never does, and what becomes of a campaign that is cut off or held up."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers.commands.profile import set_consent
from customers.models import Customer, Relationship
from directory.models import Staff
from kernel import clock, ids
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from server import chores
from tasks.commands import campaigns, handing_out
from tasks.models import (
    Campaign,
    CampaignAim,
    CampaignState,
    CampaignStore,
    Outcome,
    StepKind,
    Task,
    TaskKind,
    TaskSource,
    TaskState,
    TaskStep,
    Verdict,
    dealing,
)
from tasks.queries import audience, reach
from tests.factories import NOON, World, build_customer, build_task, build_world, relationship_of, reload, said
from tests.tasks.sending import drafted, hand_out_once, recipients, send, sent, tasks_of, work_off, written


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def steer(ground: Ground, world: World, act: Any, campaign: Campaign) -> None:
    async with unit_of_work(ground, world.hq) as work:
        await act(work, campaign.id)


async def test_each_holder_gets_a_task_for_each_customer_and_hears_of_it(ground: Ground, world: World) -> None:
    first = await build_customer(ground, world.shop.guide)
    second = await build_customer(ground, world.shops[2].other_guide)

    campaign = await sent(ground, world.hq, reason="新品到店", suggested_words="新到了您的尺码。", priority=70)

    made = await tasks_of(ground, campaign)
    assert {(task.customer_id, task.account_id) for task in made} == {
        (first.id, world.shop.guide.account_ids[0]),
        (second.id, world.shops[2].other_guide.account_ids[0]),
    }
    assert {(task.kind, task.source, task.priority, task.due_at, task.reason) for task in made} == {
        (TaskKind.CAMPAIGN, TaskSource.CAMPAIGN, 70, campaign.due_at, "新品到店")
    }
    assert {task.contact_day for task in made} == {clock.store_day(campaign.due_at, "Asia/Shanghai")}
    [mine] = [task for task in made if task.customer_id == first.id]
    assert await said(ground, world.shop.guide.id) == [("put", "task", mine.id)]
    assert {each.task_id for each in await recipients(ground, campaign)} == {task.id for task in made}
    assert (await reload(ground, campaign)).state is CampaignState.RUNNING


async def test_each_guide_at_work_gets_one_task(ground: Ground, world: World) -> None:
    async with ground.db.write() as session:
        person = await session.get(Staff, (world.brand.id, world.shop.other_guide.id))
        assert person
        person.access_closed_at = NOON

    campaign = await sent(
        ground, world.hq, aim=CampaignAim.GUIDES, store_ids=[world.shop.store.id, world.shops[1].store.id]
    )

    made = await tasks_of(ground, campaign)
    assert {task.account_id for task in made} == {
        world.shop.guide.account_ids[0],
        world.shops[1].guide.account_ids[0],
        world.shops[1].other_guide.account_ids[0],
    }
    assert {(task.customer_id, task.contact_day) for task in made} == {(None, None)}
    assert await said(ground, world.shop.other_guide.id) == []


async def test_named_guides_alone_get_a_task(ground: Ground, world: World) -> None:
    campaign = await sent(ground, world.hq, aim=CampaignAim.GUIDES, guide_ids=[world.shop.guide.id])

    assert [task.account_id for task in await tasks_of(ground, campaign)] == [world.shop.guide.account_ids[0]]


async def left_out(ground: Ground, world: World, verdict: Verdict) -> None:
    """Somebody of the first shop is left out for that reason, beside one who isn't; the preview says the same."""
    await build_customer(ground, world.shop.guide)
    campaign = await written(ground, world.hq)
    async with ground.db.read() as session:
        preview = await reach.preview(session, world.hq, campaign.id)
    await send(ground, world.hq, campaign)
    await work_off(ground)

    assert (preview.tasks, preview.left_out) == (1, {verdict: 1})
    assert len(await tasks_of(ground, campaign)) == len(await recipients(ground, campaign)) == 1
    async with ground.db.read() as session:
        place = await session.get(CampaignStore, (world.brand.id, campaign.id, world.shop.store.id))
    assert place
    assert {each: getattr(place, each.value) for each in preview.left_out} == {verdict: 1}


async def test_who_asked_to_be_left_alone_is_left_out(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide, do_not_contact=True)

    await left_out(ground, world, Verdict.DO_NOT_CONTACT)


async def test_who_something_is_open_about_is_left_out(ground: Ground, world: World) -> None:
    await build_task(ground, world.shop.guide, await build_customer(ground, world.shop.guide))

    await left_out(ground, world, Verdict.TASK_OPEN)


async def test_whom_the_planner_claimed_for_the_day_is_left_out(ground: Ground, world: World) -> None:
    day = clock.store_day(clock.now() + timedelta(days=2), "Asia/Shanghai")
    await build_task(
        ground,
        world.shop.guide,
        await build_customer(ground, world.shop.guide),
        contact_day=day,
        state=TaskState.EXPIRED,
        closed_at=NOON,
    )

    await left_out(ground, world, Verdict.CLAIMED)


async def test_who_was_turned_to_of_late_is_left_out(ground: Ground, world: World) -> None:
    customer = await build_customer(ground, world.shop.guide)
    await build_task(
        ground, world.shop.guide, customer, state=TaskState.DONE, closed_at=clock.now() - timedelta(days=11)
    )

    await left_out(ground, world, Verdict.COOLING_DOWN)


async def test_who_came_to_the_store_of_late_is_left_out(ground: Ground, world: World) -> None:
    customer = await build_customer(ground, world.shop.guide)
    async with ground.db.write() as session:
        row = await session.get(Relationship, (world.brand.id, (await relationship_of(ground, customer)).id))
        assert row
        row.last_contact_at = clock.now() - timedelta(days=3)

    await left_out(ground, world, Verdict.COOLING_DOWN)


async def test_who_was_turned_to_long_ago_is_not_left_out(ground: Ground, world: World) -> None:
    customer = await build_customer(ground, world.shop.guide)
    await build_task(
        ground, world.shop.guide, customer, state=TaskState.DONE, closed_at=clock.now() - timedelta(days=13)
    )

    assert len(await tasks_of(ground, await sent(ground, world.hq))) == 1


async def test_whose_holder_is_away_is_left_out(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.other_guide)
    async with ground.db.write() as session:
        person = await session.get(Staff, (world.brand.id, world.shop.other_guide.id))
        assert person
        person.access_closed_at = NOON

    await left_out(ground, world, Verdict.HOLDER_AWAY)


async def test_nobody_gets_more_than_the_measure(ground: Ground, world: World) -> None:
    for _ in range(3):
        await build_customer(ground, world.shop.guide)
    await build_customer(ground, world.shop.other_guide)

    campaign = await sent(ground, world.hq, most_per_guide=2)

    assert Counter(task.account_id for task in await tasks_of(ground, campaign)) == {
        world.shop.guide.account_ids[0]: 2,
        world.shop.other_guide.account_ids[0]: 1,
    }


async def test_a_customer_of_two_stores_gets_a_task_in_the_one_that_comes_first(ground: Ground, world: World) -> None:
    customer = await build_customer(ground, world.shop.guide)
    other = world.shops[1]
    async with ground.db.write() as session:
        session.add(
            Relationship(
                brand_id=world.brand.id,
                id=ids.new(),
                customer_id=customer.id,
                store_id=other.store.id,
                holder_id=other.guide.account_ids[0],
                created_at=NOON,
            )
        )

    await build_customer(ground, other.guide)

    elsewhere = await sent(ground, world.hq, store_ids=[other.store.id])
    campaign = await sent(ground, world.hq)

    assert customer.id not in {task.customer_id for task in await tasks_of(ground, elsewhere)}
    assert [task.store_id for task in await tasks_of(ground, campaign)] == [world.shop.store.id]


async def test_never_a_task_for_the_control_group(ground: Ground, world: World) -> None:
    people = [await build_customer(ground, world.shop.guide) for _ in range(40)]

    campaign = await sent(ground, world.hq, control_percent=30, most_per_guide=200)

    drawn = {each.id for each in people if dealing.is_control(campaign.seed, each.id, 30)}
    chosen = await recipients(ground, campaign)
    assert {each.customer_id for each in chosen if each.is_control} == drawn
    assert {task.customer_id for task in await tasks_of(ground, campaign)} == {each.id for each in people} - drawn
    assert all((each.task_id is None) == each.is_control for each in chosen)


async def test_chunks_choose_whom_one_go_would_choose(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        await build_customer(ground, world.shop.guides[number % 2])
    campaign = await written(ground, world.hq, control_percent=30, most_per_guide=4)
    async with ground.db.read() as session:
        preview = await reach.preview(session, world.hq, campaign.id)
    monkeypatch.setattr(handing_out, "AT_ONCE", 2)

    await send(ground, world.hq, campaign)
    await work_off(ground)

    chosen = await recipients(ground, campaign)
    assert len(await tasks_of(ground, campaign)) == preview.tasks
    assert sum(each.is_control for each in chosen) == preview.control
    assert Counter(each.account_id for each in chosen if each.task_id) == dict(preview.load.busiest)


async def test_a_chunk_that_is_cut_off_and_done_again_does_no_harm(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await build_customer(ground, world.shop.guide)
    campaign = await send(ground, world.hq, await written(ground, world.hq, store_ids=[world.shop.store.id]))
    monkeypatch.setattr(handing_out, "AT_ONCE", 2)
    await hand_out_once(ground, world, campaign, world.shop.store.id)

    async def fall_over(*_given: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as broken, pytest.raises(ConnectionError):
        broken.setattr(handing_out, "_note", fall_over)
        await hand_out_once(ground, world, campaign, world.shop.store.id)
    assert len(await tasks_of(ground, campaign)) == 2
    await asyncio.gather(*(hand_out_once(ground, world, campaign, world.shop.store.id) for _ in range(2)))
    await work_off(ground)

    assert Counter(task.customer_id for task in await tasks_of(ground, campaign)).most_common(1)[0][1] == 1
    assert len(await tasks_of(ground, campaign)) == len(await recipients(ground, campaign)) == 5
    assert (await reload(ground, campaign)).state is CampaignState.RUNNING


async def test_somebody_elses_claim_comes_first_and_is_noted(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim is made when the customer was looked at for the last time already: the index decides."""
    customer = await build_customer(ground, world.shop.guide)
    campaign = await send(ground, world.hq, await written(ground, world.hq, store_ids=[world.shop.store.id]))
    chunk = await drafted(ground, campaign, world.shop.store.id)
    free_of_store = audience.free_of_store

    async def too_early(*given: Any) -> Any:
        found = await free_of_store(*given)
        day = clock.store_day(campaign.due_at, "Asia/Shanghai")
        relationship = await relationship_of(ground, customer)
        given[0].add(
            Task(
                brand_id=world.brand.id,
                id=ids.new(),
                store_id=world.shop.store.id,
                account_id=world.shop.guide.account_ids[0],
                customer_id=customer.id,
                relationship_id=relationship.id,
                kind=TaskKind.REVISIT,
                title="回访",
                due_at=campaign.due_at,
                contact_day=day,
                source=TaskSource.RULE,
                created_at=NOON,
            )
        )
        await given[0].flush()
        return found

    monkeypatch.setattr(audience, "free_of_store", too_early)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await handing_out.hand_out_in(work, campaign.id, world.shop.store.id, chunk)

    [noted] = await recipients(ground, campaign)
    assert (noted.customer_id, noted.task_id, noted.is_control) == (customer.id, None, False)
    assert await tasks_of(ground, campaign) == []


async def ask_for_peace(ground: Ground, world: World, customer: Customer) -> None:
    async with unit_of_work(ground, world.shop.guide) as work:
        await set_consent(work, customer.id, do_not_contact=True)


async def get_a_task(ground: Ground, world: World, customer: Customer) -> None:
    await build_task(ground, world.shop.guide, customer)


async def go_to_somebody_away(ground: Ground, world: World, customer: Customer) -> None:
    async with ground.db.write() as session:
        person = await session.get(Staff, (world.brand.id, world.shop.guide.id))
        assert person
        person.access_closed_at = NOON


@pytest.mark.parametrize("meanwhile", [ask_for_peace, get_a_task, go_to_somebody_away])
async def test_what_changes_between_reading_and_writing_is_seen(ground: Ground, world: World, meanwhile: Any) -> None:
    customer = await build_customer(ground, world.shop.guide)
    campaign = await send(ground, world.hq, await written(ground, world.hq, store_ids=[world.shop.store.id]))
    chunk = await drafted(ground, campaign, world.shop.store.id)

    await meanwhile(ground, world, customer)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await handing_out.hand_out_in(work, campaign.id, world.shop.store.id, chunk)
    await work_off(ground)

    assert chunk
    assert len(chunk.chosen) == 1
    assert await tasks_of(ground, campaign) == []
    assert await recipients(ground, campaign) == []
    assert (await reload(ground, campaign)).state is CampaignState.RUNNING


async def test_two_that_read_the_same_choose_once(ground: Ground, world: World) -> None:
    for _ in range(3):
        await build_customer(ground, world.shop.guide)
    campaign = await send(ground, world.hq, await written(ground, world.hq, most_per_guide=2))
    chunks = [await drafted(ground, campaign, world.shop.store.id) for _ in range(2)]

    async def hand_out(chunk: handing_out.Chunk | None) -> None:
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await handing_out.hand_out_in(work, campaign.id, world.shop.store.id, chunk)

    await asyncio.gather(*(hand_out(chunk) for chunk in chunks))

    assert len(await tasks_of(ground, campaign)) == len(await recipients(ground, campaign)) == 2


async def test_a_paused_campaign_hands_out_no_more_until_it_goes_on(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        await build_customer(ground, world.shop.guide)
    campaign = await send(ground, world.hq, await written(ground, world.hq, store_ids=[world.shop.store.id]))
    monkeypatch.setattr(handing_out, "AT_ONCE", 2)
    await hand_out_once(ground, world, campaign, world.shop.store.id)

    await steer(ground, world, campaigns.pause, campaign)
    await work_off(ground)
    held_up = [task.state for task in await tasks_of(ground, campaign)]
    await steer(ground, world, campaigns.resume, campaign)
    await work_off(ground)

    assert held_up == [TaskState.PENDING] * 2
    assert len(await tasks_of(ground, campaign)) == 4
    assert (await reload(ground, campaign)).state is CampaignState.RUNNING


async def test_recalling_takes_back_what_is_open_and_leaves_what_is_done(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await build_customer(ground, world.shop.guide)
    campaign = await sent(ground, world.hq)
    done, *_ = await tasks_of(ground, campaign)
    async with ground.db.write() as session:
        task = await session.get(Task, (world.brand.id, done.id))
        assert task
        task.state, task.closed_at, task.outcome = TaskState.DONE, clock.now(), Outcome.REACHED
    before = len(await said(ground, world.shop.guide.id))
    monkeypatch.setattr(handing_out, "AT_ONCE", 2)

    await steer(ground, world, campaigns.recall, campaign)
    await work_off(ground)

    states = Counter(task.state for task in await tasks_of(ground, campaign))
    assert states == {TaskState.DONE: 1, TaskState.CANCELLED: 4}
    assert len(await said(ground, world.shop.guide.id)) == before + 4
    async with ground.db.read() as session:
        lines = await session.scalars(
            select(col(TaskStep.kind)).where(
                col(TaskStep.brand_id) == world.brand.id, col(TaskStep.kind) == StepKind.CANCELLED
            )
        )
        assert len(lines.all()) == 4


async def test_a_recalled_campaign_hands_out_no_more(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await send(ground, world.hq, await written(ground, world.hq))

    await steer(ground, world, campaigns.recall, campaign)
    await work_off(ground)

    assert await tasks_of(ground, campaign) == []


async def test_a_campaign_ends_when_nothing_of_it_is_open(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await sent(ground, world.hq)

    await chores.mind_campaigns(ground)
    still = (await reload(ground, campaign)).state
    async with ground.db.write() as session:
        for task in (await session.scalars(select(Task).where(col(Task.brand_id) == world.brand.id))).all():
            task.state, task.closed_at = TaskState.SKIPPED, clock.now()
    await chores.mind_campaigns(ground)

    assert still is CampaignState.RUNNING
    assert (await reload(ground, campaign)).state is CampaignState.ENDED


async def test_a_campaign_ends_when_all_that_is_open_should_have_expired(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await sent(ground, world.hq)

    with clock.stopped_at(campaign.due_at + timedelta(days=5)):
        await chores.mind_campaigns(ground)

    assert (await reload(ground, campaign)).state is CampaignState.ENDED


async def test_two_stores_that_end_at_once_leave_it_to_the_chore(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await send(ground, world.hq, await written(ground, world.hq))
    for shop in world.shops:
        await hand_out_once(ground, world, campaign, shop.store.id)

    await chores.mind_campaigns(ground)

    assert (await reload(ground, campaign)).state is CampaignState.RUNNING


async def test_what_is_due_by_now_is_not_handed_out(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    campaign = await send(ground, world.hq, await written(ground, world.hq))

    with clock.stopped_at(campaign.due_at):
        await work_off(ground)

    assert await tasks_of(ground, campaign) == []


@pytest.mark.parametrize(
    ("at", "heard"),
    [
        (datetime(2027, 3, 2, 4, 0, tzinfo=UTC), datetime(2027, 3, 2, 4, 0, tzinfo=UTC)),  # noon in Shanghai
        (datetime(2027, 3, 2, 15, 0, tzinfo=UTC), datetime(2027, 3, 3, 1, 0, tzinfo=UTC)),  # 23:00, then 09:00
    ],
)
async def test_phones_are_quiet_at_night(ground: Ground, world: World, at: datetime, heard: datetime) -> None:
    await build_customer(ground, world.shop.guide)

    with clock.stopped_at(at):
        campaign = await sent(ground, world.hq)

    [task] = await tasks_of(ground, campaign)
    assert task.alert_at == heard


async def test_a_job_of_a_campaign_that_is_not_there_does_nothing(ground: Ground, world: World) -> None:
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await handing_out.hand_out(work, ids.new())
        await handing_out.take_back(work, ids.new())

        assert work.requests == []
