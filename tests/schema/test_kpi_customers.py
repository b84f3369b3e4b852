"""Views of customers through GraphQL: who may ask, of what, and what is refused. What they say is proved elsewhere."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest

from customers.models import Customer
from kernel import clock, ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound, Refusal
from kernel.pages import BadCursor, BadPageSize
from kernel.work import Ground
from tests.asking import ask, refused
from tests.factories import NOON, World, build_customer, build_world
from tests.mall.trading import place, till
from tests.statements import statements

DAY = date(2026, 3, 2)
WHERE = "$regionId: ID, $storeId: ID, $staffId: ID"
GIVEN = "regionId: $regionId, storeId: $storeId, staffId: $staffId"
REPEAT = f"query ({WHERE}) {{ kpiRepeat({GIVEN}) {{ on customers withTwoOrders rateByOrders rateByDays }} }}"
PYRAMID = f"""query ({WHERE}) {{ kpiPyramid({GIVEN}) {{ currency customers amount cutAB cutBC
                groups {{ letter customers amount share }} }} }}"""
LISTED = """query ($letter: PyramidLetter!, $first: Int, $after: Cursor, $storeId: ID) {
  kpiPyramidCustomers(letter: $letter, first: $first, after: $after, storeId: $storeId) {
    edges { node { amount rank customer { id } } } pageInfo { hasNextPage endCursor } } }"""
CONCENTRATION = """query ($regionId: ID, $storeId: ID, $first: Int, $after: Cursor) {
  kpiConcentration(regionId: $regionId, storeId: $storeId, first: $first, after: $after) {
    after on net heldNet heldShare guides herfindahl lossRate { rate low high customers isMeasured }
    shares { edges { node { net share customers aCustomers atStake atStakeLow atStakeHigh staff { id } } }
             pageInfo { hasNextPage endCursor } } } }"""
EVERY = {
    "kpiCustomerFlow": "month",
    "kpiCohorts": "month",
    "kpiPyramid": "customers",
    "kpiPyramidCustomers": "edges { node { rank } }",
    "kpiLapsed": "customers",
    "kpiRepeat": "customers",
    "kpiPurchaseGaps": "on",
    "kpiConcentration": "net",
}
ALSO = {
    "kpiCustomerFlow": 'fromMonth: "2026-01-01", untilMonth: "2026-03-01"',
    "kpiCohorts": 'fromMonth: "2026-01-01", untilMonth: "2026-03-01"',
    "kpiPyramidCustomers": "letter: A",
}


def asked(name: str, of: str = "") -> str:
    given = ", ".join(part for part in (ALSO.get(name, ""), of) if part)
    return f"{{ {name}{f'({given})' if given else ''} {{ {EVERY[name]} }} }}"


async def sold(ground: Ground, world: World, amounts: Sequence[int]) -> list[Customer]:
    """So many customers of the first shop's first guide, each with an order of that amount, at noon of the day."""
    found = []
    for number, amount in enumerate(amounts, 8):  # 9 comes before 10, which text doesn't say
        found.append(await build_customer(ground, world.shop.guide, member_number=str(number)))
        await place(ground, world, found[-1], amount=amount, placed_at=NOON)
    return found


async def test_everybody_asks_of_their_own_sight(ground: Ground) -> None:
    world = await build_world(ground)
    guide, other = world.shop.guide, world.shop.other_guide
    [customer] = await sold(ground, world, [10_000])
    await place(ground, world, customer, amount=5_000, placed_at=NOON)
    await place(ground, world, await build_customer(ground, other), amount=3_000, placed_at=NOON)

    with clock.stopped_at(NOON):
        shown = [
            (await ask(ground, actor, REPEAT))["kpiRepeat"]
            for actor in (guide, other, world.shop.manager, world.east_manager, world.hq, world.shops[1].manager)
        ]

    assert [(row["customers"], row["withTwoOrders"]) for row in shown] == [
        (1, 1), (1, 0), (2, 1), (2, 1), (2, 1), (0, 0),
    ]  # fmt: skip
    assert shown[0] == {
        "on": DAY.isoformat(),
        "customers": 1,
        "withTwoOrders": 1,
        "rateByOrders": 1.0,
        "rateByDays": 0.0,
    }
    assert shown[-1]["rateByOrders"] is None


@pytest.mark.parametrize("name", EVERY)
async def test_what_is_out_of_sight_is_not_found(ground: Ground, name: str) -> None:
    world = await build_world(ground)
    next_door, far = world.shops[1], world.shops[2]
    cases: list[tuple[Actor, str]] = [
        (world.shop.manager, f'storeId: "{next_door.store.id}"'),
        (world.shop.manager, f'regionId: "{world.regions["north"].id}"'),
        (world.east_manager, f'storeId: "{far.store.id}"'),
        (world.east_manager, f'regionId: "{world.regions["north"].id}"'),
        (world.hq, f'storeId: "{ids.new()}"'),
        (world.hq, 'regionId: "nonsense"'),
        (world.shop.guide, f'storeId: "{next_door.store.id}"'),
        (world.shop.guide, f'regionId: "{world.regions["east"].id}"'),
    ]
    if name != "kpiConcentration":
        cases += [
            (world.shop.guide, f'staffId: "{world.shop.other_guide.staff_id}"'),
            (world.shop.manager, f'staffId: "{next_door.guide.staff_id}"'),
        ]

    for actor, of in cases:
        [error] = await refused(ground, actor, asked(name, of))
        assert type(error) is NotFound, of


@pytest.mark.parametrize("name", EVERY)
async def test_a_machine_needs_to_be_allowed_to_read_reports(ground: Ground, name: str) -> None:
    world = await build_world(ground)

    [error] = await refused(ground, till(world), asked(name))

    assert isinstance(error, Forbidden)
    assert name in await ask(ground, till(world, "reports:read"), asked(name))


async def test_a_machine_that_may_not_read_customers_is_shown_none(ground: Ground) -> None:
    world = await build_world(ground)
    await sold(ground, world, [300, 200, 100])

    with clock.stopped_at(NOON):
        counts = (await ask(ground, till(world, "reports:read"), PYRAMID))["kpiPyramid"]
        listed = (await ask(ground, till(world, "reports:read"), LISTED, letter="A"))["kpiPyramidCustomers"]

    assert (counts["customers"], listed["edges"]) == (3, [])


@pytest.mark.parametrize("name", ["kpiCustomerFlow", "kpiCohorts"])
@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2026-03-01", "2026-02-28"),
        ("1926-01-01", "2026-01-01"),
        ("2020-01-01", "2120-01-01"),
        ("2022-01-31", "2025-01-01"),
    ],
)
async def test_months_that_are_reversed_or_too_many_are_refused(
    ground: Ground, name: str, first: str, last: str
) -> None:
    world = await build_world(ground)

    with statements(ground) as sent:
        [error] = await refused(
            ground, world.hq, f'{{ {name}(fromMonth: "{first}", untilMonth: "{last}") {{ month }} }}'
        )

    assert type(error) is Invalid
    assert sent == []


async def test_as_many_months_as_are_allowed_are_answered(ground: Ground) -> None:
    world = await build_world(ground)
    await sold(ground, world, [100])

    flow = await ask(
        ground, world.hq, '{ kpiCustomerFlow(fromMonth: "2023-04-30", untilMonth: "2026-03-01") { month active new } }'
    )
    cohorts = await ask(
        ground, world.hq, '{ kpiCohorts(fromMonth: "2024-04-01", untilMonth: "2026-03-31") { month active } }'
    )

    assert len(flow["kpiCustomerFlow"]) == 36
    assert flow["kpiCustomerFlow"][-1] == {"month": "2026-03-01", "active": 1, "new": 1}
    assert cohorts["kpiCohorts"] == [{"month": "2026-03-01", "active": [1]}]


@pytest.mark.parametrize("name", ["kpiPyramid", "kpiPyramidCustomers", "kpiLapsed", "kpiRepeat", "kpiPurchaseGaps"])
@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "2201-01-01", "9999-12-31"])
async def test_a_day_that_no_shop_has_is_refused(ground: Ground, name: str, day: str) -> None:
    world = await build_world(ground)

    for part in ["on", "fromDay"] if name.startswith("kpiPyramid") else ["on"]:
        [error] = await refused(ground, world.hq, asked(name, f'{part}: "{day}"'))
        assert type(error) is Invalid


@pytest.mark.parametrize(
    ("first", "after", "refusal"), [(0, None, BadPageSize), (101, None, BadPageSize), (1, "x", BadCursor)]
)
async def test_pages_are_bounded_and_begin_where_one_ended(
    ground: Ground, first: int, after: str | None, refusal: type[Refusal]
) -> None:
    world = await build_world(ground)

    for document, given in ((LISTED, {"letter": "A"}), (CONCENTRATION, {})):
        [error] = await refused(ground, world.hq, document, first=first, after=after, **given)
        assert type(error) is refusal


async def test_the_pyramid_lists_those_whom_the_viewer_sees_with_one_set_of_statements(ground: Ground) -> None:
    world = await build_world(ground)
    people = await sold(ground, world, [100, 500, 100, 300, 100, 100])
    counts = []

    with clock.stopped_at(NOON):
        whole = (await ask(ground, world.hq, PYRAMID))["kpiPyramid"]
        lists: dict[str, list[Any]] = {}
        for letter in "ABC":
            lists[letter] = []
            page: dict[str, Any] = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
            while page["pageInfo"]["hasNextPage"]:
                after = page["pageInfo"]["endCursor"]
                page = (await ask(ground, world.hq, LISTED, letter=letter, first=2, after=after))["kpiPyramidCustomers"]
                lists[letter] += [each["node"] for each in page["edges"]]
        others = await ask(ground, world.shop.other_guide, LISTED, letter="A")
        for first in (1, 3):
            with statements(ground) as sent:
                await ask(ground, world.hq, LISTED, letter="C", first=first)
            counts.append(len(sent))

    assert whole == {
        "currency": "CNY",
        "customers": 6,
        "amount": 1_200,
        "cutAB": 300,
        "cutBC": 100,
        "groups": [
            {"letter": "A", "customers": 2, "amount": 800, "share": 800 / 1200},
            {"letter": "B", "customers": 1, "amount": 100, "share": 100 / 1200},
            {"letter": "C", "customers": 3, "amount": 300, "share": 300 / 1200},
        ],
    }
    ranked = [people[place] for place in (1, 3, 0, 2, 4, 5)]
    shown = [node for letter in "ABC" for node in lists[letter]]
    assert [node["customer"]["id"] for node in shown] == [str(customer.id) for customer in ranked]
    assert [node["rank"] for node in shown] == [1, 2, 3, 4, 5, 6]
    assert others["kpiPyramidCustomers"]["edges"] == []
    assert counts[0] == counts[1]


async def test_a_manager_reads_what_hangs_on_whom_and_what_is_at_stake(ground: Ground) -> None:
    world = await build_world(ground)
    guide, other = world.shop.guide, world.shop.other_guide
    await sold(ground, world, [60_000, 20_000])
    await place(ground, world, await build_customer(ground, other), amount=20_000, placed_at=NOON)
    await place(ground, world, amount=25_000, placed_at=NOON)
    await place(ground, world, await build_customer(ground, other), amount=9_000, placed_at=NOON - timedelta(days=366))

    with clock.stopped_at(NOON):
        found = (await ask(ground, world.shop.manager, CONCENTRATION))["kpiConcentration"]
        elsewhere = (await ask(ground, world.shops[1].manager, CONCENTRATION))["kpiConcentration"]
        first = (await ask(ground, world.hq, CONCENTRATION, first=1))["kpiConcentration"]["shares"]
        end = first["pageInfo"]["endCursor"]
        rest = (await ask(ground, world.hq, CONCENTRATION, first=1, after=end))["kpiConcentration"]["shares"]
        [error] = await refused(ground, guide, CONCENTRATION)

    assert (found["net"], found["heldNet"], found["heldShare"]) == (125_000, 100_000, 0.8)
    assert (found["guides"], found["herfindahl"]) == (2, pytest.approx(0.8**2 + 0.2**2))
    assert found["lossRate"] == {
        "rate": pytest.approx(0.154), "low": 0.132, "high": 0.176, "customers": 0, "isMeasured": False,
    }  # fmt: skip
    nodes = [edge["node"] for edge in found["shares"]["edges"]]
    assert nodes[0] == {
        "net": 80_000,
        "share": 0.64,
        "customers": 2,
        "aCustomers": 1,
        "atStake": 12_320,
        "atStakeLow": 10_560,
        "atStakeHigh": 14_080,
        "staff": {"id": str(guide.staff_id)},
    }
    assert (nodes[1]["net"], nodes[1]["staff"]["id"]) == (20_000, str(other.staff_id))
    assert (elsewhere["net"], elsewhere["heldShare"], elsewhere["herfindahl"]) == (0, None, None)
    assert [edge["node"] for part in (first, rest) for edge in part["edges"]] == nodes
    assert (first["pageInfo"]["hasNextPage"], rest["pageInfo"]["hasNextPage"]) == (True, False)
    assert type(error) is NotFound
