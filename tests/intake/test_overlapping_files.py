"""Files that overlap, in any order, give one database: whatever is cut where."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from kernel.work import Ground
from tests.intake.carrying import SMALL, carry, small_lines, snapshot, write

# Customer 12400: 559900 and 559899 in February, 561000 in May. 12401: a refund first, the order in June.
CUTS = [
    pytest.param((0, 500), (300, 808), id="in the middle of months"),
    pytest.param((0, 460), (460, 808), id="without an overlap"),
    pytest.param((0, 808), (200, 600), id="one inside the other"),
    pytest.param((0, 4), (1, 808), id="in the middle of an invoice"),
]


def part(tmp_path: Path, name: str, lines: Sequence[str]) -> Path:
    header, *_ = small_lines()
    return write(tmp_path / name, [header, *lines])


@pytest.fixture
async def whole(ground: Ground) -> dict[str, list[str]]:
    """What the whole file gives, in a brand of its own, under the brand's own names."""
    await carry(ground, SMALL, brand_code="whole")
    return await snapshot(ground)


def without_brand(found: dict[str, list[str]], known: dict[str, list[str]]) -> dict[str, list[str]]:
    """What the second brand added to a database that held the first."""
    added = {}
    for name, rows in found.items():
        rest = list(rows)
        for row in known[name]:
            if name not in ("brand", "feeds"):
                rest.remove(row)
        added[name] = rest
    return added


@pytest.mark.parametrize(("one", "other"), CUTS)
@pytest.mark.parametrize("in_order", [True, False], ids=["older first", "newer first"])
async def test_two_parts_in_either_order_give_what_the_whole_gives(
    ground: Ground,
    tmp_path: Path,
    whole: dict[str, list[str]],
    one: tuple[int, int],
    other: tuple[int, int],
    in_order: bool,
) -> None:
    _, *lines = small_lines()
    paths = [part(tmp_path, f"{at}.csv", lines[start:end]) for at, (start, end) in enumerate((one, other))]

    for path in paths if in_order else reversed(paths):
        await carry(ground, path)

    parts = without_brand(await snapshot(ground), whole)
    for name in parts:
        if name not in ("brand", "feeds"):
            assert parts[name] == whole[name], name


async def test_a_customers_home_is_corrected_when_an_earlier_file_arrives_later(ground: Ground, tmp_path: Path) -> None:
    _, *lines = small_lines()
    late = [line for line in lines if line.split(",")[0] in ("561000", "570000")]
    await carry(ground, part(tmp_path, "late.csv", late))
    before = await snapshot(ground)
    assert [row for row in before["relationship"] if "'12400', 'Iceland', 'Iceland-G1'" in row]

    await carry(ground, part(tmp_path, "all.csv", lines))

    after = await snapshot(ground)
    assert [row for row in after["relationship"] if "'12400', 'Spain', 'Spain-G1'" in row]
    assert [row for row in after["holding"] if "'12400', 'Spain', 'Spain-G1', 'imported'" in row]
    assert not [row for row in after["holding"] if "Iceland" in row]
    assert not [row for row in after["store"] if "Iceland" in row]
    assert not [row for row in after["staff"] if "Iceland" in row]
    assert [row for row in after["credit"] if "'561000', 'Spain', 'Spain-G1', 'holder'" in row]


async def test_a_refund_that_came_before_its_customer_joins_them_at_home(ground: Ground, tmp_path: Path) -> None:
    _, *lines = small_lines()
    await carry(ground, part(tmp_path, "refund.csv", [line for line in lines if line.startswith("C536379")]))
    assert "'C536379', 'UK-05', None, None" in (await snapshot(ground))["refund"][0]

    await carry(ground, part(tmp_path, "order.csv", [line for line in lines if line.startswith("570000")]))

    joined = (await snapshot(ground))["refund"][0]
    assert "'C536379', 'Germany', '12401', 'Germany'" in joined
    assert "'Germany-G" in joined


async def test_a_cut_invoice_takes_nothing_away_and_is_made_whole(ground: Ground, tmp_path: Path) -> None:
    lines = [f"600001,71053,LANTERN,{quantity},2011-01-05T10:00:00,3.39,12500,France" for quantity in (1, 2, 3, 3)]
    await carry(ground, part(tmp_path, "half.csv", lines[:2]))
    half = await carry(ground, part(tmp_path, "whole.csv", lines))
    full = await snapshot(ground)

    cut = await carry(ground, part(tmp_path, "cut.csv", lines[1:]))

    assert half.counts["invoices"] == {"new": 0, "changed": 1, "unchanged": 0}
    assert cut.counts["invoices"] == {"new": 0, "changed": 0, "unchanged": 1}
    assert [row.split(", ")[7] for row in full["order_line"]] == ["1", "2", "3", "3"]
    assert await snapshot(ground) == full


async def test_an_invoice_that_is_corrected_is_taken_over_whole(ground: Ground, tmp_path: Path) -> None:
    other = "600000,71053,LANTERN,1,2011-01-04T10:00:00,3.39,12500,France"
    wrong = "600001,71053,LANTERN,5,2011-01-05T10:00:00,3.39,12500,France"
    right = "600001,71053,LANTERN,4,2011-01-05T10:00:00,3.39,12501,Germany"
    await carry(ground, part(tmp_path, "wrong.csv", [other, wrong, other.replace("600000", "600002")]))

    report = await carry(ground, part(tmp_path, "right.csv", [other, right, other.replace("600000", "600002")]))

    after = await snapshot(ground)
    assert report.counts["invoices"] == {"new": 0, "changed": 1, "unchanged": 2}
    assert [row for row in after["order"] if "'600001', 'Germany', '12501', 'Germany', 'Germany-G1'" in row]
    assert len(after["order_line"]) == 3
    assert len(after["credit"]) == 3


async def test_an_order_that_turns_out_to_be_none_goes_away(ground: Ground, tmp_path: Path) -> None:
    around = ["600000,71053,LANTERN,1,2011-01-04T10:00:00,3.39,12500,France", "", ""]
    around[2] = around[0].replace("600000", "600002")
    sale = "600001,71053,LANTERN,5,2011-01-05T10:00:00,3.39,12500,France"
    await carry(ground, part(tmp_path, "a.csv", [around[0], sale, around[2]]))

    await carry(ground, part(tmp_path, "b.csv", [around[0], sale.replace("3.39", "0"), around[2]]))

    after = await snapshot(ground)
    assert [row.split(", ")[1] for row in after["order"]] == ["'600000'", "'600002'"]
    assert len(after["order_line"]) == len(after["credit"]) == 2
    assert [row for row in after["imported_invoice"] if "'600001'" in row and ", 1, " in row]
