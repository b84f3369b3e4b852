"""A period of commission over HTTP, as finance takes it over; and the command that works it out again."""

import csv
import io
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook

from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground
from mall.queries.commission import exporting
from tests.factories import World, build_world
from tests.mall.commissions import NOON, buy, product, running
from tests.mall.trading import refund
from tests.serving import Served, serving


@pytest.fixture
async def world(ground: Ground) -> World:
    """Two orders, of which some was given back."""
    world = await build_world(ground)
    await product(ground, world, "S1", "=鞋履")
    with clock.stopped_at(NOON):
        await running(ground, world)
        order = await buy(ground, world)
        await buy(ground, world)
        await refund(ground, world, order.id, amount=7_001)
    return world


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    async with serving(ground) as served:
        yield served


async def get(served: Served, actor: Actor, name: str, language: str = "en") -> Any:
    shown = {"Authorization": f"Bearer {await served.token(actor)}", "Accept-Language": language}
    return await served.http.get(f"/files/commission/{name}", headers=shown)


def tables(content: bytes) -> list[list[list[str]]]:
    """The tables of a file, each with its title and its heading."""
    found: list[list[list[str]]] = [[]]
    for row in csv.reader(io.StringIO(content.decode("utf-8-sig"))):
        if row:
            found[-1].append(row)
        else:
            found.append([])
    return found


async def test_a_csv_file_ties_statements_to_entries_to_the_penny(
    served: Served, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "_AT_ONCE", 5)

    answer = await get(served, world.hq, "2026-04.csv")

    ties, statements, entries = tables(answer.content)
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == 'attachment; filename="commission-2026-04-01.csv"'
    assert [ties[0], statements[0], entries[0]] == [["Reconciliation"], ["Statements"], ["Entries"]]
    total = dict(zip(ties[1], ties[-1], strict=True))
    assert (total["Paid"], total["Refunds"], total["Net"]) == ("740.00", "70.01", "669.99")
    assert total["Commission"] == total["Statements"]
    whole = Decimal(total["Commission"])
    assert sum(Decimal(row[7]) for row in statements[2:]) == whole
    assert sum(Decimal(row[-1]) for row in entries[2:]) == whole
    assert len(entries) - 2 == sum(int(row[-1]) for row in statements[2:]) == 12


async def test_words_are_guarded_against_formulas_and_numbers_stay_numbers(served: Served, world: World) -> None:
    book = load_workbook(io.BytesIO((await get(served, world.hq, "2026-04-30.xlsx", "zh")).content))

    entries: list[Any] = list(book["明细"].values)
    assert book.sheetnames == ["对账", "对账单", "明细"]
    assert {row[9] for row in entries[1:]} == {None, "'=鞋履"}
    assert min(row[-1] for row in entries[1:]) < 0


async def test_only_accountants_take_it_away_and_only_of_periods(
    served: Served, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "MOST_IN_A_BOOK", 11)

    for actor in (world.shop.guide, world.shop.manager, world.east_manager):
        assert (await get(served, actor, "2026-04.csv")).status_code == 403
    assert (await get(served, world.hq, "spring.csv")).json()["code"] == "NOT_FOUND"
    assert (await get(served, world.hq, "2026-04.xlsx")).json()["code"] == "COMMISSION_EXPORT_TOO_LARGE"
    assert (await get(served, world.hq, "2026-05.xlsx")).status_code == 200


async def test_a_number_that_no_workbook_can_hold_is_no_reason_to_give_none(
    served: Served, ground: Ground, world: World
) -> None:
    with clock.stopped_at(NOON):
        await buy(ground, world, number="W\x01-\x1b1")

    answer = await get(served, world.hq, "2026-04.xlsx")

    assert answer.status_code == 200
    numbers = {row[5] for row in load_workbook(io.BytesIO(answer.content)).worksheets[2].iter_rows(values_only=True)}
    assert "W\ufffd-\ufffd1" in numbers
