"""What an order's place and hour say of it. No I/O."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from mall.models.naming import folded

Hours = Sequence[Sequence[str] | None]
"""Seven days from Monday on: from when until when a store is open, or nothing where it is shut."""


def is_off_hours(hours: Hours, time_zone: str, placed_at: datetime) -> bool | None:
    """Whether the store was shut by its own clock, summer time or not; nobody knows if it has no hours at all.

    It is open from the minute it opens until the minute it closes, which is not its any more.
    """
    if not any(hours):
        return None
    there = placed_at.astimezone(ZoneInfo(time_zone))
    today = hours[there.weekday()]
    return today is None or not today[0] <= f"{there:%H:%M}" < today[1]


def is_cross_city(store_city: str | None, order_city: str | None) -> bool | None:
    """Whether it goes to another city than the store's; nobody knows if one of them isn't known.

    市 behind a name, blanks, width and capitals are no difference.
    """
    if not store_city or not order_city:
        return None
    here, there = (folded(city).removesuffix("市").removesuffix(" city") for city in (store_city, order_city))
    return here != there if here and there else None
