"""Rankings equal a sorting by hand, are read page by page without a gap, and show nobody what isn't theirs."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

import pytest
from sqlmodel import col

from directory.models import Staff, StaffState, Store, StoreState
from kernel import clock, ids
from kernel.actor import Actor, Role
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.pages import BadCursor, Page
from kernel.work import Ground
from kpi.models import Days
from kpi.models.definitions import DEFINITIONS, Definition, Figure
from kpi.models.periods import before
from kpi.queries import ranking, scoping
from kpi.queries.ranking import OwnPosition, Position, Ranked, RankedBy, Ranking, Wanted, place_of
from kpi.queries.scoping import Asked
from tests.factories import World, build_customer, build_shop, build_world, save
from tests.kpi import sold_by_hand
from tests.kpi.test_every_change import count_all
from tests.kpi.test_reading import RANGES, counted
from tests.kpi.test_tiles import NOW, everything
from tests.mall.trading import place, refund, till
from tests.statements import statements

MARCH = Days(date(2026, 3, 1), date(2026, 3, 31))
BY_HAND: dict[Figure, Any] = {
    Figure.NET: lambda sums: Fraction(sums["gross"] - sums["refunds"]),
    Figure.AVERAGE_BASKET: lambda sums: Fraction(sums["gross"], sums["orders"]) if sums["orders"] else None,
    Figure.CUSTOMERS_ACTIVE: lambda sums: Fraction(sums["customers_active"]),
}


async def ranked(ground: Ground, actor: Actor, wanted: Wanted, page: Page | None = None) -> list[Ranked]:
    async with ground.db.read() as session:
        return await ranking.page(session, actor, page or Page(100), wanted)


async def positions(ground: Ground, actor: Actor, wanted: Wanted) -> list[tuple[str, int | None, Any]]:
    """The lines as code, position and value."""
    return [(line.code, line.position, line.value) for line in await ranked(ground, actor, wanted)]


def sorted_by_hand(
    tally: sold_by_hand.Tally, codes: dict[UUID, str], figure: Figure, *, ascending: bool
) -> list[tuple[str, int | None, Any]]:
    values = {key: BY_HAND[figure](tally.get(key, sold_by_hand.NOTHING)) for key in codes}
    some = {key: value for key, value in values.items() if value is not None}
    lines = [
        (codes[key], 1 + sum(other > value if not ascending else other < value for other in some.values()), value)
        for key, value in some.items()
    ]
    lines.sort(key=lambda line: (line[1], line[0]))
    return [*lines, *((codes[key], None, None) for key in sorted(values, key=codes.__getitem__) if key not in some)]


async def test_stores_and_guides_are_ranked_as_a_sorting_by_hand_ranks_them(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await counted(ground)
        stores = {row.id: row.code for row in await everything(ground, world, Store)}
        guides = {row.id: row.number for row in await everything(ground, world, Staff) if row.role is Role.GUIDE}

        for days in RANGES.values():
            by_store = await sold_by_hand.by_store(ground, world, days)
            by_guide = await sold_by_hand.by_guide(ground, world, days)
            for figure in BY_HAND:
                for ascending in (False, True):
                    wanted = Wanted(RankedBy.STORE, figure, days, ascending=ascending)
                    assert await positions(ground, world.hq, wanted) == sorted_by_hand(
                        by_store, stores, figure, ascending=ascending
                    )
                    wanted = replace(wanted, by=RankedBy.GUIDE)
                    assert await positions(ground, world.hq, wanted) == sorted_by_hand(
                        by_guide, guides, figure, ascending=ascending
                    )


def _ranking(values: dict[str, tuple[int, int]], figure: Figure = Figure.AVERAGE_BASKET, **how: bool) -> Ranking:
    """Lines by code: gross and orders of each."""
    keys = {code: UUID(int=number) for number, code in enumerate(sorted(values), 1)}
    found = {keys[code]: {"gross": gross, "orders": orders} for code, (gross, orders) in values.items()}
    return Ranking(DEFINITIONS[figure], found, {key: code for code, key in keys.items()}, **how)


def test_who_is_the_same_shares_a_position_and_who_has_no_value_comes_last_without_one() -> None:
    lines = _ranking({"A": (1, 3), "B": (0, 0), "C": (4, 2), "D": (2, 6), "E": (1, 4)}).page(Page(100))

    assert [(line.code, line.position) for line in lines] == [("C", 1), ("A", 2), ("D", 2), ("E", 4), ("B", None)]


def test_shares_that_differ_by_next_to_nothing_are_told_apart() -> None:
    """As floats they are one number."""
    most = 2**62
    lines = _ranking({"A": (most - 1, most), "B": (most, most + 1), "C": (most - 2, most - 1)}).page(Page(100))

    assert [(line.code, line.position) for line in lines] == [("B", 1), ("A", 2), ("C", 3)]
    assert len({float(line.value or 0) for line in lines}) == 1


def test_shares_of_the_whole_add_up_to_it_and_averages_have_none() -> None:
    sold = _ranking({"A": (1, 1), "B": (2, 1), "C": (4, 1)}, Figure.GROSS).page(Page(100))

    assert [line.share for line in sold] == [Fraction(4, 7), Fraction(2, 7), Fraction(1, 7)]
    assert [line.share for line in _ranking({"A": (1, 1)}).page(Page(100))] == [None]
    assert [line.share for line in _ranking({"A": (0, 1)}, Figure.GROSS).page(Page(100))] == [None]


@pytest.mark.parametrize("ascending", [False, True])
@pytest.mark.parametrize("figure", [Figure.GROSS, Figure.AVERAGE_BASKET])
def test_pages_of_any_size_are_the_whole_in_its_order(figure: Figure, ascending: bool) -> None:
    made = _ranking({f"S{n:02}": (n % 5 * 7, n % 4) for n in range(23)}, figure, ascending=ascending)
    whole = made.page(Page(100))

    for size in (1, 2, 7, 22, 23):
        walked: list[Ranked] = []
        while walked[-1:] != whole[-1:]:
            after = place_of(walked[-1]) if walked else None
            walked += made.page(Page(size, _sent(after)))[:size]
        assert walked == whole


def test_a_page_goes_on_from_its_place_when_the_line_is_gone() -> None:
    made = _ranking({"A": (3, 1), "B": (2, 1), "C": (1, 1)}, Figure.GROSS)

    left = made.page(Page(2, (2, 1, "A5", str(UUID(int=9)))))

    assert [line.code for line in left] == ["B", "C"]


@pytest.mark.parametrize(
    "after",
    [
        [],
        [1, 1, "A"],
        [1, 0, "A", str(UUID(int=1))],
        [1, 2, "A", str(UUID(int=1))],
        ["1", 1, "A", str(UUID(int=1))],
        [1.5, 1, "A", str(UUID(int=1))],
        [True, 1, "A", str(UUID(int=1))],
        [1, None, "A", str(UUID(int=1))],
        [1, 1, None, str(UUID(int=1))],
        [1, 1, "A", "A"],
        [1, 1, "A", 1],
        [1, 1, "A", str(UUID(int=1)), 1],
        {"top": 1},
    ],
)
def test_a_cursor_of_another_list_is_refused(after: Any) -> None:
    with pytest.raises(BadCursor):
        _ranking({"A": (1, 1)}, Figure.GROSS).page(Page(1, after))


async def _traded(ground: Ground) -> World:
    """March: the first shop sold 300, the second 100, the third 200; February: 0, 500 and 100."""
    world = await build_world(ground)
    for shop, (now, then) in zip(world.shops, ((300, 0), (100, 500), (200, 100)), strict=True):
        for amount, at in ((now, NOW), (then, NOW - timedelta(days=40))):
            if amount:
                customer = await build_customer(ground, shop.guide)
                await place(ground, world, customer, store_id=shop.store.id, amount=amount, placed_at=at)
    await count_all(ground, world.brand.id)
    return world


async def test_the_period_before_has_its_own_positions(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)
        wanted = Wanted(RankedBy.STORE, Figure.GROSS, MARCH)
        lines = await ranked(ground, world.hq, wanted)

        async with ground.db.read() as session:
            was = await ranking.previous(session, world.hq, [line.id for line in lines], wanted=wanted)

    assert [(line.code[-1], line.sums["gross"]) for line in lines] == [("1", 300), ("3", 200), ("2", 100)]
    assert [(was[line.id].position, float(was[line.id].value or 0)) for line in lines] == [(3, 0), (2, 100), (1, 500)]
    assert before(MARCH) == Days(date(2026, 2, 1), date(2026, 2, 28))


async def test_regions_are_the_sums_of_their_stores_one_level_at_a_time(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)
        east, root = world.regions["east"], world.regions["cn"]
        central = await build_shop(ground, world.brand, root, "qinghe-central")
        await place(ground, world, store_id=central.store.id, amount=50, placed_at=NOW)
        await count_all(ground, world.brand.id)
        wanted = Wanted(RankedBy.REGION, Figure.GROSS, MARCH)

        of_all = await positions(ground, world.hq, wanted)
        of_root = await positions(ground, world.hq, replace(wanted, asked=Asked(region_id=root.id)))
        of_east = await positions(ground, world.hq, replace(wanted, asked=Asked(region_id=east.id)))
        regional = await positions(ground, world.east_manager, wanted)
        own = await positions(ground, world.shop.manager, wanted)

    assert of_all == of_root == [("east", 1, 400), ("north", 2, 200), ("cn", 3, 50)]
    assert of_east == regional == [("east", 1, 400)]
    assert own == [("east", 1, 300)]


async def test_managers_rank_what_they_answer_for_and_guides_nothing(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)
        stores = Wanted(RankedBy.STORE, Figure.GROSS, MARCH)
        guides = replace(stores, by=RankedBy.GUIDE)

        regional = await positions(ground, world.east_manager, stores)
        own = await positions(ground, world.shop.manager, stores)
        people = await positions(ground, world.shop.manager, guides)
        for actor, error in ((world.shop.guide, Forbidden), (till(world), Forbidden)):
            for wanted in (stores, guides):
                with pytest.raises(error):
                    await ranked(ground, actor, wanted)
        machine = await positions(ground, till(world, "reports:read"), stores)

    assert [(code[-1], place) for code, place, _ in regional] == [("1", 1), ("2", 2)]
    assert [(code[-1], place) for code, place, _ in own] == [("1", 1)]
    assert [(code[-2:], place, value) for code, place, value in people] == [("G1", 1, 300), ("G2", 2, 0)]
    assert len(machine) == 3


async def test_a_place_out_of_sight_is_not_found(ground: Ground) -> None:
    world = await build_world(ground)
    wanted = Wanted(RankedBy.STORE, Figure.GROSS, MARCH)
    far, north = world.shops[2].store.id, world.regions["north"].id

    for actor in (world.shop.manager, world.east_manager):
        for asked in (Asked(store_id=far), Asked(region_id=north), Asked(store_id=ids.new())):
            for by in RankedBy:
                with pytest.raises(NotFound):
                    await ranked(ground, actor, replace(wanted, by=by, asked=asked))


async def test_a_ranking_that_forgets_to_look_away_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: stores that are looked up by the brand alone."""
    world = await build_world(ground)
    monkeypatch.setattr(scoping, "stores_visible_to", lambda actor: col(Store.brand_id) == actor.brand_id)

    assert len(await positions(ground, world.shop.manager, Wanted(RankedBy.STORE, Figure.GROSS, MARCH))) == 3


async def test_a_store_that_closed_is_ranked_for_as_long_as_it_has_figures(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)
        async with ground.db.write() as session:
            for shop in world.shops[:2]:
                (await session.merge(shop.store)).state = StoreState.CLOSED
        wanted = Wanted(RankedBy.STORE, Figure.GROSS, MARCH)
        april = replace(wanted, days=Days(date(2026, 4, 2), date(2026, 4, 3)))

        of_march, of_april = [await ranked(ground, world.hq, each) for each in (wanted, april)]

    assert [line.code[-1] for line in of_march] == ["1", "3", "2"]
    assert [line.code[-1] for line in of_april] == ["3"]


async def test_a_channel_is_refused_where_a_figure_isnt_told_apart_by_it(ground: Ground) -> None:
    world = await build_world(ground)
    by_channel = Asked(channel="pos")

    for figures in ((Figure.LINKS,), (Figure.GROSS, Figure.TASKS_DUE), (Figure.CUSTOMERS_ACTIVE,)):
        wanted = Wanted(RankedBy.STORE, figures[0], MARCH, by_channel, also=figures[1:])
        with pytest.raises(Invalid):
            await ranked(ground, world.hq, wanted)

    assert await ranked(ground, world.hq, Wanted(RankedBy.STORE, Figure.NET, MARCH, by_channel))


async def test_a_guide_learns_their_place_and_nobody_elses(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await _traded(ground)
        order = await place(ground, world, await build_customer(ground, world.shop.other_guide), amount=250)
        await refund(ground, world, order.id, amount=100)
        await count_all(ground, world.brand.id)

        async with ground.db.read() as session:
            mine = await ranking.own(session, world.shop.other_guide, Figure.NET, MARCH)
            basket = await ranking.own(session, world.shops[1].other_guide, Figure.AVERAGE_BASKET, MARCH)
            for actor in (world.shop.manager, world.hq, till(world, "reports:read")):
                with pytest.raises(Forbidden):
                    await ranking.own(session, actor, Figure.NET, MARCH)

    assert mine == OwnPosition(Position(Fraction(150), 2, 2), Position(Fraction(150), 3, 6))
    assert basket.in_brand == Position(None, None, 4)


@pytest.mark.parametrize("by", list(RankedBy))
async def test_more_stores_and_guides_take_no_more_statements(ground: Ground, by: RankedBy) -> None:
    world = await build_world(ground)
    wanted = Wanted(by, Figure.NET, MARCH, Asked(store_id=world.shop.store.id))
    sent: list[Sequence[str]] = []

    for asked in (wanted.asked, Asked(region_id=world.regions["cn"].id)):
        with statements(ground) as told:
            await ranked(ground, world.hq, replace(wanted, asked=asked, also=(Figure.LINKS,)))
        # To be sure that a region is in sight takes one.
        sent.append([each for each in told if "FROM region" not in each or "store" in each])

    assert len(sent[0]) == len(sent[1])


async def test_who_was_there_by_name_alone_is_in_the_ranking_with_nothing(ground: Ground) -> None:
    world = await build_world(ground)
    leaver = Staff(
        brand_id=world.brand.id,
        id=ids.new(),
        number="gone",
        name="李",
        role=Role.GUIDE,
        state=StaffState.DEPARTED,
        store_id=world.shop.store.id,
        hired_at=NOW,
    )
    await save(ground, leaver)

    lines = await positions(ground, world.shop.manager, Wanted(RankedBy.GUIDE, Figure.GROSS, MARCH))

    assert [(code[-2:], place, value) for code, place, value in lines] == [("G1", 1, 0), ("G2", 1, 0)]


def test_every_figure_can_be_ranked_by() -> None:
    for figure, definition in DEFINITIONS.items():
        made = Ranking(definition, _full(definition), {UUID(int=1): "A", UUID(int=2): "B"})
        assert [line.position for line in made.page(Page(100))] == [1, 2], figure


def _full(definition: Definition) -> dict[UUID, dict[str, int]]:
    more = {definition.plus: 3} | ({definition.over: 2} if definition.over else {})
    less = {definition.plus: 1} | ({definition.over: 2} if definition.over else {})
    return {UUID(int=1): more, UUID(int=2): less}


def _sent(after: Sequence[Any] | None) -> Sequence[Any] | None:
    """As it comes back from a client."""
    return None if after is None else [str(value) if isinstance(value, UUID) else value for value in after]
