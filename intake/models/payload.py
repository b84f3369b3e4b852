"""Read what a mall sent: exactly, and with the place of whatever is wrong in it."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo

from jmespath.exceptions import JMESPathError

from intake.errors import PayloadIncomplete, PayloadUnreadable, PayloadWrong
from intake.models.hook_mapping import NOTHING, Path, TimeWords, is_nothing

_PLAIN = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,8})?")
_MOST_DIGITS = 15
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_MILLISECONDS = 1000
_NEVER = (*NOTHING, 0, "0")


@dataclass(frozen=True, slots=True)
class Spot:
    """A part of a message, and where it is."""

    data: Any
    place: str
    time: TimeWords

    def where(self, path: Path) -> str:
        """The place of what an expression says, from the beginning of the message."""
        if path.alternatives:
            return self.where(next((one for one in path.alternatives if self.has(one)), path.alternatives[0]))
        if path.text == "@" or path.text.startswith("'"):
            return self.place or "@"
        return f"{self.place}.{path.text}" if self.place else path.text

    def look(self, path: Path) -> Any:
        """What an expression comes to; nothing where there is nothing of the kind."""
        try:
            return path.of(self.data)
        except (JMESPathError, RecursionError) as error:
            raise PayloadWrong(
                place=self.where(path), reason="can't be worked out of this.", reason_zh="无法由此计算。"
            ) from error

    def has(self, path: Path) -> bool:
        """Whether it comes to something: not null, false, an empty text, list or object."""
        return self.look(path) not in NOTHING

    def each(self, path: Path | None, most: int) -> "Iterator[Spot]":
        """The things in the list that it comes to, or else this one."""
        if path is None:
            yield self
            return
        found = self.look(path)
        if found in NOTHING:
            return
        if not isinstance(found, list):
            self._wrong(path, "is not a list.", "不是列表。")
        if len(found) > most:
            self._wrong(path, f"has more than {most}.", f"超过 {most} 项。")
        for index, data in enumerate(found):
            yield Spot(data, f"{self.where(path)}[{index}]", self.time)

    def text(self, path: Path | None, longest: int) -> str | None:
        """A text or whole number, without surrounding blanks; refused when it is too long."""
        found = self._text(path)
        if path is not None and found is not None and len(found) > longest:
            self._wrong(path, f"is longer than {longest} characters.", f"超过 {longest} 个字符。")
        return found

    def words(self, path: Path | None, longest: int) -> str | None:
        """A text for people, cut where it is too long."""
        found = self._text(path)
        return found[:longest].rstrip() if found is not None else None

    def needed(self, path: Path, longest: int) -> str:
        """A text that has to be there."""
        return self.text(path, longest) or self.missing(path)

    def missing(self, path: Path) -> NoReturn:
        """Say that nothing is where something has to be."""
        raise PayloadIncomplete(place=self.where(path), reason="is missing.", reason_zh="缺失。")

    def _text(self, path: Path | None) -> str | None:
        found = self.look(path) if path is not None else None
        if path is None or found in NOTHING:
            return None
        if isinstance(found, bool) or not isinstance(found, str | int):
            self._wrong(path, "is neither text nor a whole number.", "既不是文本也不是整数。")
        tidy = str(found).strip()
        if "\x00" in tidy or not _is_whole(tidy):
            self._wrong(path, "contains a forbidden character.", "含有不允许的字符。")
        return tidy or None

    def number(self, path: Path) -> Decimal | None:
        """A number, written as one or as text; the sum of a list of them."""
        found = self.look(path)
        if is_nothing(found):
            return None
        if isinstance(found, list):
            return sum((self._number(path, one) for one in found if not is_nothing(one)), Decimal())
        return self._number(path, found)

    def _number(self, path: Path, found: Any) -> Decimal:
        text = found.strip() if isinstance(found, str) else str(found)
        if isinstance(found, Decimal) and abs(found.adjusted()) < _MOST_DIGITS:
            text = f"{found:f}"
        if isinstance(found, bool) or not isinstance(found, str | int | Decimal) or not _PLAIN.fullmatch(text):
            self._wrong(path, "is not an amount.", "不是有效的数额。")
        return Decimal(text)

    def moment(self, path: Path | None) -> datetime | None:
        """An instant, of a list the latest; nothing where none is told, as with 0."""
        found = self.look(path) if path is not None else None
        if path is None or found in _NEVER:
            return None
        if isinstance(found, list):
            return max((self._moment(path, one) for one in found if one not in _NEVER), default=None)
        return self._moment(path, found)

    def _moment(self, path: Path, found: Any) -> datetime:
        try:
            at = self._instant(found)
        except (ValueError, OverflowError, OSError):
            at = None
        if at is None or not _FIRST_YEAR <= at.year <= _LAST_YEAR:
            self._wrong(path, "is not a time.", "不是有效的时间。")
        return at

    def _instant(self, found: Any) -> datetime | None:
        if isinstance(found, str) and not found.isdigit():
            at = datetime.fromisoformat(found.strip())
            return (at if at.tzinfo else at.replace(tzinfo=ZoneInfo(self.time.zone))).astimezone(UTC)
        if isinstance(found, bool) or not isinstance(found, str | int):
            return None
        since = int(found)
        if self.time.numbers == "milliseconds":
            return datetime.fromtimestamp(since // _MILLISECONDS, UTC).replace(
                microsecond=since % _MILLISECONDS * _MILLISECONDS
            )
        return datetime.fromtimestamp(since, UTC)

    def _wrong(self, path: Path, reason: str, reason_zh: str) -> NoReturn:
        raise PayloadWrong(place=self.where(path), reason=reason, reason_zh=reason_zh)


def read(body: bytes, unpack: str | None, time: TimeWords) -> Spot:
    """The message, with the text in the field `unpack` read in its turn. Raises `PAYLOAD_UNREADABLE`."""
    data = _parsed(body, "@")
    if unpack is None:
        return Spot(data, "", time)
    packed = data.get(unpack)
    if isinstance(packed, str):
        plain = packed if packed.lstrip().startswith(("{", "[")) else unquote_plus(packed)
        # As text: it may hold half a surrogate pair, of which no bytes can be made.
        data[unpack] = _parsed(plain, unpack)
    return Spot(data, "", time)


def _parsed(body: bytes | str, place: str) -> dict[str, Any]:
    try:
        data = json.loads(body, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise PayloadUnreadable(
            place=place, reason="is not JSON, or is nested too deep.", reason_zh="不是 JSON，或嵌套过深。"
        ) from error
    if not isinstance(data, dict):
        raise PayloadUnreadable(place=place, reason="is not a JSON object.", reason_zh="不是 JSON 对象。")
    return data


def _is_whole(text: str) -> bool:
    """Whether no character is half a surrogate pair, which JSON can say and nobody can keep."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_number(_text: str) -> NoReturn:
    raise ValueError("JSON has no such number")
