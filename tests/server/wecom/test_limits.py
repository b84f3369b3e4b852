"""The connector asks less than it may, and is quiet when it is told to be."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from handover.partner import PartnerAway
from kernel import clock, redis
from server.wecom import limits
from tests.server.wecom.conftest import There

LIST = "get_unassigned_list"
NOON = datetime(2026, 3, 2, 4, 0, 20, tzinfo=UTC)


async def test_we_take_a_fifth_of_what_is_allowed() -> None:
    assert limits.A_MINUTE * 5 <= 10_000
    assert limits.AN_HOUR * 5 <= 150_000
    assert limits.OF_ALL_A_MINUTE * 5 <= 20_000


@pytest.mark.parametrize(
    ("name", "further", "wait"), [("A_MINUTE", 60, 40), ("AN_HOUR", 3_600, 3_580), ("OF_ALL_A_MINUTE", 60, 40)]
)
async def test_beyond_it_nobody_is_asked_until_the_time_is_over(
    there: There, monkeypatch: pytest.MonkeyPatch, name: str, further: int, wait: float
) -> None:
    await there.connect().unassigned(None)  # there is a token
    monkeypatch.setattr(limits, name, 2)
    with clock.stopped_at(NOON):
        for _ in range(2):
            await there.connect().unassigned(None)
        with pytest.raises(PartnerAway) as caught:
            await there.connect().unassigned(None)
    with clock.stopped_at(NOON + timedelta(seconds=further)):
        await there.connect().unassigned(None)

    assert caught.value.retry_after == wait
    assert there.asked(LIST) == 4


async def test_one_way_that_is_asked_too_often_leaves_the_others_free(
    there: There, monkeypatch: pytest.MonkeyPatch
) -> None:
    there.simulator.corp.hire("a")
    await there.connect().linked("a")
    monkeypatch.setattr(limits, "A_MINUTE", 1)
    with clock.stopped_at(NOON):
        await there.connect().unassigned(None)
        with pytest.raises(PartnerAway):
            await there.connect().unassigned(None)
        assert await there.connect().linked("a") == []


async def test_told_that_it_was_too_often_we_are_quiet_for_a_minute_then_for_an_hour(there: There) -> None:
    there.spoil(LIST, "code", 45009, times=2)
    waits = []
    for _ in range(2):
        with pytest.raises(PartnerAway) as caught:
            await there.connect().unassigned(None)
        waits.append(caught.value.retry_after)
        with pytest.raises(PartnerAway, match="silence"):
            await there.connect().unassigned(None)
        await there.redis.delete(f"daogou:wecom:{there.simulator.corp.corp_id}:silent:externalcontact/{LIST}")
    await there.connect().unassigned(None)

    assert waits == [60, 3_600]
    assert there.asked(LIST) == 3


async def test_too_many_at_once_is_tried_later_not_at_once(there: There) -> None:
    there.spoil(LIST, "code", 45033)

    with pytest.raises(PartnerAway) as caught:
        await there.connect().unassigned(None)

    assert caught.value.retry_after == 5
    assert there.asked(LIST) == 1


async def test_five_calls_of_a_process_are_under_way_at_once(there: There) -> None:
    there.simulator.corp.switches.at_once = limits.AT_ONCE
    wecom = there.connect()

    await asyncio.gather(*(wecom.unassigned(None) for _ in range(40)))

    assert there.asked(LIST) == 40


async def test_without_redis_calls_are_made_uncounted(there: There) -> None:
    away = There(there.simulator, there.address, there.http, redis.connect("redis://127.0.0.1:1"))
    there.spoil(LIST, "code", 45009)

    with pytest.raises(PartnerAway) as caught:
        await away.connect().unassigned(None)
    await away.connect().unassigned(None)

    assert caught.value.retry_after == 60
    await away.redis.aclose(close_connection_pool=True)
