"""Is a history linearizable: can each contact's operations be put in one order that explains every answer?

For each contact what is still possible is carried along, as Wing and Gong (1993) do and Lowe (2017)
made quick: who holds it, which guides are out, and which of the operations under way have happened already. While a
handover of a guide is under way, what they hold may go to anybody at any moment; once it is done they hold nothing, and
get nothing, until they are let in again. What nobody knows the end of may happen at any time or never: of two
possibilities that differ in nothing else, the one that has used up less of it can do all that the other can.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from itertools import count
from typing import Any, NamedTuple

Line = dict[str, Any]
_WRITES = ("claim", "move")


class State(NamedTuple):
    """Who holds the contact (`None` before it was created), who is out, and which operations have happened.

    `used` are those that have happened and never ended.
    """

    holder: str | None
    out: frozenset[str]
    happened: frozenset[int]
    used: frozenset[int]


@dataclass(slots=True)
class Operation:
    """One operation as far as a contact is concerned. `owner` is what a read found; `is_open` without an end."""

    key: int
    op: str
    contact: str | None = None
    to: str | None = None
    former: str | None = None
    guide: str | None = None
    owner: str | None = None
    is_open: bool = False

    @property
    def what(self) -> tuple[str, str | None, str | None, str | None]:
        """Of the same contact's, those alike ask for the same."""
        return self.op, self.to, self.former, self.guide


@dataclass(slots=True)
class Story:
    """What happened, in order: operations that begin and end."""

    steps: list[tuple[str, Operation]] = field(default_factory=list)


def problems(lines: Iterable[Line], most: int = 20) -> list[str]:
    """What no order of events explains, at most so many; empty for a history that is linearizable."""
    began, ended, rows = _paired(list(lines))
    guides = sorted({line["to"] for line in began.values() if "to" in line})
    contacts = sorted({line["contact"] for line in began.values() if "contact" in line})
    found = _lost(began, ended, rows, contacts)
    for contact in contacts:
        if len(found) >= most:
            break
        found += _impossible(contact, _story(contact, began, ended, rows), guides)
    return found[:most]


def _paired(lines: Sequence[Line]) -> tuple[dict[int, Line], dict[int, tuple[int, Line]], dict[int, dict[str, str]]]:
    """Operations by the place of their beginning, their ends by the same, and what the snapshots among them showed."""
    began: dict[int, Line] = {}
    ended: dict[int, tuple[int, Line]] = {}
    rows: dict[int, dict[str, str]] = {}
    under_way: dict[int, int] = {}
    for place, line in enumerate(lines):
        if line["e"] == "invoke":
            began[place] = line
            under_way[line["p"]] = place
            continue
        key = under_way.pop(line["p"])
        ended[key] = (place, line)
        if "rows" in line:
            rows[key] = dict(line["rows"])
    return began, ended, rows


def _lost(
    began: dict[int, Line], ended: dict[int, tuple[int, Line]], rows: dict[int, dict[str, str]], contacts: Sequence[str]
) -> list[str]:
    """Contacts that were there before a snapshot began, and are not in it."""
    there: dict[str, int] = {}
    for key, (place, line) in ended.items():
        if line["e"] == "ok" and began[key]["op"] in _WRITES:
            contact = began[key]["contact"]
            there[contact] = min(place, there.get(contact, place))
    return [
        f"{contact} is missing from the snapshot at line {key + 1}"
        for key, shown in rows.items()
        for contact in contacts
        if there.get(contact, key) < key and contact not in shown
    ]


def _story(
    contact: str, began: dict[int, Line], ended: dict[int, tuple[int, Line]], rows: dict[int, dict[str, str]]
) -> Story:
    steps: list[tuple[int, str, Operation]] = []
    for key, line in began.items():
        place, end = ended.get(key, (None, {"e": "info"}))
        if end["e"] == "fail" or line.get("contact", contact) != contact:
            continue
        operation = _operation(key, contact, line, end, rows)
        if operation is None or (end["e"] == "info" and operation.op == "read"):
            continue
        operation.is_open = end["e"] == "info"
        steps.append((key, "begin", operation))
        if end["e"] == "ok" and place is not None:
            steps.append((place, "end", operation))
    steps.sort(key=lambda step: step[0])
    return Story([(what, operation) for _, what, operation in steps])


def _operation(key: int, contact: str, line: Line, end: Line, rows: dict[int, dict[str, str]]) -> Operation | None:
    match line["op"]:
        case "read":
            return Operation(key, "read", contact, owner=end.get("owner"))
        case "all":
            shown = rows.get(key, {})
            return Operation(key, "read", contact, owner=shown[contact]) if contact in shown else None
        case "handover" | "rejoin":
            return Operation(key, line["op"], guide=line["guide"])
        case _:
            return Operation(key, line["op"], contact, to=line["to"], former=line.get("from"))


def _impossible(contact: str, story: Story, guides: Sequence[str]) -> list[str]:
    """Each operation is put as late as it can be: when it ends, with whatever has to come before it."""
    states = {State(None, frozenset(), frozenset(), frozenset())}
    under_way: dict[int, Operation] = {}
    for what, operation in story.steps:
        if what == "begin":
            under_way[operation.key] = operation
            if operation.op == "rejoin":
                # To be let in forbids nothing: the earlier the better.
                states = {state._replace(out=state.out - {str(operation.guide)}) for state in states}
            states = {_read(state, under_way) for state in states}
            continue
        reached = _with(operation, states, under_way, guides)
        if not reached:
            held = sorted({str(state.holder) for state in states})
            return [f"{contact}: nothing explains {_said(operation)}; before it, held by {' or '.join(held)}"]
        del under_way[operation.key]
        states = {state._replace(happened=state.happened - {operation.key}) for state in reached}
    return []


def _with(
    operation: Operation, states: set[State], under_way: dict[int, Operation], guides: Sequence[str]
) -> set[State]:
    """The states in which it has happened: before, or last of all just now."""
    if operation.op == "rejoin":
        return states
    reached = {state for state in states if operation.key in state.happened}
    others = {key: each for key, each in under_way.items() if key != operation.key}
    # What a handover moves it moves before it is done.
    before = under_way if operation.op == "handover" else others
    for state in _closure(states - reached, before, guides):
        follower = _after(state, operation)
        if follower is not None:
            reached.add(_read(follower, others))
    return _best(reached)


def _closure(states: set[State], under_way: dict[int, Operation], guides: Sequence[str]) -> set[State]:
    """All states that can be reached by letting some of the operations under way happen now, but for worse ones."""
    reached: dict[Any, list[State]] = {}
    edge = [(len(state.used), place, state) for place, state in enumerate(states)]
    heapify(edge)
    numbers = count(len(edge))
    while edge:
        _, _, state = heappop(edge)
        # In the order of how much they have used: whoever is as good has come before.
        if not _is_kept(state, reached):
            continue
        for follower in _next(state, under_way, guides):
            heappush(edge, (len(follower.used), next(numbers), _read(follower, under_way)))
    return {state for alike in reached.values() for state in alike}


def _best(states: set[State]) -> set[State]:
    """Without those that have used up more than others which differ in nothing else."""
    kept: dict[Any, list[State]] = {}
    return {state for state in sorted(states, key=lambda each: len(each.used)) if _is_kept(state, kept)}


def _is_kept(state: State, kept: dict[Any, list[State]]) -> bool:
    """Keep it, unless one as good is kept already."""
    alike = kept.setdefault(state[:3], [])
    if any(other.used <= state.used for other in alike):
        return False
    alike.append(state)
    return True


def _read(state: State, under_way: dict[int, Operation]) -> State:
    """The same once all have read that would find who holds it now."""
    reads = {
        key for key, each in under_way.items() if each.op == "read" and not each.is_open and each.owner == state.holder
    }
    return state._replace(happened=state.happened | reads) if reads - state.happened else state


def _next(state: State, under_way: dict[int, Operation], guides: Sequence[str]) -> Iterable[State]:
    alike: set[tuple[str, str | None, str | None, str | None]] = set()
    for key, operation in under_way.items():
        if key in state.happened or key in state.used or operation.op in ("read", "rejoin"):
            continue
        if operation.is_open:
            # Of those that ask for the same, and never end, the first is as good as any.
            if operation.what in alike:
                continue
            alike.add(operation.what)
        if operation.op == "handover":
            if state.holder == operation.guide:
                # It may be moved to anybody who is in, or to the store's own account. To be out allows nothing: it
                # comes last.
                yield from (state._replace(holder=each) for each in (*guides, "store") if each not in state.out)
            continue
        follower = _after(state, operation)
        if follower is None:
            continue
        if operation.is_open:
            yield follower._replace(used=state.used | {key})
        else:
            yield follower._replace(happened=state.happened | {key})


def _after(state: State, operation: Operation) -> State | None:
    """The state once an operation has happened; none if it can't happen now."""
    match operation.op:
        case "read":
            return state if state.holder == operation.owner else None
        case "claim":
            return state._replace(holder=operation.to) if operation.to not in state.out else None
        case "move":
            can = state.holder == operation.former and operation.to not in state.out
            return state._replace(holder=operation.to) if can else None
        case "handover":
            return state._replace(out=state.out | {str(operation.guide)}) if state.holder != operation.guide else None
    raise ValueError(operation.op)


def _said(operation: Operation) -> str:
    told = {"to": operation.to, "from": operation.former, "guide": operation.guide, "owner": operation.owner}
    given = ", ".join(f"{name} {value}" for name, value in told.items() if value is not None)
    return f"the {operation.op} at line {operation.key + 1} ({given})"
