"""`daogou wecom` as somebody types it."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.intake.carrying import SMALL
from tests.server.test_importing import ROOT, daogou, home
from tests.wecom.app import Simulator
from tests.wecom.gate import Fault
from tests.wecom.serving import serving

__all__ = ["home"]


def wecom(home: Path, *arguments: str, secret: str = "", url: str = "http://127.0.0.1:1") -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "server.cli", "wecom", *arguments],
        cwd=home.parent,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "DAOGOU_HOME": str(home),
            "DAOGOU_WECOM_URL": url,
            "PUBLIC_URL": "https://go.shop.example",
        },
        input=secret,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


async def test_a_brand_is_tied_checked_paused_and_untied(home: Path) -> None:
    daogou(home, "import", "orders", str(SMALL), "--mapping", "online-retail")
    simulator = Simulator()
    corp = ("--corp-id", simulator.corp.corp_id)
    async with serving(simulator) as address:

        async def type_in(*arguments: str, secret: str = "") -> tuple[int, str]:
            return await asyncio.to_thread(wecom, home, *arguments, secret=secret, url=address)

        before = await type_in("check")
        empty = await type_in("tie", *corp)
        tied = await type_in("tie", *corp, secret="secret\n")
        good = await type_in("check")
        simulator.gate.faults.append(Fault("code", "externalcontact/get_unassigned_list", value=60020))
        shut_out = await type_in("check")
        again = await type_in("tie", *corp, secret="wrong")
        wrong = await type_in("check")
        paused = await type_in("pause"), await type_in("check")
        untied = await type_in("untie"), await type_in("pause")

    assert (before[0], "isn't tied" in before[1]) == (1, True)
    assert (empty[0], "standard input" in empty[1]) == (2, True)
    assert tied[0] == 0, tied[1]
    assert "https://go.shop.example/hooks/wecom/online-retail" in tied[1]
    assert good[0] == 0, good[1]
    assert "WeCom answers" in good[1]
    assert (shut_out[0], "203.0.113.9" in shut_out[1]) == (1, True)
    assert again[1].splitlines()[-3:] == tied[1].splitlines()[-3:]
    assert (wrong[0], "40001" in wrong[1]) == (1, True)
    assert (paused[0][0], paused[1][0], "paused" in paused[1][1]) == (0, 1, True)
    assert (untied[0][0], untied[1][0]) == (0, 1)


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("number,user_id\nHQ,boss\nnobody,x\n", 1, "0 of 2"),
        ("who,what\na,b\n", 2, "columns"),
        ("number,user_id\na,b\na,c\n", 2, "once"),
    ],
)
def test_members_are_named_by_a_file(home: Path, content: str, code: int, said: str) -> None:
    daogou(home, "import", "orders", str(SMALL), "--mapping", "online-retail")
    file = home.parent / "members.csv"
    file.write_text(content)

    found = wecom(home, "members", str(file))

    assert (found[0], said in found[1]) == (code, True), found[1]
