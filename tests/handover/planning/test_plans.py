"""A draft gets the plan that was asked for: by whom, to whom, why, and what it comes to."""

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from customers.models import Customer, Visit
from directory.models import Account, AccountKind, Staff, StaffState
from handover import commands
from handover.commands import planning
from handover.models import Handover, HandoverKind, HandoverState, ItemReason, Strategy
from handover.models.planning.options import Options
from handover.queries import plan_facts
from kernel import clock, ids, jobs
from kernel.actor import Actor, Role, system
from kernel.errors import Invalid, NotFound
from kernel.work import Ground, unit_of_work
from mall.models import Credit, CreditReason
from server.planning_handovers import plan_handover
from server.worker import run
from tagging.models import CustomerTag, SetBy
from tasks.models import TaskState
from tests.factories import NOON, World, build_customer, build_task, build_world, relationship_of, reload, save
from tests.handover.planning.rows import also_with, asked, do, item_of, items, planned, started, worked_out
from tests.mall.trading import place
from tests.refusals import refused
from tests.statements import statements
from tests.tagging.labels import build_group, build_tag


async def colleague(ground: Ground, world: World, number: str = "Z9", **values: Any) -> Actor:
    """One more guide of the first shop."""
    store = world.shop.store
    usual: dict[str, Any] = {"role": Role.GUIDE, "state": StaffState.ACTIVE, "store_id": store.id}
    person = Staff(brand_id=world.brand.id, id=ids.new(), number=number, name="同事", hired_at=NOON, **usual | values)
    account = Account(
        brand_id=world.brand.id, id=ids.new(), store_id=store.id, kind=AccountKind.GUIDE, staff_id=person.id
    )
    await save(ground, person, account)
    return Actor(
        brand_id=world.brand.id,
        id=person.id,
        role=person.role,
        staff_id=person.id,
        store_id=store.id,
        account_ids=(account.id,),
    )


async def served(ground: Ground, world: World, customer: Customer, guide: Actor, orders: int) -> None:
    """The guide sold the customer so much."""
    for _ in range(orders):
        order = await place(ground, world, customer)
        credit = Credit(
            brand_id=world.brand.id,
            id=ids.new(),
            order_id=order.id,
            part=2,
            store_id=world.shop.store.id,
            account_id=guide.account_ids[0],
            reason=CreditReason.SHARE,
            points=0,
            amount=0,
            decided_at=NOON,
        )
        await save(ground, credit)


async def tagged(ground: Ground, customer: Customer, tag_id: UUID) -> None:
    await save(
        ground,
        CustomerTag(
            brand_id=customer.brand_id,
            customer_id=customer.id,
            tag_id=tag_id,
            set_by=SetBy.GUIDE,
            set_at=NOON,
            checked_at=NOON,
        ),
    )


def account(handover: Handover, account_id: UUID) -> dict[str, Any]:
    [told] = [each for each in handover.plan["accounts"] if each["account_id"] == str(account_id)]
    return dict(told)


async def test_balanced_loads_end_as_even_as_they_can(ground: Ground, world: World) -> None:
    leaver, other, new = world.shop.guide, world.shop.other_guide, await colleague(ground, world)
    for _ in range(5):
        await build_customer(ground, leaver)
    await build_customer(ground, other)
    await build_task(ground, other)

    handover = await planned(ground, world.shop.manager, leaver)

    placed = await items(ground, handover)
    assert {item.reason for item in placed.values()} == {ItemReason.BALANCED}
    to = [item.to_account_id for item in placed.values()]
    # One holds one and keeps a task: 2 + 2 and 0 + 3.
    assert (to.count(other.account_ids[0]), to.count(new.account_ids[0])) == (2, 3)
    assert (handover.state, handover.version, handover.plan["relationships"]) == (HandoverState.DRAFT, 2, 5)
    assert account(handover, other.account_ids[0]) == {
        "account_id": str(other.account_ids[0]),
        "held": 1,
        "open_tasks": 1,
        "capacity": 2_000,
        "given": 2,
    }


async def test_affinity_follows_who_served_a_customer_and_says_so(ground: Ground, world: World) -> None:
    leaver, other, new = world.shop.guide, world.shop.other_guide, await colleague(ground, world)
    buyer, visitor, asker, speaker, stranger = [await build_customer(ground, leaver) for _ in range(5)]
    await served(ground, world, buyer, new, 3)
    await served(ground, world, buyer, other, 1)
    relationship = await relationship_of(ground, visitor)
    visit: dict[str, Any] = {
        "brand_id": world.brand.id,
        "relationship_id": relationship.id,
        "store_id": relationship.store_id,
    }
    await save(ground, Visit(**visit, id=ids.new(), by_staff_id=new.id, at=NOON))
    await build_task(
        ground, other, asker, account_id=leaver.account_ids[0], state=TaskState.DONE, closed_by_id=other.id
    )
    group = await build_group(ground, world, "语言")
    tag = await build_tag(ground, world, group, "English")
    await tagged(ground, speaker, tag.id)
    await tagged(ground, await build_customer(ground, other), tag.id)

    handover = await planned(ground, world.shop.manager, leaver, Strategy.AFFINITY, balance=1)

    bought = await item_of(ground, handover, buyer)
    assert (bought.to_account_id, bought.reason, bought.score) == (new.account_ids[0], ItemReason.AFFINITY, 337)
    assert bought.because == {
        "load": 0,
        "orders": 3,
        "next_id": str(other.account_ids[0]),
        "next_score": 225,
    }
    came = await item_of(ground, handover, visitor)
    assert (came.to_account_id, came.because["visits"], came.score) == (new.account_ids[0], 1, 100)
    had_asked = await item_of(ground, handover, asker)
    assert (had_asked.to_account_id, had_asked.because["tasks"], had_asked.score) == (other.account_ids[0], 1, 75)
    spoke = await item_of(ground, handover, speaker)
    assert (spoke.to_account_id, spoke.score) == (other.account_ids[0], 80)
    assert (spoke.because["language_overlap"], spoke.because["shared_tags"]) == (1_000, 1)
    assert (await item_of(ground, handover, stranger)).score == 0
    told = handover.plan
    assert (told["is_exact"], told["gap"], told["overflow"], told["unplaced"]) == (True, 0.0, 0, 0)
    assert told["objective"] == told["bound"] > 0


async def test_capacities_hold_and_who_has_no_place_goes_to_the_store(ground: Ground, world: World) -> None:
    leaver, other, new = world.shop.guide, world.shop.other_guide, await colleague(ground, world)
    for _ in range(5):
        await build_customer(ground, leaver)
    await build_customer(ground, other)
    await do(ground, world.hq, lambda work: commands.set_handover_settings(work, capacity=2))
    await do(ground, world.hq, lambda work: commands.set_takeover_capacity(work, new.id, capacity=1))

    for strategy in (Strategy.BALANCED, Strategy.AFFINITY):
        handover = await planned(ground, world.shop.manager, leaver, strategy)
        placed = (await items(ground, handover)).values()
        to = [item.to_account_id for item in placed]
        counts = [to.count(each) for each in (other.account_ids[0], new.account_ids[0], world.shop.public.id)]
        assert counts == [1, 1, 3], strategy
        over = {item.reason for item in placed if item.to_account_id == world.shop.public.id}
        assert (over, handover.plan["overflow"]) == ({ItemReason.OVERFLOW}, 3)
        await do(ground, world.shop.manager, partial(commands.cancel, handover_id=handover.id))


async def test_whoever_leaves_works_elsewhere_or_is_no_guide_takes_nobody_over(ground: Ground, world: World) -> None:
    leaver = world.shop.guide
    await colleague(ground, world, "Z1", state=StaffState.LEAVING)
    await colleague(ground, world, "Z2", access_closed_at=clock.now())
    await colleague(ground, world, "Z3", store_id=world.shops[1].store.id)
    await colleague(ground, world, "Z4", role=Role.STORE_MANAGER)
    await build_customer(ground, leaver)

    handover = await planned(ground, world.shop.manager, leaver)

    seats = {each["account_id"] for each in handover.plan["accounts"]}
    assert seats == {str(world.shop.other_guide.account_ids[0]), str(world.shop.public.id)}


async def test_to_one_to_the_store_and_by_hand_do_as_they_are_told(ground: Ground, world: World) -> None:
    leaver, other, new = world.shop.guide, world.shop.other_guide, await colleague(ground, world)
    named, unnamed, homeward, foreign = [await build_customer(ground, leaver) for _ in range(4)]
    relationships = [(await relationship_of(ground, each)).id for each in (named, homeward, foreign)]
    elsewhere = world.shops[1].guide.account_ids[0]
    handover = await planned(ground, world.hq, leaver, Strategy.TO_ONE, to_account_ids=(new.account_ids[0],))
    assert {item.to_account_id for item in (await items(ground, handover)).values()} == {new.account_ids[0]}

    async def again(strategy: Strategy, **options: Any) -> Handover:
        await do(
            ground,
            world.hq,
            lambda work: commands.replan(work, handover.id, strategy=strategy, options=Options(**options)),
        )
        return await worked_out(ground, handover)

    to_store = await again(Strategy.TO_STORE)
    assert {item.to_account_id for item in (await items(ground, to_store)).values()} == {world.shop.public.id}
    pairs = dict(zip(relationships, (other.account_ids[0], world.shop.public.id, elsewhere), strict=True))
    by_hand = await again(Strategy.BY_HAND, pairs=pairs)
    assert (await item_of(ground, by_hand, named)).to_account_id == other.account_ids[0]
    assert (await item_of(ground, by_hand, homeward)).to_account_id == world.shop.public.id
    assert (await item_of(ground, by_hand, unnamed)).to_account_id is None
    assert (await item_of(ground, by_hand, foreign)).to_account_id is None
    assert by_hand.plan["unplaced"] == 2


async def test_accounts_of_all_stores_are_handed_over_each_within_its_store(ground: Ground, world: World) -> None:
    leaver, next_door = world.shop.guide, world.shops[1]
    old = Account(
        brand_id=world.brand.id,
        id=ids.new(),
        store_id=next_door.store.id,
        kind=AccountKind.GUIDE,
        staff_id=leaver.id,
    )
    await save(ground, old)
    here, there = await build_customer(ground, leaver), await build_customer(ground, next_door.guide)
    relationship = await relationship_of(ground, there)
    async with ground.db.write() as session:
        row = await session.get(type(relationship), (world.brand.id, relationship.id))
        assert row
        row.holder_id = old.id

    handover = await planned(ground, world.hq, leaver)

    assert (await item_of(ground, handover, here)).to_account_id == world.shop.other_guide.account_ids[0]
    guides = {each.account_ids[0] for each in next_door.guides}
    assert (await item_of(ground, handover, there)).to_account_id in guides


async def test_a_store_that_closes_goes_to_others_and_known_customers_to_who_knows_them(
    ground: Ground, world: World
) -> None:
    closing, taking = world.shop, world.shops[1]
    held = [await build_customer(ground, closing.guide), await build_customer(ground, closing.other_guide)]
    public = await build_customer(ground, closing.manager)
    first = await relationship_of(ground, held[0])
    await also_with(ground, held[0], taking.other_guide)

    handover = await do(
        ground,
        world.hq,
        lambda work: commands.start(
            work,
            kind=HandoverKind.CLOSING,
            store_id=closing.store.id,
            strategy=Strategy.AFFINITY,
            options=Options(store_ids=(taking.store.id,)),
        ),
    )
    handover = await worked_out(ground, handover)

    known = (await items(ground, handover))[first.id]
    assert (known.to_account_id, known.is_merged, known.because) == (
        taking.other_guide.account_ids[0],
        True,
        {"is_known": True},
    )
    guides = {each.account_ids[0] for each in taking.guides}
    for customer in (held[1], public):
        assert (await item_of(ground, handover, customer)).to_account_id in guides
    assert (handover.plan["merged"], handover.plan["relationships"]) == (1, 3)
    assert account(handover, taking.other_guide.account_ids[0])["held"] == 1


async def test_a_plan_that_was_asked_for_anew_meanwhile_is_not_overwritten(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaver, new = world.shop.guide, await colleague(ground, world)
    customer = await build_customer(ground, leaver)
    handover = await started(ground, world.shop.manager, leaver)
    first = handover.version
    read = plan_facts.read

    async def overtaken(*given: Any) -> Any:
        facts = await read(*given)
        monkeypatch.undo()
        options = Options(to_account_ids=(new.account_ids[0],))
        await do(
            ground,
            world.shop.manager,
            lambda work: commands.replan(work, handover.id, strategy=Strategy.TO_ONE, options=options),
        )
        return facts

    monkeypatch.setattr(plan_facts, "read", overtaken)
    await plan_handover(ground, world.brand.id, str(handover.id), first)

    left = await reload(ground, handover)
    assert (left.strategy, left.version, left.planned_at, left.plan) == (Strategy.TO_ONE, first + 1, None, {})
    assert await items(ground, left) == {}
    kept = await worked_out(ground, left)
    assert (await item_of(ground, kept, customer)).reason is ItemReason.TO_ONE
    assert await asked(ground, world.brand.id) == [
        {"handover_id": str(handover.id), "version": version} for version in (first, first + 1)
    ]


async def test_of_two_who_keep_the_same_plan_the_later_one_keeps_it_whole(ground: Ground, world: World) -> None:
    for _ in range(3):
        await build_customer(ground, world.shop.guide)
    handover = await started(ground, world.shop.manager, world.shop.guide)
    early, late = uuid4(), uuid4()
    actor = system(world.brand.id)
    for token in (early, late):
        assert await do(ground, actor, partial(planning.begin, handover_id=handover.id, version=1, token=token))

    for act in (
        lambda work: planning.clear(work, handover.id, 1, early),
        lambda work: planning.write(work, handover.id, 1, early, []),
        lambda work: planning.finish(work, handover.id, 1, early, {}),
    ):
        assert await do(ground, actor, act) is False
    await plan_handover(ground, world.brand.id, str(handover.id), 1)
    await plan_handover(ground, world.brand.id, str(handover.id), 1)

    assert len(await items(ground, handover)) == 3
    assert (await reload(ground, handover)).version == 2


async def test_a_plan_is_read_in_as_many_statements_for_three_as_for_one(ground: Ground, world: World) -> None:
    tag = await build_tag(ground, world, await build_group(ground, world, "风格"), "简约")
    sent = []
    for number in (1, 3):
        while len(world.customers) < number:
            world.customers.append(await build_customer(ground, world.shop.guide))
            await tagged(ground, world.customers[-1], tag.id)
            await served(ground, world, world.customers[-1], world.shop.other_guide, 1)
        handover = await started(ground, world.shop.manager, world.shop.guide, Strategy.AFFINITY)
        with statements(ground) as seen:
            async with ground.db.read() as session:
                facts = await plan_facts.read(session, world.brand.id, handover.id, handover.version)
        assert facts
        assert len(facts.rows) == number
        sent.append(len(seen))
        await do(ground, world.shop.manager, partial(commands.cancel, handover_id=handover.id))
    assert sent[0] == sent[1] <= 20


async def test_options_that_name_too_much_or_what_is_out_of_sight_are_refused(ground: Ground, world: World) -> None:
    leaver, other = world.shop.guide, await build_world(ground, "other")
    foreign = world.shops[2].guide.account_ids[0]
    another_brands = other.shop.guide.account_ids[0]
    bad: list[tuple[Any, Actor, Strategy, Options]] = [
        (NotFound, world.shop.manager, Strategy.TO_ONE, Options(to_account_ids=(foreign,))),
        (NotFound, world.hq, Strategy.TO_ONE, Options(to_account_ids=(another_brands,))),
        (NotFound, world.hq, Strategy.BY_HAND, Options(pairs={ids.new(): another_brands})),
        (Invalid, world.hq, Strategy.TO_ONE, Options()),
        (Invalid, world.hq, Strategy.BALANCED, Options(to_account_ids=tuple(ids.new() for _ in range(201)))),
        (Invalid, world.hq, Strategy.BALANCED, Options(balance=0)),
        (Invalid, world.hq, Strategy.BY_HAND, Options(pairs={ids.new(): foreign for _ in range(501)})),
    ]
    for kind, actor, strategy, options in bad:
        async with refused(ground, kind):
            await do(
                ground,
                actor,
                partial(
                    commands.start,
                    kind=HandoverKind.RESIGNATION,
                    staff_id=leaver.id,
                    strategy=strategy,
                    options=options,
                ),
            )


async def test_nothing_is_planned_for_what_is_no_draft_any_more(ground: Ground, world: World) -> None:
    await build_customer(ground, world.shop.guide)
    handover = await started(ground, world.shop.manager, world.shop.guide)
    async with unit_of_work(ground, world.shop.manager) as work:
        await commands.cancel(work, handover.id)

    await plan_handover(ground, world.brand.id, str(handover.id), handover.version)

    assert await items(ground, handover) == {}
    assert clock.now() - (await reload(ground, handover)).started_at < timedelta(minutes=5)


async def test_a_worker_makes_the_plan_that_a_start_asks_for(ground: Ground, world: World) -> None:
    customer = await build_customer(ground, world.shop.guide)
    handover = await started(ground, world.shop.manager, world.shop.guide)
    async with ground.db.read() as session:
        due = await jobs.due(session)

    for job_id in due:
        await run(ground, job_id)

    assert (await reload(ground, handover)).planned_at is not None
    assert (await item_of(ground, handover, customer)).to_account_id == world.shop.other_guide.account_ids[0]
    async with ground.db.read() as session:
        assert await jobs.due(session) == []


async def test_a_plan_of_more_than_one_transaction_is_kept_whole_and_made_anew(
    ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "AT_ONCE", 2)
    for _ in range(5):
        await build_customer(ground, world.shop.guide)
    handover = await planned(ground, world.shop.manager, world.shop.guide)
    assert len(await items(ground, handover)) == 5

    await do(
        ground,
        world.shop.manager,
        partial(commands.replan, handover_id=handover.id, strategy=Strategy.TO_STORE, expected_version=2),
    )
    assert (await reload(ground, handover)).plan == {}
    again = await worked_out(ground, handover)

    assert {item.reason for item in (await items(ground, again)).values()} == {ItemReason.TO_STORE}
    assert (len(await items(ground, again)), again.version) == (5, 4)
