"""Work out where a customer is at home, from all that sources have said of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

Pair = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Bought:
    """An order as far as it says where its customer belongs. `follows_home`: it counts where they are at home."""

    at: datetime
    number: str
    store: str
    guide: str | None
    follows_home: bool


@dataclass(frozen=True, slots=True)
class Belonging:
    """The stores that own a relationship with a customer: who holds it there, and since when; `home` is primary."""

    home: str
    guides: dict[str, str | None]
    since: dict[str, datetime | None]

    @property
    def pairs(self) -> list[Pair]:
        return list(self.guides.items())


def belonging(orders: Sequence[Bought], named: Pair | None) -> Belonging | None:
    """Home is the store that a member file names, else that of the first order: smallest time, then number as text.

    `None` for somebody who has neither.
    """
    ordered = sorted(orders, key=lambda order: (order.at, order.number))
    if named is None and not ordered:
        return None
    home, guide = named or (ordered[0].store, ordered[0].guide)
    guides: dict[str, str | None] = {home: guide}
    since: dict[str, datetime | None] = {home: next((order.at for order in ordered), None)}
    for order in ordered:
        if not order.follows_home:
            guides.setdefault(order.store, order.guide)
            since.setdefault(order.store, order.at)
    return Belonging(home, guides, since)
