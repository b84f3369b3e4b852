"""Alerts: of which lines, of what is unusual, and of mass deletions somebody is told."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import col

import kpi.queries.watching
from directory.models import Store
from kernel import clock
from kernel.work import Ground
from kpi.commands import sending
from kpi.models import Side, WatchKind
from kpi.models.definitions import Figure
from tests.factories import World, build_world
from tests.handover.leaving import build_alert
from tests.kpi.watching import at, notices, sell, send, subscribe, values

GROSS, ORDERS = Figure.GROSS, Figure.ORDERS


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def test_a_threshold_is_told_of_when_it_is_passed_and_not_when_it_is_met(ground: Ground, world: World) -> None:
    manager = world.shop.manager
    with clock.stopped_at(at(4, 12)):
        for line in (1, 2):
            await subscribe(ground, manager, WatchKind.THRESHOLD, ORDERS, side=Side.BELOW, line=line)
    await sell(ground, world, at(4, 13), 100)

    await send(ground, world, at(5, 8))
    [notice] = await notices(ground, manager)
    [line] = notice.content["lines"]

    assert line["figures"] == [{"figure": "orders", "value": 1.0, "side": "below", "line": 2.0}]


async def test_what_only_grows_is_told_of_the_same_day_and_once(ground: Ground, world: World) -> None:
    manager = world.shop.manager
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, manager, WatchKind.THRESHOLD, GROSS, side=Side.ABOVE, line=10_000)
        await subscribe(ground, manager, WatchKind.THRESHOLD, Figure.NET, side=Side.ABOVE, line=100)
    await send(ground, world, at(4, 14))
    await sell(ground, world, at(4, 15), 10_001)
    await send(ground, world, at(4, 15, 10))
    today = await values(ground, manager)
    await sell(ground, world, at(4, 16), 50_000)
    await send(ground, world, at(4, 17))
    await send(ground, world, at(5, 8))
    await send(ground, world, at(5, 9))

    assert today == [("2026-03-04", [(10_001, None)])]
    # The next morning the day is told of for what could have fallen again.
    assert await values(ground, manager) == [*today, ("2026-03-04", [(60_001, None)])]


async def test_a_share_is_held_against_its_line_in_millionths(ground: Ground, world: World) -> None:
    with clock.stopped_at(at(4, 12)):
        found = await subscribe(
            ground, world.hq, WatchKind.THRESHOLD, Figure.GUEST_SHARE, side=Side.ABOVE, line=0.999_999
        )
    await sell(ground, world, at(4, 13), 100)

    await send(ground, world, at(5, 8))

    assert found.line == 999_999
    assert await values(ground, world.hq) == [("2026-03-04", [(1.0, None)])]


async def test_a_day_is_unusual_beside_the_same_day_of_eight_weeks(ground: Ground, world: World) -> None:
    manager = world.shop.manager
    for weeks, amount in enumerate((101, 99, 100, 102, 98, 100, 103, 97), 1):
        await sell(ground, world, at(4, 13) - timedelta(weeks=weeks), amount * 100)
    await sell(ground, world, at(3, 13), 1)  # another day of the week
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, manager, WatchKind.UNUSUAL, GROSS)
    await sell(ground, world, at(4, 13), 15_000)

    await send(ground, world, at(5, 8))
    [notice] = await notices(ground, manager)
    [told] = notice.content["lines"][0]["figures"]

    # The median is 100.00, the median of the deviations 1.50: 3.5 of these by 0.6745 to each side.
    assert told == {"figure": "gross", "value": 15_000, "usual_low": 9_222, "usual_high": 10_778}


async def test_nothing_is_called_unusual_of_fewer_than_four_weeks(ground: Ground, world: World) -> None:
    for weeks, amount in enumerate((100, 101, 99), 1):
        await sell(ground, world, at(4, 13) - timedelta(weeks=weeks), amount * 100)
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, world.shop.manager, WatchKind.UNUSUAL, Figure.AVERAGE_BASKET)
    await sell(ground, world, at(4, 13), 900_000)

    await send(ground, world, at(5, 8))

    assert await notices(ground, world.shop.manager) == []


async def test_mass_deletions_in_sight_are_one_notice_a_day(ground: Ground, world: World) -> None:
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, world.shop.manager, WatchKind.DELETIONS)
        await subscribe(ground, world.shops[1].manager, WatchKind.DELETIONS)
    with clock.stopped_at(at(4, 13)):
        await build_alert(ground, world.shop)
        await _delete_much(ground, world)
        await _delete_much(ground, world)
    await send(ground, world, at(4, 13, 6))
    with clock.stopped_at(at(4, 14)):
        await _delete_much(ground, world)
    await send(ground, world, at(4, 15))
    await send(ground, world, at(5, 8))
    await send(ground, world, at(5, 9))

    told = [
        (notice.day, notice.sent_at, notice.content["lines"][0]["alerts"])
        for notice in await notices(ground, world.shop.manager)
    ]

    assert told == [(date(2026, 3, 4), at(4, 13, 6), 2), (date(2026, 3, 5), at(5, 8), 1)]
    assert await notices(ground, world.shops[1].manager) == []


async def test_a_second_notice_of_a_day_would_be_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> bool:
        return False

    async def on_another_day(work: Any, staff_id: Any, kind: Any, day: date, lines: Any) -> Any:
        made.append(day)
        return await tell(work, staff_id, kind, day + timedelta(days=len(made) - 1), lines)

    tell, made = sending.tell, list[date]()
    monkeypatch.setattr(kpi.queries.watching, "was_told", never)
    monkeypatch.setattr(kpi.queries.watching, "_told", lambda *_: (col(Store.id).is_(None),))
    monkeypatch.setattr(sending, "tell", on_another_day)
    world = await build_world(ground)

    with pytest.raises(AssertionError):
        await test_mass_deletions_in_sight_are_one_notice_a_day(ground, world)


async def _delete_much(ground: Ground, world: World) -> None:
    alert = await build_alert(ground, world.shop)
    async with ground.db.write() as session:
        found = await session.merge(alert)
        found.kind = type(found.kind).DELETIONS
        found.count, found.line = 31, 30
