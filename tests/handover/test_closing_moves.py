"""A store's closing goes through the same errand, and may be undone in the same way."""

from datetime import timedelta

from handover.commands import undoing
from handover.models import Handover, HandoverState, HeldHere
from handover.queries import verifying
from kernel import clock
from kernel.work import Ground, unit_of_work
from tests.factories import build_customer, build_task, build_world, reload
from tests.handover.closing import build_closing, in_store
from tests.handover.handing import items_of, run


async def test_a_closing_moves_by_the_errand_and_nothing_is_wrong_after(ground: Ground) -> None:
    world = await build_world(ground)
    closes, takes = world.shops[:2]
    known = [await build_customer(ground, closes.guide) for _ in range(3)]
    task = await build_task(ground, closes.guide, known[0])
    handover = await build_closing(ground, world, closes, takes.guides)

    await run(ground, handover)

    assert (await reload(ground, handover)).state is HandoverState.DONE
    heirs = [await in_store(ground, each, takes) for each in known]
    assert all(heirs)
    assert (await reload(ground, task)).store_id == takes.store.id
    async with ground.db.read() as session:
        assert await verifying.violations(session, world.brand.id) == []


async def test_a_closing_is_undone_by_the_errand(ground: Ground) -> None:
    world = await build_world(ground)
    closes, takes = world.shops[:2]
    known = [await build_customer(ground, closes.guide) for _ in range(3)]
    handover = await build_closing(ground, world, closes, takes.guides)
    async with ground.db.write() as session:
        row = await session.get(Handover, (handover.brand_id, handover.id))
        assert row
        row.undo_until = clock.now() + timedelta(hours=72)
    await run(ground, handover)

    async with unit_of_work(ground, world.east_manager) as work:
        back = await undoing.undo(work, handover.id)
    await run(ground, back)

    assert (await reload(ground, back)).state is HandoverState.DONE
    for each in (handover, back):
        assert {item.here for item in (await items_of(ground, each)).values()} == {HeldHere.UNDONE}
    for customer in known:
        assert (await in_store(ground, customer, closes)) is not None
        assert (await in_store(ground, customer, takes)) is None
    async with ground.db.read() as session:
        assert await verifying.violations(session, world.brand.id) == []
