"""Read WeCom's answers: nothing is taken for granted, and only what is said of each customer counts."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from handover.partner import Answer, Found, Part, PartnerAway, Standing, Told, Unassigned
from server.wecom import words
from server.wecom.wire import Said

Thing = TypeVar("Thing")


def rows(said: Said, name: str) -> Sequence[Said]:
    """The objects of a list; a list that is left out is empty."""
    found = said.get(name)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        raise _unreadable(name)
    return found


def texts(said: Said, name: str) -> list[str]:
    """The texts of a list; a list that is left out is empty."""
    found = said.get(name) or []
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise _unreadable(name)
    return found


def text(row: Said, name: str) -> str:
    found = row.get(name)
    if not isinstance(found, str) or not found:
        raise _unreadable(name)
    return found


def number(row: Said, name: str) -> int:
    found = row.get(name)
    if type(found) is not int:
        raise _unreadable(name)
    return found


def moment(row: Said, name: str) -> datetime | None:
    """An instant; zero is none."""
    seconds = row.get(name) or 0
    if type(seconds) is not int:
        raise _unreadable(name)
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (OverflowError, ValueError, OSError):
        raise _unreadable(name) from None


def part(said: Said, things: Sequence[Thing], asked: str | None) -> Part[Thing]:
    """A page. A cursor that is the one that was asked with would lead round for ever."""
    cursor = said.get("next_cursor") or None
    if cursor is not None and (not isinstance(cursor, str) or cursor == asked):
        raise PartnerAway("WeCom gives the same cursor again")
    return Part(things, cursor)


def unassigned(row: Said) -> Unassigned:
    left_at = moment(row, "dimission_time")
    if left_at is None:
        raise _unreadable("dimission_time")
    return Unassigned(text(row, "handover_userid"), text(row, "external_userid"), left_at)


def standings(found: Iterable[Said]) -> list[Standing]:
    """How each transfer stands. A status that nobody has heard of says nothing, so it is left out."""
    stands: list[Standing] = []
    for row in found:
        how = words.FOUND.get(number(row, "status"))
        if how is not None:
            at = moment(row, "takeover_time") if how is Found.WAITING else None
            stands.append(Standing(text(row, "external_userid"), how, at))
    return stands


def answers(asked: Sequence[str], found: Sequence[Said]) -> dict[str, Answer]:
    """What is said of each customer that was named. Of whom nothing is said, nothing is known: `other`, no code."""
    by_id = {text(row, "external_userid"): number(row, "errcode") for row in found}
    return {each: _answer(by_id.get(each)) for each in asked}


def chat_answers(asked: Sequence[str], failed: Sequence[Said]) -> dict[str, Answer]:
    """The same of chats, of which only those are named that can't be had."""
    by_id = {text(row, "chat_id"): number(row, "errcode") for row in failed}
    return {each: _answer(by_id.get(each, 0)) for each in asked}


def each(found: Sequence[Said], read: Callable[[Said], Thing]) -> list[Thing]:
    return [read(row) for row in found]


def _answer(code: int | None) -> Answer:
    return Answer(Told.OTHER) if code is None else Answer(words.told(code), code)


def _unreadable(name: str) -> Exception:
    return PartnerAway(f"WeCom's answer can't be read: {name}")
