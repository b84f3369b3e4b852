"""The edits that a person made, kept until the server has them and the phone has seen what became of them.

An edit gets its idempotency key when it is queued. However often it is sent after that, it has one effect.
"""

import json
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from sqlite3 import Connection
from typing import Any
from uuid import uuid4

from daogou_client.news import Json, Places, Row, reached, read_places
from daogou_client.store import Store

STALE_VERSION = "STALE_VERSION"
TOO_OLD = "TOO_OLD"  # the client's own word: see `Outbox.may_send`
KEY_LASTS = 29 * 24 * 3600.0  # seconds: the server remembers a key for 30 days
LARGEST = 60_000  # bytes: the server reads no request that is longer than 64 KiB
_ALL = (
    "SELECT number, key, document, variables, edits, state, first_sent_at, failures, places, problem "
    "FROM mutation ORDER BY number"
)


class State(StrEnum):
    """Where an edit is on its way."""

    QUEUED = "queued"
    SENT = "sent"  # the server has it, and the feed has not told of it yet
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Edit:
    """What a mutation makes of a row, shown until the server's own word is here.

    `patch` is merged into the row's node. With `is_new` the row is shown even if there is none by that id.
    """

    entity_type: str
    id: str
    patch: Json
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Mutation:
    """One edit in the outbox. `problem` says why it was refused: `code`, `message`, `current`."""

    number: int
    key: str
    document: str
    variables: Json
    edits: tuple[Edit, ...]
    state: State
    first_sent_at: float | None
    failures: int
    places: Places | None
    problem: Json | None

    @property
    def is_conflict(self) -> bool:
        """Whether somebody else changed the row meanwhile; `problem["current"]` is the row as it is now."""
        return self.problem is not None and self.problem["code"] == STALE_VERSION


class Outbox:
    """The queue of one store. Edits are sent in the order in which they were made."""

    def __init__(self, store: Store, now: Callable[[], float] = time.time) -> None:
        self._store = store
        self._now = now

    def queue(self, document: str, variables: Mapping[str, Any], edits: Sequence[Edit] = ()) -> str:
        """Keep an edit for sending, and return its key.

        `document` is a mutation of one field, as `documents.mutation` writes it. Where it takes
        `expectedVersion`, the first of `edits` names the row whose version that is.
        """
        if "$idempotencyKey" not in document or "__typename" not in document:
            raise ValueError("the mutation must take $idempotencyKey and ask for __typename")
        if len(json.dumps([document, dict(variables)])) > LARGEST:
            raise ValueError("the server would not read a request of this length")
        key = str(uuid4())
        kept = [[edit.entity_type, edit.id, edit.patch, edit.is_new] for edit in edits]
        with self._store.transaction() as db:
            db.execute(
                "INSERT INTO mutation (key, document, variables, edits, state) VALUES (?, ?, ?, ?, ?)",
                (key, document, json.dumps(dict(variables)), json.dumps(kept), State.QUEUED.value),
            )
        return key

    def all(self) -> list[Mutation]:
        """Everything that is kept, in the order in which it was made."""
        return self._in_states(*State)

    def waiting(self) -> list[Mutation]:
        """What the feed has not told of yet, sent or not: what a person sees as not saved yet."""
        return self._in_states(State.QUEUED, State.SENT)

    def refused(self) -> list[Mutation]:
        """What the server won't do, until the app has dealt with it and dismisses it."""
        return self._in_states(State.REFUSED)

    def dismiss(self, key: str) -> None:
        """Forget an edit that was refused."""
        with self._store.transaction() as db:
            db.execute("DELETE FROM mutation WHERE key = ? AND state = ?", (key, State.REFUSED.value))

    def first(self) -> Mutation | None:
        """What is to be sent next."""
        return next(iter(self._in_states(State.QUEUED)), None)

    def sent(self) -> set[int]:
        """The numbers of what the server has. A feed that is read from now on tells of all of it."""
        return {mutation.number for mutation in self._in_states(State.SENT)}

    def may_send(self, mutation: Mutation) -> bool:
        """Whether the server surely still knows the key, should the edit have reached it before. Call it first."""
        if mutation.first_sent_at is not None:
            return self._now() - mutation.first_sent_at < KEY_LASTS
        with self._store.transaction() as db:
            db.execute("UPDATE mutation SET first_sent_at = ? WHERE number = ?", (self._now(), mutation.number))
        return True

    def take_answer(self, mutation: Mutation, payload: Json) -> None:
        """The server has done it: wait for the feed to get there."""
        places = read_places(payload["places"])
        is_told = reached(self._store.progress.places, places)
        with self._store.transaction() as db:
            _pass_version_on(db, mutation, payload)
            if is_told:
                db.execute("DELETE FROM mutation WHERE number = ?", (mutation.number,))
            else:
                db.execute(
                    "UPDATE mutation SET state = ?, places = ? WHERE number = ?",
                    (State.SENT.value, json.dumps(places), mutation.number),
                )

    def refuse(self, mutation: Mutation, problem: Json) -> Mutation:
        """The server won't do it: stop showing it, and keep it for the app."""
        with self._store.transaction() as db:
            db.execute(
                "UPDATE mutation SET state = ?, problem = ? WHERE number = ?",
                (State.REFUSED.value, json.dumps(problem), mutation.number),
            )
        return next(each for each in self.refused() if each.number == mutation.number)

    def count_failure(self, mutation: Mutation) -> int:
        """The server stumbled on it; returns how often it has."""
        with self._store.transaction() as db:
            db.execute("UPDATE mutation SET failures = failures + 1 WHERE number = ?", (mutation.number,))
        return mutation.failures + 1

    def settle(self, told: Collection[int] = ()) -> None:
        """Drop what the feed has told of: what lies before where it was read to, and what is known to be `told`."""
        places = self._store.progress.places
        done = [
            mutation.number
            for mutation in self._in_states(State.SENT)
            if mutation.number in told or reached(places, mutation.places or {})
        ]
        if done:
            with self._store.transaction() as db:
                db.executemany("DELETE FROM mutation WHERE number = ?", [(number,) for number in done])

    def shown(self, rows: Iterable[Row], entity_type: str) -> list[Row]:
        """Rows of a kind as the person expects them: with their edits that the feed has not told of yet."""
        known = {row.id: row for row in rows}
        for mutation in self.waiting():
            for edit in mutation.edits:
                if edit.entity_type == entity_type:
                    _lay_over(known, edit)
        return list(known.values())

    def _in_states(self, *states: State) -> list[Mutation]:
        return [each for each in map(_mutation, self._store.db.execute(_ALL)) if each.state in states]


def _lay_over(known: dict[str, Row], edit: Edit) -> None:
    row = known.get(edit.id)
    if row is not None:
        known[edit.id] = replace(row, node={**row.node, **edit.patch})
    elif edit.is_new:
        known[edit.id] = Row(edit.entity_type, edit.id, 0, None, edit.patch)


def _pass_version_on(db: Connection, mutation: Mutation, payload: Json) -> None:
    """Let later edits of the same row, made on top of this one, expect the version that this one made.

    Only if nobody else changed the row in between: then the person has seen what they edit. None of those
    edits was sent before, so that their keys don't stand for another request yet.
    """
    expected = mutation.variables.get("expectedVersion")
    if expected is None or not mutation.edits:
        return
    row = (mutation.edits[0].entity_type, mutation.edits[0].id)
    if not any(_is(thing, row[1], expected + 1) for thing in payload.values()):
        return
    for later in map(_mutation, db.execute(_ALL).fetchall()):
        is_behind = later.number > mutation.number and later.state is State.QUEUED and later.first_sent_at is None
        is_on_top = later.edits and (later.edits[0].entity_type, later.edits[0].id) == row
        if is_behind and is_on_top and later.variables.get("expectedVersion") == expected:
            variables = {**later.variables, "expectedVersion": expected + 1}
            db.execute("UPDATE mutation SET variables = ? WHERE number = ?", (json.dumps(variables), later.number))


def _is(thing: Any, id: str, version: int) -> bool:
    return isinstance(thing, dict) and thing.get("id") == id and thing.get("version") == version


def _mutation(found: Sequence[Any]) -> Mutation:
    number, key, document, variables, edits, state, first_sent_at, failures, places, problem = found
    return Mutation(
        number=number,
        key=key,
        document=document,
        variables=json.loads(variables),
        edits=tuple(Edit(*edit) for edit in json.loads(edits)),
        state=State(state),
        first_sent_at=first_sent_at,
        failures=failures,
        places=None if places is None else json.loads(places),
        problem=None if problem is None else json.loads(problem),
    )
