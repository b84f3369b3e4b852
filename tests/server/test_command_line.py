"""What the command line loads, and when."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from server.cli import _LATER, app

ROOT = Path(__file__).parents[2]
HEAVY = ("strawberry", "scipy", "numpy", "openpyxl", "sqlalchemy", "arq", "redis", "uvicorn", "alembic", "kernel.db")
LOADED = "import json, sys; print(json.dumps(sorted(sys.modules)), file=sys.stderr)"


def loaded_after(program: str) -> set[str]:
    """The modules that a fresh process has loaded when the program is over."""
    lines = f"import atexit\natexit.register(lambda: exec({LOADED!r}))\n{program}"
    done = subprocess.run([sys.executable, "-c", lines], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("command", [[], ["serve"], ["token"], ["segments"], ["evaluate", "churn"]])
def test_to_say_what_there_is_loads_nothing_of_it(command: list[str]) -> None:
    loaded = loaded_after(f"from server.cli import app; app({[*command, '--help']!r})")

    assert loaded & set(HEAVY) == set()


@pytest.mark.parametrize("module", ["server.migrating", "server.addresses", "server.listening"])
def test_what_comes_before_serving_loads_nothing_to_serve_with(module: str) -> None:
    loaded = loaded_after(f"import {module}")

    assert loaded & {"strawberry", "scipy", "uvicorn", "schema", "server.wiring", "server.app"} == set()


def test_a_solver_is_loaded_only_where_a_plan_is_made() -> None:
    assert "scipy" not in loaded_after("import server.serving")


@pytest.mark.parametrize("name", _LATER)
def test_the_list_says_of_a_command_what_the_command_says_of_itself(name: str) -> None:
    command: Any = get_command(app)
    shown = CliRunner().invoke(app, ["--help"], prog_name="daogou").stdout

    assert f"{name} {_LATER[name]}" in " ".join(shown.replace("│", " ").split())
    assert command.get_command(None, name).help == _LATER[name]
