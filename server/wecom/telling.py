"""Read what WeCom tells: XML from outside, into news in our words."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from xml.parsers import expat

from handover.models.news import News, NewsKind, NewsReason

LONGEST_VALUE = 128 * 1024
_MOST_DEPTH = 4
_MOST_FIELDS = 1_000
_BY_TRANSFER = "DELETE_BY_TRANSFER"

Fields = Mapping[str, str]

_CONTACTS = {
    "add_external_contact": NewsKind.LINKED,
    "add_half_external_contact": NewsKind.HALF_LINKED,
    "del_external_contact": NewsKind.UNLINKED_BY_STAFF,
    "del_follow_user": NewsKind.UNLINKED_BY_CUSTOMER,
    "transfer_fail": NewsKind.TRANSFER_FAILED,
}
_REASONS = {
    "customer_refused": NewsReason.REFUSED,
    "customer_limit_exceed": NewsReason.TAKEOVER_FULL,
}
# Who comes and goes in a chat is no news for a handover.
_CHATS = {("dismiss", ""): NewsReason.DISMISSED, ("update", "change_owner"): NewsReason.OWNER_CHANGED}


class NotXml(Exception):
    """It isn't XML of the plain kind that WeCom sends."""


def fields_of(body: bytes) -> Fields:
    """The texts directly below the root, by their names; the first of a name counts.

    A document type, and with it every entity of the sender's own, is refused as soon as it begins.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = _refuse
    parser.EntityDeclHandler = _refuse
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError) as error:  # also of an encoding that nobody knows
        raise NotXml from error
    return reader.found


def news_of(fields: Fields) -> News | None:
    """What an event says; none for one that is no news for a handover. Raises `NotXml` where its time can't be read."""
    kind = _kind(fields)
    if kind is None:
        return None
    reason = None
    if kind is NewsKind.TRANSFER_FAILED:
        reason = _REASONS.get(fields.get("FailReason", ""))
    elif kind is NewsKind.CHAT_CHANGED:
        reason = _CHATS[_change_of_chat(fields)]
    return News(
        kind=kind,
        at=_moment(fields.get("CreateTime", "")),
        key=_key(fields),
        user_id=_id(fields, "UserID"),
        external_user_id=_id(fields, "ExternalUserID"),
        chat_id=_id(fields, "ChatId"),
        reason=reason,
        is_transfer=fields.get("Source") == _BY_TRANSFER,
    )


def _kind(fields: Fields) -> NewsKind | None:
    change = fields.get("ChangeType", "")
    match fields.get("MsgType"), fields.get("Event"):
        case "event", "change_external_contact":
            return _CONTACTS.get(change)
        case "event", "change_external_chat":
            return NewsKind.CHAT_CHANGED if _change_of_chat(fields) in _CHATS else None
        case "event", "change_contact" if change == "delete_user":
            return NewsKind.MEMBER_LEFT
    return None


def _change_of_chat(fields: Fields) -> tuple[str, str]:
    change = fields.get("ChangeType", "")
    return change, fields.get("UpdateDetail", "") if change == "update" else ""


def _key(fields: Fields) -> str:
    """The same for the same event: one second can hold several, so all that it says is in it.

    `FromUserName` and `CreateTime` are among the fields. A welcome code is made anew for each telling, for all we know.
    """
    said = sorted((name, value) for name, value in fields.items() if name != "WelcomeCode")
    return hashlib.sha256("\n".join(f"{len(value)} {name} {value}" for name, value in said).encode()).hexdigest()


def _moment(text: str) -> datetime:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise NotXml
    return datetime.fromtimestamp(int(text), UTC)


def _id(fields: Fields, name: str) -> str | None:
    value = fields.get(name) or None
    if value is not None and (len(value) > 64 or "\x00" in value):
        raise NotXml
    return value


def _refuse(*_: object) -> None:
    raise NotXml


class _Reader:
    """Collects the texts of the second level."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._depth = 0
        self._parts: list[str] = []
        self._length = 0

    def start(self, _name: str, _attributes: object) -> None:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise NotXml
        if self._depth == 2:
            self._parts, self._length = [], 0

    def end(self, name: str) -> None:
        if self._depth == 2:
            self.found.setdefault(name, "".join(self._parts).strip())
            if len(self.found) > _MOST_FIELDS:
                raise NotXml
        self._depth -= 1

    def text(self, text: str) -> None:
        if self._depth >= 2:
            self._length += len(text)
            if self._length > LONGEST_VALUE * 2:
                raise NotXml
            self._parts.append(text)
