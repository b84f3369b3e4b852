"""Compare what is said of an order with what is known, where the time doesn't tell which is newer."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol


class LineSaid(Protocol):
    """A line, as news has it or as it was kept."""

    @property
    def product_code(self) -> str: ...
    @property
    def sku_code(self) -> str | None: ...
    @property
    def name(self) -> str: ...
    @property
    def variant(self) -> str | None: ...
    @property
    def kind(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def amount(self) -> int: ...


LinesSaid = tuple[tuple[str | int, ...], ...]


def lines_said(lines: Iterable[LineSaid]) -> LinesSaid:
    """The lines as they can be compared."""
    return tuple(
        (
            line.product_code,
            line.sku_code or "",
            line.name,
            line.variant or "",
            str(line.kind),
            line.quantity,
            line.amount,
        )
        for line in lines
    )


def weight(amount: int, paid_at: datetime | None, city: str | None, lines: LinesSaid) -> tuple[object, ...]:
    """Of two that say different things of the same moment, whichever weighs more counts, in whatever order they come.

    Nobody knows which is newer; what matters is that it doesn't depend on the wires.
    """
    return (amount, paid_at.isoformat() if paid_at else "", lines, city or "")
