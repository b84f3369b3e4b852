"""How many rows go into one transaction, so that nobody waits for it for long."""

from dataclasses import dataclass

FEWEST, MOST = 50, 1_000
LONGEST = 0.050
"""Seconds that a transaction may be open."""

AIM = 0.035
"""What chunks are cut for, in seconds: the difference is for what can't be foreseen."""


@dataclass(slots=True)
class Pace:
    """The size of the next chunk, by how long the last ones took."""

    size: int = 200

    def note(self, count: int, seconds: float) -> None:
        """A chunk of so many rows took so long: shrink at once, grow by half at most."""
        if count <= 0 or seconds <= 0:
            return
        fits = int(count * AIM / seconds)
        if fits >= self.size and count < self.size:
            return  # the last of several, which says nothing of larger ones
        self.size = max(FEWEST, min(MOST, fits, self.size + self.size // 2))
