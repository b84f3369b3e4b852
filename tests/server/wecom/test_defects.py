"""Each of these was found in a system that is in use; `reading` and `client` are where ours would have them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from handover.partner import Course, Found, PartnerAway, PartnerRefused, Told, Unassigned
from server.wecom import reading, words
from server.wecom.client import WeCom
from tests.server.wecom.conftest import There
from tests.wecom import interfaces
from tests.wecom.world import Reply


def left(there: There, customers: int) -> list[str]:
    corp = there.simulator.corp
    corp.hire("a")
    corp.hire("b")
    ids = [f"wm-{number:05}" for number in range(customers)]
    for external_id in ids:
        corp.meet(external_id, "a")
    corp.leave("a")
    return ids


async def test_of_a_leaver_the_way_for_leavers_is_asked(there: There, wecom: WeCom) -> None:
    """MoChat asks for a leaver's customers as for those of somebody on the job."""
    ids = left(there, 1)

    said = await wecom.transfer(Course.RESIGNED, "a", "b", ids, None)

    assert said[ids[0]].told is Told.STARTED
    assert there.asked("resigned/transfer_customer") == 1
    assert there.asked("transfer_customer") == 0
    with pytest.raises(PartnerRefused):
        await wecom.transfer(Course.ON_JOB, "a", "b", ids, None)


async def test_results_of_each_way_are_asked_for_by_that_way(there: There, wecom: WeCom) -> None:
    """MoChat has one call for the results of both."""
    ids = left(there, 1)
    await wecom.transfer(Course.RESIGNED, "a", "b", ids, None)

    assert [each.found for each in (await wecom.standings(Course.RESIGNED, "a", "b", None)).things] == [Found.WAITING]
    assert [each.found for each in (await wecom.standings(Course.ON_JOB, "a", "b", None)).things] == [Found.NO_RECORD]


async def test_a_hundred_customers_are_one_call_not_a_hundred(there: There, wecom: WeCom) -> None:
    """MoChat sends one customer with each call."""
    ids = left(there, 100)

    said = await wecom.transfer(Course.RESIGNED, "a", "b", ids, None)

    assert {each.told for each in said.values()} == {Told.STARTED}
    assert there.asked("resigned/transfer_customer") == 1


async def test_a_request_that_went_well_says_nothing_of_its_customers(there: There, wecom: WeCom) -> None:
    """MoChat and LinkWeChat look at the outer code, LinkWeChat on the job at the first customer's only."""
    ids = left(there, 3)
    there.simulator.corp.members["b"].cap = 0
    corp = there.simulator.corp
    corp.link("b", ids[0])

    said = await wecom.transfer(Course.RESIGNED, "a", "b", ids, None)

    assert [said[each].told for each in ids] == [Told.STARTED, Told.TAKEOVER_FULL, Told.TAKEOVER_FULL]


async def test_all_pages_of_what_leavers_left_are_read(there: There, wecom: WeCom) -> None:
    """MoChat reads the first page, of results too."""
    left(there, 1_001)

    page = await wecom.unassigned(None)

    assert page.next_cursor is not None
    assert len((await wecom.unassigned(page.next_cursor)).things) == 1


async def test_each_page_is_asked_for_with_the_cursor_of_the_one_before(there: There, wecom: WeCom) -> None:
    """LinkWeChat goes on with the old cursor, and never ends beyond a thousand."""
    ids = left(there, 2_500)
    seen: list[str] = []
    page = await wecom.unassigned(None)
    while True:
        seen += [each.external_user_id for each in page.things]
        if page.next_cursor is None:
            break
        page = await wecom.unassigned(page.next_cursor)

    assert seen == ids
    assert there.asked("get_unassigned_list") == 3


@pytest.mark.parametrize("what", ["get_unassigned_list", "transfer_result"])
async def test_a_cursor_that_comes_again_ends_with_an_error_and_not_never(
    there: There, wecom: WeCom, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """What LinkWeChat would meet if WeCom had its mistake."""
    name = f"externalcontact/{what}"
    monkeypatch.setitem(
        interfaces.POSTED, name, lambda _corp, _body: {"info": [], "customer": [], "next_cursor": "c-1"}
    )
    asked = 0
    cursor = None

    with pytest.raises(PartnerAway, match="the same cursor again"):
        for _ in range(5):
            asked += 1
            if what == "transfer_result":
                cursor = (await wecom.standings(Course.ON_JOB, "a", "b", cursor)).next_cursor
            else:
                cursor = (await wecom.unassigned(cursor)).next_cursor

    assert asked == 2


async def test_more_than_a_hundred_in_one_call_is_refused_by_wecom_and_never_sent(there: There, wecom: WeCom) -> None:
    """LinkWeChat sends all customers with one call."""
    ids = left(there, 101)

    with pytest.raises(ValueError, match="1 to 100"):
        await wecom.transfer(Course.RESIGNED, "a", "b", ids, None)

    assert there.asked("resigned/transfer_customer") == 0


def test_a_status_is_read_by_its_number() -> None:
    """PumpLabs stores an enumeration's places, which begin with 0: waiting becomes taken over, refused waiting."""
    assert dict(words.FOUND) == {
        1: Found.ACCEPTED,
        2: Found.WAITING,
        3: Found.REFUSED,
        4: Found.TAKEOVER_FULL,
        5: Found.NO_RECORD,
    }


async def test_waiting_is_not_taken_over_and_refused_is_not_waiting(there: There, wecom: WeCom) -> None:
    """The same of PumpLabs, as it shows."""
    ids = left(there, 2)
    there.simulator.corp.replies[ids[0]] = Reply.REFUSE

    async def stand() -> list[Found]:
        return [each.found for each in (await wecom.standings(Course.RESIGNED, "a", "b", None)).things]

    await wecom.transfer(Course.RESIGNED, "a", "b", ids, None)
    before = await stand()
    await there.simulator.travel(timedelta(hours=24))

    assert before == [Found.WAITING, Found.WAITING]
    assert await stand() == [Found.REFUSED, Found.ACCEPTED]


def test_nothing_asked_for_is_not_done() -> None:
    """LinkWeChat's rows begin as taken over. Of whom WeCom says nothing, nothing is known; and 0 is only begun."""
    said = reading.answers(["x", "y"], [{"external_userid": "x", "errcode": 0}])

    assert (said["x"].told, said["y"].told, said["y"].code) == (Told.STARTED, Told.OTHER, 0)


def test_a_status_nobody_has_heard_of_says_nothing() -> None:
    rows: Sequence[Mapping[str, Any]] = [
        {"external_userid": "x", "status": 6, "takeover_time": 0},
        {"external_userid": "y", "status": 0, "takeover_time": 0},
        {"external_userid": "z", "status": 3, "takeover_time": 0},
    ]

    assert [(each.external_user_id, each.found) for each in reading.standings(rows)] == [("z", Found.REFUSED)]


@pytest.mark.parametrize(
    "row",
    [
        {"external_userid": "x", "errcode": "0"},
        {"external_userid": "x"},
        {"errcode": 0},
        {"external_userid": 1, "errcode": 0},
        {"external_userid": "x", "errcode": True},
    ],
)
def test_an_answer_that_cannot_be_read_is_no_success(row: dict[str, Any]) -> None:
    with pytest.raises(PartnerAway):
        reading.answers(["x"], [row])


async def test_what_is_missing_from_a_page_is_only_not_there(there: There, wecom: WeCom) -> None:
    """PumpLabs deletes rows that a fetch lacks. A link that was asked for is among the unassigned ones no more."""
    ids = left(there, 3)
    await wecom.transfer(Course.RESIGNED, "a", "b", ids[:1], None)

    found: Sequence[Unassigned] = (await wecom.unassigned(None)).things
    standing = (await wecom.standings(Course.RESIGNED, "a", "b", None)).things

    assert [each.external_user_id for each in found] == ids[1:]
    assert [(each.external_user_id, each.found) for each in standing] == [(ids[0], Found.WAITING)]


async def test_a_customer_who_refused_can_be_asked_for_again_by_somebody(there: There, wecom: WeCom) -> None:
    """PumpLabs takes every row that has a result for assigned: who refused can never be given to anybody else."""
    ids = left(there, 1)
    corp = there.simulator.corp
    corp.hire("c")
    corp.switches.resigned_refusal = "back_to_pool"
    corp.replies[ids[0]] = Reply.REFUSE
    await wecom.transfer(Course.RESIGNED, "a", "b", ids, None)
    await there.simulator.travel(timedelta(hours=24))

    assert [each.external_user_id for each in (await wecom.unassigned(None)).things] == ids
    assert (await wecom.transfer(Course.RESIGNED, "a", "c", ids, None))[ids[0]].told is Told.STARTED
