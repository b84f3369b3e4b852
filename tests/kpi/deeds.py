"""For each event that marks days, something of which that mark alone tells."""

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from customers import commands as customers
from customers.commands import links
from customers.commands.links import Contact
from customers.events import ContactsLost, RelationshipAdded, RelationshipsLoaded
from customers.models import Customer, GoneWhy, HoldingReason
from directory import commands as directory
from directory.commands import covers
from directory.events import (
    CoverArranged,
    CoverDated,
    CoverEnded,
    StaffAccessClosed,
    StaffAccessReopened,
    StaffHired,
    StaffMoved,
    StoreEdited,
)
from kernel import clock, ids
from kernel.actor import Actor, Role, system
from kernel.work import Ground, unit_of_work
from mall import commands as mall
from mall.events import (
    CommissionCaughtUp,
    OrderChanged,
    OrderPlaced,
    PurchasesLoaded,
    RefundRecorded,
    ShareMade,
    ShareOpened,
)
from tagging import commands as tagging
from tagging.events import AuditDrawn, TagQuestionClosed
from tagging.models import AuditMethod
from tagging.queries import questions
from tasks import commands as tasks
from tasks.events import TaskAdded, TaskCancelled, TaskCompleted, TaskMoved, TaskSnoozed
from tests.factories import World, build_customer, build_task, relationship_of, save
from tests.intake.carrying import VAULT
from tests.mall import commissions
from tests.mall.earning import build_share
from tests.mall.purchases import History, load
from tests.mall.trading import place, refund
from tests.tagging.auditing import build_tagged, build_tags, draw

MIDNIGHT = "2026-03-04T00:00+08:00"
"""When all of it happens, in the stores of Shanghai: a whole day is to come."""

Deed = Callable[[], Awaitable[Any]]
Prepared = Callable[[Ground, World], Awaitable[Deed]]


async def act(ground: Ground, actor: Actor, command: Any, *given: Any, **named: Any) -> Any:
    async with unit_of_work(ground, actor) as work:
        return await command(work, *given, **named)


async def buying(ground: Ground, world: World) -> Deed:
    return lambda: place(ground, world)


async def cancelling(ground: Ground, world: World) -> Deed:
    order = await place(ground, world)
    return lambda: act(ground, world.shop.manager, mall.cancel_order, order.id)


async def giving_back(ground: Ground, world: World) -> Deed:
    return lambda: refund(ground, world)


async def loading(ground: Ground, world: World) -> Deed:
    customer = await build_customer(ground, world.shop.guide)
    return lambda: load(ground, world, {customer.id: History(orders=[(date(2026, 3, 3), 900, 0, True)])})


async def catching_up(ground: Ground, world: World) -> Deed:
    await commissions.buy(ground, world)
    return lambda: commissions.running(ground, world)


async def sharing(ground: Ground, world: World) -> Deed:
    return lambda: act(ground, world.shop.guide, mall.share_page, "/new", title="新品")


async def following(ground: Ground, world: World) -> Deed:
    share = await build_share(ground, world.shop.guide, clock.now() - timedelta(days=1))
    return lambda: act(ground, system(world.brand.id), mall.note_open, share.id, clock.now())


async def asking(ground: Ground, world: World) -> Deed:
    due_at = clock.now() + timedelta(hours=9)
    return lambda: act(ground, world.shop.guide, tasks.add, title="陈列", due_at=due_at)


async def snoozing(ground: Ground, world: World) -> Deed:
    task = await build_task(ground, world.shop.guide, due_at=clock.now() + timedelta(hours=9))
    return lambda: act(ground, world.shop.guide, tasks.snooze, task.id, until=clock.now() + timedelta(hours=30))


async def reassigning(ground: Ground, world: World) -> Deed:
    shop = world.shop
    task = await build_task(ground, shop.guide, due_at=clock.now() + timedelta(hours=9))
    to = shop.other_guide.account_ids[0]
    return lambda: act(ground, shop.manager, tasks.reassign, task.id, to_account_id=to)


async def completing(ground: Ground, world: World) -> Deed:
    task = await build_task(ground, world.shop.guide, due_at=clock.now() + timedelta(hours=9))
    return lambda: act(ground, world.shop.guide, tasks.complete, task.id)


async def withdrawing(ground: Ground, world: World) -> Deed:
    due_at = clock.now() + timedelta(hours=9)
    task = await act(ground, world.shop.manager, tasks.add, title="陈列", due_at=due_at)
    return lambda: act(ground, world.shop.manager, tasks.cancel, task.id)


async def meeting(ground: Ground, world: World) -> Deed:
    return lambda: act(ground, world.shop.guide, customers.create, VAULT, name="王芳")


async def carrying_in(ground: Ground, world: World) -> Deed:
    brand_id, guide, at = world.brand.id, world.shop.guide, clock.now() - timedelta(hours=9)
    customer = Customer(brand_id=brand_id, id=ids.new(), member_number="M1", name="王芳", joined_at=at)
    await save(ground, customer)
    key, account_id = ids.new(), guide.account_ids[0]
    relationship = {
        "brand_id": brand_id, "id": key, "customer_id": customer.id, "store_id": guide.store_id,
        "holder_id": account_id, "is_primary": True, "created_at": at, "version": 1,
    }  # fmt: skip
    holding = {
        "brand_id": brand_id, "id": ids.new(), "relationship_id": key, "account_id": account_id,
        "reason": HoldingReason.IMPORTED, "by_actor_id": guide.id, "from_at": at,
    }  # fmt: skip
    return lambda: act(ground, system(brand_id), customers.load, relationships=[relationship], holdings=[holding])


async def losing(ground: Ground, world: World) -> Deed:
    relationship = await relationship_of(ground, await build_customer(ground, world.shop.guide))
    contact = Contact(world.shop.guide.account_ids[0], relationship.id, "wm1", clock.now() - timedelta(hours=9))
    return lambda: act(ground, system(world.brand.id), links.unlink, [contact], GoneWhy.BY_CUSTOMER)


async def hiring(ground: Ground, world: World) -> Deed:
    store_id = world.shop.store.id
    return lambda: act(ground, world.hq, directory.hire, number="G9", name="新人", role=Role.GUIDE, store_id=store_id)


async def moving(ground: Ground, world: World) -> Deed:
    guide, to = world.shop.guide, world.shops[1].store.id
    return lambda: act(ground, world.hq, customers.move_staff, guide.staff_id, role=Role.GUIDE, store_id=to)


async def dismissing(ground: Ground, world: World) -> Deed:
    await build_customer(ground, world.shop.guide)
    return lambda: act(ground, world.hq, customers.close_access, world.shop.guide.staff_id)


async def staying(ground: Ground, world: World) -> Deed:
    await build_customer(ground, world.shop.guide)
    with clock.stopped_at(clock.now() - timedelta(hours=30)):
        await act(ground, world.hq, customers.close_access, world.shop.guide.staff_id)
    return lambda: act(ground, world.hq, directory.reopen_access, world.shop.guide.staff_id)


async def on_leave(ground: Ground, world: World) -> UUID:
    """Leave since a day, for two more."""
    shop, ends_at = world.shop, clock.now() + timedelta(days=2)
    with clock.stopped_at(clock.now() - timedelta(days=1)):
        cover = await act(
            ground, shop.manager, covers.arrange, staff_id=shop.guide.staff_id,
            delegate_id=shop.other_guide.staff_id, ends_at=ends_at,
        )  # fmt: skip
    key: UUID = cover.id
    return key


async def arranging(ground: Ground, world: World) -> Deed:
    shop, ends_at = world.shop, clock.now() + timedelta(days=2)
    return lambda: act(
        ground, shop.manager, covers.arrange, staff_id=shop.guide.staff_id, delegate_id=shop.other_guide.staff_id,
        ends_at=ends_at,
    )  # fmt: skip


async def dating(ground: Ground, world: World) -> Deed:
    cover_id = await on_leave(ground, world)
    ends_at = clock.now() + timedelta(hours=9)
    return lambda: act(ground, world.shop.manager, covers.date, cover_id, ends_at=ends_at)


async def ending(ground: Ground, world: World) -> Deed:
    cover_id = await on_leave(ground, world)
    return lambda: act(ground, world.shop.manager, covers.end, cover_id)


async def answering(ground: Ground, world: World) -> Deed:
    [tag, *_] = await build_tags(ground, world, 3)
    await build_tagged(ground, world.shop, tag, 10)
    await draw(ground, world.shop.manager, method=AuditMethod.BLIND, size=10)
    other = world.shop.other_guide
    async with ground.db.read() as session:
        [question, *_] = await questions.mine(session, other)
    return lambda: act(ground, other, tagging.answer_question, question.id, tag_ids=[tag.id])


async def drawing(ground: Ground, world: World) -> Deed:
    [tag] = await build_tags(ground, world, 1)
    await build_tagged(ground, world.shop, tag, 5)
    return lambda: draw(ground, world.shop.manager)


async def editing(ground: Ground, world: World) -> Deed:
    await place(ground, world)
    hours = [("23:00", "24:00")] * 7
    return lambda: act(ground, world.hq, directory.edit_store, world.shop.store.id, opening_hours=hours)


DEEDS: dict[type, Prepared] = {
    OrderPlaced: buying, OrderChanged: cancelling, RefundRecorded: giving_back, PurchasesLoaded: loading,
    CommissionCaughtUp: catching_up, ShareMade: sharing, ShareOpened: following, TaskAdded: asking,
    TaskSnoozed: snoozing, TaskMoved: reassigning, TaskCompleted: completing, TaskCancelled: withdrawing,
    RelationshipAdded: meeting, RelationshipsLoaded: carrying_in, ContactsLost: losing, StaffHired: hiring,
    StaffMoved: moving, StaffAccessClosed: dismissing, StaffAccessReopened: staying, CoverArranged: arranging,
    CoverDated: dating, CoverEnded: ending, TagQuestionClosed: answering, AuditDrawn: drawing, StoreEdited: editing,
}  # fmt: skip
