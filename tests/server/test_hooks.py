"""Malls call: who is let in, what is kept, and what they are told."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from intake.commands import hooks
from intake.models import HookMessage, HookMessageState, schemes
from intake.queries import hooks as sources
from kernel import clock, jobs
from kernel.work import Ground, unit_of_work
from mall.models import Order
from server.hooks import receiving
from tests.asking import VAULT
from tests.factories import World, build_world
from tests.intake.malls import Told, sent, woocommerce, youzan
from tests.mall.trading import count
from tests.server.calling import Mall, by_body, call, connect, line, messages, packed, refusals, said, signed
from tests.serving import Served, serving


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    """A server that takes messages in, and leaves it to others to apply them."""
    async with serving(ground) as served:
        served.edge.applier._is_open = False
        yield served


async def nothing_kept(ground: Ground, world: World) -> bool:
    async with ground.db.read() as session:
        waiting = await jobs.due(session)
    return not waiting and not await count(ground, world.brand.id, HookMessage)


async def test_a_signed_message_is_kept_once_sealed_and_with_a_job(
    served: Served, ground: Ground, world: World
) -> None:
    mall = await connect(ground, world)
    order = said("W-1", note="13800138000")

    answers = [await call(served, mall, order, "msg_1") for _ in range(5)]

    assert [answer.status_code for answer in answers] == [202, 200, 200, 200, 200]
    assert [answer.json()["state"] for answer in answers] == ["accepted", *["repeated"] * 4]
    [kept] = await messages(ground, mall)
    assert (kept.message_id, kept.state, kept.order_number) == ("msg_1", HookMessageState.RECEIVED, "W-1")
    assert b"13800138000" not in (kept.body or b"")
    assert json.loads(VAULT.open(world.brand.id, kept.body or b"")) == order
    async with ground.db.read() as session:
        [job] = await jobs.waiting(session, world.brand.id, "apply_hook_message")
    assert job == {"message_id": str(kept.id)}


async def test_the_same_message_five_times_at_once_is_kept_once(served: Served, ground: Ground, world: World) -> None:
    mall, order = await connect(ground, world), said()

    answers = await asyncio.gather(*(call(served, mall, order, "msg_1") for _ in range(5)))

    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 200, 202]
    assert len(await messages(ground, mall)) == 1


NESTED = b'{"a":' * 100_000
WIDE = b"[" + b"[]," * 60_000 + b"[]]"
DEEP = b'{"data":' + b"[" * 40 + b"]" * 40 + b"}"
BAD: dict[str, tuple[Any, dict[str, Any], int, str, bool]] = {
    "a wrong signature": (said(), {"headers": {"webhook-signature": "v1,AAAA"}}, 401, "HOOK_SIGNATURE_WRONG", False),
    "no signature": (said(), {"headers": {"webhook-signature": ""}}, 401, "HOOK_SIGNATURE_WRONG", False),
    "an asymmetric signature": (
        said(),
        {"headers": {"webhook-signature": "v1a,AAAA"}},
        401,
        "HOOK_SIGNATURE_WRONG",
        False,
    ),
    "an id that was not signed": (said(), {"headers": {"webhook-id": "msg_x"}}, 401, "HOOK_SIGNATURE_WRONG", False),
    "no time": (said(), {"headers": {"webhook-timestamp": ""}}, 401, "HOOK_SIGNATURE_WRONG", False),
    "another's secret": (said(), {"secret": hooks.new_secret()}, 401, "HOOK_SIGNATURE_WRONG", False),
    "an old time": (said(), {"at": timedelta(minutes=-5, seconds=-2)}, 400, "HOOK_TIME_WRONG", True),
    "a time to come": (said(), {"at": timedelta(minutes=5, seconds=3)}, 400, "HOOK_TIME_WRONG", True),
    "a form": (
        said(),
        {"headers": {"content-type": "application/x-www-form-urlencoded"}},
        415,
        "UNSUPPORTED_MEDIA_TYPE",
        True,
    ),
    "no type": (said(), {"headers": {"content-type": ""}}, 415, "UNSUPPORTED_MEDIA_TYPE", True),
    "nothing": (b"", {}, 400, "HOOK_BODY_WRONG", True),
    "no JSON": (b"<order/>", {}, 400, "HOOK_BODY_WRONG", True),
    "half of it": (packed(said())[:-20], {}, 400, "HOOK_BODY_WRONG", True),
    "NaN": (b'{"type":"order","data":{"amount":NaN}}', {}, 400, "HOOK_BODY_WRONG", True),
    "a number without end": (b'{"type":"order","data":{"amount":1e999}}', {}, 400, "HOOK_BODY_WRONG", True),
    "half a letter": ('{"type":"é"}'.encode("latin-1"), {}, 400, "HOOK_BODY_WRONG", True),
    "many levels, never closed": (NESTED[: 250 * 1024], {}, 400, "HOOK_BODY_WRONG", True),
    "forty levels": (DEEP, {}, 400, "HOOK_BODY_WRONG", True),
    "lists upon lists": (WIDE, {}, 400, "HOOK_BODY_WRONG", True),
    "10 MB": (b" " * 10_000_000, {}, 413, "REQUEST_TOO_LARGE", False),
    "a byte too many": (b" " * (256 * 1024 + 1), {}, 413, "REQUEST_TOO_LARGE", False),
    "a list": (b"[1]", {}, 422, "PAYLOAD_UNREADABLE", True),
    "a negative price": (said(amount=-1, lines=[line(amount=-1)]), {}, 422, "PRICE_NEGATIVE", True),
    "a negative line": (said(lines=[line(amount=-1), line(amount=19_901)]), {}, 422, "PRICE_NEGATIVE", True),
    "another currency": (said(currency="USD"), {}, 422, "PAYLOAD_CURRENCY", True),
    "a line without SKU": (said(lines=[line(sku=None)]), {}, 422, "LINE_WITHOUT_SKU", True),
    "lines that don't add up": (said(amount=1), {}, 422, "SUMS_DIFFER", True),
    "no lines": (said(lines=[]), {}, 422, "PAYLOAD_INCOMPLETE", True),
    "no number": (said() | {"data": said()["data"] | {"number": None}}, {}, 422, "PAYLOAD_INCOMPLETE", True),
    "a NUL": (said(number="W\x00"), {}, 422, "PAYLOAD_WRONG", True),
    "half a character": (packed(said(note="\ud83d")), {}, 400, "HOOK_BODY_WRONG", True),
    "a number beyond 64 bits": (said(amount=2**64, lines=[line(amount=2**64)]), {}, 422, "PAYLOAD_WRONG", True),
    "more than JSON carries": (said(amount=2**53, lines=[line(amount=2**53)]), {}, 422, "PAYLOAD_WRONG", True),
    "a time before there were malls": (said(placed_at="0001-01-01T00:00:00Z"), {}, 422, "PAYLOAD_WRONG", True),
    "a state nobody knows": (said(state="lost"), {}, 422, "PAYLOAD_WRONG", True),
}


async def test_bad_input_is_refused_and_leaves_one_audit_line(served: Served, ground: Ground, world: World) -> None:
    for what, (content, how, status, code, is_signed) in BAD.items():
        mall = await connect(ground, world)
        given = how | {"at": clock.now() + how["at"]} if "at" in how else how

        answer = await call(served, mall, content, **given)

        assert (answer.status_code, answer.json()["code"]) == (status, code), f"{what}: {answer.text}"
        assert answer.json()["message"], what
        assert await nothing_kept(ground, world), what
        [noted] = await refusals(served, mall)
        assert (noted[0], noted[1], noted[3]) == (status, code, is_signed), what
        assert "羊绒衫" not in str(noted), what


def test_a_text_that_never_ends_is_looked_at_once() -> None:
    """From each of its quotes anew, this one took two minutes in which nobody else was answered."""
    began = time.perf_counter()

    found = [receiving._is_bomb(text) for text in (b'"' + b'\\"' * 131_000, b'"' + b"\\" * 262_001, b"[" * 40 + b'"]')]

    assert found == [False, False, True]
    assert time.perf_counter() - began < 10


async def test_what_is_wrong_is_told_in_the_senders_language(served: Served, ground: Ground, world: World) -> None:
    mall = await connect(ground, world)

    answer = await call(served, mall, said(currency="USD"), headers={"accept-language": "zh-CN"})

    assert "币种" in answer.json()["message"]


async def test_an_id_with_another_body_is_refused(served: Served, ground: Ground, world: World) -> None:
    mall = await connect(ground, world)

    first = await call(served, mall, said("W-1"), "msg_1")
    other = await call(served, mall, said("W-2"), "msg_1")

    assert (first.status_code, other.status_code, other.json()["code"]) == (202, 409, "HOOK_MESSAGE_DIFFERS")
    assert [each.order_number for each in await messages(ground, mall)] == ["W-1"]
    assert await refusals(served, mall) == [(409, "HOOK_MESSAGE_DIFFERS", None, True)]


async def test_two_secrets_count_while_one_takes_the_others_place(served: Served, ground: Ground, world: World) -> None:
    mall = await connect(ground, world)
    async with unit_of_work(ground, world.hq) as work:
        second = await hooks.add_secret(work, VAULT, mall.source_id)
    text = VAULT.open(world.brand.id, second.sealed)
    both = [(await call(served, mall, said(), secret=secret)).status_code for secret in (mall.secret, text)]
    async with ground.db.read() as session:
        found = await sources.secrets_of(session, world.hq, [mall.source_id])
    [first] = [each.id for each in found[mall.source_id] if each.id != second.id]
    async with unit_of_work(ground, world.hq) as work:
        await hooks.end_secret(work, first)

    after = [(await call(served, mall, said(), secret=secret)).status_code for secret in (mall.secret, text)]

    assert (both, after) == ([202, 202], [401, 202])


async def test_a_secret_that_was_made_for_another_way_of_signing_lets_nobody_in(
    served: Served, ground: Ground, world: World
) -> None:
    """No secret is no key: least of all one that everybody knows, as the empty one."""
    mall, body = await connect(ground, world, "shopify", "their-own-secret"), packed(said())
    async with unit_of_work(ground, world.hq) as work:
        await hooks.edit_source(work, mall.source_id, "商城", "daogou", world.shop.store.code)
    stamp = str(int(clock.now().timestamp()))
    content = b".".join((b"msg_1", stamp.encode(), body))
    said_of = []
    for key in (b"", b"their-own-secret"):
        signature = base64.b64encode(hmac.digest(key, content, "sha256")).decode()
        headers = {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}
        answer = await served.http.post(mall.path, content=body, headers=headers | {"content-type": "application/json"})
        said_of.append(answer.status_code)

    assert said_of == [401, 401]


async def test_a_list_of_signatures_holds_the_right_one(served: Served, ground: Ground, world: World) -> None:
    mall, body = await connect(ground, world), packed(said())
    headers = signed(mall.secret, body)
    headers["webhook-signature"] = f"v1a,zzz v1,AAAA {headers['webhook-signature']}"

    answer = await call(served, mall, body, headers=headers)

    assert answer.status_code == 202


def test_what_we_sign_is_what_the_reference_program_takes() -> None:
    secret, body, at = hooks.new_secret(), packed(said()), clock.now()

    assert schemes.sign(secret, "msg_1", at, body) == signed(secret, body, "msg_1", at)


def test_every_signature_is_compared_with_every_secret_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that stops at the first difference, or at the first match, tells by its time how far it came."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, another: bytes) -> bool:
        compared.append((one, another))
        return one == another

    monkeypatch.setattr("intake.models.schemes.hmac.compare_digest", compare)
    body, secrets = packed(said()), [hooks.new_secret(), hooks.new_secret()]
    for name, headers, keys in (
        ("standard-webhooks", signed(secrets[0], body), secrets),
        ("shopify", {"x-shopify-hmac-sha256": by_body("s" * 20, body)}, ["s" * 20, "t" * 20]),
        ("woocommerce", {"x-wc-webhook-signature": by_body("s" * 20, body)}, ["s" * 20, "t" * 20]),
        ("youzan", {"event-sign": "0" * 32}, ["id:secret", "id:other"]),
    ):
        compared.clear()
        schemes.scheme(name).verify(schemes.Arrived(headers, body), keys)
        assert len(compared) == 2, name


async def test_what_is_none_of_our_business_is_taken_and_left_at_that(
    served: Served, ground: Ground, world: World
) -> None:
    mall = await connect(ground, world)

    answer = await call(served, mall, {"type": "inventory", "data": {}})

    assert (answer.status_code, answer.json()) == (202, {"state": "ignored"})
    [kept] = await messages(ground, mall)
    assert (kept.state, kept.body) == (HookMessageState.IGNORED, None)
    async with ground.db.read() as session:
        assert not await jobs.due(session)


async def test_shopify_and_woocommerce_sign_the_body(served: Served, ground: Ground, world: World) -> None:
    for mapping, signature, message_id in (
        ("shopify", "X-Shopify-Hmac-SHA256", "X-Shopify-Webhook-Id"),
        ("woocommerce", "X-WC-Webhook-Signature", "X-WC-Webhook-Delivery-ID"),
    ):
        mall = await connect(ground, world, mapping, "a secret of theirs".replace(" ", "-"))
        body = b'{"topic": "something else"}'
        for secret, status in ((mall.secret, (202, 422)), ("b" * 20, (401,))):
            headers = {"Content-Type": "application/json", signature: by_body(secret, body), message_id: "d-1"}
            answer = await served.http.post(mall.path, content=body, headers=headers)
            assert answer.status_code in status, (mapping, answer.text)


async def test_two_messages_of_woocommerce_in_one_second_are_two(served: Served, ground: Ground, world: World) -> None:
    """Its delivery id is made of the webhook and the second: orders that change in the same second share it."""
    mall = await connect(ground, world, "woocommerce", "a-secret-of-theirs")
    answers = []
    for number in ("5001", "5002", "5001"):
        body = sent(woocommerce(Told(number=number, store=world.shop.store.code)))
        headers = {
            "Content-Type": "application/json",
            "X-WC-Webhook-Signature": by_body(mall.secret, body),
            "X-WC-Webhook-Delivery-ID": "d-1",
        }
        answers.append((await served.http.post(mall.path, content=body, headers=headers)).status_code)

    assert answers == [202, 202, 200]
    assert [each.order_number for each in await messages(ground, mall)] == ["5001", "5002"]


async def test_youzan_counts_in_the_message_how_often_it_was_sent(served: Served, ground: Ground, world: World) -> None:
    """The same message again is the same, though its body isn't; another one under its id is not."""
    mall = await connect(ground, world, "youzan", "client:secret-of-theirs")
    paid = youzan(Told(store=world.shop.store.code))
    other = youzan(Told(number="5002", store=world.shop.store.code))
    answers = []
    for message in (paid | {"sendCount": 0}, paid | {"sendCount": 1}, other | {"sendCount": 2}):
        body = sent(message)
        sign = hashlib.md5(b"client" + body + b"secret-of-theirs", usedforsecurity=False).hexdigest()
        headers = {"Content-Type": "application/json", "Event-Sign": sign}
        answers.append((await served.http.post(mall.path, content=body, headers=headers)).status_code)

    assert answers == [200, 200, 409]
    assert [each.order_number for each in await messages(ground, mall)] == ["5001"]
    deep = b'{"msg_id":"1","a":' + b"[" * 500 + b"]" * 500 + b"}"
    sign = hashlib.md5(b"client" + deep + b"secret-of-theirs", usedforsecurity=False).hexdigest()
    headers = {"Content-Type": "application/json", "Event-Sign": sign}
    assert (await served.http.post(mall.path, content=deep, headers=headers)).json()["code"] == "HOOK_BODY_WRONG"


async def test_woocommerce_asks_first_whether_anybody_is_there(served: Served) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    answer = await served.http.post("/hooks/mall/any.body", content=b"webhook_id=17", headers=form)

    assert answer.status_code == 200


async def test_nobody_asks_with_get(served: Served) -> None:
    assert (await served.http.get("/hooks/mall/any.body")).status_code == 405


async def test_a_mall_of_a_brand_with_any_code_may_call(served: Served, ground: Ground) -> None:
    brands = [await build_world(ground, code) for code in ("qing_he", "0-_")]

    answers = [await call(served, await connect(ground, brand), said()) for brand in brands]

    assert [answer.status_code for answer in answers] == [202, 202]


async def test_a_message_never_touches_another_brand(served: Served, ground: Ground, world: World) -> None:
    """Both brands have a source of the same code: the address alone says whose it is, and the secret has to fit."""
    theirs = await build_world(ground, "other")
    made: list[Mall] = []
    for each in (world, theirs):
        async with unit_of_work(ground, each.hq) as work:
            source = await hooks.add_source(work, "mall", "商城", "daogou", each.shop.store.code)
        async with unit_of_work(ground, each.hq) as work:
            secret = await hooks.add_secret(work, VAULT, source.id)
        made.append(Mall(source.id, source.slug, VAULT.open(each.brand.id, secret.sealed)))
    ours, other = made

    crossed = await call(served, other, said(), secret=ours.secret)
    mine = await call(served, ours, said(), "msg_1")
    alike = await call(served, other, said(), "msg_1")

    assert (crossed.status_code, mine.status_code, alike.status_code) == (401, 202, 202)
    assert [len(await messages(ground, mall)) for mall in made] == [1, 1]
    assert [await count(ground, each.brand.id, HookMessage) for each in (world, theirs)] == [1, 1]
    assert await count(ground, theirs.brand.id, Order) == 0
