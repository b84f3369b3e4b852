"""`daogou hooks` as somebody types it."""

import json
from pathlib import Path

from tests.intake.carrying import SMALL
from tests.server.calling import said
from tests.server.test_importing import home
from tests.server.typed import daogou

__all__ = ["home"]


def test_a_mall_is_connected_tried_out_and_gets_a_new_secret(home: Path) -> None:
    daogou(home, "import", "orders", str(SMALL), "--mapping", "online-retail")
    order = home.parent / "order.json"
    order.write_text(json.dumps(said(currency="GBP")))

    added = daogou(home, "hooks", "add", "mall", "--title", "Mall")
    again = daogou(home, "hooks", "add", "mall", "--title", "Another")
    new = daogou(home, "hooks", "rotate", "mall")
    third = daogou(home, "hooks", "rotate", "mall")
    away = daogou(home, "hooks", "send", str(order), "--source", "mall", "--url", "http://127.0.0.1:1")
    listed = daogou(home, "hooks", "list")

    address, secret = added.stdout.splitlines()
    assert address.endswith(".mall"), added.stderr
    assert secret.startswith("whsec_")
    assert (again.returncode, "already" in again.stderr) == (1, True)
    assert new.stdout.startswith("whsec_"), new.stderr
    assert new.stdout.strip() != secret
    assert (third.returncode, "at most 2" in third.stderr) == (1, True)
    assert (away.returncode, "can't be reached" in away.stderr) == (2, True)
    assert address.rpartition("/")[2] in listed.stdout
