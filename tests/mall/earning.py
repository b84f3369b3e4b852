"""Links, guides with names, and what was decided about orders."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select, update
from sqlmodel import col

from directory.models import Account, AccountKind, Assignment, Staff
from kernel import clock, feed, ids
from kernel.actor import Actor, Role
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.commands import Wanted
from mall.models import Credit, CreditDecision, Order, Share, ShareKind, ShareOpen
from tests.factories import NOON, Shop, save

Part = tuple[UUID | None, str, int, int]


async def build_guide(ground: Ground, shop: Shop, name: str, number: str | None = None) -> Actor:
    """One more guide of the shop."""
    brand_id, store_id = shop.store.brand_id, shop.store.id
    person = Staff(
        brand_id=brand_id,
        id=ids.new(),
        number=number or uuid4().hex[:8],
        name=name,
        role=Role.GUIDE,
        store_id=store_id,
        hired_at=NOON,
    )
    account = Account(brand_id=brand_id, id=ids.new(), store_id=store_id, kind=AccountKind.GUIDE, staff_id=person.id)
    work = Assignment(
        brand_id=brand_id, id=ids.new(), staff_id=person.id, role=Role.GUIDE, store_id=store_id, starts_at=NOON
    )
    await save(ground, person, account, work)
    async with ground.db.write() as session:
        await feed.open_feeds(session, brand_id, [feed.of_staff(person.id)])
    return Actor(
        brand_id=brand_id,
        id=person.id,
        role=Role.GUIDE,
        staff_id=person.id,
        store_id=store_id,
        account_ids=(account.id,),
    )


async def build_share(ground: Ground, guide: Actor, made_at: datetime, *opened: datetime) -> Share:
    """A link of the guide's, and when it was opened."""
    assert guide.store_id
    share = Share(
        brand_id=guide.brand_id,
        id=ids.new(),
        code=uuid4().hex[:10],
        store_id=guide.store_id,
        account_id=guide.account_ids[0],
        kind=ShareKind.PAGE,
        title="新品",
        page="/new",
        created_at=made_at,
        expires_at=made_at + timedelta(days=30),
    )
    opens = [ShareOpen(brand_id=share.brand_id, id=ids.new(), share_id=share.id, opened_at=at) for at in opened]
    await save(ground, share, *opens)
    return share


async def leave(ground: Ground, guide: Actor, at: datetime) -> None:
    """The guide's work ended then."""
    async with ground.db.write() as session:
        await session.execute(
            update(Assignment)
            .where(col(Assignment.brand_id) == guide.brand_id, col(Assignment.staff_id) == guide.id)
            .values(ends_at=at)
        )


async def parts(ground: Ground, order: Order) -> list[Part]:
    """Who has the credit: account, reason, points and amount, part by part."""
    return [(row.account_id, row.reason.value, row.points, row.amount) for row in await credits(ground, order)]


async def credits(ground: Ground, order: Order) -> list[Credit]:
    """The rows of the same."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(Credit)
            .where(col(Credit.brand_id) == order.brand_id, col(Credit.order_id) == order.id)
            .order_by(col(Credit.part))
        )
        return list(found)


async def decisions(ground: Ground, order: Order) -> list[CreditDecision]:
    """Every decision about the order, the first one first."""
    async with ground.db.read() as session:
        found = await session.scalars(
            select(CreditDecision)
            .where(col(CreditDecision.brand_id) == order.brand_id, col(CreditDecision.order_id) == order.id)
            .order_by(col(CreditDecision.turn))
        )
        return list(found)


async def whys(ground: Ground, order: Order) -> list[tuple[str, str]]:
    """What the last decision says of each rule."""
    last = (await decisions(ground, order))[-1]
    return [(step["rule"], step["why"]) for step in last.steps]


async def correct(ground: Ground, who: Actor, order: Order, *shares: tuple[Actor | None, int], **given: Any) -> Order:
    """Somebody says otherwise who earned the order."""
    wanted = [Wanted(guide.account_ids[0] if guide else None, points) for guide, points in shares]
    async with unit_of_work(ground, who) as work:
        return await commands.correct_credit(work, order.id, wanted, **{"reason": "同事接待的"} | given)


def days_ago(days: float) -> datetime:
    """That long before now."""
    return clock.now() - timedelta(days=days)
