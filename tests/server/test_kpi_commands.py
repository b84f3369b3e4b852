"""`daogou kpi verify` and `daogou kpi rebuild` as somebody types them."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.intake.carrying import SMALL
from tests.server.test_importing import daogou, home

__all__ = ["home"]


@pytest.fixture
def counted(home: Path) -> Path:
    """A brand with orders of more than a year, all of them counted."""
    assert daogou(home, "import", "orders", str(SMALL), "--mapping", "online-retail").returncode == 0
    rebuilt = daogou(home, "kpi", "rebuild", "--json")
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert json.loads(rebuilt.stdout)["stores"] >= 1
    return home


def change(home: Path, statement: str) -> None:
    with sqlite3.connect(home / "daogou.db") as database:
        assert database.execute(statement).rowcount > 0, statement


def test_what_is_right_is_said_to_be_and_whatever_is_wrong_is_named_until_it_is_counted_anew(counted: Path) -> None:
    right = daogou(counted, "kpi", "verify")
    change(counted, "UPDATE kpi_sales SET gross = gross + 1 WHERE grain = 'store' AND span = 'month'")
    change(counted, "DELETE FROM kpi_work WHERE grain = 'store' AND span = 'day' AND customers_active > 0")
    change(
        counted,
        "INSERT INTO kpi_work SELECT brand_id, span, grain, '2001-01-01', store_id, account_id, at_work, sharers, "
        "links, link_opens, link_orders, link_gross, tasks_due, tasks_done, tasks_on_time, contacts_due, "
        "contacts_reached, contacts_bought, customers_added, customers_lost, customers_active, answers, "
        "answer_seconds, commission, tags_checked, tags_right FROM kpi_work WHERE span = 'month' LIMIT 1",
    )
    change(counted, "UPDATE kpi_work SET starts_on = '2031-01-01', span = 'day' WHERE starts_on = '2001-01-01'")
    wrong = daogou(counted, "kpi", "verify", "--json")
    rebuilt = daogou(counted, "kpi", "rebuild")
    again = daogou(counted, "kpi", "verify")

    assert (right.returncode, right.stdout.strip()) == (0, "The figures are what they should be."), right.stdout
    found = json.loads(wrong.stdout)
    assert wrong.returncode == 1
    assert found["differenceCount"] == len(found["differences"]) > 3
    assert {"table": "kpi_sales", "column": "gross"}.items() <= found["differences"][-1].items() or any(
        each["table"] == "kpi_sales" and each["kept"] == each["counted"] + 1 for each in found["differences"]
    )
    assert any(each["table"] == "kpi_work" and each["kept"] is None for each in found["differences"])
    assert [each["key"]["startsOn"] for each in found["differences"] if each["counted"] is None] == ["2031-01-01"]
    assert rebuilt.stdout.startswith("Counted anew: ")
    assert (again.returncode, again.stdout.strip()) == (0, "The figures are what they should be.")


def test_a_range_of_one_store_is_counted_anew_and_the_rest_stays_as_it_is(counted: Path) -> None:
    with sqlite3.connect(counted / "daogou.db") as database:
        (code,) = database.execute("SELECT code FROM store ORDER BY code").fetchone()
    change(counted, "UPDATE kpi_sales SET gross = gross + 1 WHERE grain = 'store' AND span = 'day'")

    rebuilt = daogou(
        counted, "kpi", "rebuild", "--store", code, "--from", "2010-12-01", "--until", "2010-12-31", "--json"
    )
    found = json.loads(daogou(counted, "kpi", "verify", "--json").stdout)

    assert json.loads(rebuilt.stdout)["storeDays"] == 31
    days = {each["key"]["startsOn"] for each in found["differences"] if each["key"]["span"] == "day"}
    assert days
    assert min(days) > "2010-12-31"


def test_days_that_are_marked_are_about_to_be_counted_and_no_differences(counted: Path) -> None:
    change(counted, "UPDATE kpi_sales SET gross = gross + 1 WHERE grain = 'store' AND span = 'day'")
    change(
        counted, "INSERT INTO kpi_mark SELECT brand_id, store_id, store_id, date(first, '-9 days'), last FROM kpi_store"
    )
    with sqlite3.connect(counted / "daogou.db") as database:
        (days,) = database.execute("SELECT sum(julianday(last) - julianday(first) + 1) FROM kpi_store").fetchone()

    shown = daogou(counted, "kpi", "verify", "--json")

    found = json.loads(shown.stdout)
    assert (shown.returncode, found["differenceCount"], found["aboutToBeCounted"]) == (0, 0, int(days))
    assert found["storeDays"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--store", "NONE"), "There is no store NONE."),
        (("--from", "2011-02-01", "--until", "2011-01-31"), "--until must not be before --from."),
        (("--brand", "other"), "Name one of the brands"),
        (("--from", "soon"), "does not match"),
    ],
)
def test_what_cannot_be_counted_is_one_sentence_and_exit_code_two(
    counted: Path, arguments: tuple[str, ...], words: str
) -> None:
    shown = daogou(counted, "kpi", "rebuild", *arguments)

    assert (shown.returncode, shown.stdout) == (2, "")
    assert words in shown.stderr
    assert "Traceback" not in shown.stderr
