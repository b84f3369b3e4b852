"""Nobody reads in the shop that somebody is leaving, except as their brand tells them; managers read the truth."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import false

import directory.queries.staff
from handover.models import Telling
from kernel import clock
from kernel.actor import Actor
from kernel.work import Ground
from schema.root import schema
from tests.asking import ask, context
from tests.factories import World, build_customer, build_world
from tests.handover.leaving import FRIDAY, MONDAY, close, mark, tell
from tests.scenarios.belongings import Belongings, furnish
from tests.scenarios.documents import document, roots, variables
from tests.scenarios.test_sight import ID_OF, NAMED

MARK = """mutation ($id: ID!, $lastDay: Date) { markLeaving(id: $id, lastDay: $lastDay) {
  ... on StaffChanged { staff { state lastDay version } } ... on Problem { code } } }"""
WITHDRAW = """mutation ($id: ID!) { withdrawLeaving(id: $id) {
  ... on StaffChanged { staff { state lastDay } } ... on Problem { code } } }"""
STAFF = "query ($id: ID!) { staffMember(id: $id) { state lastDay } }"
BY_STATE = """{ leaving: staff(state: LEAVING) { edges { node { id } } }
  active: staff(state: ACTIVE) { edges { node { id } } } }"""
DEPARTURE = "{ viewer { departure { lastDay message } } }"
# They grow with a change of which nothing else is seen.
GROW = {"version", "cursor", "next", "seq", "places", "startCursor", "endCursor"}


def plain(answer: Any) -> Any:
    """What an answer says, without what grows with each change."""
    if isinstance(answer, dict):
        return {name: plain(value) for name, value in answer.items() if name not in GROW}
    return [plain(value) for value in answer] if isinstance(answer, list) else answer


async def everything(ground: Ground, actor: Actor, known: Belongings) -> dict[str, Any]:
    """All that the actor can read, by the fields of the root, with what there is in the shop for an id."""
    answers = {}
    for name, field in roots("query").items():

        def give(argument: str, name: str = name) -> str:
            kind = ID_OF.get(name, name) if argument == "id" else NAMED.get(argument, argument)
            return str(known.get(kind, UUID(int=7)))

        given = variables(field, give)
        answer = await schema.execute(document("query", name, field, given, depth=3), given, context(ground, actor))
        answers[name] = plain({"data": answer.data, "errors": [error.message for error in answer.errors or ()]})
    return answers


async def all_read(ground: Ground, world: World, known: Belongings) -> dict[str, Any]:
    """What each guide of the shop, and one of another shop, can read, in both ways of asking for staff."""
    guides = {"leaver": world.shop.guide, "colleague": world.shop.other_guide, "other shop": world.shops[1].guide}
    read: dict[str, Any] = {}
    for name, actor in guides.items():
        read[name] = await everything(ground, actor, known)
        read[name] |= await ask(ground, actor, BY_STATE)
        for person in (world.shop.guide, actor):
            read[name][str(person.id)] = await ask(ground, actor, STAFF, id=str(person.id))
    return read


async def differences(ground: Ground, world: World) -> list[str]:
    """Where guides read something else once one of them is marked as leaving."""
    known = {**await furnish(ground, world, world.shop), "staff": world.shop.guide.id}
    with clock.stopped_at(MONDAY):
        before = await all_read(ground, world, known)
        await mark(ground, world.shop.manager, world.shop.guide, FRIDAY)
        after = await all_read(ground, world, known)
    return [f"{who}: {name}" for who in before for name in before[who] if before[who][name] != after[who][name]]


async def test_no_guide_reads_that_somebody_is_leaving(ground: Ground) -> None:
    world = await build_world(ground)
    await tell(ground, world, Telling.NOT_AT_ALL)

    assert await differences(ground, world) == []


async def test_a_brand_that_tells_leavers_tells_nobody_else(ground: Ground) -> None:
    world = await build_world(ground)
    await tell(ground, world, Telling.GENTLY)

    assert await differences(ground, world) == ["leaver: viewer"]


async def test_a_read_that_says_it_is_noticed(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: staff as they are."""
    world = await build_world(ground)
    monkeypatch.setattr(directory.queries.staff, "unspoken", lambda _actor: false())

    told = await differences(ground, world)

    assert {"leaver: viewer", "colleague: staff", "colleague: leaving"} <= set(told)
    assert not [line for line in told if line.startswith("other shop")]


async def test_managers_read_the_truth_until_they_are_meant_themselves(ground: Ground) -> None:
    world = await build_world(ground)
    leaver, manager = world.shop.guide, world.shop.manager
    with clock.stopped_at(MONDAY):
        await mark(ground, manager, leaver, FRIDAY)
        await mark(ground, world.hq, manager, FRIDAY)

    for actor in (manager, world.east_manager, world.hq):
        found = await ask(ground, actor, STAFF, id=str(leaver.id))
        assert found["staffMember"] == {"state": "LEAVING", "lastDay": "2026-03-06"}
    assert (await ask(ground, manager, STAFF, id=str(manager.id)))["staffMember"] == {
        "state": "ACTIVE",
        "lastDay": None,
    }
    listed = await ask(ground, manager, "{ departures { edges { node { staff { id } } } } }")
    assert [edge["node"]["staff"]["id"] for edge in listed["departures"]["edges"]] == [str(leaver.id)]
    by_state = await ask(ground, manager, BY_STATE)
    assert [edge["node"]["id"] for edge in by_state["leaving"]["edges"]] == [str(leaver.id)]


async def test_once_shut_out_everybody_reads_it(ground: Ground) -> None:
    world = await build_world(ground)
    await build_customer(ground, world.shop.guide)
    with clock.stopped_at(MONDAY):
        await mark(ground, world.hq, world.shop.guide, FRIDAY)
        await close(ground, world.hq, world.shop.guide)

    found = await ask(ground, world.shop.other_guide, STAFF, id=str(world.shop.guide.id))
    assert found["staffMember"]["state"] == "LEAVING"


@pytest.mark.parametrize(
    ("language", "day", "words"),
    [
        ("zh", FRIDAY, "你的最后工作日是 2026 年 3 月 6 日。感谢"),
        ("zh", None, "感谢"),
        ("en", FRIDAY, "Your last day is 2026-03-06. Thank you"),
        ("en", None, "Thank you"),
    ],
)
async def test_a_leavers_own_phone_is_told_in_kind_words(
    ground: Ground, language: str, day: date | None, words: str
) -> None:
    world = await build_world(ground)
    await tell(ground, world, Telling.GENTLY)
    assert (await ask(ground, world.shop.guide, DEPARTURE))["viewer"]["departure"] is None
    with clock.stopped_at(MONDAY):
        await mark(ground, world.hq, world.shop.guide, day)

    asked = context(ground, world.shop.guide)
    asked.language = language
    answer = await schema.execute(DEPARTURE, {}, asked)

    assert answer.data
    told = answer.data["viewer"]["departure"]
    assert told["lastDay"] == (day and day.isoformat())
    assert told["message"].startswith(words)
    for actor in (world.shop.other_guide, world.shop.manager, world.hq):
        assert (await ask(ground, actor, DEPARTURE))["viewer"]["departure"] is None


async def test_a_manager_marks_and_withdraws(ground: Ground) -> None:
    world = await build_world(ground)
    given = {"id": str(world.shop.guide.id)}
    with clock.stopped_at(MONDAY):
        marked = await ask(ground, world.shop.manager, MARK, **given, lastDay="2026-03-06")
        past = await ask(ground, world.shop.manager, MARK, **given, lastDay="2026-03-01")
        stays = await ask(ground, world.shop.manager, WITHDRAW, **given)
        again = await ask(ground, world.shop.manager, WITHDRAW, **given)

    assert marked["markLeaving"] == {"staff": {"state": "LEAVING", "lastDay": "2026-03-06", "version": 2}}
    assert past["markLeaving"] == {"code": "INVALID"}
    assert stays["withdrawLeaving"] == {"staff": {"state": "ACTIVE", "lastDay": None}}
    assert again["withdrawLeaving"] == {"code": "NOT_LEAVING"}
