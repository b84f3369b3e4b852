"""What WeCom tells is kept before it is answered, once, and nobody else is believed."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlmodel import col

from handover.commands import listening, tying
from handover.models import PartnerNews
from handover.models.news import NewsKind, NewsReason
from kernel import clock, jobs
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from server.wecom import callbacks, telling
from tests.asking import VAULT
from tests.factories import World, build_world
from tests.serving import Served, serving
from tests.wecom.app import Simulator
from tests.wecom.sealing import Seal, envelope, event
from tests.wecom.transfers import ask
from tests.wecom.world import Reply

TOKEN, KEY, CORP = "hereisatoken", "4Ma3YBrSBbX2aez8MJpXGBne5LSDwgGqHbhM9WPYIws", "ww0000000000000001"
SEAL = Seal(TOKEN, KEY, CORP)
PATH = "/hooks/wecom/qinghe"
LINKED: dict[str, object] = {
    "Event": "change_external_contact",
    "ChangeType": "add_external_contact",
    "UserID": "b",
    "ExternalUserID": "wm",
}


@pytest.fixture
async def world(ground: Ground) -> World:
    world = await build_world(ground)
    await tie(ground, world)
    return world


async def tie(ground: Ground, world: World, key: str | None = None) -> None:
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await tying.tie(
            work, VAULT, corp_id=CORP, secret="not used here", callback_token=TOKEN, callback_key=key or KEY
        )


@pytest.fixture
async def served(ground: Ground, world: World) -> AsyncIterator[Served]:
    """A server that takes news in, and leaves it to others to apply it."""
    async with serving(ground) as served:
        served.edge.applier._is_open = False
        yield served


def at_now() -> int:
    return int(clock.now().timestamp())


async def post(served: Served, body: bytes, params: dict[str, str], path: str | None = None) -> httpx2.Response:
    return await served.http.post(path or PATH, params=params, content=body)


async def tell(
    served: Served, fields: dict[str, Any], *, at: int | None = None, seal: Seal | None = None, path: str | None = None
) -> httpx2.Response:
    """Tell something as WeCom does."""
    moment = at if at is not None else at_now()
    params, encrypted = (seal or SEAL).call(event(CORP, moment, fields), at_now(), Random())
    return await post(served, envelope(CORP, encrypted), params, path)


async def kept(ground: Ground, world: World) -> Sequence[PartnerNews]:
    async with ground.db.read() as session:
        found = await session.scalars(select(PartnerNews).where(col(PartnerNews.brand_id) == world.brand.id))
        return found.all()


async def waiting(ground: Ground, world: World) -> list[str]:
    async with ground.db.read() as session:
        return [args["key"] for args in await jobs.waiting(session, world.brand.id, listening.HEAR)]


async def test_the_address_is_looked_at_and_what_was_sent_comes_back(served: Served) -> None:
    params, echo = SEAL.call(b"1616140317555161061", at_now(), Random(1))

    started = time.perf_counter()
    answer = await served.http.get(PATH, params={**params, "echostr": echo})

    assert (answer.status_code, answer.content) == (200, b"1616140317555161061")
    assert time.perf_counter() - started < 1


async def test_an_event_is_kept_once_with_a_job_however_often_it_is_told(
    served: Served, ground: Ground, world: World
) -> None:
    at = at_now()

    answers = [await tell(served, LINKED, at=at) for _ in range(3)]
    answers += await asyncio.gather(*(tell(served, LINKED, at=at) for _ in range(3)))

    assert [(answer.status_code, answer.content) for answer in answers] == [(200, b"")] * 6
    [row] = await kept(ground, world)
    assert (row.kind, row.user_id, row.external_user_id, int(row.at.timestamp())) == (NewsKind.LINKED, "b", "wm", at)
    assert await waiting(ground, world) == [row.key]


async def test_two_events_of_one_second_are_two(served: Served, ground: Ground, world: World) -> None:
    at = at_now()
    for customer in ("wm-1", "wm-2"):
        await tell(served, LINKED | {"ExternalUserID": customer}, at=at)
    await tell(served, LINKED | {"ExternalUserID": "wm-1"}, at=at + 1)

    assert len(await kept(ground, world)) == 3


CONTACT, CHAT = "change_external_contact", "change_external_chat"


@pytest.mark.parametrize(
    ("said", "kind", "reason"),
    [
        ({"Event": CONTACT, "ChangeType": "add_half_external_contact"}, NewsKind.HALF_LINKED, None),
        ({"Event": CONTACT, "ChangeType": "del_external_contact"}, NewsKind.UNLINKED_BY_STAFF, None),
        ({"Event": CONTACT, "ChangeType": "del_follow_user"}, NewsKind.UNLINKED_BY_CUSTOMER, None),
        (
            {"Event": CONTACT, "ChangeType": "transfer_fail", "FailReason": "customer_refused"},
            NewsKind.TRANSFER_FAILED,
            NewsReason.REFUSED,
        ),
        (
            {"Event": CONTACT, "ChangeType": "transfer_fail", "FailReason": "customer_limit_exceed"},
            NewsKind.TRANSFER_FAILED,
            NewsReason.TAKEOVER_FULL,
        ),
        ({"Event": CONTACT, "ChangeType": "transfer_fail", "FailReason": "new"}, NewsKind.TRANSFER_FAILED, None),
        ({"Event": CHAT, "ChangeType": "dismiss"}, NewsKind.CHAT_CHANGED, NewsReason.DISMISSED),
        (
            {"Event": CHAT, "ChangeType": "update", "UpdateDetail": "change_owner"},
            NewsKind.CHAT_CHANGED,
            NewsReason.OWNER_CHANGED,
        ),
        ({"Event": "change_contact", "ChangeType": "delete_user"}, NewsKind.MEMBER_LEFT, None),
    ],
)
def test_each_event_is_news_of_its_kind(said: dict[str, str], kind: NewsKind, reason: NewsReason | None) -> None:
    fields = {"MsgType": "event", "CreateTime": "1700000000", "UserID": "b", **said}

    news = telling.news_of(fields)

    assert news is not None
    assert (news.kind, news.reason, news.user_id, news.is_transfer) == (kind, reason, "b", False)


def test_a_contact_that_went_to_a_colleague_is_told_from_one_that_was_deleted() -> None:
    fields = {"MsgType": "event", "CreateTime": "1700000000", "Event": CONTACT, "ChangeType": "del_external_contact"}

    moved, deleted = telling.news_of(fields | {"Source": "DELETE_BY_TRANSFER"}), telling.news_of(fields)

    assert moved is not None
    assert deleted is not None
    assert (moved.is_transfer, deleted.is_transfer) == (True, False)


@pytest.mark.parametrize(
    "said",
    [
        {"Event": CONTACT, "ChangeType": "edit_external_contact"},
        {"Event": CONTACT, "ChangeType": "msg_audit_approved"},
        {"Event": CHAT, "ChangeType": "update", "UpdateDetail": "add_member"},
        {"Event": CHAT, "ChangeType": "create"},
        {"Event": "change_external_tag", "ChangeType": "create"},
        {"Event": "change_contact", "ChangeType": "update_user"},
    ],
)
async def test_what_is_no_news_for_a_handover_is_answered_and_not_kept(
    served: Served, ground: Ground, world: World, said: dict[str, str]
) -> None:
    assert (await tell(served, said)).status_code == 200
    assert await kept(ground, world) == []


async def test_old_news_is_not_taken_and_new_news_is(served: Served, ground: Ground, world: World) -> None:
    """A copy of what was told long ago would be taken for new, once it is forgotten."""
    await tell(served, LINKED, at=at_now() - 31 * 86_400)
    assert await kept(ground, world) == []

    await tell(served, LINKED, at=at_now() - 29 * 86_400)
    assert len(await kept(ground, world)) == 1


@pytest.mark.parametrize(
    "seal",
    [Seal("anothertoken", KEY, CORP), Seal(TOKEN, KEY[:-1] + "A", CORP), Seal(TOKEN, KEY, "ww0000000000000002")],
    ids=["token", "key", "corp"],
)
async def test_who_has_not_all_three_is_turned_away_and_nothing_is_kept(
    served: Served, ground: Ground, world: World, seal: Seal
) -> None:
    refused = await tell(served, LINKED, seal=seal)
    params, echo = seal.call(b"123", at_now(), Random(1))
    looked = await served.http.get(PATH, params={**params, "echostr": echo})

    assert refused.status_code == looked.status_code == (401 if seal.token != TOKEN else 400)
    assert await kept(ground, world) == []


@pytest.mark.parametrize("brand", ["nobody", "QINGHE", "a%2Fb", "x" * 200, "%00"])
async def test_where_no_brand_is_a_stranger_is_told_the_same_as_with_a_wrong_token(served: Served, brand: str) -> None:
    wrong = await tell(served, LINKED, seal=Seal("anothertoken", KEY, CORP))
    nobody = await tell(served, LINKED, path=f"/hooks/wecom/{brand}")

    assert brand == "a%2Fb" or (nobody.status_code, nobody.content) == (wrong.status_code, wrong.content)
    assert nobody.status_code in (401, 404)


async def test_a_brand_that_is_tied_with_another_key_reads_with_that_one(
    served: Served, ground: Ground, world: World
) -> None:
    other = "cD0d7jx4tYvVtzqrmh3Dm3QFCXe6f8SlHoMtMh3qQEP"
    await tie(ground, world, other)

    assert (await tell(served, LINKED)).status_code == 400
    assert (await tell(served, LINKED, seal=Seal(TOKEN, other, CORP))).status_code == 200


async def test_too_much_at_once_is_turned_away(served: Served) -> None:
    answer = await post(served, b"x" * (callbacks.MOST_BYTES + 1), {})

    assert answer.status_code == 413


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>'
FILE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><Encrypt>&a;</Encrypt></xml>'
OUTSIDE = b'<!DOCTYPE xml SYSTEM "http://203.0.113.1/a.dtd"><xml><Encrypt>x</Encrypt></xml>'


@pytest.mark.parametrize("body", [BOMB, FILE, OUTSIDE, b"<xml>" + b"<a>" * 50_000, b"<xml><a>&b;</a></xml>", b""])
def test_xml_that_wants_more_than_to_be_read_is_refused_at_once(body: bytes) -> None:
    started = time.perf_counter()

    with pytest.raises(telling.NotXml):
        telling.fields_of(body)

    assert time.perf_counter() - started < 0.5


async def test_a_bomb_that_is_well_signed_is_refused_too(served: Served) -> None:
    for plain in (BOMB, FILE):
        params, encrypted = SEAL.call(plain, at_now(), Random(1))
        assert (await post(served, envelope(CORP, encrypted), params)).status_code == 400
    assert (await post(served, BOMB, {})).status_code == 400


@pytest.mark.parametrize("time_of_it", ["", "-1", "９", "1e9", "99999999999", "x"])
async def test_an_event_without_a_time_is_not_taken(served: Served, time_of_it: str) -> None:
    message = event(CORP, 0, LINKED).replace(b"<CreateTime>0<", f"<CreateTime>{time_of_it}<".encode())
    params, encrypted = SEAL.call(message, at_now(), Random(1))

    assert (await post(served, envelope(CORP, encrypted), params)).status_code == 400


ANY_XML = st.lists(
    st.sampled_from(
        [b"<xml>", b"</xml>", b"<a>", b"</a>", b"<![CDATA[", b"]]>", b"&lt;", b"&#0;", b"\xff", b"t", b"<!"]
    ),
    max_size=30,
).map(b"".join)


@given(body=st.one_of(st.binary(max_size=400), ANY_XML))
def test_whatever_is_in_it_is_read_or_refused_and_no_bug(body: bytes) -> None:
    try:
        telling.news_of(telling.fields_of(body))
    except telling.NotXml:
        return


@given(
    values=st.dictionaries(st.sampled_from(["UserID", "ExternalUserID", "ChatId", "FailReason"]), st.text(max_size=80))
)
def test_whatever_an_event_holds_it_is_kept_or_refused_and_no_bug(values: dict[str, str]) -> None:
    fields = {"MsgType": "event", "Event": CONTACT, "ChangeType": "transfer_fail", "CreateTime": "1700000000"}
    try:
        news = telling.news_of(fields | values)
    except telling.NotXml:
        assert any(len(value) > 64 or "\x00" in value for value in values.values())
        return
    assert news is not None
    assert news == telling.news_of(values | fields)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_strangers_never_meet_a_bug_nor_wait_for_long(served: Served) -> None:
    """Bodies and signatures of all kinds, some of them well signed, over HTTP."""
    loop = asyncio.get_running_loop()
    statuses: set[int] = set()
    slowest = 0.0

    async def attempt(body: bytes, is_signed: bool, noise: str) -> None:
        nonlocal slowest
        params = {"msg_signature": noise, "timestamp": noise, "nonce": noise}
        if is_signed:
            params, encrypted = SEAL.call(body, at_now(), Random(len(body)))
            body = envelope(CORP, encrypted)
        started = time.perf_counter()
        statuses.add((await post(served, body, params)).status_code)
        looked = await served.http.get(PATH, params={**params, "echostr": noise})
        statuses.add(looked.status_code)
        slowest = max(slowest, time.perf_counter() - started)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(body=st.one_of(st.binary(max_size=2_000), ANY_XML), is_signed=st.booleans(), noise=st.text(max_size=20))
    def all_of(body: bytes, is_signed: bool, noise: str) -> None:
        asyncio.run_coroutine_threadsafe(attempt(body, is_signed, noise), loop).result(20)

    await asyncio.to_thread(all_of)

    assert statuses <= {200, 400, 401}
    assert slowest < 2


async def test_while_the_database_is_away_wecom_is_asked_to_try_again(
    served: Served, ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> bool:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(listening, "keep", away)
        assert (await tell(served, LINKED)).status_code == 503
    assert (await tell(served, LINKED)).status_code == 200
    assert len(await kept(ground, world)) == 1


async def test_what_takes_too_long_is_answered_before_wecom_gives_up(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def slow(*_: object) -> bool:
        await asyncio.sleep(30)
        return True

    assert callbacks.TAKE_SECONDS < 5
    monkeypatch.setattr(callbacks, "TAKE_SECONDS", 0.2)
    monkeypatch.setattr(listening, "keep", slow)

    assert (await tell(served, LINKED)).status_code == 503


@pytest.fixture
async def simulator(served: Served) -> AsyncIterator[Simulator]:
    """A simulator that was given our address, as the console is."""
    made = Simulator()
    assert await made.caller.set_up(f"http://127.0.0.1:{served.port}{PATH}", TOKEN, KEY)
    yield made
    await made.caller.close()


def transfers(simulator: Simulator) -> None:
    """Ten customers go from `a` to `b` on the job; the last refuses."""
    corp = simulator.corp
    corp.hire("a")
    corp.hire("b")
    for number in range(10):
        corp.meet(f"wm-{number}", "a")
    corp.replies["wm-9"] = Reply.REFUSE
    ask(corp, "a", "b", [f"wm-{number}" for number in range(10)], is_resigned=False)


async def test_all_that_the_simulator_tells_is_heard_twice_told_and_upside_down(
    ground: Ground, world: World, simulator: Simulator
) -> None:
    simulator.caller.habits.hold, simulator.caller.habits.copies = True, 2
    transfers(simulator)
    with clock.stopped_at(simulator.corp.now + timedelta(hours=24)):
        await simulator.travel(timedelta(hours=24))
        assert await kept(ground, world) == []
        await simulator.told(order="reversed")

    kinds = sorted(each.kind for each in await kept(ground, world))
    told = [NewsKind.LINKED] * 9 + [NewsKind.TRANSFER_FAILED] + [NewsKind.UNLINKED_BY_STAFF] * 9
    assert kinds == told
    assert all(each.is_transfer for each in await kept(ground, world) if each.kind is NewsKind.UNLINKED_BY_STAFF)
    assert all(call.answers == [200, 200] for call in simulator.caller.calls)
    assert len(await waiting(ground, world)) == 19


async def test_the_simulator_takes_no_address_with_another_key(served: Served) -> None:
    simulator = Simulator()

    assert not await simulator.caller.set_up(f"http://127.0.0.1:{served.port}{PATH}", "another", KEY)
    await simulator.caller.close()


async def test_wecom_tries_three_times_while_we_are_busy(
    served: Served, ground: Ground, world: World, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, failures = listening.keep, 2

    async def busy(*given: Any) -> bool:
        nonlocal failures
        if failures:
            failures -= 1
            raise ConnectionError
        return await original(*given)

    monkeypatch.setattr(listening, "keep", busy)
    simulator.caller.tell(LINKED)
    await simulator.caller.sent()

    assert simulator.caller.calls[0].answers == [503, 503, 200]
    assert len(await kept(ground, world)) == 1


async def test_an_event_is_applied_once_and_forgotten_after_two_months(
    served: Served, ground: Ground, world: World
) -> None:
    await tell(served, LINKED)
    [key] = await waiting(ground, world)
    taken = []
    for _ in range(2):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            taken.append(await listening.take(work, key))
    at = clock.now()
    for days, left in ((59, 1), (61, 0)):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            await listening.forget(work, at + timedelta(days=days))
        assert len(await kept(ground, world)) == left

    assert taken[0] is not None
    assert (taken[0].kind, taken[0].key, taken[1]) == (NewsKind.LINKED, key, None)


async def test_what_waits_is_not_forgotten(served: Served, ground: Ground, world: World) -> None:
    await tell(served, LINKED)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await listening.forget(work, clock.now() + timedelta(days=400))

    assert len(await kept(ground, world)) == 1


async def test_the_process_that_heard_it_applies_it_at_once(ground: Ground, world: World) -> None:
    async with serving(ground) as served:
        await tell(served, LINKED)
        await served.edge.applier.drained(5.0)

    [row] = await kept(ground, world)
    assert row.applied_at is not None
