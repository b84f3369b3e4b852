"""Whatever was bought, given back and cancelled: profiles say what plain Python says of the same history."""

import random
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select
from sqlmodel import col

from kernel.actor import system
from kernel.work import Ground, unit_of_work
from mall.commands import profiles
from mall.models import DUE, PurchaseProfile
from tests.factories import World, build_world
from tests.mall.purchases import load, made_up, people, truth

CUSTOMERS = 150
DAYS = (date(2026, 11, 22), date(2024, 2, 29), date(2025, 2, 28))


async def kept(ground: Ground, world: World) -> dict[UUID, Any]:
    async with ground.db.read() as session:
        found = await session.scalars(select(PurchaseProfile).where(col(PurchaseProfile.brand_id) == world.brand.id))
        return {row.customer_id: row for row in found}


@pytest.mark.parametrize("today", DAYS, ids=str)
async def test_profiles_are_what_the_history_amounts_to(ground: Ground, today: date) -> None:
    world = await build_world(ground)
    dice = random.Random(f"{today}")
    histories = {key: made_up(dice, today) for key in await people(ground, world, CUSTOMERS)}

    await load(ground, world, histories)

    marked = await kept(ground, world)
    assert set(marked) == {key for key, history in histories.items() if history.orders or history.refunds}
    assert {row.counted_from for row in marked.values()} == {DUE}
    async with unit_of_work(ground, system(world.brand.id)) as work:
        assert await profiles.refresh_due(work, today) == len(marked)
    rows = await kept(ground, world)
    for key, row in rows.items():
        expected = truth(histories[key], today)
        assert {name: getattr(row, name) for name in expected} == expected
    assert {row.as_of for row in rows.values()} == {today}
    async with unit_of_work(ground, system(world.brand.id)) as work:
        assert await profiles.refresh_due(work, today) == 0


@pytest.mark.parametrize("today", DAYS[:1], ids=str)
async def test_profiles_built_at_once_are_the_same(ground: Ground, today: date) -> None:
    world = await build_world(ground)
    dice = random.Random(1)
    histories = {key: made_up(dice, today) for key in await people(ground, world, CUSTOMERS)}
    await load(ground, world, histories)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await profiles.refresh_due(work, today)
    refreshed = await kept(ground, world)
    async with ground.db.write() as session:
        for row in refreshed.values():
            await session.delete(row)

    async with unit_of_work(ground, system(world.brand.id)) as work:
        await profiles.build(work, list(histories), today)

    built = await kept(ground, world)
    assert built == {key: row for key, row in refreshed.items() if row.orders or row.refunds}
