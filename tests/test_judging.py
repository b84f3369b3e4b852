"""The measurement of live sync can tell: it sees what is late, lost, doubled, or nobody's business."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.bench.live.judging import Write, judged


@dataclass
class Ear:
    """A socket that has heard something."""

    person: int
    heard: Mapping[str, list[tuple[int, float]]] = field(default_factory=dict)
    sent_back: int = 0


WRITES = [Write("a", 2, 10.0, [1, 2]), Write("a", 3, 10.5, [1, 2]), Write("b", 7, 11.0, None)]


def test_each_write_is_timed_for_each_socket_that_it_concerns() -> None:
    everything = {"a": [(2, 10.1), (3, 10.7)], "b": [(7, 11.4)]}

    found = judged(WRITES, [Ear(1, everything), Ear(1, everything), Ear(2, everything), Ear(3, {"b": [(7, 11.4)]})])

    assert sorted(round(each) for each in found.times) == [100] * 3 + [200] * 3 + [400] * 4
    assert (found.lost, found.doubled, found.foreign, found.deliveries) == (0, 0, 0, 10)


def test_a_later_version_stands_for_those_before_it() -> None:
    found = judged(WRITES, [Ear(1, {"a": [(3, 10.9)], "b": [(8, 11.2)]})])

    assert sorted(round(each) for each in found.times) == [200, 400, 900]
    assert (found.lost, found.deliveries) == (0, 2)


def test_what_was_never_heard_is_lost() -> None:
    assert judged(WRITES, [Ear(1, {"a": [(2, 10.1)]}), Ear(3)]).lost == 3


def test_what_was_heard_again_is_doubled() -> None:
    assert judged(WRITES, [Ear(1, {"a": [(2, 10.1), (3, 10.2), (3, 10.3), (2, 10.4)], "b": [(7, 11.1)]})]).doubled == 2


def test_what_was_heard_by_somebody_whom_it_doesnt_concern_is_foreign() -> None:
    assert judged(WRITES, [Ear(3, {"a": [(2, 10.1)], "b": [(7, 11.1)]})]).foreign == 1


def test_who_was_sent_back_to_the_start_is_counted() -> None:
    assert judged([], [Ear(1, sent_back=2), Ear(2)]).sent_back == 2
