"""Whom guides turn to on a day, out of all who might be: rules take turns, and so do customers. No I/O.

Between rules: each has as many turns in a cycle as it has weight, spread evenly over it, and each day begins
one turn further on. In as many days as there are turns in a cycle, each turn comes first once: no rule starves,
however small a guide's quota is. A rule that has nobody passes its turn on.

Within a rule: whoever is worth most comes first, but whoever was turned to within the last lap comes behind
all others, the longest ago first. A lap is as long as it takes to come round everybody who might be chosen, at
the rule's share of the guide's day: so everybody who keeps matching is turned to once before anybody is twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from uuid import UUID

from tasks.models.plans import Verdict
from tasks.models.subjects import Judged, Match, Subject

KEPT = 20
"""How many of those who are next in line are remembered, for each guide and day."""


class Rule(Protocol):
    """As much of a rule as choosing takes; `tasks.models.RevisitRule` says what each means."""

    @property
    def id(self) -> UUID: ...
    @property
    def priority(self) -> int: ...
    @property
    def weight(self) -> int: ...


class Setting(Protocol):
    """As much of how a store plans as choosing takes; `tasks.models.PlanSetting` says what each means."""

    @property
    def quota(self) -> int: ...
    @property
    def cool_down_days(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """A customer who is chosen, or `over_quota` and next in line. `place` is theirs in the holder's list, from 1 on."""

    subject: Subject
    match: Match
    verdict: Verdict
    place: int


_Queues = dict[UUID, list[tuple[Subject, Match]]]


def choose(
    judged: Iterable[Judged], rules: Sequence[Rule], setting: Setting, already: Mapping[UUID, int], day: date
) -> list[Choice]:
    """The choices of a day, account by account, each list in its order.

    `already` says how many customers machines gave each account for that day before: they count for the quota.
    The order in which anything is given makes no difference.
    """
    by_id = {rule.id: rule for rule in rules}
    turns = _turns(rules, day)
    by_account: dict[UUID, _Queues] = defaultdict(lambda: defaultdict(list))
    for each in judged:
        if each.verdict is None and each.matches:
            match = _best(each.matches, by_id)
            by_account[each.subject.account_id][match.rule_id].append((each.subject, match))
    choices: list[Choice] = []
    for account_id in sorted(by_account):
        queues = by_account[account_id]
        _order(queues, by_id, setting, day)
        left = max(setting.quota - already.get(account_id, 0), 0)
        for place, (subject, match) in enumerate(_in_turn(queues, turns, left + KEPT), 1):
            choices.append(Choice(subject, match, Verdict.CHOSEN if place <= left else Verdict.OVER_QUOTA, place))
    return choices


def _best(matches: Sequence[Match], by_id: Mapping[UUID, Rule]) -> Match:
    """The match under which a customer is in line: of the rule with the highest priority."""
    if len(matches) == 1:
        return matches[0]
    return min(matches, key=lambda match: (-by_id[match.rule_id].priority, -match.worth, match.rule_id))


def _turns(rules: Sequence[Rule], day: date) -> list[UUID]:
    """Whose turn it is, one cycle long, from the turn on that comes first on that day."""
    cycle = [
        rule_id
        for _, _, rule_id in sorted(
            (turn / rule.weight, -rule.priority, rule.id) for rule in rules for turn in range(1, rule.weight + 1)
        )
    ]
    if not cycle:
        return []
    # One turn more at the end of each cycle: a rule that has somebody once a week only meets another turn each week.
    rounds, turn = divmod(day.toordinal(), len(cycle))
    begins = (turn + rounds) % len(cycle)
    return cycle[begins:] + cycle[:begins]


def _order(queues: _Queues, by_id: Mapping[UUID, Rule], setting: Setting, day: date) -> None:
    all_weights = sum(by_id[rule_id].weight for rule_id in queues)
    for rule_id, queue in queues.items():
        share = max(setting.quota, 1) * by_id[rule_id].weight
        # Who cools down is not among the candidates; they were turned to in the days that are added.
        lap = setting.cool_down_days + -(-len(queue) * all_weights // share) + all_weights
        lap_began = day.toordinal() - lap

        def place(candidate: tuple[Subject, Match], lap_began: int = lap_began) -> tuple[int, int, UUID]:
            subject, match = candidate
            turned_to = subject.turned_to.toordinal() if subject.turned_to is not None else 0
            return (turned_to if turned_to > lap_began else 0, -match.worth, subject.customer_id)

        queue.sort(key=place)


def _in_turn(queues: _Queues, turns: Sequence[UUID], most: int) -> Iterator[tuple[Subject, Match]]:
    waiting = {rule_id: iter(queue) for rule_id, queue in queues.items()}
    taken = 0
    while waiting:
        for rule_id in [turn for turn in turns if turn in waiting]:
            if taken == most:
                return
            candidate = next(waiting[rule_id], None) if rule_id in waiting else None
            if candidate is None:
                waiting.pop(rule_id, None)
                continue
            taken += 1
            yield candidate
