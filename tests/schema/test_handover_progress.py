"""Whoever watches a handover is told how far it has come, until it is over."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from handover.models import (
    Handover,
    HandoverAccount,
    HandoverItem,
    HandoverKind,
    HandoverState,
    HeldHere,
    Strategy,
)
from kernel import clock, ids
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.work import Ground
from schema.handover import following
from schema.root import schema
from tests.asking import context
from tests.factories import World, build_customer, build_world, relationship_of, save

WATCH = "subscription ($id: ID!) { handoverProgress(id: $id) { state version progress { total pending moved } } }"


async def _handover(ground: Ground, world: World) -> Handover:
    leaver, at = world.shop.guide, clock.now()
    handover = Handover(
        brand_id=world.brand.id,
        id=ids.new(),
        kind=HandoverKind.RESIGNATION,
        state=HandoverState.MOVING,
        staff_id=leaver.id,
        store_id=world.shop.store.id,
        strategy=Strategy.BALANCED,
        started_at=at,
        undo_until=at + timedelta(days=3),
    )
    [account_id] = leaver.account_ids
    account = HandoverAccount(
        brand_id=world.brand.id, handover_id=handover.id, account_id=account_id, store_id=world.shop.store.id
    )
    items = [
        HandoverItem(
            brand_id=world.brand.id,
            handover_id=handover.id,
            relationship_id=(await relationship_of(ground, await build_customer(ground, leaver))).id,
            from_account_id=account_id,
        )
        for _ in range(2)
    ]
    await save(ground, handover, account, *items)
    return handover


async def _watch(ground: Ground, actor: Actor, handover: Handover) -> Any:
    return await schema.subscribe(WATCH, {"id": str(handover.id)}, context(ground, actor))


async def test_progress_is_told_at_once_and_when_there_is_some_and_ends_with_the_handover(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "LOOKS_EVERY", 0.02)
    world = await build_world(ground)
    handover = await _handover(ground, world)
    here = col(HandoverItem.handover_id) == handover.id
    told = []

    async with aclosing(await _watch(ground, world.shop.manager, handover)) as stream, asyncio.timeout(10):
        async for event in stream:
            assert event.errors is None, event.errors
            told.append(event.data["handoverProgress"])
            async with ground.db.write() as session:
                if len(told) == 1:
                    await session.execute(update(HandoverItem).where(here).values(here=HeldHere.MOVED))
                else:
                    await session.execute(
                        update(Handover)
                        .where(col(Handover.id) == handover.id)
                        .values(state=HandoverState.DONE, version=2)
                    )

    assert [each["state"] for each in told] == ["MOVING", "MOVING", "DONE"]
    assert [each["progress"]["moved"] for each in told] == [0, 2, 2]
    assert told[0]["progress"] == {"total": 2, "pending": 2, "moved": 0}


async def test_who_may_not_see_a_handover_is_told_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    handover = await _handover(ground, world)

    for actor in (world.shop.guide, world.shop.other_guide, world.shops[1].manager, world.shops[2].manager):
        async with aclosing(await _watch(ground, actor, handover)) as stream:
            [answer] = [each async for each in stream]
            assert answer.errors is not None
            assert isinstance(answer.errors[0].original_error, NotFound)
