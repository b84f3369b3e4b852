"""What the partner's list of unassigned customers and our own knowledge say of each other."""

from datetime import datetime

from handover.commands import reconciling
from handover.commands.reconciling import Differences
from handover.partner import Found, Unassigned
from kernel import clock
from kernel.actor import system
from kernel.work import Ground, carry_out
from server.settling import unassigned
from tests.factories import NOON, build_world
from tests.handover.partners import Case, settling_case


def left(*names: str, by: str = "leaver", at: datetime = NOON) -> list[Unassigned]:
    return [Unassigned(by, name, at) for name in names]


async def compare(case: Case) -> Differences:
    listed = await unassigned(case.partner)
    return await carry_out(case.ground, system(case.world.brand.id), lambda work: reconciling.compare(work, listed))


async def test_where_the_two_agree_there_is_no_difference(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 3)
    with clock.stopped_at(NOON):
        await case.settle()
    case.partner.left = left("wm-0", "wm-1", "wm-2")

    assert await compare(case) == Differences()


async def test_each_kind_of_difference_is_named(ground: Ground) -> None:
    case = await settling_case(ground, await build_world(ground), 4)
    case.partner.left = left("wm-0", "wm-stranger") + left("wm-9", by="somebody")
    assert await compare(case) == Differences(
        unknown=[("leaver", "wm-stranger"), ("somebody", "wm-9")],
        unheard=[("leaver", "wm-0")],
        absent=[("leaver", "wm-1"), ("leaver", "wm-2"), ("leaver", "wm-3")],
    )
    with clock.stopped_at(NOON):
        await case.settle()
        case.partner.decide(Found.ACCEPTED, "wm-0")
    with clock.stopped_at(NOON.replace(day=4)):
        await case.settle()

    assert (await compare(case)).settled == [("leaver", "wm-0")]


async def test_all_pages_are_read_and_what_is_missing_from_them_is_not_deleted(ground: Ground) -> None:
    """One page was taken for all, the table was cleared, and rows that were missing from a fetch were deleted."""
    case = await settling_case(ground, await build_world(ground), 5)
    case.partner.page_size = 2
    case.partner.left = left("wm-0", "wm-1", "wm-2", "wm-3")

    found = await compare(case)

    assert found.unheard == [("leaver", f"wm-{number}") for number in range(4)]
    assert found.absent == [("leaver", "wm-4")]
    assert await case.contacts(case.leaver) == {f"wm-{number}" for number in range(5)}


async def test_a_cursor_leads_on_and_not_round(ground: Ground) -> None:
    """The old cursor was asked with again and again, so that more than one page never ended."""
    case = await settling_case(ground, await build_world(ground))
    case.partner.page_size = 1
    case.partner.left = left("wm-0", "wm-1", "wm-2")

    assert [each.external_user_id for each in await unassigned(case.partner)] == ["wm-0", "wm-1", "wm-2"]
