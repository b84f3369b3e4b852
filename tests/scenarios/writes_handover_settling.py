"""Writes of handovers that are being settled with the partner."""

from uuid import uuid4

from sqlalchemy import update
from sqlmodel import col

from handover.models import HandoverItem, LinkedThere
from kernel.work import Ground
from tests.factories import World
from tests.handover.partners import settling_case
from tests.scenarios.writing import Prepare, Write


async def ask_again(ground: Ground, world: World) -> Write:
    """A customer has declined."""
    case = await settling_case(ground, world, is_tied=False, prefix=uuid4().hex[:8])
    async with ground.db.write() as session:
        await session.execute(
            update(HandoverItem)
            .where(col(HandoverItem.brand_id) == world.brand.id, col(HandoverItem.handover_id) == case.handover.id)
            .values(there=LinkedThere.REFUSED)
        )
    return Write(
        world.shop.manager, {"handoverId": str(case.handover.id), "relationshipId": str(case.relationships[0].id)}
    )


WRITES: dict[str, Prepare] = {"askPartnerAgain": ask_again}
