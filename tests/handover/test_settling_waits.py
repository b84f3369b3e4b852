"""What can't be had from the partner yet is waited for, as long as there is time."""

from datetime import timedelta

from sqlalchemy import update
from sqlmodel import col

from directory.models import Staff
from handover.commands import attempting
from handover.models import HandoverKind, HandoverState
from handover.partner import Answer, Course, Told
from kernel import clock
from kernel.actor import system
from kernel.work import Ground, carry_out
from tests.factories import NOON, build_world
from tests.handover.partners import settling_case
from tests.handover.settlements import DAY, settle_at


async def test_a_leaver_who_is_still_a_member_there_is_waited_for(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.answers = {("taker", "wm-0"): [Answer(Told.NOT_DEPARTED, 40097), Answer(Told.STARTED)]}

    await settle_at(case, NOON)
    assert await case.there() == ["requested"]
    await settle_at(case, NOON + timedelta(minutes=1))
    assert len(case.partner.requests) == 1
    await settle_at(case, NOON + timedelta(minutes=16))

    assert await case.there() == ["waiting"]
    assert len(case.partner.requests) == 2


async def test_days_of_waiting_for_a_leaver_to_leave_there_give_nobody_up_at_the_first_hitch(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    still, busy = Answer(Told.NOT_DEPARTED, 40097), Answer(Told.TRY_LATER, -1)
    case.partner.answers = {("taker", "wm-0"): [*[still] * 12, busy, Answer(Told.STARTED)]}

    for half_days in range(16):
        await settle_at(case, NOON + half_days * timedelta(hours=12, minutes=1))

    assert len(case.partner.requests) == 14
    assert await case.there() == ["waiting"]


async def test_a_third_move_in_ninety_days_waits_until_it_is_allowed(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), kind=HandoverKind.TRANSFER)
    case.partner.answers = {("taker", "wm-0"): [Answer(Told.TOO_OFTEN, 40128), Answer(Told.STARTED)]}

    await settle_at(case, NOON)
    await settle_at(case, NOON + 6 * DAY)
    assert (await case.there(), len(case.partner.requests)) == (["requested"], 1)
    [attempt] = await case.attempts()
    assert (attempt.told, attempt.code) == (Told.TOO_OFTEN, 40128)

    await settle_at(case, NOON + 8 * DAY)
    assert (await case.there(), len(case.partner.requests)) == (["waiting"], 2)


async def test_what_cannot_be_handed_over_any_more_after_a_year_is_given_up_and_shown(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground))
    case.partner.answers = {("taker", "wm-0"): [Answer(Told.NOT_DEPARTED, 40097)]}
    async with ground.db.write() as session:
        await session.execute(
            update(Staff)
            .where(col(Staff.brand_id) == case.world.brand.id, col(Staff.id) == case.leaver.staff_id)
            .values(access_closed_at=NOON - 364 * DAY)
        )
    await settle_at(case, NOON)
    [attempt] = await case.attempts()
    assert attempt.deadline == NOON + DAY

    for hours in range(1, 30):
        await settle_at(case, NOON + timedelta(hours=hours))

    [attempt] = await case.attempts()
    assert (await case.there(), attempt.code) == (["ineligible"], 40097)
    assert await case.state() is HandoverState.DONE


async def test_whose_time_is_over_first_is_asked_for_first(ground: Ground) -> None:
    world = await build_world(ground)
    case = await settling_case(ground, world)
    for name, days in (("wm-late", 300), ("wm-soon", 3)):
        wanted = attempting.Wanted(
            case.handover.id,
            case.relationships[0].id,
            Course.RESIGNED,
            case.leaver.account_ids[0],
            case.taker.account_ids[0],
            f"member-of-{name}",
            "taker",
            name,
            NOON + days * DAY,
        )
        with clock.stopped_at(NOON):
            await carry_out(ground, system(world.brand.id), lambda work, each=wanted: attempting.begin(work, [each]))  # type: ignore[misc]

    await settle_at(case, NOON)

    assert [customers[0] for *_, customers in case.partner.requests] == ["wm-soon", "wm-late"]
