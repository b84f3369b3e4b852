"""Keep segments: expressions over facts about customers, under a name."""

from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlmodel import col

from kernel import bulk, clock, ids
from kernel.errors import require_text, require_version
from kernel.work import Work
from tagging.errors import SegmentInUse, SegmentNamesPrivate, SegmentNameTaken, SegmentRetired, TooManySegments
from tagging.models import Segment, SegmentUse, SegmentVersion, Sharing, Tag
from tagging.models.expressions import Kind, Node, Place, comparisons, from_json, refuse, to_json
from tagging.models.facts import FACTS
from tagging.policy import require_author, require_segmenter
from tagging.queries import library, reading, segments
from tagging.queries.preparing import expanded, named_segments

LONGEST_NAME = 60
MOST = {Sharing.PRIVATE: 50, Sharing.BRAND: 200}


async def save_segment(work: Work, *, name: str, text: str, sharing: Sharing = Sharing.PRIVATE) -> Segment:
    """Keep an expression under a name of 1 to 60 characters.

    A person keeps at most 50 private ones; HQ shares at most 200 with the brand. Raises `FORBIDDEN`, `INVALID`,
    `BAD_EXPRESSION`, `SEGMENT_NAMES_PRIVATE`, `SEGMENT_NAME_TAKEN`, `TOO_MANY_SEGMENTS`.
    """
    owner_id = require_segmenter(work.actor, sharing)
    name = require_text("name", name, longest=LONGEST_NAME)
    await library.lock_library(work.session, work.actor)
    await _require_room(work, sharing)
    node = await reading.read(work.session, work.actor, text)
    at = clock.now()
    segment = Segment(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        name=name,
        owner_id=owner_id,
        sharing=sharing,
        tree=to_json(node),
        created_at=at,
        edited_at=at,
    )
    await _require_sound(work, segment, node)
    if not await bulk.insert_missing(work.session, Segment, [segment.model_dump()]):
        raise SegmentNameTaken
    await _keep(work, segment, node)
    return segment


async def edit_segment(
    work: Work,
    segment_id: UUID,
    *,
    name: str | None = None,
    text: str | None = None,
    expected_version: int | None = None,
) -> Segment:
    """Call a segment differently, or let it say something else; what it was is kept.

    Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `BAD_EXPRESSION`, `SEGMENT_RETIRED`, `SEGMENT_NAMES_PRIVATE`,
    `SEGMENT_NAME_TAKEN`, `STALE_VERSION`.
    """
    name = require_text("name", name, longest=LONGEST_NAME) if name is not None else None
    segment = await _lock(work, segment_id, expected_version)
    node = await reading.read(work.session, work.actor, text) if text is not None else from_json(segment.tree)
    tree = to_json(node)
    if name in (None, segment.name) and tree == segment.tree:
        return segment
    segment.name, segment.tree = name or segment.name, tree
    await _require_sound(work, segment, node)
    segment.version += 1
    segment.edited_at = clock.now()
    await work.session.flush()
    await _keep(work, segment, node)
    return segment


async def share_segment(
    work: Work, segment_id: UUID, *, sharing: Sharing, expected_version: int | None = None
) -> Segment:
    """Share a segment of one's own with the brand, or keep one for oneself that the brand shared; for HQ.

    What the brand shares speaks of nothing private. Raises `NOT_FOUND`, `FORBIDDEN`, `SEGMENT_RETIRED`,
    `SEGMENT_NAMES_PRIVATE`, `SEGMENT_NAME_TAKEN`, `SEGMENT_IN_USE`, `TOO_MANY_SEGMENTS`, `STALE_VERSION`.
    """
    owner_id = require_segmenter(work.actor, Sharing.BRAND)
    segment = await _lock(work, segment_id, expected_version)
    if segment.sharing is sharing:
        return segment
    await _require_room(work, sharing)
    if sharing is Sharing.PRIVATE:
        await _require_unused(work, segment)
        segment.owner_id = owner_id
    segment.sharing = sharing
    await _require_sound(work, segment, from_json(segment.tree))
    segment.version += 1
    await work.session.flush()
    await _keep(work, segment, from_json(segment.tree))
    return segment


async def retire_segment(work: Work, segment_id: UUID, *, expected_version: int | None = None) -> Segment:
    """Use a segment no more; its name is free.

    Raises `NOT_FOUND`, `FORBIDDEN`, `SEGMENT_RETIRED`, `SEGMENT_IN_USE`, `STALE_VERSION`.
    """
    segment = await _lock(work, segment_id, expected_version)
    await _require_unused(work, segment)
    segment.retired_at = clock.now()
    segment.version += 1
    await work.session.flush()
    await _keep(work, segment, from_json(segment.tree))
    return segment


async def _lock(work: Work, segment_id: UUID, expected_version: int | None) -> Segment:
    # All of them before the one, as everywhere: two who make segments name each other wait for one another.
    await library.lock_library(work.session, work.actor)
    segment = await segments.lock(work.session, work.actor, segment_id)
    require_author(work.actor, None if segment.sharing is Sharing.BRAND else segment.owner_id)
    if segment.retired_at is not None:
        raise SegmentRetired
    require_version(segment, expected_version)
    return segment


async def _require_room(work: Work, sharing: Sharing) -> None:
    if await segments.in_use(work.session, work.actor, sharing) >= MOST[sharing]:
        raise TooManySegments(most=MOST[sharing])


async def _require_unused(work: Work, segment: Segment) -> None:
    users = await segments.users_of(work.session, segment.brand_id, [segment.id])
    seen = [user.name for user in users if user.sharing is Sharing.BRAND or user.owner_id == work.actor.staff_id]
    if users:
        raise SegmentInUse(count=len(users), names=", ".join(seen[:3]) or "—")


async def _require_sound(work: Work, segment: Segment, node: Node) -> None:
    """The name is free, what it names may be named, and nothing leads back to it or too far."""
    with work.session.no_autoflush:
        if await segments.is_taken(work.session, segment):
            raise SegmentNameTaken
        named = named_segments(node)
        expanded(node, await segments.trees(work.session, segment.brand_id, named), segment.id)
        await _require_shallow(work, segment, node)
        if segment.sharing is Sharing.BRAND:
            await _require_public(work, node)


async def _require_shallow(work: Work, segment: Segment, node: Node) -> None:
    """With the segments that name this one, and those that name them, it goes no deeper than it may."""
    below = await _depth(work, node)
    above, level = 0, {segment.id}
    while below and above <= segments.DEEPEST:
        users = await segments.users_of(work.session, segment.brand_id, level)
        if not users:
            return
        above, level = above + 1, {user.id for user in users}
        if above + below > segments.DEEPEST:
            most = segments.DEEPEST
            raise refuse(Place(1, 1), f"segments name each other more than {most} deep", f"分组引用超过 {most} 层")


async def _depth(work: Work, node: Node) -> int:
    depth, level = 0, named_segments(node)
    while level:
        depth += 1
        used = await work.session.scalars(
            select(col(SegmentUse.used_id)).where(
                col(SegmentUse.brand_id) == work.actor.brand_id, col(SegmentUse.segment_id).in_(sorted(level))
            )
        )
        level = set(used)
    return depth


async def _require_public(work: Work, node: Node) -> None:
    tags = {UUID(str(each)) for part in comparisons(node) if FACTS[part.word].kind is Kind.TAG for each in part.values}
    personal = select(col(Tag.id)).where(
        col(Tag.brand_id) == work.actor.brand_id, col(Tag.id).in_(sorted(tags)), col(Tag.owner_id).is_not(None)
    )
    private = select(col(Segment.id)).where(
        col(Segment.brand_id) == work.actor.brand_id,
        col(Segment.id).in_(sorted(named_segments(node))),
        col(Segment.sharing) == Sharing.PRIVATE,
    )
    for found in (personal, private):
        if await work.session.scalar(found.limit(1)) is not None:
            raise SegmentNamesPrivate


async def _keep(work: Work, segment: Segment, node: Node) -> None:
    """Write down what the segment is at this version, and what it names."""
    its = {"brand_id": segment.brand_id, "segment_id": segment.id}
    version = {"version": segment.version, "name": segment.name, "tree": segment.tree}
    by = {"by_staff_id": work.actor.staff_id, "at": clock.now()}
    await work.session.execute(insert(SegmentVersion), [its | version | by])
    await work.session.execute(
        delete(SegmentUse).where(col(SegmentUse.brand_id) == segment.brand_id, col(SegmentUse.segment_id) == segment.id)
    )
    used = sorted(named_segments(node)) if segment.retired_at is None else []
    if used:
        await work.session.execute(insert(SegmentUse), [its | {"used_id": each} for each in used])
