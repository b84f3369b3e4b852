"""Who is told of which figures, and when: nothing at night, once a day for each kind, and only what is complete."""

import asyncio
from datetime import UTC, date, datetime

import pytest

import kpi.commands.sending
import kpi.queries.watching
from directory import commands as directory
from directory.models import Store
from kernel import clock
from kernel.actor import Role, system
from kernel.work import Ground, unit_of_work
from kpi.commands import sending, watching
from kpi.commands.watching import Wish
from kpi.models import PausedBecause, WatchKind
from kpi.models.definitions import Figure
from kpi.queries.scoping import Asked
from server import chores
from tests.asking import ask
from tests.factories import World, build_customer, build_world, reload, said
from tests.kpi.watching import at, count, notices, sell, send, subscribe, values, watch_of
from tests.statements import statements

GROSS, ORDERS = Figure.GROSS, Figure.ORDERS


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def test_a_daily_digest_comes_from_eight_on_with_the_day_before_and_the_one_before_that(
    ground: Ground, world: World
) -> None:
    manager = world.shop.manager
    await sell(ground, world, at(3, 12), 10_000)
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, manager, WatchKind.DAILY, GROSS, ORDERS)
    await sell(ground, world, at(4, 13), 20_000, 5_000)

    await send(ground, world, at(4, 19, 59))
    await send(ground, world, at(5, 7, 59))
    before = await values(ground, manager)
    await send(ground, world, at(5, 8))
    await send(ground, world, at(5, 9))

    assert before == []
    assert await values(ground, manager) == [("2026-03-04", [(25_000, 10_000), (2, 1)])]


async def test_nothing_is_sent_from_eight_in_the_evening_on(ground: Ground, world: World) -> None:
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, world.hq, WatchKind.DAILY, ORDERS)

    await send(ground, world, at(5, 20))
    late = await notices(ground, world.hq)
    await send(ground, world, at(6, 19, 59))

    assert late == []
    assert await values(ground, world.hq) == [("2026-03-05", [(0, 0)])]


@pytest.mark.parametrize(
    ("moment", "is_sent"),
    [
        (datetime(2026, 3, 7, 12, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 7, 13, 0, tzinfo=UTC), True),
        # Clocks have gone forward: eight o'clock comes an hour earlier.
        (datetime(2026, 3, 9, 11, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 9, 12, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 9, 23, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 10, 0, 0, tzinfo=UTC), False),
    ],
)
async def test_night_is_by_the_clock_of_the_subscribers_store(ground: Ground, moment: datetime, is_sent: bool) -> None:
    world = await build_world(ground)
    async with ground.db.write() as session:
        store = await session.get(Store, (world.brand.id, world.shop.store.id))
        assert store
        store.time_zone = "America/New_York"
    with clock.stopped_at(datetime(2026, 3, 5, 17, 0, tzinfo=UTC)):
        await subscribe(ground, world.shop.manager, WatchKind.DAILY, ORDERS)

    await send(ground, world, moment)

    assert bool(await notices(ground, world.shop.manager)) is is_sent


async def test_a_digest_waits_until_all_its_stores_are_over_and_counted(ground: Ground, world: World) -> None:
    async with ground.db.write() as session:
        store = await session.get(Store, (world.brand.id, world.shops[2].store.id))
        assert store
        store.time_zone = "America/New_York"
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, world.hq, WatchKind.DAILY, ORDERS)
        await subscribe(ground, world.east_manager, WatchKind.DAILY, ORDERS)

    await send(ground, world, at(5, 12, 59))
    early = [bool(await notices(ground, actor)) for actor in (world.hq, world.east_manager)]
    await send(ground, world, at(5, 13, 5))

    assert early == [False, True]
    assert [line[0] for line in await values(ground, world.hq)] == ["2026-03-04"]


async def test_a_day_with_marks_left_is_not_complete(ground: Ground, world: World) -> None:
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, world.shop.manager, WatchKind.DAILY, ORDERS)
        await count(ground, world)
    with clock.stopped_at(at(5, 8)):
        await chores.begin_days(ground)
        await chores.send_notices(ground)
        early = await notices(ground, world.shop.manager)
        await count(ground, world)
        await chores.send_notices(ground)
        at_once = await notices(ground, world.shop.manager)
    with clock.stopped_at(at(5, 8, 5)):
        await chores.send_notices(ground)

    assert early == at_once == []
    assert len(await notices(ground, world.shop.manager)) == 1


async def test_weeks_and_months_are_told_of_when_they_are_over(ground: Ground, world: World) -> None:
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, world.hq, WatchKind.WEEKLY, GROSS)
        await subscribe(ground, world.hq, WatchKind.MONTHLY, GROSS)
    await sell(ground, world, at(4, 13), 30_000)
    await sell(ground, world, at(10, 13), 1_000)
    for day in (5, 8, 9, 10, 15, 16, 17, 31):
        await send(ground, world, at(day, 8))
    await send(ground, world, at(1, 8, month=4))

    told = [(notice.kind, notice.day, notice.content["lines"][0]) for notice in await notices(ground, world.hq)]

    assert [(kind, day, line["from_day"], line["until_day"]) for kind, day, line in told] == [
        (WatchKind.WEEKLY, date(2026, 3, 9), "2026-03-02", "2026-03-08"),
        (WatchKind.WEEKLY, date(2026, 3, 16), "2026-03-09", "2026-03-15"),
        (WatchKind.WEEKLY, date(2026, 3, 31), "2026-03-23", "2026-03-29"),
        (WatchKind.MONTHLY, date(2026, 4, 1), "2026-03-01", "2026-03-31"),
    ]
    assert [line["figures"][0]["value"] for _, _, line in told] == [30_000, 1_000, 0, 31_000]


async def test_of_what_was_missed_only_the_newest_is_sent(ground: Ground, world: World) -> None:
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, world.hq, WatchKind.DAILY, ORDERS)

    await send(ground, world, at(8, 15))

    assert [line[0] for line in await values(ground, world.hq)] == ["2026-03-07"]


async def test_several_subscriptions_of_a_kind_are_one_notice(ground: Ground, world: World) -> None:
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, world.hq, WatchKind.DAILY, ORDERS)
        await subscribe(ground, world.hq, WatchKind.DAILY, GROSS, asked=Asked(store_id=world.shop.store.id))
        await subscribe(ground, world.hq, WatchKind.DAILY, GROSS, asked=Asked(staff_id=world.shop.guide.id))

    await send(ground, world, at(5, 8))
    [notice] = await notices(ground, world.hq)

    assert [line["of"] for line in notice.content["lines"]] == [None, "qinghe-1 店", "员工qinghe-1-G1"]
    assert (await said(ground, world.hq.id))[-1] == ("put", "staff", world.hq.id)


async def test_two_workers_at_once_send_one_notice(ground: Ground, world: World) -> None:
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, world.hq, WatchKind.DAILY, ORDERS)
    with clock.stopped_at(at(5, 8)):
        await count(ground, world)
        await asyncio.gather(*(chores.send_notices(ground) for _ in range(3)))
        await chores.send_notices(ground)

    assert len(await notices(ground, world.hq)) == 1
    assert len(await said(ground, world.hq.id)) == 1


async def test_whoever_has_left_is_told_nothing(ground: Ground, world: World) -> None:
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, world.shop.manager, WatchKind.DAILY, ORDERS)
        async with unit_of_work(ground, world.hq) as work:
            await directory.close_access(work, world.shop.manager.id, holds=0)

    await send(ground, world, at(5, 8))
    with clock.stopped_at(at(5, 8)):
        async with unit_of_work(ground, system(world.brand.id)) as work:
            told = await sending.send(work, world.shop.manager.id, WatchKind.DAILY)

    assert told is None
    assert await notices(ground, world.shop.manager) == []


async def test_what_is_out_of_sight_is_paused_with_the_reason(ground: Ground, world: World) -> None:
    manager = world.shop.manager
    with clock.stopped_at(at(4, 12)):
        gone = await subscribe(ground, manager, WatchKind.DAILY, ORDERS, asked=Asked(store_id=world.shop.store.id))
        whole = await subscribe(ground, manager, WatchKind.DAILY, ORDERS)
        async with unit_of_work(ground, world.hq) as work:
            await directory.move_staff(
                work, manager.id, role=Role.STORE_MANAGER, store_id=world.shops[1].store.id, holds=0
            )

    await send(ground, world, at(5, 8))
    [notice] = await notices(ground, manager)
    paused = await reload(ground, gone)

    assert (paused.is_paused, paused.paused_because, paused.version) == (True, PausedBecause.OUT_OF_SIGHT, 2)
    assert [line["watch_id"] for line in notice.content["lines"]] == [str(whole.id)]


async def test_a_guide_is_told_of_their_own_figures(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    with clock.stopped_at(at(4, 12)):
        await subscribe(ground, guide, WatchKind.DAILY, GROSS)
    customer = await build_customer(ground, guide)
    await sell(ground, world, at(4, 13), 7_000, customer=customer)
    await sell(ground, world, at(4, 14), 9_000)

    await send(ground, world, at(5, 8))

    assert await values(ground, guide) == [("2026-03-04", [(7_000, 0)])]


async def test_a_subscription_that_goes_on_does_not_tell_of_what_is_over(ground: Ground, world: World) -> None:
    with clock.stopped_at(at(4, 12)):
        made = await subscribe(ground, world.hq, WatchKind.DAILY, ORDERS)
        async with unit_of_work(ground, world.hq) as work:
            await watching.edit_watch(work, made.id, Wish([ORDERS]), is_paused=True)
    await send(ground, world, at(5, 8))
    with clock.stopped_at(at(6, 9)):
        async with unit_of_work(ground, world.hq) as work:
            await watching.edit_watch(work, made.id, Wish([GROSS]))
    await send(ground, world, at(6, 10))
    quiet = await notices(ground, world.hq)
    await send(ground, world, at(7, 10))

    assert quiet == []
    assert (await watch_of(ground, made.id, world.brand.id)).version == 3
    assert [line[0] for line in await values(ground, world.hq)] == ["2026-03-06"]


async def test_what_a_notice_says_its_query_answers(ground: Ground, world: World) -> None:
    await sell(ground, world, at(3, 13), 300)
    with clock.stopped_at(at(4, 12)):
        asked = Asked(region_id=world.regions["east"].id)
        await subscribe(ground, world.hq, WatchKind.DAILY, GROSS, Figure.GUEST_SHARE, asked=asked)
    await sell(ground, world, at(4, 13), 100, 200)
    await send(ground, world, at(5, 8))
    [notice] = await notices(ground, world.hq)
    [line] = notice.content["lines"]

    answer = await ask(ground, world.hq, line["query"], **line["variables"])

    assert (
        [(each["value"], each["previous"]) for each in answer["kpiCompared"]]
        == [(each["value"], each["previous"]) for each in line["figures"]]
        == [(300.0, 300.0), (1.0, 1.0)]
    )


async def test_looking_for_who_is_to_be_told_takes_as_many_statements_for_three_as_for_one(
    ground: Ground, world: World
) -> None:
    taken = []
    people = (world.shop.manager, world.shops[1].manager, world.shops[2].manager)
    with clock.stopped_at(at(4, 12)):
        for actor in people:
            await subscribe(ground, actor, WatchKind.DAILY, ORDERS)
            with clock.stopped_at(at(5, 8)), statements(ground) as sent:
                async with ground.db.read() as session:
                    found = await kpi.queries.watching.due(session, world.brand.id, clock.now(), 100)
            taken.append((len(found), len(sent)))

    assert [count for count, _ in taken] == [1, 2, 3]
    assert len({sent for _, sent in taken}) == 1


async def test_a_night_that_nobody_minds_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (kpi.commands.sending, kpi.queries.watching):
        monkeypatch.setattr(module, "is_quiet", lambda _local: False)
    world = await build_world(ground)

    with pytest.raises(AssertionError):
        await test_nothing_is_sent_from_eight_in_the_evening_on(ground, world)
