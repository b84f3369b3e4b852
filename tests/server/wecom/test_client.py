"""The connector asks WeCom as WeCom wants it, and reads what it says."""

from datetime import timedelta

import pytest

from handover.partner import Answer, Chat, Course, Found, Part, Partner, PartnerAway, PartnerRefused, Told
from server.wecom import words
from server.wecom.client import WeCom
from tests.server.wecom.conftest import There
from tests.wecom.world import Reply


def furnish(there: There, customers: int = 3, *, has_left: bool = False) -> list[str]:
    """`a` with customers, and `b` with none; the customers."""
    corp = there.simulator.corp
    corp.hire("a")
    corp.hire("b")
    ids = [f"wm-{number:05}" for number in range(customers)]
    for external_id in ids:
        corp.meet(external_id, "a")
    if has_left:
        corp.leave("a")
    return ids


async def all_chats(wecom: WeCom, *owners: str) -> list[tuple[str, Chat]]:
    found: list[tuple[str, Chat]] = []
    page: Part[tuple[str, Chat]] = await wecom.chats(owners, None)
    found += page.things
    for _ in range(50):
        if page.next_cursor is None:
            return found
        page = await wecom.chats(owners, page.next_cursor)
        found += page.things
    raise AssertionError("no end")


def test_it_is_a_partner(wecom: WeCom) -> None:
    partner: Partner = wecom

    assert partner


async def test_what_leavers_left_behind_comes_page_by_page(there: There, wecom: WeCom) -> None:
    ids = furnish(there, 2_300, has_left=True)
    left_at = there.simulator.corp.left_at("a").replace(microsecond=0)

    pages, cursor = [], None
    for _ in range(3):
        page = await wecom.unassigned(cursor)
        pages.append([each.external_user_id for each in page.things])
        cursor = page.next_cursor

    assert [len(page) for page in pages] == [1_000, 1_000, 300]
    assert [each for page in pages for each in page] == ids
    assert cursor is None
    assert (page.things[0].handover_user_id, page.things[0].left_at) == ("a", left_at)


@pytest.mark.parametrize(("course", "has_left"), [(Course.RESIGNED, True), (Course.ON_JOB, False)])
async def test_a_transfer_is_asked_for_waits_and_is_accepted(
    there: There, wecom: WeCom, course: Course, has_left: bool
) -> None:
    ids = furnish(there, has_left=has_left)
    said = await wecom.transfer(course, "a", "b", ids[:2], "您好，以后由我为您服务")
    waiting = (await wecom.standings(course, "a", "b", None)).things
    await there.simulator.travel(timedelta(hours=24))
    done = (await wecom.standings(course, "a", "b", None)).things

    assert said == {each: Answer(Told.STARTED, 0) for each in ids[:2]}
    assert [each.found for each in waiting[:2]] == [Found.WAITING] * 2
    at = waiting[0].takes_over_at
    assert at is not None
    assert abs(at - there.simulator.corp.now) < timedelta(minutes=1)
    assert [(each.found, each.takes_over_at) for each in done[:2]] == [(Found.ACCEPTED, None)] * 2
    assert await wecom.linked("b") == ids[:2]


async def test_a_customer_who_refuses_and_a_successor_who_is_full_are_found(there: There, wecom: WeCom) -> None:
    ids = furnish(there, has_left=True)
    there.simulator.corp.members["b"].cap = 1
    there.simulator.corp.replies[ids[0]] = Reply.REFUSE
    await wecom.transfer(Course.RESIGNED, "a", "b", ids, None)
    await there.simulator.travel(timedelta(hours=24))

    found = {
        each.external_user_id: each.found for each in (await wecom.standings(Course.RESIGNED, "a", "b", None)).things
    }

    assert found == dict(zip(ids, (Found.REFUSED, Found.ACCEPTED, Found.TAKEOVER_FULL), strict=True))


async def test_results_come_page_by_page(there: There, wecom: WeCom) -> None:
    ids = furnish(there, 1_200, has_left=True)
    for begin in range(0, 1_200, 100):
        await wecom.transfer(Course.RESIGNED, "a", "b", ids[begin : begin + 100], None)

    first = await wecom.standings(Course.RESIGNED, "a", "b", None)
    second = await wecom.standings(Course.RESIGNED, "a", "b", first.next_cursor)

    assert [each.external_user_id for each in (*first.things, *second.things)] == ids
    assert second.next_cursor is None


async def test_a_member_with_nobody_has_nobody_and_one_who_left_is_refused(there: There, wecom: WeCom) -> None:
    furnish(there, has_left=True)

    assert await wecom.linked("b") == []
    with pytest.raises(PartnerRefused, match="40003"):
        await wecom.linked("a")


async def test_each_customer_has_an_answer_of_their_own(there: There, wecom: WeCom) -> None:
    ids = furnish(there)
    corp = there.simulator.corp
    corp.lose(corp.links["a", ids[1]])
    await wecom.transfer(Course.ON_JOB, "a", "b", ids[:1], None)

    said = await wecom.transfer(Course.ON_JOB, "a", "b", [*ids, "nobody"], None)

    assert said == {
        ids[0]: Answer(Told.UNDER_WAY, 40100),
        ids[1]: Answer(Told.NO_LINK, 84061),
        ids[2]: Answer(Told.STARTED, 0),
        "nobody": Answer(Told.UNKNOWN_CUSTOMER, 40096),
    }


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (0, Told.STARTED),
        (-1, Told.TRY_LATER),
        (40096, Told.UNKNOWN_CUSTOMER),
        (40097, Told.NOT_DEPARTED),
        (40098, Told.TAKEOVER_UNFIT),
        (40099, Told.TAKEOVER_FULL),
        (40100, Told.UNDER_WAY),
        (40128, Told.TOO_OFTEN),
        (40129, Told.UNDER_WAY),
        (40130, Told.SAME_PERSON),
        (40131, Told.NO_LINK),
        (40132, Told.TAKEOVER_UNFIT),
        (40143, Told.TAKEOVER_UNFIT),
        (45009, Told.TRY_LATER),
        (84061, Told.NO_LINK),
        (84074, Told.TAKEOVER_UNFIT),
        (90500, Told.NOT_DEPARTED),
        (90501, Told.OTHER),
        (90503, Told.TAKEOVER_FULL),
        (90504, Told.SAME_PERSON),
        (90507, Told.UNDER_WAY),
        (90508, Told.OTHER),
        (90509, Told.OTHER),
        (12345, Told.OTHER),
    ],
)
def test_a_code_means_what_the_documents_say(code: int, told: Told) -> None:
    assert words.told(code) is told


async def test_chats_are_listed_with_their_owners_and_names(there: There, wecom: WeCom) -> None:
    furnish(there)
    for number in range(130):
        there.simulator.corp.open_chat(f"wr-{number:03}", "a" if number < 120 else "b", f"群 {number}")

    found = await all_chats(wecom, "a", "b")

    assert len(found) == 130
    assert found[0] == ("a", Chat("wr-000", "群 0"))
    assert found[-1] == ("b", Chat("wr-129", "群 129"))


@pytest.mark.parametrize("switch", ["refused", "listed"])
async def test_chats_of_an_owner_who_left_are_found_though_they_cannot_be_asked_for(
    there: There, wecom: WeCom, switch: str
) -> None:
    furnish(there, has_left=True)
    corp = there.simulator.corp
    corp.switches.departed_owner = switch
    corp.hire("gone")
    for number, owner in enumerate(["a"] * 105 + ["b"] + ["gone"] * 3):
        corp.open_chat(f"wr-{number:03}", owner)
    corp.leave("gone")

    found = await all_chats(wecom, "a", "b")

    assert sorted((chat.chat_id, owner) for owner, chat in found) == [
        (f"wr-{number:03}", "a" if number < 105 else "b") for number in range(106)
    ]


async def test_chats_are_given_another_owner_each_with_an_answer(there: There, wecom: WeCom) -> None:
    furnish(there, has_left=True)
    for chat_id, owner in (("left", "a"), ("own", "b")):
        there.simulator.corp.open_chat(chat_id, owner)

    said = await wecom.transfer_chats(Course.RESIGNED, ["left", "own", "none"], "b")

    assert said == {
        "left": Answer(Told.STARTED, 0),
        "own": Answer(Told.SAME_PERSON, 90504),
        "none": Answer(Told.OTHER, 90509),
    }
    assert there.simulator.corp.chats["left"].owner == "b"


async def test_on_the_job_chats_go_by_their_own_way(there: There, wecom: WeCom) -> None:
    furnish(there)
    there.simulator.corp.open_chat("wr-1", "a")

    assert await wecom.transfer_chats(Course.ON_JOB, ["wr-1"], "b") == {"wr-1": Answer(Told.STARTED, 0)}
    assert there.asked("groupchat/transfer") == 0


@pytest.mark.parametrize(("kind", "value"), [("code", -1), ("status", 502), ("drop", 0), ("lose_answer", 0)])
async def test_a_read_is_tried_three_times(there: There, wecom: WeCom, kind: str, value: int) -> None:
    ids = furnish(there)
    there.spoil("list", kind, value, times=2)

    assert await wecom.linked("a") == ids
    there.spoil("list", kind, value, times=3)
    with pytest.raises(PartnerAway):
        await wecom.linked("a")
    assert there.asked("list") == 6


@pytest.mark.parametrize(("kind", "started"), [("drop", 0), ("lose_answer", 2), ("status", 0), ("code", 0)])
async def test_a_transfer_whose_answer_is_lost_is_not_asked_for_again(
    there: There, wecom: WeCom, kind: str, started: int
) -> None:
    ids = furnish(there)
    there.spoil("transfer_customer", kind, 502 if kind == "status" else -1)

    with pytest.raises(PartnerAway):
        await wecom.transfer(Course.ON_JOB, "a", "b", ids[:2], None)

    assert there.asked("transfer_customer") == 1
    assert len(there.simulator.corp.waiting) == started


async def test_a_transfer_that_never_left_is_sent_again(there: There) -> None:
    """Nobody listens there: what is tried three times has reached nobody."""
    wecom = there.connect(address="http://127.0.0.1:1")
    await there.connect().unassigned(None)  # there is a token

    with pytest.raises(PartnerAway, match="ConnectError"):
        await wecom.transfer(Course.ON_JOB, "a", "b", ["wm-1"], None)


async def test_an_answer_that_takes_too_long_is_not_waited_for(
    there: There, wecom: WeCom, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = furnish(there)
    await wecom.linked("a")
    monkeypatch.setattr("server.wecom.wire.ANSWER_SECONDS", 0.1)
    there.spoil("transfer_customer", "delay", 0.4)

    with pytest.raises(PartnerAway, match="TimeoutError"):
        await wecom.transfer(Course.ON_JOB, "a", "b", ids[:1], None)


@pytest.mark.parametrize("code", [48002, 60020, 60111, 301002, 40003, 99999])
async def test_what_is_refused_for_all_is_said_in_plain_words_without_the_token(
    there: There, wecom: WeCom, code: int
) -> None:
    there.spoil("get_unassigned_list", "code", code)

    with pytest.raises(PartnerRefused) as caught:
        await wecom.unassigned(None)

    assert caught.value.code == code
    assert caught.value.what == words.meaning(code, "from ip: 203.0.113.9")
    assert "hint" not in str(caught.value)
    assert there.asked("get_unassigned_list") == 1


def test_the_address_that_has_to_be_allowed_is_named() -> None:
    assert "(203.0.113.9)" in words.meaning(60020, "not allow to access from your ip, from ip: 203.0.113.9, more")
    assert "203" not in words.meaning(48002, "from ip: 203.0.113.9")


async def test_errors_quote_neither_the_token_nor_the_secret(there: There, wecom: WeCom) -> None:
    there.spoil("gettoken", "drop", times=3)
    there.spoil("list", "drop", times=3)
    said = []
    for _ in range(2):
        with pytest.raises(PartnerAway) as caught:
            await wecom.linked("a")
        error: BaseException | None = caught.value
        while error is not None:
            said.append(f"{error!r}{error}")
            error = error.__cause__

    assert len(said) == 2
    assert not any("secret" in each or "token=" in each or "http:" in each for each in said)


@pytest.mark.parametrize("count", [0, 101])
async def test_more_than_a_hundred_at_once_is_a_mistake_of_ours(wecom: WeCom, count: int) -> None:
    with pytest.raises(ValueError, match="1 to 100"):
        await wecom.transfer(Course.ON_JOB, "a", "b", ["x"] * count, None)
    with pytest.raises(ValueError, match="1 to 100"):
        await wecom.transfer_chats(Course.ON_JOB, ["x"] * count, "b")


async def test_words_for_customers_are_sent_on_the_job_only_and_are_short(there: There, wecom: WeCom) -> None:
    ids = furnish(there, has_left=True)

    assert (await wecom.transfer(Course.RESIGNED, "a", "b", ids, "您好"))[ids[0]].told is Told.STARTED
    with pytest.raises(ValueError, match="200"):
        await wecom.transfer(Course.ON_JOB, "a", "b", ids, "我" * 201)
