"""Find all that is wrong with a file as a whole, before anything is changed."""

from collections.abc import Mapping
from typing import Any

from directory.models import StaffState
from intake.commands.directory_file.reading import DirectoryFile, StaffLine
from kernel.actor import Role

Rows = Mapping[str, Any]


def check(file: DirectoryFile, regions: Rows, stores: Rows, staff: Rows) -> None:
    """Blame every line that names what isn't there, leaves out what is needed, or makes a circle."""
    known_regions = {*regions, *(row.code for row in file.regions)}
    known_stores = {*stores, *(row.code for row in file.stores)}
    for region in file.regions:
        _require_known(file, region.line, "region", region.parent, known_regions)
    _check_circles(file, regions)
    for store in file.stores:
        _require_known(file, store.line, "region", store.region, known_regions)
        if store.code not in stores:
            needed = {"region": store.region, "time_zone": store.time_zone, "opening_hours": store.opening_hours}
            for column, value in needed.items():
                if value is None:
                    file.blame(store.line, column, "is needed for a new store.", "新门店必须填写。")
    for person in file.staff:
        _require_known(file, person.line, "region", person.region, known_regions)
        _require_known(file, person.line, "store", person.store, known_stores)
        _check_staff(file, person, staff.get(person.code))


def _require_known(file: DirectoryFile, line: int, column: str, code: str | None, known: set[str]) -> None:
    if code is not None and code not in known:
        file.blame(line, column, f"there is no {code}.", f"没有编号为 {code} 的记录。")


def _check_circles(file: DirectoryFile, regions: Rows) -> None:
    codes = {row.id: row.code for row in regions.values()}
    above: dict[str, str | None] = {code: codes.get(row.parent_id) for code, row in regions.items()}
    above |= {row.code: row.parent for row in file.regions if row.parent is not None or row.code not in above}
    for row in file.regions:
        seen: set[str] = set()
        code: str | None = row.code
        while code is not None and code not in seen:
            seen.add(code)
            code = above.get(code)
        if code == row.code:
            file.blame(row.line, "region", "is below this region itself.", "上级区域不能是该区域自己或它的下级。")


def _check_staff(file: DirectoryFile, person: StaffLine, present: Any) -> None:
    if person.state is StaffState.ACTIVE and person.last_day is not None:
        file.blame(person.line, "last_day", "is for those who are leaving.", "在职员工请勿填写最后工作日。")
    if person.role is None and present is None and person.state is not StaffState.DEPARTED:
        file.blame(person.line, "role", "is needed for a new staff member.", "新员工必须填写。")
    if person.role is not None and not _fits(person):
        reason = "a guide or store manager needs a store, a regional manager a region, and HQ neither."
        reason_zh = "导购和店长必须填写门店，区域经理必须填写区域，总部人员两者都不填。"
        file.blame(person.line, "role", reason, reason_zh)


def _fits(person: StaffLine) -> bool:
    wanted = {
        Role.GUIDE: (True, False),
        Role.STORE_MANAGER: (True, False),
        Role.REGIONAL_MANAGER: (False, True),
        Role.HQ: (False, False),
    }
    return person.role is not None and wanted[person.role] == (person.store is not None, person.region is not None)
