"""Go over everything in sight, kind by kind and in the order of ids, a bounded stretch at a time."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import Actor
from schema.live.entities import Walk
from schema.positions import Step

Found = tuple[str, Any]


async def stretch(
    session: AsyncSession, actor: Actor, walks: Mapping[str, Walk], start: Step, most: int
) -> tuple[list[Found], Step | None]:
    """At most so many things behind that step, and the step to go on from; none when that was all."""
    kinds = list(walks)
    found: list[Found] = []
    last: UUID | None = start.last
    for kind in kinds[kinds.index(start.kind) :]:
        rows: Sequence[Any] = await walks[kind](session, actor, last, most - len(found) + 1)
        if len(rows) > most - len(found):
            taken = rows[: most - len(found)]
            found += [(kind, row) for row in taken]
            return found, Step(kind, taken[-1].id if taken else last)
        found += [(kind, row) for row in rows]
        last = None
    return found, None
