"""The same key and body give the stored answer; the same key with another body is refused."""

import asyncio
from typing import Any

import pytest

from kernel import ids
from kernel.actor import Actor, Role
from kernel.crypto import Vault
from kernel.errors import Invalid, NotFound
from kernel.idempotency import KeyReused, Reference, fingerprint, once
from kernel.work import Ground
from tests.asking import VAULT

ANNA = Actor(brand_id=ids.new(), id=ids.new(), role=Role.GUIDE)


class Till:
    """Counts how often it was really rung."""

    def __init__(self) -> None:
        self.rung = 0

    async def ring(self) -> Reference:
        self.rung += 1
        return {"number": self.rung}


async def test_twice_under_one_key_acts_once_and_answers_alike(ground: Ground) -> None:
    till = Till()

    assert [await _once(ground, ANNA, "k", till) for _ in range(3)] == [{"number": 1}] * 3
    assert till.rung == 1


async def test_two_at_once_under_one_key_act_once(ground: Ground) -> None:
    till = Till()

    answers = await asyncio.gather(*(_once(ground, ANNA, "k", till) for _ in range(5)))

    assert answers == [{"number": 1}] * 5
    assert till.rung == 1


async def test_another_body_or_operation_under_the_key_is_refused(ground: Ground) -> None:
    till = Till()
    await _once(ground, ANNA, "k", till)

    with pytest.raises(KeyReused):
        await _once(ground, ANNA, "k", till, body={"other": True})
    with pytest.raises(KeyReused):
        await _once(ground, ANNA, "k", till, operation="another")

    assert till.rung == 1


async def test_keys_of_different_people_and_brands_are_different_keys(ground: Ground) -> None:
    till = Till()
    colleague = Actor(brand_id=ANNA.brand_id, id=ids.new(), role=Role.GUIDE)
    namesake = Actor(brand_id=ids.new(), id=ANNA.id, role=Role.GUIDE)

    for actor in (ANNA, colleague, namesake):
        await _once(ground, actor, "k", till)

    assert till.rung == 3


async def test_a_refusal_is_not_remembered(ground: Ground) -> None:
    async def refuse() -> Reference:
        raise NotFound

    with pytest.raises(NotFound):
        await _act(ground, ANNA, "k", refuse)

    assert await _once(ground, ANNA, "k", Till()) == {"number": 1}


@pytest.mark.parametrize("key", ["", "   ", "x" * 101, "a\x00b"])
async def test_a_key_that_is_none_is_refused(ground: Ground, key: str) -> None:
    till = Till()

    with pytest.raises(Invalid):
        await _once(ground, ANNA, key, till)

    assert till.rung == 0


async def _once(
    ground: Ground, actor: Actor, key: str, till: Till, operation: str = "ring", body: dict[str, Any] | None = None
) -> Reference:
    return await _act(ground, actor, key, till.ring, operation, body)


async def _act(
    ground: Ground, actor: Actor, key: str, act: Any, operation: str = "ring", body: dict[str, Any] | None = None
) -> Reference:
    async with ground.db.write() as session:
        asked = fingerprint(VAULT, actor.brand_id, body or {"one": 1})
        return await once(session, actor, key, operation, asked, act)


def test_what_is_kept_of_a_request_cannot_be_found_by_guessing() -> None:
    body = {"phone": "13800000000"}

    assert fingerprint(VAULT, ANNA.brand_id, body) == fingerprint(VAULT, ANNA.brand_id, dict(body))
    assert fingerprint(VAULT, ANNA.brand_id, body) != fingerprint(Vault(b"x" * 32), ANNA.brand_id, body)
