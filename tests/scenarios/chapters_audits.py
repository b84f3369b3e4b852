"""What happens in a brand when its tags are audited."""

from sqlalchemy import and_, select, update
from sqlmodel import col

from kernel import clock
from tagging.models import AuditItem
from tests.scenarios import deeds
from tests.scenarios.stage import Stage
from tests.scenarios.story import Deed, Step, only, thing


async def find_questions(stage: Stage) -> None:
    """Let two of the questions, one about style, be for the colleague: whom they went to is left to chance."""
    mine = and_(col(AuditItem.brand_id) == stage.world.brand.id, col(AuditItem.verdict).is_(None))
    async with stage.ground.db.write() as session:
        found = (await session.execute(select(col(AuditItem.id), col(AuditItem.tag_id)).where(mine))).all()
        for about in ("style", "size"):
            of_style = {key: str(tag_id) == stage.things["office"] for key, tag_id in found}
            question_id = next(key for key, is_so in of_style.items() if is_so is (about == "style"))
            await session.execute(
                update(AuditItem)
                .where(mine, col(AuditItem.id) == question_id)
                .values(asked_id=stage.people["colleague"].id, asked_at=clock.now())
            )
            stage.things[f"question about {about}"] = str(question_id)


AUDITS: list[Step | Deed] = [
    Step(
        "drawTagAudit",
        "manager",
        lambda s: {
            "name": "三月抽查",
            "method": "BLIND",
            "size": 10,
            "storeId": s.shop(),
            "setBy": ["GUIDE", "RULE", "IMPORT", "TAKEOVER"],
            "seed": 7,
        },
        "audit",
    ),
    Deed("the guides' questions", find_questions),
    Deed("the questions' to-dos", deeds.carry_out_jobs),
    Step(
        "answerTagQuestion",
        "colleague",
        lambda s: {"id": s.things["question about style"], "tagIds": [s.things["office"]]},
    ),
    Step("answerTagQuestion", "colleague", lambda s: {"id": s.things["question about size"], "cannotSay": True}),
    Step("closeTagAudit", "manager", thing("audit")),
    Deed("the answers' to-dos", deeds.carry_out_jobs),
    Step("repeatTagAudit", "regional", thing("audit", name="四月再抽")),
    Step(
        "drawTagAudit",
        "regional",
        lambda s: {
            "name": "华东",
            "method": "EVIDENCE",
            "size": 10,
            "regionId": s.region("east"),
            "staffId": str(s.people["owner"].id),
        },
    ),
    Step(
        "drawTagAudit",
        "hq",
        lambda s: {
            "name": "风格",
            "method": "EVIDENCE",
            "size": 10,
            "groupId": s.things["style"],
            "tagId": s.things["office"],
        },
    ),
    Step("drawTagAudit", "hq", only(name="全品牌", method="BLIND", size=10)),
]
