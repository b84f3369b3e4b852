"""What was measured, as tables."""

from collections.abc import Sequence
from statistics import median
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

console = Console(width=190)


class Round(NamedTuple):
    """Some seconds of writes at one rate. Shares are of one core.

    `waited` is how long the server was ready to run and had no core: the machine's part in how late news is.
    """

    wanted: float
    written: float
    per_second: float
    p50: float
    p99: float
    worst: float
    lost: int
    doubled: int
    foreign: int
    sent_back: int
    turned_away: int
    bytes_each: float
    server: float = 0.0
    waited: float = 0.0
    swarm: float = 0.0
    writers: float = 0.0
    microseconds: float = 0.0


class Opened(NamedTuple):
    """Some sockets were opened, or came back, and caught up; what that cost the server, and its waiting for a core."""

    sockets: int
    seconds: float
    half: float
    turned_away: int
    processor_seconds: float
    waited_seconds: float


def show_rounds(title: str, rounds: Sequence[tuple[str, Sequence[Round]]]) -> None:
    """One line for each rate: medians over its rounds, and the range of p99."""
    table = Table(title=title)
    for name in (
        "", "writes/s", "deliveries/s", "p50 ms", "p99 ms (range)", "worst", "lost", "doubled", "foreign",
        "sent back", "dropped", "server CPU", "waits", "clients'", "writers'", "µs/delivery", "bytes",
    ):  # fmt: skip
        table.add_column(name, justify="right" if name else "left")
    for name, some in rounds:
        p99s = [each.p99 for each in some]
        table.add_row(
            name,
            f"{_median(some, 'written'):.0f} of {some[0].wanted:g}",
            f"{_median(some, 'per_second'):.0f}",
            f"{_median(some, 'p50'):.1f}",
            f"{median(p99s):.1f} ({min(p99s):.1f}–{max(p99s):.1f})",
            f"{max(each.worst for each in some):.0f}",
            *(str(sum(getattr(each, what) for each in some)) for what in ("lost", "doubled", "foreign")),
            *(str(sum(getattr(each, what) for each in some)) for what in ("sent_back", "turned_away")),
            *(f"{_median(some, what):.0%}" for what in ("server", "waited", "swarm", "writers")),
            f"{_median(some, 'microseconds'):.0f}",
            f"{_median(some, 'bytes_each'):.0f}",
        )
    console.print(table)


def show_opened(title: str, lines: Sequence[tuple[str, Opened]]) -> None:
    table = Table(title=title)
    for name in (
        "",
        "sockets",
        "all after s",
        "half after s",
        "per second",
        "turned away",
        "server CPU",
        "waits",
        "CPU ms each",
    ):
        table.add_column(name, justify="right" if name else "left")
    for name, opened in lines:
        table.add_row(
            name,
            str(opened.sockets),
            f"{opened.seconds:.1f}",
            f"{opened.half:.1f}",
            f"{opened.sockets / opened.seconds:.0f}",
            str(opened.turned_away),
            f"{opened.processor_seconds / opened.seconds:.0%}",
            f"{opened.waited_seconds / opened.seconds:.0%}",
            f"{opened.processor_seconds * 1000 / opened.sockets:.2f}",
        )
    console.print(table)


def say(line: str) -> None:
    console.print(line)


def _median(some: Sequence[Any], what: str) -> float:
    return float(median(getattr(each, what) for each in some))
