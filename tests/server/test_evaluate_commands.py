"""`daogou evaluate` as somebody types it."""

import json
from pathlib import Path

from tests.intake.carrying import SMALL
from tests.server.test_importing import home
from tests.server.typed import daogou

__all__ = ["home"]


def test_rankings_are_compared_in_a_table_and_as_json_and_a_late_cut_is_refused(home: Path) -> None:
    daogou(home, "import", "orders", str(SMALL), "--mapping", "online-retail")

    table = daogou(home, "evaluate", "churn", "--cut", "2011-03-21")
    as_json = daogou(home, "evaluate", "churn", "--cut", "2011-03-21", "--brand", "online-retail", "--json")
    late = daogou(home, "evaluate", "churn", "--cut", "2011-03-22")

    assert table.returncode == as_json.returncode == 0, table.stderr + as_json.stderr
    found = json.loads(as_json.stdout)
    assert list(found) == ["cut", "customers", "lost", "patience_days", "rated"]
    assert len(found["rated"]) == 9
    assert f"{found['customers']} customers, {found['lost']} lost" in table.stdout
    for each in found["rated"]:
        assert f"{each['auc']:.3f}" in table.stdout
    assert (late.returncode, late.stdout) == (1, "")
    assert "isn't known" in late.stderr
