"""What is done for a brand once a night, when its shops are shut: one job after the other, a chunk each.

A night that is cut off goes on where it was: the chunk and how far it got are one commit.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import bulk, clock
from kernel.work import Work
from mall.commands import profiles
from tagging.commands import evaluating, freshness, segment_nights
from tagging.commands.audits import see_to_audits
from tagging.models import Night

GO_ON = "tagging.go_on_with_night"

Step = Callable[[Work, Night], Awaitable[UUID | None]]
"""Does one chunk behind `night.after_id`; returns the last key it has done, or nothing when none is left."""


async def _profiles(work: Work, night: Night) -> UUID | None:
    return await profiles.night_chunk(work, night.day, night.after_id)


# In this order: what a step makes known, the next may use.
STEPS: Mapping[str, Step] = {
    "profiles": _profiles,
    "rules": evaluating.night_step,
    "stale": freshness.look_for_stale,
    "segments": segment_nights.look_again,
    "segment_members": segment_nights.note_members,
    "audits": see_to_audits,
}


async def has_begun(session: AsyncSession, brand_id: UUID, day: date) -> bool:
    """Whether there is nothing to begin for that day."""
    return await session.get(Night, (brand_id, day)) is not None


async def begin(work: Work, day: date) -> bool:
    """Begin the night of that day, unless it has begun; says whether it did."""
    night = Night(brand_id=work.actor.brand_id, day=day, step=next(iter(STEPS)), counts={}, begun_at=clock.now())
    if not await bulk.insert_missing(work.session, Night, [night.model_dump()]):
        return False
    work.later(GO_ON, day=day.isoformat())
    return True


async def go_on(work: Work, day: date) -> None:
    """Do one chunk, and ask for the next. Doing it twice does no harm: the second finds the night further on."""
    night = await work.session.scalar(
        select(Night).where(col(Night.brand_id) == work.actor.brand_id, col(Night.day) == day).with_for_update()
    )
    if night is None or night.done_at is not None:
        return
    night.after_id = await STEPS[night.step](work, night)
    if night.after_id is None:
        names = list(STEPS)
        following = names[names.index(night.step) + 1 :]
        if not following:
            night.done_at = clock.now()
            return
        night.step = following[0]
    work.later(GO_ON, day=day.isoformat())
