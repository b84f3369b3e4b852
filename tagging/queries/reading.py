"""Read segments' expressions as people write them, and write them down with the names of today."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from tagging.models import Segment, SegmentVersion
from tagging.models.expressions import Node, checked, from_json, parse, references, resolved, written
from tagging.models.facts import FACTS
from tagging.policy import segments_visible_to
from tagging.queries import facts, naming

Version = tuple[UUID, int]


async def read(session: AsyncSession, actor: Actor, text: str) -> Node:
    """The expression as it is kept: checked, with ids for the names that the actor sees. Raises `BAD_EXPRESSION`."""
    parsed = parse(text)
    node = checked(parsed, FACTS, minor_digits=await facts.digits_of(session, actor.brand_id))
    return resolved(node, FACTS, await naming.named(session, actor, references(node, FACTS)))


async def texts(session: AsyncSession, actor: Actor, versions: Sequence[Version]) -> Mapping[Version, str]:
    """What segments in sight said at these versions, with the names that things have today; `?` is out of sight."""
    found = await session.execute(
        select(col(SegmentVersion.segment_id), col(SegmentVersion.version), col(SegmentVersion.tree))
        .join(
            Segment,
            (col(Segment.brand_id) == col(SegmentVersion.brand_id))
            & (col(Segment.id) == col(SegmentVersion.segment_id)),
        )
        .where(
            col(SegmentVersion.brand_id) == actor.brand_id,
            tuple_(col(SegmentVersion.segment_id), col(SegmentVersion.version)).in_(versions),
            segments_visible_to(actor),
        )
    )
    nodes = {(segment_id, version): from_json(tree) for segment_id, version, tree in found}
    names = await naming.names_of(session, actor, nodes.values(), FACTS)
    digits = await facts.digits_of(session, actor.brand_id)
    return {key: written(node, FACTS, names, minor_digits=digits) for key, node in nodes.items()}
