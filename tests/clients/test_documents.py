"""What the client sends is valid against the schema, whichever kinds and fields it keeps."""

from typing import Any

import pytest
from graphql import parse, validate

from daogou_client import KINDS, Documents, Gone, Kind, ProtocolBroken, Row
from schema.live.entities import ENTITIES
from tests.scenarios.documents import GRAPH


def row_of(documents: Documents, node: dict[str, Any]) -> Row:
    item = {"entityType": "TASK", "id": "t1", "version": 3, "relationshipId": None, "node": node}
    said = {"items": [item], "next": None, "cursor": "c", "places": [{"feed": "f", "seq": 7}]}
    [row] = documents.page({"snapshot": said}).rows
    return row


@pytest.mark.parametrize("name", ["snapshot", "changes", "live"])
@pytest.mark.parametrize("kinds", [KINDS, KINDS[:1], (Kind("TASK", "Task", ()),)], ids=["all", "one", "bare"])
def test_every_document_is_valid(name: str, kinds: tuple[Kind, ...]) -> None:
    assert validate(GRAPH, parse(getattr(Documents(kinds), name))) == []


def test_all_kinds_that_the_server_tells_of_are_kept() -> None:
    shown = {name.upper(): entity.graphql_type.__name__ for name, entity in ENTITIES.items()}

    assert {kind.entity_type: kind.graphql_type for kind in KINDS} == shown


def test_a_name_that_several_kinds_have_is_told_apart_on_the_way_and_is_itself_again_in_the_row() -> None:
    documents = Documents((Kind("TASK", "Task", ("state", "title")), Kind("ORDER", "Order", ("state", "number"))))

    row = row_of(documents, {"__typename": "Task", "Task_state": "DONE", "title": "回访"})

    assert "Task_state: state" in documents.live
    assert validate(GRAPH, parse(documents.live)) == []
    assert row == Row("TASK", "t1", 3, None, {"state": "DONE", "title": "回访"})


def test_a_field_may_have_an_alias_arguments_and_a_selection() -> None:
    fields = ("state", "latest: orders(first: 2) { id lines { name } }", "name")
    documents = Documents((Kind("CUSTOMER", "Customer", fields[1:]), Kind("TASK", "Task", ("state", "latest: title"))))

    assert validate(GRAPH, parse(documents.snapshot)) == []
    assert "Customer_latest: orders(first: 2)" in documents.snapshot
    assert row_of(documents, {"__typename": "Task", "Task_latest": "回访"}).node == {"latest": "回访"}
    with pytest.raises(ValueError, match="not a GraphQL field"):
        Documents((Kind("TASK", "Task", ("{}",)),)).live  # noqa: B018 - asked for on first use


def test_kinds_that_are_not_kept_are_stepped_over_in_pages_and_batches() -> None:
    documents = Documents((Kind("TASK", "Task", ("title",)),))
    novelty = {"entityType": "NOVELTY", "id": "n1", "version": 1, "relationshipId": None, "node": {"__typename": "N"}}
    task = {"entityType": "TASK", "id": "t1", "version": 1, "relationshipId": "r1", "node": {"__typename": "Task"}}
    said = {"cursor": "c", "places": [], "mustRefetch": False, "upToDate": True}
    changes = [{"op": "PUT", **novelty}, {"op": "DEL", **novelty}, {"op": "PUT", **task}, {"op": "DEL", **task}]

    batch = documents.batch({"changes": {**said, "changes": changes}})
    page = documents.page({"snapshot": {"items": [novelty, task], "next": None, "cursor": "c", "places": []}})

    assert batch.changes == (Row("TASK", "t1", 1, "r1", {}), Gone("TASK", "t1"))
    assert page.rows == (Row("TASK", "t1", 1, "r1", {}),)


@pytest.mark.parametrize("said", [{}, {"changes": None}, {"changes": {"cursor": "c"}}, {"changes": {"changes": [1]}}])
def test_an_answer_of_another_shape_is_a_bug_and_not_a_change(said: Any) -> None:
    with pytest.raises(ProtocolBroken):
        Documents().batch(said)
    with pytest.raises(ProtocolBroken):
        Documents().page({"snapshot": said.get("changes")})
