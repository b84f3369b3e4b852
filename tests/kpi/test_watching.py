"""Subscribing: what is refused, with which code, and that nothing comes of it."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlmodel import col

from kernel import clock, ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, StaleVersion
from kernel.work import Ground, unit_of_work
from kpi.commands import sending, watching
from kpi.commands.watching import Wish
from kpi.errors import TooManyWatches
from kpi.models import KpiWatch, Side, WatchKind
from kpi.models.definitions import Figure
from kpi.queries.scoping import Asked
from tests.factories import World, build_world, said
from tests.kpi.watching import at, notices, subscribe
from tests.mall.trading import till

ORDERS = Figure.ORDERS
LINE: dict[str, Any] = {"side": Side.ABOVE, "line": 1}


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def how_many(ground: Ground) -> int:
    async with ground.db.read() as session:
        everywhere = select(func.count()).select_from(KpiWatch).where(col(KpiWatch.brand_id).is_not(None))
        return await session.scalar(everywhere) or 0


@pytest.mark.parametrize(
    ("kind", "wish", "refusal"),
    [
        (WatchKind.DAILY, Wish(), Invalid),
        (WatchKind.DAILY, Wish(list(Figure)[:9]), Invalid),
        (WatchKind.DAILY, Wish([ORDERS], **LINE), Invalid),
        (WatchKind.UNUSUAL, Wish([ORDERS, Figure.GROSS]), Invalid),
        (WatchKind.THRESHOLD, Wish([ORDERS]), Invalid),
        (WatchKind.THRESHOLD, Wish([ORDERS], line=1), Invalid),
        (WatchKind.THRESHOLD, Wish([ORDERS], side=Side.ABOVE), Invalid),
        (WatchKind.THRESHOLD, Wish([ORDERS], side=Side.ABOVE, line=2e15), Invalid),
        (WatchKind.THRESHOLD, Wish([Figure.SHARE_RATE], side=Side.ABOVE, line=2e9), Invalid),
        (WatchKind.THRESHOLD, Wish([Figure.SHARE_RATE], side=Side.BELOW, line=5), Invalid),
        (WatchKind.THRESHOLD, Wish([Figure.SHARE_RATE], side=Side.BELOW, line=-0.1), Invalid),
        (WatchKind.THRESHOLD, Wish([ORDERS], side=Side.BELOW, line=-1), Invalid),
        (WatchKind.DELETIONS, Wish([ORDERS]), Invalid),
        (WatchKind.DAILY, Wish([ORDERS], Asked(store_id=ids.new())), NotFound),
    ],
)
async def test_a_wish_that_makes_no_sense_is_refused(
    ground: Ground, world: World, kind: WatchKind, wish: Wish, refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        async with unit_of_work(ground, world.hq) as work:
            await watching.watch(work, kind, wish)

    assert await how_many(ground) == 0


async def test_what_is_out_of_sight_cannot_be_watched(ground: Ground, world: World) -> None:
    far = world.shops[2]
    strange: list[tuple[Actor, Asked]] = [
        (world.shop.manager, Asked(store_id=far.store.id)),
        (world.shop.guide, Asked(staff_id=world.shop.other_guide.id)),
        (world.shop.guide, Asked(region_id=world.regions["east"].id)),
        (world.east_manager, Asked(region_id=world.regions["north"].id)),
        (world.east_manager, Asked(staff_id=far.guide.id)),
    ]
    for actor, asked in strange:
        with pytest.raises(NotFound):
            await subscribe(ground, actor, WatchKind.DAILY, ORDERS, asked=asked)

    assert await how_many(ground) == 0


async def test_machines_subscribe_to_nothing_and_guides_to_no_deletions(ground: Ground, world: World) -> None:
    for actor, kind in ((till(world, "reports:read"), WatchKind.DAILY), (world.shop.guide, WatchKind.DELETIONS)):
        with pytest.raises(Forbidden):
            await subscribe(ground, actor, kind, *([ORDERS] if kind is WatchKind.DAILY else []))

    assert await how_many(ground) == 0


async def test_a_person_has_at_most_twenty(ground: Ground, world: World) -> None:
    for _ in range(20):
        await subscribe(ground, world.shop.guide, WatchKind.DAILY, ORDERS)

    with pytest.raises(TooManyWatches):
        await subscribe(ground, world.shop.guide, WatchKind.DAILY, ORDERS)
    await subscribe(ground, world.shop.manager, WatchKind.DAILY, ORDERS)

    assert await how_many(ground) == 21


async def test_a_figure_that_is_named_twice_is_watched_once(ground: Ground, world: World) -> None:
    made = await subscribe(ground, world.shop.guide, WatchKind.DAILY, ORDERS, Figure.GROSS, ORDERS)

    assert made.figures == ["orders", "gross"]


async def test_nobody_edits_or_ends_what_others_watch(ground: Ground, world: World) -> None:
    made = await subscribe(ground, world.shop.guide, WatchKind.DAILY, ORDERS)

    for actor in (world.shop.other_guide, world.shop.manager, world.hq):
        with pytest.raises(NotFound):
            async with unit_of_work(ground, actor) as work:
                await watching.edit_watch(work, made.id, Wish([ORDERS]))
        with pytest.raises(NotFound):
            async with unit_of_work(ground, actor) as work:
                await watching.end_watch(work, made.id)

    assert await how_many(ground) == 1


async def test_an_edit_says_all_of_it_anew(ground: Ground, world: World) -> None:
    with clock.stopped_at(at(4, 12)):
        made = await subscribe(ground, world.hq, WatchKind.THRESHOLD, ORDERS, **LINE)
        async with unit_of_work(ground, world.hq) as work:
            wish = Wish([Figure.SHARE_RATE], Asked(store_id=world.shop.store.id), Side.BELOW, 0.25)
            edited = await watching.edit_watch(work, made.id, wish, expected_version=1)

    assert (edited.figures, edited.store_id, edited.side, edited.line, edited.version) == (
        ["share_rate"],
        world.shop.store.id,
        Side.BELOW,
        250_000,
        2,
    )
    with pytest.raises(StaleVersion):
        async with unit_of_work(ground, world.hq) as work:
            await watching.end_watch(work, made.id, expected_version=1)


async def test_notices_are_seen_once_by_their_owner(ground: Ground, world: World) -> None:
    guide = world.shop.guide
    async with unit_of_work(ground, guide) as work:
        told = await sending.tell(work, guide.id, WatchKind.DAILY, at(4).date(), [])
    assert told is not None

    for actor, named in ((world.shop.manager, [told]), (guide, [told, ids.new()])):
        with pytest.raises(NotFound):
            await _see(ground, actor, named)
    for count in (0, 101):
        with pytest.raises(Invalid):
            await _see(ground, guide, [told] * count)
    before = await notices(ground, guide)
    for moment in (at(4, 9), at(4, 10)):
        with clock.stopped_at(moment):
            await _see(ground, guide, [told])

    assert [(each.seen_at, each.version) for each in before] == [(None, 1)]
    assert [(each.seen_at, each.version) for each in await notices(ground, guide)] == [(at(4, 9), 2)]
    assert await said(ground, guide.id) == [("put", "staff", guide.id)] * 2


async def _see(ground: Ground, actor: Actor, notice_ids: list[UUID]) -> None:
    async with unit_of_work(ground, actor) as work:
        await watching.see_notices(work, notice_ids)
