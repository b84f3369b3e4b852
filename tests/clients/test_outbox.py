"""An edit is kept until the server has answered it, sent under one key however often, and shown until it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from daogou_client import Batch, Edit, Mutation, Outbox, Page, Patience, Rejected, Row, State, Store, Unreachable
from daogou_client.errors import TokenRefused
from daogou_client.news import Json
from daogou_client.pauses import Bell, Pauses
from daogou_client.sending import Sending
from tests.clients.crashing import contents, dying_at, is_whole

DOCUMENT = (
    "mutation ($id: ID!, $idempotencyKey: String) { edit(id: $id, idempotencyKey: $idempotencyKey) { __typename } }"
)
PLACES = [{"feed": "f", "seq": 5}]
BRISK = Patience(first_pause=0.001, longest_pause=0.002)


def done(version: int = 4, places: Any = PLACES) -> Json:
    """The payload of a success."""
    return {"__typename": "TaskChanged", "places": places, "task": {"id": "t1", "version": version}}


def problem(code: str, current: Any = None) -> Json:
    return {"__typename": "Problem", "code": code, "message": "…", "current": current}


class Clerk:
    """Stands where the server is: answers one after the other, and writes down what it was asked."""

    def __init__(self, *answers: Json | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[Json] = []

    async def ask(self, document: str, variables: Json) -> Json:
        self.asked.append(variables)
        if not self.answers:
            await asyncio.Event().wait()
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"edit": answer}


@pytest.fixture
def store() -> Store:
    """A copy with one task of version 3, told up to place 4."""
    store = Store()
    store.take_page(Page((Row("TASK", "t1", 3, None, {"title": "回访", "state": "PENDING"}),), None, "c", {"f": 4}))
    return store


@pytest.fixture
def outbox(store: Store) -> Outbox:
    return Outbox(store)


@asynccontextmanager
async def sending(outbox: Outbox, clerk: Clerk, **told: Any) -> AsyncIterator[Bell]:
    bell = Bell()
    task = asyncio.create_task(Sending(outbox, clerk, Pauses(BRISK), bell, **told).run())
    try:
        yield bell
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def send(outbox: Outbox, clerk: Clerk, until: Callable[[], bool] | None = None, **told: Any) -> None:
    """Send until nothing is queued any more."""
    async with sending(outbox, clerk, **told) as bell, asyncio.timeout(5):
        await bell.until(until or (lambda: outbox.first() is None))


def tell(store: Store, seq: int) -> None:
    """The feed gets to that place."""
    store.take_batch(Batch((), f"c{seq}", {"f": seq}))


async def test_edits_are_sent_in_their_order_each_with_its_own_key(outbox: Outbox) -> None:
    keys = [outbox.queue(DOCUMENT, {"id": f"t{number}"}) for number in range(3)]
    clerk = Clerk(done(), done(), done())

    await send(outbox, clerk)

    assert clerk.asked == [{"id": f"t{number}", "idempotencyKey": key} for number, key in enumerate(keys)]
    assert len(set(keys)) == 3


@pytest.mark.parametrize(
    "mishap",
    [
        Unreachable("reply lost"),
        Unreachable("busy", "UNAVAILABLE"),
        TokenRefused("expired"),
        problem("UNAVAILABLE"),
        problem("TIMEOUT"),
    ],
    ids=["lost", "busy", "expired", "problem", "slow"],
)
async def test_after_a_mishap_the_same_edit_is_sent_again_under_the_same_key_before_the_next(
    outbox: Outbox, mishap: Json | Exception
) -> None:
    first, second = outbox.queue(DOCUMENT, {"id": "t1"}), outbox.queue(DOCUMENT, {"id": "t2"})
    clerk = Clerk(mishap, mishap, done(), done())

    await send(outbox, clerk)

    assert [asked["idempotencyKey"] for asked in clerk.asked] == [first, first, first, second]


async def test_an_app_that_was_closed_sends_the_same_key_when_it_is_opened_again(tmp_path: Path) -> None:
    store = Store(tmp_path / "phone.db")
    key = Outbox(store).queue(DOCUMENT, {"id": "t1"}, [Edit("TASK", "t1", {"state": "DONE"})])
    clerk = Clerk()  # answers nothing
    await send(Outbox(store), clerk, until=lambda: True)
    store.close()

    again = Store(tmp_path / "phone.db")
    clerk.answers = [done()]
    await send(Outbox(again), clerk)

    assert {asked["idempotencyKey"] for asked in clerk.asked} == {key}
    assert [each.state for each in Outbox(again).all()] == [State.SENT]


def test_an_edit_is_shown_from_the_moment_it_is_made_until_the_feed_has_told_of_it(
    store: Store, outbox: Outbox
) -> None:
    outbox.queue(DOCUMENT, {"id": "t1"}, [Edit("TASK", "t1", {"state": "DONE"})])
    [queued] = outbox.shown(store.rows("TASK"), "TASK")
    mutation = outbox.first()
    assert mutation
    outbox.take_answer(mutation, done())
    outbox.settle()
    [sent] = outbox.shown(store.rows("TASK"), "TASK")
    tell(store, 5)
    outbox.settle()
    [told] = outbox.shown(store.rows("TASK"), "TASK")

    assert queued.node == sent.node == {"title": "回访", "state": "DONE"}
    assert told.node == {"title": "回访", "state": "PENDING"}  # what the feed said counts now
    assert outbox.all() == []


def test_edits_of_one_row_lie_on_top_of_each_other_and_new_rows_are_shown_too(store: Store, outbox: Outbox) -> None:
    outbox.queue(DOCUMENT, {"id": "t1"}, [Edit("TASK", "t1", {"state": "DONE", "remark": "a"})])
    outbox.queue(DOCUMENT, {"id": "t1"}, [Edit("TASK", "t1", {"remark": "b"}), Edit("TASK", "gone", {"remark": "c"})])
    outbox.queue(DOCUMENT, {"id": "x"}, [Edit("NOTE", "new", {"body": "喜欢蓝色"}, is_new=True)])

    assert [row.node for row in outbox.shown(store.rows("TASK"), "TASK")] == [
        {"title": "回访", "state": "DONE", "remark": "b"}
    ]
    assert outbox.shown([], "NOTE") == [Row("NOTE", "new", 0, None, {"body": "喜欢蓝色"})]


def test_an_answer_that_the_feed_told_of_before_leaves_nothing_to_wait_for(store: Store, outbox: Outbox) -> None:
    outbox.queue(DOCUMENT, {"id": "t1"})
    tell(store, 5)
    mutation = outbox.first()
    assert mutation

    outbox.take_answer(mutation, done())

    assert outbox.all() == []


def test_an_edit_waits_for_all_its_places_and_for_those_of_a_feed_that_is_not_known_yet(
    store: Store, outbox: Outbox
) -> None:
    for places in ([{"feed": "f", "seq": 5}, {"feed": "desk", "seq": 2}], [{"feed": "new epoch", "seq": 1}]):
        outbox.queue(DOCUMENT, {"id": "t1"})
        mutation = outbox.first()
        assert mutation
        outbox.take_answer(mutation, done(places=places))
    tell(store, 9)
    outbox.settle()
    assert len(outbox.sent()) == 2

    outbox.settle(told=outbox.sent())

    assert outbox.all() == []


async def test_a_conflict_goes_to_the_app_with_the_row_as_it_is_now_and_the_queue_goes_on(
    store: Store, outbox: Outbox
) -> None:
    told: list[Mutation] = []
    current = {"__typename": "Task", "id": "t1", "version": 9, "title": "改过"}
    key = outbox.queue(DOCUMENT, {"id": "t1", "expectedVersion": 3}, [Edit("TASK", "t1", {"title": "我的"})])
    outbox.queue(DOCUMENT, {"id": "t2"})

    await send(outbox, Clerk(problem("STALE_VERSION", current), done()), on_refused=told.append)

    [refused] = outbox.refused()
    assert (refused.key, refused.is_conflict, refused.problem) == (key, True, problem("STALE_VERSION", current))
    assert told == [refused]
    assert [row.node["title"] for row in outbox.shown(store.rows("TASK"), "TASK")] == ["回访"]
    assert [each.state for each in outbox.waiting()] == [State.SENT]
    outbox.dismiss(key)
    assert outbox.refused() == []


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (problem("TASK_CLOSED"), "TASK_CLOSED"),
        (Rejected("GRAPHQL_VALIDATION_FAILED", "…"), "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_what_the_server_will_not_do_is_kept_for_the_app_until_it_is_dismissed(
    outbox: Outbox, answer: Json | Exception, code: str
) -> None:
    key = outbox.queue(DOCUMENT, {"id": "t1"})

    await send(outbox, Clerk(answer))
    outbox.settle(told={1})

    [refused] = outbox.refused()
    assert refused.problem is not None
    assert (refused.problem["code"], refused.is_conflict) == (code, False)
    outbox.dismiss("another")
    assert outbox.refused() == [refused]
    outbox.dismiss(key)
    assert outbox.all() == []


async def test_an_edit_on_which_the_server_stumbles_again_and_again_lets_the_others_past(outbox: Outbox) -> None:
    stumbling, other = outbox.queue(DOCUMENT, {"id": "t1"}), outbox.queue(DOCUMENT, {"id": "t2"})
    clerk = Clerk(*[Unreachable("…", "INTERNAL")] * 5, done())

    await send(outbox, clerk)

    assert [asked["idempotencyKey"] for asked in clerk.asked] == [stumbling] * 5 + [other]
    [refused] = outbox.refused()
    assert refused.problem is not None
    assert (refused.key, refused.problem["code"]) == (stumbling, "INTERNAL")


async def test_the_network_may_be_away_for_ever_and_nothing_is_given_up(outbox: Outbox) -> None:
    key = outbox.queue(DOCUMENT, {"id": "t1"})
    clerk = Clerk(*[Unreachable("…")] * 40, done())

    await send(outbox, clerk)

    assert {asked["idempotencyKey"] for asked in clerk.asked} == {key}
    assert (len(clerk.asked), outbox.refused()) == (41, [])


async def test_what_may_have_arrived_so_long_ago_that_its_key_is_forgotten_is_not_sent_again(store: Store) -> None:
    today = 1_000_000_000.0
    outbox = Outbox(store, now=lambda: today)
    sent, never_sent = outbox.queue(DOCUMENT, {"id": "t1"}), outbox.queue(DOCUMENT, {"id": "t2"})
    clerk = Clerk(Unreachable("reply lost"))
    await send(outbox, clerk, until=lambda: not clerk.answers)
    today += 40 * 24 * 3600
    clerk = Clerk(done())

    await send(outbox, clerk)

    [refused] = outbox.refused()
    assert refused.problem is not None
    assert (refused.key, refused.problem["code"]) == (sent, "TOO_OLD")
    assert [asked["idempotencyKey"] for asked in clerk.asked] == [never_sent]


async def test_two_edits_of_one_version_made_offline_are_no_conflict_with_oneself(outbox: Outbox) -> None:
    for remark in ("a", "b", "c"):
        outbox.queue(DOCUMENT, {"id": "t1", "expectedVersion": 3}, [Edit("TASK", "t1", {"remark": remark})])
    outbox.queue(DOCUMENT, {"id": "t2", "expectedVersion": 3}, [Edit("TASK", "t2", {"remark": "d"})])
    clerk = Clerk(done(4), done(5), done(6), done(4))

    await send(outbox, clerk)

    assert [asked["expectedVersion"] for asked in clerk.asked] == [3, 4, 5, 3]


async def test_what_somebody_else_changed_in_between_is_never_overwritten_unseen(outbox: Outbox) -> None:
    for remark in ("a", "b"):
        outbox.queue(DOCUMENT, {"id": "t1", "expectedVersion": 3}, [Edit("TASK", "t1", {"remark": remark})])
    # The first reply was lost; when it is asked again, the row is two versions further.
    clerk = Clerk(Unreachable("reply lost"), done(5), problem("STALE_VERSION"))

    await send(outbox, clerk)

    assert [asked["expectedVersion"] for asked in clerk.asked] == [3, 3, 3]
    assert len(outbox.refused()) == 1


async def test_the_app_is_told_of_each_answer(outbox: Outbox) -> None:
    heard: list[tuple[str, Json]] = []
    key = outbox.queue(DOCUMENT, {"id": "t1"})

    await send(outbox, Clerk(done()), on_sent=lambda mutation, payload: heard.append((mutation.key, payload)))

    assert heard == [(key, done())]


def test_what_cannot_be_sent_is_not_queued(outbox: Outbox) -> None:
    with pytest.raises(ValueError, match="length"):
        outbox.queue(DOCUMENT, {"id": "x" * 70_000})
    with pytest.raises(ValueError, match="idempotencyKey"):
        outbox.queue("mutation { signOut { __typename } }", {})

    assert outbox.all() == []


@pytest.mark.parametrize("act", ["queue", "take_answer", "refuse", "settle"])
def test_a_phone_that_dies_while_its_queue_changes_has_the_change_or_not(tmp_path: Path, act: str) -> None:
    for statement in range(20):
        path, left = tmp_path / f"{statement}.db", tmp_path / f"{statement}-left.db"
        store = Store(path)
        outbox = Outbox(store)
        for remark in ("a", "b"):
            outbox.queue(DOCUMENT, {"id": "t1", "expectedVersion": 3}, [Edit("TASK", "t1", {"remark": remark})])
        mutation = outbox.first()
        assert mutation
        if act == "settle":
            outbox.take_answer(mutation, done())
        before = contents(store)
        with dying_at(store, statement, left) as seen:
            match act:
                case "queue":
                    outbox.queue(DOCUMENT, {"id": "t2"})
                case "take_answer":
                    outbox.take_answer(mutation, done())
                case "refuse":
                    outbox.refuse(mutation, problem("TASK_CLOSED"))
                case _:
                    outbox.settle(told={mutation.number})
        after = contents(store)
        assert after != before
        assert is_whole(left)
        assert contents(Store(left)) in (before, after)
        if seen.count <= statement:
            return
    raise AssertionError("it has no end")


# ---------------------------------------------------------------------------------------------------------------------
# What the tests above are for: a queue that breaks a rule is found out.


class NewKeyEachTime(Outbox):
    def first(self) -> Mutation | None:
        found = super().first()
        self.made = getattr(self, "made", 0) + 1
        return found and replace(found, key=f"{found.key}-{self.made}")


class ShowsNothing(Outbox):
    def shown(self, rows: Any, entity_type: str) -> list[Row]:
        return list(rows)


class DropsWhenAnswered(Outbox):
    def take_answer(self, mutation: Mutation, payload: Json) -> None:
        super().take_answer(mutation, {**payload, "places": []})


class StopsAtRefusals(Outbox):
    def first(self) -> Mutation | None:
        return None if self.refused() else super().first()


async def _resends(store: Store, outbox: Outbox) -> None:
    await test_after_a_mishap_the_same_edit_is_sent_again_under_the_same_key_before_the_next(outbox, Unreachable("…"))


async def _shows(store: Store, outbox: Outbox) -> None:
    test_an_edit_is_shown_from_the_moment_it_is_made_until_the_feed_has_told_of_it(store, outbox)


async def _goes_on(store: Store, outbox: Outbox) -> None:
    outbox.queue(DOCUMENT, {"id": "t1"})
    outbox.queue(DOCUMENT, {"id": "t2"})
    clerk = Clerk(problem("STALE_VERSION"), done())
    await send(outbox, clerk)
    assert len(clerk.asked) == 2


@pytest.mark.parametrize(
    ("broken", "check"),
    [(NewKeyEachTime, _resends), (ShowsNothing, _shows), (DropsWhenAnswered, _shows), (StopsAtRefusals, _goes_on)],
)
async def test_an_outbox_that_breaks_a_rule_is_found_out(store: Store, broken: type[Outbox], check: Any) -> None:
    with pytest.raises(AssertionError):
        await check(store, broken(store))
