"""How close each takeover guide is to each customer, in thousandths.

What somebody did for a customer counts less each time: k times are k / (k + 1) of what it can count, so that the first
time is half of it. `docs/handover-plan.md` gives the weights with an example.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handover.models.planning.facts import Evidence, Facts, Likeness

Small = NDArray[np.int16]

ORDERS, VISITS, TASKS, TAGS, LANGUAGE = 450, 200, 150, 120, 80
"""What each counts at most; together 1,000."""

_AT_A_TIME = 5_000  # relationships
_MOST_TOLD = 1_000  # more is said as that: it makes no difference


@dataclass(frozen=True, slots=True)
class Scores:
    """Row × seat; `overlap` and `language` are the likeness of profiles that is in `total`, in thousandths."""

    total: Small
    orders: Small
    visits: Small
    tasks: Small
    overlap: Small
    language: Small


def score(facts: Facts) -> Scores:
    """The affinity of every seat to every row."""
    size = (len(facts.rows), len(facts.seats))
    orders, visits, tasks = (_counted(each, size) for each in (facts.orders, facts.visits, facts.tasks))
    overlap, language = (_likeness(facts.likeness, size, is_language) for is_language in (False, True))
    total = _saturated(ORDERS, orders) + _saturated(VISITS, visits) + _saturated(TASKS, tasks)
    total += _part(TAGS, overlap) + _part(LANGUAGE, language)
    return Scores(total, orders, visits, tasks, overlap, language)


def _counted(evidence: Evidence, size: tuple[int, int]) -> Small:
    counts = np.zeros(size, np.int16)
    counts[evidence.rows, evidence.seats] = np.minimum(evidence.counts, _MOST_TOLD)
    return counts


def _saturated(most: int, counts: Small) -> Small:
    wide = counts.astype(np.int32)
    return (most * wide // (wide + 1)).astype(np.int16)


def _part(most: int, thousandths: Small) -> Small:
    return (most * thousandths.astype(np.int32) // 1_000).astype(np.int16)


def _likeness(likeness: Likeness, size: tuple[int, int], is_language: bool) -> Small:
    """The mean, over a customer's tags of that kind, of the share of the seat's customers who carry the same."""
    found = np.zeros(size, np.int16)
    wanted = likeness.is_language[likeness.tags] == is_language if len(likeness.tags) else np.zeros(0, np.bool_)
    rows, tags = likeness.rows[wanted], likeness.tags[wanted]
    order = np.argsort(rows, kind="stable")
    rows, tags = rows[order], tags[order]
    for start in range(0, size[0], _AT_A_TIME):
        first, last = np.searchsorted(rows, (start, start + _AT_A_TIME))
        if first == last:
            continue
        those, begins, lengths = np.unique(rows[first:last], return_index=True, return_counts=True)
        sums = np.add.reduceat(likeness.shares[tags[first:last]], begins, axis=0)
        found[those] = sums // lengths[:, None]
    return found
