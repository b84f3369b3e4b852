"""A handover moves chunk by chunk, whoever dies on the way, and leaves nothing with anybody."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from customers.commands.moving import Move
from customers.models import Customer, Holding, HoldingReason
from directory.models import Staff, StaffState
from handover.commands import leasing, moving, noting
from handover.commands.leasing import LeaseLost
from handover.models import (
    HandoverItem,
    HandoverKind,
    HandoverState,
    HeldHere,
    ItemReason,
    PartnerTie,
    TakeoverCapacity,
)
from handover.queries import moving as queries
from kernel import clock, feed, ids, jobs
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from mall.models import Order
from server import chores, handing_over, worker
from tasks.models import CampaignState, Task
from tests.factories import (
    World,
    build_campaign,
    build_customer,
    build_task,
    build_world,
    relationship_of,
    reload,
    said,
    save,
)
from tests.handover.handing import build_handover, held_by, items_of, leave, run
from tests.mall.trading import place


class Scene:
    """A guide who leaves, with customers, a task and an open order each, and a to-do about nobody."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.leaver, self.taker = world.shop.guide, world.shop.other_guide
        self.customers: list[Customer] = []
        self.tasks: list[Task] = []
        self.orders: list[Order] = []
        self.todo: Task


async def build_scene(ground: Ground, customers: int = 3) -> Scene:
    scene = Scene(await build_world(ground))
    for _ in range(customers):
        customer = await build_customer(ground, scene.leaver)
        scene.customers.append(customer)
        scene.tasks.append(await build_task(ground, scene.leaver, customer))
        scene.orders.append(await place(ground, scene.world, customer))
    scene.todo = await build_task(ground, scene.leaver)
    return scene


async def keepers(ground: Ground, scene: Scene) -> list[Any]:
    """Who holds each relationship, keeps each task and serves each order."""
    found: list[Any] = []
    for customer, task, order in zip(scene.customers, scene.tasks, scene.orders, strict=True):
        relationship = await relationship_of(ground, customer)
        kept, served = await reload(ground, task), await reload(ground, order)
        found.append({relationship.holder_id, kept.account_id, served.serving_account_id})
    return found


async def test_all_that_is_open_moves_and_both_phones_hear_of_it(ground: Ground) -> None:
    scene = await build_scene(ground)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    before = len(await said(ground, feed.of_staff(scene.leaver.id)))

    await run(ground, handover)

    new = scene.taker.account_ids[0]
    assert await keepers(ground, scene) == [{new}] * 3
    assert (await reload(ground, scene.todo)).account_id == scene.world.shop.public.id
    handover = await reload(ground, handover)
    assert (handover.state, handover.lease_token, handover.lease_until) == (HandoverState.DONE, None, None)
    assert handover.moved_at == handover.ended_at is not None
    relationships = {row.id: row for row in await held_by(ground, scene.taker)}
    for item in (await items_of(ground, handover)).values():
        assert (item.here, item.to_account_id, item.why) == (HeldHere.MOVED, new, None)
        assert item.version_after == relationships[item.relationship_id].version == 2
    old_hears = (await said(ground, feed.of_staff(scene.leaver.id)))[before:]
    for customer, task, order in zip(scene.customers, scene.tasks, scene.orders, strict=True):
        relationship = await relationship_of(ground, customer)
        for kind, key in (
            ("relationship", relationship.id),
            ("customer", customer.id),
            ("task", task.id),
            ("order", order.id),
        ):
            assert old_hears.count(("del", kind, key)) == 1
    new_hears = await said(ground, feed.of_staff(scene.taker.id))
    assert sorted(entry for entry in new_hears if entry[1] == "relationship") == sorted(
        ("whole", "relationship", row) for row in relationships
    )
    assert ("del", "task", scene.todo.id) in old_hears


async def test_history_says_who_held_from_when_to_when_without_a_gap(ground: Ground) -> None:
    scene = await build_scene(ground, 2)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)

    await run(ground, handover)

    async with ground.db.read() as session:
        found = await session.scalars(select(Holding).order_by(col(Holding.relationship_id), col(Holding.from_at)))
        lines = found.all()
    for former, present in zip(lines[::2], lines[1::2], strict=True):
        assert former.until_at == present.from_at
        assert present.until_at is None
        assert (present.reason, present.by_actor_id) == (HoldingReason.HANDOVER, scene.world.shop.manager.id)
        assert present.account_id == scene.taker.account_ids[0]


async def test_a_clock_that_is_behind_ends_no_holding_before_it_began(ground: Ground) -> None:
    scene = await build_scene(ground, 1)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    with clock.stopped_at((await _holdings(ground))[0].from_at - timedelta(hours=1)):
        await run(ground, handover)

    former, present = await _holdings(ground)
    assert former.until_at == former.from_at == present.from_at


async def test_whoever_holds_nothing_and_is_shut_out_has_departed(ground: Ground) -> None:
    scene = await build_scene(ground, 1)
    await leave(ground, scene.leaver)

    await run(ground, await build_handover(ground, scene.world))

    assert await _state(ground, scene.leaver) is StaffState.DEPARTED


async def test_whoever_may_still_sign_in_is_leaving_until_access_is_closed(ground: Ground) -> None:
    scene = await build_scene(ground, 1)
    await leave(ground, scene.leaver, is_shut_out=False)

    await run(ground, await build_handover(ground, scene.world))

    assert await _state(ground, scene.leaver) is StaffState.LEAVING


async def test_a_takeover_guide_who_leaves_meanwhile_gets_nothing_and_the_store_does(ground: Ground) -> None:
    scene = await build_scene(ground)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    await leave(ground, scene.taker, is_shut_out=False)

    await run(ground, handover)

    public = scene.world.shop.public.id
    assert await keepers(ground, scene) == [{public}] * 3
    for item in (await items_of(ground, handover)).values():
        assert (item.here, item.to_account_id, item.reason) == (HeldHere.MOVED, public, ItemReason.FALLBACK)


async def test_what_is_elsewhere_or_gone_stays_there_and_is_noted(ground: Ground) -> None:
    scene = await build_scene(ground)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    mine = await relationship_of(ground, scene.customers[0])
    async with unit_of_work(ground, scene.world.shop.manager) as work:
        await customers.reassign(work, mine.id, to_account_id=scene.world.shop.public.id)
    gone = ids.new()
    line = (await items_of(ground, handover))[mine.id].model_dump()
    await save(ground, HandoverItem(**line | {"relationship_id": gone}))

    await run(ground, handover)

    items = await items_of(ground, handover)
    assert (items[mine.id].here, items[mine.id].why) == (HeldHere.ELSEWHERE, noting.HELD_BY_ANOTHER)
    assert (items[gone].here, items[gone].why) == (HeldHere.ELSEWHERE, noting.GONE)
    assert (await relationship_of(ground, scene.customers[0])).holder_id == scene.world.shop.public.id


async def test_what_came_since_the_start_goes_to_whoever_of_the_plan_holds_least(ground: Ground) -> None:
    scene = await build_scene(ground)
    handover = await build_handover(ground, scene.world)
    late = [await build_customer(ground, scene.leaver) for _ in range(2)]
    await leave(ground, scene.leaver)

    await run(ground, handover)

    assert not await held_by(ground, scene.leaver)
    items = await items_of(ground, handover)
    for customer in late:
        relationship = await relationship_of(ground, customer)
        assert relationship.holder_id == scene.taker.account_ids[0]
        assert (items[relationship.id].here, items[relationship.id].reason) == (HeldHere.MOVED, ItemReason.BALANCED)


async def test_late_ones_go_to_the_store_once_whoever_takes_over_has_no_room(ground: Ground) -> None:
    scene = await build_scene(ground, 1)
    handover = await build_handover(ground, scene.world)
    late = [await build_customer(ground, scene.leaver) for _ in range(2)]
    await save(ground, TakeoverCapacity(brand_id=scene.world.brand.id, staff_id=scene.taker.id, capacity=2))
    await leave(ground, scene.leaver)

    await run(ground, handover)

    items = await items_of(ground, handover)
    its = [items[(await relationship_of(ground, each)).id] for each in late]
    assert sorted(item.reason or "" for item in its) == [ItemReason.BALANCED, ItemReason.OVERFLOW]
    assert len(await held_by(ground, scene.taker)) == 2


async def test_without_a_guide_in_the_plan_late_ones_go_to_the_store(ground: Ground) -> None:
    scene = await build_scene(ground, 1)
    public = scene.world.shop.public.id
    handover = await build_handover(ground, scene.world, takers=[public])
    late = await build_customer(ground, scene.leaver)
    await leave(ground, scene.leaver)

    await run(ground, handover)

    assert (await relationship_of(ground, late)).holder_id == public


async def test_two_workers_at_once_move_each_relationship_once(ground: Ground) -> None:
    scene = await build_scene(ground)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)

    await asyncio.gather(*(run(ground, handover) for _ in range(3)))

    assert [row.version for row in await held_by(ground, scene.taker)] == [2, 2, 2]
    assert (await reload(ground, handover)).state is HandoverState.DONE
    assert len(await _holdings(ground)) == 6


async def test_moving_what_has_moved_does_nothing(ground: Ground) -> None:
    scene = await build_scene(ground)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    await run(ground, handover)
    told = await said(ground, feed.of_staff(scene.taker.id))

    await run(ground, handover)

    assert await said(ground, feed.of_staff(scene.taker.id)) == told


async def test_a_worker_that_dies_between_chunks_is_followed_by_another(ground: Ground, monkeypatch: Any) -> None:
    scene = await build_scene(ground, 5)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    monkeypatch.setattr("handover.models.pacing.FEWEST", 2)
    mover = handing_over.Mover(ground, scene.world.brand.id, handover.id)
    mover.pace.size = 2
    async with unit_of_work(ground, system(scene.world.brand.id)) as work:
        assert await leasing.take(work, handover.id, mover.token)
    async for _ in mover.transactions():
        break
    assert sum(item.here is HeldHere.MOVED for item in (await items_of(ground, handover)).values()) == 2

    await run(ground, handover)  # the dead one's lease still holds
    assert len(await held_by(ground, scene.leaver)) == 3
    with clock.stopped_at(clock.now() + timedelta(seconds=16)):
        await chores.mind_handovers(ground)
        await _work_off(ground)

    assert await keepers(ground, scene) == [{scene.taker.account_ids[0]}] * 5
    assert (await reload(ground, handover)).state is HandoverState.DONE


async def test_a_worker_that_was_paused_past_its_lease_finds_another_token_and_writes_nothing(ground: Ground) -> None:
    scene = await build_scene(ground)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    brand_id, slow, quick = scene.world.brand.id, uuid4(), uuid4()
    async with unit_of_work(ground, system(brand_id)) as work:
        assert await leasing.take(work, handover.id, slow)
    async with ground.db.read() as session:
        turns = await queries.turns(session, brand_id, handover.id)
    with clock.stopped_at(clock.now() + timedelta(seconds=16)):
        async with unit_of_work(ground, system(brand_id)) as work:
            assert await leasing.take(work, handover.id, quick)

    with pytest.raises(LeaseLost):
        async with unit_of_work(ground, system(brand_id)) as work:
            await moving.move_chunk(work, handover.id, slow, turns)

    assert len(await held_by(ground, scene.leaver)) == 3
    async with unit_of_work(ground, system(brand_id)) as work:
        await moving.move_chunk(work, handover.id, quick, turns)
    assert not await held_by(ground, scene.leaver)


async def test_a_lease_of_a_clock_that_is_an_hour_ahead_blocks_nobody(ground: Ground) -> None:
    scene = await build_scene(ground, 1)
    await leave(ground, scene.leaver)
    ahead = clock.now() + timedelta(hours=1)
    handover = await build_handover(
        ground, scene.world, state=HandoverState.MOVING, lease_token=uuid4(), lease_until=ahead
    )

    await chores.mind_handovers(ground)
    await _work_off(ground)

    assert (await reload(ground, handover)).state is HandoverState.DONE


async def test_a_job_asked_for_by_a_clock_that_is_an_hour_ahead_keeps_nobody_waiting(ground: Ground) -> None:
    scene = await build_scene(ground, 1)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world)
    token = uuid4()
    with clock.stopped_at(clock.now() + timedelta(hours=1)):
        async with unit_of_work(ground, system(scene.world.brand.id)) as work:
            assert await leasing.take(work, handover.id, token)
        async with unit_of_work(ground, system(scene.world.brand.id)) as work:
            await leasing.pass_on(work, handover.id, token)

    await chores.mind_handovers(ground)
    await _work_off(ground)

    assert (await reload(ground, handover)).state is HandoverState.DONE


async def test_with_a_partner_it_is_settling_once_all_has_moved(ground: Ground) -> None:
    scene = await build_scene(ground, 1)
    await leave(ground, scene.leaver)
    await save(
        ground,
        PartnerTie(
            brand_id=scene.world.brand.id,
            corp_id="ww0001",
            secret_sealed=b"1",
            callback_token_sealed=b"2",
            callback_key_sealed=b"3",
            tied_at=clock.now(),
        ),
    )
    handover = await build_handover(ground, scene.world)

    await run(ground, handover)

    found = await reload(ground, handover)
    assert (found.state, found.ended_at) == (HandoverState.SETTLING, None)
    async with ground.db.read() as session:
        assert await jobs.waiting(session, scene.world.brand.id, moving.SETTLE) == [{"handover_id": str(handover.id)}]


@pytest.mark.parametrize("state", [HandoverState.DRAFT, HandoverState.PAUSED, HandoverState.CANCELLED])
async def test_what_isnt_to_move_stays(ground: Ground, state: HandoverState) -> None:
    scene = await build_scene(ground, 1)
    await leave(ground, scene.leaver)
    handover = await build_handover(ground, scene.world, state=state)

    await run(ground, handover)
    await chores.mind_handovers(ground)
    await _work_off(ground)

    assert len(await held_by(ground, scene.leaver)) == 1
    assert (await reload(ground, handover)).state is state


async def test_only_what_the_named_account_holds_is_moved(ground: Ground) -> None:
    scene = await build_scene(ground, 2)
    first, second = [await relationship_of(ground, customer) for customer in scene.customers]
    public, taker = scene.world.shop.public.id, scene.taker.account_ids[0]
    wrong = [Move(first.id, public, taker), Move(ids.new(), first.holder_id, taker)]

    async with unit_of_work(ground, system(scene.world.brand.id)) as work:
        moved = await customers.move_many(
            work,
            [*wrong, Move(second.id, second.holder_id, taker)],
            reason=HoldingReason.HANDOVER,
            by_actor_id=work.actor.id,
        )

    assert [each.relationship_id for each in moved] == [second.id]
    assert (await reload(ground, first)).version == 1


async def _holdings(ground: Ground) -> list[Holding]:
    async with ground.db.read() as session:
        found = await session.scalars(select(Holding).order_by(col(Holding.relationship_id), col(Holding.id)))
        return list(found)


async def _state(ground: Ground, person: Actor) -> StaffState:
    async with ground.db.read() as session:
        staff = await session.get(Staff, (person.brand_id, person.id))
    assert staff
    return staff.state


async def _work_off(ground: Ground) -> None:
    async with ground.db.read() as session:
        due = await session.scalars(select(jobs.Job).where(col(jobs.Job.name) == leasing.MOVE))
    for job in due:
        await worker.run(ground, job.id)


async def test_campaigns_of_a_leaver_that_wait_are_answered_for_by_who_approved(ground: Ground) -> None:
    """They are for the leaver's store still, and not for all that a regional manager sees; what is sent stays."""
    world = await build_world(ground)
    leaver, approver, soon = world.shop.manager, world.east_manager, clock.now() + timedelta(hours=2)
    waiting = await build_campaign(ground, leaver, state=CampaignState.SCHEDULED, send_at=soon)
    named = await build_campaign(
        ground, leaver, state=CampaignState.SCHEDULED, send_at=soon, store_ids=[str(world.shop.store.id)]
    )
    others = [
        await build_campaign(ground, leaver),
        await build_campaign(ground, leaver, state=CampaignState.RUNNING),
        await build_campaign(ground, world.hq, state=CampaignState.SCHEDULED, send_at=soon),
    ]
    person: dict[str, Any] = {
        "leaver": world.shop.guide,
        "staff_id": leaver.staff_id,
        "approved_by_id": approver.staff_id,
    }
    stays = await build_handover(ground, world, kind=HandoverKind.TRANSFER, **person)
    await run(ground, stays)
    assert (await reload(ground, waiting)).created_by_id == leaver.staff_id

    await run(ground, await build_handover(ground, world, **person))

    for each in (waiting, named):
        passed_on = await reload(ground, each)
        assert (passed_on.created_by_id, passed_on.store_ids) == (approver.staff_id, [str(world.shop.store.id)])
        assert (passed_on.state, passed_on.version) == (CampaignState.SCHEDULED, 2)
    assert [(await reload(ground, each)).created_by_id for each in others] == [each.created_by_id for each in others]
