"""The schema as apps see it: committed, described, and the same way throughout."""

import pytest
from graphql import GraphQLObjectType, GraphQLUnionType

from schema.export import SDL
from schema.root import schema
from tests.scenarios.documents import GRAPH, roots

WITHOUT_KEY = {
    "signIn": "asks for a secret that is told once",
    "refreshSession": "its token works once, which is a key already",
    "signOut": "ends the same thing however often it is asked for",
    "revealPhone": "reads; each time it is asked for is written down",
}


def test_the_committed_sdl_is_the_schemas() -> None:
    assert SDL.read_text(encoding="utf-8") == schema.as_str() + "\n", "run make sdl, and look at the difference"


@pytest.mark.parametrize("kind", ["query", "mutation", "subscription"])
def test_every_root_field_says_what_it_is_for(kind: str) -> None:
    assert [name for name, field in roots(kind).items() if not field.description] == []


def test_every_mutation_takes_an_idempotency_key() -> None:
    without = {name for name, field in roots("mutation").items() if "idempotencyKey" not in field.args}

    assert without == set(WITHOUT_KEY)


def test_every_mutation_answers_with_what_changed_or_a_problem() -> None:
    for name, field in roots("mutation").items():
        result = getattr(field.type, "of_type", field.type)
        assert isinstance(result, GraphQLUnionType), name
        assert "Problem" in [member.name for member in result.types], name


def test_every_type_says_what_it_is() -> None:
    named = [kind for name, kind in GRAPH.type_map.items() if not name.startswith("__")]
    mute = [kind.name for kind in named if isinstance(kind, GraphQLObjectType) and not kind.description]

    assert set(mute) <= {"Query", "Mutation", "Subscription"} | {
        name for name in GRAPH.type_map if name.endswith(("Connection", "Edge"))
    }
