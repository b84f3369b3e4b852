"""From a region down to a customer's orders every step adds up to the one above; totals and series likewise."""

from datetime import timedelta
from fractions import Fraction
from uuid import UUID

import pytest

from kernel import clock, ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.pages import BadCursor, Page
from kernel.work import Ground
from kpi.models import Days, Grain, Span
from kpi.models.definitions import Figure
from kpi.queries import buyers, looking, reading
from kpi.queries.scoping import Asked, Scope
from mall.queries import orders
from tests.factories import World, build_customer, build_world
from tests.kpi.test_every_change import count_all
from tests.kpi.test_ranking import MARCH
from tests.kpi.test_reading import counted
from tests.kpi.test_tiles import NOW
from tests.mall.trading import place, refund, till
from tests.statements import statements

SALES = (Figure.ORDERS, Figure.GROSS, Figure.REFUNDS, Figure.NET)
Line = tuple[UUID, int, int, int, int]


async def bought(ground: Ground, actor: Actor, asked: Asked, page: Page | None = None) -> list[Line]:
    async with ground.db.read() as session:
        rows = await buyers.page(session, actor, page or Page(100), asked, MARCH)
    return [(row.id, row.orders, row.gross, row.refunds, row.net) for row in rows]


async def totals(ground: Ground, actor: Actor, asked: Asked, *figures: Figure) -> list[Fraction | None]:
    async with ground.db.read() as session:
        return [each.value for each in await looking.totals(session, actor, asked, MARCH, figures)]


async def test_customers_of_a_store_add_up_to_its_figures_but_for_guests(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await counted(ground)
        for shop in world.shops:
            asked = Asked(store_id=shop.store.id)
            lines = await bought(ground, world.hq, asked)
            gross, back = await totals(ground, world.hq, asked, Figure.GROSS, Figure.REFUNDS)
            async with ground.db.read() as session:
                found = await orders.page(
                    session,
                    world.hq,
                    Page(100),
                    orders.Filter(store_id=shop.store.id, from_day=MARCH.first, until_day=MARCH.last),
                )

            guests = [row for row in found if row.customer_id is None and row.state not in ("cancelled", "pending")]
            assert sum(line[2] for line in lines) + sum(row.amount for row in guests) == gross
            assert sum(line[3] for line in lines) <= (back or 0)
            assert [line[2] for line in lines] == sorted((line[2] for line in lines), reverse=True)
            for customer_id, count, amount, *_ in lines:
                theirs = [row for row in found if row.customer_id == customer_id and row not in guests]
                theirs = [row for row in theirs if row.state not in ("cancelled", "pending")]
                assert (count, amount) == (len(theirs), sum(row.amount for row in theirs))


async def _shared(ground: Ground) -> tuple[World, dict[str, UUID]]:
    """Two customers of one guide and one of a colleague; 300, 101 of which 1 went back, and 200."""
    world = await build_world(ground)
    people = {
        "most": await build_customer(ground, world.shop.guide),
        "least": await build_customer(ground, world.shop.guide),
        "other": await build_customer(ground, world.shop.other_guide),
    }
    for amount, name in ((200, "most"), (100, "most"), (100, "least"), (200, "other")):
        await place(ground, world, people[name], amount=amount)
    sold = await place(ground, world, people["least"], amount=1)
    await refund(ground, world, sold.id, amount=1)
    await count_all(ground, world.brand.id)
    return world, {name: customer.id for name, customer in people.items()}


async def test_a_guides_customers_are_those_whose_orders_they_have_the_credit_of(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world, who = await _shared(ground)
        mine = [(who["most"], 2, 300, 0, 300), (who["least"], 2, 101, 1, 100)]

        assert await bought(ground, world.shop.guide, Asked()) == mine
        assert await bought(ground, world.shop.manager, Asked(staff_id=world.shop.guide.staff_id)) == mine
        assert await bought(ground, world.shop.other_guide, Asked()) == [(who["other"], 1, 200, 0, 200)]
        store = await bought(ground, world.shop.manager, Asked(store_id=world.shop.store.id))
        assert [line[0] for line in store] == [who["most"], who["other"], who["least"]]
        assert await totals(ground, world.shop.guide, Asked(), *SALES) == [4, 401, 1, 400]


async def test_customers_are_read_page_by_page_and_a_foreign_cursor_is_refused(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world, _ = await _shared(ground)
        asked = Asked(store_id=world.shop.store.id)
        whole = await bought(ground, world.hq, asked)

        walked: list[Line] = []
        while len(walked) < len(whole):
            after = (walked[-1][2], str(walked[-1][0])) if walked else None
            walked += (await bought(ground, world.hq, asked, Page(1, after)))[:1]

        assert walked == whole
        for place_ in ([], [1], ["1", str(ids.new())], [1, "x"], [2**70, str(ids.new())]):
            with pytest.raises(BadCursor):
                await bought(ground, world.hq, asked, Page(1, place_))


async def test_a_customer_out_of_sight_is_not_among_them(ground: Ground) -> None:
    """Somebody else's customer bought in the first shop: its manager sees the sum, not who it was."""
    with clock.stopped_at(NOW):
        world = await build_world(ground)
        stranger = await build_customer(ground, world.shops[2].guide)
        await place(ground, world, stranger, store_id=world.shop.store.id, amount=700)
        await count_all(ground, world.brand.id)
        asked = Asked(store_id=world.shop.store.id)

        assert await totals(ground, world.shop.manager, asked, Figure.GROSS) == [700]
        assert await bought(ground, world.shop.manager, asked) == []
        assert [line[0] for line in await bought(ground, world.hq, asked)] == [stranger.id]
        assert await bought(ground, till(world, "reports:read"), asked) == []


async def test_what_is_not_theirs_is_not_found(ground: Ground) -> None:
    world = await build_world(ground)
    far, here = world.shops[2], world.shop
    asked_by = [
        (here.guide, Asked(store_id=far.store.id)),
        (here.guide, Asked(staff_id=here.other_guide.staff_id)),
        (here.guide, Asked(region_id=world.regions["east"].id)),
        (here.manager, Asked(store_id=world.shops[1].store.id)),
        (here.manager, Asked(staff_id=world.shops[1].guide.staff_id)),
        (world.east_manager, Asked(store_id=far.store.id)),
        (world.east_manager, Asked(staff_id=far.guide.staff_id)),
        (world.east_manager, Asked(region_id=world.regions["north"].id)),
        (world.hq, Asked(store_id=ids.new())),
        (world.hq, Asked(staff_id=ids.new())),
    ]

    for actor, asked in asked_by:
        with pytest.raises(NotFound):
            await totals(ground, actor, asked, *SALES)
        async with ground.db.read() as session:
            with pytest.raises(NotFound):
                await looking.series(session, actor, asked, Span.DAY, MARCH, SALES)
        if asked.region_id is None:
            with pytest.raises(NotFound):
                await bought(ground, actor, asked)
    for machine in (till(world), till(world, "customers:read")):
        with pytest.raises(Forbidden):
            await totals(ground, machine, Asked(), *SALES)
        with pytest.raises(Forbidden):
            await bought(ground, machine, Asked(store_id=here.store.id))
    with pytest.raises(Invalid):
        await bought(ground, world.hq, Asked())


async def test_a_series_has_every_day_and_adds_up_and_customers_of_whole_weeks_alone(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await counted(ground)
        figures = (Figure.GROSS, Figure.AVERAGE_BASKET, Figure.CUSTOMERS_ACTIVE)
        points = {}
        for span in Span:
            async with ground.db.read() as session:
                points[span] = await looking.series(session, world.hq, Asked(), span, MARCH, figures)
        [gross] = await totals(ground, world.hq, Asked(), Figure.GROSS)

    assert [len(points[span]) for span in (Span.DAY, Span.WEEK, Span.MONTH)] == [31, 6, 1]
    assert [(point.first.day, point.last.day) for point in points[Span.WEEK]] == [
        (1, 1),
        (2, 8),
        (9, 15),
        (16, 22),
        (23, 29),
        (30, 31),
    ]
    for found in points.values():
        assert sum(point.values[0].value or 0 for point in found) == gross
    assert [point.values[2].value is None for point in points[Span.WEEK]] == [True, False, False, False, False, True]
    assert [point.values[2].value for point in points[Span.MONTH]] == [None]
    assert all(point.values[2].value is not None for point in points[Span.DAY])


async def test_days_to_come_have_no_value(ground: Ground) -> None:
    with clock.stopped_at(NOW):
        world = await counted(ground)
        async with ground.db.read() as session:
            last = (await reading.calendar(session, Scope(world.brand.id, Grain.STORE))).begun
            days = Days(last - timedelta(days=9), last + timedelta(days=20))
            by_day, by_week = [
                await looking.series(session, world.hq, Asked(), span, days, (Figure.ORDERS, Figure.CUSTOMERS_ACTIVE))
                for span in (Span.DAY, Span.WEEK)
            ]

    assert [point.values[0].value is None for point in by_day] == [False] * 10 + [True] * 20
    assert [point.values[1].value is None for point in by_day] == [False] * 10 + [True] * 20
    assert [point.values[0].value is None for point in by_week] == [point.first > last for point in by_week]


@pytest.mark.parametrize("rows", [1, 3])
async def test_more_customers_take_no_more_statements(ground: Ground, rows: int) -> None:
    world = await build_world(ground)
    for _ in range(rows):
        await place(ground, world, await build_customer(ground, world.shop.guide), placed_at=NOW - timedelta(hours=1))

    with statements(ground) as sent:
        lines = await bought(ground, world.shop.manager, Asked(store_id=world.shop.store.id))

    assert (len(lines), len(sent)) == (rows, 2)


def test_a_share_of_few_is_marked_and_a_sum_never_is() -> None:
    few, enough = ({"sharers": 1, "at_work": number} for number in (29, 30))

    assert looking.value_of(Figure.SHARE_RATE, few).is_small
    assert not looking.value_of(Figure.SHARE_RATE, enough).is_small
    assert looking.value_of(Figure.SHARE_RATE, {}).sample == 0
    assert looking.value_of(Figure.SHARE_RATE, {}).value is None
    assert not looking.value_of(Figure.LINKS, {"links": 1}).is_small
