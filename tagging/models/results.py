"""What came of an audit: accuracy as a whole and of each part, agreement, and drift after a handover."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from tagging.models.audits import Verdict
from tagging.models.library import Choice
from tagging.models.statistics import (
    LEVEL,
    Accuracy,
    Agreement,
    Difference,
    Standing,
    Stratum,
    accuracy,
    certain_level,
    difference,
    kappa,
    ranks,
    standing,
)

MOST_LINES = 200
NONE_OF_THEM = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many drawn tags have all this in common; without a verdict they are still open, which counts as unknown."""

    stratum: int
    store_id: UUID
    setter_id: UUID | None
    tag_id: UUID
    group_id: UUID | None
    is_inherited: bool
    verdict: Verdict | None
    count: int


class Answer(NamedTuple):
    """What one said of a customer, and the other blind, about one group."""

    group_id: UUID
    choice: Choice
    tag_id: str
    carried: frozenset[str]
    said: frozenset[str]


@dataclass(frozen=True, slots=True)
class Line:
    """One part among others. `standing` and `rank` are judged at a level at which all lines hold together."""

    id: UUID | None
    accuracy: Accuracy
    standing: Standing
    rank: int | None
    agreement: Agreement | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Lists hold the 200 parts with the most drawn; `by_guide` has the tags that no person set under no id.

    `open` is how many still wait for an answer; until then they count as unknown.
    """

    overall: Accuracy
    open: int
    by_guide: Sequence[Line]
    by_store: Sequence[Line]
    by_group: Sequence[Line]
    by_tag: Sequence[Line]
    own: Accuracy
    inherited: Accuracy
    drift: Difference | None


def judge(strata: Sequence[Mapping[str, Any]], tallies: Sequence[Tally], answers: Mapping[Answer, int]) -> Result:
    """The figures of an audit from its strata, each `{size, drawn}`, and what was found."""
    overall = _accuracy(strata, tallies)
    own = _accuracy(strata, [tally for tally in tallies if not tally.is_inherited], is_part=True)
    inherited = _accuracy(strata, [tally for tally in tallies if tally.is_inherited], is_part=True)
    agreements = _agreements(answers)

    def lines(key: Callable[[Tally], UUID | None]) -> list[Line]:
        return _lines(strata, tallies, overall, key)

    return Result(
        overall=overall,
        open=sum(tally.count for tally in tallies if tally.verdict is None),
        by_guide=lines(lambda tally: tally.setter_id),
        by_store=lines(lambda tally: tally.store_id),
        by_group=[
            Line(line.id, line.accuracy, line.standing, line.rank, agreements.get(line.id))
            for line in lines(lambda tally: tally.group_id)
        ],
        by_tag=lines(lambda tally: tally.tag_id),
        own=own,
        inherited=inherited,
        drift=difference(inherited, own),
    )


def _accuracy(
    strata: Sequence[Mapping[str, Any]], tallies: Sequence[Tally], *, is_part: bool = False, level: float = LEVEL
) -> Accuracy:
    """Of the whole, or of a part that may cut across the strata.

    How much of a stratum belongs to a part is estimated by the share of those drawn from it (Cochran 1977, 5A.13).
    """
    found: dict[int, Counter[Verdict]] = defaultdict(Counter)
    for tally in tallies:
        found[tally.stratum][tally.verdict or Verdict.UNKNOWN] += tally.count
    parts = []
    for place, stratum in enumerate(strata):
        drawn = found[place].total()
        size = stratum["size"] * drawn / stratum["drawn"] if is_part and stratum["drawn"] else stratum["size"]
        if not is_part or drawn:
            parts.append(Stratum(size, drawn, found[place][Verdict.RIGHT], found[place][Verdict.WRONG]))
    return accuracy(parts, level=level)


def _lines(
    strata: Sequence[Mapping[str, Any]],
    tallies: Sequence[Tally],
    overall: Accuracy,
    key: Callable[[Tally], UUID | None],
) -> list[Line]:
    parts: dict[UUID | None, list[Tally]] = defaultdict(list)
    for tally in tallies:
        parts[key(tally)].append(tally)
    largest = sorted(parts, key=lambda each: (-sum(tally.count for tally in parts[each]), str(each)))[:MOST_LINES]
    shown = [_accuracy(strata, parts[each], is_part=True) for each in largest]
    sure = [_accuracy(strata, parts[each], is_part=True, level=certain_level(len(largest))) for each in largest]
    return [
        Line(each, found, standing(certain, overall), rank)
        for each, found, certain, rank in zip(largest, shown, sure, ranks(sure), strict=True)
    ]


def _agreements(answers: Mapping[Answer, int]) -> dict[UUID | None, Agreement | None]:
    """κ of each group. Single choice: the tag the one set, and the other's, or none of them.

    Multiple choice: for each tag of the group that either of the two ever named, yes or no.
    """
    options: dict[UUID, set[str]] = defaultdict(set)
    for answer in answers:
        options[answer.group_id] |= answer.carried | answer.said | {answer.tag_id}
    pairs: dict[UUID | None, Counter[tuple[str, str]]] = defaultdict(Counter)
    for answer, count in answers.items():
        if answer.choice is Choice.SINGLE:
            pairs[answer.group_id][answer.tag_id, min(answer.said, default=NONE_OF_THEM)] += count
            continue
        for option in options[answer.group_id]:
            carried = option in answer.carried or option == answer.tag_id
            pairs[answer.group_id][str(carried), str(option in answer.said)] += count
    return {group_id: kappa(found) for group_id, found in pairs.items()}
