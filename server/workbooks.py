"""Write a workbook while it is being sent: of any size, in no more memory than a piece of it.

openpyxl writes a workbook once all of it is known. Parts of an XLSX file may come in any order, so that the list of
its sheets can be the last of them.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Sequence
from decimal import Decimal
from xml.sax.saxutils import escape, quoteattr
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from server.sheets import Cell, guarded

MOST_ROWS = 500_000
"""In a sheet; a spreadsheet takes 1,048,576, and readers don't take parts beyond 2 GiB."""
_LEVEL = 1  # figures shrink to a tenth at any level
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_LOOK = (  # the head stays where one scrolls, and amounts have room
    '<sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" '
    'state="frozen"/></sheetView></sheetViews><sheetFormatPr defaultColWidth="14" defaultRowHeight="15"/>'
)
_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class _Sink:
    """Where the file goes: what has been written since it was taken last. It can't be gone back in."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        pass

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)


async def streamed(
    title: str, head: Sequence[Cell], pieces: AsyncIterator[Sequence[Sequence[Cell]]]
) -> AsyncIterator[bytes]:
    """The bytes of a workbook with these rows, which go on in another sheet where one is full, each with the head."""
    sink = _Sink()
    book = ZipFile(sink, "w", ZIP_DEFLATED, compresslevel=_LEVEL)  # type: ignore[call-overload]  # it only writes
    sheets, room, sheet = 0, 0, None
    async for rows in _begun(pieces):
        at = 0
        while sheet is None or at < len(rows):
            if sheet is None or room == 0:
                if sheet is not None:
                    _close(sheet)
                sheets += 1
                sheet, room = _opened(book, sheets, head), MOST_ROWS
            some = rows[at : at + room]
            at, room = at + len(some), room - len(some)
            sheet.write(await asyncio.to_thread(_rows, some))
        if part := sink.taken():
            yield part
    _close(sheet)
    for name, content in _frame(title, sheets).items():
        book.writestr(_part(name), content)
    book.close()
    yield sink.taken()


async def _begun(pieces: AsyncIterator[Sequence[Sequence[Cell]]]) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    """An empty piece first, so that there is a sheet in any case."""
    yield []
    async for piece in pieces:
        yield piece


def _opened(book: ZipFile, number: int, head: Sequence[Cell]):  # type: ignore[no-untyped-def]  # zipfile's own, unnamed
    sheet = book.open(_part(f"xl/worksheets/sheet{number}.xml"), "w")
    sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}">{_LOOK}<sheetData>'.encode() + _rows([head]))
    return sheet


def _close(sheet) -> None:  # type: ignore[no-untyped-def]  # as above
    sheet.write(b"</sheetData></worksheet>")
    sheet.close()


def _part(name: str) -> ZipInfo:
    """The same rows give the same file, whenever."""
    part = ZipInfo(name)
    part.compress_type = ZIP_DEFLATED
    return part


def _rows(rows: Iterable[Iterable[Cell]]) -> bytes:
    return "".join(f"<row>{''.join(map(_cell, row))}</row>" for row in rows).encode()


def _cell(value: Cell) -> str:
    if value == "":
        return "<c/>"
    if not isinstance(value, str):
        return f"<c><v>{_plain(value)}</v></c>"
    words = escape(_NO_XML.sub("\ufffd", guarded(value)))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{words}</t></is></c>'


def _plain(value: int | Decimal) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _frame(title: str, sheets: int) -> dict[str, str]:
    """What makes a workbook of the sheets."""
    numbers = range(1, sheets + 1)
    names = {number: title if sheets == 1 else f"{title} {number}" for number in numbers}
    parts = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_TYPE}.worksheet+xml"/>' for n in numbers
    )
    listed = "".join(f'<sheet name={quoteattr(names[n])} sheetId="{n}" r:id="s{n}"/>' for n in numbers)
    links = "".join(
        f'<Relationship Id="s{n}" Type="{_LINKS}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers
    )
    return {
        "xl/workbook.xml": (
            f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><bookViews><workbookView/></bookViews>'
            f"<sheets>{listed}</sheets></workbook>"
        ),
        "xl/_rels/workbook.xml.rels": (
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>'
        ),
        "_rels/.rels": (
            f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="book" '
            f'Type="{_LINKS}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "[Content_Types].xml": (
            f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>{parts}</Types>'
        ),
    }
