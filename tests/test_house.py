"""Rules of the house that no linter knows: who writes which table, and that a wall runs through every key."""

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Table, UniqueConstraint
from sqlmodel import SQLModel

from kernel.errors import Refusal
from server.tables import METADATA

HOUSE = Path(__file__).parent.parent
DOMAINS = ("kpi", "handover", "tasks", "tagging", "intake", "mall", "customers", "directory")
ABOVE = ("schema", "server")
WRITES = {"insert", "update", "delete", "insert_rows", "insert_missing"}
SHARED_BY_ALL_BRANDS = {"brand"}  # the table of brands itself
FOUND_BY_SECRET = {"refresh_token"}  # its key is the digest of a random secret
FOUND_WITHOUT_BRAND = {
    "share": "an address that a customer follows says the link's code and nothing else",
    "job": "the sweeper looks for due jobs of all brands at once",
    "import_run": "an import begins before the brand that it makes is there",
}


def sources(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (HOUSE / package).rglob("*.py"))


def foreign_tables(tree: ast.Module, own: str) -> dict[str, str]:
    """Table classes that a module imports from other domains' models, by the name they have there."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or node.module is None:
            continue
        domain, _, rest = node.module.partition(".")
        if domain not in DOMAINS or domain == own or not rest.startswith("models"):
            continue
        module = import_module(node.module)
        for alias in node.names:
            thing: Any = getattr(module, alias.name)
            if isinstance(thing, type) and issubclass(thing, SQLModel) and hasattr(thing, "__table__"):
                found[alias.asname or alias.name] = domain
    return found


def foreign_writes(source: str, own: str) -> Iterator[str]:
    """Where a module makes, changes or deletes rows of a table of another domain."""
    tree = ast.parse(source)
    tables = foreign_tables(tree, own)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        touched = {argument.id for argument in node.args if isinstance(argument, ast.Name)}
        if called in tables or (called in WRITES and touched & set(tables)):
            yield f"line {node.lineno}: {ast.unparse(node)[:80]}"


@pytest.mark.parametrize("path", sources(*DOMAINS, *ABOVE), ids=lambda path: str(path.relative_to(HOUSE)))
def test_only_a_domain_itself_writes_its_tables(path: Path) -> None:
    own = path.relative_to(HOUSE).parts[0]

    assert list(foreign_writes(path.read_text(encoding="utf-8"), own)) == []


@pytest.mark.parametrize(
    "line",
    ["session.add(Task(id=1))", "update(Task).values(title='')", "bulk.insert_rows(session, Task, [])", "delete(Task)"],
)
def test_a_write_of_another_domains_table_is_noticed(line: str) -> None:
    source = f"from tasks.models import Task, TaskKind\nkind = TaskKind('todo')\n{line}\n"

    assert len(list(foreign_writes(source, "customers"))) == 1
    assert list(foreign_writes(source, "tasks")) == []


@pytest.mark.parametrize("path", sources(*DOMAINS), ids=lambda path: str(path.relative_to(HOUSE)))
def test_a_domain_never_commits(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    called = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)]

    assert not {"commit", "rollback"} & set(called)


@pytest.mark.parametrize("table", METADATA.sorted_tables, ids=lambda table: table.name)
def test_the_brand_comes_first_in_every_key_and_every_reference_carries_it(table: Table) -> None:
    if table.name in SHARED_BY_ALL_BRANDS:
        return
    assert "brand_id" in table.columns
    if table.name not in FOUND_BY_SECRET:
        assert next(iter(table.primary_key.columns)).name == "brand_id"
    uniques = [constraint for constraint in table.constraints if isinstance(constraint, UniqueConstraint)]
    for columns in [*(unique.columns for unique in uniques), *(index.columns for index in table.indexes)]:
        names = [column.name for column in columns]
        assert names[0] == "brand_id" or table.name in FOUND_WITHOUT_BRAND, names
    for constraint in table.foreign_key_constraints:
        assert "brand_id" in [column.name for column in constraint.columns], constraint


def test_a_code_says_one_thing() -> None:
    """What is kept of a refusal is its code and its words: whoever reads them later has to find the one sentence."""
    for module in HOUSE.glob("*/errors.py"):
        import_module(f"{module.parent.name}.errors")
    said: dict[str, set[tuple[str, str]]] = {}
    for refusal in refusals(Refusal):
        said.setdefault(refusal.code, set()).add((refusal.en, refusal.zh))

    assert {code for code, sentences in said.items() if len(sentences) > 1} == set()


def refusals(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    """All that say a code of their own."""
    for each in kind.__subclasses__():
        if each.__module__.partition(".")[0] != "tests" and "code" in vars(each) and "en" in vars(each):
            yield each
        yield from refusals(each)


def test_jobs_and_reactions_are_all_under_the_contract_that_only_the_server_wires_them() -> None:
    rules = (HOUSE / "pyproject.toml").read_text(encoding="utf-8")
    entries = [
        path for domain in DOMAINS for name in ("jobs", "reactions") for path in (HOUSE / domain).glob(f"{name}*")
    ]

    for path in entries:
        assert f'"{path.parent.name}.{path.stem}"' in rules, f"add {path} to the contract entry-points"
