"""The tag library as a table: its columns, and what a row says."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kernel.actor import Role
from kernel.errors import Invalid
from tagging.errors import Problem
from tagging.models.library import Choice

# What a column is called in files that are written, and what else it may be called in files that are read.
COLUMNS: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "group": ("标签组", "group", ("tag group", "分组")),
    "choice": ("选择", "choice", ("选择方式", "单选/多选")),
    "tag": ("标签", "tag", ("标签名", "tag name")),
    "color": ("颜色", "color", ("colour",)),
    "synonyms": ("同义词", "synonyms", ("synonym",)),
    "shelf_life_days": ("保鲜期（天）", "shelf life (days)", ("保鲜期", "保鲜期(天)", "shelf life", "shelf_life_days")),
    "roles": ("岗位", "roles", ("适用岗位", "role")),
    "stores": ("门店", "stores", ("适用门店", "store codes", "store")),
}
CHOICES = {Choice.SINGLE: ("单选", "single"), Choice.MULTI: ("多选", "multi")}
ROLES = {
    Role.GUIDE: ("导购", "guide"),
    Role.STORE_MANAGER: ("店长", "store_manager"),
    Role.REGIONAL_MANAGER: ("区域经理", "regional_manager"),
    Role.HQ: ("总部", "hq"),
}
FOREVER = ("永久", "forever", "none")
EVERYBODY = ("全部", "all")
_SEPARATORS = "、，；|\n"


@dataclass(slots=True)
class Wanted:
    """A group or tag as a file says it is: what isn't named stays as it is."""

    row: int
    name: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class LibraryTable:
    """What a file says: its groups, their tags by the group's name, and what can't be read."""

    groups: dict[str, Wanted] = field(default_factory=dict)
    tags: dict[str, dict[str, Wanted]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


Reader = Callable[[str], Any]


def field_of(title: str) -> str | None:
    """The column that goes by this title, in either language."""
    sought = title.strip().lower()
    for name, (chinese, english, others) in COLUMNS.items():
        if sought in (chinese, english, *others):
            return name
    return None


def read_table(
    rows: Iterable[tuple[int, Mapping[str, str]]], readers: Mapping[str, Reader], stores: Mapping[str, str]
) -> LibraryTable:
    """Take in rows of texts by column; `readers` check what is written as it is kept, `stores` are ids by code."""
    table = LibraryTable()
    for number, cells in rows:
        try:
            _take_in(table, number, cells, readers, stores)
        except Invalid as refusal:
            table.problems.append(Problem(number, *_reasons(refusal)))
    return table


def _take_in(
    table: LibraryTable, number: int, cells: Mapping[str, str], readers: Mapping[str, Reader], stores: Mapping[str, str]
) -> None:
    of_group = {
        name: read
        for name, text in cells.items()
        if name in ("choice", "shelf_life_days", "roles", "stores")
        and (read := _GROUPS_CELLS[name](text, stores)) is not _NOTHING
    }
    of_tag = {name: readers[name](cells[name]) for name in ("color", "synonyms") if cells.get(name)}
    name = readers["name"](cells.get("group", ""))
    group = table.groups.setdefault(name, Wanted(number, name))
    tag = cells.get("tag", "")
    if not tag:
        of_group |= {key: value for key, value in of_tag.items() if key == "color"}
    for key, value in of_group.items():
        if group.values.setdefault(key, value) != value:
            raise _wrong(f"row {group.row} says otherwise of this group.", f"与第 {group.row} 行对该组的说法不一致。")
    if tag:
        tags = table.tags.setdefault(name, {})
        word = readers["name"](tag)
        if word in tags:
            raise _wrong(f"row {tags[word].row} names this tag already.", f"第 {tags[word].row} 行已有这个标签。")
        tags[word] = Wanted(number, word, of_tag)


_NOTHING = object()


def _choice(text: str, _stores: Mapping[str, str]) -> Any:
    return _NOTHING if not text else _word(text, CHOICES, "choice")


def _days(text: str, _stores: Mapping[str, str]) -> Any:
    if not text:
        return _NOTHING
    if text.lower() in FOREVER:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and 1 <= int(text) <= 3_650):
        raise _wrong("the shelf life has 1 to 3650 days.", "保鲜期应为 1 到 3650 天。")
    return int(text)


def _roles(text: str, _stores: Mapping[str, str]) -> Any:
    if not text:
        return _NOTHING
    if text.lower() in EVERYBODY:
        return []
    named = {_word(part, ROLES, "role") for part in split(text)}
    return [role.value for role in ROLES if role in named]


def _stores(text: str, stores: Mapping[str, str]) -> Any:
    if not text:
        return _NOTHING
    if text.lower() in EVERYBODY:
        return []
    codes = split(text)
    unknown = [code for code in codes if code not in stores]
    if unknown:
        raise _wrong(f"there is no store {unknown[0]:.32}.", f"没有编码为 {unknown[0]:.32} 的门店。")
    return sorted({stores[code] for code in codes})


_GROUPS_CELLS = {"choice": _choice, "shelf_life_days": _days, "roles": _roles, "stores": _stores}


def split(text: str) -> list[str]:
    """The parts of a cell that holds several: with 、 ， ； | or a line's end between them."""
    for separator in _SEPARATORS:
        text = text.replace(separator, ";")
    return [part.strip() for part in text.split(";") if part.strip()]


def joined(parts: Sequence[str]) -> str:
    """Several in one cell."""
    return "；".join(parts)


def _word(text: str, words: Mapping[Any, tuple[str, str]], what: str) -> Any:
    for value, names in words.items():
        if text.strip().lower() in names:
            return value
    known = ", ".join(name for names in words.values() for name in names)
    raise _wrong(f"{text:.30} is no {what}; known are {known}.", f"“{text:.30}”无法识别；可用：{known}。")


def _wrong(reason: str, reason_zh: str) -> Invalid:
    return Invalid(field="", reason=reason, reason_zh=reason_zh)


def _reasons(refusal: Invalid) -> tuple[str, str]:
    named = str(refusal.facts.get("field") or "")
    reason, reason_zh = str(refusal.facts["reason"]), str(refusal.facts["reason_zh"])
    return (f"{named}: {reason}", f"{named}：{reason_zh}") if named else (reason, reason_zh)
