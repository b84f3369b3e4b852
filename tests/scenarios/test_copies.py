"""Whoever took everything and then the changes holds what somebody holds who takes everything now: after each step.

`python -m tests.scenarios story` has everybody look after each step; here one does, and all do in the end.
"""

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType

from customers.events import RemarkChanged
from kernel.work import Ground, Work
from schema.execution import LONGEST_REMEMBERED
from tests.scenarios import telling
from tests.scenarios.copies import NOT_COPIED, READ_WHEN_SHOWN, documents
from tests.scenarios.documents import GRAPH
from tests.scenarios.shown import FOLLOWS, MAY_BE_LATE
from tests.scenarios.story import Step, about, newcomer, only, tagging

PAGE = (Path(__file__).parents[2] / "docs" / "sync.md").read_text(encoding="utf-8")

SHORT = [
    Step("createCustomer", "owner", newcomer(name="李娜"), "li"),
    Step("editRemark", "owner", about("li", remark="周末来")),
    Step("addTag", "owner", only(name="健谈"), "chatty"),
    Step("addTags", "owner", tagging(["chatty"], ["li"])),
]


async def test_every_mutation_leaves_every_copy_as_a_new_one_would_be(ground: Ground) -> None:
    told = await telling.run(ground, most=1)

    assert told.left_out == [], told.left_out
    assert told.differences == []
    assert told.checked > 500


async def test_what_is_told_to_nobody_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    record = Work.record

    def keep_quiet(work: Work, event: Any) -> None:
        if not isinstance(event, RemarkChanged):
            record(work, event)

    monkeypatch.setattr(Work, "record", keep_quiet)

    told = await telling.run(ground, story=SHORT)

    titles = {line.partition(" …")[0] for line in told.differences}
    assert {"editRemark by owner: owner: RELATIONSHIP", "editRemark by owner: manager: RELATIONSHIP"} <= titles


async def test_a_story_says_which_mutations_arguments_and_events_it_leaves_out(ground: Ground) -> None:
    told = await telling.run(ground, story=SHORT)

    assert told.differences == []
    add = "add one to tests/scenarios/chapters.py"
    assert {
        f"no step asks for completeTask: {add}",
        "no step gives addTag its groupId: add it to one in tests/scenarios/chapters.py",
        f"no step brings about TaskAdded: {add}",
    } < set(told.left_out)


def test_what_phones_ask_here_is_short_enough_to_be_parsed_once() -> None:
    assert [len(document) for document in documents() if len(document) > LONGEST_REMEMBERED] == []


def test_the_page_and_the_schema_say_what_a_phone_hears_late_or_not_at_all() -> None:
    for path in (*FOLLOWS, *MAY_BE_LATE, *READ_WHEN_SHOWN, *NOT_COPIED):
        assert f"`{path}`" in PAGE, path
    for path in MAY_BE_LATE:
        kind, _, name = path.partition(".")
        owner = GRAPH.type_map[kind]
        assert isinstance(owner, GraphQLObjectType)
        assert "changes don't tell" in str(owner.fields[name].description), path
    for kind in READ_WHEN_SHOWN:
        assert "Changes don't tell" in str(GRAPH.type_map[kind].description), kind
