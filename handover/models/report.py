"""The report of a handover as bytes that can be signed, and as the tables of a workbook. No I/O."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson

FORMAT = "daogou.handover.report/1"

_FIRST = re.compile(rb'\{"signature":"([\w.-]*)",\n')
_BEFORE, _BEHIND = b'"report":', b"}\n"

Row = list[str | int]


class ReportUnreadable(Exception):
    """These bytes aren't laid out as a report is."""


def canonical(value: Any) -> bytes:
    """JSON in one way only: keys in their order, no blanks, UTF-8; instants in UTC, ids and enums as strings."""
    option = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z | orjson.OPT_NAIVE_UTC
    return orjson.dumps(value, default=_said, option=option)


def _said(value: Any) -> str:
    """A driver's own kind of id."""
    if isinstance(value, UUID):
        return str(value)
    raise TypeError


def assembled(parts: Mapping[str, bytes]) -> bytes:
    """An object of members that are canonical already."""
    return b"{" + b",".join(canonical(name) + b":" + parts[name] for name in sorted(parts)) + b"}"


def listed(members: Iterable[bytes]) -> bytes:
    """A list of members that are canonical already."""
    return b"[" + b",".join(members) + b"]"


def enveloped(report: bytes, signature: str) -> bytes:
    """The file: JSON of two lines, the signature on the first and the report, byte for byte, on the second."""
    return b'{"signature":"' + signature.encode() + b'",\n' + _BEFORE + report + _BEHIND


def opened(file: bytes) -> tuple[bytes, str]:
    """The bytes of the report, and its signature. Raises `ReportUnreadable`."""
    found = _FIRST.match(file)
    start = found.end() if found else 0
    if found is None or not file.startswith(_BEFORE, start) or not file.endswith(_BEHIND):
        raise ReportUnreadable
    return file[start + len(_BEFORE) : -len(_BEHIND)], found[1].decode()


def tables(report: bytes) -> dict[str, list[Row]]:
    """The same as a workbook has it: one sheet for each part, from the bytes alone."""
    said: dict[str, Any] = orjson.loads(report)
    money = said["money"]
    return {
        "Report": [["", ""], *_flat("", {name: said[name] for name in ("format", "brand", "handover", "counts")})],
        "Plan": [["", ""], *_flat("", said["plan"])],
        "Accounts": _table(said["accounts"], ("id", "kind", "store", "staff")),
        "Ledger": [["", ""], *_flat("", {each["line"]: each for each in said["ledger"]})],
        "Relationships": _table(said["items"], ITEM),
        "Credit": _table(money["credit"], ("account_id", "staff", "when", "orders", "amount")),
        "Commission": _table(money["commission"], ("staff", "role", "when", "entries", "amount", "borne")),
        "Statements": _table(money["statements"], ("period", "store", "staff", "basis", "amount", "entries")),
        "Violations": [["", ""], *_flat("", said["violations"])],
    }


ITEM = (
    "relationship_id",
    "member_number",
    "from_account_id",
    "to_account_id",
    "reason",
    "here",
    "why",
    "moved_at",
    "there",
    "successor_id",
    "is_merged",
)
"""What is said of each relationship: nobody's name, nobody's phone."""


def _table(rows: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[Row]:
    return [list(names), *([_cell(row[name]) for name in names] for row in rows)]


def _flat(before: str, value: Any) -> list[Row]:
    """What is nested, a line for each end of it."""
    if isinstance(value, dict):
        return [row for name in value for row in _flat(f"{before}.{name}" if before else name, value[name])]
    if isinstance(value, list):
        return [row for place, each in enumerate(value) for row in _flat(f"{before}.{place}", each)]
    return [[before, _cell(value)]]


def _cell(value: Any) -> str | int:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, int) else str(value)
