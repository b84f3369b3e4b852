"""Charts of figures over HTTP: what they show, to whom, and what they cost."""

import asyncio
import io
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image

from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground
from kpi.models import Days, Span
from kpi.models.definitions import DEFINITIONS, Figure
from kpi.queries import charting
from kpi.queries.scoping import Asked
from server import drawings
from tests.factories import World, build_customer, build_world
from tests.kpi.test_every_change import count_all
from tests.mall.trading import place, refund
from tests.serving import Served, serving

NOW = datetime(2026, 3, 5, 4, tzinfo=UTC)
ASKED = {"figure": "net", "fromDay": "2026-03-02", "untilDay": "2026-03-05"}


@pytest.fixture
async def world(ground: Ground) -> World:
    """Orders of one customer on two days of a guide's, a refund on the second."""
    world = await build_world(ground)
    mine = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(NOW - timedelta(days=1)):
        await place(ground, world, mine, amount=12_300)
    with clock.stopped_at(NOW):
        order = await place(ground, world, mine, amount=10_000)
        await refund(ground, world, order.id, amount=2_500)
        await count_all(ground, world.brand.id)
    return world


@pytest.fixture
async def served(ground: Ground, tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(ground, daogou_home=tmp_path) as served:
        yield served


async def get(
    served: Served, actor: Actor, kind: str = "svg", headers: dict[str, str] | None = None, **asked: Any
) -> Any:
    shown = {"Authorization": f"Bearer {await served.token(actor)}", **(headers or {})}
    return await served.http.get(f"/charts/kpi.{kind}", headers=shown, params={**ASKED, **asked}, timeout=30)


async def drawn(ground: Ground, actor: Actor, figure: Figure, step: Span, *days: date, asked: Asked = Asked()) -> Any:  # noqa: B008
    async with ground.db.read() as session:
        return await charting.chart(session, actor, asked, Days(*days), figure, step, compares=True)


async def test_a_chart_shows_what_the_rows_add_up_to_with_the_days_before_beside_it(
    ground: Ground, world: World
) -> None:
    with clock.stopped_at(NOW):
        found = await drawn(ground, world.hq, Figure.NET, Span.DAY, date(2026, 3, 4), date(2026, 3, 5))
        later = await drawn(ground, world.hq, Figure.AVERAGE_BASKET, Span.DAY, date(2026, 3, 5), date(2026, 3, 5))

    assert found.begins == [date(2026, 3, 4), date(2026, 3, 5)]
    assert (found.values, found.earlier) == ([12_300, 7_500], [0, 0])
    assert (later.values, later.earlier) == ([10_000], [12_300])


async def test_weeks_and_months_are_sums_of_their_days_and_people_of_cut_ones_are_unknown(
    ground: Ground, world: World
) -> None:
    with clock.stopped_at(NOW + timedelta(days=40)):
        await count_all(ground, world.brand.id)
        week = (date(2026, 3, 2), date(2026, 3, 8))
        gross = await drawn(ground, world.hq, Figure.GROSS, Span.WEEK, *week)
        people = await drawn(ground, world.hq, Figure.CUSTOMERS_ACTIVE, Span.WEEK, *week)
        cut = await drawn(ground, world.hq, Figure.CUSTOMERS_ACTIVE, Span.WEEK, week[0], date(2026, 3, 6))
        month = await drawn(ground, world.hq, Figure.GROSS, Span.MONTH, date(2026, 2, 1), date(2026, 4, 2))
        guide = await drawn(
            ground, world.shop.guide, Figure.CUSTOMERS_ACTIVE, Span.MONTH, date(2026, 3, 1), date(2026, 3, 31)
        )

    assert (gross.begins, gross.values) == ([date(2026, 3, 2)], [22_300])
    assert (people.values, cut.values) == ([1], [None])
    assert (month.begins, month.values) == ([date(2026, 2, 1), date(2026, 3, 1), date(2026, 4, 1)], [0, 22_300, 0])
    assert guide.values == [Fraction(1)]


async def test_an_svg_is_well_formed_says_its_words_as_words_and_is_the_same_each_time(
    served: Served, world: World
) -> None:
    store = world.shop.store
    first = await get(served, world.hq, storeId=store.id, compare="previous")
    served.edge.drawings._kept.clear()
    again = await get(served, world.hq, storeId=store.id, compare="previous")

    assert (first.status_code, first.headers["content-type"]) == (200, "image/svg+xml")
    assert first.content == again.content
    words = " ".join(filter(None, ElementTree.fromstring(first.content).itertext()))  # noqa: S314 - of our making
    assert f"净销售额 (CNY) · {store.name}" in words
    assert "Matplotlib" not in words
    assert "2026-03-02 – 2026-03-05" in words
    assert "2026-02-26 – 2026-03-01" in words


async def test_a_chart_begins_at_nothing_and_says_so_where_there_is_nothing(served: Served, world: World) -> None:
    gross = await get(served, world.hq, figure="gross", fromDay="2026-03-04")
    none = await get(served, world.hq, figure="first_response", fromDay="2026-03-01", untilDay="2026-03-01")

    def words(answer: Any) -> list[str]:
        return [said.strip() for said in ElementTree.fromstring(answer.content).itertext() if said.strip()]  # noqa: S314

    assert "0" in words(gross)
    assert "这段时间没有数据" in words(none)
    assert "0.02" not in words(none)


async def test_a_png_decodes_and_is_as_large_as_was_asked_for(served: Served, world: World) -> None:
    plain = await get(served, world.hq, "png", width=640, height=320)

    assert plain.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(plain.content)) as image:
        image.load()
        assert (image.format, image.size) == ("PNG", (640, 320))


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_a_png_shows_chinese_on_a_machine_that_has_no_fonts(tmp_path: Path, language: str) -> None:
    """Words that are drawn as boxes would look like others that are."""
    room = drawings.Drawings(tmp_path)
    pictures = {
        await _titled(room, title) for title in ("净销售额 · 王府井店", "净销售额 · 玉林街店", "Net · 喆喆〇店")
    }

    assert len(pictures) == 3
    written = warnings_of("净销售额 (CNY) · 王府井店 2026-03-02 – 2026-03-05 " + "".join(_words(language)))
    assert written == []


async def test_a_name_that_hardly_any_font_can_write_gives_way_to_the_code(tmp_path: Path) -> None:
    room = drawings.Drawings(tmp_path)
    rare, code = "净销售额 · 𠮷\U000e0100野店", "净销售额 · sh-01"

    assert await _titled(room, rare, code) == await _titled(room, code)
    assert rare.encode() in await _titled(room, rare, code, kind="svg")
    assert warnings_of(rare) != []


def _words(language: str) -> list[str]:
    return [each.name_zh if language == "zh" else each.name for each in DEFINITIONS.values()]


async def _titled(room: drawings.Drawings, *titles: str, kind: str = "png") -> bytes:
    series = [{"name": "2026-03-02 – 2026-03-05", "values": [1.0]}]
    size = {"width": 400, "height": 200}
    return await room.drawn(
        {"format": kind, **size, "titles": titles, "unit": "money", "labels": ["2026-03-02"], "series": series}
    )


def warnings_of(text: str) -> list[str]:
    """What the drawing program, left alone with its own fonts, complains of when it writes this."""
    program = """
import json, io, sys, warnings
from server import drawing
from matplotlib import font_manager
font_manager.fontManager.ttflist = [each for each in font_manager.fontManager.ttflist if "mpl-data" in each.fname]
with warnings.catch_warnings(record=True) as found:
    warnings.simplefilter("always")
    drawing.draw(json.load(sys.stdin), io.BytesIO())
print(json.dumps([str(each.message) for each in found]))
"""
    asked = {
        "format": "png", "width": 2_000, "height": 150, "titles": [text], "unit": "money",
        "labels": ["2026-03-02"], "series": [{"name": text, "values": [1.0]}],
    }  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(ran.stdout)
    return [each for each in found if "Glyph" in each]


async def test_who_has_a_chart_is_told_so_until_it_is_another_one(
    served: Served, ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await get(served, world.hq)
    tag = first.headers["etag"]
    monkeypatch.setattr(drawings, "_PROGRAM", Path("/nowhere"))  # nothing is drawn from here on
    has = await get(served, world.hq, headers={"If-None-Match": f'"other", W/{tag}'})
    kept = await get(served, world.hq)
    with clock.stopped_at(NOW):
        await place(ground, world, amount=100)
        await count_all(ground, world.brand.id)
    failed = await get(served, world.hq, headers={"If-None-Match": tag})

    assert (has.status_code, has.content, has.headers["etag"]) == (304, b"", tag)
    assert kept.content == first.content
    assert first.headers["cache-control"] == "private, no-cache"
    assert first.headers["vary"] == "Accept-Language, Authorization"
    assert (failed.status_code, failed.json()["code"]) == (503, "NOT_DRAWN")
    assert failed.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"figure": "beauty"}, "figure"),
        ({"figure": "links", "channel": "pos"}, "channel"),
        ({"step": "year"}, "step"),
        ({"compare": "yes"}, "compare"),
        ({"width": "20000"}, "width"),
        ({"width": "٣٠٠"}, "width"),
        ({"height": "-1"}, "height"),
        ({"fromDay": "1926-03-02"}, "fromDay"),
        ({"fromDay": "2024-03-02"}, "untilDay"),
        ({"untilDay": "2026-03-01"}, "untilDay"),
        ({"untilday": "2026-03-01"}, "untilday"),
    ],
)
async def test_what_cannot_be_drawn_is_refused_quickly_with_the_place_it_is_at(
    served: Served, world: World, asked: dict[str, Any], words: str
) -> None:
    await get(served, world.hq, step="year")
    began = time.perf_counter()
    answer = await get(served, world.hq, **asked)

    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID")
    assert answer.json()["message"].startswith(words)
    assert time.perf_counter() - began < 1


async def test_everybody_sees_charts_of_their_sight_alone(served: Served, ground: Ground, world: World) -> None:
    north = world.shops[2]
    for actor, asked in (
        (world.east_manager, {"storeId": north.store.id}),
        (world.east_manager, {"regionId": world.regions["north"].id}),
        (world.shop.manager, {"staffId": north.guide.staff_id}),
        (world.shop.guide, {"staffId": world.shop.other_guide.staff_id}),
        (world.shop.guide, {"regionId": world.regions["east"].id}),
        (world.hq, {"storeId": "x"}),
    ):
        assert (await get(served, actor, **asked)).json()["code"] == "NOT_FOUND"
    assert (await served.http.get("/charts/kpi.svg", params=ASKED)).json()["code"] == "UNAUTHENTICATED"

    days = (date(2026, 3, 4), date(2026, 3, 5))
    with clock.stopped_at(NOW):
        own = await drawn(ground, world.shop.guide, Figure.GROSS, Span.DAY, *days)
        other = await drawn(ground, world.shop.other_guide, Figure.GROSS, Span.DAY, *days)
        manager = await drawn(ground, world.east_manager, Figure.GROSS, Span.DAY, *days)
    assert (own.values, other.values, manager.values) == ([12_300, 10_000], [0, 0], [12_300, 10_000])


async def test_only_some_charts_are_drawn_at_once_and_what_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(60)", encoding="utf-8")
    monkeypatch.setattr(drawings, "_PROGRAM", slow)
    monkeypatch.setattr(drawings, "SECONDS", 1.0)
    room = drawings.Drawings(tmp_path)

    async def asked(number: int) -> type[BaseException]:
        try:
            await room.drawn({"number": number})
        except (drawings.TooManyDrawings, drawings.NotDrawn) as refusal:
            return type(refusal)
        raise AssertionError("it was drawn")

    monkeypatch.setattr(drawings, "MOST_WAITING", 0)
    began = time.perf_counter()
    found = await asyncio.gather(*(asked(number) for number in range(5)))

    assert sorted(found, key=str) == [drawings.NotDrawn] * 2 + [drawings.TooManyDrawings] * 3
    assert time.perf_counter() - began < 10


def test_whoever_serves_loads_nothing_that_draws() -> None:
    loaded = "import server.app, sys; print([name for name in ('matplotlib', 'fontTools') if name in sys.modules])"

    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout.strip() == "[]"


def test_every_figure_has_a_name_in_both_languages_for_a_title() -> None:
    assert all(each.name and each.name_zh for each in DEFINITIONS.values())
