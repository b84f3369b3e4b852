"""Commission plans that pay, and what the ledger says."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from kernel import ids
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import Line, OrderNews, commission
from mall.models import CommissionEntry, CommissionPlan, CommissionRole, LineKind, Order, Product
from mall.models.commissioning import Rate
from server.worker import Worker
from tests.factories import World, build_customer, save
from tests.mall.trading import place, till

NOON = datetime(2026, 4, 10, 4, 0, tzinfo=UTC)  # twelve o'clock in Shanghai
NEXT_MONTH = datetime(2026, 5, 3, 4, 0, tzinfo=UTC)
APRIL, MAY, JUNE = date(2026, 4, 1), date(2026, 5, 1), date(2026, 6, 1)

GUIDE, MANAGER = CommissionRole.GUIDE, CommissionRole.STORE_MANAGER
RATES = (Rate(GUIDE, None, 500), Rate(GUIDE, "鞋履", 800), Rate(MANAGER, None, 100))

SHOES, SHIRT = Line("S1", "短靴", 1, 30_000), Line("P1", "衬衫", 1, 10_000)
DISCOUNT = Line("DC", "满减", 1, -4_000, LineKind.SERVICE)
POSTAGE = Line("YF", "运费", 1, 1_000, LineKind.SERVICE)
LINES = [SHOES, SHIRT, DISCOUNT, POSTAGE]
WHOLE: dict[str, Any] = {"amount": 37_000, "lines": LINES}


async def draft(
    ground: Ground,
    world: World,
    rates: Sequence[Rate] = RATES,
    from_day: date = date(2026, 3, 1),
    until_day: date | None = None,
) -> CommissionPlan:
    async with unit_of_work(ground, world.hq) as work:
        return await commission.save_plan(work, commission.Said("春季佣金", from_day, until_day, rates))


async def running(
    ground: Ground,
    world: World,
    rates: Sequence[Rate] = RATES,
    from_day: date = date(2026, 3, 1),
    until_day: date | None = None,
) -> CommissionPlan:
    """A plan that pays, and has been paid by for what was there."""
    plan = await draft(ground, world, rates, from_day, until_day)
    async with unit_of_work(ground, world.hq) as work:
        await commission.start_plan(work, plan.id)
    await work_off(ground)
    return plan


async def close(ground: Ground, world: World, day: date) -> UUID:
    """A period closed, and its statements frozen."""
    async with unit_of_work(ground, world.hq) as work:
        period = await commission.close_period(work, day)
    await work_off(ground)
    return period.id


async def work_off(ground: Ground) -> None:
    """Whatever jobs are due."""
    while await Worker(ground).sweep_once():
        pass


async def product(ground: Ground, world: World, code: str, category: str | None) -> Product:
    made = Product(brand_id=world.brand.id, id=ids.new(), code=code, name=code, category=category, price=100)
    await save(ground, made)
    return made


async def ledger(ground: Ground, brand_id: UUID) -> Sequence[CommissionEntry]:
    """All entries in their order."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(CommissionEntry).where(col(CommissionEntry.brand_id) == brand_id).order_by(col(CommissionEntry.id))
        )
        return found.all()


async def said(ground: Ground, world: World) -> list[tuple[str, str | None, int, int, str, date]]:
    """What the ledger says: role, category, basis, amount, reason, period."""
    return [
        (each.role.value, each.category, each.basis, each.amount, each.reason.value, each.period)
        for each in await ledger(ground, world.brand.id)
    ]


async def earned(ground: Ground, world: World) -> dict[UUID, int]:
    """What everybody has earned so far, in all."""
    sums: dict[UUID, int] = {}
    for each in await ledger(ground, world.brand.id):
        sums[each.staff_id] = sums.get(each.staff_id, 0) + each.amount
    return sums


async def buy(ground: Ground, world: World, **values: Any) -> Order:
    """An order of the first guide's customer: boots and a shirt, less a discount, with postage."""
    return await place(ground, world, await build_customer(ground, world.shop.guide), **(WHOLE | values))


async def hear(ground: Ground, world: World, news: OrderNews) -> Order:
    """An order as a mall would report it."""
    async with unit_of_work(ground, till(world)) as work:
        return await commands.record_order(work, news)


def plain(news: OrderNews) -> dict[str, Any]:
    """What news say, to be said differently."""
    return {name: getattr(news, name) for name in news.__slots__}
