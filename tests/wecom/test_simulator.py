"""The simulator keeps WeCom's rules, and says the same twice."""

import subprocess
import sys

import httpx2
import pytest

from tests.wecom.asking import Asker

ON_JOB, RESIGNED = "transfer_customer", "resigned/transfer_customer"
PAIR = {"handover_userid": "a", "takeover_userid": "b"}
ON_JOB_RESULT, RESIGNED_RESULT = "transfer_result", "resigned/transfer_result"


async def staff(asker: Asker, *, customers: int = 1, leaver: bool = False) -> None:
    """`a` with customers `wm-0` …, and `b`, who has none."""
    corp = asker.simulator.corp
    corp.hire("a")
    corp.hire("b")
    for number in range(customers):
        corp.meet(f"wm-{number}", "a")
    if leaver:
        corp.leave("a")


def told(asker: Asker) -> list[tuple[object, object]]:
    return [(call.fields["ChangeType"], call.fields.get("UserID")) for call in asker.simulator.caller.calls]


async def test_a_token_is_the_same_while_it_lasts_and_ends_after_two_hours(asker: Asker) -> None:
    first, second = await asker.get_token(), await asker.get_token()
    await asker.steer("advance", hours=2)
    asker.renews = False
    ended = await asker.get("list", userid="a")

    assert first["access_token"] == second["access_token"]
    assert first["expires_in"] == 7200
    assert ended["errcode"] == 42001


async def test_a_repeated_fetch_may_end_the_token_before(asker: Asker) -> None:
    await asker.steer("switches", token_repeat="new")
    first = await asker.get_token()
    await asker.get_token()
    asker.token = first["access_token"]

    assert (await asker.get("list", userid="a"))["errcode"] == 40014


async def test_who_goes_on_with_a_wrong_secret_is_shut_out_for_an_hour(asker: Asker) -> None:
    codes = [(await asker.get_token("wrong"))["errcode"] for _ in range(5)]
    shut_out = (await asker.get_token())["errcode"]
    await asker.steer("advance", hours=1.1)

    assert codes == [40001] * 5
    assert shut_out == 45009
    assert (await asker.get_token())["errcode"] == 0


async def test_a_transfer_goes_through_after_a_day_and_only_then_is_told(asker: Asker) -> None:
    await staff(asker, leaver=True)

    assert await asker.transfer(RESIGNED, "a", "b", "wm-0") == {"wm-0": 0}
    assert await asker.results(RESIGNED_RESULT, "a", "b") == {"wm-0": 2}
    await asker.steer("advance", hours=23.9)
    assert told(asker) == []
    await asker.steer("advance", hours=0.2)

    assert await asker.results(RESIGNED_RESULT, "a", "b") == {"wm-0": 1}
    assert (await asker.get("list", userid="b"))["external_userid"] == ["wm-0"]
    assert told(asker) == [("add_external_contact", "b")]


async def test_on_the_job_the_member_before_is_told_too(asker: Asker) -> None:
    await staff(asker)
    await asker.transfer(ON_JOB, "a", "b", "wm-0", transfer_success_msg="您好")
    await asker.steer("advance", hours=24)

    assert told(asker) == [("add_external_contact", "b"), ("del_external_contact", "a")]
    assert (await asker.get("list", userid="a"))["errcode"] == 84061


async def test_who_has_the_customer_already_or_gave_them_away_is_not_told_of_them(asker: Asker) -> None:
    await staff(asker, customers=2)
    asker.simulator.corp.link("b", "wm-0")
    await asker.transfer(ON_JOB, "a", "b", "wm-0", "wm-1")
    await asker.steer("advance", hours=24)
    await asker.transfer(ON_JOB, "b", "a", "wm-1")
    await asker.steer("advance", hours=24)

    added = [(call.fields["UserID"], call.fields["ExternalUserID"]) for call in asker.simulator.caller.calls]
    assert added == [("a", "wm-0"), ("b", "wm-1"), ("a", "wm-1"), ("b", "wm-1")]
    assert [change for change, _ in told(asker)] == [
        "del_external_contact",
        "add_external_contact",
        "del_external_contact",
        "del_external_contact",
    ]


@pytest.mark.parametrize(("switch", "unassigned"), [("lost", 0), ("back_to_pool", 1)])
async def test_what_a_leavers_customer_refused_is_lost_or_can_be_given_again(
    asker: Asker, switch: str, unassigned: int
) -> None:
    await staff(asker, leaver=True)
    await asker.steer("switches", resigned_refusal=switch)
    await asker.steer("customers", customers=[{"external_user_id": "wm-0", "reply": "refuse"}])
    await asker.transfer(RESIGNED, "a", "b", "wm-0")
    await asker.steer("advance", hours=24)

    assert await asker.results(RESIGNED_RESULT, "a", "b") == {"wm-0": 3}
    assert len((await asker.post("get_unassigned_list"))["info"]) == unassigned
    [call] = asker.simulator.caller.calls
    assert (call.fields["ChangeType"], call.fields["FailReason"]) == ("transfer_fail", "customer_refused")


async def test_on_the_job_a_customer_who_refuses_stays_where_they_are(asker: Asker) -> None:
    await staff(asker)
    await asker.steer("customers", customers=[{"external_user_id": "wm-0", "of": ["a"], "reply": "refuse"}])
    await asker.transfer(ON_JOB, "a", "b", "wm-0")
    await asker.steer("advance", hours=24)

    assert (await asker.get("list", userid="a"))["external_userid"] == ["wm-0"]


async def test_a_successor_who_became_full_meanwhile_gets_nobody_more(asker: Asker) -> None:
    await staff(asker, customers=3, leaver=True)
    asker.simulator.corp.members["b"].cap = 1

    codes = await asker.transfer(RESIGNED, "a", "b", "wm-0", "wm-1")
    await asker.steer("advance", hours=24)
    late = await asker.transfer(RESIGNED, "a", "b", "wm-2")

    assert codes == {"wm-0": 0, "wm-1": 0}
    assert await asker.results(RESIGNED_RESULT, "a", "b") == {"wm-0": 1, "wm-1": 4}
    assert late == {"wm-2": 40099}
    assert ("transfer_fail", "b") in told(asker)


async def test_a_customer_moves_twice_in_ninety_days_on_the_job_and_no_more(asker: Asker) -> None:
    await staff(asker)
    codes: list[int] = []
    for former, successor in (("a", "b"), ("b", "a"), ("a", "b")):
        codes += (await asker.transfer(ON_JOB, former, successor, "wm-0")).values()
        await asker.steer("advance", days=2)
    await asker.steer("advance", days=90)
    codes += (await asker.transfer(ON_JOB, "a", "b", "wm-0")).values()

    assert codes == [0, 0, 40128, 0]


async def test_a_leaver_is_handed_over_within_a_year(asker: Asker) -> None:
    await staff(asker, customers=2, leaver=True)
    await asker.steer("advance", days=364)
    asker.simulator.corp.members["b"].logged_in_at = asker.simulator.corp.now
    in_time = await asker.transfer(RESIGNED, "a", "b", "wm-0")
    await asker.steer("advance", days=2)

    assert in_time == {"wm-0": 0}
    assert await asker.transfer(RESIGNED, "a", "b", "wm-1") == {"wm-1": 40131}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"is_real_name": False}, 40098),
        ({"is_banned": True}, 40143),
        ({"is_team": True}, 40132),
        ({"may_have_contacts": False}, 84074),
        ({"logged_in_at": None}, 84074),
    ],
)
@pytest.mark.parametrize("switch", ["each", "outer"])
async def test_a_successor_who_is_unfit_is_said_of_each_customer_or_of_all(
    asker: Asker, wrong: dict[str, object], code: int, switch: str
) -> None:
    await staff(asker)
    asker.simulator.corp.hire("b", **wrong)
    await asker.steer("switches", member_codes=switch)

    answer = await asker.post(ON_JOB, handover_userid="a", takeover_userid="b", external_userid=["wm-0"])

    if switch == "outer":
        assert answer["errcode"] == code
    else:
        assert (answer["errcode"], answer["customer"][0]["errcode"]) == (0, code)


async def test_each_customer_has_a_code_of_their_own(asker: Asker) -> None:
    await staff(asker, customers=3)
    corp = asker.simulator.corp
    corp.meet("wm-of-nobody")
    corp.lose(corp.links["a", "wm-1"])
    corp.links["a", "wm-2"].is_one_way = True
    await asker.transfer(ON_JOB, "a", "b", "wm-0")

    codes = await asker.transfer(ON_JOB, "a", "b", "wm-0", "wm-1", "wm-2", "wm-of-nobody", "nobody")

    assert codes == {"wm-0": 40100, "wm-1": 84061, "wm-2": 0, "wm-of-nobody": 40131, "nobody": 40096}


@pytest.mark.parametrize(
    ("path", "former", "successor", "code"),
    [(RESIGNED, "a", "b", 40097), (ON_JOB, "a", "a", 40130), (RESIGNED, "gone", "b", 0), (ON_JOB, "gone", "b", 40003)],
)
async def test_each_way_is_for_its_own_kind_of_member(
    asker: Asker, path: str, former: str, successor: str, code: int
) -> None:
    await staff(asker)
    asker.simulator.corp.hire("gone")
    asker.simulator.corp.meet("wm-9", "gone")
    asker.simulator.corp.leave("gone")
    customer = "wm-9" if former == "gone" else "wm-0"

    answer = await asker.post(path, handover_userid=former, takeover_userid=successor, external_userid=[customer])

    assert (answer["errcode"] or answer["customer"][0]["errcode"]) == code


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (RESIGNED, PAIR | {"external_userid": ["x"] * 101}),
        (RESIGNED, PAIR | {"external_userid": []}),
        (RESIGNED, PAIR | {"external_userid": ["x"], "transfer_success_msg": ""}),
        (ON_JOB, PAIR | {"external_userid": ["x"], "transfer_success_msg": "我" * 201}),
        (ON_JOB_RESULT, {"handover_userid": "a"}),
        (RESIGNED_RESULT, {"takeover_userid": "b"}),
        ("get_unassigned_list", {"page_size": 1_001}),
        ("get_unassigned_list", {"page_id": 50, "page_size": 1_000}),
        ("get_unassigned_list", {"cursor": "made up"}),
        ("groupchat/list", {}),
        ("groupchat/list", {"limit": 1_001}),
        ("groupchat/list", {"limit": 10, "owner_filter": {"userid_list": ["a"] * 101}}),
        ("groupchat/transfer", {"chat_id_list": ["c"] * 101, "new_owner": "b"}),
    ],
)
async def test_what_is_asked_out_of_bounds_is_refused_as_a_whole(
    asker: Asker, path: str, body: dict[str, object]
) -> None:
    await staff(asker)

    assert (await asker.post(path, **body))["errcode"] == 40058


async def test_unassigned_links_come_by_cursor_or_by_page_without_one(asker: Asker) -> None:
    await staff(asker, customers=25, leaver=True)

    first = await asker.post("get_unassigned_list", page_size=10)
    second = await asker.post("get_unassigned_list", page_size=10, cursor=first["next_cursor"])
    third = await asker.post("get_unassigned_list", page_size=10, cursor=second["next_cursor"])
    old = await asker.post("get_unassigned_list", page_size=10, page_id=2)

    assert [len(each["info"]) for each in (first, second, third)] == [10, 10, 5]
    assert (third["next_cursor"], third["is_last"]) == ("", True)
    assert (len(old["info"]), "next_cursor" in old) == (5, False)


async def test_a_leaver_with_group_chats_only_is_not_among_the_unassigned(asker: Asker) -> None:
    await staff(asker, customers=0, leaver=True)
    asker.simulator.corp.open_chat("wr-1", "a")

    assert (await asker.post("get_unassigned_list"))["info"] == []
    assert (await asker.post("groupchat/list", limit=10, status_filter=1))["group_chat_list"] == [
        {"chat_id": "wr-1", "status": 1}
    ]


@pytest.mark.parametrize(("switch", "listed"), [("listed", {"wm-0": 2, "wm-1": 5}), ("left_out", {"wm-0": 2})])
async def test_results_on_the_job_list_links_nobody_asked_for_or_leave_them_out(
    asker: Asker, switch: str, listed: dict[str, int]
) -> None:
    await staff(asker, customers=2)
    await asker.steer("switches", no_record=switch)
    await asker.transfer(ON_JOB, "a", "b", "wm-0")

    assert await asker.results(ON_JOB_RESULT, "a", "b") == listed


async def test_chats_of_a_leaver_and_on_the_job_have_codes_of_their_own(asker: Asker) -> None:
    await staff(asker, customers=0, leaver=True)
    corp = asker.simulator.corp
    corp.hire("c")
    for chat_id, owner in (("left", "a"), ("own", "b"), ("job", "c")):
        corp.open_chat(chat_id, owner)

    resigned = await asker.post("groupchat/transfer", chat_id_list=["left", "own", "job", "none"], new_owner="b")
    again = await asker.post("groupchat/transfer", chat_id_list=["left"], new_owner="b")
    on_job = await asker.post("groupchat/onjob_transfer", chat_id_list=["job", "own"], new_owner="b")

    codes = {each["chat_id"]: each["errcode"] for each in resigned["failed_chat_list"]}
    assert codes == {"own": 90504, "job": 90500, "none": 90509}
    assert again["failed_chat_list"][0]["errcode"] == 90508
    assert [each["errcode"] for each in on_job["failed_chat_list"]] == [90504]
    assert (await asker.state())["chats"] == {"left": "b", "own": "b", "job": "b"}


async def test_three_hundred_chats_a_day_leave_one_person(asker: Asker) -> None:
    await staff(asker, customers=0, leaver=True)
    ids = [f"wr-{number:03}" for number in range(301)]
    for chat_id in ids:
        asker.simulator.corp.open_chat(chat_id, "a")
    for begin in (0, 100, 200):
        await asker.post("groupchat/transfer", chat_id_list=ids[begin : begin + 100], new_owner="b")

    last = await asker.post("groupchat/transfer", chat_id_list=ids[300:], new_owner="b")
    await asker.steer("advance", hours=24)
    tomorrow = await asker.post("groupchat/transfer", chat_id_list=ids[300:], new_owner="b")

    assert last["failed_chat_list"][0]["errcode"] == 45009
    assert tomorrow["failed_chat_list"] == []


@pytest.mark.parametrize(("switch", "code"), [("refused", 40003), ("listed", 0)])
async def test_an_owner_who_left_is_refused_in_the_filter_or_not(asker: Asker, switch: str, code: int) -> None:
    await staff(asker, customers=0, leaver=True)
    await asker.steer("switches", departed_owner=switch)

    answer = await asker.post("groupchat/list", limit=10, owner_filter={"userid_list": ["a"]})

    assert answer["errcode"] == code


async def test_contacts_are_read_by_member_and_by_customer_and_tags_are_of_the_link(asker: Asker) -> None:
    await staff(asker)
    asker.simulator.corp.link("b", "wm-0")
    await asker.post("mark_tag", userid="a", external_userid="wm-0", add_tag=["vip"])

    followers = (await asker.get("get", external_userid="wm-0"))["follow_user"]
    batch = await asker.post("batch/get_by_user", userid_list=["a", "b"])

    assert {each["userid"]: each["tags"] for each in followers} == {"a": [{"tag_id": "vip", "type": 1}], "b": []}
    assert [each["follow_info"]["tag_id"] for each in batch["external_contact_list"]] == [["vip"], []]


async def test_who_asks_too_often_is_shut_out_for_a_minute(asker: Asker) -> None:
    await asker.steer("switches", a_minute=2)
    codes = [(await asker.get("list", userid="a"))["errcode"] for _ in range(4)]
    await asker.steer("advance", hours=0.05)

    assert codes == [40003, 40003, 45009, 45009]
    assert (await asker.get("list", userid="a"))["errcode"] == 40003


async def test_whatever_is_to_go_wrong_goes_wrong_as_often_as_was_said(asker: Asker) -> None:
    await staff(asker)
    for fault in ({"kind": "code", "value": 42001}, {"kind": "status", "value": 502}, {"kind": "code", "value": -1}):
        await asker.steer("faults", path="externalcontact/list", **fault)

    said = [await asker.http.get("/cgi-bin/externalcontact/list", params={"userid": "a"}) for _ in range(3)]

    assert [(each.status_code, each.json()["errcode"]) for each in said] == [(200, 42001), (502, 502), (200, -1)]
    assert (await asker.get("list", userid="a"))["errcode"] == 0


async def test_a_call_is_cut_off_before_it_does_anything_or_after_it_did_all(asker: Asker) -> None:
    await staff(asker, customers=2)
    for kind, customer in (("drop", "wm-0"), ("lose_answer", "wm-1")):
        await asker.steer("faults", kind=kind, path=f"externalcontact/{ON_JOB}")
        with pytest.raises(httpx2.HTTPError):
            await asker.transfer(ON_JOB, "a", "b", customer)

    assert await asker.transfer(ON_JOB, "a", "b", "wm-0", "wm-1") == {"wm-0": 0, "wm-1": 40100}


async def test_the_same_seed_makes_up_the_same_refusals(asker: Asker) -> None:
    found = []
    for seed in (7, 7, 8):
        await asker.steer("reset", seed=seed)
        asker.token = ""
        await asker.steer("switches", refuse_share=0.5)
        await asker.steer("people", members=2, customers_each=40)
        asker.simulator.corp.leave("user-1")
        await asker.transfer(RESIGNED, "user-1", "user-2", *(f"wm-1-{number}" for number in range(1, 41)))
        await asker.steer("advance", hours=24)
        found.append(await asker.results(RESIGNED_RESULT, "user-1", "user-2"))

    assert found[0] == found[1] != found[2]
    assert 8 < list(found[0].values()).count(3) < 32


async def test_what_is_steered_wrongly_says_so(asker: Asker) -> None:
    for what, body in (("switches", {"colour": 1}), ("faults", {"kind": "fire"}), ("advance", {"hours": -1})):
        answer = await asker.http.post(f"/_control/{what}", json=body)
        assert (answer.status_code, "error" in answer.json()) == (400, True)


def test_it_knows_nothing_of_the_product() -> None:
    code = (
        "import sys, tests.wecom.__main__, tests.wecom.serving\n"
        "ours = {'server', 'schema', 'handover', 'tasks', 'tagging', 'mall', 'customers', 'directory', 'kernel'}\n"
        "print(sorted(ours & {name.partition('.')[0] for name in sys.modules}))"
    )

    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert said.stdout.strip() == "[]"
