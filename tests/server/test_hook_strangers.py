"""Strangers call: whoever can't sign learns nothing, and costs little."""

import hmac
from typing import Any

import pytest

from intake.commands import hooks
from intake.models import HookRefusal
from intake.queries import hooks as sources
from kernel import clock
from kernel.work import Ground, unit_of_work
from server.hooks import noting
from tests.factories import World
from tests.mall.trading import count
from tests.server.calling import connect, packed, refusals, said
from tests.server.test_hooks import served, world
from tests.serving import Served
from tests.statements import statements

__all__ = ["served", "world"]


async def test_a_stranger_cannot_tell_a_wrong_signature_from_no_source(
    served: Served, ground: Ground, world: World
) -> None:
    mall, order = await connect(ground, world), packed(said())
    without_secret = await connect(ground, world)
    async with unit_of_work(ground, world.hq) as work:
        [secret] = (await sources.secrets_of(work.session, world.hq, [without_secret.source_id])).popitem()[1]
        await hooks.end_secret(work, secret.id)
    said_of: list[tuple[int, str]] = []
    for slug in (
        mall.slug,
        without_secret.slug,
        f"{world.brand.code}.nobody",
        "nobody.nobody",
        "x",
        "%00.a",
        "a" * 500,
    ):
        for headers in ({}, {"webhook-signature": "v1,AAAA"}, {"content-type": "text/xml"}):
            answer = await served.http.post(f"/hooks/mall/{slug}", content=order, headers=headers)
            said_of.append((answer.status_code, answer.text))

    assert len(set(said_of)) == 1
    assert said_of[0][0] == 401


async def test_what_a_stranger_sends_takes_the_same_work_whether_there_is_a_source_or_not(
    served: Served, ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is written down of it comes after the answer, and isn't waited for."""
    mall, body = await connect(ground, world), packed(said())
    compared: list[bytes] = []
    compare = hmac.compare_digest

    def noted(one: bytes, another: bytes) -> bool:
        compared.append(one)
        return compare(one, another)

    monkeypatch.setattr("intake.models.schemes.hmac.compare_digest", noted)
    monkeypatch.setattr(noting.Notes, "note", lambda *_, **__: None)
    headers = {"content-type": "application/json", "webhook-signature": "v1," + "A" * 43 + "="}
    headers |= {"webhook-id": "msg_1", "webhook-timestamp": str(int(clock.now().timestamp()))}
    work: list[Any] = []
    for slug in (mall.slug, f"{world.brand.code}.nobody", "nobody.nobody", "NOT-AN-ADDRESS"):
        compared.clear()
        with statements(ground) as sent:
            answer = await served.http.post(f"/hooks/mall/{slug}", content=body, headers=headers)
        shown = {name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id")}
        work.append((list(sent), len(compared), answer.status_code, answer.content, shown))

    assert all(each == work[0] for each in work)
    assert (len(work[0][0]), work[0][1], work[0][2]) == (1, 1, 401)


async def test_strangers_cannot_fill_the_audit(
    served: Served, ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now().replace(second=10)
    monkeypatch.setattr(clock, "now", lambda: now)
    mall = await connect(ground, world)

    for _ in range(noting.MOST_UNSIGNED + 5):
        await served.http.post(mall.path, content=b"{}")
    await refusals(served, mall)
    for _ in range(5):
        await served.http.post("/hooks/mall/nobody.nobody", content=b"{}")

    assert len(await refusals(served, mall)) == noting.MOST_UNSIGNED
    assert await count(ground, world.brand.id, HookRefusal) == noting.MOST_UNSIGNED
