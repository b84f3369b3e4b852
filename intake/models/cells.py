"""Read one cell exactly: numbers as decimals, times as instants; anything doubtful is refused."""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from intake.errors import CellWrong, DateWrong, NumberWrong
from intake.models.words import NumberRule, TimeRule

_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_MOST_DIGITS = 15
_REMEMBERED = 65_536
GREATEST_QUANTITY = 2**31 - 1


class Refused(Exception):
    """A cell can't be taken. Whoever knows the file turns this into a refusal with line and column."""

    def __init__(self, reason: str, reason_zh: str, kind: type[CellWrong] = CellWrong, field: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.reason_zh = reason_zh
        self.kind = kind
        self.field = field

    def at(self, file: str, line: int, columns: Mapping[str, str]) -> CellWrong:
        """The refusal that names line and column."""
        column = columns.get(self.field, self.field or "-")
        return self.kind(file=file, line=line, column=column, reason=self.reason, reason_zh=self.reason_zh)


def number_reader(rule: NumberRule) -> Callable[[str], Decimal]:
    """Reads decimals as the rule says they are written. No exponents, no other scripts' digits."""
    shape = re.compile(rf"[+-]?[0-9]{{1,{_MOST_DIGITS}}}(\.[0-9]{{1,{max(rule.most_decimals, 1)}}})?")
    grouped = re.compile(rf"[+-]?[0-9]{{1,3}}({re.escape(rule.grouping)}[0-9]{{3}})+([^0-9][0-9]+)?")

    @lru_cache(_REMEMBERED)
    def read(text: str) -> Decimal:
        plain = text
        if rule.grouping and rule.grouping in plain:
            if not grouped.fullmatch(plain):
                raise Refused("not a number.", "不是数字。", NumberWrong)
            plain = plain.replace(rule.grouping, "")
        if rule.decimal != ".":
            if "." in plain:
                raise Refused("not a number.", "不是数字。", NumberWrong)
            plain = plain.replace(rule.decimal, ".")
        if not shape.fullmatch(plain):
            raise Refused("not a number.", "不是数字。", NumberWrong)
        found = Decimal(plain)
        if rule.most_decimals == 0 and found != found.to_integral_value():
            raise Refused("not a whole number.", "不是整数。", NumberWrong)
        return found

    return read


def whole(found: Decimal) -> int:
    """A count of pieces."""
    if found != found.to_integral_value() or abs(found) > GREATEST_QUANTITY:
        raise Refused("not a whole number of pieces.", "不是整数件数。", NumberWrong)
    return int(found)


def time_reader(rule: TimeRule) -> Callable[[str], int]:
    """Reads a time on the wall as seconds since 1970 in UTC."""
    zone = ZoneInfo(rule.zone)

    @lru_cache(_REMEMBERED)
    def read(text: str) -> int:
        for pattern in rule.formats:
            try:
                return _instant(datetime.strptime(text, pattern), zone)  # noqa: DTZ007 - the zone is the mapping's
            except ValueError:
                continue
        raise Refused("not a date in the mapping's formats.", "不是映射所规定格式的日期。", DateWrong)

    return read


def day_reader(rule: TimeRule) -> Callable[[str], date]:
    """Reads a calendar day, and lets go of the hour if there is one."""

    @lru_cache(_REMEMBERED)
    def read(text: str) -> date:
        for pattern in rule.formats:
            try:
                found = datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a day has no zone
            except ValueError:
                continue
            if _FIRST_YEAR <= found.year <= _LAST_YEAR:
                return found
        raise Refused("not a date in the mapping's formats.", "不是映射所规定格式的日期。", DateWrong)

    return read


def _instant(wall: datetime, zone: ZoneInfo) -> int:
    if not _FIRST_YEAR <= wall.year <= _LAST_YEAR:
        raise Refused("the year is out of range.", "年份超出范围。", DateWrong)
    instant = wall.replace(tzinfo=zone).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != wall:
        raise Refused("the clocks were put forward: there was no such time.", "夏令时切换，该时刻不存在。", DateWrong)
    return int(instant.timestamp())


def text(value: str, longest: int) -> str:
    """The text, refused when it doesn't fit."""
    if len(value) > longest:
        raise Refused(f"longer than {longest} characters.", f"超过 {longest} 个字符。")
    return value
