"""What the page on webhooks shows is typed as it stands there, against a server that runs."""

import json
import re
import sqlite3
import subprocess

import pytest
from typer.testing import CliRunner

from server.cli import app
from tests.intake.carrying import write
from tests.server.test_cli import PATIENCE, ROOT, Shop, port, shop, wait_until, wait_until_alive

__all__ = ["port", "shop"]

PAGE = (ROOT / "docs" / "mall-webhooks.md").read_text(encoding="utf-8")
STAFF = [
    "kind,code,name,region,store,role,city,time_zone,opening_hours",
    "region,cn,全国,,,,,,",
    "store,SH-01,一店,cn,,,,Asia/Shanghai,10:00-22:00",
]


def shown(word: str) -> str:
    """The block of the page that has this word in it."""
    [found] = [block for block in re.findall(r"```\w*\n(.*?)```", PAGE, re.DOTALL) if word in block]
    return str(found)


def typed(line: str) -> str:
    """What a line that begins with `daogou` prints."""
    done = CliRunner().invoke(app, line.split()[1:])
    assert done.exit_code == 0, done.output
    return done.stdout


def in_bash(shop: Shop, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=shop.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )


def applied(shop: Shop) -> int:
    with sqlite3.connect(shop.folder / "home" / "daogou.db") as database:
        [(count,)] = database.execute("SELECT count(*) FROM hook_message WHERE state = 'applied'").fetchall()
    return int(count)


def test_a_mall_is_connected_and_its_orders_come_in_as_the_page_shows(
    shop: Shop, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAOGOU_HOME", str(shop.folder / "home"))
    monkeypatch.chdir(shop.folder)
    order = shown("W-1001")
    (shop.folder / "order.json").write_text(order, encoding="utf-8")
    staff = write(shop.folder / "staff.csv", STAFF)
    typed("daogou migrate")
    typed(f"daogou import staff {staff} --brand qinghe --new-brand 青禾")
    add, send = shown("daogou hooks add").strip().splitlines()
    address, secret = typed(add).splitlines()
    process = shop.start("serve", PORT=str(port))
    wait_until_alive(port, process, shop)

    sent = typed(send.replace(":8000", f":{port}"))
    script = shown("openssl").replace("whsec_…", secret).replace(":8000", f":{port}")
    called = in_bash(shop, script)
    wait_until(lambda: applied(shop) == 2, process, shop.said)
    (shop.folder / "order.json").write_text(order.replace("19900", "-1"), encoding="utf-8")
    refused = CliRunner().invoke(app, send.replace(":8000", f":{port}").split()[1:])

    assert address in script
    assert sent == '202 {"state":"accepted"}\n'
    assert "202 Accepted" in called.stdout
    assert (refused.exit_code, "PRICE_NEGATIVE" in refused.output) == (1, True)
    with sqlite3.connect(shop.folder / "home" / "daogou.db") as database:
        kept = database.execute("SELECT source, number, state, amount FROM mall_order").fetchall()
    assert kept == [("mall", "W-1001", "paid", json.loads(order)["data"]["amount"])]
