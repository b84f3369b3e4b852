"""The schema as apps see it: committed, described, and the same way throughout."""

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType, GraphQLUnionType, get_named_type

from schema.export import SDL
from schema.root import schema
from tests.scenarios.documents import GRAPH, roots

WITHOUT_KEY = {
    "signIn": "asks for a secret that is told once",
    "refreshSession": "its token works once, which is a key already",
    "signOut": "ends the same thing however often it is asked for",
}
WITHOUT_EXPECTED_VERSION = {
    **WITHOUT_KEY,
    "addRegion": "makes a new row",
    "openStore": "makes a new row",
    "hireStaff": "makes a new row",
    "createCustomer": "makes a new row",
    "addNote": "makes a new row",
    "noteVisit": "makes a new row",
    "addTagGroup": "makes a new row",
    "addTag": "makes a new row",
    "saveSegment": "makes a new row",
    "createTask": "makes a new row",
    "addCampaign": "makes a new row",
    "arrangeCover": "makes a new row",
    "completeTasks": "names several rows; what was closed meanwhile is TASK_CLOSED",
    "skipTasks": "names several rows; what was closed meanwhile is TASK_CLOSED",
    "snoozeTasks": "names several rows; what was closed meanwhile is TASK_CLOSED",
    "reassignTasks": "names several rows; what was closed meanwhile is TASK_CLOSED",
    "cancelTasks": "names several rows; what was closed meanwhile is TASK_CLOSED",
    "markTasksSeen": "an operation on a set: what was opened before stays so",
    "addTagRule": "makes a new row",
    "addRevisitRule": "makes a new row",
    "addCommissionPlan": "makes a new row",
    "closeCommissionPeriod": "makes a new row, once for each period",
    "addStarterRules": "makes new rows",
    "startHandover": "makes a new row; one at a time is HANDOVER_IN_FLIGHT",
    "askPartnerAgain": "makes a new attempt; while one is under way NOTHING_TO_ASK_AGAIN",
    "claimCustomer": "makes a relationship; the customer stays as they are",
    "registerCustomer": "makes a customer, or a relationship with one who stays as they are",
    "revealPhone": "edits nothing",
    "addTags": "an operation on a set: whoever else adds or removes other tags is not overwritten",
    "removeTags": "an operation on a set: whoever else adds or removes other tags is not overwritten",
    "confirmTags": "an operation on a set: whoever else adds or removes tags is not overwritten",
    "orderTags": "names all tags of a group: LIBRARY_CHANGED if there are others by now",
    "drawTagAudit": "makes a new row",
    "repeatTagAudit": "makes a new row",
    "answerTagQuestion": "answers a question, once; who was asked reads no other version of it",
    "orderTagGroups": "names all groups: LIBRARY_CHANGED if there are others by now",
    "putProducts": "keyed by code; the same again changes nothing",
    "putStock": "an older count never overwrites a newer one",
    "setStock": "an older count never overwrites a newer one",
    "addProduct": "makes a new row",
    "shareProduct": "makes a new row",
    "sharePage": "makes a new row",
    "shareLook": "makes a new row",
    "addHookSource": "makes a new row",
    "addHookSecret": "makes a new row",
    "replayHookMessages": "names several rows; what was settled meanwhile is HOOK_MESSAGE_SETTLED",
    "revealHookMessage": "edits nothing",
    "watchKpi": "makes a new row",
    "seeKpiNotices": "an operation on a set: what was seen before stays so",
    "recordOrder": "keyed by source and number; older news never overwrites newer",
    "recordOrders": "keyed by source and number; older news never overwrites newer",
    "recordRefund": "keyed by source and number; taken once and never edited",
}


def test_the_committed_sdl_is_the_schemas() -> None:
    assert SDL.read_text(encoding="utf-8") == schema.as_str() + "\n", "run make sdl, and look at the difference"


@pytest.mark.parametrize("kind", ["query", "mutation", "subscription"])
def test_every_root_field_says_what_it_is_for(kind: str) -> None:
    assert [name for name, field in roots(kind).items() if not field.description] == []


def test_every_mutation_takes_an_idempotency_key() -> None:
    without = {name for name, field in roots("mutation").items() if "idempotencyKey" not in field.args}

    assert without == set(WITHOUT_KEY)


def test_every_mutation_that_edits_a_row_takes_the_version_it_was_read_in() -> None:
    without = {name for name, field in roots("mutation").items() if "expectedVersion" not in field.args}

    assert without == set(WITHOUT_EXPECTED_VERSION)


def test_every_answer_says_where_the_feeds_tell_of_the_change() -> None:
    for name in roots("mutation").keys() - WITHOUT_KEY.keys():
        [payload] = [member for member in _members(name) if member.name != "Problem"]
        assert str(payload.fields["places"].type) == "[Place!]!", name


def test_whether_a_change_was_made_never_hangs_on_whether_the_row_is_in_sight() -> None:
    """A payload has its row or null; a list leaves out what is out of sight."""
    for name in roots("mutation").keys() - WITHOUT_KEY.keys():
        [payload] = [member for member in _members(name) if member.name != "Problem"]
        for part, field in payload.fields.items():
            if part != "places" and isinstance(get_named_type(field.type), GraphQLObjectType):
                assert not isinstance(field.type, GraphQLNonNull) or str(field.type).startswith("["), name


def _members(name: str) -> tuple[GraphQLObjectType, ...]:
    result = get_named_type(roots("mutation")[name].type)
    assert isinstance(result, GraphQLUnionType), name
    return tuple(result.types)


def test_every_mutation_answers_with_what_changed_or_a_problem() -> None:
    for name in roots("mutation"):
        assert "Problem" in [member.name for member in _members(name)], name


def test_every_type_says_what_it_is() -> None:
    named = [kind for name, kind in GRAPH.type_map.items() if not name.startswith("__")]
    mute = [kind.name for kind in named if isinstance(kind, GraphQLObjectType) and not kind.description]

    assert set(mute) <= {"Query", "Mutation", "Subscription"} | {
        name for name in GRAPH.type_map if name.endswith(("Connection", "Edge"))
    }
