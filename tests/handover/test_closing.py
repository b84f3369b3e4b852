"""A store closes: its relationships end, and go on in the stores that take over."""

from sqlalchemy import select
from sqlmodel import col

import kpi.queries.figures
from handover.models import HeldHere
from kernel import feed
from kernel.work import Ground
from mall.models import Credit, OrderStep, OrderStepKind
from tasks.models import TaskState
from tests.factories import NOON, reload, said
from tests.handover.closing import broken, build_closing, close, history, items_of, lives_in, move_some
from tests.handover.ending import since, with_everything


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
