"""How a handover goes, told while somebody watches."""

import asyncio
from collections.abc import AsyncIterator

import strawberry

from handover.models import HandoverState
from handover.queries import handovers
from kernel.db import is_away
from kernel.errors import Forbidden, NotFound
from schema.context import Info
from schema.fields import subscription
from schema.handover.types import Handover
from schema.scalars import read_id
from schema.versioned import node

LOOKS_EVERY = 1.0  # seconds
_OVER = (HandoverState.DONE, HandoverState.CANCELLED, HandoverState.UNDONE)


@strawberry.type
class HandoverSubscriptions:
    @subscription(
        "A handover as it goes: at once, and then whenever it has got further, at most once a second; ends when it is "
        "done, cancelled or undone. `NOT_FOUND` also when it goes out of sight; `FORBIDDEN` for machines."
    )
    async def handover_progress(self, info: Info, id: strawberry.ID) -> AsyncIterator[Handover]:
        context, handover_id = info.context, read_id(id)
        if not context.actor.is_staff:
            raise Forbidden
        told = None
        while True:
            try:
                async with context.read() as session:
                    row = (await handovers.by_ids(session, context.actor, [handover_id])).get(handover_id)
                    counted = await handovers.progress(session, context.actor, [handover_id])
            except Exception as error:
                if not is_away(error):
                    raise
                await asyncio.sleep(LOOKS_EVERY)
                continue
            if row is None:
                raise NotFound
            if (row.version, counted) != told:
                told = (row.version, counted)
                yield node(Handover, row)
            if row.state in _OVER:
                return
            await asyncio.sleep(LOOKS_EVERY)
