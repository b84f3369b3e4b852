"""What may happen to a brand at any moment, by chance; much of it is refused, as in life."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, select
from sqlmodel import SQLModel, col

from customers import commands as customers
from customers.models import Customer, Note, Relationship
from directory import commands as directory
from directory.commands import covers
from directory.models import Account, Cover, Staff
from handover import commands as handover
from kernel import clock, compaction
from kernel.actor import Actor, Role, system
from kernel.jobs import Job
from kernel.work import Work, carry_out
from mall import commands as mall
from mall.commands import Line, OrderNews, RefundNews
from mall.models import Channel, Order, OrderState
from server import chores
from server.wiring import handlers
from tagging import commands as tagging
from tagging.models import Tag, TagGroup
from tasks import commands as tasks
from tasks.commands import tending
from tasks.models import SkipReason, Task, TaskState
from tasks.queries import tasks as queries
from tests.asking import VAULT
from tests.scenarios import deeds
from tests.scenarios.stage import Stage
from tests.scenarios.writing import machine

Act = Callable[[Work], Awaitable[Any]]


@dataclass
class Scene:
    """Where it happens, and the dice."""

    stage: Stage
    dice: random.Random
    last: dict[type[SQLModel], UUID] = field(default_factory=dict)

    async def some(self, model: type[SQLModel], *which: ColumnElement[bool]) -> Any:
        """One of the brand's rows, if there is one; often the same again: what goes wrong, goes wrong in a row."""
        table: Any = model
        async with self.stage.ground.db.read() as session:
            found = await session.scalars(
                select(model).where(col(table.brand_id) == self.stage.world.brand.id, *which).order_by(col(table.id))
            )
            rows: Sequence[Any] = found.all()
        if not rows:
            return None
        again = [row for row in rows if row.id == self.last.get(model)]
        chosen = again[0] if again and self.dice.random() < 0.5 else self.dice.choice(rows)
        self.last[model] = chosen.id
        return chosen

    async def manager_of(self, store_id: UUID) -> Actor:
        """Who manages a store now; headquarters if nobody does, which will be refused this and that."""
        for actor in (await self.stage.actors()).values():
            if actor.role is Role.STORE_MANAGER and actor.store_id == store_id:
                return actor
        return self.stage.world.hq

    async def somebody(self, *roles: Role) -> Actor:
        """Somebody at work in one of these roles."""
        at_work = [actor for actor in (await self.stage.actors()).values() if actor.role in roles]
        return self.dice.choice(at_work or [self.stage.world.hq])

    async def do(self, actor: Actor, act: Act) -> Any:
        return await carry_out(self.stage.ground, actor, act)

    def words(self) -> str:
        return self.dice.choice("春夏秋冬东西南北") + str(self.dice.randrange(1000))


async def create(scene: Scene) -> None:
    actor = await scene.somebody(Role.GUIDE, Role.STORE_MANAGER)
    await scene.do(actor, lambda work: customers.create(work, VAULT, name=scene.words()))


async def claim(scene: Scene) -> None:
    known = await scene.some(Customer)
    actor = await scene.somebody(Role.GUIDE, Role.STORE_MANAGER)
    if known:
        await scene.do(actor, lambda work: customers.claim(work, VAULT, member_number=known.member_number))


async def edit_customer(scene: Scene) -> None:
    known = await scene.some(Customer)
    if known:
        await scene.do(scene.stage.world.hq, lambda work: customers.edit(work, known.id, name=scene.words()))


async def describe(scene: Scene) -> None:
    """A remark, a note, a corrected note or a visit."""
    held = await scene.some(Relationship)
    if held is None:
        return
    actor, kind = await scene.manager_of(held.store_id), scene.dice.randrange(4)
    if kind == 0:
        await scene.do(actor, lambda work: customers.edit_remark(work, held.customer_id, remark=scene.words()))
    elif kind == 1:
        await scene.do(actor, lambda work: customers.add_note(work, held.customer_id, body=scene.words()))
    elif kind == 2:
        note = await scene.some(Note, col(Note.by_staff_id) == actor.id)
        if note:
            await scene.do(actor, lambda work: customers.edit_note(work, note.id, body=scene.words()))
    else:
        at = clock.now() - timedelta(hours=scene.dice.randrange(100))
        await scene.do(actor, lambda work: customers.note_visit(work, held.customer_id, at=at))


async def rank(scene: Scene) -> None:
    held = await scene.some(Relationship)
    if held:
        await scene.do(scene.stage.world.hq, lambda work: customers.set_primary(work, held.id))


async def hand_over(scene: Scene) -> None:
    held = await scene.some(Relationship)
    if held:
        taker = await scene.some(Account, col(Account.store_id) == held.store_id)
        await scene.do(scene.stage.world.hq, lambda work: handover.reassign(work, held.id, to_account_id=taker.id))


async def keep_library(scene: Scene) -> None:
    """A new group, a new tag, another name, another order, or one tag less."""
    hq, kind = scene.stage.world.hq, scene.dice.randrange(5)
    group, tag = await scene.some(TagGroup), await scene.some(Tag, col(Tag.retired_at).is_(None))
    if group is None or kind == 0:
        await scene.do(hq, lambda work: tagging.add_group(work, name=scene.words()))
    elif tag is None or kind == 1:
        await scene.do(hq, lambda work: tagging.add_tag(work, name=scene.words(), group_id=group.id))
    elif kind == 2:
        await scene.do(hq, lambda work: tagging.edit_tag(work, tag.id, name=scene.words()))
    elif kind == 3:
        await scene.do(hq, lambda work: tagging.retire_tag(work, tag.id))
    else:
        actor = await scene.somebody(Role.GUIDE, Role.STORE_MANAGER)
        await scene.do(actor, lambda work: tagging.add_tag(work, name=scene.words()))


async def tag(scene: Scene) -> None:
    """Headquarters, or whoever owns the tag, puts it on a customer or takes it off."""
    chosen, known = await scene.some(Tag), await scene.some(Customer)
    if chosen and known:
        owners = [actor for actor in (await scene.stage.actors()).values() if actor.id == chosen.owner_id]
        change = scene.dice.choice([tagging.add_tags, tagging.add_tags, tagging.remove_tags])
        actor = (owners or [scene.stage.world.hq])[0]
        await scene.do(actor, lambda work: change(work, [known.id], [chosen.id]))


async def give_task(scene: Scene) -> None:
    due_at = clock.now() + timedelta(hours=scene.dice.randrange(100))
    known, account = await scene.some(Customer), await scene.some(Account)
    whom: dict[str, Any] = {"account_id": account.id}
    if known and scene.dice.random() < 0.8:
        whom = {"customer_id": known.id}
    if scene.dice.random() < 0.5:
        whom["expires_at"] = due_at + timedelta(days=1)
    await scene.do(scene.stage.world.hq, lambda work: tasks.add(work, title=scene.words(), due_at=due_at, **whom))


async def see_to_task(scene: Scene) -> None:
    task = await scene.some(Task, col(Task.state) == TaskState.PENDING)
    if task is None:
        return
    actor, later = await scene.manager_of(task.store_id), clock.now() + timedelta(days=2)
    match scene.dice.randrange(5):
        case 0:
            await scene.do(actor, lambda work: tasks.complete(work, task.id))
        case 1:
            await scene.do(actor, lambda work: tasks.snooze(work, task.id, until=later))
        case 2:
            await scene.do(actor, lambda work: tasks.skip(work, task.id, reason=SkipReason.BAD_TIME))
        case 3:
            taker = await scene.some(Account, col(Account.store_id) == task.store_id)
            await scene.do(actor, lambda work: tasks.reassign(work, task.id, to_account_id=taker.id))
        case _:
            await scene.do(actor, lambda work: tasks.cancel(work, task.id))


async def open_tasks(scene: Scene) -> None:
    """Somebody opens some of their tasks, or puts them all off."""
    person = await scene.somebody(Role.GUIDE, Role.STORE_MANAGER)
    async with scene.stage.ground.db.read() as session:
        found = (await queries.most_pressing(session, person, 3)) if person.account_ids else ()
    chosen = [row.id for row in found]
    if chosen and scene.dice.random() < 0.6:
        await scene.do(person, lambda work: tasks.mark_seen(work, chosen))
    elif chosen:
        until = clock.now() + timedelta(days=1)
        await scene.do(person, lambda work: tasks.snooze_many(work, chosen, until=until))


async def let_days_pass(scene: Scene) -> None:
    """What is overdue some days from now comes before the manager of one of the stores; what ends by then is over."""
    store_id, later = scene.dice.choice(scene.stage.world.shops).store.id, timedelta(days=scene.dice.randrange(9))
    with clock.stopped_at(clock.now() + later):
        await scene.do(system(scene.stage.world.brand.id), lambda work: tending.tend_store(work, store_id))


async def order(scene: Scene) -> None:
    """Of somebody whom the store may not know, or of a guest."""
    known = await scene.some(Customer) if scene.dice.random() < 0.9 else None
    shop = scene.dice.choice(scene.stage.world.shops[:2])
    news = OrderNews(
        source="mall",
        number=uuid4().hex,
        placed_at=clock.now() - timedelta(hours=scene.dice.randrange(100)),
        amount=1_000,
        currency="CNY",
        lines=[Line("P1", "羊绒衫", 1, 1_000)],
        channel=scene.dice.choice([Channel.MINI_MALL, Channel.POS]),
        store_id=shop.store.id,
        customer_id=known.id if known else None,
    )
    await scene.do(machine(scene.stage.world), lambda work: mall.record_order(work, news))


async def see_to_order(scene: Scene) -> None:
    sold = await scene.some(Order, col(Order.state).in_([OrderState.PAID, OrderState.SHIPPED]))
    if sold:
        change = scene.dice.choice([mall.ship_order, mall.complete_order, mall.cancel_order])
        await scene.do(machine(scene.stage.world), lambda work: change(work, sold.id))


async def give_back(scene: Scene) -> None:
    sold = await scene.some(Order)
    if sold is None:
        return
    place: dict[str, Any] = {"order_id": sold.id}
    if scene.dice.random() < 0.3:
        place = {"store_id": sold.store_id, "customer_id": sold.customer_id}
    news = RefundNews(
        source="mall", number=uuid4().hex, placed_at=clock.now(), amount=100, currency="CNY", lines=(), **place
    )
    await scene.do(machine(scene.stage.world), lambda work: mall.record_refund(work, news))


async def follow_up(scene: Scene) -> None:
    job = await scene.some(Job)
    if job:
        actor = system(job.brand_id)
        await scene.do(actor, lambda work: handlers(VAULT)[job.name](work, **job.args))


async def close_or_reopen(scene: Scene) -> None:
    person = await scene.some(Staff, col(Staff.role) != Role.HQ)
    act = customers.close_access if person.access_closed_at is None else directory.reopen_access
    await scene.do(scene.stage.world.hq, lambda work: act(work, person.id))


async def reopen(scene: Scene) -> None:
    person = await scene.some(Staff, col(Staff.access_closed_at).is_not(None))
    if person:
        await scene.do(scene.stage.world.hq, lambda work: directory.reopen_access(work, person.id))


async def move_staff(scene: Scene) -> None:
    """To the other store mostly, and to another role sometimes; whoever holds somebody stays."""
    person = await scene.some(Staff, col(Staff.role) != Role.HQ)
    role = scene.dice.choice([Role.GUIDE, Role.GUIDE, Role.STORE_MANAGER, Role.REGIONAL_MANAGER])
    place: dict[str, Any] = {"store_id": scene.dice.choice(scene.stage.world.shops[:2]).store.id}
    if role is Role.REGIONAL_MANAGER:
        place = {"region_id": scene.stage.world.regions["east"].id}
    await scene.do(scene.stage.world.hq, lambda work: customers.move_staff(work, person.id, role=role, **place))


async def cover(scene: Scene) -> None:
    """One guide covers for another from now on or soon, for hours or for a moment; or a cover has another end."""
    hq, kind, at = scene.stage.world.hq, scene.dice.randrange(5), clock.now()
    absent, arranged = await scene.some(Staff, col(Staff.role) == Role.GUIDE), await scene.some(Cover)
    if kind == 0 and arranged:
        await scene.do(hq, lambda work: covers.end(work, arranged.id))
    elif kind == 1 and arranged:
        await scene.do(hq, lambda work: covers.date(work, arranged.id, ends_at=at + timedelta(seconds=0.1)))
    elif kind == 2:
        await chores.mind_covers(scene.stage.ground)
    else:
        delegate = await scene.some(Staff, col(Staff.store_id) == absent.store_id, col(Staff.id) != absent.id)
        if delegate:
            both: dict[str, Any] = {"staff_id": absent.id, "delegate_id": delegate.id}
            dates: dict[str, Any] = {"starts_at": at + timedelta(seconds=scene.dice.choice([0, 0, 0.05]))}
            dates["ends_at"] = at + timedelta(seconds=scene.dice.choice([0.2, 2, 3600, 3600]))
            await scene.do(hq, lambda work: covers.arrange(work, **both, **dates))


async def rename(scene: Scene) -> None:
    person, shop = await scene.some(Staff), scene.dice.choice(scene.stage.world.shops[:2])
    if scene.dice.random() < 0.5:
        await scene.do(scene.stage.world.hq, lambda work: directory.rename(work, person.id, name=scene.words()))
    else:
        await scene.do(scene.stage.world.hq, lambda work: directory.edit_store(work, shop.store.id, name=scene.words()))


async def compact(scene: Scene) -> None:
    """Shorten some of the feeds."""
    for feed_id in scene.dice.sample(await deeds.feeds(scene.stage), 8):
        await compaction.compact(scene.stage.ground.db, scene.stage.world.brand.id, feed_id)


async def start_over(scene: Scene) -> None:
    """As after a backup was put back; seldom, because it makes up for whatever was missed."""
    if scene.dice.random() < 0.3:
        await deeds.start_over(scene.stage)


Chance = Callable[[Scene], Awaitable[None]]

# How often, of a hundred or so.
CHANCES: dict[Chance, int] = {
    create: 7,
    claim: 5,
    edit_customer: 4,
    describe: 12,
    rank: 2,
    hand_over: 20,
    keep_library: 5,
    tag: 6,
    give_task: 8,
    see_to_task: 6,
    open_tasks: 4,
    let_days_pass: 2,
    order: 9,
    see_to_order: 5,
    give_back: 5,
    follow_up: 2,
    close_or_reopen: 2,
    reopen: 3,
    move_staff: 4,
    cover: 10,
    rename: 2,
    compact: 20,
    start_over: 1,
}
