"""An access token says who somebody is, and nobody else can make one; operators hand them out and end them."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from pydantic import SecretStr
from sqlalchemy import event, select
from sqlmodel import col

from directory.commands import sign_in as sign_ins
from directory.errors import NobodyToSignIn, ServiceAccountScopes, SignInEnded, UnknownSignIn
from directory.models import Account, AccountKind, ServiceAccount
from directory.queries import actors
from kernel import audit, clock
from kernel.actor import Role, system
from kernel.errors import Invalid
from kernel.work import Ground, unit_of_work
from server.auth import Auth, open_auth
from server.settings import Settings
from server.tokens import Claims, Kind, Signer
from tests.factories import World, build_world, save

SECRET = "k" * 40
SIGNER = Signer(SECRET)
LONG_SECRET = "k" * 64
DAY = timedelta(days=1)


def claims(**values: Any) -> Claims:
    usual: dict[str, Any] = {
        "brand_id": uuid4(),
        "subject_id": uuid4(),
        "sign_in_id": uuid4(),
        "kind": Kind.STAFF,
        "expires_at": clock.now().replace(microsecond=0) + DAY,
    }
    return Claims(**usual | values)


def payload(**values: Any) -> dict[str, Any]:
    said = claims()
    usual = {
        "sub": str(said.subject_id),
        "brand": str(said.brand_id),
        "sid": str(said.sign_in_id),
        "kind": "staff",
        "iat": int(clock.now().timestamp()),
        "exp": int(said.expires_at.timestamp()),
    }
    return {name: value for name, value in (usual | values).items() if value is not None}


def test_a_token_says_what_was_signed() -> None:
    said = claims(kind=Kind.SERVICE)

    assert SIGNER.verify(SIGNER.sign(said)) == said


def test_a_token_ends_to_the_second() -> None:
    said = claims()
    token = SIGNER.sign(said)

    with clock.stopped_at(said.expires_at - timedelta(seconds=1)):
        assert SIGNER.verify(token) == said
    with clock.stopped_at(said.expires_at), pytest.raises(SignInEnded):
        SIGNER.verify(token)


def test_a_token_from_a_server_whose_clock_is_ahead_is_good() -> None:
    with clock.stopped_at(clock.now() + timedelta(minutes=5)):
        said = claims()
        token = SIGNER.sign(said)

    assert SIGNER.verify(token) == said


FORGERIES: dict[str, Callable[[], str]] = {
    "another key": lambda: jwt.encode(payload(), "x" * 40, "HS256"),
    "no signature": lambda: jwt.encode(payload(), "", "none"),
    "another algorithm": lambda: jwt.encode(payload(), LONG_SECRET, "HS512"),
    "altered": lambda: _altered(SIGNER.sign(claims())),
    "cut": lambda: SIGNER.sign(claims())[:-1],
    "without an end": lambda: jwt.encode(payload(exp=None), SECRET, "HS256"),
    "without a brand": lambda: jwt.encode(payload(brand=None), SECRET, "HS256"),
    "a brand that is none": lambda: jwt.encode(payload(brand="qinghe"), SECRET, "HS256"),
    "a brand that is a number": lambda: jwt.encode(payload(brand=7), SECRET, "HS256"),
    "an unknown kind": lambda: jwt.encode(payload(kind="root"), SECRET, "HS256"),
    "an end beyond time": lambda: jwt.encode(payload(exp=10**18), SECRET, "HS256"),
    "an end that is no number": lambda: jwt.encode(payload(exp="tomorrow"), SECRET, "HS256"),
    "an endless end": lambda: jwt.encode(payload(exp=float("inf")), SECRET, "HS256"),
    "empty": lambda: "",
    "no token": lambda: "three.little.words",
    "not even ascii": lambda: "é.ü.中",
    "very long": lambda: jwt.encode(payload(more="x" * 5000), SECRET, "HS256"),
}


def _altered(token: str) -> str:
    head, body, signature = token.split(".")
    said = json.loads(base64.urlsafe_b64decode(body + "=="))
    said["brand"] = str(uuid4())
    return ".".join((head, base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("="), signature))


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_token_that_is_not_ours_is_refused(forge: Callable[[], str]) -> None:
    with pytest.raises(SignInEnded):
        SIGNER.verify(forge())


def test_only_one_algorithm_is_taken_even_with_the_right_key() -> None:
    signer = Signer(LONG_SECRET)

    assert signer.verify(jwt.encode(payload(), LONG_SECRET, "HS256"))
    with pytest.raises(SignInEnded):
        signer.verify(jwt.encode(payload(), LONG_SECRET, "HS512"))


@pytest.fixture
def auth(ground: Ground) -> Auth:
    return open_auth(ground, Settings(secret_key=SecretStr(SECRET), daogou_home=Path("unused")))


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def issue(world: World, name: str = "till", scopes: tuple[str, ...] = ("orders:write",)) -> sign_ins.Opened:
    async with unit_of_work(world.ground, system(world.brand.id)) as work:
        return await sign_ins.issue_to_service(work, name, scopes, DAY)


def token_of(opened: sign_ins.Opened, kind: Kind) -> str:
    return SIGNER.sign(Claims(opened.brand_id, opened.subject_id, opened.sign_in_id, kind, opened.expires_at))


async def test_an_operator_hands_a_staff_member_a_token(auth: Auth, world: World) -> None:
    async with unit_of_work(world.ground, system(world.brand.id)) as work:
        opened = await sign_ins.issue_to_staff(work, "qinghe-1-G1", DAY)

    actor = (await auth.who(token_of(opened, Kind.STAFF))).actor
    assert (actor.id, actor.role, actor.account_ids) == (
        world.shop.guide.id,
        Role.GUIDE,
        world.shop.guide.account_ids,
    )
    async with world.ground.db.read() as session:
        written = await session.scalar(select(audit.AuditEntry))
    assert written is not None
    assert (written.action, written.entity_id) == ("sign_in.issued", world.shop.guide.id)


async def test_nobody_gets_no_token(world: World) -> None:
    with pytest.raises(NobodyToSignIn):
        async with unit_of_work(world.ground, system(world.brand.id)) as work:
            await sign_ins.issue_to_staff(work, "nobody", DAY)


async def test_a_machine_has_its_scopes_and_nothing_of_a_person(auth: Auth, world: World) -> None:
    opened = await issue(world, scopes=("orders:write", " customers:read "))

    actor = (await auth.who(token_of(opened, Kind.SERVICE))).actor
    assert (actor.role, actor.staff_id, actor.store_id, actor.account_ids) == (Role.SERVICE, None, None, ())
    assert actor.scopes == {"orders:write", "customers:read"}


async def test_a_second_token_for_a_machine_has_the_same_account(world: World) -> None:
    first, second = await issue(world), await issue(world, scopes=())

    assert first.subject_id == second.subject_id
    assert first.sign_in_id != second.sign_in_id


async def test_a_machine_does_not_get_other_scopes_by_the_way(world: World) -> None:
    await issue(world)

    with pytest.raises(ServiceAccountScopes):
        await issue(world, scopes=("orders:write", "customers:write"))

    async with world.ground.db.read() as session:
        kept = (await session.scalars(select(col(ServiceAccount.scopes)))).all()
    assert kept == [["orders:write"]]


@pytest.mark.parametrize("scopes", [(), ("everything",), ("orders:write", "orders:delete")])
async def test_a_new_machine_needs_scopes_that_exist(world: World, scopes: tuple[str, ...]) -> None:
    with pytest.raises(Invalid):
        await issue(world, scopes=scopes)


async def test_a_token_of_one_kind_is_no_token_of_the_other(auth: Auth, world: World) -> None:
    opened = await issue(world)

    with pytest.raises(SignInEnded):
        await auth.who(token_of(opened, Kind.STAFF))


async def test_a_token_in_another_brand_or_for_another_subject_is_refused(auth: Auth, world: World) -> None:
    opened = await issue(world)
    other = await build_world(world.ground, "lanyue")
    end = opened.expires_at

    for forged in (
        Claims(other.brand.id, opened.subject_id, opened.sign_in_id, Kind.SERVICE, end),
        Claims(opened.brand_id, world.hq.id, opened.sign_in_id, Kind.SERVICE, end),
    ):
        with pytest.raises(SignInEnded):
            await auth.who(SIGNER.sign(forged))


async def test_revoking_ends_a_token_at_once(auth: Auth, world: World) -> None:
    opened, other = await issue(world), await issue(world)

    async with unit_of_work(world.ground, system(world.brand.id)) as work:
        await sign_ins.revoke(work, opened.sign_in_id)

    with pytest.raises(SignInEnded):
        await auth.who(token_of(opened, Kind.SERVICE))
    assert (await auth.who(token_of(other, Kind.SERVICE))).actor.sign_in_id == other.sign_in_id
    async with world.ground.db.read() as session:
        listed = await actors.open_sign_ins(session, world.brand.id)
    assert [(row[0], row[1], row[2]) for row in listed] == [(other.sign_in_id, None, "till")]


async def test_a_sign_in_of_another_brand_can_not_be_revoked(auth: Auth, world: World) -> None:
    opened = await issue(world)
    other = await build_world(world.ground, "lanyue")

    with pytest.raises(UnknownSignIn):
        async with unit_of_work(world.ground, system(other.brand.id)) as work:
            await sign_ins.revoke(work, opened.sign_in_id)

    await auth.who(token_of(opened, Kind.SERVICE))


async def test_a_closed_machine_is_refused(auth: Auth, world: World) -> None:
    opened = await issue(world)
    async with world.ground.db.write() as session:
        account = await session.get(ServiceAccount, (world.brand.id, opened.subject_id))
        assert account is not None
        account.closed_at = clock.now()

    with pytest.raises(SignInEnded):
        await auth.who(token_of(opened, Kind.SERVICE))


async def test_asking_who_it_is_takes_one_statement(
    auth: Auth, world: World, statements: Callable[[], list[str]]
) -> None:
    async with unit_of_work(world.ground, system(world.brand.id)) as work:
        opened = await sign_ins.issue_to_staff(work, "qinghe-1-M", DAY)
    statements()

    await auth.who(token_of(opened, Kind.STAFF))

    assert len([line for line in statements() if line.lstrip().startswith("SELECT")]) == 1


@pytest.fixture
def statements(ground: Ground) -> Callable[[], list[str]]:
    """What was asked of the database since the last call."""
    seen: list[str] = []
    event.listen(ground.db.engine.sync_engine, "before_cursor_execute", lambda *args: seen.append(args[2]))

    def take() -> list[str]:
        taken = list(seen)
        seen.clear()
        return taken

    return take


async def test_an_account_of_another_store_is_ones_own_too_and_comes_last(auth: Auth, world: World) -> None:
    elsewhere = Account(
        brand_id=world.brand.id,
        id=UUID(int=1),
        store_id=world.shop.store.id,
        kind=AccountKind.GUIDE,
        staff_id=world.shops[1].guide.id,
    )
    await save(world.ground, elsewhere)
    async with unit_of_work(world.ground, system(world.brand.id)) as work:
        opened = await sign_ins.issue_to_staff(work, "qinghe-2-G1", DAY)

    actor = (await auth.who(token_of(opened, Kind.STAFF))).actor

    assert actor.account_ids == (*world.shops[1].guide.account_ids, elsewhere.id)
