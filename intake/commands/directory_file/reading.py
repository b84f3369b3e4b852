"""Read regions, stores and staff from a sheet, and find all that is wrong with each line by itself."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeVar

from directory.commands.regions import checked_code as checked_region_code
from directory.commands.stores import checked_code, checked_hours, checked_zone
from directory.models import StaffState
from intake.errors import ColumnMissing, ColumnTwice, DirectoryFileWrong, EncodingWrong, FileEmpty, Wrong
from intake.models.words import FileRule
from intake.queries import files
from kernel.actor import Role
from kernel.errors import Invalid, Refusal, require_text

T = TypeVar("T")

MOST_ROWS = 50_000
COLUMNS = {
    "kind": "类型",
    "code": "编号",
    "name": "名称",
    "region": "区域",
    "store": "门店",
    "role": "角色",
    "city": "城市",
    "time_zone": "时区",
    "opening_hours": "营业时间",
    "state": "状态",
    "last_day": "最后工作日",
}
REQUIRED = ("kind", "code", "name")
KINDS = {"region": "region", "区域": "region", "store": "store", "门店": "store", "staff": "staff", "员工": "staff"}
ROLES = {
    "guide": Role.GUIDE,
    "导购": Role.GUIDE,
    "store_manager": Role.STORE_MANAGER,
    "店长": Role.STORE_MANAGER,
    "regional_manager": Role.REGIONAL_MANAGER,
    "区域经理": Role.REGIONAL_MANAGER,
    "hq": Role.HQ,
    "总部": Role.HQ,
}
STATES = {
    "active": StaffState.ACTIVE,
    "在职": StaffState.ACTIVE,
    "leaving": StaffState.LEAVING,
    "待离职": StaffState.LEAVING,
    "离职中": StaffState.LEAVING,
    "departed": StaffState.DEPARTED,
    "left": StaffState.DEPARTED,
    "离职": StaffState.DEPARTED,
    "已离职": StaffState.DEPARTED,
}
_SHUT = ("-", "休", "休息")
Hours = list[list[str] | None]


@dataclass(frozen=True, slots=True)
class RegionLine:
    """A region, and the code of the one above it."""

    line: int
    code: str
    name: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class StoreLine:
    """A store, and the code of its region; what is left out stays as it is."""

    line: int
    code: str
    name: str
    region: str | None
    city: str | None
    time_zone: str | None
    opening_hours: Hours | None


@dataclass(frozen=True, slots=True)
class StaffLine:
    """A staff member by number, and the codes of the store or region; what is left out stays as it is."""

    line: int
    code: str
    name: str
    role: Role | None
    store: str | None
    region: str | None
    state: StaffState | None
    last_day: date | None

    @property
    def has_news_of_departure(self) -> bool:
        """Whether it says that they are leaving, or have left; a last day alone says so, too."""
        return self.state in (StaffState.LEAVING, StaffState.DEPARTED) or (
            self.state is None and self.last_day is not None
        )


@dataclass(slots=True)
class DirectoryFile:
    """What a file says, and what is wrong with it."""

    name: str
    regions: list[RegionLine] = field(default_factory=list)
    stores: list[StoreLine] = field(default_factory=list)
    staff: list[StaffLine] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)

    def blame(self, line: int, column: str, reason: str, reason_zh: str) -> None:
        self.wrong.append(Wrong(line, column, reason, reason_zh))

    def require_right(self) -> None:
        """Raises `DIRECTORY_FILE_WRONG` with all that is wrong."""
        if self.wrong:
            raise DirectoryFileWrong(self.name, sorted(self.wrong, key=lambda wrong: wrong.line))


def read(path: Path) -> DirectoryFile:
    """The lines of a CSV (UTF-8, or GB 18030 as Excel writes it in China), CSV.gz or XLSX file.

    Columns, in English or Chinese: kind, code and name, and where they apply region, store, role, city,
    time_zone, opening_hours, state, last_day; no others. A region's `region` is the one above it.
    Raises `DIRECTORY_FILE_WRONG` with every wrong line, or the refusal that says why it is no such file.
    """
    try:
        file = _read(path, "utf-8")
    except EncodingWrong:
        file = _read(path, "gb18030")
    return file


def _read(path: Path, encoding: str) -> DirectoryFile:
    file = DirectoryFile(path.name)
    with files.opened_rows(path, FileRule(encoding=encoding), "%Y-%m-%d") as rows:
        line, header = next(rows, (1, []))
        places = _places(file, line, header)
        file.require_right()
        for line, cells in _bounded(file, rows):
            if len(cells) != len(header):
                file.blame(
                    line, "-", f"{len(cells)} cells, not {len(header)}.", f"有 {len(cells)} 格，应为 {len(header)} 格。"
                )
                continue
            _take(file, line, {name: cells[place].strip() for name, place in places.items()})
    _find_twins(file)
    return file


def _bounded(file: DirectoryFile, rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
    for count, row in enumerate(rows, 1):
        if count > MOST_ROWS:
            file.blame(row[0], "-", f"more than {MOST_ROWS} rows.", f"超过 {MOST_ROWS} 行。")
            return
        yield row


def _places(file: DirectoryFile, line: int, header: Sequence[str]) -> dict[str, int]:
    if not any(header):
        raise FileEmpty(file=file.name)
    names = {title: name for name, chinese in COLUMNS.items() for title in (name, chinese)}
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        name = names.get(title.strip().lower())
        if name is None:
            known = ", ".join(COLUMNS)
            file.blame(
                line, title.strip()[:40], f"no such column; known are {known}.", f"没有这一列；可用的列为 {known}。"
            )
        elif name in places:
            raise ColumnTwice(file=file.name, line=line, column=title.strip())
        else:
            places[name] = place
    for name in REQUIRED:
        if name not in places:
            raise ColumnMissing(file=file.name, line=line, column=name)
    return places


def _take(file: DirectoryFile, line: int, cells: dict[str, str]) -> None:
    before = len(file.wrong)
    kind = _cell(file, line, "kind", cells, lambda text: KINDS[text.lower()])
    name = _cell(
        file, line, "name", cells, lambda text: require_text("name", text, longest=60 if kind == "staff" else 100)
    )
    read_code = checked_region_code if kind == "region" else _plain_code
    code = _cell(file, line, "code", cells, read_code)
    region = _optional(file, line, "region", cells, checked_region_code)
    store = _optional(file, line, "store", cells, _plain_code)
    role = _optional(file, line, "role", cells, lambda text: ROLES[text.lower()])
    city = _optional(file, line, "city", cells, lambda text: require_text("city", text, longest=60))
    zone = _optional(file, line, "time_zone", cells, checked_zone)
    hours = _optional(file, line, "opening_hours", cells, _hours)
    state = _optional(file, line, "state", cells, lambda text: STATES[text.lower()])
    last_day = _optional(file, line, "last_day", cells, _a_day)
    if len(file.wrong) > before or kind is None or code is None or name is None:
        return
    match kind:
        case "region":
            file.regions.append(RegionLine(line, code, name, region))
        case "store":
            file.stores.append(StoreLine(line, code, name, region, city, zone, hours))
        case _:
            file.staff.append(StaffLine(line, code, name, role, store, region, state, last_day))


def _cell(file: DirectoryFile, line: int, column: str, cells: dict[str, str], reader: Callable[[str], T]) -> T | None:
    """What a cell says; a wrong one is blamed, and no more is made of it."""
    try:
        return reader(cells[column])
    except KeyError:
        file.blame(line, column, "not a word that is known here.", "不是可用的取值。")
    except Refusal as refusal:
        file.blame(line, column, refusal.say("en"), refusal.say("zh"))
    return None


def _optional(
    file: DirectoryFile, line: int, column: str, cells: dict[str, str], reader: Callable[[str], T]
) -> T | None:
    return _cell(file, line, column, cells, reader) if cells.get(column) else None


def _plain_code(text: str) -> str:
    return checked_code("code", text)


def _hours(text: str) -> Hours:
    """`10:00-22:00` for every day, or seven of them with `;` between, and `-` or 休 for a day when it is shut."""
    days = text.replace("；", ";").split(";")
    return checked_hours([_day(day.strip()) for day in (days * 7 if len(days) == 1 else days)])


def _day(text: str) -> list[str] | None:
    return None if text in _SHUT else [part.strip() for part in text.replace("–", "-").replace("~", "-").split("-")]


def _a_day(text: str) -> date:
    """`2026-03-31`, or as people write it: `2026/3/31`, `2026年3月31日`."""
    parts = text.replace("年", "-").replace("月", "-").removesuffix("日").replace("/", "-").split("-")
    try:
        year, month, day = (int(part) for part in parts)
        return date(year, month, day)
    except ValueError as error:
        raise Invalid(field="last_day", reason="a day as in 2026-03-31.", reason_zh="日期应如 2026-03-31。") from error


def _find_twins(file: DirectoryFile) -> None:
    groups: tuple[Sequence[RegionLine | StoreLine | StaffLine], ...] = (file.regions, file.stores, file.staff)
    for group in groups:
        first: dict[str, int] = {}
        for row in group:
            if row.code in first:
                earlier = first[row.code]
                file.blame(row.line, "code", f"is also in line {earlier}.", f"与第 {earlier} 行重复。")
            first.setdefault(row.code, row.line)
