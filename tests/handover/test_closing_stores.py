"""What a closing means for the store itself, for those who work there, and for whoever takes over."""

from typing import Any

from sqlalchemy import select, update
from sqlmodel import col

from customers import commands as customers
from customers.queries import relationships
from directory.models import Staff, StaffState, StoreState
from handover.models import HandoverItem, ItemReason
from handover.queries import succession
from kernel import feed
from kernel.work import Ground, unit_of_work
from tagging.models import AuditMethod
from tests.asking import ask
from tests.factories import World, build_customer, build_world, reload
from tests.handover.closing import broken, build_closing, close, items_of, lives_in
from tests.handover.ending import dismiss, with_everything
from tests.tagging.auditing import build_tagged, build_tags, draw, items


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
