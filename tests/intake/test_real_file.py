"""The file of real transactions: all of it on PostgreSQL, and every seventh customer's part of it on SQLite."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from kernel.work import Ground
from tests.intake.amounting import wrong_churn, wrong_coverage, wrong_figures, wrong_profiles
from tests.intake.carrying import carry, counts, epochs
from tests.intake.customer_viewing import wrong_customer_views
from tests.intake.paying import Paid, pay
from tests.oracle_online_retail import open_text
from tests.tagging.real_rules import follow_keywords
from tests.tasks.real_plans import on_paper, out_of_order

ENDED = date(2011, 12, 8)
REASONS = {"bad-debt", "no-price", "stock-write-off"}


@dataclass(frozen=True)
class Known:
    """What is pinned of a file; everything else is held against the file itself."""

    rows: int
    invoices: int
    ignored: int
    stores: int
    guides: int
    planned: Mapping[date, Mapping[str, Any]]
    paid: Paid


WHOLE = Known(
    rows=541_909,
    invoices=25_900,
    ignored=2_518,
    stores=48,
    guides=143,
    planned={
        date(2011, 9, 9): {
            "stores": 48,
            "chosen": 624,
            "no_rule": 1143,
            "over_quota": 2571,
            "by": {"churn": 473, "first_purchase": 26, "no_contact": 104, "refund": 21},
        },
        ENDED: {
            "stores": 48,
            "chosen": 660,
            "no_rule": 392,
            "over_quota": 3286,
            "by": {"churn": 465, "first_purchase": 22, "no_contact": 141, "refund": 32},
        },
    },
    paid=Paid(entries=17_626, basis=824_783_622, amount=20_649_701, statements=1_092, wrong=[]),
)
SEVENTH = Known(
    rows=72_874,
    invoices=3_950,
    ignored=358,
    stores=34,
    guides=80,
    planned={
        ENDED: {
            "stores": 34,
            "chosen": 424,
            "no_rule": 72,
            "over_quota": 117,
            "by": {"churn": 287, "first_purchase": 5, "no_contact": 127, "refund": 5},
        }
    },
    paid=Paid(entries=2_560, basis=116_185_729, amount=2_909_026, statements=674, wrong=[]),
)


@pytest.mark.parametrize("engine", ["postgres"], indirect=True)
async def test_the_real_file_gives_every_figure_rules_find_their_customers_and_guides_are_paid(
    ground: Ground, real_data: Path
) -> None:
    """All in one: taking the file in is what takes long."""
    await take_in(ground, real_data, WHOLE)

    assert await wrong_coverage(ground, real_data) == {}
    await follow_keywords(ground, real_data)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_seventh_of_the_real_customers_give_every_figure_and_guides_are_paid(
    ground: Ground, real_data: Path, tmp_path: Path
) -> None:
    await take_in(ground, a_seventh(real_data, tmp_path / "seventh.csv"), SEVENTH)


async def take_in(ground: Ground, path: Path, known: Known) -> None:
    """Import a file twice, the second time to no effect, and hold what is known from it against the file."""
    report = await carry(ground, path)
    assert await wrong_figures(ground, path) == []
    assert await wrong_profiles(ground, path) == []
    assert await wrong_customer_views(ground, path) == []
    for day, figures in known.planned.items():
        paper = await on_paper(ground, day)
        assert paper.broken() == []
        assert out_of_order(paper, path, ("UK-00", "UK-05", "UK-11")) == []
        assert paper.figures() == figures
    for cut in (date(2011, 6, 9), date(2011, 9, 9)):
        assert await wrong_churn(ground, path, cut) == {}
    before, began = await _written(ground), await epochs(ground)

    again = await carry(ground, path)

    assert report.counts["rows"] == known.rows
    assert report.counts["invoices"] == {"new": known.invoices, "changed": 0, "unchanged": 0}
    assert report.counts["ignored"].keys() == REASONS
    assert sum(report.counts["ignored"].values()) == known.ignored
    assert again.counts["invoices"] == {"new": 0, "changed": 0, "unchanged": known.invoices}
    assert (await _written(ground), await epochs(ground)) == (before, began)
    assert await counts(ground, "store", "staff where role = 'guide'") == [known.stores, known.guides]
    assert await pay(ground, date(2010, 12, 1), date(2011, 11, 30)) == known.paid


def a_seventh(whole: Path, path: Path) -> Path:
    """A year of every seventh customer, of every seventh invoice without one, and all that is no invoice."""
    with open_text(whole) as lines, path.open("w", encoding="utf-8", newline="") as kept:
        rows = csv.DictReader(lines)
        assert rows.fieldnames
        written = csv.DictWriter(kept, rows.fieldnames)
        written.writeheader()
        for row in rows:
            number = row["CustomerID"] or row["InvoiceNo"]
            if not number.isdigit() or int(number) % 7 == 0:
                written.writerow(row)
    return path


async def _written(ground: Ground) -> list[int]:
    """Rows, and where they have one the sum of their versions: a change shows without reading half a million rows."""
    versioned = ("store", "staff", "customer", "relationship", "product", "mall_order", "refund")
    others = ("holding", "order_line", "refund_line", "credit", "imported_invoice")
    async with ground.db.read() as session:
        versions = [await session.scalar(text(f"select sum(version) from {table}")) for table in versioned]  # noqa: S608
    return [*(int(version) for version in versions), *await counts(ground, *versioned, *others)]
