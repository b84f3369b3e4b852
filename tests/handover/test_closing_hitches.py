"""What comes in a closing's way: it moves once, and nobody is left behind."""

import asyncio

import pytest
from sqlalchemy import update
from sqlmodel import col

from customers import commands as customers
from handover.commands import succeeding
from handover.errors import PlanMissing, TakeoverUnfit
from handover.models import HandoverItem, HeldHere
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from tests.factories import reload, said, save
from tests.handover.closing import broken, build_closing, close, history, in_store, items_of, lives_in, move_some
from tests.handover.ending import with_everything


async def test_moving_twice_moves_nothing_twice(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)
    new = await lives_in(ground, closed.customer, closed.other)
    heard = await said(ground, closed.other.guide.id)

    items = await items_of(ground, handover)
    async with unit_of_work(ground, system(handover.brand_id)) as work:
        await succeeding.succeed(work, handover, items)
    again = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    stale = HandoverItem(**items[0].model_dump() | {"handover_id": again.id, "here": HeldHere.PENDING})
    await save(ground, stale)
    await close(ground, again)

    assert await lives_in(ground, closed.customer, closed.other) == new
    assert await said(ground, closed.other.guide.id) == heard
    [item] = await items_of(ground, again)
    assert (item.here, item.why) == (HeldHere.ELSEWHERE, succeeding.ENDED)


@pytest.mark.parametrize(("to", "refusal"), [("nobody", PlanMissing), ("here", TakeoverUnfit)])
async def test_a_plan_that_leads_nowhere_is_refused_and_changes_nothing(
    ground: Ground, to: str, refusal: type[Exception]
) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.shop.other_guide])
    if to == "nobody":
        async with ground.db.write() as session:
            await session.execute(
                update(HandoverItem).where(col(HandoverItem.brand_id) == handover.brand_id).values(to_account_id=None)
            )
    heard = await said(ground, closed.shop.guide.id)

    with pytest.raises(refusal):
        await move_some(ground, handover)

    assert await reload(ground, closed.old) == closed.old or (await reload(ground, closed.old)).ended_at is None
    assert await said(ground, closed.shop.guide.id) == heard
    [item] = await items_of(ground, handover)
    assert item.here is HeldHere.PENDING


async def test_a_store_that_opens_again_knows_the_customer_anew(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])
    await close(ground, handover)

    from_outside = closed.shop.other_guide
    async with unit_of_work(ground, from_outside) as work:
        await customers.claim(work, None, member_number=closed.customer.member_number)  # type: ignore[arg-type]  # no phone

    anew = await lives_in(ground, closed.customer, closed.shop)
    assert (anew.holder_id, anew.is_primary) == (from_outside.account_ids[0], False)
    assert anew.id != closed.old.id
    assert await broken(ground, closed.world) == {}


async def test_a_successor_store_closes_too_and_all_goes_on_in_the_last(ground: Ground) -> None:
    closed = await with_everything(ground)
    third = closed.world.shops[2]
    await close(ground, await build_closing(ground, closed.world, closed.shop, [closed.other.guide]))
    await close(ground, await build_closing(ground, closed.world, closed.other, [third.guide]))

    last = await lives_in(ground, closed.customer, third)
    assert (await reload(ground, closed.old)).succeeded_by_id == last.id
    assert await in_store(ground, closed.customer, closed.other) is None
    assert (await reload(ground, closed.things["note"])).relationship_id == last.id
    assert await broken(ground, closed.world) == {}


async def test_whoever_claims_the_customer_at_that_moment_holds_the_one_relationship_there_is(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])

    async def claim() -> None:
        async with unit_of_work(ground, closed.other.other_guide) as work:
            await customers.claim(work, None, member_number=closed.customer.member_number)  # type: ignore[arg-type]  # no phone

    await asyncio.gather(close(ground, handover), claim(), return_exceptions=True)

    new = await lives_in(ground, closed.customer, closed.other)
    [item] = await items_of(ground, handover)
    claimed = new.holder_id == closed.other.other_guide.account_ids[0]
    assert (item.successor_id, item.is_merged) == (new.id, claimed)
    assert await broken(ground, closed.world) == {}


async def test_two_who_move_the_same_at_once_move_it_once(ground: Ground) -> None:
    closed = await with_everything(ground)
    handover = await build_closing(ground, closed.world, closed.shop, [closed.other.guide])

    await asyncio.gather(move_some(ground, handover), move_some(ground, handover))

    new = await lives_in(ground, closed.customer, closed.other)
    [item] = await items_of(ground, handover)
    assert (item.here, item.successor_id) == (HeldHere.MOVED, new.id)
    assert await history(ground, new) == [(closed.other.guide.account_ids[0], "handover", True)]
    assert await broken(ground, closed.world) == {}
