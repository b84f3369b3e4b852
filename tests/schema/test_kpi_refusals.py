"""What can't be asked about figures is refused by its code before any of them is read, whichever field is asked."""

from dataclasses import dataclass

import pytest

from kernel import ids
from kernel.actor import Actor
from kernel.errors import Forbidden, Invalid, NotFound
from kernel.pages import BadCursor, BadPageSize
from kernel.work import Ground
from schema.root import schema
from tests.asking import context, refused
from tests.factories import World, build_world
from tests.kpi.costly import costly
from tests.mall.trading import till
from tests.refusals import snapshot
from tests.statements import statements


@dataclass(frozen=True)
class Asked:
    """A field with what it needs, and which of the usual arguments it takes."""

    field: str
    shown: str
    needs: str = ""
    days: tuple[str, str] | None = ("fromDay", "untilDay")
    scope: tuple[str, ...] = ("regionId", "storeId", "staffId")
    pages: bool = False

    def document(self, given: str = "") -> str:
        first, last = self.days or ("", "")
        range_ = f'{first}: "2026-03-01", {last}: "2026-03-31"' if self.days and first not in given else ""
        said = ", ".join(part for part in (self.needs, range_, given) if part)
        return f"{{ {self.field}{f'({said})' if said else ''} {{ {self.shown} }} }}"


MONTHS = ("fromMonth", "untilMonth")
FIELDS = (
    Asked("kpiRanking", "edges { cursor }", "by: GUIDE, figure: NET", scope=("regionId", "storeId"), pages=True),
    Asked("kpiTotals", "value", "figures: [NET]"),
    Asked("kpiSeries", "firstDay", "figures: [NET], span: WEEK"),
    Asked("kpiCustomers", "edges { cursor }", scope=("storeId", "staffId"), pages=True),
    Asked("kpiDiagnosis", "edges { cursor }", scope=("storeId", "staffId"), pages=True),
    Asked("kpiCompared", "value", "figures: [NET]"),
    Asked("kpiWaiting", "days"),
    Asked("kpiMyPosition", "inBrand { of }", "figure: NET", scope=()),
    Asked("kpiCustomerFlow", "month", days=MONTHS),
    Asked("kpiCohorts", "month", days=MONTHS),
    Asked("kpiPyramid", "customers", days=None),
    Asked("kpiPyramidCustomers", "edges { cursor }", "letter: A", days=None, pages=True),
    Asked("kpiLapsed", "customers", days=None),
    Asked("kpiRepeat", "customers", days=None),
    Asked("kpiPurchaseGaps", "on", days=None),
    Asked("kpiConcentration", "net", days=None, scope=("regionId", "storeId"), pages=True),
)
BY_NAME = {asked.field: asked for asked in FIELDS}
RANGES = (
    ("1926-03-01", "2026-03-01"),
    ("2020-01-01", "2120-01-01"),
    ("2026-03-02", "2026-02-01"),
    ("2022-01-01", "2025-03-01"),
    ("0001-01-01", "0001-01-01"),
    ("9999-12-31", "9999-12-31"),
)
every = pytest.mark.parametrize("name", BY_NAME)


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


async def turned_down(ground: Ground, actor: Actor, document: str) -> tuple[type[Exception | None], list[str]]:
    """Why, and what was sent to the database; nothing costly is, and nothing is changed."""
    before = await snapshot(ground)
    with statements(ground) as sent:
        [error] = await refused(ground, actor, document)
    assert costly(sent) == [], document
    assert await snapshot(ground) == before
    return type(error), sent


def test_there_is_a_line_for_each_field_that_reads_figures() -> None:
    assert schema._schema.query_type is not None
    others = {"kpiTiles", "kpiDefinitions", "kpiWatches", "kpiNotices", "kpiHook"}  # take no range and no scope

    assert {name for name in schema._schema.query_type.fields if name.startswith("kpi")} - others == set(BY_NAME)


@pytest.mark.parametrize("name", [name for name, asked in BY_NAME.items() if asked.days])
async def test_a_range_that_is_none_or_too_long_is_refused_without_a_statement(
    ground: Ground, world: World, name: str
) -> None:
    asked = BY_NAME[name]
    assert asked.days
    for first, last in RANGES:
        given = f'{asked.days[0]}: "{first}", {asked.days[1]}: "{last}"'

        assert await turned_down(ground, world.shop.guide, asked.document(given)) == (Invalid, []), given


@every
async def test_a_machine_that_may_not_read_reports_is_refused_without_a_statement(
    ground: Ground, world: World, name: str
) -> None:
    asked = BY_NAME[name]
    of = "" if "storeId" not in asked.scope else f'storeId: "{world.shop.store.id}"'

    assert await turned_down(ground, till(world), asked.document(of)) == (Forbidden, [])


@pytest.mark.parametrize("name", [name for name, asked in BY_NAME.items() if asked.scope])
async def test_what_is_out_of_sight_is_not_found_before_a_figure_is_read(
    ground: Ground, world: World, name: str
) -> None:
    asked, next_door, far = BY_NAME[name], world.shops[1], world.shops[2]
    cases = [
        (world.shop.manager, "storeId", next_door.store.id),
        (world.shop.manager, "regionId", world.regions["north"].id),
        (world.shop.manager, "staffId", next_door.guide.staff_id),
        (world.east_manager, "storeId", far.store.id),
        (world.east_manager, "regionId", world.regions["north"].id),
        (world.hq, "storeId", ids.new()),
        (world.hq, "storeId", "nonsense"),
        (world.hq, "regionId", ids.new()),
        (world.hq, "staffId", "nonsense"),
    ]
    for actor, argument, key in cases:
        if argument in asked.scope:
            found, _ = await turned_down(ground, actor, asked.document(f'{argument}: "{key}"'))
            assert found is NotFound, (argument, key)


@pytest.mark.parametrize("name", [name for name, asked in BY_NAME.items() if asked.pages])
async def test_a_page_that_there_cant_be_is_refused_before_a_figure_is_read(
    ground: Ground, world: World, name: str
) -> None:
    asked, store = BY_NAME[name], f'storeId: "{world.shop.store.id}"'
    for page, refusal in (
        ("first: 0", BadPageSize),
        ("first: 101", BadPageSize),
        ('after: "nonsense"', BadCursor),
        ('after: "WzFd"', BadCursor),
    ):
        found, _ = await turned_down(ground, world.hq, asked.document(f"{store}, {page}"))
        assert found is refusal, page


@pytest.mark.parametrize("name", ["kpiRanking", "kpiTotals", "kpiSeries", "kpiCompared", "kpiMyPosition"])
async def test_a_figure_that_there_is_none_of_is_refused_with_its_name(ground: Ground, world: World, name: str) -> None:
    with statements(ground) as sent:
        document = BY_NAME[name].document().replace("NET", "PROFIT")
        answer = await schema.execute(document, {}, context(ground, world.hq))

    assert answer.data is None
    assert answer.errors
    assert "PROFIT" in answer.errors[0].message
    assert sent == []


@pytest.mark.parametrize("name", ["kpiRanking", "kpiTotals", "kpiSeries"])
async def test_a_figure_that_isnt_told_apart_by_channel_is_refused_without_a_statement(
    ground: Ground, world: World, name: str
) -> None:
    for given in ("channel: POS", 'source: "pos"'):
        document = BY_NAME[name].document(given).replace("NET", "LINKS")
        assert await turned_down(ground, world.hq, document) == (Invalid, [])


async def test_guides_are_refused_what_is_others_and_all_but_guides_a_place_of_their_own(
    ground: Ground, world: World
) -> None:
    manager, guide = world.shop.manager, world.shop.guide

    assert await turned_down(ground, guide, BY_NAME["kpiRanking"].document()) == (Forbidden, [])
    assert await turned_down(ground, manager, BY_NAME["kpiMyPosition"].document()) == (Forbidden, [])
    assert (await turned_down(ground, guide, BY_NAME["kpiConcentration"].document()))[0] is NotFound
    for name in ("kpiCustomers", "kpiDiagnosis"):
        assert (await turned_down(ground, manager, BY_NAME[name].document()))[0] is Invalid


@every
async def test_the_check_itself_notices_figures_that_are_read(ground: Ground, world: World, name: str) -> None:
    """Otherwise the tests above would prove nothing."""
    asked = BY_NAME[name]
    of = "" if "storeId" not in asked.scope else f'storeId: "{world.shop.store.id}"'
    with statements(ground) as sent:
        await schema.execute(asked.document(of), {}, context(ground, world.hq))
        await schema.execute(asked.document(), {}, context(ground, world.shop.guide))

    assert costly(sent) != []
