"""Things with a version are told apart by their types, and rows stay the sources of fields."""

from typing import Any, cast
from uuid import uuid4

import pytest
from graphql import GraphQLInterfaceType, GraphQLResolveInfo, GraphQLUnionType
from sqlalchemy import literal, select

from kernel.feed import Place
from kernel.work import Ground
from schema import positions
from schema.tasks import Task
from schema.versioned import Versioned, node
from tests.scenarios.documents import GRAPH

NO_INFO = cast(GraphQLResolveInfo[Any], None)


def test_everything_that_changes_tell_of_has_an_id_and_a_version() -> None:
    told, versioned = GRAPH.type_map["ChangedNode"], GRAPH.type_map["Versioned"]
    assert isinstance(told, GraphQLUnionType)
    assert isinstance(versioned, GraphQLInterfaceType)

    assert {kind.name for kind in told.types} <= {kind.name for kind in GRAPH.get_possible_types(versioned)}


async def test_a_row_has_a_type_only_as_a_node(ground: Ground) -> None:
    interface = cast(GraphQLInterfaceType, GRAPH.type_map["Versioned"])
    async with ground.db.read() as session:
        row = (await session.execute(select(literal(1).label("version")))).one()

    task = node(Task, row)

    assert (task.version, Versioned.resolve_type(task, NO_INFO, interface)) == (1, "Task")
    with pytest.raises(TypeError):
        Versioned.resolve_type(row, NO_INFO, interface)


def test_a_place_names_the_feed_as_it_is_now_and_not_its_owner() -> None:
    owner, first, second = uuid4(), uuid4(), uuid4()

    [before] = positions.shown({owner: Place(first, 7)})
    [after] = positions.shown({owner: Place(second, 7)})

    assert (before.feed, before.seq) == (str(first), 7)
    assert (after.feed, after.seq) == (str(second), 7)
