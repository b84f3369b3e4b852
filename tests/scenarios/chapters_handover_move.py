"""A guide's customers are moved to a colleague, with a stop on the way, and given back."""

from sqlalchemy import select
from sqlmodel import col

from handover.commands.leasing import MOVE
from kernel.jobs import Job
from server import handing_over
from tests.scenarios.chapters_handover_plan import make_plans
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Step, thing


async def move(stage: Stage) -> None:
    """Whatever was asked to move."""
    brand_id = stage.world.brand.id
    async with stage.ground.db.read() as session:
        found = await session.scalars(
            select(Job).where(col(Job.brand_id) == brand_id, col(Job.name) == MOVE).order_by(col(Job.id))
        )
    for job in found.all():
        await handing_over.move(stage.ground, brand_id, **job.args)


HANDOVER_MOVES: list[Step | Deed] = [
    Step(
        "startHandover",
        "manager",
        lambda s: {
            "kind": "TRANSFER",
            "staffId": str(s.people["colleague"].id),
            "strategy": "TO_ONE",
            "options": {"toAccountIds": [s.account("owner")]},
        },
        "moving handover",
    ),
    Deed("its plan", make_plans),
    Step("approveHandover", "manager", thing("moving handover")),
    Step("pauseHandover", "manager", thing("moving handover")),
    Step("resumeHandover", "regional", thing("moving handover")),
    Deed("the moving", move),
    Step("undoHandover", "manager", thing("moving handover")),
    Deed("the moving back", move),
]
