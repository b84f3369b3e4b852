"""Take over a file of the tag library: all of it or nothing, and nothing the second time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from directory.queries import stores
from kernel import bulk, feed, ids
from kernel.errors import require_text
from kernel.work import Work
from tagging.commands.redating import REDATE
from tagging.commands.wording import LONGEST_NAME, checked_color, checked_synonyms
from tagging.errors import LibraryFileWrong, Problem
from tagging.events import TagChanged, TagGroupChanged
from tagging.models import Choice, Tag, TagGroup
from tagging.models.library_file import LibraryTable, Reader, Wanted, read_table, split
from tagging.policy import require_librarian
from tagging.queries import library, use
from tagging.queries.library_file import FileRow

# Beyond so many entries in feeds, phones start over instead.
MOST_TOLD = 20_000

_READERS: Mapping[str, Reader] = {
    "name": partial(require_text, "name", longest=LONGEST_NAME),
    "color": checked_color,
    "synonyms": lambda text: checked_synonyms(split(text), 50),
}


@dataclass(slots=True)
class Preview:
    """What taking a file over changes, or would change; or all that is wrong in it."""

    groups_added: int = 0
    groups_changed: int = 0
    tags_added: int = 0
    tags_changed: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class _Changes:
    """What is to be written."""

    new_groups: list[TagGroup] = field(default_factory=list)
    new_tags: list[Tag] = field(default_factory=list)
    groups: list[tuple[TagGroup, dict[str, Any]]] = field(default_factory=list)
    tags: list[tuple[Tag, dict[str, Any]]] = field(default_factory=list)


async def preview_file(work: Work, rows: Sequence[FileRow]) -> Preview:
    """What `import_file` would do. Changes nothing. Raises `FORBIDDEN`."""
    preview, _ = await _compared(work, rows)
    return preview


async def import_file(work: Work, rows: Sequence[FileRow]) -> Preview:
    """Add the groups and tags that the file has and the library hasn't, and change those that differ.

    Nothing is retired, and what the file doesn't name stays as it is. A second time nothing changes.
    Raises `FORBIDDEN`, `LIBRARY_FILE_WRONG`.
    """
    preview, changes = await _compared(work, rows)
    if preview.problems:
        raise LibraryFileWrong(preview.problems)
    await bulk.insert_rows(work.session, TagGroup, [group.model_dump() for group in changes.new_groups])
    await bulk.insert_rows(work.session, Tag, [tag.model_dump() for tag in changes.new_tags])
    for group, values in changes.groups:
        kept = group.shelf_life_days
        group.change(values)
        if group.shelf_life_days != kept:
            work.later(REDATE, group_id=str(group.id))
    for tag, values in changes.tags:
        tag.change(values)
    await _tell(
        work,
        [*changes.new_groups, *(group for group, _ in changes.groups)],
        [*changes.new_tags, *(tag for tag, _ in changes.tags)],
    )
    return preview


async def _compared(work: Work, rows: Sequence[FileRow]) -> tuple[Preview, _Changes]:
    require_librarian(work.actor)
    codes = {row.code: str(row.id) for row in (await stores.by_codes(work.session, work.actor)).values()}
    table = read_table(rows, _READERS, codes)
    await library.lock_library(work.session, work.actor)
    # Tags before groups, as everywhere.
    found = await library.lock_brand_tags(work.session, work.actor)
    groups = {group.name: group for group in await library.lock_groups(work.session, work.actor)}
    tags = _tags_by_name(found, groups)
    preview, changes = Preview(problems=table.problems), _Changes()
    last = max((group.position for group in groups.values()), default=0)
    for name, wanted in table.groups.items():
        group = groups.get(name)
        values = _kept(wanted.values)
        if group is None:
            last += 1
            group = _new_group(work, name, last, values)
            changes.new_groups.append(group)
            preview.groups_added += 1
        elif _differs(group, values):
            await _require_one_each(work, group, wanted, values, preview)
            changes.groups.append((group, values))
            preview.groups_changed += 1
        else:
            preview.unchanged += 1
        _compare_tags(work, group, table.tags.get(name, {}), tags.get(group.id, {}), preview, changes)
    _require_room(table, tags, len(groups), preview)
    return preview, changes


def _compare_tags(
    work: Work,
    group: TagGroup,
    wanted: Mapping[str, Wanted],
    there: Mapping[str, Tag],
    preview: Preview,
    changes: _Changes,
) -> None:
    last = max((tag.position for tag in there.values()), default=0)
    for name, row in wanted.items():
        values = row.values | {
            key: [word for word in words if word != name] for key, words in row.values.items() if key == "synonyms"
        }
        tag = there.get(name)
        if tag is None:
            last += 1
            # As its group, where the file doesn't say.
            usual: dict[str, Any] = {"color": group.color, "synonyms": []}
            changes.new_tags.append(
                Tag(
                    brand_id=work.actor.brand_id,
                    id=ids.new(),
                    group_id=group.id,
                    name=name,
                    position=last,
                    **(usual | values),
                )
            )
            preview.tags_added += 1
        elif _differs(tag, values):
            changes.tags.append((tag, values))
            preview.tags_changed += 1
        else:
            preview.unchanged += 1


def _tags_by_name(tags: Sequence[Tag], groups: Mapping[str, TagGroup]) -> dict[UUID, dict[str, Tag]]:
    by_group: dict[UUID, dict[str, Tag]] = {group.id: {} for group in groups.values()}
    for tag in tags:
        if tag.group_id in by_group:
            by_group[tag.group_id][tag.name] = tag
    return by_group


def _kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """As the columns of a group are called."""
    return {"store_ids" if key == "stores" else key: value for key, value in values.items()}


def _new_group(work: Work, name: str, position: int, values: Mapping[str, Any]) -> TagGroup:
    usual: dict[str, Any] = {"brand_id": work.actor.brand_id, "id": ids.new(), "position": position}
    return TagGroup(name=name, **(usual | dict(values)))


def _differs(row: TagGroup | Tag, values: Mapping[str, Any]) -> bool:
    return any(getattr(row, key) != value for key, value in values.items())


async def _require_one_each(
    work: Work, group: TagGroup, wanted: Wanted, values: Mapping[str, Any], preview: Preview
) -> None:
    if values.get("choice") is Choice.SINGLE and group.choice is Choice.MULTI:
        count = await use.carrying_several(work.session, work.actor.brand_id, group.id)
        if count:
            reason = f"customers that carry several tags of this group: {count}."
            preview.problems.append(Problem(wanted.row, reason, f"有 {count} 位顾客带有该组的多个标签。"))


def _require_room(table: LibraryTable, tags: Mapping[UUID, Mapping[str, Tag]], groups: int, preview: Preview) -> None:
    in_use = sum(len(each) for each in tags.values())
    most_groups, most_tags = library.MOST_GROUPS, library.MOST_BRAND_TAGS
    if groups + preview.groups_added > most_groups:
        row = next(iter(table.groups.values())).row
        preview.problems.append(Problem(row, f"at most {most_groups} groups.", f"最多 {most_groups} 个标签组。"))
    if in_use + preview.tags_added > most_tags:
        row = next(iter(table.groups.values())).row
        preview.problems.append(Problem(row, f"at most {most_tags} tags.", f"最多 {most_tags} 个标签。"))


async def _tell(work: Work, groups: Sequence[TagGroup], tags: Sequence[Tag]) -> None:
    shops = await stores.by_codes(work.session, work.actor)
    if (len(groups) + len(tags)) * len(shops) > MOST_TOLD:
        await feed.new_epoch(work.session, work.actor.brand_id)
        return
    for group in groups:
        work.record(TagGroupChanged(group_id=group.id, version=group.version))
    for tag in tags:
        work.record(TagChanged(tag_id=tag.id, owner_id=None, version=tag.version))
