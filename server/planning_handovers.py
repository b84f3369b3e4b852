"""Make the plan of a handover: read, reckon beside everything else, and keep it in short transactions."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from uuid import UUID, uuid4

from handover.commands import planning
from handover.models.planning.drafting import draft
from handover.models.planning.placed import Placed
from handover.queries import plan_facts
from kernel.actor import system
from kernel.work import Ground, Work, carry_out


async def plan_handover(ground: Ground, brand_id: UUID, handover_id: str, version: int) -> None:
    """Make and keep the plan of that version of a draft; nothing if it is another one by now, or none any more.

    Nothing is locked while it is read and reckoned. Two that are at the same plan don't mix: the later one keeps its
    own, and the earlier one stops.
    """
    began = time.perf_counter()
    actor, which, token = system(brand_id), UUID(handover_id), uuid4()
    async with ground.db.read() as session:
        facts = await plan_facts.read(session, brand_id, which, version)
    if facts is None:
        return
    made = await asyncio.to_thread(draft, facts)
    if not await carry_out(ground, actor, lambda work: planning.begin(work, which, version, token)):
        return
    while await carry_out(ground, actor, lambda work: planning.clear(work, which, version, token)):
        pass
    for start in range(0, len(made.placed), planning.AT_ONCE):
        part = made.placed[start : start + planning.AT_ONCE]
        if not await carry_out(ground, actor, partial(_write, which, version, token, part)):
            return
    totals = made.totals | {"seconds": round(time.perf_counter() - began, 3)}
    await carry_out(ground, actor, lambda work: planning.finish(work, which, version, token, totals))


async def _write(which: UUID, version: int, token: UUID, part: Sequence[Placed], work: Work) -> bool:
    return await planning.write(work, which, version, token, part)
