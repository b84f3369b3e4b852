"""What is wrong with a handover, for whoever asks: those who answer for some of its stores learn no ids of others."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from handover.queries import approvals, handovers, verifying
from handover.queries.verifying import Violation
from kernel.actor import Actor


async def seen_violations(session: AsyncSession, actor: Actor, handover_id: UUID) -> list[Violation]:
    """What is wrong with a handover in sight; of what, only for whoever answers for all its stores."""
    found = await verifying.violations(session, actor.brand_id, handover_id)
    if not found:
        return []
    row: Any = (await handovers.by_ids(session, actor, [handover_id])).get(handover_id)
    is_whole = row is not None and await approvals.is_all_in_sight(session, actor, row)
    return found if is_whole else [replace(each, ids=()) for each in found]
