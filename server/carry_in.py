"""Carry a file into a brand: read and check all of it, then apply it in short steps that can be taken up again."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from directory.models import Brand
from intake.commands import leaving, noting, runs, stage, steps
from intake.commands.members import add_members
from intake.errors import BrandCodeWrong, CurrencyDiffers, FileEmpty, ImportBusy
from intake.models import ImportRun, Kind, Phase
from intake.models.cells import Refused
from intake.models.mapping import AnyMapping, OrderMapping, as_data
from intake.models.members_file import members
from intake.models.orders_file import pieces, placer
from intake.queries import catalogue, files, ledger, mappings
from kernel import bulk, ids
from kernel.actor import system
from kernel.crypto import Vault
from kernel.work import Ground, Work, unit_of_work
from tasks.commands import rules

Progress = Callable[[str, int, int], None]
_PATIENCE = runs.LEASE.total_seconds() + 2
_WAIT = 0.25
_KIBIBYTE = 1024
_GROWN = frozenset({1, 4, 16, 64, 256, 1024})
_GROWING = (
    "import_staged_piece",
    "import_staged_invoice",
    "import_staged_customer",
    "import_staged_member",
    "imported_member",
    "imported_invoice",
    "store",
    "staff",
    "account",
    "customer",
    "relationship",
    "holding",
    "product",
    "mall_order",
    "refund",
)


@dataclass(frozen=True, slots=True)
class Report:
    """What came of an import. `resumed`: an earlier, interrupted one was taken up where it stopped."""

    counts: dict[str, Any]
    seconds: float
    resumed: bool
    dry_run: bool


async def carry_in(
    ground: Ground,
    path: Path,
    mapping: AnyMapping,
    vault: Vault,
    *,
    brand_code: str | None = None,
    dry_run: bool = False,
    as_of: date | None = None,
    progress: Progress = lambda _stage, _done, _total: None,
) -> Report:
    """Import a file, or with `dry_run` only say what it would do.

    An import that was interrupted is finished first, whichever file it was of; when it was this one, that is all.
    Raises `IMPORT_BUSY`, `BRAND_CODE_WRONG`, `CURRENCY_DIFFERS`, and for a file that can't be taken the refusal that
    names the place.
    """
    began = monotonic()
    code = _checked(brand_code or mapping.brand.code)
    fingerprint = files.fingerprint(path)
    await _require_currency(ground, code, mapping)
    earlier = await _settle_earlier(ground, code, progress)
    if earlier is not None and not dry_run and _is_same(earlier, fingerprint, mapping, as_of):
        return Report(earlier.counts, monotonic() - began, resumed=True, dry_run=False)
    run = await _begin(ground, code, mapping, path, fingerprint, as_of)
    try:
        counts = await _stage(ground, run, path, mapping, vault, progress)
    except BaseException:
        await _drop(ground, run)
        raise
    if dry_run:
        await _drop(ground, run)
        return Report(counts, monotonic() - began, resumed=False, dry_run=True)
    run = await _accept(ground, run, counts)
    run = await _apply(ground, run, mapping, progress)
    return Report(run.counts, monotonic() - began, resumed=False, dry_run=False)


def _checked(code: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]{1,32}", code):
        raise BrandCodeWrong
    return code


async def _require_currency(ground: Ground, code: str, mapping: AnyMapping) -> None:
    async with ground.db.read() as session:
        brand = await ledger.brand_of(session, code)
    if brand is not None and brand.currency != mapping.brand.currency:
        raise CurrencyDiffers(brand=code, ours=brand.currency, theirs=mapping.brand.currency)


async def _settle_earlier(ground: Ground, code: str, progress: Progress) -> ImportRun | None:
    """Finish the import that somebody left behind, or drop it if nothing of it was applied yet."""
    run = await _take_over(ground, code)
    if run is None:
        return None
    if run.is_staging:
        await _drop(ground, run)
        return None
    mapping = mappings.parse(str(run.mapping.get("name")), run.mapping, run.kind)
    return await _apply(ground, run, mapping, progress)


async def _take_over(ground: Ground, code: str) -> ImportRun | None:
    waited = 0.0
    while True:
        async with ground.db.read() as session:
            run = await ledger.open_run(session, code)
        if run is None:
            return None
        try:
            async with unit_of_work(ground, system(run.brand_id)) as work:
                return await runs.take_over(work, run.id)
        except ImportBusy:
            # Whoever was killed a moment ago still seems to hold it.
            if waited >= _PATIENCE:
                raise
            await asyncio.sleep(_WAIT)
            waited += _WAIT


def _is_same(run: ImportRun, fingerprint: str, mapping: AnyMapping, as_of: date | None) -> bool:
    return run.fingerprint == fingerprint and run.mapping == as_data(mapping) and run.as_of == as_of


async def _begin(
    ground: Ground, code: str, mapping: AnyMapping, path: Path, fingerprint: str, as_of: date | None
) -> ImportRun:
    async with ground.db.read() as session:
        brand = await ledger.brand_of(session, code)
    brand_id: UUID = brand.id if brand else ids.new()
    async with unit_of_work(ground, system(brand_id)) as work:
        return await runs.begin(
            work,
            brand_code=code,
            kind=Kind(mapping.kind),
            source=mapping.source,
            file_name=path.name.encode(errors="replace").decode()[-200:],
            fingerprint=fingerprint,
            mapping=as_data(mapping),
            as_of=as_of,
        )


async def _stage(
    ground: Ground, run: ImportRun, path: Path, mapping: AnyMapping, vault: Vault, progress: Progress
) -> dict[str, Any]:
    """All of the file into the staging area; returns what it holds."""
    tally, known = stage.Tally(), noting.Known()
    with files.opened(path, mapping.file, mapping.columns, mapping.time.formats[0], mapping.optional_columns) as sheet:
        rows = _Rows(run.file_name, sheet, tally)
        try:
            if isinstance(mapping, OrderMapping):
                for batch in pieces(mapping, rows):
                    tally.first, tally.last = tally.first or batch[0].number, batch[-1].number
                    async with unit_of_work(ground, system(run.brand_id)) as work:
                        await stage.add_pieces(work, run, batch)
                        run = await _show_reading(work, run, tally, sheet)
                    progress("read", sheet.done_bytes(), sheet.total_bytes)
            else:
                for told in members(mapping, vault, run.brand_id, rows):
                    async with unit_of_work(ground, system(run.brand_id)) as work:
                        await add_members(work, run, mapping, known, tally, told)
                        run = await _show_reading(work, run, tally, sheet)
                    progress("read", sheet.done_bytes(), sheet.total_bytes)
        except Refused as refused:
            raise refused.at(run.file_name, rows.line, mapping.columns) from refused
    if not tally.rows:
        raise FileEmpty(file=path.name)
    await bulk.look_at_sizes(ground.db, *_GROWING)
    if isinstance(mapping, OrderMapping):
        await _combine(ground, run, mapping, known, tally, progress)
    return tally.as_data()


async def _show_reading(work: Work, run: ImportRun, tally: stage.Tally, sheet: files.Sheet) -> ImportRun:
    done, total = sheet.done_bytes() // _KIBIBYTE, -(-sheet.total_bytes // _KIBIBYTE)
    return await runs.show_staging(work, run, Phase.STAGING, tally.as_data, done, total)


class _Rows:
    """The rows of a sheet by field; `line` is where the last one began."""

    def __init__(self, file: str, sheet: files.Sheet, tally: stage.Tally) -> None:
        self._file = file
        self._sheet = sheet
        self._tally = tally
        self.line = 0

    def __iter__(self) -> Iterator[tuple[int, dict[str, str]]]:
        for line, cells in self._sheet.rows:
            self.line = line
            self._tally.rows += 1
            yield line, files.fields_of(self._sheet, self._file, line, cells)


async def _accept(ground: Ground, run: ImportRun, counts: dict[str, Any]) -> ImportRun:
    """From here on the import will be applied, whoever does it."""
    async with unit_of_work(ground, system(run.brand_id)) as work:
        held = await runs.hold(work, run)
        held.counts = counts
        await runs.advance(work, held, Phase.PLACES if held.has_news else Phase.FINISHING)
    return held


async def _combine(
    ground: Ground, run: ImportRun, mapping: OrderMapping, known: noting.Known, tally: stage.Tally, progress: Progress
) -> None:
    rules = placer(mapping)
    async with ground.db.read() as session:
        total = await ledger.staged_numbers(session, run)
    while True:
        async with unit_of_work(ground, system(run.brand_id)) as work:
            if not await stage.combine(work, run, mapping, rules, known, tally):
                return
            compared = sum(tally.outcomes.values())
            done = compared + tally.left_out
            run = await runs.show_staging(work, run, Phase.COMPARING, tally.as_data, done, total)
        progress("compare", compared, 0)


async def _apply(ground: Ground, run: ImportRun, mapping: AnyMapping, progress: Progress) -> ImportRun:
    """All that is staged, step by step. Should it fail, others hear of it at once and may go on at once."""
    try:
        return await _step_on(ground, run, mapping, progress)
    except BaseException:
        await _let_go(ground, run)
        raise


async def _let_go(ground: Ground, run: ImportRun) -> None:
    # What made the import fail may keep this from being told too; then the end of the lease tells it.
    with suppress(SQLAlchemyError, OSError, TimeoutError):
        async with unit_of_work(ground, system(run.brand_id)) as work:
            await leaving.let_go(work, run)


async def _step_on(ground: Ground, run: ImportRun, mapping: AnyMapping, progress: Progress) -> ImportRun:
    done = taken = 0
    while run.phase is not Phase.DONE:
        stale = []
        if run.phase is Phase.FINISHING:
            await _clear(ground, run)
            async with ground.db.read() as session:
                stale = await catalogue.out_of_date(session, run)
        async with unit_of_work(ground, system(run.brand_id)) as work:
            before = run.phase
            is_new = before is Phase.PLACES and await work.session.get(Brand, run.brand_id) is None
            run, count = await steps.step(work, run, mapping, stale)
            if is_new:
                await rules.begin(work)
        done, taken = (done + count, taken + 1) if run.phase is before else (0, 0)
        if taken in _GROWN:
            await bulk.look_at_sizes(ground.db, *_GROWING)
        progress(run.phase.value, done, 0)
    return run


async def _drop(ground: Ground, run: ImportRun) -> None:
    """Leave nothing of an import that was not applied."""
    await _clear(ground, run)
    async with unit_of_work(ground, system(run.brand_id)) as work:
        await runs.forget(work, run)


async def _clear(ground: Ground, run: ImportRun) -> None:
    """Empty the staging area, a little at a time."""
    empty = False
    while not empty:
        async with unit_of_work(ground, system(run.brand_id)) as work:
            empty = await runs.clear(work, run)
