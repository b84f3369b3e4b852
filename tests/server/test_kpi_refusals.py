"""What can't be had of files and charts is refused by its code, before any figure is read and with nothing begun."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from kernel.actor import Actor
from kernel.ids import new
from kernel.work import Ground
from server import drawings
from tests.factories import World, build_world
from tests.kpi.costly import costly
from tests.refusals import snapshot
from tests.server.machines import machine
from tests.serving import Served, serving
from tests.statements import statements

RANGE = {"fromDay": "2026-03-02", "untilDay": "2026-03-05"}
SERIES, RANKING, CHART = "/files/kpi/series.csv", "/files/kpi/ranking.csv", "/charts/kpi.svg"
ALL = [f"{path.rpartition('.')[0]}.{kind}" for path, kinds in (
    (SERIES, ("csv", "xlsx")), (RANKING, ("csv", "xlsx")), (CHART, ("svg", "png"))
) for kind in kinds]  # fmt: skip


@pytest.fixture
async def world(ground: Ground) -> World:
    return await build_world(ground)


@pytest.fixture
async def served(ground: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """A server that can draw nothing: whoever gets as far as that is told `NOT_DRAWN`."""
    monkeypatch.setattr(drawings, "_PROGRAM", Path("/nowhere"))
    async with serving(ground, daogou_home=tmp_path) as served:
        yield served


def usual(path: str) -> dict[str, str]:
    return {**RANGE, **({"figure": "net"} if path.startswith("/charts") else {})}


async def get(served: Served, token: str, path: str, **asked: Any) -> Any:
    shown = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    given = {name: value for name, value in {**usual(path), **asked}.items() if value is not None}
    return await served.http.get(path, headers=shown, params=given)


async def turned_down(served: Served, token: str, path: str, **asked: Any) -> tuple[int, str]:
    """Status and code of a refusal, that has read no figure and left no trace."""
    before = await snapshot(served.ground)
    with statements(served.ground) as sent:
        answer = await get(served, token, path, **asked)
    assert costly(sent) == [], (path, asked)
    assert await snapshot(served.ground) == before, (path, asked)
    assert not served.edge.settings.daogou_home.joinpath("charts").exists()
    assert answer.headers["cache-control"] == "no-store"
    assert "content-disposition" not in answer.headers
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("path", ALL)
async def test_a_machine_reads_files_and_charts_only_if_it_may_read_reports(
    served: Served, world: World, path: str
) -> None:
    till, _ = await machine(world, "till", "orders:write")
    reader, _ = await machine(world, "reader", "reports:read")

    refused = await turned_down(served, till, path)
    allowed = await get(served, reader, path)

    assert refused == (403, "FORBIDDEN")
    # Of a chart it is told that it can't be drawn here: it got that far.
    assert (allowed.status_code, "charts" in path) in ((200, False), (503, True))


@pytest.mark.parametrize("path", ALL)
async def test_what_cant_be_asked_is_refused_before_any_figure_is_read(served: Served, world: World, path: str) -> None:
    token = await served.token(world.hq)
    bad: list[dict[str, Any]] = [
        {"fromDay": "1926-03-02", "untilDay": "2026-03-02"},
        {"fromDay": "2000-03-02", "untilDay": "2100-03-02"},
        {"fromDay": "2025-03-04"},
        {"untilDay": "2026-03-01"},
        {"fromDay": None},
        {"fromDay": "2026-02-30"},
        {"figure": "profit"},
        {"channel": "moon"},
        {"source": "x" * 33},
        {"unheard": "of"},
    ]
    if path.startswith("/charts"):
        bad += [
            {"figure": None},
            {"step": "year"},
            {"width": "1e9"},
            {"height": "0"},
            {"figure": "links", "source": "pos"},
        ]

    for asked in bad:
        assert await turned_down(served, token, path, **asked) == (400, "INVALID"), asked


@pytest.mark.parametrize("path", ALL)
async def test_what_is_out_of_sight_is_not_found_before_any_figure_is_read(
    served: Served, world: World, path: str
) -> None:
    next_door, far = world.shops[1], world.shops[2]
    cases: list[tuple[Actor, dict[str, Any]]] = [
        (world.shop.manager, {"storeId": next_door.store.id}),
        (world.shop.manager, {"regionId": world.regions["north"].id}),
        (world.shop.manager, {"staffId": next_door.guide.staff_id}),
        (world.east_manager, {"storeId": far.store.id}),
        (world.east_manager, {"regionId": world.regions["north"].id}),
        (world.hq, {"storeId": new()}),
        (world.hq, {"regionId": "nonsense"}),
        (world.hq, {"staffId": new()}),
    ]
    if "ranking" not in path:
        cases += [
            (world.shop.guide, {"storeId": next_door.store.id}),
            (world.shop.guide, {"regionId": world.regions["east"].id}),
            (world.shop.guide, {"staffId": world.shop.other_guide.staff_id}),
        ]

    for actor, asked in cases:
        assert await turned_down(served, await served.token(actor), path, **asked) == (404, "NOT_FOUND"), asked


async def test_a_guide_is_given_no_ranking_of_others(served: Served, world: World) -> None:
    for asked in ({}, {"by": "store"}, {"staffId": world.shop.guide.staff_id}):
        found = await turned_down(served, await served.token(world.shop.guide), RANKING, **asked)
        assert found == (403, "FORBIDDEN")


async def test_whoever_isnt_signed_in_is_told_so_first(served: Served) -> None:
    for path in ALL:
        with statements(served.ground) as sent:
            answer = await served.http.get(path, params={"fromDay": "1926-01-01"})
        assert (answer.status_code, answer.json()["code"], sent) == (401, "UNAUTHENTICATED", [])


async def test_the_check_itself_notices_figures_that_are_read(served: Served, world: World) -> None:
    """Otherwise the tests above would prove nothing."""
    for path in (SERIES, RANKING, CHART):
        with pytest.raises(AssertionError):
            await turned_down(served, await served.token(world.hq), path)
