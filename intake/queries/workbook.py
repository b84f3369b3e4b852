"""Read the rows of an XLSX workbook as the texts a CSV would hold."""

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import IO, Any
from xml.etree.ElementTree import ParseError  # only to catch it: openpyxl does the parsing

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from intake import errors

MOST_UNPACKED = 1024**3
MOST_SHARED_TEXT = 128 * 1024**2
MOST_ROWS = 1_048_576
_SHARED = "xl/sharedStrings.xml"
_BROKEN = (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, OSError, EOFError)

Row = tuple[int, list[str]]


def workbook_rows(
    name: str, stream: IO[bytes], sheet: str | None, time_format: str, most_columns: int
) -> Iterator[Row]:
    """Rows with their numbers; trailing blank cells beyond the header are dropped, blank rows are left out.

    A cell that Excel keeps as a date is written in `time_format`. Raises `WORKBOOK_WRONG`, `FILE_TOO_LARGE`.
    """
    _require_small(name, stream)
    try:
        book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        found = book[sheet] if sheet else book.worksheets[0]
        rows = found.iter_rows(max_col=most_columns + 1, values_only=True)
        width = 0
        for number, values in enumerate(rows, 1):
            if number > MOST_ROWS:
                raise errors.WorkbookWrong(file=name, reason="too many rows")
            cells = [_text(value, time_format) for value in values]
            if not any(cells):
                continue
            width = width or _width(cells)
            if _width(cells) > most_columns:
                raise errors.TooManyColumns(file=name, line=number, most=most_columns)
            yield number, _fitted(cells, width)
    except _BROKEN as error:
        raise errors.WorkbookWrong(file=name, reason=type(error).__name__) from error


def _require_small(name: str, stream: IO[bytes]) -> None:
    try:
        parts = zipfile.ZipFile(stream).infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise errors.WorkbookWrong(file=name, reason="damaged") from error
    finally:
        stream.seek(0)
    # What a part claims is a true bound: reading stops there.
    if sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise errors.FileTooLarge(file=name, most=MOST_UNPACKED // 1024**2)
    if any(part.filename == _SHARED and part.file_size > MOST_SHARED_TEXT for part in parts):
        raise errors.FileTooLarge(file=name, most=MOST_SHARED_TEXT // 1024**2)


def _width(cells: list[str]) -> int:
    return max((place for place, cell in enumerate(cells, 1) if cell), default=0)


def _fitted(cells: list[str], width: int) -> list[str]:
    if len(cells) <= width:
        return cells + [""] * (width - len(cells))
    return cells[: max(width, _width(cells))]


def _text(value: Any, time_format: str) -> str:
    match value:
        case None:
            return ""
        case str():
            return value.strip().replace("\x00", "")
        case bool():
            return "TRUE" if value else "FALSE"
        case float():
            # The shortest text that gives this float again is what was typed.
            return f"{Decimal(repr(value)).normalize():f}"
        case datetime():
            return value.strftime(time_format)
        case date():
            return datetime.combine(value, time.min).strftime(time_format)
        case _:
            return str(value)
