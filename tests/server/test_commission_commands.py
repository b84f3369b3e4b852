"""`daogou commission verify` as somebody types it."""

import sqlite3
from pathlib import Path

from tests.intake.carrying import SMALL
from tests.server.test_importing import home
from tests.server.typed import daogou

__all__ = ["home"]

# What a plan is that somebody put there by hand: nobody has posted for it.
_BY_HAND = """
INSERT INTO commission_setting (brand_id, rhythms, version)
SELECT id, '[{"from": "2010-01-01", "rhythm": "monthly"}]', 1 FROM brand;
INSERT INTO commission_plan (brand_id, id, name, state, from_day, rates, created_at, version)
SELECT id, id, 'x', 'live', '2010-01-01', '[{"role": "guide", "category": null, "rate": 500}]', '2010-01-01', 1
FROM brand;
"""


def test_a_ledger_that_is_right_is_said_to_be_and_what_is_missing_is_named(home: Path) -> None:
    daogou(home, "import", "orders", str(SMALL), "--mapping", "online-retail")

    right = daogou(home, "commission", "verify")
    with sqlite3.connect(home / "daogou.db") as database:
        database.executescript(_BY_HAND)
    wrong = daogou(home, "commission", "verify", "--brand", "online-retail")

    assert (right.returncode, right.stdout.strip()) == (0, "The ledger is what it should be.")
    assert wrong.returncode == 1
    assert "missing" in wrong.stdout.splitlines()[0]
    assert wrong.stderr.strip() == f"Differences: {len(wrong.stdout.splitlines())}."
