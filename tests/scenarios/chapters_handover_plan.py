"""Handovers are started, planned, edited, planned anew, approved and given up; nothing moves yet."""

from typing import Any

from sqlalchemy import select
from sqlmodel import col

from handover.commands.planning import PLAN
from kernel.jobs import Job
from server.planning_handovers import plan_handover
from tests.scenarios.stage import PUBLIC, Stage
from tests.scenarios.story import Deed, Given, Step, only, thing


async def make_plans(stage: Stage) -> None:
    """Whatever plans were asked for."""
    brand_id = stage.world.brand.id
    async with stage.ground.db.read() as session:
        found = await session.scalars(
            select(Job).where(col(Job.brand_id) == brand_id, col(Job.name) == PLAN).order_by(col(Job.id))
        )
    for job in found.all():
        await plan_handover(stage.ground, brand_id, **job.args)


def _leaver(who: str, kind: str, **also: Any) -> Given:
    return lambda stage: {"kind": kind, "staffId": str(stage.people[who].id), **also}


def _pair(stage: Stage, customer: str, to: str) -> dict[str, str]:
    return {"relationshipId": stage.held(customer), "toAccountId": stage.account(to)}


def _options(stage: Stage, *store_ids: str) -> dict[str, Any]:
    """All that can be said of a plan; a list is of use to the strategy by hand only."""
    return {
        "toAccountIds": [stage.account("owner")],
        "storeIds": list(store_ids),
        "pairs": [_pair(stage, "li", "owner"), _pair(stage, "zhou", PUBLIC)],
        "balance": 500,
    }


HANDOVER_PLANS: list[Step | Deed] = [
    Step(
        "setHandoverSettings",
        "hq",
        only(
            input={
                "capacity": 1_000,
                "undoHours": 48,
                "telling": "NOT_AT_ALL",
                "welcomesADay": 10,
                "revealsAnHour": 10,
                "exportsADay": 2,
                "deletionsAnHour": 10,
            }
        ),
    ),
    Step("setTakeoverCapacity", "manager", lambda s: {"staffId": str(s.people["owner"].id), "capacity": 50}),
    Step("startHandover", "manager", _leaver("colleague", "TRANSFER", strategy="BY_HAND"), "handover"),
    Step(
        "replanHandover",
        "manager",
        lambda s: {
            "id": s.things["handover"],
            "strategy": "BY_HAND",
            "options": _options(s),
        },
    ),
    Step(
        "replanHandover",
        "regional",
        lambda s: {"id": s.things["handover"], "strategy": "AFFINITY", "options": _options(s)},
    ),
    Deed("a plan", make_plans),
    Step(
        "editHandoverPlan",
        "manager",
        lambda s: {"id": s.things["handover"], "pairs": [_pair(s, "li", PUBLIC), _pair(s, "zhou", "owner")]},
    ),
    Step("approveHandover", "manager", thing("handover")),
    Step("cancelHandover", "regional", thing("handover")),
    Step(
        "startHandover",
        "hq",
        lambda s: {
            "kind": "CLOSING",
            "storeId": s.shop(2),
            "strategy": "BALANCED",
            "options": _options(s, s.shop(1)),
        },
        "closing",
    ),
    Deed("another plan", make_plans),
    Step("cancelHandover", "hq", thing("closing")),
    Step("startHandover", "hq", _leaver("neighbour", "RESIGNATION", strategy="TO_STORE"), "resignation"),
]
