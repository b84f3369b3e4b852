"""An undone handover gives everything back as it was, except where somebody has acted since: that it lists."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from customers import commands as customers
from customers.models import Customer
from directory.models import Staff, StaffState
from handover.commands import leasing, noting, undoing
from handover.errors import HandoverInFlight, HandoverMovedOn, UndoWindowOver
from handover.models import Handover, HandoverState, HeldHere, ItemReason
from handover.queries import verifying
from kernel import clock
from kernel.actor import Actor, system
from kernel.errors import Forbidden, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from server import handing_over
from server.tables import METADATA
from tagging import commands as tagging
from tasks import commands as tasks
from tasks.models import Task, TaskKind
from tests.factories import World, build_customer, build_task, build_world, relationship_of, reload
from tests.handover.handing import build_handover, held_by, items_of, leave, run
from tests.mall.trading import place
from tests.refusals import snapshot

# What tells that something happened at all; everything else is as before.
HISTORIES = {
    "audit_entry",
    "customer_mark",
    "feed",
    "feed_event",
    "handover",
    "handover_account",
    "handover_item",
    "holding",
    "job",
    "kpi_mark",
    "ledger_entry",
    "ledger_total",
    "order_step",
    "tag_change",
    "task_step",
}
# A task that has come back may make itself heard again, and nobody has seen it since.
NOT_KEPT = {"version", "touched_at", "alert_at", "seen_at"}


async def lasting(ground: Ground) -> dict[str, Any]:
    """All rows but histories, without versions; tags that were made and are retired are no tags."""
    async with ground.db.read() as session:
        there = {
            table.name: [dict(row._mapping) for row in await session.execute(select(table))]
            for table in METADATA.sorted_tables
            if table.name not in HISTORIES
        }
    there["tag"] = [row for row in there["tag"] if row["retired_at"] is None]
    return {
        table: sorted(repr({name: value for name, value in row.items() if name not in NOT_KEPT}) for row in rows)
        for table, rows in there.items()
    }


async def build_scene(ground: Ground) -> tuple[World, Handover, list[Customer]]:
    """Three customers of the leaver's with tasks, orders and own tags, a to-do, and a handover that hasn't moved."""
    world = await build_world(ground)
    leaver = world.shop.guide
    known = [await build_customer(ground, leaver) for _ in range(3)]
    async with unit_of_work(ground, leaver) as work:
        tag = await tagging.add_tag(work, name="打高尔夫")
    async with unit_of_work(ground, leaver) as work:
        await tagging.add_tags(work, [each.id for each in known], [tag.id])
    for customer in known:
        await build_task(ground, leaver, customer)
        await place(ground, world, customer)
    await build_task(ground, leaver)
    await leave(ground, leaver)
    return world, await build_handover(ground, world), known


async def undo(ground: Ground, actor: Actor, handover: Handover, **values: Any) -> Handover:
    async with unit_of_work(ground, actor) as work:
        return await undoing.undo(work, handover.id, **values)


async def test_undoing_gives_everything_back_as_it_was(ground: Ground) -> None:
    world, handover, _ = await build_scene(ground)
    before = await lasting(ground)
    await run(ground, handover)
    assert await _state(ground, world.shop.guide) is StaffState.DEPARTED

    back = await undo(ground, world.shop.manager, handover)
    await run(ground, back)

    after = await lasting(ground)
    for table, rows in before.items():
        if table not in ("staff", "assignment"):
            assert after[table] == rows, table
    assert await _state(ground, world.shop.guide) is StaffState.LEAVING
    assert (await reload(ground, handover)).state is HandoverState.UNDONE
    assert (await reload(ground, back)).state is HandoverState.DONE
    assert {item.here for item in (await items_of(ground, handover)).values()} == {HeldHere.UNDONE}
    for item in (await items_of(ground, back)).values():
        assert (item.here, item.reason) == (HeldHere.MOVED, ItemReason.GIVEN_BACK)
    async with ground.db.read() as session:
        assert await verifying.violations(session, world.brand.id) == []


async def test_where_somebody_has_acted_since_it_is_kept_and_listed(ground: Ground) -> None:
    world, handover, (visited, ordered, quiet) = await build_scene(ground)
    await run(ground, handover)
    async with unit_of_work(ground, world.shop.other_guide) as work:
        await customers.note_visit(work, visited.id)
    await place(ground, world, ordered, placed_at=clock.now())

    back = await undo(ground, world.shop.manager, handover)
    await run(ground, back)

    kept = [(await relationship_of(ground, each)).id for each in (visited, ordered)]
    for each in (handover, back):
        items = await items_of(ground, each)
        assert {key for key, item in items.items() if item.here is HeldHere.KEPT} == set(kept)
        assert {items[key].why for key in kept} == {noting.ACTED}
    assert [row.id for row in await held_by(ground, world.shop.guide)] == [(await relationship_of(ground, quiet)).id]
    assert len(await held_by(ground, world.shop.other_guide)) == 2


async def _note(ground: Ground, world: World, customer: Customer) -> None:
    async with unit_of_work(ground, world.shop.other_guide) as work:
        await customers.add_note(work, customer.id, body="想要新款")


async def _close_task(ground: Ground, world: World, customer: Customer) -> None:
    relationship = await relationship_of(ground, customer)
    async with unit_of_work(ground, world.shop.other_guide) as work:
        task = await work.session.scalar(
            select(Task).where(col(Task.brand_id) == world.brand.id, col(Task.relationship_id) == relationship.id)
        )
        assert task
        await tasks.complete(work, task.id)


async def _give_on(ground: Ground, world: World, customer: Customer) -> None:
    relationship = await relationship_of(ground, customer)
    async with unit_of_work(ground, world.shop.manager) as work:
        await customers.reassign(work, relationship.id, to_account_id=world.shop.public.id)


@pytest.mark.parametrize("act", [_note, _close_task, _give_on])
async def test_whatever_the_takeover_guide_did_counts(ground: Ground, act: Any) -> None:
    world, handover, (known, *_) = await build_scene(ground)
    await run(ground, handover)
    await act(ground, world, known)

    await run(ground, await undo(ground, world.shop.manager, handover))

    key = (await relationship_of(ground, known)).id
    items = await items_of(ground, handover)
    assert items[key].here is HeldHere.KEPT
    assert sorted(item.here for item in items.values()) == [HeldHere.KEPT, HeldHere.UNDONE, HeldHere.UNDONE]


async def test_what_a_campaign_asked_of_everybody_is_nobodys_act(ground: Ground) -> None:
    world, handover, (known, *_) = await build_scene(ground)
    await run(ground, handover)
    since = {"created_by_id": world.hq.staff_id, "created_at": clock.now()}
    await build_task(ground, world.shop.other_guide, known, kind=TaskKind.CAMPAIGN, **since)

    await run(ground, await undo(ground, world.shop.manager, handover))

    assert {item.here for item in (await items_of(ground, handover)).values()} == {HeldHere.UNDONE}


async def test_what_had_not_moved_yet_never_does(ground: Ground) -> None:
    world, handover, _ = await build_scene(ground)
    mover = handing_over.Mover(ground, world.brand.id, handover.id, lanes=1)
    mover.pace.size = 2
    async with unit_of_work(ground, system(world.brand.id)) as work:
        assert await leasing.take(work, handover.id, mover.token)
    moving = mover.transactions()
    await anext(moving)

    back = await undo(ground, world.shop.manager, handover)
    with pytest.raises(leasing.LeaseLost):
        await anext(moving)
    await run(ground, back)
    await run(ground, handover)

    assert len(await held_by(ground, world.shop.guide)) == 3
    assert len(await items_of(ground, back)) == 2


async def test_undoing_twice_or_too_early_or_too_late_or_by_the_wrong_one_is_refused(ground: Ground) -> None:
    world, handover, _ = await build_scene(ground)
    draft = await build_handover(ground, world, leaver=world.shop.other_guide, state=HandoverState.DRAFT)
    await run(ground, handover)
    manager = world.shop.manager
    before = await snapshot(ground)

    for actor, which, values, refusal in (
        (world.shop.guide, handover, {}, Forbidden),
        (world.shops[1].manager, handover, {}, NotFound),
        (manager, handover, {"expected_version": 1}, StaleVersion),
        (manager, draft, {}, HandoverMovedOn),
    ):
        with pytest.raises(refusal):
            await undo(ground, actor, which, **values)
    with clock.stopped_at(clock.now() + timedelta(hours=73)), pytest.raises(UndoWindowOver):
        await undo(ground, manager, handover)
    assert await snapshot(ground) == before

    back = await undo(ground, manager, handover)
    with pytest.raises(HandoverMovedOn):
        await undo(ground, manager, handover)
    await run(ground, back)
    with pytest.raises(UndoWindowOver):
        await undo(ground, manager, back)


async def test_while_another_handover_of_the_same_person_is_under_way_nothing_is_undone(ground: Ground) -> None:
    world, handover, _ = await build_scene(ground)
    await run(ground, handover)
    await build_handover(ground, world, state=HandoverState.DRAFT)

    with pytest.raises(HandoverInFlight):
        await undo(ground, world.shop.manager, handover)

    assert (await reload(ground, handover)).state is HandoverState.DONE


async def test_of_two_who_undo_at_once_one_is_refused(ground: Ground) -> None:
    world, handover, _ = await build_scene(ground)
    await run(ground, handover)

    answers = await asyncio.gather(
        *(undo(ground, actor, handover) for actor in (world.shop.manager, world.east_manager)), return_exceptions=True
    )

    assert sorted(type(answer).__name__ for answer in answers) == ["Handover", "HandoverMovedOn"]


async def _state(ground: Ground, person: Actor) -> StaffState:
    async with ground.db.read() as session:
        staff = await session.get(Staff, (person.brand_id, person.id))
    assert staff
    return staff.state
