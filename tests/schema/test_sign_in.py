"""Signing in and out through GraphQL."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from directory.commands import passwords
from directory.models import ServiceAccount, Staff
from kernel import clock, ids
from kernel.actor import Actor, Role
from kernel.errors import NotSignedIn
from kernel.work import Ground
from tests.asking import ask, refused
from tests.factories import NOON, World, build_world, save
from tests.serving import serving

PASSWORD = "青禾-letmein-1"
HASH = passwords.hash_password(PASSWORD)
SIGN_IN = """mutation ($brand: String = "qinghe", $number: String = "qinghe-1-G1", $password: String!) {
  signIn(brand: $brand, number: $number, password: $password) {
    ... on SignedIn { accessToken accessExpiresAt refreshToken refreshExpiresAt } ... on Problem { code message } } }"""
REFRESH = """mutation ($token: String!) { refreshSession(refreshToken: $token) {
    ... on SignedIn { accessToken refreshToken } ... on Problem { code } } }"""
SIGN_OUT = "mutation { signOut { ... on SignedOut { ended } ... on Problem { code } } }"


@pytest.fixture
async def world(ground: Ground) -> World:
    """A brand where everybody has the same password."""
    made = await build_world(ground)
    async with ground.db.write() as session:
        await session.execute(update(Staff).where(col(Staff.brand_id) == made.brand.id).values(password_hash=HASH))
    return made


async def sign_in(ground: Ground, password: str = PASSWORD, **variables: Any) -> dict[str, Any]:
    answer: dict[str, Any] = (await ask(ground, None, SIGN_IN, password=password, **variables))["signIn"]
    return answer


async def refresh(ground: Ground, token: str) -> dict[str, Any]:
    answer: dict[str, Any] = (await ask(ground, None, REFRESH, token=token))["refreshSession"]
    return answer


async def test_who_signs_in_is_known_from_then_on(ground: Ground, world: World) -> None:
    async with serving(ground) as served:
        signed_in = (await served.ask(SIGN_IN, password=PASSWORD))["signIn"]
        shown = {"Authorization": f"Bearer {signed_in['accessToken']}"}
        known = await served.post({"query": "{ viewer { role staff { number } } }"}, headers=shown)

    assert known.json()["data"]["viewer"] == {"role": "GUIDE", "staff": {"number": "qinghe-1-G1"}}
    until = datetime.fromisoformat(signed_in["accessExpiresAt"])
    assert timedelta(minutes=14) < until - clock.now() <= timedelta(minutes=15)
    assert datetime.fromisoformat(signed_in["refreshExpiresAt"]) > until


@pytest.mark.parametrize("wrong", [{"password": "wrong"}, {"number": "nobody"}, {"brand": "nowhere"}, {"password": ""}])
async def test_whatever_is_wrong_the_answer_is_the_same(ground: Ground, world: World, wrong: dict[str, str]) -> None:
    assert await sign_in(ground, **wrong) == {
        "code": "SIGN_IN_FAILED",
        "message": "The brand, the staff number or the password is wrong.",
    }


async def test_a_refresh_token_works_once_and_coming_twice_ends_the_sign_in(ground: Ground, world: World) -> None:
    first = (await sign_in(ground))["refreshToken"]

    second = (await refresh(ground, first))["refreshToken"]
    reused = await refresh(ground, first)
    ended = await refresh(ground, second)

    assert (reused, ended) == ({"code": "REFRESH_REUSED"}, {"code": "SIGN_IN_ENDED"})
    assert await refresh(ground, "nonsense") == {"code": "SIGN_IN_ENDED"}


async def test_signing_out_ends_the_tokens(ground: Ground, world: World) -> None:
    async with serving(ground) as served:
        signed_in = (await served.ask(SIGN_IN, password=PASSWORD))["signIn"]
        shown = {"Authorization": f"Bearer {signed_in['accessToken']}"}
        said = await served.post({"query": SIGN_OUT}, headers=shown)
        after = await served.post({"query": "{ __typename }"}, headers=shown)

    assert said.json() == {"data": {"signOut": {"ended": True}}}
    assert after.status_code == 401
    assert await refresh(ground, signed_in["refreshToken"]) == {"code": "SIGN_IN_ENDED"}


async def test_nobody_signed_in_signs_nobody_out(ground: Ground) -> None:
    [error] = await refused(ground, None, SIGN_OUT)

    assert type(error) is NotSignedIn


async def test_everybody_is_told_where_they_stand(ground: Ground, world: World) -> None:
    document = "{ viewer { role store { code } region { code } serviceAccount { name scopes } } }"
    till = ServiceAccount(
        brand_id=world.brand.id, id=ids.new(), name="收银台", scopes=["orders:write"], created_at=NOON
    )
    await save(ground, till)
    machine = Actor(brand_id=world.brand.id, id=till.id, role=Role.SERVICE)

    told = [
        (await ask(ground, actor, document))["viewer"]
        for actor in (world.shop.guide, world.shop.manager, world.east_manager, world.hq, machine)
    ]

    store, east = {"code": "qinghe-1"}, {"code": "east"}
    nobody = {"store": None, "region": None, "serviceAccount": None}
    assert told == [
        {"role": "GUIDE", **nobody, "store": store, "region": east},
        {"role": "STORE_MANAGER", **nobody, "store": store, "region": east},
        {"role": "REGIONAL_MANAGER", **nobody, "region": east},
        {"role": "HQ", **nobody},
        {"role": "SERVICE", **nobody, "serviceAccount": {"name": "收银台", "scopes": ["orders:write"]}},
    ]
