"""Read the rows of a CSV, CSV.gz or XLSX file, never more than one bounded row at a time.

Nothing is believed: neither that a line ends, nor that what is packed stays small when unpacked.
"""

import csv
import gzip
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple, cast

from intake import errors
from intake.models.words import FileRule
from intake.queries.workbook import workbook_rows

MOST_COLUMNS = 100
LONGEST_ROW = 1024 * 1024
MOST_BYTES = 16 * 1024**3
_BLOCK = 1024 * 1024
_GZIP, _ZIP = b"\x1f\x8b", b"PK"

Row = tuple[int, list[str]]


class Sheet(NamedTuple):
    """The place and the title of each field among the columns, the rows with their line numbers, and the progress."""

    places: dict[str, int]
    titles: dict[str, str]
    width: int
    rows: Iterator[Row]
    total_bytes: int
    done_bytes: Callable[[], int]


def fingerprint(path: Path) -> str:
    """The same for the same bytes. Raises `FILE_UNREADABLE`."""
    found = hashlib.sha256()
    with _opened(path) as stream:
        while block := stream.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


@contextmanager
def opened(
    path: Path,
    rule: FileRule,
    columns: Mapping[str, str],
    time_format: str,
    optional: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[Sheet]:
    """The sheet in the file; its rows may be read inside the block. Refuses a header that doesn't fit.

    `optional` fields are in the sheet if one of their headers is; of several the first.
    """
    with _opened(path) as stream:
        yield _sheet(path.name, _rows(path.name, stream, rule, time_format), columns, optional or {}, stream)


@contextmanager
def opened_rows(path: Path, rule: FileRule, time_format: str) -> Iterator[Iterator[Row]]:
    """All rows with their line numbers, the header among them; they may be read inside the block."""
    with _opened(path) as stream:
        yield _rows(path.name, stream, rule, time_format)


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise errors.FileUnreadable(file=path.name, reason=error.strerror or type(error).__name__) from error
    with stream:
        yield stream


def _rows(name: str, stream: IO[bytes], rule: FileRule, time_format: str) -> Iterator[Row]:
    start = stream.read(2)
    stream.seek(0)
    if start == _ZIP:
        return workbook_rows(name, stream, rule.sheet, time_format, MOST_COLUMNS)
    return _csv_rows(name, _unpacked(stream, start == _GZIP), rule)


def _unpacked(stream: IO[bytes], packed: bool) -> IO[bytes]:
    return cast(IO[bytes], gzip.GzipFile(fileobj=stream, mode="rb")) if packed else stream


def _sheet(
    name: str,
    rows: Iterator[Row],
    columns: Mapping[str, str],
    optional: Mapping[str, Sequence[str]],
    stream: IO[bytes],
) -> Sheet:
    line, header = next(rows, (1, []))
    if not any(header):
        raise errors.FileEmpty(file=name)
    titles = [title.strip() for title in header]
    here = {field: next((title for title in names if title in titles), None) for field, names in optional.items()}
    columns = {**columns, **{field: title for field, title in here.items() if title is not None}}
    for title in columns.values():
        found = titles.count(title)
        if found != 1:
            kind = errors.ColumnTwice if found else errors.ColumnMissing
            raise kind(file=name, line=line, column=title)
    places = {field: titles.index(title) for field, title in columns.items()}
    return Sheet(places, dict(columns), len(titles), rows, os.fstat(stream.fileno()).st_size, stream.tell)


def _csv_rows(name: str, stream: IO[bytes], rule: FileRule) -> Iterator[Row]:
    source = _Lines(name, stream, rule)
    reader = csv.reader(source, delimiter=rule.delimiter, strict=True)
    while True:
        first = source.number + 1
        source.row_bytes = 0
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise errors.QuotesWrong(file=name, line=first, column=1) from error
        if len(cells) > MOST_COLUMNS:
            raise errors.TooManyColumns(file=name, line=first, most=MOST_COLUMNS)
        if any(cells):
            yield first, cells


class _Lines:
    """The text lines of a stream, each bounded, and so the lines of one row together."""

    def __init__(self, name: str, stream: IO[bytes], rule: FileRule) -> None:
        self.name = name
        self.stream = stream
        self.encoding = rule.encoding
        self.delimiter = rule.delimiter
        self.number = 0
        self.row_bytes = 0
        self._total = 0

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        try:
            raw = self.stream.readline(LONGEST_ROW + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise errors.FileTruncated(file=self.name, line=self.number) from error
        if not raw:
            raise StopIteration
        self.number += 1
        self.row_bytes += len(raw)
        self._total += len(raw)
        if self.row_bytes > LONGEST_ROW:
            raise errors.LineTooLong(file=self.name, line=self.number, column=1, most=LONGEST_ROW)
        if self._total > MOST_BYTES:
            raise errors.FileTooLarge(file=self.name, most=MOST_BYTES // 1024**2)
        if self.number == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        return self._text(raw)

    def _text(self, raw: bytes) -> str:
        if (zero := raw.find(b"\x00")) >= 0:
            raise self._wrong(raw[:zero])
        try:
            return raw.decode(self.encoding)
        except UnicodeDecodeError as error:
            raise self._wrong(raw[: error.start]) from error

    def _wrong(self, before: bytes) -> errors.EncodingWrong:
        column = before.decode(self.encoding, "replace").count(self.delimiter) + 1
        return errors.EncodingWrong(file=self.name, line=self.number, column=column, encoding=self.encoding)


def fields_of(sheet: Sheet, name: str, line: int, cells: Sequence[str]) -> dict[str, str]:
    """A row's mapped cells by field, without surrounding blanks. Raises `ROW_WIDTH_WRONG`."""
    if len(cells) != sheet.width:
        raise errors.RowWidthWrong(
            file=name,
            line=line,
            column=min(len(cells), sheet.width) + 1,
            width=len(cells),
            expected=sheet.width,
        )
    return {field: cells[place].strip() for field, place in sheet.places.items()}
