"""Count what customers did: each distinct measure that rules ask for once, however many rules there are."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from tagging.models.behaviour import OF_THE_LINE, window
from tagging.models.expressions import Compare, Node, comparisons, pattern
from tagging.models.expressions.tree import Value

MOST_TEXTS = 1 << 16
"""How many goods are remembered with what they meet."""

_TEXTS = ("name", "code", "variant", "category")
_OF_LINES = ("share", "line_share", "spend", "quantity")
_SHARES = ("share", "line_share", "order_share")


class Source(StrEnum):
    """What is counted."""

    ORDERS = "orders"
    VISITS = "visits"
    REFUNDS = "refunds"


_SOURCE_OF = {
    "visits": Source.VISITS,
    "days_since_visit": Source.VISITS,
    "refunds": Source.REFUNDS,
    "refunded": Source.REFUNDS,
}


@dataclass(frozen=True, slots=True)
class Basis:
    """Which of a customer's orders (and lines), visits or refunds are meant."""

    source: Source
    arguments: tuple[tuple[str, Value], ...]

    @property
    def is_about_lines(self) -> bool:
        return any(name in OF_THE_LINE for name, _ in self.arguments)


class Line(NamedTuple):
    """A line of goods. `category` is the catalogue's."""

    name: str
    code: str
    variant: str | None
    category: str | None
    quantity: int
    amount: int


class Bought(NamedTuple):
    """An order that stands; `is_off_hours` is by its store's clock, and null where nobody asks for it."""

    day: date
    store_id: UUID
    channel: str
    amount: int
    is_off_hours: bool | None
    lines: list[Line]


class Noted(NamedTuple):
    """A visit or a refund; a visit has no amount."""

    day: date
    store_id: UUID
    amount: int = 0


@dataclass(slots=True)
class Tally:
    """What there is of one basis. `count` is of orders, visits or refunds, `paid` what they came to as a whole."""

    count: int = 0
    paid: int = 0
    lines: int = 0
    amount: int = 0
    quantity: int = 0
    days: set[date] = field(default_factory=set)

    def add(self, day: date, paid: int) -> None:
        self.count += 1
        self.paid += paid
        self.days.add(day)


Tallies = Mapping[int, Tally]
"""A customer's tallies by the place of the basis in its plan; one that nothing meets is left out."""


class Rule(NamedTuple):
    """A rule's condition, and when there is enough to go by."""

    condition: Node
    enough: Node | None = None

    @property
    def trees(self) -> list[Node]:
        return [tree for tree in self if tree is not None]


class Plan:
    """All that some rules ask for. `days` is how far back any of them looks."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.bases: list[Basis] = []
        self.places: dict[Basis, int] = {}
        self.days, self.needs_lines = 1, False
        for rule in rules:
            days = window(*rule.trees)
            self.days = max(self.days, days)
            self._add(behaviour_in(days))
            for compare in (compare for tree in rule.trees for compare in comparisons(tree)):
                bases = bases_of(compare)
                self._add(bases)
                self.needs_lines |= compare.word in _OF_LINES or any(basis.is_about_lines for basis in bases)
        self.arguments = [dict(basis.arguments) for basis in self.bases]

    def _add(self, bases: Iterable[Basis]) -> None:
        for basis in bases:
            if basis not in self.places:
                self.places[basis] = len(self.bases)
                self.bases.append(basis)

    def reads(self, source: Source) -> bool:
        """Whether anything is asked of it: orders and visits always are."""
        return any(basis.source is source for basis in self.bases)

    def asks(self, argument: str) -> bool:
        """Whether anything is narrowed down by that argument."""
        return any(argument in arguments for arguments in self.arguments)

    def mask(self, meets: Callable[[Basis, dict[str, Value]], bool]) -> int:
        """A bit for each basis that meets something."""
        both = zip(self.bases, self.arguments, strict=True)
        return sum(1 << place for place, (basis, arguments) in enumerate(both) if meets(basis, arguments))


def bases_of(compare: Compare) -> list[Basis]:
    """What is counted for a comparison; for a share, then also what it is a share of: all of the same days."""
    bases = [Basis(_SOURCE_OF.get(compare.word, Source.ORDERS), compare.arguments)]
    if compare.word in _SHARES:
        bases.append(Basis(Source.ORDERS, (("days", compare.argument("days") or 0),)))
    return bases


def behaviour_in(days: int) -> list[Basis]:
    """What says whether there was any behaviour in those days."""
    return [Basis(source, (("days", days),)) for source in (Source.ORDERS, Source.VISITS)]


class Counter:
    """Counts for many customers as of one day. A name, a day, a store is compared once, not for each line."""

    def __init__(self, plan: Plan, day: date) -> None:
        self.plan, self.day = plan, day
        self._noted = cache(self._noted_mask)
        self._order = cache(self._order_mask)
        self._goods = _goods_masker(tuple(tuple(map(each.get, _TEXTS)) for each in plan.arguments))
        self._by_lines = plan.mask(lambda basis, _: basis.is_about_lines)
        self._priced: list[tuple[int, Any, Any]] = [
            (1 << place, arguments.get("price_from"), arguments.get("price_to"))
            for place, arguments in enumerate(plan.arguments)
            if "price_from" in arguments or "price_to" in arguments
        ]

    def count(
        self, orders: Iterable[Bought], visits: Iterable[Noted] = (), refunds: Iterable[Noted] = ()
    ) -> dict[int, Tally]:
        """The tallies of one customer."""
        found: dict[int, Tally] = {}
        for order in orders:
            self._add_order(found, order)
        for source, things in ((Source.VISITS, visits), (Source.REFUNDS, refunds)):
            for thing in things:
                for place in _places(self._noted(source, thing.day, thing.store_id)):
                    _tally(found, place).add(thing.day, thing.amount)
        return found

    def _add_order(self, found: dict[int, Tally], order: Bought) -> None:
        meets = self._order(order.day, order.store_id, order.channel, order.is_off_hours)
        through_lines = 0
        for line in order.lines:
            mask = meets & self._line_mask(line)
            through_lines |= mask
            for place in _places(mask):
                tally = found.get(place)
                if tally is None:
                    tally = found[place] = Tally()
                tally.lines += 1
                tally.amount += line.amount
                tally.quantity += line.quantity
        for place in _places((meets & ~self._by_lines) | (through_lines & self._by_lines)):
            _tally(found, place).add(order.day, order.amount)

    def _line_mask(self, line: Line) -> int:
        mask = self._goods(line.name, line.code, line.variant, line.category)
        for bit, lowest, highest in self._priced:
            # What one piece cost, compared without dividing.
            if (lowest is not None and line.amount < lowest * line.quantity) or (
                highest is not None and line.amount > highest * line.quantity
            ):
                mask &= ~bit
        return mask

    def _order_mask(self, day: date, store_id: UUID, channel: str, is_off_hours: bool | None) -> int:
        return self.plan.mask(
            lambda basis, arguments: (
                basis.source is Source.ORDERS
                and self._is_here(day, store_id, arguments)
                and arguments.get("channel", channel) == channel
                and arguments.get("off_hours", is_off_hours) == is_off_hours
            )
        )

    def _noted_mask(self, source: Source, day: date, store_id: UUID) -> int:
        return self.plan.mask(
            lambda basis, arguments: basis.source is source and self._is_here(day, store_id, arguments)
        )

    def _is_here(self, day: date, store_id: UUID, arguments: Mapping[str, Value]) -> bool:
        in_store = "store" not in arguments or arguments["store"] == str(store_id)
        return in_store and 0 <= (self.day - day).days < int(arguments["days"])


@lru_cache(maxsize=16)
def _goods_masker(wanted: tuple[tuple[Value | None, ...], ...]) -> Callable[..., int]:
    """A bit for each basis that goods meet. It outlives one chunk of customers: shops sell the same things again."""
    name, code, variant, category = (
        _masker(argument, tuple(each[place] for each in wanted)) for place, argument in enumerate(_TEXTS)
    )

    @lru_cache(maxsize=MOST_TEXTS)
    def mask(*texts: str | None) -> int:
        return name(texts[0]) & code(texts[1]) & variant(texts[2]) & category(texts[3])

    return mask


def _masker(argument: str, wanted: tuple[Value | None, ...]) -> Callable[[str | None], int]:
    patterns = {} if argument == "category" else {each: pattern(str(each)) for each in set(wanted) - {None}}

    @lru_cache(maxsize=MOST_TEXTS)
    def mask(text: str | None) -> int:
        met = {each: text is not None and compiled.search(text) is not None for each, compiled in patterns.items()}
        met |= {None: True} if argument != "category" else {None: True, text: True}
        return sum(1 << place for place, each in enumerate(wanted) if met.get(each))

    return mask


def _tally(found: dict[int, Tally], place: int) -> Tally:
    tally = found.get(place)
    if tally is None:
        tally = found[place] = Tally()
    return tally


@lru_cache(maxsize=1 << 16)
def _places(mask: int) -> tuple[int, ...]:
    return tuple(place for place in range(mask.bit_length()) if mask >> place & 1)
