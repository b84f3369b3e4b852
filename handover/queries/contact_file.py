"""Read who is whose contact at the partner from a file that nobody has checked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from handover.errors import ContactFileWrong
from intake.errors import ColumnMissing, ColumnTwice, EncodingWrong, FileEmpty, Wrong
from intake.models.words import FileRule
from intake.queries import files

MOST_ROWS = 200_000
LONGEST = 64
COLUMNS = {
    "member_number": "会员号",
    "phone": "手机号",
    "external_user_id": "外部联系人ID",
    "user_id": "企业微信账号",
    "number": "工号",
}
CUSTOMER = ("member_number", "phone")
MEMBER = ("user_id", "number")
EXTERNAL = "external_user_id"


@dataclass(frozen=True, slots=True)
class ContactLine:
    """A customer of ours, who that is at the partner, and a member or guide who has them as a contact.

    What isn't said is empty. Of a member number and a phone the number counts, of a user id and a staff number the id.
    """

    line: int
    external_user_id: str
    member_number: str = ""
    phone: str = ""
    user_id: str = ""
    number: str = ""


def read(path: Path) -> list[ContactLine]:
    """The lines of a CSV (UTF-8, or GB 18030 as Excel writes it in China), CSV.gz or XLSX file of contacts.

    Columns, in English or Chinese: external_user_id, one of member_number and phone, one of user_id and number; others
    are left alone. At most 200,000 lines. Takes its time: not for the event loop. Raises `CONTACT_FILE_WRONG` with all
    that is wrong, or the refusal that says why it is no such file.
    """
    try:
        return _read(path, "utf-8")
    except EncodingWrong:
        return _read(path, "gb18030")


def _read(path: Path, encoding: str) -> list[ContactLine]:
    wrong: list[Wrong] = []
    found: list[ContactLine] = []
    with files.opened_rows(path, FileRule(encoding=encoding), "%Y-%m-%d") as rows:
        line, header = next(rows, (1, []))
        places = _places(path.name, line, header)
        for count, (number, cells) in enumerate(rows, 1):
            if count > MOST_ROWS:
                wrong.append(Wrong(number, "-", f"more than {MOST_ROWS} rows.", f"超过 {MOST_ROWS} 行。"))
                break
            if len(cells) != len(header):
                wrong.append(Wrong(number, "-", "not as many cells as the header has.", "单元格数与表头不符。"))
                continue
            told = {name: cells[place].strip() for name, place in places.items()}
            mistakes = list(_mistakes(number, told))
            wrong += mistakes
            if not mistakes:
                found.append(ContactLine(line=number, **told))
    wrong += _twofold(found)
    if wrong:
        raise ContactFileWrong(path.name, sorted(wrong, key=lambda each: each.line))
    if not found:
        raise FileEmpty(file=path.name)
    return found


def _places(name: str, line: int, header: Sequence[str]) -> dict[str, int]:
    if not any(header):
        raise FileEmpty(file=name)
    fields = {title: field for field, chinese in COLUMNS.items() for title in (field, chinese.lower())}
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        field = fields.get(title.strip().lower())
        if field in places:
            raise ColumnTwice(file=name, line=line, column=title.strip())
        if field is not None:
            places[field] = place
    for either in ((EXTERNAL,), CUSTOMER, MEMBER):
        if not any(field in places for field in either):
            raise ColumnMissing(file=name, line=line, column=" / ".join(f"{each} ({COLUMNS[each]})" for each in either))
    return places


def _mistakes(line: int, told: Mapping[str, str]) -> Iterator[Wrong]:
    for either in ((EXTERNAL,), CUSTOMER, MEMBER):
        if not any(told.get(field) for field in either):
            yield Wrong(line, " / ".join(either), "must not be empty.", "不能为空。")
    for field, text in told.items():
        if len(text) > LONGEST or "\x00" in text:
            yield Wrong(line, field, f"at most {LONGEST} plain characters.", f"最多 {LONGEST} 个字符。")


def _twofold(lines: Sequence[ContactLine]) -> Iterator[Wrong]:
    """Lines by which one customer at the partner would be two of ours: one of them is wrong, and nobody knows which."""
    for field in CUSTOMER:
        first: dict[str, ContactLine] = {}
        for each in lines:
            told = getattr(each, field)
            earlier = first.setdefault(each.external_user_id, each) if told else None
            if earlier is not None and getattr(earlier, field) != told:
                yield Wrong(
                    each.line,
                    EXTERNAL,
                    f"is somebody else in line {earlier.line}.",
                    f"与第 {earlier.line} 行的顾客不一致。",
                )
