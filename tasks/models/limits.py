"""What each trigger takes: days, a window, a category, tags; and within which ranges."""

from collections.abc import Mapping
from dataclasses import dataclass

from tasks.models.rules import Trigger


@dataclass(frozen=True, slots=True)
class Takes:
    """The ranges of `days` and `window_days`, and what else a trigger needs or may have; empty is not at all."""

    days: tuple[int, int] | None = None
    window_days: tuple[int, int] | None = None
    category: bool = False
    most_tags: int = 0
    needs_tags: bool = False


TAKES: Mapping[Trigger, Takes] = {
    Trigger.FIRST_PURCHASE: Takes(days=(0, 365), window_days=(1, 90)),
    Trigger.DELIVERY: Takes(days=(0, 90), window_days=(1, 90)),
    Trigger.REFUND: Takes(days=(0, 90), window_days=(1, 90)),
    Trigger.BIRTHDAY_MONTH: Takes(days=(0, 31)),
    Trigger.TIER_LAPSE: Takes(days=(1, 180)),
    Trigger.STALE_TAG: Takes(most_tags=20),
    Trigger.NEW_ARRIVALS: Takes(window_days=(1, 60), category=True, most_tags=20, needs_tags=True),
    Trigger.NO_CONTACT: Takes(days=(1, 1000)),
    Trigger.CHURN: Takes(days=(0, 1000)),
    Trigger.HANDOVER: Takes(days=(0, 90), window_days=(1, 90)),
}
