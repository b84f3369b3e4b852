"""Attempts are spread over ever longer stretches of time, and somebody who waits is woken when it is so."""

import asyncio

from daogou_client import Patience
from daogou_client.pauses import Bell, Pauses


def test_pauses_grow_from_half_a_second_to_half_a_minute_and_begin_anew_when_things_work() -> None:
    pauses = Pauses(Patience(), uniform=lambda _, longest: longest)

    assert [pauses.next() for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    pauses.reset()
    assert pauses.next() == 0.5
    pauses.at_least(3)
    assert (pauses.next(), pauses.next()) == (4, 8)
    pauses.at_least(2)
    assert pauses.next() == 16


def test_a_pause_may_be_of_any_length_up_to_the_longest() -> None:
    lengths = [Pauses(Patience()).next() for _ in range(300)]

    assert 0 <= min(lengths) < 0.1
    assert 0.4 < max(lengths) <= 0.5
    assert len(set(lengths)) > 250


def test_pauses_stay_half_a_minute_however_long_it_goes_on() -> None:
    pauses = Pauses(Patience(), uniform=lambda _, longest: longest)

    assert {pauses.next() for _ in range(5_000)} == {0.5, 1, 2, 4, 8, 16, 30}


async def test_a_pause_is_cut_short_when_there_is_reason_to() -> None:
    pauses = Pauses(Patience(first_pause=20.0), uniform=lambda _, longest: longest)
    waiting = asyncio.create_task(pauses.wait())
    await asyncio.sleep(0)

    pauses.cut_short()

    await asyncio.wait_for(waiting, timeout=1)


async def test_a_bell_wakes_whoever_waits_once_it_is_so_and_forgets_them_then() -> None:
    bell, rung = Bell(), 0
    waiting = asyncio.create_task(bell.until(lambda: rung == 2))
    for _ in range(2):
        await asyncio.sleep(0)
        early = waiting.done()
        rung += 1
        bell.ring()

    await asyncio.wait_for(waiting, timeout=1)
    assert not early
    assert not bell._waiting
    await asyncio.wait_for(bell.until(lambda: True), timeout=1)
