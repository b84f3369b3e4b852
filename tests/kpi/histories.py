"""What people, tills and machines do in three stores over some days: commands by chance, counted meanwhile."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlmodel import SQLModel, col

from customers import commands as customers
from customers.commands import links
from customers.commands.links import Contact
from customers.models import GoneWhy, Relationship
from directory import commands as directory
from directory.commands import covers
from directory.models import Assignment, Cover, Store
from kernel import clock
from kernel.actor import Actor, Role, system
from kernel.errors import Refusal
from kernel.work import Ground, unit_of_work
from kpi.commands import recounting
from mall import commands as mall
from mall.commands import Line
from mall.models import Channel, LineKind, Order, OrderState, Share
from server import chores
from tasks import commands as tasks
from tasks.models import Outcome, SkipReason, Task, TaskKind
from tests.factories import HOURS, World, build_world
from tests.intake.carrying import VAULT
from tests.mall.earning import correct
from tests.mall.trading import order_news, refund_news, till

WEEK_OF = {
    "Asia/Shanghai": "2026-03-05T04:00+00:00",
    "America/New_York": "2026-03-06T12:00+00:00",
    "Europe/London": "2026-03-26T12:00+00:00",
    "Australia/Lord_Howe": "2026-04-02T12:00+00:00",
    "Pacific/Apia": "2026-12-28T12:00+00:00",
}
"""Zones, and a moment some days before a change of clocks, or of the year."""
WEEKENDS_SHUT = [["09:00", "18:00"]] * 5 + [None] * 2
CITIES = (None, "上海", "上海市", "杭州", "New York")


@dataclass
class Town:
    """A brand in which things happen by chance; the same ones for the same seed."""

    ground: Ground
    world: World
    dice: random.Random
    news: list[Any] = field(default_factory=list)
    refused: int = 0
    done: int = 0

    @property
    def brand_id(self) -> UUID:
        return self.world.brand.id

    async def one(self) -> None:
        """Something happens; what may not be is refused, and changes nothing."""
        deed = self.dice.choice(DEEDS)
        try:
            await deed(self)
            self.done += 1
        except Refusal:
            self.refused += 1

    async def count_some(self) -> None:
        """A worker comes by, and does some of what there is to do."""
        await chores.begin_days(self.ground)
        async with unit_of_work(self.ground, system(self.brand_id)) as work:
            await recounting.follow_marks(work, self.dice.choice((1, 3, 40)))

    async def act(self, actor: Actor, command: Callable[..., Awaitable[Any]], *given: Any, **named: Any) -> Any:
        async with unit_of_work(self.ground, actor) as work:
            return await command(work, *given, **named)

    async def any_of(self, model: type[SQLModel], *which: Any) -> Any:
        """One of the rows there are; none if there is none."""
        table: Any = model
        key = col(table.id) if "id" in model.model_fields else col(table.starts_at)
        statement = select(model).where(col(table.brand_id) == self.brand_id, *which).order_by(key)
        async with self.ground.db.read() as session:
            found = (await session.scalars(statement)).all()
        return self.dice.choice(found) if found else None

    def ago(self) -> datetime:
        """Mostly lately, now and then weeks ago; often close to some midnight."""
        minutes = self.dice.choice((self.dice.randrange(60), self.dice.randrange(4_000), self.dice.randrange(30_000)))
        moment = clock.now() - timedelta(minutes=minutes)
        return moment.replace(minute=self.dice.choice((0, 1, 29, 30, 59)), second=self.dice.choice((0, 59))) - HOUR

    def guide(self) -> Actor:
        return self.dice.choice(self.dice.choice(self.world.shops).guides)

    def shop_of(self, store_id: UUID) -> Any:
        return next(shop for shop in self.world.shops if shop.store.id == store_id)


HOUR = timedelta(hours=1)


async def build_town(ground: Ground, seed: int) -> Town:
    """Three stores with clocks, hours and cities of their own, around a change; the clock has to stand there."""
    dice = random.Random(seed)
    world = await build_world(ground, f"town-{seed}")
    async with ground.db.write() as session:
        for shop, zone in zip(world.shops, dice.sample(list(WEEK_OF), 3), strict=True):
            store = await session.get_one(Store, (world.brand.id, shop.store.id))
            store.time_zone, store.city = zone, dice.choice(CITIES)
            store.opening_hours = dice.choice((HOURS, WEEKENDS_SHUT, [["00:00", "24:00"]] * 7, [None] * 7))
        began = update(Assignment).where(col(Assignment.brand_id) == world.brand.id)
        await session.execute(began.values(starts_at=clock.now() - timedelta(days=2)))
    town = Town(ground, world, dice)
    for shop in world.shops:
        for guide in shop.guides:
            await town.act(guide, customers.create, VAULT, name="王芳")
    return town


async def buy(town: Town) -> None:
    dice, placed_at = town.dice, town.ago()
    held = await town.any_of(Relationship)
    amount = dice.randrange(1, 90_000)
    lines = [Line("P1", "羊绒衫", dice.randrange(1, 5), amount), Line("YF", "运费", 1, 0, LineKind.SERVICE)]
    link = await town.any_of(Share) if dice.random() < 0.4 else None
    news = order_news(
        town.world,
        amount=amount,
        lines=lines,
        placed_at=placed_at,
        customer_id=held.customer_id if dice.random() < 0.7 else None,
        store_id=dice.choice(town.world.shops).store.id,
        state=dice.choice((OrderState.PENDING, OrderState.PAID, OrderState.PAID, OrderState.COMPLETED)),
        channel=dice.choice(list(Channel)),
        source=dice.choice(("pos", "mall")),
        city=dice.choice(CITIES),
        share_code=link.code if link else None,
    )
    await say(town, news)


async def say(town: Town, news: Any) -> None:
    """Tell of an order, paid at once or some time after it was placed."""
    paid_at = min(news.placed_at + timedelta(minutes=town.dice.choice((0, 0, 20, 700))), clock.now())
    if news.state is not OrderState.PENDING:
        news = _with(news, paid_at=paid_at)
    await town.act(till(town.world), mall.record_order, news)
    town.news.append(news)


async def hear_more(town: Town) -> None:
    """A source says something else of an order: the state, what it comes to, when it was placed."""
    if not town.news:
        return
    dice, known = town.dice, town.dice.choice(town.news)
    news = _with(known, state=dice.choice(list(OrderState)), news_at=clock.now(), paid_at=None)
    if dice.random() < 0.3:
        news = _with(news, amount=known.amount + 100, lines=[Line("P1", "羊绒衫", 1, known.amount + 100)])
    await say(town, news)


async def hear_again(town: Town) -> None:
    """What was told is told once more."""
    if town.news:
        await town.act(till(town.world), mall.record_order, town.dice.choice(town.news))


async def give_back(town: Town) -> None:
    order = await town.any_of(Order) if town.dice.random() < 0.7 else None
    amount = town.dice.randrange(1, (order.amount if order else 500) + 1)
    store = None if order else town.dice.choice(town.world.shops).store.id
    news = refund_news(town.world, order and order.id, amount, placed_at=town.ago(), store_id=store)
    await town.act(till(town.world), mall.record_refund, news)


async def correct_some(town: Town) -> None:
    order = await town.any_of(Order)
    if order:
        shop = town.shop_of(order.store_id)
        points = town.dice.choice((0, 3_333, 5_000))
        parts = [(shop.other_guide, points), (town.dice.choice((shop.guide, None)), 10_000 - points)]
        await correct(town.ground, shop.manager, order, *(part for part in parts if part[1]))


async def change_order(town: Town) -> None:
    order = await town.any_of(Order)
    if order:
        command = town.dice.choice((mall.answer_order, mall.cancel_order, mall.complete_order, mall.answer_order))
        await town.act(town.shop_of(order.store_id).manager, command, order.id)


async def share(town: Town) -> None:
    shop = town.dice.choice(town.world.shops)
    await town.act(town.dice.choice((*shop.guides, shop.manager)), mall.share_page, "/new", title="新品")


async def follow_link(town: Town) -> None:
    link = await town.any_of(Share)
    if link:
        await town.act(system(town.brand_id), mall.note_open, link.id, clock.now())


async def add_task(town: Town) -> None:
    held = await town.any_of(Relationship)
    shop = town.shop_of(held.store_id)
    due_at = clock.now() + timedelta(minutes=town.dice.choice((30, 300, 2_000, 9_000)))
    kind = town.dice.choice((TaskKind.REVISIT, TaskKind.TODO))
    who = {"relationship_id": held.id} if kind is TaskKind.REVISIT else {}
    await town.act(shop.manager, tasks.add, title="回访", kind=kind, due_at=due_at, **who)


async def change_task(town: Town) -> None:
    task = await town.any_of(Task)
    if task is None:
        return
    dice, shop = town.dice, town.shop_of(task.store_id)
    later = clock.now() + timedelta(minutes=dice.choice((90, 700, 3_000)))
    outcome = dice.choice(list(Outcome)) if task.kind is TaskKind.REVISIT else None
    act: Any = dice.choice(
        (
            (tasks.complete, {"outcome": outcome}),
            (tasks.complete, {"outcome": outcome}),
            (tasks.skip, {"reason": SkipReason.BAD_TIME}),
            (tasks.snooze, {"until": later}),
            (tasks.snooze, {"until": later}),
            (tasks.cancel, {}),
            (tasks.reassign, {"to_account_id": dice.choice(shop.guides).account_ids[0]}),
        )
    )
    await town.act(shop.manager, act[0], task.id, **act[1])


async def meet(town: Town) -> None:
    await town.act(town.guide(), customers.create, VAULT, name="李雷")


async def give_customer(town: Town) -> None:
    held = await town.any_of(Relationship)
    shop = town.shop_of(held.store_id)
    to = town.dice.choice(shop.guides).account_ids[0]
    await town.act(shop.manager, customers.reassign, held.id, to_account_id=to)


async def be_lost(town: Town) -> None:
    held = await town.any_of(Relationship)
    contact = Contact(held.holder_id, held.id, held.id.hex, town.ago())
    why = town.dice.choice((GoneWhy.BY_CUSTOMER, GoneWhy.BY_CUSTOMER, GoneWhy.BY_STAFF))
    act = (links.unlink, [contact], why) if town.dice.random() < 0.7 else (links.link, [contact])
    await town.act(system(town.brand_id), *act)


async def move_somebody(town: Town) -> None:
    person, hq = town.guide(), town.world.hq
    act = town.dice.choice((customers.close_access, directory.reopen_access, None))
    if act is not None:
        await town.act(hq, act, person.staff_id)
        return
    store = town.dice.choice(town.world.shops).store.id
    await town.act(hq, customers.move_staff, person.staff_id, role=Role.GUIDE, store_id=store)


async def hire(town: Town) -> None:
    store = town.dice.choice(town.world.shops).store.id
    await town.act(town.world.hq, directory.hire, number=uuid4().hex[:8], name="新人", role=Role.GUIDE, store_id=store)


async def go_on_leave(town: Town) -> None:
    dice, shop = town.dice, town.dice.choice(town.world.shops)
    starts_at = clock.now() + timedelta(minutes=dice.choice((0, 600, 3_000)))
    ends_at = starts_at + timedelta(minutes=dice.choice((300, 2_000, 5_000)))
    await town.act(
        shop.manager,
        covers.arrange,
        staff_id=shop.guide.staff_id,
        delegate_id=dice.choice((shop.manager, shop.other_guide)).staff_id,
        starts_at=starts_at,
        ends_at=ends_at,
    )


async def come_back(town: Town) -> None:
    cover = await town.any_of(Cover)
    if cover:
        manager = town.shop_of(cover.store_id).manager
        if town.dice.random() < 0.5:
            await town.act(manager, covers.end, cover.id)
        else:
            await town.act(manager, covers.date, cover.id, ends_at=clock.now() + timedelta(hours=30))


async def change_store(town: Town) -> None:
    hours = town.dice.choice(([("10:00", "22:00")] * 7, [("00:00", "24:00")] * 7, [None] * 7))
    changes = {"opening_hours": hours, "city": town.dice.choice(CITIES)}
    name = town.dice.choice(list(changes))
    changed: Any = {name: changes[name]}
    await town.act(town.world.hq, directory.edit_store, town.dice.choice(town.world.shops).store.id, **changed)


def _with(news: Any, **values: Any) -> Any:
    return type(news)(**{name: getattr(news, name) for name in news.__slots__} | values)


DEEDS: tuple[Callable[[Town], Awaitable[None]], ...] = (
    *(buy,) * 5, *(hear_more,) * 3, hear_again, *(give_back,) * 3, *(correct_some,) * 2, *(change_order,) * 2, share,
    follow_link, *(add_task,) * 3, *(change_task,) * 3, meet, give_customer, *(be_lost,) * 2, move_somebody, hire,
    go_on_leave, come_back, change_store,
)  # fmt: skip
