"""The tag library as a table: written from the rows there are, and read from files that nobody has checked."""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from directory.queries import stores
from intake import errors
from intake.models.words import FileRule
from intake.queries import files
from kernel.actor import Actor, Role
from tagging.errors import LibraryFileWrong, Problem
from tagging.models import Choice
from tagging.models.library_file import CHOICES, COLUMNS, ROLES, field_of, joined
from tagging.policy import require_librarian
from tagging.queries import library

MOST_ROWS = 4_000
LONGEST_FILE = 2 * 1024 * 1024
_PACKED = 16  # a workbook may unpack to so many times that

FileRow = tuple[int, Mapping[str, str]]


async def table(session: AsyncSession, actor: Actor, language: str) -> list[list[str]]:
    """The header and the brand's groups in use, each with its tags behind it, in the library's order. `FORBIDDEN`."""
    require_librarian(actor)
    words = 0 if language == "zh" else 1
    codes = {str(row.id): row.code for row in (await stores.by_codes(session, actor)).values()}
    groups = await library.groups(session, actor)
    tags = await library.tags_of_groups(session, actor, [group.id for group in groups])
    rows = [[(chinese, english)[words] for chinese, english, _ in COLUMNS.values()]]
    for group in groups:
        rows.append(_group_row(group, codes, words))
        rows += [
            [group.name, "", tag.name, tag.color, joined(tag.synonyms), "", "", ""] for tag in tags.get(group.id, ())
        ]
    return rows


def read(path: Path) -> list[FileRow]:
    """The rows of a CSV or XLSX file with their numbers, as texts by column; UTF-8 and GB18030 are both read.

    Takes its time: not for the event loop. Raises what `intake` refuses of files, and `COLUMN_MISSING`,
    `COLUMN_TWICE`, `FILE_EMPTY`, `FILE_TOO_LARGE`, `LIBRARY_FILE_WRONG` for more than 4,000 rows.
    """
    _require_small(path)
    return list(_rows(path))


def _rows(path: Path) -> Iterator[FileRow]:
    name = path.name
    with files.opened_rows(path, FileRule(encoding=_encoding(path)), "%Y-%m-%d") as rows:
        line, header = next(rows, (1, []))
        if not any(header):
            raise errors.FileEmpty(file=name)
        places = _places(name, line, header)
        for count, (number, cells) in enumerate(rows, 1):
            if count > MOST_ROWS:
                raise LibraryFileWrong([Problem(number, f"at most {MOST_ROWS} rows.", f"最多 {MOST_ROWS} 行。")])
            there = {field: cells[place] for field, place in places.items() if place < len(cells)}
            yield number, {field: unguarded(text.strip()) for field, text in there.items()}


def unguarded(text: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from taking it for a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def _group_row(group: Any, codes: Mapping[str, str], words: int) -> list[str]:
    days = group.shelf_life_days
    return [
        group.name,
        CHOICES[Choice(group.choice)][words],
        "",
        group.color,
        "",
        str(days) if days is not None else "",
        joined([ROLES[Role(role)][words] for role in group.roles]),
        joined(sorted(codes[store_id] for store_id in group.store_ids if store_id in codes)),
    ]


def _places(name: str, line: int, header: list[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        found = field_of(title)
        if found in places:
            raise errors.ColumnTwice(file=name, line=line, column=title.strip())
        if found is not None:
            places[found] = place
    for needed in ("group", "tag"):
        if needed not in places:
            raise errors.ColumnMissing(file=name, line=line, column=" / ".join(COLUMNS[needed][:2]))
    return places


def _require_small(path: Path) -> None:
    """Neither long nor packed so that it becomes long."""
    try:
        length = path.stat().st_size
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as book:
                length = max(length, sum(part.file_size for part in book.infolist()) // _PACKED)
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise errors.FileUnreadable(file=path.name, reason=type(error).__name__) from error
    if length > LONGEST_FILE:
        raise errors.FileTooLarge(file=path.name, most=LONGEST_FILE // 1024**2)


def _encoding(path: Path) -> str:
    content = path.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8"
