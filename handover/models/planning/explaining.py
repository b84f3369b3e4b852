"""Say of each relationship why it goes where it goes: what spoke for the account, in numbers, and who came next."""

from typing import Any

import numpy as np

from handover.models.planning.facts import Facts
from handover.models.planning.problem import Ints
from handover.models.planning.scoring import Scores


def of_affinity(facts: Facts, scores: Scores, rows: Ints, among: Ints, seats: Ints) -> list[dict[str, Any]]:
    """One explanation for each of the rows, which went to these seats (-1: nobody had room) among those in question.

    Who came next is who has the most affinity of the others. What is nought is left out.
    """
    each = np.arange(len(rows))
    total = scores.total[np.ix_(rows, among)]
    others = np.where(among[None, :] == seats[:, None], -1, total)
    following = others.argmax(axis=1)
    place = np.maximum(seats, 0)
    told = {
        name: np.where(seats >= 0, counts[rows, place], 0).tolist()
        for name, counts in (
            ("orders", scores.orders),
            ("visits", scores.visits),
            ("tasks", scores.tasks),
            ("tag_overlap", scores.overlap),
            ("language_overlap", scores.language),
        )
    }
    shared = _shared_tags(facts, rows, place, seats >= 0)
    next_scores, next_seats = others[each, following].tolist(), among[following].tolist()
    because = []
    for at in range(len(rows)):
        found: dict[str, Any] = {name: counts[at] for name, counts in told.items() if counts[at]}
        if shared[at]:
            found["shared_tags"] = shared[at]
        if next_scores[at] >= 0:
            found["next_id"] = str(facts.seats[next_seats[at]].account_id)
            found["next_score"] = next_scores[at]
        because.append(found)
    return because


def _shared_tags(facts: Facts, rows: Ints, place: Ints, is_placed: Any) -> list[int]:
    """How many of a customer's tags somebody among the seat's own customers carries, too."""
    likeness = facts.likeness
    if not len(likeness.tags):
        return [0] * len(rows)
    seat_of = np.full(len(facts.rows), -1, np.int64)
    seat_of[rows] = np.where(is_placed, place, -1)
    there = seat_of[likeness.rows]
    is_shared = (there >= 0) & (likeness.shares[likeness.tags, np.maximum(there, 0)] > 0)
    counts = np.bincount(likeness.rows[is_shared], minlength=len(facts.rows))
    shared: list[int] = counts[rows].tolist()
    return shared
