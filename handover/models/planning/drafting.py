"""Make a plan: who takes over whom, why, and what that comes to."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import numpy as np

from handover.models.handovers import Strategy
from handover.models.items import ItemReason
from handover.models.planning import explaining, filling
from handover.models.planning.facts import Facts
from handover.models.planning.placed import Placed
from handover.models.planning.placing import place
from handover.models.planning.problem import WHOLE, Ints, Placement, Problem
from handover.models.planning.scoring import Scores, score


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan that isn't kept yet: `totals` is what `Handover.plan` says of it."""

    placed: Sequence[Placed]
    totals: dict[str, Any]


@dataclass(slots=True)
class _Making:
    """A plan as far as it is made; one entry for each row."""

    facts: Facts
    to: list[UUID | None]
    reasons: list[ItemReason | None]
    because: list[dict[str, Any]]
    scores: list[int]
    placements: list[Placement] = field(default_factory=list)


def draft(facts: Facts) -> Draft:
    """The plan of a handover. The same facts give the same plan."""
    count = len(facts.rows)
    making = _Making(facts, [None] * count, [None] * count, [{} for _ in range(count)], [0] * count)
    scores = score(facts)
    for rows, seats in _groups(facts):
        _plan_group(making, rows, seats, scores)
    for at, row in enumerate(facts.rows):
        if row.known_to is not None:
            making.to[at], making.reasons[at] = row.known_to, ItemReason(facts.strategy.value)
            making.because[at] = {"is_known": True}
    placed = [
        Placed(
            row.relationship_id,
            row.from_account_id,
            making.to[at],
            making.reasons[at],
            making.because[at],
            making.scores[at],
            row.known_to is not None,
        )
        for at, row in enumerate(facts.rows)
    ]
    return Draft(placed, _totals(facts, placed, making.placements))


def _groups(facts: Facts) -> Iterator[tuple[Ints, Ints]]:
    """Which rows may go to which seats: those of one store to that store's, or all to all where a store closes."""
    wanted = set(facts.options.to_account_ids)
    rows: dict[UUID | None, list[int]] = defaultdict(list)
    seats: dict[UUID | None, list[int]] = defaultdict(list)
    for at, row in enumerate(facts.rows):
        if row.known_to is None:
            rows[None if facts.is_closing else row.store_id].append(at)
    for at, each in enumerate(facts.seats):
        if not wanted or each.account_id in wanted:
            seats[None if facts.is_closing else each.store_id].append(at)
    for key, members in rows.items():
        yield np.array(members, np.int64), np.array(seats[key], np.int64)


def _plan_group(making: _Making, rows: Ints, seats: Ints, scores: Scores) -> None:
    facts = making.facts
    loads = np.array([facts.seats[at].load for at in seats], np.int64)
    rooms = np.array([facts.seats[at].room for at in seats], np.int64)
    match facts.strategy:
        case Strategy.BY_HAND:
            _by_hand(making, rows)
        case Strategy.TO_STORE:
            _send_home(making, rows, ItemReason.TO_STORE)
        case Strategy.TO_ONE:
            chosen = _first_wanted(facts, seats)
            room = int(rooms[chosen]) if len(seats) else 0
            _note(making, rows, seats, filling.fill_one(chosen, room, len(rows)), ItemReason.TO_ONE)
        case Strategy.BALANCED:
            shares = filling.even_shares(loads, rooms, len(rows))
            tasks = np.array([facts.rows[at].open_tasks for at in rows], np.int64)
            _note(making, rows, seats, filling.deal(loads, shares, tasks), ItemReason.BALANCED)
        case Strategy.AFFINITY:
            _by_affinity(making, rows, seats, scores, loads, rooms)


def _by_affinity(making: _Making, rows: Ints, seats: Ints, scores: Scores, loads: Ints, rooms: Ints) -> None:
    facts = making.facts
    total = scores.total[np.ix_(rows, seats)]
    found = place(Problem(WHOLE - total, loads.tolist(), rooms.tolist(), facts.options.balance))
    making.placements.append(found)
    _note(making, rows, seats, found.seats, ItemReason.AFFINITY)
    if not len(seats):
        return
    chosen = np.where(found.seats >= 0, seats[np.maximum(found.seats, 0)], -1)
    counted = np.where(found.seats >= 0, total[np.arange(len(rows)), np.maximum(found.seats, 0)], 0).tolist()
    for at, because, points in zip(
        rows.tolist(), explaining.of_affinity(facts, scores, rows, seats, chosen), counted, strict=True
    ):
        making.because[at] |= because
        making.scores[at] = points


def _by_hand(making: _Making, rows: Ints) -> None:
    """As the list says, as long as there is room; whoever it doesn't name waits for a person to say."""
    facts = making.facts
    seats = {each.account_id: each for each in facts.seats}
    given: Counter[UUID] = Counter()
    for at in rows.tolist():
        row = facts.rows[at]
        wanted = facts.options.pairs.get(row.relationship_id)
        if wanted is None:
            continue
        seat = seats.get(wanted)
        if wanted == facts.homes.get(row.store_id):
            making.to[at], making.reasons[at] = wanted, ItemReason.BY_HAND
        elif seat is not None and (facts.is_closing or seat.store_id == row.store_id):
            if given[wanted] < seat.room:
                given[wanted] += 1
                making.to[at], making.reasons[at] = wanted, ItemReason.BY_HAND
            else:
                _send_home(making, np.array([at]), ItemReason.OVERFLOW)


def _first_wanted(facts: Facts, seats: Ints) -> int:
    """The place, among the seats, of the one that comes first in what was asked for."""
    places = {facts.seats[at].account_id: place for place, at in enumerate(seats.tolist())}
    return next((places[each] for each in facts.options.to_account_ids if each in places), 0)


def _note(making: _Making, rows: Ints, seats: Ints, chosen: Ints, reason: ItemReason) -> None:
    """Write down who goes where; whoever has no seat goes to the store."""
    for at, seat in zip(rows.tolist(), chosen.tolist(), strict=True):
        if seat >= 0:
            taker = making.facts.seats[seats[seat]]
            making.to[at], making.reasons[at] = taker.account_id, reason
            making.because[at] = {"load": taker.load}
    _send_home(making, rows[chosen < 0], ItemReason.OVERFLOW)


def _send_home(making: _Making, rows: Ints, reason: ItemReason) -> None:
    for at in rows.tolist():
        making.to[at], making.reasons[at] = making.facts.homes[making.facts.rows[at].store_id], reason


def _totals(facts: Facts, placed: Sequence[Placed], placements: Sequence[Placement]) -> dict[str, Any]:
    given = Counter(each.to_account_id for each in placed if not each.is_merged)
    cost, bound = sum(each.cost for each in placements), sum(each.bound for each in placements)
    is_affinity = facts.strategy is Strategy.AFFINITY
    is_exact = all(each.is_exact for each in placements)
    return {
        "relationships": len(placed),
        "overflow": sum(each.reason is ItemReason.OVERFLOW for each in placed),
        "merged": sum(each.is_merged for each in placed),
        "unplaced": sum(each.to_account_id is None for each in placed),
        "edited": 0,
        "objective": round(cost / WHOLE, 3) if is_affinity else None,
        "bound": round(bound / WHOLE, 3) if is_affinity else None,
        "gap": (0.0 if is_exact or cost <= 0 else max(0.0, (cost - bound) / cost)) if is_affinity else None,
        "is_exact": is_exact if is_affinity else None,
        "accounts": [
            {
                "account_id": str(seat.account_id),
                "held": seat.held,
                "open_tasks": seat.open_tasks,
                "capacity": seat.capacity,
                "given": given[seat.account_id],
            }
            for seat in facts.seats
        ]
        + [
            {
                "account_id": str(home),
                "held": facts.homes_held.get(home, 0),
                "open_tasks": 0,
                "capacity": None,
                "given": given[home],
            }
            for home in sorted(set(facts.homes.values()))
        ],
    }
