"""What came of a scenario, in one line, and in full where something is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import quantiles

_SHOWN = 12


@dataclass
class Report:
    """`lost` and `doubled` are lines, one for each thing; `delays` are seconds from the commit to the listener.

    `thin` says of what too little happened for the rest to tell anything.
    """

    name: str
    seed: int
    seconds: float = 0.0
    written: int = 0
    acknowledged: int = 0
    repeated: int = 0
    refused: int = 0
    changes: int = 0
    compared: int = 0
    kills: int = 0
    deaths: int = 0
    cuts: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    thin: list[str] = field(default_factory=list)
    masked: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    delays: Sequence[float] = ()

    @property
    def p99(self) -> float:
        """Of a hundred changes, ninety-nine come sooner."""
        return p99(self.delays)

    @property
    def is_good(self) -> bool:
        """Whether the promises were kept."""
        return not (self.lost or self.doubled or self.broken or self.thin)

    def __str__(self) -> str:
        found = (
            f"{self.name}: seed {self.seed}, {self.seconds:.0f} s, {self.acknowledged} of {self.written} writes "
            f"acknowledged ({self.refused} refused, {self.repeated} sent once more by others), {self.changes} changes, "
            f"{self.compared} rows compared, {self.kills} kills, {self.deaths} dead phones, {self.cuts} cut streams; "
            f"LOST {len(self.lost)}, DOUBLED {len(self.doubled)}, broken {len(self.broken)}, "
            f"masked {len(self.masked)}; delay p99 {self.p99:.2f} s, max {max(self.delays, default=0.0):.2f} s"
        )
        lines = [
            f"    {kind}: {line}"
            for kind, each in (
                ("lost", self.lost),
                ("doubled", self.doubled),
                ("broken", self.broken),
                ("too little", self.thin),
                ("masked", self.masked),
            )
            for line in each[:_SHOWN]
        ]
        return "\n".join([found, *(f"    {remark}" for remark in self.remarks), *lines])


def p99(seconds: Sequence[float]) -> float:
    """What ninety-nine of a hundred stay below."""
    return quantiles(seconds, n=100)[98] if len(seconds) > 1 else max(seconds, default=0.0)
