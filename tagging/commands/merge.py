"""Let one tag stand for another: at once for whoever reads, and row by row in jobs."""

from uuid import UUID

from kernel import clock
from kernel.errors import Invalid, NotFound, require_version
from kernel.work import Work
from tagging.commands import writing
from tagging.commands.merging import catch_up
from tagging.errors import TagsDontMerge
from tagging.events import TagChanged, TagRetired
from tagging.models import Choice, SegmentVersion, Tag
from tagging.policy import require_author
from tagging.queries import carrying, library, use

MOVE_MERGED = "tagging.move_merged"
AT_ONCE = 100


async def merge_tags(work: Work, from_id: UUID, into_id: UUID, *, expected_version: int | None = None) -> Tag:
    """Let `into_id` stand for `from_id`, which is retired; returns the tag that stays.

    The old name becomes a synonym of the new. Rules and segments name the new tag from this commit on; customers
    that carry the old one count as carrying the new one at once, and are moved by jobs. What was merged into the
    old tag before counts as the new one, too: there are no chains. `expected_version` is that of `from_id`.

    Both are in one group, or the tag that stays is in a multi-choice one, or both are the actor's own.
    Raises `NOT_FOUND`, `FORBIDDEN`, `INVALID`, `STALE_VERSION`, `TAG_RETIRED`, `TAGS_DONT_MERGE`,
    `TOO_MANY_SYNONYMS`.
    """
    tag, into, followers = await _lock(work, from_id, into_id)
    require_version(tag, expected_version)
    into.require_in_use()
    tag.require_in_use()
    await _require_fit(work, tag, into)
    tag.merge_into(into, clock.now(), work.actor.staff_id)
    for follower in followers:
        follower.follow(into)
    for changed in (tag, into, *followers):
        work.record(TagChanged(tag_id=changed.id, owner_id=changed.owner_id, version=changed.version))
    work.record(TagRetired(tag_id=tag.id))
    await _rename_in_rules(work, tag, into)
    await _rename_in_segments(work, tag, into)
    work.later(MOVE_MERGED, tag_id=str(tag.id))
    return into


async def move_merged(work: Work, tag_id: UUID) -> int:
    """Let some of the customers that carry a merged tag carry the other one, and ask for the next job.

    Doing it twice does no harm. Returns how many customers changed.
    """
    found = await carrying.carrying(work.session, work.actor.brand_id, tag_id, AT_ONCE)
    people = await carrying.lock(work.session, work.actor.brand_id, found)
    changed = await writing.say(work, await catch_up(work, people))
    if len(found) == AT_ONCE:
        work.later(MOVE_MERGED, tag_id=str(tag_id))
    return len(changed)


async def _lock(work: Work, from_id: UUID, into_id: UUID) -> tuple[Tag, Tag, list[Tag]]:
    """Both tags, and those that were merged into the first."""
    seen = await library.by_ids(work.session, work.actor, [from_id, into_id])
    if len(seen) < len({from_id, into_id}):
        raise NotFound
    for row in seen.values():
        require_author(work.actor, row.owner_id)
    if from_id == into_id:
        raise Invalid(field="intoId", reason="name another tag.", reason_zh="请选择另一个标签。")
    if any(row.owner_id for row in seen.values()):
        await library.lock_personal(work.session, work.actor)
    if not all(row.owner_id for row in seen.values()):
        await library.lock_library(work.session, work.actor)
    tags = await library.lock_tags(work.session, work.actor, [from_id, into_id])
    return tags[from_id], tags[into_id], [tag for tag in tags.values() if tag.merged_into_id == from_id]


async def _require_fit(work: Work, tag: Tag, into: Tag) -> None:
    if tag.owner_id != into.owner_id:
        raise TagsDontMerge(reason="one is personal.", reason_zh="其中一个是个人标签。")
    if into.group_id is not None and into.group_id != tag.group_id:
        group = await library.lock_group(work.session, work.actor, into.group_id)
        if group.choice is Choice.SINGLE:
            raise TagsDontMerge(
                reason="the one that stays is in another, single-choice group.",
                reason_zh="保留的标签属于另一个单选标签组。",
            )


async def _rename_in_rules(work: Work, tag: Tag, into: Tag) -> None:
    for rule in await use.lock_rules_naming(work.session, tag.brand_id, tag.id):
        rule.tag_id = into.id if rule.tag_id == tag.id else rule.tag_id
        rule.condition = use.with_tag(rule.condition, tag.id, into.id)
        rule.enough = use.with_tag(rule.enough, tag.id, into.id)
        rule.version += 1


async def _rename_in_segments(work: Work, tag: Tag, into: Tag) -> None:
    at = clock.now()
    for segment in await use.lock_segments_naming(work.session, tag.brand_id, tag.id):
        segment.tree = use.with_tag(segment.tree, tag.id, into.id)
        segment.edited_at = at
        segment.version += 1
        work.session.add(
            SegmentVersion(
                brand_id=segment.brand_id,
                segment_id=segment.id,
                version=segment.version,
                name=segment.name,
                tree=segment.tree,
                by_staff_id=work.actor.staff_id,
                at=at,
            )
        )
