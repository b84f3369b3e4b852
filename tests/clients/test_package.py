"""The client stands on its own: it knows nothing of the server's code, and its page shows what works."""

import ast
import asyncio
import os
import re
import sys
import tomllib
from collections.abc import AsyncIterator
from inspect import isclass, isfunction
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col

import daogou_client
from directory.commands import passwords
from directory.models import Staff
from kernel.work import Ground
from tasks.models import TaskState
from tests.factories import build_task, build_world, reload
from tests.serving import Served, serving

FOLDER = Path(__file__).parents[2] / "clients" / "python"
NEEDS = {"httpx2", "websockets"}


@pytest.fixture
async def served(ground: Ground) -> AsyncIterator[Served]:
    async with serving(ground) as served:
        yield served


def test_the_client_imports_nothing_but_the_standard_library_and_what_it_declares() -> None:
    imported: set[str] = set()
    for path in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.module
                assert node.level == 0
                imported.add(node.module.partition(".")[0])
    declared = tomllib.loads((FOLDER / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]

    assert imported - set(sys.stdlib_module_names) == {"daogou_client", *NEEDS}
    assert {re.split(r"[^a-z0-9]", each)[0] for each in declared} == NEEDS


def test_all_that_the_package_offers_is_documented() -> None:
    things = [getattr(daogou_client, name) for name in daogou_client.__all__]

    silent = [thing for thing in things if (isclass(thing) or isfunction(thing)) and not (thing.__doc__ or "").strip()]
    assert silent == []


async def test_the_program_on_the_page_does_what_it_says_twice(served: Served, tmp_path: Path) -> None:
    world = await build_world(served.ground)
    todo = [await build_task(served.ground, world.shop.guide) for _ in range(2)]
    async with served.ground.db.write() as session:
        changed = {"number": "G0001", "password_hash": passwords.hash_password("daogou-demo")}
        await session.execute(update(Staff).where(col(Staff.id) == world.shop.guide.id).values(**changed))
    [program] = re.findall(r"```python\n(.*?)```", (FOLDER / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    program = program.replace("http://127.0.0.1:8000", f"http://127.0.0.1:{served.port}")

    said = [await run(program, tmp_path) for _ in todo]

    assert said == ["2 tasks to do, the first: 整理陈列\n", "1 tasks to do, the first: 整理陈列\n"]
    assert {(await reload(served.ground, task)).state for task in todo} == {TaskState.DONE}


async def run(program: str, folder: Path) -> str:
    """What a program prints that ends well."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "always", "-c", program,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(FOLDER), "PYTHONIOENCODING": "utf-8"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(30):
        out, errors = await process.communicate()
    assert (process.returncode, errors.decode()) == (0, "")
    return out.decode()
