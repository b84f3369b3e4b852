"""`daogou tags` as somebody types it."""

from pathlib import Path

from tests.intake.carrying import SMALL, write
from tests.server.test_importing import home
from tests.server.typed import daogou

__all__ = ["home"]


def test_a_library_goes_in_and_comes_out(home: Path) -> None:
    good = write(home.parent / "tags.csv", ["标签组,选择,标签", "风格,多选,简约", "尺码,单选,S"])
    bad = write(home.parent / "bad.csv", ["group,tag,color", "风格,简约,red"])
    away = home.parent / "away.xlsx"
    daogou(home, "import", "orders", str(SMALL), "--mapping", "online-retail")

    wrong = daogou(home, "tags", "import", str(bad), "--dry-run")
    done = daogou(home, "tags", "import", str(good))
    out = daogou(home, "tags", "export", str(away), "--language", "en")
    again = daogou(home, "tags", "import", str(away))

    assert (wrong.returncode, wrong.stderr.splitlines()[0]) == (1, "row 2: color: write it as #rrggbb.")
    assert done.stdout == "Added 2 groups and 2 tags; changed 0 and 0; 0 as they are.\n", done.stderr
    assert (out.returncode, out.stdout) == (0, f"{away}: 4 rows.\n"), out.stderr
    assert again.stdout == "Added 0 groups and 0 tags; changed 0 and 0; 4 as they are.\n"
