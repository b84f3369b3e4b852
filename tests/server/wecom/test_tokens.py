"""One token for everybody, asked for by one of them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from redis import Redis as RedisClient

from handover.partner import PartnerAway, PartnerRefused
from kernel import redis
from kernel.crypto import Vault
from server.wecom import tokens
from tests.server.wecom.conftest import There
from tests.servers import Redis

LIST = "get_unassigned_list"


@pytest.fixture
async def real(there: There, redis_server: Redis) -> AsyncIterator[There]:
    """The same on a real Redis."""
    url = f"{redis_server.url}/13"
    with RedisClient.from_url(url) as client:
        client.flushdb()
    connected = redis.connect(url)
    yield There(there.simulator, there.address, there.http, connected)
    await connected.aclose(close_connection_pool=True)


async def test_a_token_is_asked_for_once_and_used_by_all(there: There) -> None:
    for _ in range(3):
        wecom = there.connect()
        await wecom.unassigned(None)
        await wecom.unassigned(None)

    assert there.asked("gettoken") == 1


@pytest.mark.parametrize("processes", [1, 10])
async def test_fifty_calls_after_its_end_ask_for_one_token(real: There, processes: int) -> None:
    """Each connector stands for a process: it shares nothing with the others but Redis."""
    connected = [real.connect() for _ in range(processes)]
    await connected[0].unassigned(None)
    await real.simulator.travel(timedelta(hours=3))
    real.spoil("gettoken", "delay", 0.3, times=50)  # long enough for all to find it ended

    await asyncio.gather(*(connected[number % processes].unassigned(None) for number in range(50)))

    assert real.asked("gettoken") == 2


async def test_without_single_flight_the_same_is_a_stampede(real: There, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the test above would find."""

    async def at_once(self: tokens.Tokens, _ended: str | None) -> str:
        return await self._keep(await self._wire.get(tokens.PATH, self._asked))

    monkeypatch.setattr(tokens.Tokens, "renewed", at_once)
    connected = [real.connect() for _ in range(10)]

    await asyncio.gather(*(each.unassigned(None) for each in connected))

    assert real.asked("gettoken") > 2


@pytest.mark.parametrize("code", [40014, 42001])
async def test_a_token_that_has_ended_is_renewed_once_for_a_read_and_a_transfer(there: There, code: int) -> None:
    wecom = there.connect()
    await wecom.unassigned(None)
    there.spoil(LIST, "code", code)
    there.simulator.corp.hire("a")
    there.simulator.corp.open_chat("wr", "a")

    await wecom.unassigned(None)
    if code == 40014:
        there.simulator.gate.end_tokens()
    else:
        await there.simulator.travel(timedelta(hours=3))
    await wecom.chats(["a"], None)

    assert there.asked("gettoken") == 3
    assert there.asked(LIST) == 3


async def test_a_token_that_is_never_taken_is_refused_and_not_asked_for_for_ever(there: There) -> None:
    there.spoil(LIST, "code", 40014, times=100)

    with pytest.raises(PartnerRefused, match="40014"):
        await there.connect().unassigned(None)

    assert there.asked("gettoken") == 2
    assert there.asked(LIST) == 2


async def test_who_finds_it_ended_after_another_has_renewed_it_takes_that_one(there: There) -> None:
    first, second = there.tokens(there.wire()), there.tokens(there.wire())
    ended = await first.current()
    there.simulator.gate.end_tokens()

    assert await first.renewed(ended) == await second.renewed(ended)
    assert there.asked("gettoken") == 2


async def test_a_wrong_secret_is_presented_once(there: There) -> None:
    wecom = there.connect(secret="wrong")

    for _ in range(6):
        with pytest.raises(PartnerRefused, match=r"40001.*shuts this server's address out"):
            await wecom.unassigned(None)
    with pytest.raises(PartnerRefused, match="40001"):
        await there.connect(secret="wrong").unassigned(None)
    await there.connect().unassigned(None)

    assert there.asked("gettoken") == 2


async def test_what_is_kept_in_redis_is_sealed_and_ends_before_the_token(there: There) -> None:
    mine = there.tokens(there.wire())
    token = await mine.current()

    kept = {key: await there.redis.get(key) for key in await there.redis.keys("daogou:wecom:*") if b"minute" not in key}
    [name] = [key for key, value in kept.items() if len(value) > 40]
    assert not any(token.encode() in value for value in kept.values())
    assert 6_800 < await there.redis.ttl(name) <= 6_900


async def test_what_another_key_sealed_is_no_token(there: There, monkeypatch: pytest.MonkeyPatch) -> None:
    await there.tokens(there.wire()).current()
    monkeypatch.setattr("tests.server.wecom.conftest.VAULT", Vault(b"another key of thirty-two bytes!"))

    await there.tokens(there.wire()).current()

    assert there.asked("gettoken") == 2


async def test_without_redis_each_process_has_a_token_of_its_own(there: There) -> None:
    away = There(there.simulator, there.address, there.http, redis.connect("redis://127.0.0.1:1"))
    wecom = away.connect()

    await asyncio.gather(*(wecom.unassigned(None) for _ in range(5)))
    there.simulator.gate.end_tokens()
    await wecom.unassigned(None)

    assert there.asked("gettoken") == 2
    await away.redis.aclose(close_connection_pool=True)


async def test_a_process_that_died_at_it_keeps_nobody_waiting_for_long(
    there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_WAIT_SECONDS", 0.3)
    mine = there.tokens(there.wire())
    await there.redis.set(f"{mine._name}:turn", b"somebody who is gone", px=200)

    async with asyncio.timeout(5):
        assert await mine.current()


async def test_somebody_who_takes_too_long_is_not_waited_for(there: There, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_WAIT_SECONDS", 0.2)
    mine = there.tokens(there.wire())
    await there.redis.set(f"{mine._name}:turn", b"somebody who is slow", px=60_000)

    with pytest.raises(PartnerAway, match="another process"):
        await mine.current()

    assert there.asked("gettoken") == 0
