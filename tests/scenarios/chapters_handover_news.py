"""A store closes, and the partner tells what happened there."""

from uuid import UUID

from handover.commands import hearing, reporting
from handover.models.news import News, NewsKind
from kernel import clock
from kernel.actor import system
from kernel.work import carry_out, unit_of_work
from tests.scenarios.chapters_handover_move import move
from tests.scenarios.chapters_handover_plan import make_plans
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Step, thing


async def delete_contact(stage: Stage) -> None:
    """The owner deletes a customer from their contacts at the partner."""
    at = clock.now()
    await _hear(stage, News(NewsKind.UNLINKED_BY_STAFF, at, "deleted", user_id="wx-owner", external_user_id="wm-li"))


async def be_deleted(stage: Stage) -> None:
    """A customer deletes the owner from theirs."""
    at = clock.now()
    await _hear(stage, News(NewsKind.UNLINKED_BY_CUSTOMER, at, "lost", user_id="wx-owner", external_user_id="wm-li"))


async def leave(stage: Stage) -> None:
    """The colleague is no member of the partner's any more."""
    await _hear(stage, News(NewsKind.MEMBER_LEFT, clock.now(), "left", user_id="wx-colleague"))


async def take_report(stage: Stage) -> None:
    """Headquarters takes the report of the closing away."""
    async with unit_of_work(stage.ground, stage.world.hq) as work:
        await reporting.note_export(work, UUID(stage.things["real closing"]))


async def _hear(stage: Stage, news: News) -> None:
    await carry_out(stage.ground, system(stage.world.brand.id), lambda work: hearing.hear(work, news))


HANDOVER_NEWS: list[Step | Deed] = [
    Step("cancelHandover", "hq", thing("resignation")),
    Step(
        "startHandover",
        "hq",
        lambda s: {
            "kind": "CLOSING",
            "storeId": s.shop(2),
            "strategy": "BALANCED",
            "options": {"storeIds": [s.shop(1)]},
        },
        "real closing",
    ),
    Deed("the plan of a closing", make_plans),
    Step("approveHandover", "hq", thing("real closing")),
    Deed("a store's customers going on elsewhere", move),
    Step("undoHandover", "hq", thing("real closing")),
    Deed("a store's customers coming back", move),
    Deed("a report that is taken away", take_report),
    Deed("a contact that is deleted", delete_contact),
    Deed("a customer who deletes a contact", be_deleted),
    Deed("a member who has left", leave),
]
