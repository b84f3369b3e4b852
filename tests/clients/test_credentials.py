"""A sign-in stays alive without a password for as long as its refresh tokens are used once each."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlmodel import col

from daogou_client import Credentials, Http, InFile, InMemory, Rejected, SignedOut, Tokens, Unreachable
from directory.commands import passwords
from directory.models import RefreshToken, Staff
from kernel import clock
from kernel.work import Ground, unit_of_work
from tasks import commands as tasks
from tests.clients.phones import BRISK, agrees, phone_of, settled
from tests.factories import World, build_world
from tests.proxies import Proxy
from tests.serving import Served, serving

PASSWORD = "青禾-letmein-1"
HASH = passwords.hash_password(PASSWORD)
NUMBER = "qinghe-1-G1"


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    async with serving(ground) as served:
        yield served


@pytest.fixture
async def world(ground: Ground) -> World:
    """A brand where everybody has the same password."""
    made = await build_world(ground)
    async with ground.db.write() as session:
        await session.execute(update(Staff).where(col(Staff.brand_id) == made.brand.id).values(password_hash=HASH))
    return made


@pytest.fixture
async def http(served: Served) -> AsyncIterator[Http]:
    http = Http(f"http://127.0.0.1:{served.port}", BRISK)
    yield http
    await http.aclose()


class Notebook(InMemory):
    """Keeps tokens, and what it was given to keep."""

    def __init__(self) -> None:
        super().__init__()
        self.saved: list[Tokens | None] = []

    def save(self, tokens: Tokens | None) -> None:
        self.saved.append(tokens)
        super().save(tokens)


@pytest.fixture
def keeper() -> Notebook:
    return Notebook()


@pytest.fixture
async def credentials(http: Http, world: World, keeper: Notebook) -> Credentials:
    """Those of a guide who has signed in."""
    credentials = Credentials(http, keeper)
    await credentials.sign_in("qinghe", NUMBER, PASSWORD)
    return credentials


async def refreshes(ground: Ground) -> int:
    """How many refresh tokens were used."""
    async with ground.db.read() as session:
        used = select(func.count()).select_from(RefreshToken).where(col(RefreshToken.used_at).is_not(None))
        return await session.scalar(used) or 0


async def test_a_token_is_used_until_it_is_refused_and_then_replaced(
    served: Served, credentials: Credentials, keeper: Notebook
) -> None:
    first = await credentials()
    assert await credentials(refused="a token of long ago") == first  # somebody who comes late with an old one
    before = await refreshes(served.ground)
    await credentials(refused=first)

    assert (before, await refreshes(served.ground)) == (0, 1)
    assert len({tokens.refresh for tokens in keeper.saved if tokens}) == 2


async def test_several_who_are_refused_at_once_refresh_once(
    served: Served, credentials: Credentials, keeper: Notebook
) -> None:
    first = await credentials()

    renewed = await asyncio.gather(*(credentials(refused=first) for _ in range(5)))

    assert [tokens.access for tokens in keeper.saved[1:] if tokens] == [renewed[0]]
    assert set(renewed) == {renewed[0]}
    assert await refreshes(served.ground) == 1


async def test_a_refresh_that_nobody_waits_for_any_more_is_still_written_down(
    served: Served, credentials: Credentials, keeper: Notebook
) -> None:
    first = await credentials()
    asking = asyncio.create_task(credentials(refused=first))
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)

    await credentials(refused=first)  # the refresh that is under way, not another
    once = await refreshes(served.ground)
    await credentials(refused=await credentials())

    assert asking.cancelled()
    assert (once, await refreshes(served.ground)) == (1, 2)


async def test_a_refresh_token_that_was_used_elsewhere_ends_the_sign_in_and_the_phone_says_so(
    served: Served, world: World, credentials: Credentials, keeper: Notebook
) -> None:
    stolen = keeper.load()
    await credentials(refused=await credentials())
    keeper.save(stolen)

    with pytest.raises(SignedOut) as ended:
        await credentials(refused=await credentials())

    assert ended.value.code == "REFRESH_REUSED"
    assert not credentials.is_signed_in
    with pytest.raises(SignedOut):
        async with phone_of(served, world.shop.guide, tokens=credentials) as phone, asyncio.timeout(5):
            await phone.settled()  # is not waited for in vain


async def test_a_wrong_password_is_refused_and_leaves_nobody_signed_in(http: Http, world: World) -> None:
    credentials = Credentials(http, InMemory())

    with pytest.raises(Rejected) as refused:
        await credentials.sign_in("qinghe", NUMBER, "wrong")

    assert refused.value.code == "SIGN_IN_FAILED"
    assert not credentials.is_signed_in
    with pytest.raises(SignedOut):
        await credentials()


async def test_whoever_signs_out_is_signed_out_here_and_at_the_server(served: Served, http: Http, world: World) -> None:
    keeper = InMemory()
    credentials = Credentials(http, keeper)
    await credentials.sign_in("qinghe", NUMBER, PASSWORD)
    kept = keeper.load()
    await credentials.sign_out()
    signed_in = credentials.is_signed_in
    keeper.save(kept)

    with pytest.raises(SignedOut):
        await credentials(refused=await credentials())
    assert not signed_in


async def test_without_the_network_the_sign_in_is_kept_and_renewed_later(served: Served, world: World) -> None:
    async with Proxy(served.port) as network:
        http = Http(network.url, BRISK)
        credentials = Credentials(http, InMemory())
        await credentials.sign_in("qinghe", NUMBER, PASSWORD)
        first = await credentials()
        network.is_down = True
        network.cut()
        with pytest.raises(Unreachable):
            await credentials(refused=first)
        with pytest.raises(Unreachable):
            await credentials.sign_out()
        network.is_down = False

        await credentials(refused=first)
        await http.aclose()
    assert await refreshes(served.ground) == 1


async def test_a_phone_whose_token_expires_renews_it_and_goes_on(
    served: Served, world: World, credentials: Credentials, keeper: Notebook
) -> None:
    guide = world.shop.guide
    kept = keeper.load()
    assert kept
    brief = await served.token(guide, until=clock.now() + timedelta(seconds=2))
    keeper.save(Tokens(brief, kept.refresh))
    async with phone_of(served, guide, tokens=credentials) as phone:
        await settled(phone)
        async with asyncio.timeout(10):
            while await credentials() == brief:  # noqa: ASYNC110 - the server closes the socket when it likes
                await asyncio.sleep(0.02)
        async with unit_of_work(served.ground, guide) as work:
            await tasks.add(work, title="整理陈列", due_at=clock.now())

        assert await agrees(phone, served, guide)
    assert await refreshes(served.ground) == 1


async def test_tokens_in_a_file_outlive_the_app_and_are_its_owners_only(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"

    assert InFile(path).load() is None
    InFile(path).save(Tokens("a", "r"))
    assert InFile(path).load() == Tokens("a", "r")
    assert path.stat().st_mode & 0o077 == 0
    InFile(path).save(None)
    assert InFile(path).load() is None
    assert [each.name for each in tmp_path.iterdir()] == ["tokens.json"]


# ---------------------------------------------------------------------------------------------------------------------
# What the tests above are for: credentials that break a rule are found out.


class RefreshesForEachWhoAsks(Credentials):
    async def __call__(self, refused: str | None = None) -> str:
        if refused is not None:
            await self._renew()
        return self._present()


async def test_credentials_that_refresh_for_each_who_asks_lose_the_sign_in(
    served: Served, http: Http, world: World, keeper: Notebook
) -> None:
    credentials = RefreshesForEachWhoAsks(http, keeper)
    await credentials.sign_in("qinghe", NUMBER, PASSWORD)

    with pytest.raises((SignedOut, AssertionError)):
        await test_several_who_are_refused_at_once_refresh_once(served, credentials, keeper)
