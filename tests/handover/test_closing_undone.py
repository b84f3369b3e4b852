"""A closing is taken back: what ended lives again, what was merged is told apart, what somebody acted on is kept."""

from typing import Any

import pytest
from sqlalchemy import select, update
from sqlmodel import col

from customers import commands as customers
from customers.models import Holding, Note, Relationship, Visit
from directory.models import Staff, StaffState, StoreState
from handover.commands import giving_back
from handover.models import HeldHere
from kernel import clock, feed
from kernel.work import Ground, unit_of_work
from mall.models import Order, Refund
from tasks import commands as tasks
from tasks.models import SkipReason, Task
from tests.factories import World, build_customer, reload, said
from tests.handover.closing import broken, build_closing, close, history, in_store, items_of, lives_in, reopen
from tests.handover.ending import Closed, also_known, dismiss, notes_on, since, with_everything, write
from tests.mall.trading import place

_TOUCHED: tuple[Any, ...] = (Relationship, Note, Visit, Order, Refund, Task)
_CHANGES = {"version", "touched_at", "seen_at", "alert_at"}


async def everything(ground: Ground, world: World) -> dict[str, Any]:
    """All rows that a closing may touch, but for what says that they were touched."""
    found: dict[str, Any] = {}
    async with ground.db.read() as session:
        for model in _TOUCHED:
            rows = await session.scalars(select(model).where(col(model.brand_id) == world.brand.id))
            found |= {f"{model.__name__} {row.id}": row.model_dump(exclude=_CHANGES) for row in rows}
        open_lines = await session.execute(
            select(col(Holding.relationship_id), col(Holding.account_id)).where(
                col(Holding.brand_id) == world.brand.id, col(Holding.until_at).is_(None)
            )
        )
        found["held"] = sorted(open_lines.all())
    return found


def of_live(found: dict[str, Any]) -> dict[str, Any]:
    """Without relationships that have ended: those that a closing made stay as history."""
    return {key: row for key, row in found.items() if not (isinstance(row, dict) and row.get("ended_at"))}


async def test_all_is_as_it_was(ground: Ground) -> None:
    closed = await with_everything(ground)
    await dismiss_others(ground, closed)
    await build_customer(ground, closed.shop.other_guide, "李雷")
    before = await everything(ground, closed.world)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)
    assert of_live(await everything(ground, closed.world)) != before

    await reopen(ground, handover, at_once=1)

    assert of_live(await everything(ground, closed.world)) == before
    assert {item.here for item in await items_of(ground, handover)} == {HeldHere.UNDONE}
    assert await broken(ground, closed.world) == {}
    old = await reload(ground, closed.old)
    holder = closed.shop.guide.account_ids[0]
    assert await history(ground, old) == [(holder, "created", False), (holder, "handover", True)]


async def dismiss_others(ground: Ground, closed: Closed) -> None:
    """Somebody of the closing store has left already: nothing of theirs comes back."""
    async with ground.db.write() as session:
        await session.execute(
            update(Staff)
            .where(col(Staff.brand_id) == closed.world.brand.id, col(Staff.id) == closed.shop.manager.id)
            .values(state=StaffState.DEPARTED)
        )


async def test_two_that_were_merged_are_told_apart(ground: Ground) -> None:
    closed = await with_everything(ground)
    present = await also_known(
        ground, closed.customer, closed.other.other_guide, remark="爱喝茶", last_contact_at=clock.now()
    )
    await write(ground, present, "另一家店写的")
    before = await everything(ground, closed.world)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)
    assert await notes_on(ground, present) == {"另一家店写的", "喜欢羊绒", "只收邮件"}

    await reopen(ground, handover)

    after = await everything(ground, closed.world)
    assert {key: after.get(key) for key in before} == before
    assert await notes_on(ground, present) == {"另一家店写的"}
    assert await notes_on(ground, closed.old) == {"喜欢羊绒", "只收邮件"}
    assert await broken(ground, closed.world) == {}


async def test_phones_hear_that_it_is_back(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)
    new = await lives_in(ground, closed.customer, closed.other)
    feeds = [closed.shop.guide.id, closed.other.guide.id, feed.of_desk(closed.other.store.id)]
    before = [len(await said(ground, feed_id)) for feed_id in feeds]

    await reopen(ground, handover)

    back, gone, desk = [set(await since(ground, feed_id, count)) for feed_id, count in zip(feeds, before, strict=True)]
    task_id = closed.things["task"].id
    assert back == {("whole", "relationship", closed.old.id), ("put", "task", task_id)}
    assert (
        gone
        == desk
        == {
            ("del", "relationship", new.id),
            ("del", "customer", closed.customer.id),
            ("del", "task", task_id),
        }
    )


async def test_whoever_it_was_merged_with_forgets_what_had_come_and_keeps_the_customer(ground: Ground) -> None:
    closed = await with_everything(ground)
    present = await also_known(ground, closed.customer, closed.other.guide)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)
    before = len(await said(ground, closed.other.guide.id))

    await reopen(ground, handover)

    left = {("del", name, closed.things[name].id) for name in ("note", "visit", "refund", "task")}
    left |= {("del", "order", closed.things[name].id) for name in ("paid", "done")}
    heard = set(await since(ground, closed.other.guide.id, before))
    assert heard == left | {("put", "relationship", present.id)}


async def write_about(ground: Ground, closed: Closed) -> None:
    async with unit_of_work(ground, closed.other.guide) as work:
        await customers.add_note(work, closed.customer.id, body="来店试穿")


async def buy(ground: Ground, closed: Closed) -> None:
    await place(ground, closed.world, closed.customer, store_code=closed.other.store.code, placed_at=clock.now())


async def do_task(ground: Ground, closed: Closed) -> None:
    async with unit_of_work(ground, closed.other.guide) as work:
        await tasks.skip(work, closed.things["task"].id, reason=SkipReason.BAD_TIME)


async def remark_on(ground: Ground, closed: Closed) -> None:
    async with unit_of_work(ground, closed.other.guide) as work:
        await customers.edit_remark(work, closed.customer.id, remark="改约下周")


@pytest.mark.parametrize("act", [write_about, buy, do_task, remark_on])
@pytest.mark.parametrize("is_known", [False, True])
async def test_where_somebody_acted_since_it_is_kept_and_says_so(ground: Ground, act: Any, is_known: bool) -> None:
    closed = await with_everything(ground)
    if is_known:
        await also_known(ground, closed.customer, closed.other.guide)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)
    await act(ground, closed)
    before = await everything(ground, closed.world)
    heard = await said(ground, closed.other.guide.id)

    await reopen(ground, handover)

    [item] = await items_of(ground, handover)
    assert (item.here, item.why) == (HeldHere.KEPT, giving_back.ACTED)
    assert await everything(ground, closed.world) == before
    assert await said(ground, closed.other.guide.id) == heard
    assert await in_store(ground, closed.customer, closed.shop) is None


async def test_who_is_known_in_the_store_anew_stays_where_they_went(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)
    await also_known(ground, closed.customer, closed.shop.other_guide)

    await reopen(ground, handover)

    [item] = await items_of(ground, handover)
    assert (item.here, item.why) == (HeldHere.KEPT, giving_back.KNOWN_ANEW)
    assert await broken(ground, closed.world) == {}


async def test_what_has_gone_on_to_a_third_store_is_not_torn_out_of_it(ground: Ground) -> None:
    closed = await with_everything(ground)
    first = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, first)
    second = await build_closing(ground, closed.world, closed.other, [closed.world.shops[2].guide])
    await close(ground, second)

    await reopen(ground, first)

    [item] = await items_of(ground, first)
    assert (item.here, item.why) == (HeldHere.KEPT, giving_back.MOVED_ON)
    assert await broken(ground, closed.world) == {}

    await reopen(ground, second)

    back = await lives_in(ground, closed.customer, closed.other)
    assert (await reload(ground, closed.old)).succeeded_by_id == back.id
    assert await broken(ground, closed.world) == {}


async def test_what_was_merged_on_the_way_keeps_its_own_past(ground: Ground) -> None:
    closed = await with_everything(ground)
    third = closed.world.shops[2]
    await close(ground, await build_closing(ground, closed.world, closed.shop, [closed.other.guide]))
    middle = await lives_in(ground, closed.customer, closed.other)
    await also_known(ground, closed.customer, third.guide)
    second = await build_closing(ground, closed.world, closed.other, [third.guide])
    await close(ground, second)

    await reopen(ground, second)

    assert (await reload(ground, closed.old)).succeeded_by_id == middle.id
    assert await broken(ground, closed.world) == {}


async def test_a_store_that_had_closed_opens_again(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await dismiss(ground, closed.world, closed.shop)
    await close(ground, handover)
    assert (await reload(ground, closed.shop.store)).state is StoreState.CLOSED

    await reopen(ground, handover)

    assert (await reload(ground, closed.shop.store)).state is StoreState.OPEN
    back = await lives_in(ground, closed.customer, closed.shop)
    assert back.holder_id == closed.shop.public.id, "whoever held it has left"


async def test_whoever_is_leaving_gets_back_what_was_theirs(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)
    async with ground.db.write() as session:
        await session.execute(
            update(Staff)
            .where(col(Staff.brand_id) == closed.world.brand.id, col(Staff.id) == closed.shop.guide.id)
            .values(state=StaffState.LEAVING)
        )

    await reopen(ground, handover)

    assert (await lives_in(ground, closed.customer, closed.shop)).holder_id == closed.old.holder_id


async def test_giving_back_twice_gives_back_nothing_twice(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)
    await reopen(ground, handover)
    before = await everything(ground, closed.world)

    await reopen(ground, handover)

    assert await everything(ground, closed.world) == before
