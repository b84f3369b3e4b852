"""What a rule judges: everything known of one relationship on a day, and what it says of it. No I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from tasks.models.plans import Verdict
from tasks.models.tasks import TaskKind


# Not frozen: a plan makes millions of these, and a frozen one takes three times as long to make.
@dataclass(slots=True)
class Subject:
    """A relationship as of a store's day; what no rule asks for is left at its default.

    Days are the store's. Amounts are in the currency's minor unit. `turned_to` is the day on which somebody last
    turned to the customer, or a machine planned to: in any store, by whomever. `is_open` says that a task of
    turning to them is open, wherever.
    """

    customer_id: UUID
    relationship_id: UUID
    account_id: UUID
    is_primary: bool
    holder_works: bool
    do_not_contact: bool
    is_open: bool
    turned_to: date | None
    since: date
    """Since when the relationship is there."""
    held_since: date | None = None
    """Since when the holder holds it, if it came to them from somebody else."""
    first_day: date | None = None
    last_day: date | None = None
    purchase_days: int = 0
    net_12_months: int = 0
    median_gap_days: float | None = None
    rhythm: float = 0.0
    birthday: date | None = None
    tier: str | None = None
    tier_until: date | None = None
    delivered_on: date | None = None
    refunded_on: date | None = None
    stale_tags: Mapping[UUID, str] = field(default_factory=dict)
    """The brand's tags on the customer that are stale, with their names."""
    tag_ids: frozenset[UUID] = frozenset()
    """The tags that rules name, and the customer carries."""
    segment_ids: frozenset[UUID] = frozenset()
    """The segments that rules name, and the customer is in."""
    turned_by: Mapping[UUID, date] = field(default_factory=dict)
    """By rule the day on which it last made somebody turn to the customer, or planned to."""


@dataclass(frozen=True, slots=True)
class Day:
    """What all subjects of a plan have in common."""

    day: date
    currency: str
    patience_days: float | None
    """`a` of `mall.models.churn`; empty where nobody has bought twice."""
    arrivals: Mapping[str, tuple[tuple[date, str], ...]] = field(default_factory=dict)
    """By category the products that rules may ask after: the day each was listed, and its name, newest first."""
    tags: Mapping[UUID, str] = field(default_factory=dict)
    """The names of the tags that rules name."""


@dataclass(slots=True)
class Match:
    """A rule speaks for turning to the customer: how much (`worth`, higher first), and why in words.

    Few of many matches are chosen: what is not said yet is a function and what it takes.
    """

    rule_id: UUID
    kind: TaskKind
    worth: int
    said: str | tuple[Callable[..., str], tuple[Any, ...]]

    @property
    def reason(self) -> str:
        """Why, in at most 300 characters."""
        if isinstance(self.said, str):
            return self.said
        say, what = self.said
        return say(*what)


@dataclass(slots=True)
class Miss:
    """A rule doesn't: why not. The words are put together when somebody asks for them."""

    rule_id: UUID
    said: tuple[str, str]
    facts: tuple[Any, ...] = ()

    @property
    def en(self) -> str:
        return self.said[0].format(*self.facts)

    @property
    def zh(self) -> str:
        return self.said[1].format(*self.facts)


@dataclass(slots=True)
class Judged:
    """One customer's day: which rules match and which don't; `verdict` is empty where the customer may be chosen."""

    subject: Subject
    verdict: Verdict | None
    matches: tuple[Match, ...]
    misses: tuple[Miss, ...] = ()
