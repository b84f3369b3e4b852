"""What all triggers judge with: what a rule says, what worth is made of, and when an occasion is over."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol
from uuid import UUID

from tasks.models.rules import Trigger
from tasks.models.subjects import Day, Match, Miss, Subject

_MOST_VALUE = 10**12 - 1
_MOST_PRESSING = 9_000_000


class Rule(Protocol):
    """As much of a revisit rule as judging takes; `tasks.models.RevisitRule` says what each means."""

    @property
    def id(self) -> UUID: ...
    @property
    def trigger(self) -> Trigger: ...
    @property
    def days(self) -> int: ...
    @property
    def window_days(self) -> int: ...
    @property
    def category(self) -> str | None: ...
    @property
    def tag_ids(self) -> Sequence[str]: ...
    @property
    def segment_id(self) -> UUID | None: ...


Finding = Match | Miss


def value_of(subject: Subject) -> int:
    """What the customer spent in the last twelve months, as far as worth counts it: less than 10¹² minor units."""
    return min(max(subject.net_12_months, 0), _MOST_VALUE)


def pressing(days: int, subject: Subject) -> int:
    """A worth that puts more `days` first, and of equals whoever spent more."""
    return min(max(days, 0), _MOST_PRESSING) * (_MOST_VALUE + 1) + value_of(subject)


def in_window(rule: Rule, days: int) -> bool:
    """Whether so many days after the occasion are within the rule's window: of `window_days` from `days` on."""
    return rule.days <= days < rule.days + rule.window_days


def asked_since(rule: Rule, subject: Subject, day: Day, opened: int) -> Miss | None:
    """Once an occasion: a miss, if the rule made somebody turn to the customer since the window opened.

    `opened` is how many days ago that was.
    """
    turned = subject.turned_by.get(rule.id)
    if turned is None or (day.day - turned).days > opened:
        return None
    return Miss(rule.id, ASKED, (turned,))


def days_after(since: date, day: Day) -> int:
    """How many days after `since` the day is; less than none, if before."""
    return (day.day - since).days


ASKED = (
    "the rule had somebody turn to them on {0} already, once an occasion is enough",
    "这条规则在 {0} 已安排过联系，同一件事只联系一次",
)
