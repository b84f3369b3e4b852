"""Signed reports of handovers: a JSON file that proves itself, a workbook of the same, and how both are checked."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID
from zipfile import BadZipFile

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from openpyxl import load_workbook

from handover.models.report import ReportUnreadable, enveloped, opened, tables
from handover.queries import report as queries
from kernel.actor import Actor
from kernel.crypto import Vault
from kernel.work import Ground
from server import sheets, signing

_SHEET = "Signature"


@dataclass(frozen=True, slots=True)
class Signed:
    """A report's bytes, and the signature over exactly these."""

    report: bytes
    signature: str

    def as_json(self) -> bytes:
        return enveloped(self.report, self.signature)

    def as_book(self) -> bytes:
        """The same as a workbook, with a sheet that says which JSON it is."""
        signature: list[Sequence[sheets.Cell]] = [
            ["sha256", sha256(self.report).hexdigest()],
            ["bytes", len(self.report)],
            ["signature", self.signature],
        ]
        return sheets.as_book({**tables(self.report), _SHEET: signature})


async def made(ground: Ground, vault: Vault, actor: Actor, handover_id: UUID, *, in_a_book: bool = False) -> Signed:
    """The report of a handover, signed. `NOT_FOUND`, `HANDOVER_REPORT_TOO_LARGE`."""
    async with ground.db.read() as session:
        report = await queries.report(session, actor, handover_id, in_a_book=in_a_book)
    return Signed(report, signing.signed(vault.signing_key, report))


def checked(file: bytes, key: Ed25519PublicKey) -> Signed | None:
    """What a file says, if it is what was signed with that key, byte for byte."""
    try:
        report, signature = opened(file)
    except ReportUnreadable:
        return None
    return Signed(report, signature) if signing.is_signed(key, report, signature) else None


def differences(signed: Signed, book: bytes) -> list[str]:
    """The sheets of a workbook that don't say what the signed JSON says, cell by cell; all of them, if it is none."""
    expected = _values(signed.as_book())
    try:
        found = _values(book)
    except (BadZipFile, KeyError, ValueError, OSError):
        return sorted(expected)
    return sorted(name for name in {*expected, *found} if expected.get(name) != found.get(name))


def _values(book: bytes) -> dict[str, list[tuple[Any, ...]]]:
    sheets_of = load_workbook(io.BytesIO(book), read_only=True)
    return {sheet.title: [_trimmed(row) for row in sheet.iter_rows(values_only=True)] for sheet in sheets_of.worksheets}


def _trimmed(row: Sequence[Any]) -> tuple[Any, ...]:
    """Without the empty cells at the end, which a workbook may keep or not."""
    cells = list(row)
    while cells and cells[-1] is None:
        cells.pop()
    return tuple(cells)
