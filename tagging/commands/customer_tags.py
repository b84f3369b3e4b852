"""Put tags on customers, and take them off: many at once, all or none."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import col

from customers import commands as customers
from kernel import bulk, clock
from kernel.errors import Invalid, NotFound
from kernel.work import Work
from tagging.errors import OnlyOneOfGroup, TagRetired
from tagging.events import CustomerTagsChanged
from tagging.models import CERTAIN, Choice, CustomerTag, SetBy
from tagging.policy import require_tagger
from tagging.queries import carried, library

MOST_CUSTOMERS = 100
MOST_TAGS = 50


async def add_tags(
    work: Work, customer_ids: Sequence[UUID], tag_ids: Sequence[UUID], *, set_by: SetBy = SetBy.GUIDE
) -> list[UUID]:
    """Put tags on customers; in a single-choice group the new tag replaces the old one.

    1 to 100 customers, 1 to 50 tags; returns the ids of the customers that changed. One customer or
    tag that isn't in sight, and nothing happens. Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`,
    `TAG_RETIRED`, `ONLY_ONE_OF_GROUP`.
    """
    people, tags = await _lock(work, customer_ids, tag_ids)
    rows = await library.by_ids(work.session, work.actor, tags)
    if any(row.retired_at for row in rows.values()):
        raise TagRetired
    singles = await _single_choices(work, [row.group_id for row in rows.values() if row.group_id])
    replaced = await _delete(work, people, await library.ids_of_groups(work.session, work.actor, singles, but=tags))
    at = clock.now()
    added = await bulk.insert_missing(
        work.session,
        CustomerTag,
        [
            {
                "brand_id": work.actor.brand_id,
                "customer_id": customer_id,
                "tag_id": tag_id,
                "set_by": set_by,
                "by_staff_id": work.actor.staff_id,
                "set_at": at,
                "checked_at": at,
                "confidence": CERTAIN,
            }
            for customer_id in people
            for tag_id in tags
        ],
    )
    return await _say(work, replaced | {row.customer_id for row in added})


async def remove_tags(work: Work, customer_ids: Sequence[UUID], tag_ids: Sequence[UUID]) -> list[UUID]:
    """Take tags off customers; what they don't carry is no matter. Limits and refusals as in `add_tags`.

    Returns the ids of the customers that changed. Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`.
    """
    people, tags = await _lock(work, customer_ids, tag_ids)
    return await _say(work, await _delete(work, people, tags))


async def _lock(
    work: Work, customer_ids: Sequence[UUID], tag_ids: Sequence[UUID]
) -> tuple[Sequence[UUID], Sequence[UUID]]:
    require_tagger(work.actor)
    wanted, tags = sorted(set(customer_ids)), sorted(set(tag_ids))
    _require_count("customerIds", len(wanted), MOST_CUSTOMERS)
    _require_count("tagIds", len(tags), MOST_TAGS)
    # The customers' rows serialise all who tag them: what is read of their tags from here on stays true.
    locked = await carried.lock_customers(work.session, work.actor, wanted)
    if len(locked) != len(wanted) or len(await library.by_ids(work.session, work.actor, tags)) != len(tags):
        raise NotFound
    return wanted, tags


async def _single_choices(work: Work, group_ids: Sequence[UUID]) -> list[UUID]:
    groups = await library.groups_by_ids(work.session, work.actor, group_ids)
    singles = [group for group in groups.values() if group.choice is Choice.SINGLE]
    for group in singles:
        if group_ids.count(group.id) > 1:
            raise OnlyOneOfGroup(group=group.name)
    return [group.id for group in singles]


async def _delete(work: Work, customer_ids: Sequence[UUID], tag_ids: Sequence[UUID]) -> set[UUID]:
    if not tag_ids:
        return set()
    gone = await work.session.scalars(
        delete(CustomerTag)
        .where(
            col(CustomerTag.brand_id) == work.actor.brand_id,
            col(CustomerTag.customer_id).in_(customer_ids),
            col(CustomerTag.tag_id).in_(tag_ids),
        )
        .returning(col(CustomerTag.customer_id))
        .execution_options(synchronize_session=False)
    )
    return set(gone)


async def _say(work: Work, changed: set[UUID]) -> list[UUID]:
    if not changed:
        return []
    versions = await customers.touch(work, sorted(changed))
    for customer_id in sorted(changed):
        work.record(CustomerTagsChanged(customer_id=customer_id, version=versions[customer_id]))
    return sorted(changed)


def _require_count(field: str, count: int, most: int) -> None:
    if not 1 <= count <= most:
        raise Invalid(field=field, reason=f"name 1 to {most}.", reason_zh=f"请选择 1 到 {most} 个。")
