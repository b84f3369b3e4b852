"""What the partner's answers and records mean: only the word for each customer counts."""

from datetime import timedelta

from handover.commands import attempting
from handover.models import HandoverKind, HandoverState
from handover.partner import Answer, Course, Found, Told
from kernel import clock
from kernel.actor import system
from kernel.work import Ground, carry_out
from tests.factories import NOON, build_world
from tests.handover.partners import settling_case
from tests.handover.settlements import DAY, OVER, settle_at


async def test_a_customer_who_was_gone_before_the_partner_was_asked_is_lost(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 2)
    case.partner.answers = {("taker", "wm-0"): [Answer(Told.NO_LINK, 84061)]}

    await settle_at(case, NOON)

    assert await case.there() == ["lost", "waiting"]
    [first, _] = sorted(await case.attempts(), key=lambda each: each.external_user_id)
    assert (first.told, first.code, first.todo) == (Told.NO_LINK, 84061, None)


async def test_only_the_word_for_each_customer_counts(ground: Ground) -> None:
    """The outer code alone was looked at, and the first customer's: the request went well, and so did everybody."""
    case = await settling_case(ground, await build_world(ground), 4)
    case.partner.answers = {
        ("taker", "wm-1"): [Answer(Told.NO_LINK, 84061)],
        ("taker", "wm-2"): [Answer(Told.UNKNOWN_CUSTOMER, 40096)],
        ("taker", "wm-3"): [Answer(Told.TRY_LATER, 45009)],
    }

    await settle_at(case, NOON)

    assert await case.there() == ["waiting", "lost", "lost", "requested"]
    assert await case.state() is HandoverState.SETTLING


async def test_more_than_a_hundred_go_in_requests_of_a_hundred(ground: Ground) -> None:
    """All customers of a leaver went in one call, which the partner refuses."""
    case = await settling_case(ground, await build_world(ground), 3)
    extra = [(f"wm-x{number}", case.relationships[number % 3].id) for number in range(247)]
    wanted = [
        attempting.Wanted(
            case.handover.id,
            relationship_id,
            Course.RESIGNED,
            case.leaver.account_ids[0],
            case.taker.account_ids[0],
            "leaver",
            "taker",
            name,
            NOON + 365 * DAY,
        )
        for name, relationship_id in extra
    ]
    with clock.stopped_at(NOON):
        await carry_out(ground, system(case.world.brand.id), lambda work: attempting.begin(work, wanted))

    await settle_at(case, NOON)

    assert sorted(len(customers) for *_, customers in case.partner.requests) == [47, 100, 100]


async def test_a_transfer_that_was_started_is_not_done_and_our_clock_never_makes_it_so(ground: Ground) -> None:
    """Rows began with the status of "taken over" before anything was done."""
    case = await settling_case(ground, await build_world(ground))
    await settle_at(case, NOON)
    for days in (1, 2, 30):
        await settle_at(case, NOON + days * DAY + timedelta(hours=1))
        assert await case.there() == ["waiting"]

    assert await case.state() is HandoverState.SETTLING
    assert await case.contacts(case.taker) == set()
    assert len(case.partner.requests) == 1


async def test_a_leaver_is_not_called_done_while_anybody_is_unsettled(ground: Ground) -> None:
    """The leaver was marked as allocated whatever had come of it."""
    case = await settling_case(ground, await build_world(ground), 2)
    await settle_at(case, NOON)
    case.partner.decide(Found.ACCEPTED, "wm-0")

    await settle_at(case, OVER)

    assert await case.there() == ["accepted", "waiting"]
    assert await case.state() is HandoverState.SETTLING


async def test_all_rows_of_two_members_are_settled_by_one_look_at_all_its_pages(ground: Ground) -> None:
    """One row was looked at in each run of a timer, by the first page only; and the result was fetched for each row."""
    case = await settling_case(ground, await build_world(ground), 7)
    case.partner.page_size = 2
    await settle_at(case, NOON)
    case.partner.decide(Found.ACCEPTED, *(f"wm-{number}" for number in range(7)))
    case.partner.looks.clear()

    await settle_at(case, OVER)

    assert await case.there() == ["accepted"] * 7
    assert [cursor for *_, cursor in case.partner.looks] == [None, "2", "4", "6"]


async def test_each_way_has_its_own_call(ground: Ground) -> None:
    """Of somebody who had left the customers were asked for as of somebody at work, and one call gave both results."""
    world = await build_world(ground)
    case = await settling_case(ground, world, kind=HandoverKind.TRANSFER)

    await settle_at(case, NOON)
    await settle_at(case, NOON + timedelta(hours=1))

    assert {course for course, *_ in case.partner.requests} == {Course.ON_JOB}
    assert {course for course, *_ in case.partner.looks} == {Course.ON_JOB}


async def test_what_the_partner_has_of_each_is_stored_as_that_and_not_one_off(ground: Ground) -> None:
    """An ordinal was stored for the code: "waiting" as "taken over", "refused" as "waiting", "full" as "refused"."""
    case = await settling_case(ground, await build_world(ground), 4)
    await settle_at(case, NOON)
    case.partner.decide(Found.ACCEPTED, "wm-0")
    case.partner.decide(Found.REFUSED, "wm-2")
    case.partner.decide(Found.TAKEOVER_FULL, "wm-3")

    await settle_at(case, OVER)

    assert await case.there() == ["accepted", "waiting", "refused", "successor_full"]
