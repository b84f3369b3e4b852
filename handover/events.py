"""What happens around handovers."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Somebody did more of something than the work asks for."""

    alert_id: UUID
    staff_id: UUID


@dataclass(frozen=True, slots=True)
class AlertLookedInto:
    """A manager has looked into it."""

    alert_id: UUID
    staff_id: UUID


AlertEvent = AlertRaised | AlertLookedInto
