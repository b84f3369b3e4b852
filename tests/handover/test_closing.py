"""A store closes: its relationships end and go on elsewhere with all that hangs on them."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update
from sqlmodel import col

import kpi.queries.figures
from customers import commands as customers
from customers.models import Customer, Holding, HoldingReason, Note, Relationship, Visit
from customers.queries import relationships
from directory.models import Staff, StaffState, StoreState
from handover.commands import succeeding
from handover.errors import PlanMissing, TakeoverUnfit
from handover.models import HandoverItem, HeldHere, ItemReason
from handover.queries import succession
from kernel import feed, ids
from kernel.actor import Actor, system
from kernel.work import Ground, unit_of_work
from mall.models import Credit, OrderState, OrderStep, OrderStepKind
from tagging.models import AuditMethod
from tasks.models import TaskState
from tests.asking import ask
from tests.factories import (
    NOON,
    Shop,
    World,
    build_customer,
    build_task,
    build_world,
    relationship_of,
    reload,
    said,
    save,
)
from tests.handover.closing import (
    broken,
    build_closing,
    close,
    history,
    in_store,
    items_of,
    lives_in,
    move_some,
)
from tests.mall.trading import place, refund
from tests.tagging.auditing import build_tagged, build_tags, draw, items


async def also_known(ground: Ground, customer: Customer, holder: Actor, **values: Any) -> Relationship:
    """A second relationship of the customer, with another store."""
    assert holder.store_id
    usual: dict[str, Any] = {
        "brand_id": customer.brand_id,
        "id": ids.new(),
        "customer_id": customer.id,
        "store_id": holder.store_id,
        "holder_id": holder.account_ids[0],
        "created_at": NOON,
    }
    relationship = Relationship(**usual | values)
    holding = Holding(
        brand_id=customer.brand_id,
        id=ids.new(),
        relationship_id=relationship.id,
        account_id=relationship.holder_id,
        reason=HoldingReason.CREATED,
        by_actor_id=holder.id,
        from_at=NOON,
    )
    await save(ground, relationship, holding)
    return relationship


async def describe(ground: Ground, relationship: Relationship, **values: Any) -> None:
    async with ground.db.write() as session:
        await session.execute(
            update(Relationship)
            .where(col(Relationship.brand_id) == relationship.brand_id, col(Relationship.id) == relationship.id)
            .values(**values)
        )


async def write(ground: Ground, relationship: Relationship, body: str = "喜欢羊绒") -> tuple[Note, Visit]:
    usual: dict[str, Any] = {
        "brand_id": relationship.brand_id,
        "relationship_id": relationship.id,
        "store_id": relationship.store_id,
        "at": NOON,
    }
    note, visit = Note(id=ids.new(), body=body, **usual), Visit(id=ids.new(), **usual)
    await save(ground, note, visit)
    return note, visit


async def notes_on(ground: Ground, relationship: Relationship) -> set[str]:
    async with ground.db.read() as session:
        found = await session.scalars(
            select(col(Note.body)).where(
                col(Note.brand_id) == relationship.brand_id, col(Note.relationship_id) == relationship.id
            )
        )
        return set(found)


async def since(ground: Ground, feed_id: UUID, before: int) -> list[tuple[str, str, UUID]]:
    return (await said(ground, feed_id))[before:]


class Closed:
    """A customer of a guide of the first shop with one of everything, whose store closes into the second shop."""

    def __init__(self, world: World, customer: Customer, old: Relationship) -> None:
        self.world, self.customer, self.old = world, customer, old
        self.shop, self.other = world.shops[0], world.shops[1]
        self.things: dict[str, Any] = {}


async def with_everything(ground: Ground) -> Closed:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    old = await relationship_of(ground, customer)
    await describe(ground, old, remark="只收邮件", last_contact_at=NOON)
    closed = Closed(world, customer, old)
    note, visit = await write(ground, old)
    paid = await place(ground, world, customer)
    done = await place(ground, world, customer, state=OrderState.COMPLETED)
    given_back = await refund(ground, world, done.id)
    task = await build_task(ground, world.shop.guide, customer, contact_day=NOON.date(), source_key="k1")
    finished = await build_task(ground, world.shop.guide, customer, state=TaskState.DONE, closed_at=NOON)
    closed.things = {"note": note, "visit": visit, "paid": paid, "refund": given_back}
    closed.things["done"] = await reload(ground, done)  # as the refund has left it
    closed.things |= {"task": task, "finished": finished}
    return closed


async def test_a_relationship_ends_and_goes_on_in_the_successor_store(ground: Ground) -> None:
    closed = await with_everything(ground)
    taker = closed.other.guide
    handover = await build_closing(ground, closed.world, closed.shop, [taker])

    await close(ground, handover)

    old, new = await reload(ground, closed.old), await lives_in(ground, closed.customer, closed.other)
    assert (old.succeeded_by_id, old.holder_id, old.is_primary) == (new.id, closed.shop.public.id, False)
    assert old.ended_at is not None
    assert old.version == 2
    assert (new.holder_id, new.is_primary, new.remark) == (taker.account_ids[0], True, "只收邮件")
    assert (new.last_contact_at, new.created_at, new.version) == (NOON, NOON, 1)
    assert await history(ground, old) == [(closed.shop.guide.account_ids[0], "created", False)]
    assert await history(ground, new) == [(taker.account_ids[0], "handover", True)]
    [item] = await items_of(ground, handover)
    assert (item.here, item.successor_id, item.is_merged) == (HeldHere.MOVED, new.id, False)
    assert (item.version_after, item.to_account_id) == (1, taker.account_ids[0])
    assert await broken(ground, closed.world) == {}


async def test_what_hangs_on_it_goes_along_and_what_was_sold_stays_sold_there(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])

    await close(ground, handover)

    new = await lives_in(ground, closed.customer, closed.other)
    now = {name: await reload(ground, thing) for name, thing in closed.things.items()}
    store_id, taker = closed.shop.store.id, closed.other.guide.account_ids[0]
    for name in ("note", "visit", "paid", "done", "refund"):
        assert (now[name].relationship_id, now[name].store_id) == (new.id, store_id), name
        assert now[name].version == closed.things[name].version + 1, name
    assert [now["paid"].serving_account_id, now["done"].serving_account_id] == [taker, closed.old.holder_id]
    task, finished = now["task"], now["finished"]
    assert (task.relationship_id, task.store_id, task.account_id) == (new.id, closed.other.store.id, taker)
    assert (task.contact_day, task.source_key, task.state) == (NOON.date(), "k1", TaskState.PENDING)
    assert (finished.relationship_id, finished.store_id, finished.version) == (closed.old.id, store_id, 1)
    async with ground.db.read() as session:
        credits = await session.scalars(select(Credit).where(col(Credit.brand_id) == closed.world.brand.id))
        assert {(each.account_id, each.store_id) for each in credits} == {(closed.old.holder_id, store_id)}
        served = await session.scalars(
            select(col(OrderStep.order_id)).where(
                col(OrderStep.brand_id) == closed.world.brand.id, col(OrderStep.kind) == OrderStepKind.SERVED
            )
        )
        assert list(served) == [now["paid"].id]


async def test_the_figures_of_the_store_stay_as_they_were(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    async with ground.db.read() as session:
        before = await kpi.queries.figures.figures(session, closed.world.brand)

    await close(ground, handover)

    async with ground.db.read() as session:
        assert await kpi.queries.figures.figures(session, closed.world.brand) == before
    assert before["orders"] == 2


async def test_both_stores_hear_of_it(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    feeds = {
        "old": closed.shop.guide.id,
        "old desk": feed.of_desk(closed.shop.store.id),
        "new": closed.other.guide.id,
        "new desk": feed.of_desk(closed.other.store.id),
    }
    before = {name: len(await said(ground, feed_id)) for name, feed_id in feeds.items()}

    await move_some(ground, handover)

    new = await lives_in(ground, closed.customer, closed.other)
    heard = {name: await since(ground, feed_id, before[name]) for name, feed_id in feeds.items()}
    task_id = closed.things["task"].id
    gone = {("del", "relationship", closed.old.id), ("del", "customer", closed.customer.id), ("del", "task", task_id)}
    come = {("whole", "relationship", new.id), ("put", "task", task_id)}
    assert {name: set(entries) for name, entries in heard.items()} == {
        "old": gone,
        "old desk": gone,
        "new": come,
        "new desk": come,
    }
    assert all(len(entries) == len(set(entries)) for entries in heard.values())


async def test_where_the_customer_is_known_already_it_is_merged(ground: Ground) -> None:
    closed = await with_everything(ground)
    present = await also_known(ground, closed.customer, closed.other.other_guide)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])

    await close(ground, handover)

    old, kept = await reload(ground, closed.old), await reload(ground, present)
    assert old.succeeded_by_id == kept.id
    assert (kept.holder_id, kept.is_primary, kept.remark) == (present.holder_id, True, "只收邮件")
    assert (kept.last_contact_at, kept.version) == (NOON, 2)
    assert await history(ground, kept) == [(present.holder_id, "created", True)]
    [item] = await items_of(ground, handover)
    assert (item.successor_id, item.is_merged, item.to_account_id) == (kept.id, True, kept.holder_id)
    assert item.version_after == 2
    now = {
        name: await reload(ground, closed.things[name]) for name in ("note", "visit", "paid", "done", "refund", "task")
    }
    assert {thing.relationship_id for thing in now.values()} == {kept.id}
    assert (now["task"].account_id, now["paid"].serving_account_id) == (kept.holder_id, kept.holder_id)
    async with ground.db.read() as session:
        assert await succession.counts(session, closed.world.brand.id, handover.id) == {"succeeded": 0, "merged": 1}
    assert await broken(ground, closed.world) == {}


async def test_of_two_remarks_one_stays_and_the_other_becomes_a_note(ground: Ground) -> None:
    closed = await with_everything(ground)
    present = await also_known(
        ground, closed.customer, closed.other.guide, remark="爱喝茶", last_contact_at=NOON - timedelta(1)
    )
    await describe(ground, closed.old, is_primary=False)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])

    await close(ground, handover)

    kept = await reload(ground, present)
    assert (kept.remark, kept.last_contact_at, kept.is_primary) == ("爱喝茶", NOON, False)
    assert await notes_on(ground, kept) == {"喜欢羊绒", "只收邮件"}


async def test_a_store_goes_to_several_and_closes_when_nobody_works_there(ground: Ground) -> None:
    world = await build_world(ground)
    for holder in (world.shop.guide, world.shop.guide, world.shop.other_guide, world.shop.manager):
        await build_customer(ground, holder)
    handover = await build_closing(ground, world, world.shop, [world.shops[1].guide, world.shops[2].guide])
    await dismiss(ground, world, world.shop)

    await close(ground, handover, at_once=1)

    assert (await reload(ground, world.shop.store)).state is StoreState.CLOSED
    async with ground.db.read() as session:
        held = [await relationships.count_of_store(session, world.brand.id, shop.store.id) for shop in world.shops]
        assert held == [0, 2, 2]
        assert await succession.counts(session, world.brand.id, handover.id) == {"succeeded": 4, "merged": 0}
    assert await broken(ground, world) == {}


async def dismiss(ground: Ground, world: World, shop: Shop) -> None:
    async with ground.db.write() as session:
        await session.execute(
            update(Staff)
            .where(col(Staff.brand_id) == world.brand.id, col(Staff.store_id) == shop.store.id)
            .values(state=StaffState.DEPARTED)
        )


async def test_closing_dismisses_nobody(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])

    await close(ground, handover)

    async with ground.db.read() as session:
        assert await relationships.count_held_by(session, closed.world.brand.id, closed.shop.guide.id) == 0
        guide = await session.get(Staff, (closed.world.brand.id, closed.shop.guide.id))
        assert guide is not None
        assert guide.state is StaffState.ACTIVE
    assert (await reload(ground, closed.shop.store)).state is StoreState.OPEN


STAFFED = "query ($id: ID!) { handover(id: $id) { state stillAtWork store { state } } }"
CLOSE = """mutation ($id: ID!) {
    closeStore(id: $id) { ... on StoreChanged { store { state } } ... on Problem { code } }
}"""


async def test_who_closes_a_store_sees_who_still_works_there_and_closes_it_once_they_have_moved(ground: Ground) -> None:
    world = await build_world(ground)
    closes, takes = world.shops[:2]
    await build_customer(ground, closes.guide)
    handover = await build_closing(ground, world, closes, [takes.guide])
    await close(ground, handover)

    async def asked() -> Any:
        return (await ask(ground, world.east_manager, STAFFED, id=str(handover.id)))["handover"]

    async def shut() -> Any:
        return (await ask(ground, world.hq, CLOSE, id=str(closes.store.id)))["closeStore"]

    assert await asked() == {"state": "DONE", "stillAtWork": 3, "store": {"state": "OPEN"}}
    assert await shut() == {"code": "STORE_STAFFED"}
    for person in (*closes.guides, closes.manager):
        async with unit_of_work(ground, world.hq) as work:
            await customers.move_staff(work, person.id, role=person.role, store_id=takes.store.id)
    assert (await asked())["stillAtWork"] == 0
    assert await shut() == {"store": {"state": "CLOSED"}}
    assert await asked() == {"state": "DONE", "stillAtWork": 0, "store": {"state": "CLOSED"}}


async def test_open_questions_of_a_blind_audit_wait_in_the_new_store(ground: Ground) -> None:
    world = await build_world(ground)
    closes, takes = world.shops[:2]
    [tag] = await build_tags(ground, world, 1)
    await build_tagged(ground, closes, tag, 1)
    audit = await draw(ground, world.hq, method=AuditMethod.BLIND)
    [before] = await items(ground, audit)

    await close(ground, await build_closing(ground, world, closes, [takes.guide]))

    [after] = await items(ground, audit)
    [item] = await items_of_all(ground, world)
    assert after.relationship_id == item.successor_id != before.relationship_id
    assert (after.store_id, after.asked_id, after.verdict) == (takes.store.id, None, None)


async def items_of_all(ground: Ground, world: World) -> list[HandoverItem]:
    async with ground.db.read() as session:
        found = await session.scalars(select(HandoverItem).where(col(HandoverItem.brand_id) == world.brand.id))
        return list(found)


async def test_phones_of_the_store_s_managers_start_over(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    desks = [feed.of_desk(closed.shop.store.id), feed.of_desk(closed.other.store.id)]
    async with ground.db.read() as session:
        before = await feed.heads(session, closed.world.brand.id, desks)

    await close(ground, handover)

    async with ground.db.read() as session:
        after = await feed.heads(session, closed.world.brand.id, desks)
    assert [after[desk].epoch == before[desk].epoch for desk in desks] == [False, True]


async def test_who_came_meanwhile_goes_to_the_public_account_of_the_first_successor(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    late = await build_customer(ground, closed.shop.other_guide, "李雷")

    await close(ground, handover)

    assert (await lives_in(ground, late, closed.other)).holder_id == closed.other.public.id
    reasons = {item.reason for item in await items_of(ground, handover)}
    assert reasons == {None, ItemReason.OVERFLOW}


async def test_who_can_t_take_over_any_more_gives_way_to_the_public_account(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    async with ground.db.write() as session:
        await session.execute(
            update(Staff)
            .where(col(Staff.brand_id) == closed.world.brand.id, col(Staff.id) == closed.other.guide.id)
            .values(state=StaffState.LEAVING)
        )

    await close(ground, handover)

    assert (await lives_in(ground, closed.customer, closed.other)).holder_id == closed.other.public.id
    [item] = await items_of(ground, handover)
    assert (item.reason, item.to_account_id) == (ItemReason.FALLBACK, closed.other.public.id)


async def test_moving_twice_moves_nothing_twice(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)
    new = await lives_in(ground, closed.customer, closed.other)
    heard = await said(ground, closed.other.guide.id)

    items = await items_of(ground, handover)
    async with unit_of_work(ground, system(handover.brand_id)) as work:
        await succeeding.succeed(work, handover, items)
    again = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    stale = HandoverItem(**items[0].model_dump() | {"handover_id": again.id, "here": HeldHere.PENDING})
    await save(ground, stale)
    await close(ground, again)

    assert await lives_in(ground, closed.customer, closed.other) == new
    assert await said(ground, closed.other.guide.id) == heard
    [item] = await items_of(ground, again)
    assert (item.here, item.why) == (HeldHere.ELSEWHERE, succeeding.ENDED)


@pytest.mark.parametrize(("to", "refusal"), [("nobody", PlanMissing), ("here", TakeoverUnfit)])
async def test_a_plan_that_leads_nowhere_is_refused_and_changes_nothing(
    ground: Ground, to: str, refusal: type[Exception]
) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.shop.other_guide])
    if to == "nobody":
        async with ground.db.write() as session:
            await session.execute(
                update(HandoverItem).where(col(HandoverItem.brand_id) == handover.brand_id).values(to_account_id=None)
            )
    heard = await said(ground, closed.shop.guide.id)

    with pytest.raises(refusal):
        await move_some(ground, handover)

    assert await reload(ground, closed.old) == closed.old or (await reload(ground, closed.old)).ended_at is None
    assert await said(ground, closed.shop.guide.id) == heard
    [item] = await items_of(ground, handover)
    assert item.here is HeldHere.PENDING


async def test_a_store_that_opens_again_knows_the_customer_anew(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)

    from_outside = closed.shop.other_guide
    async with unit_of_work(ground, from_outside) as work:
        await customers.claim(work, None, member_number=closed.customer.member_number)  # type: ignore[arg-type]  # no phone

    anew = await lives_in(ground, closed.customer, closed.shop)
    assert (anew.holder_id, anew.is_primary) == (from_outside.account_ids[0], False)
    assert anew.id != closed.old.id
    assert await broken(ground, closed.world) == {}


async def test_a_successor_store_closes_too_and_all_goes_on_in_the_last(ground: Ground) -> None:
    closed = await with_everything(ground)
    third = closed.world.shops[2]
    await close(ground, await build_closing(ground, closed.world, closed.shop, [closed.other.guide]))
    await close(ground, await build_closing(ground, closed.world, closed.other, [third.guide]))

    last = await lives_in(ground, closed.customer, third)
    assert (await reload(ground, closed.old)).succeeded_by_id == last.id
    assert await in_store(ground, closed.customer, closed.other) is None
    assert (await reload(ground, closed.things["note"])).relationship_id == last.id
    assert await broken(ground, closed.world) == {}


async def test_whoever_claims_the_customer_at_that_moment_holds_the_one_relationship_there_is(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])

    async def claim() -> None:
        async with unit_of_work(ground, closed.other.other_guide) as work:
            await customers.claim(work, None, member_number=closed.customer.member_number)  # type: ignore[arg-type]  # no phone

    await asyncio.gather(close(ground, handover), claim(), return_exceptions=True)

    new = await lives_in(ground, closed.customer, closed.other)
    [item] = await items_of(ground, handover)
    claimed = new.holder_id == closed.other.other_guide.account_ids[0]
    assert (item.successor_id, item.is_merged) == (new.id, claimed)
    assert await broken(ground, closed.world) == {}


async def test_two_who_move_the_same_at_once_move_it_once(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])

    await asyncio.gather(move_some(ground, handover), move_some(ground, handover))

    new = await lives_in(ground, closed.customer, closed.other)
    [item] = await items_of(ground, handover)
    assert (item.here, item.successor_id) == (HeldHere.MOVED, new.id)
    assert await history(ground, new) == [(closed.other.guide.account_ids[0], "handover", True)]
    assert await broken(ground, closed.world) == {}
