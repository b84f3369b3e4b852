"""What the pages show works: their GraphQL is the schema's, and their links lead somewhere."""

import re
from pathlib import Path

import pytest
from graphql import parse, validate

from tests.scenarios.documents import GRAPH

HOUSE = Path(__file__).parent.parent
PAGES = sorted([*HOUSE.glob("*.md"), *(HOUSE / "docs").rglob("*.md")])
DOCUMENTS = [
    (page.name, document)
    for page in PAGES
    for document in re.findall(r"```graphql\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
]
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
