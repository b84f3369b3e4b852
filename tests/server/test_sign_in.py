"""People sign in with brand, number and password; what they get ends when it should."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from time import perf_counter

import pytest
from argon2 import PasswordHasher
from pydantic import SecretStr
from sqlalchemy import func, select, update
from sqlmodel import col

from directory.commands import passwords
from directory.commands import sign_in as sign_ins
from directory.errors import PasswordLength, RefreshReused, SignInEnded, SignInFailed, TooManyAttempts
from directory.models import RefreshToken, SignIn, Staff, StaffState
from kernel import clock
from kernel.actor import Actor, Role, system
from kernel.redis import connect
from kernel.work import Ground, unit_of_work
from server.attempts import MOST_PER_ADDRESS, MOST_PER_NUMBER, WINDOW_SECONDS
from server.auth import Auth, Tokens, open_auth
from server.settings import Settings
from tests.factories import World, build_world
from tests.quickest import Quickest

PASSWORD = "青禾-letmein-1"
HASH = passwords.hash_password(PASSWORD)
ADDRESS = "203.0.113.7"


@pytest.fixture
def auth(ground: Ground) -> Auth:
    return open_auth(ground, Settings(secret_key=SecretStr("k" * 40)))


@pytest.fixture
async def world(ground: Ground) -> World:
    """A brand where everybody has the same password."""
    made = await build_world(ground)
    await set_staff(ground, made, password_hash=HASH)
    return made


async def set_staff(ground: Ground, world: World, staff: Actor | None = None, **values: object) -> None:
    which = [col(Staff.brand_id) == world.brand.id]
    if staff is not None:
        which.append(col(Staff.id) == staff.id)
    async with ground.db.write() as session:
        await session.execute(update(Staff).where(*which).values(**values))


async def count(ground: Ground, model: type[SignIn | RefreshToken]) -> int:
    async with ground.db.read() as session:
        return await session.scalar(select(func.count()).select_from(model)) or 0


async def sign_in(auth: Auth, number: str = "qinghe-1-G1", password: str = PASSWORD) -> Tokens:
    return await auth.sign_in("qinghe", number, password, ADDRESS)


async def test_a_guide_signs_in_and_acts_for_their_own_account(auth: Auth, world: World) -> None:
    tokens = await sign_in(auth)

    caller = await auth.who(tokens.access_token)
    assert caller.actor == replace(world.shop.guide, sign_in_id=tokens.sign_in_id)
    assert caller.expires_at == tokens.access_expires_at
    left = tokens.access_expires_at - clock.now()
    assert timedelta(minutes=14, seconds=50) < left <= timedelta(minutes=15)


async def test_a_store_manager_acts_for_the_public_account_too(auth: Auth, world: World) -> None:
    tokens = await sign_in(auth, "qinghe-1-M")

    actor = (await auth.who(tokens.access_token)).actor
    assert actor == replace(world.shop.manager, sign_in_id=tokens.sign_in_id)
    assert actor.account_ids == (world.shop.public.id,)


async def test_a_regional_manager_brings_the_region(auth: Auth, world: World) -> None:
    tokens = await sign_in(auth, "qinghe-east")

    actor = (await auth.who(tokens.access_token)).actor
    assert actor == replace(world.east_manager, sign_in_id=tokens.sign_in_id)
    assert actor.region_path == "/cn/east/"


async def test_headquarters_brings_no_place(auth: Auth, world: World) -> None:
    tokens = await sign_in(auth, "qinghe-hq")

    actor = (await auth.who(tokens.access_token)).actor
    assert actor == replace(world.hq, sign_in_id=tokens.sign_in_id)
    assert actor.role is Role.HQ


@pytest.mark.parametrize(
    ("brand", "number", "password"),
    [
        ("qinghe", "qinghe-1-G1", "wrong password"),
        ("qinghe", "nobody", PASSWORD),
        ("another", "qinghe-1-G1", PASSWORD),
        ("qinghe", "qinghe-1-G1", ""),
        ("qinghe", "qinghe-1-G1", "x" * 10_000),
        ("qinghe", "qinghe-1-G1", "\ud800\x00"),
        ("qinghe\x00", "qinghe-1-G1\ud800", PASSWORD),
        ("", "", ""),
    ],
)
async def test_whatever_is_wrong_the_answer_is_the_same(
    auth: Auth, world: World, ground: Ground, brand: str, number: str, password: str
) -> None:
    with pytest.raises(SignInFailed) as caught:
        await auth.sign_in(brand, number, password, ADDRESS)

    assert (caught.value.code, caught.value.facts) == ("SIGN_IN_FAILED", {})
    assert await count(ground, SignIn) == 0


async def test_an_unknown_number_takes_as_long_as_a_wrong_password(auth: Auth, world: World) -> None:
    async def seconds(number: str) -> float:
        took = Quickest()
        for _ in range(5):
            with took.turn(), pytest.raises(SignInFailed):
                await sign_in(auth, number, "wrong password")
        return took.seconds

    known, unknown = await seconds("qinghe-1-G1"), await seconds("nobody")

    assert 0.3 < unknown / known < 3


async def test_somebody_without_a_password_does_not_get_in(auth: Auth, world: World, ground: Ground) -> None:
    await set_staff(ground, world, world.shop.guide, password_hash=None)

    with pytest.raises(SignInFailed):
        await sign_in(auth, password="")


@pytest.mark.parametrize(
    "ending", [{"access_closed_at": clock.now()}, {"state": StaffState.DEPARTED}], ids=["closed", "departed"]
)
async def test_closed_access_ends_what_was_open_and_opens_nothing_more(
    auth: Auth, world: World, ground: Ground, ending: dict[str, object]
) -> None:
    tokens = await sign_in(auth)
    await set_staff(ground, world, world.shop.guide, **ending)

    with pytest.raises(SignInEnded):
        await auth.who(tokens.access_token)
    with pytest.raises(SignInEnded):
        await auth.refresh(tokens.refresh_token)
    with pytest.raises(SignInFailed):
        await sign_in(auth)
    assert await count(ground, SignIn) == 1


async def test_a_guide_who_is_leaving_still_gets_in(auth: Auth, world: World, ground: Ground) -> None:
    await set_staff(ground, world, world.shop.guide, state=StaffState.LEAVING)

    assert (await auth.who((await sign_in(auth)).access_token)).actor.id == world.shop.guide.id


async def test_a_refresh_gives_new_tokens_of_the_same_sign_in(auth: Auth, world: World) -> None:
    first = await sign_in(auth)

    second = await auth.refresh(first.refresh_token)

    assert second.sign_in_id == first.sign_in_id
    assert second.refresh_token != first.refresh_token
    assert second.refresh_expires_at > first.refresh_expires_at
    assert (await auth.who(second.access_token)).actor.id == world.shop.guide.id


async def test_a_refresh_token_used_twice_ends_the_whole_sign_in(auth: Auth, world: World) -> None:
    first = await sign_in(auth)
    other = await sign_in(auth)
    second = await auth.refresh(first.refresh_token)

    with pytest.raises(RefreshReused):
        await auth.refresh(first.refresh_token)

    for ended in (first, second):
        with pytest.raises(SignInEnded):
            await auth.who(ended.access_token)
    with pytest.raises(SignInEnded):
        await auth.refresh(second.refresh_token)
    assert (await auth.who(other.access_token)).actor.id == world.shop.guide.id


async def test_of_refreshes_at_once_one_wins_and_the_sign_in_is_ended(auth: Auth, world: World) -> None:
    for _ in range(5):
        first = await sign_in(auth)

        answers = await asyncio.gather(*(auth.refresh(first.refresh_token) for _ in range(6)), return_exceptions=True)

        winners = [answer for answer in answers if isinstance(answer, Tokens)]
        losers = [answer for answer in answers if isinstance(answer, SignInEnded)]
        assert (len(winners), len(losers)) == (1, 5)
        with pytest.raises(SignInEnded):
            await auth.who(winners[0].access_token)


@pytest.mark.parametrize("token", ["", "x", "a.b", "AAAAAAAAAAAAAAAAAAAAAA.x", "é" * 40, "." * 3000])
async def test_a_made_up_refresh_token_opens_nothing(auth: Auth, world: World, token: str) -> None:
    with pytest.raises(SignInEnded):
        await auth.refresh(token)


async def test_a_refresh_token_is_not_stored(auth: Auth, world: World, ground: Ground) -> None:
    tokens = await sign_in(auth)

    async with ground.db.read() as session:
        stored = await session.scalar(select(RefreshToken))
    assert stored is not None
    assert stored.digest not in tokens.refresh_token
    assert tokens.refresh_token not in stored.model_dump_json()


async def test_everything_ends_in_its_time(auth: Auth, world: World) -> None:
    tokens = await sign_in(auth)
    start = clock.now()

    with clock.stopped_at(start + timedelta(minutes=15, seconds=1)), pytest.raises(SignInEnded):
        await auth.who(tokens.access_token)
    with clock.stopped_at(start + timedelta(days=30, seconds=1)), pytest.raises(SignInEnded):
        await auth.refresh(tokens.refresh_token)
    with clock.stopped_at(start + timedelta(days=29)):
        again = await auth.refresh(tokens.refresh_token)
        assert (await auth.who(again.access_token)).actor.id == world.shop.guide.id


async def test_signing_out_ends_this_sign_in_and_no_other(auth: Auth, world: World) -> None:
    mine, other = await sign_in(auth), await sign_in(auth)

    await auth.sign_out((await auth.who(mine.access_token)).actor)

    with pytest.raises(SignInEnded):
        await auth.who(mine.access_token)
    with pytest.raises(SignInEnded):
        await auth.refresh(mine.refresh_token)
    assert (await auth.who(other.access_token)).actor.id == world.shop.guide.id


async def test_a_new_password_can_end_all_other_sign_ins(auth: Auth, world: World, ground: Ground) -> None:
    mine, other = await sign_in(auth), await sign_in(auth)
    colleague = await sign_in(auth, "qinghe-1-G2")

    async with unit_of_work(ground, system(world.brand.id)) as work:
        await sign_ins.end_all_of(work, world.shop.guide.id, but=mine.sign_in_id)

    await auth.who(mine.access_token)
    await auth.who(colleague.access_token)
    with pytest.raises(SignInEnded):
        await auth.who(other.access_token)


async def test_after_ten_failures_a_number_waits_even_with_the_right_password(auth: Auth, world: World) -> None:
    for _ in range(MOST_PER_NUMBER):
        with pytest.raises(SignInFailed):
            await sign_in(auth, password="wrong password")

    with pytest.raises(TooManyAttempts) as caught:
        await sign_in(auth)

    assert 0 < caught.value.retry_after <= WINDOW_SECONDS
    assert (await sign_in(auth, "qinghe-1-G2")).access_token


async def test_many_attempts_at_once_do_not_slip_through(auth: Auth, world: World) -> None:
    answers = await asyncio.gather(
        *(sign_in(auth, password="wrong password") for _ in range(MOST_PER_NUMBER + 8)), return_exceptions=True
    )

    assert [type(answer) for answer in answers].count(TooManyAttempts) == 8


async def test_getting_in_clears_the_failures(auth: Auth, world: World) -> None:
    for _ in range(3):
        for _ in range(MOST_PER_NUMBER - 1):
            with pytest.raises(SignInFailed):
                await sign_in(auth, password="wrong password")
        assert (await sign_in(auth)).access_token


async def test_an_address_that_tries_many_numbers_waits(auth: Auth, world: World) -> None:
    for number in range(MOST_PER_ADDRESS):
        await auth.attempts.count("qinghe", f"guess-{number}", ADDRESS)

    with pytest.raises(TooManyAttempts):
        await sign_in(auth)

    assert (await auth.sign_in("qinghe", "qinghe-1-G1", PASSWORD, "198.51.100.1")).access_token


async def test_without_redis_people_get_in_and_guessing_is_still_slowed_down(world: World, ground: Ground) -> None:
    unreachable = connect("redis://127.0.0.1:1")
    auth = open_auth(replace(ground, redis=unreachable), Settings(secret_key=SecretStr("k" * 40)))

    assert (await sign_in(auth)).access_token
    for _ in range(MOST_PER_NUMBER):
        with pytest.raises(SignInFailed):
            await sign_in(auth, password="wrong password")
    with pytest.raises(TooManyAttempts):
        await sign_in(auth)

    await unreachable.aclose(close_connection_pool=True)


async def test_a_hash_with_older_parameters_is_renewed(auth: Auth, world: World, ground: Ground) -> None:
    older = PasswordHasher(time_cost=1, memory_cost=8192, parallelism=1).hash(PASSWORD)
    await set_staff(ground, world, world.shop.guide, password_hash=older)

    await asyncio.gather(*(sign_in(auth) for _ in range(3)))

    async with ground.db.read() as session:
        renewed = await session.scalar(
            select(col(Staff.password_hash)).where(
                col(Staff.brand_id) == world.brand.id, col(Staff.id) == world.shop.guide.id
            )
        )
    assert renewed is not None
    assert renewed != older
    assert not passwords.is_outdated(renewed)
    assert (await sign_in(auth)).access_token


async def test_checking_a_password_does_not_hold_up_others(auth: Auth, world: World, ground: Ground) -> None:
    slow = PasswordHasher(time_cost=60, memory_cost=19_456, parallelism=1).hash(PASSWORD)
    await set_staff(ground, world, world.shop.guide, password_hash=slow)
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            began = perf_counter()
            await asyncio.sleep(0.001)
            longest = max(longest, perf_counter() - began)

    watching = asyncio.create_task(watch())
    began = perf_counter()
    with pytest.raises(SignInFailed):
        await sign_in(auth, password="wrong password")
    took = perf_counter() - began
    watching.cancel()

    assert longest < took / 2


@pytest.mark.parametrize("password", ["short77", "x" * 129, "nul\x00-password", "\ud800 surrogate"])
def test_a_password_that_is_too_short_long_or_no_text_is_refused(password: str) -> None:
    with pytest.raises(PasswordLength):
        passwords.hash_password(password)


async def test_the_same_number_in_two_brands_is_two_people(auth: Auth, world: World, ground: Ground) -> None:
    other = await build_world(ground, "lanyue")
    await set_staff(ground, other, other.shop.guide, number="qinghe-1-G1", password_hash=HASH)

    mine = await sign_in(auth)
    theirs = await auth.sign_in("lanyue", "qinghe-1-G1", PASSWORD, ADDRESS)

    assert (await auth.who(mine.access_token)).actor.brand_id == world.brand.id
    assert (await auth.who(theirs.access_token)).actor.brand_id == other.brand.id


async def test_old_sign_ins_and_their_refresh_tokens_are_forgotten(auth: Auth, world: World, ground: Ground) -> None:
    with clock.stopped_at(clock.now() - timedelta(days=60)):
        old = await sign_in(auth)
        await auth.refresh(old.refresh_token)
    recent = await sign_in(auth)

    async with ground.db.write() as session:
        await sign_ins.forget_ended(session, clock.now())

    assert (await count(ground, SignIn), await count(ground, RefreshToken)) == (1, 1)
    assert (await auth.refresh(recent.refresh_token)).access_token
