"""Write tables as CSV and XLSX that spreadsheets open as they are meant: in UTF-8, and without formulas."""

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from openpyxl import Workbook

CSV = "text/csv; charset=utf-8"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BOM = b"\xef\xbb\xbf"  # at the beginning of a file: it tells spreadsheets that it is UTF-8
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what a mall sends may hold what no workbook can

Cell = str | int | Decimal


def guarded(cell: str) -> str:
    """What a spreadsheet would take for a formula, so that it is shown as it is."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _plain(row: Iterable[Cell]) -> list[Cell]:
    """Words are guarded, numbers stay numbers."""
    return [guarded(cell) if isinstance(cell, str) else cell for cell in row]


def as_csv(rows: Iterable[Sequence[Cell]]) -> bytes:
    return BOM + lines(rows)


def lines(rows: Iterable[Iterable[Cell]]) -> bytes:
    """Some lines of a CSV file; the first of them come behind `BOM`."""
    text = io.StringIO()
    csv.writer(text).writerows(_plain(row) for row in rows)
    return text.getvalue().encode()


def as_xlsx(rows: Iterable[Sequence[Cell]], title: str) -> bytes:
    return as_book({title: rows})


def as_book(sheets: Mapping[str, Iterable[Sequence[Cell]]]) -> bytes:
    """A workbook of several sheets, by their titles."""
    book = Workbook(write_only=True)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append([_NO_XML.sub("\ufffd", cell) if isinstance(cell, str) else cell for cell in _plain(row)])
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()
