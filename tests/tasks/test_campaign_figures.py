"""What became of campaigns, from their base rows, against the same worked out by hand."""

from collections.abc import Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlmodel import col

from customers.models import Customer
from kernel import clock, ids
from kernel.errors import Invalid
from kernel.work import Ground
from mall.models import Channel, Order, OrderState, Refund
from tasks.models import Campaign, CampaignAim, CampaignRecipient, CampaignState, Outcome, Task, TaskState
from tasks.models.effect import Group
from tasks.policy import recipients_visible_to
from tasks.queries import campaign_effect, campaign_figures, influence
from tests.factories import Shop, World, build_customer, build_world, save
from tests.tasks.sending import recipients, sent, tasks_of


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def close(ground: Ground, task: Task, state: TaskState, **values: Any) -> None:
    async with ground.db.write() as session:
        row = await session.get(Task, (task.brand_id, task.id))
        for name, value in ({"state": state, "closed_at": clock.now()} | values).items():
            setattr(row, name, value)


async def test_figures_count_what_is_in_sight(ground: Ground, world: World) -> None:
    for shop, number in ((world.shop, 4), (world.shops[1], 2)):
        for _ in range(number):
            await build_customer(ground, shop.guide)
    await build_customer(ground, world.shop.guide, do_not_contact=True)
    campaign = await sent(ground, world.hq)
    mine = [task for task in await tasks_of(ground, campaign) if task.store_id == world.shop.store.id]
    await close(ground, mine[0], TaskState.DONE, outcome=Outcome.BOUGHT, seen_at=clock.now())
    await close(ground, mine[1], TaskState.SKIPPED)

    async with ground.db.read() as session:
        told = {}
        for name, actor in (("hq", world.hq), ("manager", world.shop.manager), ("north", world.shops[2].manager)):
            tasks = (await campaign_figures.tasks(session, actor, [campaign.id]))[campaign.id]
            customers = (await campaign_figures.customers(session, actor, [campaign.id]))[campaign.id]
            told[name] = (tasks.sent, tasks.seen, customers.chosen, customers.do_not_contact, customers.stores)
        whole = (await campaign_figures.tasks(session, world.hq, [campaign.id]))[campaign.id]
        places = (await campaign_figures.by_store(session, world.hq, [campaign.id]))[campaign.id]

    assert told == {"hq": (6, 1, 6, 1, 3), "manager": (4, 1, 4, 1, 1), "north": (0, 0, 0, 0, 1)}
    assert whole.states == {TaskState.DONE: 1, TaskState.SKIPPED: 1, TaskState.PENDING: 4}
    assert whole.outcomes == {Outcome.BOUGHT: 1}
    assert [(row.store_id, row.sent, row.seen, row.done, row.pending) for row in places] == [
        (world.shop.store.id, 4, 1, 1, 2),
        (world.shops[1].store.id, 2, 0, 0, 2),
        (world.shops[2].store.id, 0, 0, 0, 0),
    ]


def trade(shop: Shop, customer: Customer, amount: int, *, days: float, **values: Any) -> Order:
    return Order(
        brand_id=customer.brand_id,
        id=ids.new(),
        source="till",
        number=ids.new().hex,
        store_id=shop.store.id,
        customer_id=customer.id,
        channel=Channel.POS,
        amount=amount,
        currency="CNY",
        placed_at=clock.now() + timedelta(days=days),
        day=clock.store_day(clock.now() + timedelta(days=days), "Asia/Shanghai"),
        **{"state": OrderState.COMPLETED} | values,
    )


def refund(shop: Shop, customer: Customer, amount: int, *, days: float) -> Refund:
    given = trade(shop, customer, amount, days=days).model_dump()
    return Refund(**{name: given[name] for name in Refund.model_fields if name in given})


async def _market(ground: Ground, shop: Shop, people: Sequence[Customer], random: Random) -> dict[Any, tuple[int, int]]:
    """Orders and refunds within 14 days and outside; by customer how many orders count, and what comes to net."""
    rows: list[Any] = []
    counted = {}
    for customer in people:
        orders = [random.randrange(1, 90_000) for _ in range(random.choice((0, 0, 1, 2)))]
        backs = [random.randrange(1, 40_000) for _ in range(random.choice((0, 0, 0, 1)))]
        rows += [trade(shop, customer, amount, days=random.uniform(0.1, 13.5)) for amount in orders]
        rows += [refund(shop, customer, amount, days=random.uniform(0.1, 13.5)) for amount in backs]
        rows += [
            trade(shop, customer, 777_000, days=-0.5),
            trade(shop, customer, 888_000, days=14.5),
            trade(shop, customer, 999_000, days=2, state=OrderState.CANCELLED),
            refund(shop, customer, 555_000, days=-1),
        ]
        counted[customer.id] = (len(orders), sum(orders) - sum(backs))
    await save(ground, *rows)
    return counted


def _expected(counted: Sequence[tuple[int, int]], cap: int) -> Group:
    capped = [max(-cap, min(cap, net)) for _, net in counted]
    return Group(
        customers=len(counted),
        buyers=sum(orders > 0 for orders, _ in counted),
        spent=sum(net for _, net in counted),
        capped=sum(capped),
        squares=float(sum(each * each for each in capped)),
    )


async def test_the_effect_is_that_of_all_who_were_drawn(ground: Ground, world: World) -> None:
    people = [await build_customer(ground, world.shop.guide) for _ in range(60)]
    campaign = await sent(ground, world.hq, control_percent=40, most_per_guide=200)
    counted = await _market(ground, world.shop, people, Random(9))
    for task in (await tasks_of(ground, campaign))[::2]:
        await close(ground, task, TaskState.EXPIRED)

    async with ground.db.read() as session:
        found = (await campaign_effect.effects(session, world.hq, [campaign.id], days=14))[campaign.id]

    buyers = sorted(net for orders, net in counted.values() if orders)
    cap = max(0, buyers[-(-len(buyers) * 19 // 20) - 1])
    groups: dict[bool, list[Any]] = {True: [], False: []}
    for each in await recipients(ground, campaign):
        groups[each.is_control].append(counted[each.customer_id])
    assert found.cap == cap
    assert found.chosen == _expected(groups[False], cap)
    assert found.left_alone == _expected(groups[True], cap)
    assert not found.is_complete


async def test_what_is_sold_is_what_was_bought_after_a_contact_of_the_campaign(ground: Ground, world: World) -> None:
    people = [await build_customer(ground, world.shop.guide) for _ in range(4)]
    campaign = await sent(ground, world.hq)
    outcomes = (Outcome.REACHED, Outcome.NOT_REACHED, Outcome.APPOINTMENT, None)
    by_customer = {task.customer_id: task for task in await tasks_of(ground, campaign)}
    for customer, outcome in zip(people, outcomes, strict=True):
        await close(ground, by_customer[customer.id], TaskState.DONE, outcome=outcome)
        await save(ground, trade(world.shop, customer, 100, days=1), trade(world.shop, customer, 7, days=15))

    async with ground.db.read() as session:
        found = await influence.by_campaigns(session, world.hq, [campaign.id])
        elsewhere = await influence.by_campaigns(session, world.shops[1].manager, [campaign.id])

    assert (found[campaign.id].tasks, found[campaign.id].orders, found[campaign.id].amount) == (2, 2, 200)
    assert elsewhere == {}


async def test_an_effect_of_those_who_were_reached_alone_is_noticed(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: whose task isn't done doesn't count."""
    for _ in range(6):
        await build_customer(ground, world.shop.guide)
    campaign = await sent(ground, world.hq)
    done, *_ = await tasks_of(ground, campaign)
    await close(ground, done, TaskState.DONE)
    monkeypatch.setattr(
        campaign_effect,
        "recipients_visible_to",
        lambda actor: recipients_visible_to(actor) & (col(CampaignRecipient.task_id) == done.id),
    )

    async with ground.db.read() as session:
        found = (await campaign_effect.effects(session, world.hq, [campaign.id], days=14))[campaign.id]

    assert found.chosen.customers != 6


async def test_a_manager_is_told_the_effect_in_their_stores(ground: Ground, world: World) -> None:
    for shop in world.shops[:2]:
        customer = await build_customer(ground, shop.guide)
        await save(ground, trade(shop, customer, 100, days=1))
    campaign = await sent(ground, world.hq)

    async with ground.db.read() as session:
        found = [
            (await campaign_effect.effects(session, actor, [campaign.id], days=14))[campaign.id].chosen
            for actor in (world.hq, world.shop.manager)
        ]

    assert [(each.customers, each.buyers, each.spent) for each in found] == [(2, 2, 200), (1, 1, 100)]


async def test_of_what_is_not_sent_or_about_guides_there_is_no_effect(ground: Ground, world: World) -> None:
    about_guides = await sent(ground, world.hq, aim=CampaignAim.GUIDES)
    draft = Campaign(
        brand_id=world.brand.id,
        id=ids.new(),
        name="草稿",
        aim=CampaignAim.CUSTOMERS,
        state=CampaignState.DRAFT,
        title="邀请到店",
        seed=1,
        due_at=clock.now(),
        created_at=clock.now(),
    )
    await save(ground, draft)

    async with ground.db.read() as session:
        assert await campaign_effect.effects(session, world.hq, [about_guides.id, draft.id], days=14) == {}


@pytest.mark.parametrize("days", [0, 91])
async def test_an_effect_of_no_time_or_of_too_long_is_refused(ground: Ground, world: World, days: int) -> None:
    async with ground.db.read() as session:
        with pytest.raises(Invalid):
            await campaign_effect.effects(session, world.hq, [], days=days)
