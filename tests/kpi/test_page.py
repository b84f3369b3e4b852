"""The page about figures says what the registry says."""

from datetime import timedelta
from pathlib import Path

from kpi.models.definitions import DEFINITIONS, SMALL_SAMPLE, Definition
from kpi.models.periods import MOST_DAYS
from kpi.queries.remembering import MOST_AGE, MOST_LINES

PAGE = Path(__file__).parent.parent.parent / "docs" / "kpi.md"
HEAD = "| Figure | 名称 | Unit | What it is | Formula | From |\n| --- | --- | --- | --- | --- | --- |\n"


def table() -> str:
    """The page's table of all figures."""
    return HEAD + "".join(_row(definition) for definition in DEFINITIONS.values())


def _row(definition: Definition) -> str:
    said = definition.means if definition.caveat is None else f"{definition.means} {definition.caveat}"
    tables = ", ".join(f"`{name}`" for name in definition.tables)
    cells = (
        f"`{definition.figure.name}`",
        definition.name_zh,
        definition.unit,
        said,
        f"`{definition.formula}`",
        tables,
    )
    return f"| {' | '.join(cells)} |\n"


def test_the_page_has_each_figure_as_the_registry_defines_it() -> None:
    assert table() in PAGE.read_text(encoding="utf-8"), "put table() into docs/kpi.md"


def test_the_pages_numbers_are_those_of_the_code() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert f"1 to {MOST_DAYS} days" in page
    assert f"fewer than {SMALL_SAMPLE}" in page
    assert f"up to {MOST_LINES:,} guides" in page
    assert timedelta(seconds=10) == MOST_AGE, "the page and `kpiMyPosition` say ten seconds"
