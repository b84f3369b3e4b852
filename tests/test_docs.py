"""What the pages show works: their GraphQL is the schema's, and their links lead somewhere."""

import re
from pathlib import Path
from typing import Any

import pytest
import typer
from graphql import parse, validate
from typer.core import TyperGroup

from server.cli import app
from tests.scenarios.documents import GRAPH

HOUSE = Path(__file__).parent.parent
PAGES = sorted([*HOUSE.glob("*.md"), *(HOUSE / "docs").rglob("*.md"), *HOUSE.glob("clients/*/README.md")])
DOCUMENTS = [
    (page.name, document)
    for page in PAGES
    for document in re.findall(r"```graphql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]
WRITTEN = [*PAGES, HOUSE / "Dockerfile", HOUSE / "compose.yaml", HOUSE / "Makefile"]
COMMANDS = sorted(
    {
        (page.name, re.sub(r"[\[\]\",`]", " ", line).strip())
        for page in WRITTEN
        for line in re.findall(
            r"\bdaogou[ \",]+((?:up|serve|worker|migrate|demo|import|figures|tags|segments|evaluate|hooks|token|check|"
            r"handover|kpi|plan|wecom|backup|restore|new-epoch)\b[^\n`|#;&]*)",
            page.read_text(encoding="utf-8"),
        )
    }
)
LINKS = [
    (page, link)
    for page in PAGES
    for link in re.findall(r"\]\((?!https?:|#|<)([^)#]+)", page.read_text(encoding="utf-8"))
]


def test_the_pages_show_queries_and_link_to_each_other() -> None:
    assert len(DOCUMENTS) >= 4
    assert len(LINKS) >= 10


@pytest.mark.parametrize(("page", "document"), DOCUMENTS)
def test_a_document_on_a_page_is_valid(page: str, document: str) -> None:
    assert validate(GRAPH, parse(document)) == [], page


@pytest.mark.parametrize(("page", "link"), LINKS, ids=lambda value: getattr(value, "name", value))
def test_a_link_leads_to_a_file(page: Path, link: str) -> None:
    assert (page.parent / link).exists(), f"{page.name} links to {link}"


def test_the_pages_name_most_commands() -> None:
    assert {line.split()[0] for _, line in COMMANDS} >= {
        "up",
        "serve",
        "worker",
        "migrate",
        "import",
        "figures",
        "check",
    }


@pytest.mark.parametrize(("page", "line"), COMMANDS)
def test_a_command_on_a_page_takes_the_options_it_is_shown_with(page: str, line: str) -> None:
    command: Any = typer.main.get_command(app)
    words = line.split()
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        found = command.get_command(typer.Context(command), words[0])
        if found is None:
            break
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}

    shown = {word.partition("=")[0] for word in words if re.fullmatch(r"--[a-z][a-z-]*(=.*)?", word)}
    assert shown <= known | {"--help"}, f"{page}: daogou {line}"
