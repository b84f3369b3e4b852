"""Figures over HTTP as files: every row of a range, and rankings."""

import csv
import io
import random
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from sqlmodel import col

from directory.models import Staff
from kernel import bulk, clock
from kernel.actor import Actor, Role
from kernel.audit import AuditEntry
from kernel.pages import Page
from kernel.work import Ground
from kpi.models import Days, Grain, KpiSales, Span
from kpi.models.definitions import DEFINITIONS, Figure
from kpi.models.measures import SALES
from kpi.queries import exporting, ranking
from kpi.queries.ranking import RankedBy, Wanted
from kpi.queries.scoping import Asked as Scoped
from server import workbooks
from tests.factories import World, build_customer, build_world, save
from tests.kpi.test_every_change import count_all
from tests.mall.trading import place, refund
from tests.serving import Served, serving

NOW = datetime(2026, 3, 5, 4, tzinfo=UTC)
RANGE = {"fromDay": "2026-03-02", "untilDay": "2026-03-05"}


@pytest.fixture
async def world(ground: Ground) -> World:
    """A guide's two orders on two days, one of which was given back in part, and a guest's in another region."""
    world = await build_world(ground)
    world.shop.store.name = "=旗舰店"
    await save(ground, *[await _renamed(ground, world)])
    mine = await build_customer(ground, world.shop.guide)
    with clock.stopped_at(NOW - timedelta(days=1)):
        await place(ground, world, mine, amount=12_345)
    with clock.stopped_at(NOW):
        order = await place(ground, world, mine, amount=10_000, source="mall")
        await refund(ground, world, order.id, amount=2_501, source="mall")
        await place(ground, world, amount=700, store_id=world.shops[2].store.id)
        await count_all(ground, world.brand.id)
    return world


async def _renamed(ground: Ground, world: World) -> Any:
    async with ground.db.write() as session:
        store = await session.get(type(world.shop.store), (world.brand.id, world.shop.store.id))
        assert store is not None
        store.name = "=旗舰店"
        return store


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    async with serving(ground) as served:
        yield served


async def get(served: Served, actor: Actor, name: str, language: str = "en", **asked: Any) -> Any:
    shown = {"Authorization": f"Bearer {await served.token(actor)}", "Accept-Language": language}
    return await served.http.get(f"/files/kpi/{name}", headers=shown, params={**RANGE, **asked})


def table(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


async def test_a_csv_file_has_a_line_for_each_day_store_guide_channel_and_source(
    served: Served, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_AT_ONCE", 2)

    lines = table(await get(served, world.hq, "series.csv"))

    sold = [line for line in lines if line["Channel"]]
    assert [(line["Day"], line["Source"], line["Gross (CNY)"], line["Refunds (CNY)"]) for line in sold] == [
        ("2026-03-04", "pos", "123.45", "0.00"),
        ("2026-03-05", "mall", "100.00", "25.01"),
    ]
    assert {(line["Store"], line["Store name"], line["Staff number"]) for line in sold} == {
        (world.shop.store.code, "'=旗舰店", f"{world.shop.store.code}-G1")
    }
    assert {line["Share rate"] for line in sold} == {""}
    done = [line for line in lines if not line["Channel"]]
    assert {line["Day"] for line in done} == {"2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"}
    assert {line["Gross (CNY)"] for line in done} == {""}
    assert [line["Day"] for line in lines] == sorted(line["Day"] for line in lines)
    assert list(lines[0])[7:] == [
        each.name + {"money": " (CNY)", "seconds": " (s)"}.get(each.unit, "") for each in DEFINITIONS.values()
    ]


async def test_columns_add_up_to_what_a_ranking_says(served: Served, world: World) -> None:
    lines = table(await get(served, world.hq, "series.csv", by="store"))
    ranked = table(await get(served, world.hq, "ranking.csv", by="store", figure="gross"))

    assert [(line["Position"], line["Store"], line["Gross (CNY)"], line["Share of the total"]) for line in ranked][
        :2
    ] == [
        ("1", world.shop.store.code, "223.45", "0.969625"),
        ("2", world.shops[2].store.code, "7.00", "0.030375"),
    ]
    for store in ranked:
        mine = [line for line in lines if line["Store"] == store["Store"]]
        for name in ("Orders", "Gross (CNY)", "Refunds (CNY)", "Net (CNY)", "Customers added"):
            assert sum(Decimal(line[name] or 0) for line in mine) == Decimal(store[name] or 0), name


async def test_a_ranking_of_guides_tells_where_they_stood_before(served: Served, world: World) -> None:
    lines = table(
        await get(served, world.hq, "ranking.csv", "zh", figure="net", fromDay="2026-03-05", untilDay="2026-03-05")
    )

    best = lines[0]
    assert (best["名次"], best["工号"], best["上期名次"]) == ("1", f"{world.shop.store.code}-G1", "1")
    assert (best["净销售额 (CNY)"], best["客单价 (CNY)"], best["占比"]) == ("74.99", "100.00", "1.000000")
    assert (best["门店编码"], best["门店"]) == (world.shop.store.code, "'=旗舰店")


async def test_who_has_gone_to_a_store_out_of_sight_is_nobody_in_a_file_as_on_the_screen(
    served: Served, ground: Ground, world: World
) -> None:
    async with ground.db.write() as session:
        guide = await session.get_one(Staff, (world.brand.id, world.shop.guide.id))
        guide.move(Role.GUIDE, world.shops[1].store.id, None)

    ranked = table(await get(served, world.shop.manager, "ranking.csv", figure="net"))
    listed = table(await get(served, world.shop.manager, "series.csv"))
    seen = table(await get(served, world.hq, "ranking.csv", figure="net"))

    assert [(each["Staff number"], each["Store"]) for each in ranked if each["Position"] == "1"] == [("", "")]
    assert {each["Staff number"] for each in listed if each["Orders"] not in ("", "0")} == {""}
    assert seen[0]["Staff number"] == guide.number


@pytest.mark.parametrize("by", [RankedBy.STORE, RankedBy.GUIDE])
@pytest.mark.parametrize("figure", [Figure.GROSS, Figure.AVERAGE_BASKET, Figure.CUSTOMERS_ACTIVE])
async def test_a_ranking_in_a_file_is_the_one_on_the_screen(
    served: Served, ground: Ground, world: World, by: RankedBy, figure: Figure
) -> None:
    wanted = Wanted(by, figure, Days(date(2026, 3, 2), date(2026, 3, 5)))
    async with ground.db.read() as session:
        lines = await ranking.page(session, world.hq, Page(100), wanted)
        was = await ranking.previous(session, world.hq, [line.id for line in lines], wanted=wanted)

    found = table(await get(served, world.hq, "ranking.csv", by=by.value, figure=figure.value))

    code = "Store" if by is RankedBy.STORE else "Staff number"
    assert [(each[code], each["Position"], each["Position before"]) for each in found] == [
        (line.code, str(line.position or ""), str(was[line.id].position or "")) for line in lines
    ]
    assert [Decimal(each["Share of the total"] or 0) for each in found] == [
        Decimal(f"{float(line.share or 0):.6f}") for line in lines
    ]
    assert by is RankedBy.STORE or len({line.position for line in lines}) < len(lines)


async def test_a_ranking_of_one_person_has_nobody_elses_figures(served: Served, world: World) -> None:
    guide = world.shop.guide
    named = {"staffId": str(guide.staff_id), "figure": "gross"}

    by_store, by_guide = [
        table(await get(served, world.hq, "ranking.csv", by=by, **named)) for by in ("store", "guide")
    ]

    for lines, code in ((by_store, world.shop.store.code), (by_guide, f"{world.shop.store.code}-G1")):
        [line] = lines
        assert (line["Position"], code in line.values(), line["Gross (CNY)"]) == ("1", True, "223.45")


async def test_a_workbook_says_the_same_as_the_csv_file(
    served: Served, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MOST_ROWS", 7)
    for name in ("series", "ranking"):
        lines = list(csv.reader(io.StringIO((await get(served, world.hq, f"{name}.csv")).content.decode("utf-8-sig"))))
        answer = await get(served, world.hq, f"{name}.xlsx")

        book = load_workbook(io.BytesIO(answer.content), read_only=True)
        rows = [list(row) for sheet in book.worksheets for row in list(sheet.values)[1:]]
        assert answer.headers["content-disposition"] == f'attachment; filename="kpi-{name}-2026-03-02-2026-03-05.xlsx"'
        assert list(next(iter(book.worksheets[0].values))) == lines[0]
        assert [_words(row, len(lines[0])) for row in rows] == [[_plain(cell) for cell in line] for line in lines[1:]]
        assert len(book.worksheets) == max(1, -(-len(rows) // 7))
        assert {sheet.freeze_panes for sheet in load_workbook(io.BytesIO(answer.content)).worksheets} == {"A2"}


def _words(row: list[Any], width: int) -> list[str]:
    return ["" if cell is None else _plain(str(cell)) for cell in row + [None] * (width - len(row))]


def _plain(cell: str) -> str:
    try:
        return str(Decimal(cell).normalize() + 0)
    except ArithmeticError:
        return cell


async def test_everybody_takes_away_what_is_in_their_sight(served: Served, world: World) -> None:
    north = world.shops[2]
    assert {line["Store"] for line in table(await get(served, world.east_manager, "series.csv"))} == {
        shop.store.code for shop in world.shops[:2]
    }
    assert {line["Store"] for line in table(await get(served, world.shop.manager, "series.csv", by="store"))} == {
        world.shop.store.code
    }
    own = table(await get(served, world.shop.guide, "series.csv", by="store"))
    assert {line["Staff number"] for line in own} == {f"{world.shop.store.code}-G1"}

    for actor, asked, code in (
        (world.east_manager, {"storeId": north.store.id}, "NOT_FOUND"),
        (world.east_manager, {"regionId": world.regions["north"].id}, "NOT_FOUND"),
        (world.shop.manager, {"staffId": north.guide.staff_id}, "NOT_FOUND"),
        (world.shop.guide, {"staffId": world.shop.other_guide.staff_id}, "NOT_FOUND"),
    ):
        answer = await get(served, actor, "series.csv", **asked)
        assert answer.json()["code"] == code
    assert (await get(served, world.shop.guide, "ranking.csv")).json()["code"] == "FORBIDDEN"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"fromDay": "1926-03-01"}, "fromDay"),
        ({"fromDay": "2025-03-01"}, "untilDay"),
        ({"untilDay": "2026-03-01"}, "untilDay"),
        ({"fromDay": "soon"}, "fromDay"),
        ({"by": "channel"}, "by"),
        ({"channel": "moon"}, "channel"),
        ({"source": ""}, "source"),
        ({"source": "x" * 33}, "source"),
        ({"regionID": "1"}, "regionID"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_the_place_it_is_at(
    served: Served, world: World, asked: dict[str, str], words: str
) -> None:
    for name in ("series.csv", "ranking.xlsx"):
        answer = await get(served, world.hq, name, **asked)
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID")
        assert answer.json()["message"].startswith(words)


async def test_an_id_that_is_none_isnt_found_and_a_figure_must_fit_the_channel(served: Served, world: World) -> None:
    assert (await get(served, world.hq, "series.csv", storeId="7")).json()["code"] == "NOT_FOUND"
    assert (await get(served, world.hq, "ranking.csv", figure="links", channel="pos")).json()["code"] == "INVALID"
    assert (await get(served, world.hq, "ranking.csv", figure="beauty")).json()["code"] == "INVALID"
    fitting = table(await get(served, world.hq, "series.csv", channel="pos"))
    assert [line["Gross (CNY)"] for line in fitting] == ["123.45", "100.00"]
    assert "Share rate" not in fitting[0]


async def test_who_took_what_away_is_written_down_and_a_refusal_is_not(
    served: Served, ground: Ground, world: World
) -> None:
    await get(served, world.hq, "ranking.csv")
    await get(served, world.shop.guide, "ranking.csv")
    await get(served, world.hq, "ranking.csv", by="x")

    async with ground.db.read() as session:
        found = await session.execute(
            select(col(AuditEntry.actor_id), col(AuditEntry.action), col(AuditEntry.detail)).where(
                col(AuditEntry.brand_id) == world.brand.id
            )
        )
    assert [tuple(row) for row in found] == [
        (world.hq.id, "kpi.exported", {"kind": "ranking", "from_day": "2026-03-02", "until_day": "2026-03-05"})
    ]


async def test_many_rows_are_never_in_memory_together(
    served: Served, ground: Ground, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {
            "brand_id": world.brand.id,
            "span": Span.DAY,
            "grain": Grain.STORE,
            "starts_on": date(2025, 6, 1) + timedelta(days=number % 100),
            "store_id": world.shop.store.id,
            "account_id": uuid4(),
            "channel": "pos",
            "source": "pos",
            **{name: random.getrandbits(30) for name in SALES},
        }
        for number in range(6_000)
    ]
    async with ground.db.write() as session:
        await bulk.insert_rows(session, KpiSales, rows)
    sizes: list[int] = []
    said = exporting.Export._said

    async def noted(export: exporting.Export, some: Any) -> Any:
        sizes.append(len(some))
        return await said(export, some)

    monkeypatch.setattr(exporting.Export, "_said", noted)

    lines = table(await get(served, world.hq, "series.csv", by="store", fromDay="2025-06-01", untilDay="2025-12-31"))

    assert len(lines) == 6_000
    assert [line["Day"] for line in lines] == sorted(line["Day"] for line in lines)
    assert max(sizes) == 500
    days = Days(date(2025, 6, 1), date(2025, 12, 31))
    pieces = (await exporting.begin(ground.db.read, world.hq, Scoped(), days, Grain.STORE)).lines()
    parts = [len(part) async for part in workbooks.streamed("x", ["a"], pieces)]
    assert len(parts) >= 12
    assert max(parts) < sum(parts) / 3
