"""An order with all that its commission is worked out of, as it was read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row

from mall.models import COUNTED_STATES, OrderState
from mall.models.commissioning import GivenBack, Goods, Part, Party, Rate, Sale, Sum, Targets, targets
from mall.models.periods import Course


class Place(NamedTuple):
    """Where something was posted: for which refund, if any, in which store, to whose account."""

    refund_id: UUID | None
    store_id: UUID
    part: Part


class Plan(NamedTuple):
    """The plan of the day on which an order was paid."""

    id: UUID
    rates: Sequence[Rate]


@dataclass(slots=True)
class Case:
    """An order with all that its commission is worked out of, and what was posted for it so far.

    `wares` are the categories by which it earns: by the SKU's code, or else the product's. `categories` are those that
    are kept already. `borne` is what of `posted` the stores bear.
    """

    id: UUID
    source: str
    number: str
    store_id: UUID
    state: OrderState
    amount: int
    day: date
    time_zone: str
    plan: Plan | None
    categories: Mapping[str, str | None] | None
    posted: dict[Place, Sum] = field(default_factory=dict)
    borne: dict[Place, Sum] = field(default_factory=dict)
    posted_by: UUID | None = None
    goods: list[Goods] = field(default_factory=list)
    wares: dict[str, str | None] = field(default_factory=dict)
    discount: int = 0
    refunds: list[GivenBack] = field(default_factory=list)
    refund_days: dict[UUID, date] = field(default_factory=dict)
    parties: list[Party] = field(default_factory=list)

    def sale(self) -> Sale:
        return Sale(self.goods, self.discount, self.amount)

    def target(self, rates: Sequence[Rate] | None = None) -> Targets:
        """What the order should have brought everybody, by its plan or by these rates; nothing if it doesn't count."""
        by = rates if rates is not None else self.plan.rates if self.plan else ()
        if not by or self.state not in COUNTED_STATES:
            return {}
        return targets(self.sale(), self.refunds, by, self.parties)

    def wanted(self) -> dict[Place, Sum]:
        """The same with the store."""
        return {Place(refund_id, self.store_id, part): each for (refund_id, part), each in self.target().items()}


@dataclass(frozen=True, slots=True)
class Found:
    """Orders, how the brand's periods lie, and up to which day they are closed."""

    cases: dict[UUID, Case]
    course: Course
    closed_until: date | None


def case_of(row: Row[*tuple[Any, ...]], plan: Plan | None, categories: Mapping[str, str | None] | None) -> Case:
    """An order of which only the row is known so far."""
    return Case(
        row.id, row.source, row.number, row.store_id, row.state, row.amount, row.day, row.time_zone, plan, categories
    )
