"""Keep the brand's tag groups: what they ask, who may answer, and how long an answer is believed."""

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack
from uuid import UUID

from directory.queries import stores
from kernel import bulk, clock, ids
from kernel.actor import Role
from kernel.errors import Invalid, NotFound, require_text, require_version
from kernel.work import Work
from tagging.commands.redating import REDATE
from tagging.commands.wording import GREY, LONGEST_NAME, checked_color
from tagging.errors import LibraryChanged, SomeCarrySeveral, TagNameTaken, TooManyTags
from tagging.events import TagChanged, TagGroupChanged, TagRetired
from tagging.models import Choice, TagGroup
from tagging.policy import require_librarian
from tagging.queries import library, use

LONGEST_SHELF_LIFE = 3_650
MOST_STORES = 1_000
ROLES = (Role.GUIDE, Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ)


class GroupChanges(TypedDict, total=False):
    """What is to be different about a group; what is left out stays. No shelf life is for ever."""

    name: str
    color: str
    choice: Choice
    shelf_life_days: int | None
    roles: Sequence[Role]
    store_ids: Sequence[UUID]


async def add_group(
    work: Work, *, name: str, choice: Choice = Choice.MULTI, color: str = GREY, shelf_life_days: int | None = None
) -> TagGroup:
    """Add a group at the end of the brand's library. A shelf life has 1 to 3,650 days.

    Raises `FORBIDDEN`, `INVALID`, `TAG_NAME_TAKEN`, `TOO_MANY_TAGS`.
    """
    require_librarian(work.actor)
    values = await _checked(work, {"name": name, "color": color, "shelf_life_days": shelf_life_days})
    await library.lock_library(work.session, work.actor)
    groups = await library.groups(work.session, work.actor)
    if len(groups) >= library.MOST_GROUPS:
        raise TooManyTags(most=library.MOST_GROUPS)
    last = max((group.position for group in groups), default=0)
    group = TagGroup(brand_id=work.actor.brand_id, id=ids.new(), choice=choice, position=last + 1, **values)
    if not await bulk.insert_missing(work.session, TagGroup, [group.model_dump()]):
        raise TagNameTaken
    work.record(TagGroupChanged(group_id=group.id, version=group.version))
    return group


async def edit_group(
    work: Work, group_id: UUID, *, expected_version: int | None = None, **changes: Unpack[GroupChanges]
) -> TagGroup:
    """Change what a group asks, of whom, and for how long an answer is believed.

    A multi-choice group becomes a single-choice one when no customer carries two of its tags. With another shelf
    life, what customers carry is good for so long from when it was last checked: at once wherever it is shown;
    a job then goes through all rows. `roles` and `store_ids` say who may put the group's tags on customers: empty
    is everybody, and whoever works in no store is bound by the role alone.

    Raises `FORBIDDEN`, `NOT_FOUND`, `INVALID`, `STALE_VERSION`, `TAG_RETIRED`, `TAG_NAME_TAKEN`,
    `SOME_CARRY_SEVERAL`.
    """
    require_librarian(work.actor)
    values = await _checked(work, changes)
    await library.lock_library(work.session, work.actor)
    group = await library.lock_group(work.session, work.actor, group_id)
    require_version(group, expected_version)
    group.require_in_use()
    name = values.get("name", group.name)
    if name != group.name and any(other.name == name for other in await library.groups(work.session, work.actor)):
        raise TagNameTaken
    if values.get("choice") is Choice.SINGLE and group.choice is Choice.MULTI:
        await _require_one_each(work, group)
    kept = group.shelf_life_days
    if group.change(values):
        work.record(TagGroupChanged(group_id=group.id, version=group.version))
    if group.shelf_life_days != kept:
        work.later(REDATE, group_id=str(group.id))
    return group


async def rename_group(work: Work, group_id: UUID, *, name: str, expected_version: int | None = None) -> TagGroup:
    """Call a group differently. Raises as `edit_group`."""
    return await edit_group(work, group_id, name=name, expected_version=expected_version)


async def retire_group(work: Work, group_id: UUID, *, expected_version: int | None = None) -> TagGroup:
    """Use a group and its tags no more: customers that carry them show them no longer, and the names are free.

    Raises `FORBIDDEN`, `NOT_FOUND`, `STALE_VERSION`, `TAG_RETIRED`.
    """
    require_librarian(work.actor)
    await library.lock_library(work.session, work.actor)
    # Its tags before the group, as whoever puts them on customers locks them.
    tags = await library.lock_tags_of_group(work.session, work.actor, group_id)
    group = await library.lock_group(work.session, work.actor, group_id)
    require_version(group, expected_version)
    at = clock.now()
    group.retire(at)
    for tag in tags:
        tag.retire(at)
        work.record(TagChanged(tag_id=tag.id, owner_id=None, version=tag.version))
        work.record(TagRetired(tag_id=tag.id))
    work.record(TagGroupChanged(group_id=group.id, version=group.version))
    return group


async def order_groups(work: Work, group_ids: Sequence[UUID]) -> Sequence[TagGroup]:
    """Put the groups in use in this order; every one is named once.

    Raises `FORBIDDEN`, `LIBRARY_CHANGED`.
    """
    require_librarian(work.actor)
    await library.lock_library(work.session, work.actor)
    groups = {group.id: group for group in await library.lock_groups(work.session, work.actor)}
    if len(group_ids) != len(groups) or set(group_ids) != set(groups):
        raise LibraryChanged
    for position, group_id in enumerate(group_ids, 1):
        group = groups[group_id]
        if group.change({"position": position}):
            work.record(TagGroupChanged(group_id=group.id, version=group.version))
    return [groups[group_id] for group_id in group_ids]


async def _require_one_each(work: Work, group: TagGroup) -> None:
    # Whoever puts its tags on customers waits for the group's row, or has committed.
    count = await use.carrying_several(work.session, work.actor.brand_id, group.id)
    if count:
        raise SomeCarrySeveral(count=count)


async def _checked(work: Work, changes: GroupChanges | dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = dict(changes)
    if "name" in values:
        values["name"] = require_text("name", values["name"], longest=LONGEST_NAME)
    if "color" in values:
        values["color"] = checked_color(values["color"])
    days = values.get("shelf_life_days")
    if days is not None and not 1 <= days <= LONGEST_SHELF_LIFE:
        raise Invalid(
            field="shelfLifeDays",
            reason=f"1 to {LONGEST_SHELF_LIFE} days, or none.",
            reason_zh=f"1 到 {LONGEST_SHELF_LIFE} 天，或不设。",
        )
    if "roles" in values:
        values["roles"] = _checked_roles(values["roles"])
    if "store_ids" in values:
        values["store_ids"] = await _checked_stores(work, values["store_ids"])
    return values


def _checked_roles(roles: Sequence[Role]) -> list[str]:
    if not set(roles) <= set(ROLES):
        raise Invalid(field="roles", reason="name roles of people.", reason_zh="只能是员工的岗位。")
    return [role.value for role in ROLES if role in roles]


async def _checked_stores(work: Work, store_ids: Sequence[UUID]) -> list[str]:
    wanted = sorted(set(store_ids))
    if len(wanted) > MOST_STORES:
        raise Invalid(field="storeIds", reason=f"at most {MOST_STORES}.", reason_zh=f"最多 {MOST_STORES} 家。")
    if wanted and len(await stores.by_ids(work.session, work.actor, wanted)) != len(wanted):
        raise NotFound
    return [str(store_id) for store_id in wanted]
