"""Work out commission: pure functions of an order, what was given back of it, a plan's rates and who earned it.

Amounts are in minor units. A sum is rounded once for each line and role, a half away from zero, and then shared out by
the largest remainder: what people get and what the store keeps always adds up to it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeVar
from uuid import UUID

from mall.models.parts import shared_out

Key = TypeVar("Key")

WHOLE_RATE = 10_000
HIGHEST_RATE = 5_000


class CommissionRole(StrEnum):
    """As what somebody earns: who has the credit of an order, or whoever managed its store when it was paid."""

    GUIDE = "guide"
    STORE_MANAGER = "store_manager"


class Rate(NamedTuple):
    """What a role earns of a category, in ten-thousandths; no category is for all that have none of their own."""

    role: CommissionRole
    category: str | None
    rate: int


class Party(NamedTuple):
    """Who earns what part in a role; without a person, the store keeps it."""

    role: CommissionRole
    staff_id: UUID | None
    points: int


@dataclass(frozen=True, slots=True)
class Goods:
    """One line of goods: its product code, the category when it was sold, and its amount before discounts."""

    code: str
    category: str | None
    amount: int


@dataclass(frozen=True, slots=True)
class Sale:
    """An order that counts: its goods, the discounts above zero, and what was paid."""

    goods: Sequence[Goods]
    discount: int
    amount: int


@dataclass(frozen=True, slots=True)
class GivenBack:
    """A refund that counts. `goods` are codes and amounts before its own discount; none if nobody said what it is for.

    `has_lines` with no goods is of postage and the like alone.
    """

    id: UUID
    amount: int
    goods: Sequence[tuple[str, int]] = ()
    discount: int = 0
    has_lines: bool = False


class Part(NamedTuple):
    """Who earned as what, of which category, at which rate."""

    staff_id: UUID
    role: CommissionRole
    category: str | None
    rate: int


class Sum(NamedTuple):
    """What was worked out of how much."""

    basis: int
    amount: int


Sums = Mapping[Part, Sum]
Targets = dict[tuple[UUID | None, Part], Sum]
"""What should be posted: by the payment (no refund), and by each refund."""


def targets(sale: Sale, refunds: Sequence[GivenBack], rates: Iterable[Rate], parties: Sequence[Party]) -> Targets:
    """What an order is worth to everybody, and what each refund takes of it; once all is given back, exactly nothing.

    Refunds are taken in the order given: each takes the difference between what is left before and after it.
    """
    table = {(rate.role, rate.category): rate.rate for rate in rates}
    goods = sorted(sale.goods, key=lambda line: (line.code, line.category or "", line.amount))
    left = bases([line.amount for line in goods], sale.discount)
    before = worth(goods, left, table, parties)
    found: Targets = {(None, part): each for part, each in before.items()}
    given_back = 0
    for refund in refunds:
        given_back += refund.amount
        left = [0] * len(left) if given_back >= sale.amount else _less(goods, left, refund)
        after = worth(goods, left, table, parties)
        # Of a smaller whole the largest remainder may be somebody else's, who had nothing before.
        for part in {**before, **after}:
            each, kept = before.get(part, Sum(0, 0)), after.get(part, Sum(0, 0))
            if kept != each:
                found[refund.id, part] = Sum(kept.basis - each.basis, kept.amount - each.amount)
        before = after
    return found


def bases(amounts: Sequence[int], discount: int) -> list[int]:
    """What is left of each line's amount when a discount is shared out over them; never below zero."""
    return _taken(amounts, discount)


def worth(
    goods: Sequence[Goods],
    left: Sequence[int],
    table: Mapping[tuple[CommissionRole, str | None], int],
    parties: Sequence[Party],
) -> dict[Part, Sum]:
    """What everybody earns of what is left of the goods."""
    found: dict[Part, Sum] = defaultdict(lambda: Sum(0, 0))
    for role in CommissionRole:
        sharers = [party for party in parties if party.role is role]
        points = [party.points for party in sharers]
        if not sum(points):
            continue
        for line, basis in zip(goods, left, strict=True):
            rate = table.get((role, line.category), table.get((role, None), 0))
            if not rate or not basis:
                continue
            amounts, parts = shared_out(rounded(basis, rate), points), shared_out(basis, points)
            for sharer, part, amount in zip(sharers, parts, amounts, strict=True):
                if sharer.staff_id is not None and (part or amount):
                    key = Part(sharer.staff_id, role, line.category, rate)
                    found[key] = Sum(found[key].basis + part, found[key].amount + amount)
    return dict(found)


def rounded(basis: int, rate: int) -> int:
    """A rate in ten-thousandths of an amount from 0, a half rounded away from zero."""
    return (2 * basis * rate + WHOLE_RATE) // (2 * WHOLE_RATE)


def due(target: Mapping[Key, Sum], posted: Mapping[Key, Sum]) -> dict[Key, Sum]:
    """What is still to be posted: the target less what was posted already. Nothing, once it has been."""
    nothing = Sum(0, 0)
    found: dict[Key, Sum] = {}
    for key in [*target, *(key for key in posted if key not in target)]:
        wanted, there = target.get(key, nothing), posted.get(key, nothing)
        if wanted != there:
            found[key] = Sum(wanted.basis - there.basis, wanted.amount - there.amount)
    return found


def borne_apart(missing: Sum, borne: Sum, *, is_paid_up: bool) -> tuple[Sum, Sum]:
    """What somebody gets or loses of what is still to be posted, and what the store does.

    What is taken back from somebody who was paid for the last time is the store's loss; what is given again goes to the
    store first, as far as it bore a loss (`borne`, zero or below).
    """
    nothing = Sum(0, 0)
    if missing.amount < 0 or (missing.amount == 0 and missing.basis < 0):
        return (nothing, missing) if is_paid_up else (missing, nothing)
    if borne == nothing:
        return missing, nothing
    if missing.amount <= -borne.amount:
        return nothing, missing
    return Sum(missing.basis + borne.basis, missing.amount + borne.amount), Sum(-borne.basis, -borne.amount)


def _less(goods: Sequence[Goods], left: Sequence[int], refund: GivenBack) -> list[int]:
    """What is left behind a refund: of the goods that it names; what these don't cover, of all alike."""
    if not refund.has_lines:
        return _taken(left, refund.amount)
    remaining, more = list(left), 0
    places_of: dict[str, list[int]] = defaultdict(list)
    for place, line in enumerate(goods):
        places_of[line.code].append(place)
    named = sorted(refund.goods)
    for (code, _), amount in zip(named, bases([each for _, each in named], refund.discount), strict=True):
        places = places_of.get(code, [])
        of_code = [remaining[place] for place in places]
        more += max(amount - sum(of_code), 0)
        for place, kept in zip(places, _taken(of_code, amount), strict=True):
            remaining[place] = kept
    return _taken(remaining, more)


def _taken(amounts: Sequence[int], taken: int) -> list[int]:
    """Amounts less what is taken of them, shared out in proportion; nothing goes below zero."""
    whole = sum(amounts)
    if not taken or not whole:
        return list(amounts)
    parts = shared_out(min(taken, whole), amounts)
    return [amount - part for amount, part in zip(amounts, parts, strict=True)]
