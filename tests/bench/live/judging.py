"""Compare what was written with what was heard: how late, how much of it never, how much of it twice."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Write:
    """One thing's new version: when its commit was sent off, and whom it concerns (`None`: everybody)."""

    id: str
    version: int
    at: float
    people: list[int] | None


class Listener(Protocol):
    """A socket, as far as it is judged: whose it is, and what it heard of each thing, in order."""

    @property
    def person(self) -> int: ...
    @property
    def heard(self) -> Mapping[str, list[tuple[int, float]]]: ...
    @property
    def sent_back(self) -> int: ...


@dataclass
class Judgement:
    """What came of some writes. Times in milliseconds from the commit to the client."""

    times: list[float] = field(default_factory=list)
    lost: int = 0
    doubled: int = 0
    foreign: int = 0
    sent_back: int = 0
    deliveries: int = 0

    def as_dict(self) -> dict[str, Any]:
        times = sorted(self.times)
        return {
            "p50": median(times) if times else 0.0,
            "p99": times[int(len(times) * 0.99)] if times else 0.0,
            "worst": times[-1] if times else 0.0,
            "lost": self.lost,
            "doubled": self.doubled,
            "foreign": self.foreign,
            "sent_back": self.sent_back,
            "deliveries": self.deliveries,
        }


def judged(writes: Sequence[Write], listeners: Sequence[Listener]) -> Judgement:
    """Hold every listener to every write that concerns them. A later version stands for those before it."""
    by_person: dict[int, list[Listener]] = defaultdict(list)
    for listener in listeners:
        by_person[listener.person].append(listener)
    found = Judgement()
    concerned: dict[str, set[int]] = defaultdict(set)
    for write in writes:
        people = write.people if write.people is not None else list(by_person)
        concerned[write.id].update(people)
        for person in people:
            for listener in by_person.get(person, ()):
                _hold(listener, write, found)
    for listener in listeners:
        _count(listener, concerned, found)
    return found


def _hold(listener: Listener, write: Write, found: Judgement) -> None:
    at = next((at for version, at in listener.heard.get(write.id, ()) if version >= write.version), None)
    if at is None:
        found.lost += 1
    else:
        found.times.append((at - write.at) * 1000)


def _count(listener: Listener, concerned: Mapping[str, set[int]], found: Judgement) -> None:
    found.sent_back += listener.sent_back
    for name, heard in listener.heard.items():
        versions = [version for version, _ in heard]
        found.deliveries += len(versions)
        # Versions only grow: one that comes again, or late, was told twice.
        found.doubled += sum(later <= earlier for earlier, later in pairwise(versions))
        if name in concerned and listener.person not in concerned[name]:
            found.foreign += len(versions)
