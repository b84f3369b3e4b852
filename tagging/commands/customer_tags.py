"""Put tags on customers, and take them off: many at once, all or none."""

from collections.abc import Sequence
from uuid import UUID

from kernel.errors import Invalid, NotFound, require_text
from kernel.work import Work
from tagging.commands import carrying
from tagging.commands.carrying import Pair
from tagging.commands.writing import LONGEST_REASON
from tagging.errors import TagNotForYou, TagRetired
from tagging.events import TagsTakenOff
from tagging.models import SetBy
from tagging.policy import is_for, require_tagger
from tagging.queries import carried, library

MOST_CUSTOMERS = 100
MOST_TAGS = 50


async def add_tags(
    work: Work,
    customer_ids: Sequence[UUID],
    tag_ids: Sequence[UUID],
    *,
    set_by: SetBy = SetBy.GUIDE,
    reason: str | None = None,
) -> list[UUID]:
    """Put tags on customers; in a single-choice group the new tag replaces the old one.

    1 to 100 customers, 1 to 50 tags, a reason of at most 200 characters; returns the ids of the customers that
    changed. One customer or tag that isn't in sight, and nothing happens. A tag that is there is confirmed: see
    `carrying.put`. Raises `FORBIDDEN`, `TAG_NOT_FOR_YOU`, `NOT_FOUND`, `INVALID`, `TAG_RETIRED`, `ONLY_ONE_OF_GROUP`.
    """
    pairs = await _pairs(work, customer_ids, tag_ids)
    await _require_fit(work, tag_ids)
    return await carrying.put(
        work, pairs, set_by=set_by, by_staff_id=work.actor.staff_id, reason=_checked_reason(reason)
    )


async def confirm_tags(
    work: Work, customer_ids: Sequence[UUID], tag_ids: Sequence[UUID], *, reason: str | None = None
) -> list[UUID]:
    """Say that these tags are still right; what a customer doesn't carry is no matter.

    Limits and refusals as in `add_tags`; returns the ids of the customers that changed.
    """
    pairs = await _pairs(work, customer_ids, tag_ids)
    await _require_fit(work, tag_ids)
    return await carrying.confirm(
        work, pairs, set_by=SetBy.GUIDE, by_staff_id=work.actor.staff_id, reason=_checked_reason(reason)
    )


async def remove_tags(
    work: Work, customer_ids: Sequence[UUID], tag_ids: Sequence[UUID], *, reason: str | None = None
) -> list[UUID]:
    """Take tags off customers; what they don't carry is no matter. Limits and refusals as in `add_tags`.

    Returns the ids of the customers that changed. Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`.
    """
    pairs = await _pairs(work, customer_ids, tag_ids)
    changed = await carrying.take_off(
        work, pairs, set_by=SetBy.GUIDE, by_staff_id=work.actor.staff_id, reason=_checked_reason(reason)
    )
    if changed:
        work.record(TagsTakenOff(actor_id=work.actor.id))
    return changed


async def _pairs(work: Work, customer_ids: Sequence[UUID], tag_ids: Sequence[UUID]) -> list[Pair]:
    """Each tag on each customer. Locks the customers."""
    require_tagger(work.actor)
    wanted, tags = sorted(set(customer_ids)), sorted(set(tag_ids))
    _require_count("customerIds", len(wanted), MOST_CUSTOMERS)
    _require_count("tagIds", len(tags), MOST_TAGS)
    locked = await carried.lock_customers(work.session, work.actor, wanted)
    if len(locked) != len(wanted) or len(await library.by_ids(work.session, work.actor, tags)) != len(tags):
        raise NotFound
    return [Pair(customer_id, tag_id) for customer_id in wanted for tag_id in tags]


async def _require_fit(work: Work, tag_ids: Sequence[UUID]) -> None:
    """Tags in use, of groups that are for the actor. A tag that was merged is in use as the other one."""
    asked = await library.by_ids(work.session, work.actor, tag_ids)
    if any(row.retired_at is not None and row.merged_into_id is None for row in asked.values()):
        raise TagRetired
    now_called = [row.merged_into_id for row in asked.values() if row.merged_into_id is not None]
    tags = {**asked, **(await library.by_ids(work.session, work.actor, now_called) if now_called else {})}
    groups = await library.groups_by_ids(
        work.session, work.actor, [row.group_id for row in tags.values() if row.group_id and not row.merged_into_id]
    )
    for group in groups.values():
        if not is_for(work.actor, group):
            raise TagNotForYou(group=group.name)


def _checked_reason(reason: str | None) -> str | None:
    return require_text("reason", reason, longest=LONGEST_REASON) if reason is not None else None


def _require_count(field: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise Invalid(field=field, reason=f"name 1 to {most}.", reason_zh=f"请选择 1 到 {most} 个。")
