"""How many customers a brand loses with guides who leave, measured on what handovers moved."""

from datetime import timedelta

import pytest

from handover.models import Handover, HandoverItem, HandoverKind, HandoverState, HeldHere, Strategy
from kernel import ids
from kernel.work import Ground
from kpi.queries.customer_views import loss
from kpi.queries.customer_views.loss import LossRate, loss_rate, rate_of
from tests.factories import NOON, World, build_customer, build_world, relationship_of, save
from tests.mall.trading import place

MOVED = 300  # days ago


async def left(
    ground: Ground,
    world: World,
    *bought: int,
    kind: HandoverKind = HandoverKind.RESIGNATION,
    here: HeldHere = HeldHere.MOVED,
    moved: int = MOVED,
) -> None:
    """A customer who moved so many days ago with a handover, and bought so many days behind (or before) that."""
    customer = await build_customer(ground, world.shop.other_guide)
    moment = NOON - timedelta(days=moved)
    for days in bought:
        await place(ground, world, customer, placed_at=moment + timedelta(days=days))
    handover = Handover(
        brand_id=world.brand.id,
        id=ids.new(),
        kind=kind,
        state=HandoverState.DONE,
        staff_id=world.shop.guide.staff_id,
        strategy=Strategy.BALANCED,
        started_at=moment,
    )
    item = HandoverItem(
        brand_id=world.brand.id,
        handover_id=handover.id,
        relationship_id=(await relationship_of(ground, customer)).id,
        from_account_id=world.shop.guide.account_ids[0],
        here=here,
        moved_at=moment,
    )
    await save(ground, handover, item)


async def measured(ground: Ground, world: World) -> LossRate:
    async with ground.db.read() as session:
        return await loss_rate(session, world.brand.id, NOON)


async def test_lost_is_who_bought_in_the_year_before_and_not_in_the_half_year_after(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loss, "LEAST_CUSTOMERS", 4)
    world = await build_world(ground)
    await left(ground, world, -364, 179)  # stayed
    await left(ground, world, -1, 1)  # stayed
    await left(ground, world, -10)  # lost
    await left(ground, world, -10, 181)  # lost: back too late
    await left(ground, world, -366)  # had gone before
    await left(ground, world, 1)  # came after
    await left(ground, world, -10, moved=170)  # too recent to say
    await left(ground, world, -10, moved=911)  # too long ago
    await left(ground, world, -10, kind=HandoverKind.TRANSFER)
    await left(ground, world, -10, here=HeldHere.UNDONE)

    found = await measured(ground, world)

    assert (found.rate, found.customers, found.is_measured) == (0.5, 4, True)
    assert found.low < 0.5 < found.high


async def test_another_brands_customers_never_count(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loss, "LEAST_CUSTOMERS", 1)
    ours, theirs = await build_world(ground, "ours"), await build_world(ground, "theirs")
    await left(ground, ours, -10)
    await left(ground, theirs, -10, 10)

    assert (await measured(ground, ours)).rate == 1.0
    assert (await measured(ground, theirs)).rate == 0.0


def test_the_rate_is_measured_from_fifty_customers_on() -> None:
    few, enough = rate_of(49, 49), rate_of(100, 20)

    assert (round(few.rate, 6), few.low, few.high, few.is_measured) == (0.154, 0.132, 0.176, False)
    # Wilson's interval of 20 in 100, as textbooks give it.
    assert (enough.rate, enough.is_measured) == (0.2, True)
    assert (round(enough.low, 4), round(enough.high, 4)) == (0.1334, 0.2888)
