"""Put what a file says into the staging area: pieces as they come, then whole invoices, compared with the known."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlmodel import col

from intake.commands import noting, runs
from intake.models import (
    ImportedInvoice,
    ImportRun,
    Outcome,
    StagedCustomer,
    StagedInvoice,
    StagedPiece,
)
from intake.models.cells import Refused
from intake.models.invoice import REFUND, SALE, Invoice, Line, pack, packed, settled, unpack, unpacked
from intake.models.mapping import Mapping, OrderMapping
from intake.models.orders_file import Piece, whole_piece
from intake.models.rules import Place, Placer
from kernel import bulk
from kernel.work import Work

INVOICES_AT_ONCE = 150
Placed = tuple[Piece, Place, Place | None]


@dataclass(slots=True)
class Tally:
    """What a file turned out to hold. `first` and `last` are the invoices at its edges."""

    rows: int = 0
    first: str = ""
    last: str = ""
    orders: int = 0
    refunds: int = 0
    left_out: int = 0
    customers_told: int = 0
    customers: set[str] = field(default_factory=set)
    ignored: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)

    def as_data(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "orders": self.orders,
            "refunds": self.refunds,
            "customers": len(self.customers) + self.customers_told,
            "left_out": self.left_out,
            "ignored": dict(sorted(self.ignored.items())),
            "invoices": {outcome.value: self.outcomes[outcome.value] for outcome in Outcome},
        }


async def add_pieces(work: Work, run: ImportRun, pieces: Sequence[Piece]) -> None:
    """Keep a batch of lines."""
    await runs.renew(work, run)
    rows = [
        {
            "brand_id": run.brand_id,
            "run_id": run.id,
            "number": piece.number,
            "first_row": piece.first_row,
            "content": pack((piece.header_row, piece.header, piece.is_settled, piece.lines)),
        }
        for piece in pieces
    ]
    await bulk.insert_rows(work.session, StagedPiece, rows)


async def combine(
    work: Work, run: ImportRun, mapping: OrderMapping, placer: Placer, known: noting.Known, tally: Tally
) -> bool:
    """Make whole invoices of the next pieces, and keep those that are new or changed; false when none is left.

    Raises the refusal that names the row when an invoice makes no sense.
    """
    await runs.renew(work, run)
    pieces = await _next_pieces(work, run)
    if not pieces:
        return False
    last = pieces[-1].number
    wholes = [_whole(run, mapping, list(parts)) for _, parts in groupby(pieces, lambda piece: piece.number)]
    placed = [(whole, *_placed(run, mapping, placer, whole)) for whole in wholes]
    await _note_places(work, run, mapping, known, placed)
    given = {whole.number: _invoice(mapping, whole, store, guide, tally) for whole, store, guide in placed}
    given = {number: invoice for number, invoice in given.items() if _is_due(run, mapping, invoice, tally)}
    for invoice in given.values():
        _count(tally, invoice)
    await _keep(work, run, given, await _changes(work, run, given, tally))
    await work.session.execute(
        delete(StagedPiece).where(
            col(StagedPiece.brand_id) == run.brand_id,
            col(StagedPiece.run_id) == run.id,
            col(StagedPiece.number) <= last,
        )
    )
    return True


async def _next_pieces(work: Work, run: ImportRun) -> list[Piece]:
    mine = (col(StagedPiece.brand_id) == run.brand_id, col(StagedPiece.run_id) == run.id)
    numbers = (
        await work.session.scalars(
            select(col(StagedPiece.number))
            .where(*mine)
            .distinct()
            .order_by(col(StagedPiece.number))
            .limit(INVOICES_AT_ONCE)
        )
    ).all()
    if not numbers:
        return []
    found = await work.session.execute(
        select(col(StagedPiece.number), col(StagedPiece.first_row), col(StagedPiece.content))
        .where(*mine, col(StagedPiece.number) <= numbers[-1])
        .order_by(col(StagedPiece.number), col(StagedPiece.first_row))
    )
    return [_piece(*row) for row in found]


def _piece(number: str, first_row: int, content: bytes) -> Piece:
    header_row, header, is_settled, lines = unpack(content)
    return Piece(number, first_row, header_row, header, [Line(*line) for line in lines], is_settled)


def _whole(run: ImportRun, mapping: Mapping, parts: list[Piece]) -> Piece:
    try:
        return whole_piece(parts)
    except Refused as refused:
        raise refused.at(run.file_name, parts[-1].first_row, mapping.columns) from refused


def _placed(run: ImportRun, mapping: Mapping, placer: Placer, whole: Piece) -> tuple[Place, Place | None]:
    try:
        return placer.place({"number": whole.number, **whole.header})
    except Refused as refused:
        raise refused.at(run.file_name, whole.header_row, mapping.columns) from refused


def _invoice(mapping: OrderMapping, whole: Piece, store: Place, guide: Place | None, tally: Tally) -> Invoice:
    return Invoice(
        whole.header.get("customer", ""),
        whole.header.get("country", ""),
        store.code,
        guide.code if guide else "",
        mapping.customer.orders_belong_to == "home_store",
        tuple(whole.lines),
        opens=whole.number == tally.first,
        ends=whole.number == tally.last,
    )


def _is_due(run: ImportRun, mapping: Mapping, invoice: Invoice, tally: Tally) -> bool:
    if run.as_of is None:
        return True
    day: date = datetime.fromtimestamp(invoice.began_at, ZoneInfo(mapping.time.zone)).date()
    if day > run.as_of:
        tally.left_out += 1
        return False
    return True


def _count(tally: Tally, invoice: Invoice) -> None:
    tally.ignored += invoice.ignored
    roles = {line.role for line in invoice.lines}
    tally.refunds += REFUND in roles
    if SALE in roles:
        tally.orders += 1
        if invoice.customer:
            tally.customers.add(invoice.customer)


async def _changes(
    work: Work, run: ImportRun, given: dict[str, Invoice], tally: Tally
) -> dict[str, tuple[Outcome, Invoice, str]]:
    """What is to be applied: outcome, content, and the customer the invoice was known under."""
    table = ImportedInvoice
    mine = (col(table.brand_id) == run.brand_id, col(table.source) == run.source)
    found = await work.session.execute(
        select(col(table.number), col(table.digest)).where(*mine, col(table.number).in_(list(given)))
    )
    digests = dict(found.all())
    differing = [number for number, digest in digests.items() if given[number].digest != digest]
    contents: dict[str, bytes] = {}
    if differing:
        read = await work.session.execute(
            select(col(table.number), col(table.content)).where(*mine, col(table.number).in_(differing))
        )
        contents = dict(read.all())
    changes: dict[str, tuple[Outcome, Invoice, str]] = {}
    for number, invoice in given.items():
        if number not in digests:
            changes[number] = (Outcome.NEW, invoice, "")
        elif number in contents:
            before = unpacked(contents[number])
            after = settled(before, invoice)
            if after.digest != digests[number]:
                changes[number] = (Outcome.CHANGED, after, before.customer)
    for outcome, _, _ in changes.values():
        tally.outcomes[outcome.value] += 1
    tally.outcomes[Outcome.UNCHANGED.value] += len(given) - len(changes)
    return changes


async def _keep(
    work: Work, run: ImportRun, given: dict[str, Invoice], changes: dict[str, tuple[Outcome, Invoice, str]]
) -> None:
    rows = [
        {"brand_id": run.brand_id, "run_id": run.id, "number": number, "outcome": outcome, **_facts(invoice)}
        for number, (outcome, invoice, _) in changes.items()
    ]
    await bulk.insert_rows(work.session, StagedInvoice, rows)
    keys = {key for _, invoice, before in changes.values() for key in (invoice.customer, before) if key}
    await note_customers(work, run, keys)


def _facts(invoice: Invoice) -> dict[str, Any]:
    """The columns that an invoice is found and placed by, with its content."""
    at = invoice.ordered_at
    return {
        "customer_key": invoice.customer or None,
        "ordered_at": None if at is None else datetime.fromtimestamp(at, UTC),
        "store_code": invoice.store,
        "guide_number": invoice.guide or None,
        "follows_home": invoice.follows_home,
        "ignored_lines": invoice.ignored.total(),
        "ignored": dict(sorted(invoice.ignored.items())),
        "digest": invoice.digest,
        "content": packed(invoice),
    }


async def note_customers(work: Work, run: ImportRun, keys: Iterable[str]) -> None:
    """Remember whose home has to be looked at."""
    rows = [{"brand_id": run.brand_id, "run_id": run.id, "customer_key": key} for key in sorted(keys)]
    await bulk.insert_missing(work.session, StagedCustomer, rows)


async def _note_places(
    work: Work,
    run: ImportRun,
    mapping: Mapping,
    known: noting.Known,
    placed: Sequence[tuple[Piece, Place, Place | None]],
) -> None:
    for whole, store, guide in placed:
        await noting.note_place(work, run, mapping, known, whole.header_row, store, guide)
