"""What is undone is asked for no more, or the other way."""

from datetime import timedelta

from sqlalchemy import update
from sqlmodel import col

from customers.models import Relationship
from handover.models import Handover, HandoverKind, HandoverState
from handover.partner import Answer, Course, Found, Told
from kernel.work import Ground
from tests.factories import NOON, build_world, save
from tests.handover.partners import Case, moved_item, settling_case, settling_handover
from tests.handover.settlements import OVER, settle_at


async def test_what_was_not_asked_for_yet_is_asked_for_no_more_once_it_is_undone(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.is_away = 1
    case.partner.answers = {("taker", "wm-0"): [Answer(Told.NOT_DEPARTED, 40097), Answer(Told.STARTED)]}
    await settle_at(case, NOON)
    await settle_at(case, NOON + timedelta(minutes=3))
    async with ground.db.write() as session:
        await session.execute(
            update(Handover).where(col(Handover.brand_id) == case.world.brand.id).values(state=HandoverState.UNDONE)
        )

    await settle_at(case, NOON + timedelta(hours=9))

    assert len(case.partner.requests) == 1
    assert [each.todo for each in await case.attempts()] == [None]


async def test_what_is_given_back_waits_for_what_is_on_its_way_and_comes_back_the_other_way(
    ground: Ground,
) -> None:
    world = await build_world(ground)
    case = await settling_case(ground, world)
    await settle_at(case, NOON)
    async with ground.db.write() as session:
        await session.execute(
            update(Handover).where(col(Handover.brand_id) == world.brand.id).values(state=HandoverState.UNDONE)
        )
        await session.execute(
            update(Relationship)
            .where(col(Relationship.brand_id) == world.brand.id)
            .values(holder_id=case.leaver.account_ids[0])
        )
    back = await settling_handover(ground, world, HandoverKind.RESIGNATION, case.taker, undoes_id=case.handover.id)
    await save(ground, moved_item(back, case.relationships[0].id, case.taker, case.leaver))
    undo = Case(ground, world, case.partner, back, case.taker, case.leaver, case.customers, case.relationships)
    await settle_at(undo, NOON + timedelta(hours=1))
    assert (await undo.there(), len(case.partner.requests)) == (["not_linked"], 1)

    case.partner.decide(Found.ACCEPTED, "wm-0")
    await settle_at(undo, OVER)

    assert case.partner.requests[-1] == (Course.ON_JOB, "taker", "leaver", ["wm-0"])
    assert await undo.there() == ["waiting"]
