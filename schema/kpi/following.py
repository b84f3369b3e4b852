"""That figures have changed, told while somebody looks at them."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from uuid import UUID
from weakref import WeakKeyDictionary

import strawberry

from kernel.db import Database, is_away
from kpi.policy import require_reader
from kpi.queries import turns
from schema.context import Context, Info
from schema.fields import subscription

LOOKS_EVERY, TELLS_EVERY = 0.5, 1.0  # seconds


@dataclass(slots=True)
class _Glance:
    """What a brand's revision was when somebody last looked: a thousand phones take one read for each look."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    at: float | None = None
    revision: int = 0


_GLANCES: WeakKeyDictionary[Database, defaultdict[UUID, _Glance]] = WeakKeyDictionary()


@strawberry.type
class KpiSubscriptions:
    @subscription(
        "A number that grows with each counting of the brand's figures: at once, and then whenever it has grown, at "
        "most once a second; ask anew for what is shown. Figures follow a change within two seconds. `FORBIDDEN` for a "
        "machine without `reports:read`."
    )
    async def kpi_changed(self, info: Info) -> AsyncIterator[int]:
        context, told = info.context, -1
        require_reader(context.actor)
        while True:
            try:
                revision = await _revision(context)
            except Exception as error:
                if not is_away(error):
                    raise
                revision = told
            if revision > told:
                told = revision
                yield revision
                await asyncio.sleep(TELLS_EVERY)
            else:
                await asyncio.sleep(LOOKS_EVERY)


async def _revision(context: Context) -> int:
    brand_id = context.actor.brand_id
    glance = _GLANCES.setdefault(context.ground.db, defaultdict(_Glance))[brand_id]
    async with glance.turn:
        # Somebody who waited for the turn finds what was read meanwhile.
        if glance.at is None or time.monotonic() - glance.at >= LOOKS_EVERY:
            async with context.read() as session:
                glance.revision = await turns.revision(session, brand_id)
            glance.at = time.monotonic()
        return glance.revision
