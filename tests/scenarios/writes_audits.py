"""The mutations of audits, each as somebody who may do it."""

from uuid import UUID

from sqlalchemy import select, update
from sqlmodel import col

from kernel.work import Ground, unit_of_work
from tagging import commands
from tagging.models import AuditItem, AuditMethod, AuditScope, TagAudit, Verdict
from tests.factories import World
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Prepare, Write, name


async def draw_audit(ground: Ground, world: World) -> Write:
    await furnish(ground, world, world.shop)
    return Write(world.shop.manager, {"name": name(), "method": "EVIDENCE", "size": 10})


async def repeat_audit(ground: Ground, world: World) -> Write:
    audit, _ = await _draw(ground, world)
    return Write(world.shop.manager, {"id": str(audit.id), "name": name()})


async def close_audit(ground: Ground, world: World) -> Write:
    audit, _ = await _draw(ground, world)
    return Write(world.shop.manager, {"id": str(audit.id)}, audit.id)


async def answer_question(ground: Ground, world: World) -> Write:
    audit, tag_id = await _draw(ground, world)
    async with ground.db.read() as session:
        question_id = await session.scalar(
            select(col(AuditItem.id)).where(
                col(AuditItem.brand_id) == world.brand.id,
                col(AuditItem.audit_id) == audit.id,
                col(AuditItem.asked_id) == world.shop.other_guide.id,
            )
        )
    return Write(world.shop.other_guide, {"id": str(question_id), "tagIds": [str(tag_id)]})


async def _draw(ground: Ground, world: World) -> tuple[TagAudit, UUID]:
    """An audit of one new tag, which the guide set: the other guide is asked, who has no other questions."""
    async with ground.db.write() as session:
        await session.execute(
            update(AuditItem).where(col(AuditItem.brand_id) == world.brand.id).values(verdict=Verdict.UNKNOWN)
        )
    tag_id = (await furnish(ground, world, world.shop))["tag"]
    async with unit_of_work(ground, world.shop.manager) as work:
        drawn = await commands.draw_audit(
            work, name=name(), method=AuditMethod.BLIND, scope=AuditScope(tag_id=tag_id), size=10
        )
    return drawn, tag_id


AUDIT_WRITES: dict[str, Prepare] = {
    "drawTagAudit": draw_audit,
    "repeatTagAudit": repeat_audit,
    "closeTagAudit": close_audit,
    "answerTagQuestion": answer_question,
}
