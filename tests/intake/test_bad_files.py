"""A bad file is refused in one sentence that names line and column, and leaves nothing behind."""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from intake import errors
from kernel.work import Ground
from tests.intake.carrying import SMALL, carry, is_untouched, small_lines, snapshot

GOOD = "600001,71053,LANTERN,2,2011-02-03T10:00:00,3.39,12400,Spain"
HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def rows(*lines: str) -> bytes:
    return "\n".join((HEADER, GOOD, *lines, "")).encode()


def cell(column: int, value: str) -> bytes:
    cells = GOOD.split(",")
    cells[column] = value
    return rows(",".join(cells))


def next_invoice(column: int, value: str) -> bytes:
    cells = GOOD.replace("600001", "600009").split(",")
    cells[column] = value
    return rows(",".join(cells))


def late(column: int, value: str) -> bytes:
    """All of the small file, and a bad row at its end."""
    cells = GOOD.split(",")
    cells[column] = value
    return "\n".join((*small_lines(), ",".join(cells), "")).encode()


def cut_gzip() -> bytes:
    packed = gzip.compress(SMALL.read_bytes())
    return packed[: len(packed) * 3 // 4]


def damaged_gzip() -> bytes:
    packed = bytearray(gzip.compress(SMALL.read_bytes()))
    packed[len(packed) // 2] ^= 0xFF
    return bytes(packed)


def endless_line() -> bytes:
    """64 MiB in one line, 64 KiB when packed."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb") as packed:
        packed.write(f"{HEADER}\n600001,".encode())
        for _ in range(64):
            packed.write(b"x" * 1024 * 1024)
    return buffer.getvalue()


def workbook(*lines: list[Any]) -> bytes:
    book = Workbook()
    for line in lines:
        book.active.append(line)  # type: ignore[union-attr]  # a new workbook has a sheet
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book,
        book.open("xl/sharedStrings.xml", "w") as part,
    ):
        for _ in range(129):
            part.write(b" " * 1024 * 1024)
    return buffer.getvalue()


def said(line: int, column: str) -> dict[str, Any]:
    return {"line": line, "column": column}


BAD: list[Any] = [
    ("CELL_WRONG", {"line": 3, "column": "InvoiceNo"}, lambda: cell(0, "")),
    ("NUMBER_WRONG", said(3, "Quantity"), lambda: cell(3, "two")),
    ("NUMBER_WRONG", said(3, "Quantity"), lambda: cell(3, "1.5")),
    ("NUMBER_WRONG", said(3, "Quantity"), lambda: cell(3, "99999999999")),
    ("NUMBER_WRONG", said(3, "Quantity"), lambda: cell(3, "")),
    ("NUMBER_WRONG", said(3, "UnitPrice"), lambda: cell(5, "3.391234567")),
    ("NUMBER_WRONG", said(3, "UnitPrice"), lambda: cell(5, "1e5")),
    ("NUMBER_WRONG", said(3, "UnitPrice"), lambda: cell(5, "NaN")),
    ("NUMBER_WRONG", said(3, "UnitPrice"), lambda: cell(5, "３.39")),
    ("NUMBER_WRONG", said(3, "UnitPrice"), lambda: cell(5, "999999999999")),
    ("NUMBER_WRONG", said(3, "CustomerID"), lambda: next_invoice(6, "12345x")),
    ("INVOICE_DISAGREES", said(3, "CustomerID"), lambda: cell(6, "12345")),
    ("DATE_WRONG", said(3, "InvoiceDate"), lambda: cell(4, "2011-02-30T10:00:00")),
    ("DATE_WRONG", said(3, "InvoiceDate"), lambda: cell(4, "03/02/2011")),
    ("DATE_WRONG", said(3, "InvoiceDate"), lambda: cell(4, "0001-01-01T00:00:00")),
    ("DATE_WRONG", said(3, "InvoiceDate"), lambda: cell(4, "2011-03-27T01:30:00")),
    ("CELL_WRONG", said(3, "StockCode"), lambda: cell(1, "x" * 65)),
    ("CELL_WRONG", said(3, "CustomerID"), lambda: next_invoice(6, "1" * 65)),
    ("PLACE_UNKNOWN", {"line": 2, "column": "Country"}, lambda: rows().replace(b"Spain", b"")),
    ("DATE_WRONG", said(810, "InvoiceDate"), lambda: late(4, "tomorrow")),
    ("ROW_WIDTH_WRONG", said(3, "8"), lambda: rows("600002,71053,LANTERN,2,2011-02-03T10:00:00,3.39,12400")),
    ("ROW_WIDTH_WRONG", said(3, "9"), lambda: rows(GOOD + ",more")),
    ("QUOTES_WRONG", {"line": 3}, lambda: rows('600002,"71053,LANTERN')),
    ("QUOTES_WRONG", {"line": 3}, lambda: rows('600002,"71"053,LANTERN')),
    ("TOO_MANY_COLUMNS", {"line": 3}, lambda: rows("," * 100 + "x")),
    ("COLUMN_MISSING", said(1, "UnitPrice"), lambda: rows().replace(b"UnitPrice", b"Price")),
    ("COLUMN_TWICE", said(1, "Country"), lambda: rows().replace(b"Country\n", b"Country,Country\n")),
    ("ENCODING_WRONG", {"line": 3, "column": 3}, lambda: cell(2, "LATERNE").replace(b"LATERNE", b"L\xe4")),
    ("ENCODING_WRONG", {"line": 3, "column": 3}, lambda: cell(2, "LAN\0TERN")),
    ("ENCODING_WRONG", {"line": 1}, lambda: rows().decode().encode("utf-16")),
    ("FILE_EMPTY", {}, lambda: b""),
    ("FILE_EMPTY", {}, lambda: HEADER.encode()),
    ("FILE_EMPTY", {}, lambda: b"\n\n,,\n"),
    ("FILE_TRUNCATED", {}, cut_gzip),
    ("FILE_TRUNCATED", {}, damaged_gzip),
    ("FILE_TRUNCATED", {"line": 0}, lambda: b"\x1f\x8b\x08"),
    ("LINE_TOO_LONG", {"line": 2}, endless_line),
    ("WORKBOOK_WRONG", {}, lambda: b"PK\x03\x04 and then nothing of the kind"),
    ("WORKBOOK_WRONG", {}, lambda: workbook([1])[:-30]),
    ("FILE_TOO_LARGE", {}, zip_bomb),
    ("COLUMN_MISSING", said(1, "InvoiceNo"), lambda: workbook(["number", "code"], [1, 2])),
    (
        "NUMBER_WRONG",
        said(2, "Quantity"),
        lambda: workbook(HEADER.split(","), [*GOOD.split(",")[:3], "x", *GOOD.split(",")[4:]]),
    ),
]


@pytest.mark.parametrize(("code", "place", "content"), BAD, ids=[f"{row[0]}-{at}" for at, row in enumerate(BAD)])
async def test_a_bad_file_is_refused_and_leaves_nothing(
    ground: Ground, tmp_path: Path, code: str, place: dict[str, Any], content: Callable[[], bytes]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content())

    with pytest.raises(errors.BadFile) as refused:
        await carry(ground, path)

    assert refused.value.code == code
    facts = {key: refused.value.facts[key] for key in place}
    assert {key: str(value) for key, value in facts.items()} == {key: str(value) for key, value in place.items()}
    for language in ("zh", "en"):
        assert "bad.csv" in refused.value.say(language)
        assert "{" not in refused.value.say(language)
    assert await is_untouched(ground)


async def test_a_file_that_is_not_there_is_refused(ground: Ground, tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(errors.FileUnreadable):
            await carry(ground, path)
    assert await is_untouched(ground)


async def test_a_row_of_many_lines_is_bounded_too(ground: Ground, tmp_path: Path) -> None:
    path = tmp_path / "long.csv"
    path.write_bytes(rows('600002,"' + "71053\n" * 20_000))

    with pytest.raises(errors.QuotesWrong):
        await carry(ground, path)

    assert await is_untouched(ground)


async def test_a_bad_file_changes_nothing_of_what_was_there(ground: Ground, tmp_path: Path) -> None:
    await carry(ground, SMALL)
    before = await snapshot(ground)
    path = tmp_path / "bad.csv"
    path.write_bytes(late(3, "none"))

    with pytest.raises(errors.NumberWrong):
        await carry(ground, path)

    assert await snapshot(ground) == before


async def test_other_ways_to_write_the_same_file_are_read_alike(ground: Ground, tmp_path: Path) -> None:
    await carry(ground, SMALL)
    before = await snapshot(ground)
    text = SMALL.read_text(encoding="utf-8")
    (tmp_path / "bom.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() + b"\r\n,,,,,,,\r\n")
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(text.encode()))

    for name in ("bom.csv", "packed.csv.gz"):
        report = await carry(ground, tmp_path / name)
        assert report.counts["invoices"] == {"new": 0, "changed": 0, "unchanged": 284}

    assert await snapshot(ground) == before
