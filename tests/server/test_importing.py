"""`daogou import` and `daogou figures` as somebody types them."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.cli import app
from tests.intake.carrying import SMALL, small_lines, write
from tests.oracle_online_retail import differences, truth
from tests.server.typed import daogou

ROOT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, migrated: Path) -> Path:
    """A folder with a migrated database."""
    folder = tmp_path / "home"
    folder.mkdir()
    shutil.copy(migrated, folder)
    return folder


def test_a_file_goes_in_and_the_figures_come_out(home: Path) -> None:
    shown = daogou(home, "import", "orders", str(SMALL), "--mapping", "online-retail")
    again = daogou(home, "import", "orders", str(SMALL), "--mapping", "online-retail", "--json")
    found = daogou(home, "figures", "--json", "--brand", "online-retail")
    token = daogou(home, "token", "--brand", "online-retail", "--staff", "HQ", "--ttl", "1h")

    assert shown.returncode == 0, shown.stderr
    assert "808" in shown.stdout
    assert "stock-write-off" in shown.stdout
    assert json.loads(again.stdout)["invoices"] == {"new": 0, "changed": 0, "unchanged": 284}
    assert differences(json.loads(found.stdout), truth([SMALL])) == []
    assert token.returncode == 0, token.stderr


def test_a_bad_file_is_one_sentence_and_exit_code_two(home: Path) -> None:
    header, first, *_ = small_lines()
    bad = write(home.parent / "bad.csv", [header, first.replace("27.50", "27,50")])
    unknown = write(home.parent / "wrong.csv", [header, first.replace("27.50", "x")])

    for file, words in (
        (bad, "bad.csv, line 2: 9 cells from column 9 on don't match the 8 columns of the header."),
        (unknown, "wrong.csv, line 2, column UnitPrice: not a number."),
        (home.parent / "none.csv", "none.csv can't be read"),
    ):
        done = daogou(home, "import", "orders", str(file), "--mapping", "online-retail")
        assert done.returncode == 2
        assert words in done.stderr
        assert "Traceback" not in done.stderr
        assert done.stdout == ""

    nothing = daogou(home, "figures", "--json")
    assert nothing.returncode == 2
    assert "no brand yet" in nothing.stderr


def test_a_wrong_mapping_names_its_place(home: Path) -> None:
    mine = home.parent / "mine.toml"
    shipped = (ROOT / "intake" / "mappings" / "online_retail.toml").read_text(encoding="utf-8")
    mine.write_text(shipped.replace('zone = "Europe/London"', 'zone = "Europe/Londno"'), encoding="utf-8")

    done = daogou(home, "import", "orders", str(SMALL), "--mapping", str(mine))

    assert done.returncode == 2
    assert "time.zone" in done.stderr


def test_a_dry_run_keeps_nothing(home: Path) -> None:
    dry = daogou(home, "import", "orders", str(SMALL), "--mapping", "online-retail", "--dry-run", "--json")

    assert json.loads(dry.stdout)["dry_run"] is True
    assert daogou(home, "figures").returncode == 2


def test_the_help_shows_examples() -> None:
    for command in (("import", "orders"), ("import", "members"), ("figures",)):
        done = CliRunner().invoke(app, [*command, "--help"], prog_name="daogou")
        assert done.exit_code == 0
        assert f"daogou {' '.join(command)}" in done.stdout
