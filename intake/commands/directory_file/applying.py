"""Bring a brand's regions, stores and staff to what a file says, through the same commands as a person's hand."""

from collections.abc import Awaitable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

from customers import commands as customers
from directory import commands
from directory.commands.stores import StoreChanges
from directory.models import StaffState
from directory.queries import regions, staff, stores
from intake.commands.directory_file.checking import check
from intake.commands.directory_file.reading import DirectoryFile, RegionLine, StaffLine, StoreLine
from kernel.errors import Refusal
from kernel.work import Work

T = TypeVar("T")


@dataclass(slots=True)
class Counts:
    """What became of the lines of one kind."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def note(self, *, changed: bool) -> None:
        if changed:
            self.changed += 1
        else:
            self.unchanged += 1


@dataclass(slots=True)
class Tally:
    """What became of a file.

    `left` counts lines of people who have left, who stay as they are, or who never worked here and are not taken on;
    `leaving` those of whom it is news that they are leaving, or have left; `without_password` those of its staff who
    can't sign in until one is set.
    """

    regions: Counts = field(default_factory=Counts)
    stores: Counts = field(default_factory=Counts)
    staff: Counts = field(default_factory=Counts)
    left: int = 0
    leaving: int = 0
    without_password: int = 0


@dataclass(slots=True)
class _Known:
    """The brand as it is, by code, and how far we are."""

    regions: dict[str, Any]
    stores: dict[str, Any]
    staff: dict[str, Any]
    region_ids: dict[str, UUID]
    store_ids: dict[str, UUID]


async def apply(work: Work, file: DirectoryFile) -> Tally:
    """Add what is new and change what differs; what the file doesn't name stays. Twice is as good as once.

    All of it or nothing: raises `DIRECTORY_FILE_WRONG` with every line that can't be carried out.
    """
    known = await _known(work, file)
    check(file, known.regions, known.stores, known.staff)
    file.require_right()
    tally = Tally()
    for region in _parents_first(file.regions):
        await _blamed(file, region.line, _put_region(work, known, tally.regions, region))
    for store in file.stores:
        await _blamed(file, store.line, _put_store(work, known, tally.stores, store))
    for person in file.staff:
        await _blamed(file, person.line, _put_staff(work, known, tally, person))
    await work.session.flush()
    tally.without_password = await staff.count_without_password(
        work.session, work.actor, [person.code for person in file.staff]
    )
    return tally


async def _known(work: Work, file: DirectoryFile) -> _Known:
    tree = await regions.by_codes(work.session, work.actor)
    places = await stores.by_codes(work.session, work.actor)
    people = await staff.by_numbers(work.session, work.actor, [person.code for person in file.staff])
    return _Known(
        tree,
        places,
        people,
        {code: row.id for code, row in tree.items()},
        {code: row.id for code, row in places.items()},
    )


async def _put_region(work: Work, known: _Known, counts: Counts, row: RegionLine) -> None:
    present = known.regions.get(row.code)
    parent_id = known.region_ids[row.parent] if row.parent else None
    if present is None:
        added = await commands.add_region(work, code=row.code, name=row.name, parent_id=parent_id)
        known.region_ids[row.code] = added.id
        counts.added += 1
        return
    renamed, moved = present.name != row.name, parent_id is not None and present.parent_id != parent_id
    if renamed:
        await commands.rename_region(work, present.id, name=row.name)
    if moved:
        await commands.move_region(work, present.id, parent_id=parent_id)
    counts.note(changed=renamed or moved)


async def _put_store(work: Work, known: _Known, counts: Counts, row: StoreLine) -> None:
    present = known.stores.get(row.code)
    region_id = known.region_ids[row.region] if row.region else None
    if present is None:
        if region_id is None or row.time_zone is None or row.opening_hours is None:
            raise LookupError(f"line {row.line} was not checked")
        opened = await commands.open_store(
            work,
            region_id=region_id,
            code=row.code,
            name=row.name,
            city=row.city,
            time_zone=row.time_zone,
            opening_hours=row.opening_hours,
        )
        known.store_ids[row.code] = opened.id
        counts.added += 1
        return
    changes = _store_changes(present, row, region_id)
    if changes:
        await commands.edit_store(work, present.id, **changes)
    counts.note(changed=bool(changes))


def _store_changes(present: Any, row: StoreLine, region_id: UUID | None) -> StoreChanges:
    changes = StoreChanges()
    if row.name != present.name:
        changes["name"] = row.name
    if row.city is not None and row.city != present.city:
        changes["city"] = row.city
    if row.time_zone is not None and row.time_zone != present.time_zone:
        changes["time_zone"] = row.time_zone
    if row.opening_hours is not None and row.opening_hours != present.opening_hours:
        changes["opening_hours"] = row.opening_hours
    if region_id is not None and region_id != present.region_id:
        changes["region_id"] = region_id
    return changes


async def _put_staff(work: Work, known: _Known, tally: Tally, row: StaffLine) -> None:
    present = known.staff.get(row.code)
    store_id = known.store_ids[row.store] if row.store else None
    region_id = known.region_ids[row.region] if row.region else None
    if _is_gone(present, row):
        tally.left += 1
        return
    if present is None:
        if row.role is None:
            raise LookupError(f"line {row.line} was not checked")
        hired = await commands.hire(
            work, number=row.code, name=row.name, role=row.role, store_id=store_id, region_id=region_id
        )
        tally.staff.added += 1
        await _put_departure(work, tally, hired.id, row)
        return
    role = row.role or present.role
    place = (store_id, region_id) if row.role or store_id or region_id else (present.store_id, present.region_id)
    renamed = present.name != row.name
    moved = (role, *place) != (present.role, present.store_id, present.region_id)
    if renamed:
        await commands.rename(work, present.id, name=row.name)
    if moved:
        await customers.move_staff(work, present.id, role=role, store_id=place[0], region_id=place[1])
    is_leaving = await _put_departure(work, tally, present.id, row)
    tally.staff.note(changed=renamed or moved or is_leaving)


def _is_gone(present: Any, row: StaffLine) -> bool:
    if present is None:
        return row.state is StaffState.DEPARTED
    return bool(present.state is StaffState.DEPARTED)


async def _put_departure(work: Work, tally: Tally, staff_id: UUID, row: StaffLine) -> bool:
    """Somebody is leaving, or has left. That they are at work takes nothing back that a manager knows better."""
    if not row.has_news_of_departure:
        return False
    has_left = row.state is StaffState.DEPARTED
    is_news = await customers.report_leaving(work, staff_id, last_day=row.last_day, has_left=has_left) is not None
    tally.leaving += is_news
    return is_news


def _parents_first(rows: list[RegionLine]) -> Iterator[RegionLine]:
    """Each region behind the one above it. `check` has found that there is no circle."""
    waiting = {row.code: row for row in rows}
    for row in rows:
        chain: list[RegionLine] = []
        while row.code in waiting:
            chain.append(waiting.pop(row.code))
            if row.parent is None or row.parent not in waiting:
                break
            row = waiting[row.parent]
        yield from reversed(chain)


async def _blamed(file: DirectoryFile, line: int, deed: Awaitable[T]) -> T:
    """Say at which line it was that something was refused."""
    try:
        return await deed
    except Refusal as refusal:
        file.blame(line, "code", refusal.say("en"), refusal.say("zh"))
        file.require_right()
        raise
