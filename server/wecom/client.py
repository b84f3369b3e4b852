"""WeCom as a partner of handovers (its documents 92124 to 96334)."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from handover.partner import (
    MOST_AT_ONCE,
    Answer,
    Chat,
    Course,
    Part,
    PartnerAway,
    PartnerRefused,
    Standing,
    Unassigned,
)
from server.wecom import reading, words
from server.wecom.tokens import Tokens
from server.wecom.wire import NotSent, Said, Wire

PAGE = 1_000
CHATS_AT_ONCE = 100  # each is asked for by itself
LONGEST_WORDS = 200
MOST_TRIES = 3
PAUSE_SECONDS = 0.5
_SETTLING_SECONDS = 5.0

_CUSTOMERS = {
    Course.RESIGNED: "externalcontact/resigned/transfer_customer",
    Course.ON_JOB: "externalcontact/transfer_customer",
}
_RESULTS = {
    Course.RESIGNED: "externalcontact/resigned/transfer_result",
    Course.ON_JOB: "externalcontact/transfer_result",
}
_CHATS = {
    Course.RESIGNED: "externalcontact/groupchat/transfer",
    Course.ON_JOB: "externalcontact/groupchat/onjob_transfer",
}

_GONE = frozenset({90501, 90509, 40050})  # no such chat, or none with customers


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a list of chats is: at which owner, whether one was found to have left, and WeCom's own cursor."""

    index: int = 0
    has_leavers: bool = False
    inner: str | None = None

    @classmethod
    def read(cls, text: str | None) -> Self:
        if text is None:
            return cls()
        index, leavers, inner = text.split(":", 2)
        return cls(int(index), leavers == "1", inner or None)

    @property
    def text(self) -> str:
        return f"{self.index}:{int(self.has_leavers)}:{self.inner or ''}"

    def further(self, inner: str | None) -> str | None:
        return None if inner is None else replace(self, inner=inner).text

    def next_owner(self, *, has_leavers: bool = False) -> "_Place":
        return _Place(self.index + 1, self.has_leavers or has_leavers)


class WeCom:
    """One brand's corp. Implements `handover.partner.Partner`.

    Reads are tried three times. What moves customers or chats is sent once: if its answer is lost, only a look at how
    they stand tells whether it was done.
    """

    def __init__(self, wire: Wire, tokens: Tokens) -> None:
        self._wire = wire
        self._tokens = tokens

    async def unassigned(self, cursor: str | None) -> Part[Unassigned]:
        """A page of up to 1,000 links that leavers left behind."""
        said = await self._read("externalcontact/get_unassigned_list", {"cursor": cursor or "", "page_size": PAGE})
        return reading.part(said, [reading.unassigned(row) for row in reading.rows(said, "info")], cursor)

    async def transfer(
        self, course: Course, from_user_id: str, to_user_id: str, external_user_ids: Sequence[str], words: str | None
    ) -> Mapping[str, Answer]:
        """Ask for up to 100 customers; each of them has an answer."""
        _require_few(external_user_ids)
        body: dict[str, object] = {
            "handover_userid": from_user_id,
            "takeover_userid": to_user_id,
            "external_userid": list(external_user_ids),
        }
        if words and course is Course.ON_JOB:
            if len(words) > LONGEST_WORDS:
                raise ValueError(f"at most {LONGEST_WORDS} characters")
            body["transfer_success_msg"] = words
        said = await self._write(_CUSTOMERS[course], body)
        return reading.answers(external_user_ids, reading.rows(said, "customer"))

    async def standings(self, course: Course, from_user_id: str, to_user_id: str, cursor: str | None) -> Part[Standing]:
        """A page of up to 1,000 customers who were ever asked to go from one to the other, the last attempt of each."""
        body = {"handover_userid": from_user_id, "takeover_userid": to_user_id, "cursor": cursor or ""}
        said = await self._read(_RESULTS[course], body)
        return reading.part(said, reading.standings(reading.rows(said, "customer")), cursor)

    async def linked(self, user_id: str) -> Sequence[str]:
        """Everybody whom a member has as a contact. Somebody who has left is refused, with 40003."""
        try:
            said = await self._read("externalcontact/list", params={"userid": user_id})
        except PartnerRefused as refusal:
            if refusal.code == words.NO_LINK:  # how WeCom says "nobody"
                return []
            raise
        return reading.texts(said, "external_userid")

    async def chats(self, owner_user_ids: Sequence[str], cursor: str | None) -> Part[tuple[str, Chat]]:
        """A page of up to 100 chats of up to 100 owners, one owner after the other; then those of owners who left.

        WeCom refuses an owner who has left (40003). Their chats are among those of all whose owner left.
        """
        _require_few(owner_user_ids)
        place = _Place.read(cursor)
        if place.index < len(owner_user_ids):
            return await self._chats_of(owner_user_ids[place.index], place, len(owner_user_ids))
        if not place.has_leavers:
            return Part([], None)
        said = await self._chat_list({"status_filter": 1}, place.inner)
        page = reading.part(said, await self._named(said), place.inner)
        wanted = set(owner_user_ids)
        return Part([each for each in page.things if each[0] in wanted], place.further(page.next_cursor))

    async def transfer_chats(self, course: Course, chat_ids: Sequence[str], to_user_id: str) -> Mapping[str, Answer]:
        """Give up to 100 chats another owner; each of them has an answer."""
        _require_few(chat_ids)
        said = await self._write(_CHATS[course], {"chat_id_list": list(chat_ids), "new_owner": to_user_id})
        return reading.chat_answers(chat_ids, reading.rows(said, "failed_chat_list"))

    async def try_out(self) -> None:
        """Whether there is a token, and whether the app may ask for contacts: as `linked` raises, or nothing."""
        await self.unassigned(None)

    async def _chats_of(self, owner: str, place: "_Place", owners: int) -> Part[tuple[str, Chat]]:
        try:
            said = await self._chat_list({"status_filter": 0, "owner_filter": {"userid_list": [owner]}}, place.inner)
        except PartnerRefused as refusal:
            if refusal.code != words.BAD_USER:
                raise
            return Part([], place.next_owner(has_leavers=True).text)
        page = reading.part(said, await self._named(said), place.inner)
        further = place.further(page.next_cursor)
        if further is None:
            after = place.next_owner()
            further = after.text if after.index < owners or after.has_leavers else None
        return Part(page.things, further)

    async def _chat_list(self, which: Said, cursor: str | None) -> Said:
        body = {**which, "cursor": cursor or "", "limit": CHATS_AT_ONCE}
        return await self._read("externalcontact/groupchat/list", body)

    async def _named(self, said: Said) -> list[tuple[str, Chat]]:
        ids = [reading.text(row, "chat_id") for row in reading.rows(said, "group_chat_list")]
        found = await asyncio.gather(*(self._chat(chat_id) for chat_id in ids), return_exceptions=True)
        for each in found:
            if isinstance(each, BaseException):
                raise each
        return [each for each in found if isinstance(each, tuple)]

    async def _chat(self, chat_id: str) -> tuple[str, Chat] | None:
        """Whose it is, and its name; none if it was dismissed since it was listed."""
        try:
            said = await self._read("externalcontact/groupchat/get", {"chat_id": chat_id})
        except PartnerRefused as refusal:
            if refusal.code in _GONE:
                return None
            raise
        chat = said.get("group_chat")
        if not isinstance(chat, dict):
            raise PartnerAway("WeCom's answer can't be read: group_chat")
        name = chat.get("name")
        return reading.text(chat, "owner"), Chat(chat_id, name if isinstance(name, str) and name else None)

    async def _read(self, path: str, body: Said | None = None, params: Mapping[str, str] | None = None) -> Said:
        """Ask for something that changes nothing: up to three times, if nobody answers or WeCom is busy."""
        for tried in range(1, MOST_TRIES):
            try:
                return await self._ask(path, body, params)
            except PartnerAway as away:
                if away.retry_after is not None and away.retry_after > PAUSE_SECONDS:
                    raise
            await asyncio.sleep(PAUSE_SECONDS * tried)
        return await self._ask(path, body, params)

    async def _write(self, path: str, body: Said) -> Said:
        """Ask for something that changes what is there: again only if the request never left."""
        for tried in range(1, MOST_TRIES):
            try:
                return await self._ask(path, body, None)
            except NotSent:
                await asyncio.sleep(PAUSE_SECONDS * tried)
        return await self._ask(path, body, None)

    async def _ask(self, path: str, body: Said | None, params: Mapping[str, str] | None) -> Said:
        token = await self._tokens.current()
        said = await self._send(path, token, body, params)
        if said["errcode"] in words.TOKEN_OVER:
            # Refused at the door: nothing of it was done, so it may be sent again.
            said = await self._send(path, await self._tokens.renewed(token), body, params)
        match said["errcode"]:
            case 0:
                return said
            case words.BUSY:
                raise PartnerAway(f"{path}: busy")
            case words.TOO_OFTEN:
                raise PartnerAway(f"{path}: too often", await self._wire.limits.silence(path))
            case words.TOO_MANY_AT_ONCE:
                raise PartnerAway(f"{path}: too many at once", _SETTLING_SECONDS)
            case code:
                raise PartnerRefused(code, words.meaning(code, said.get("errmsg")))

    async def _send(self, path: str, token: str, body: Said | None, params: Mapping[str, str] | None) -> Said:
        shown = {"access_token": token, **(params or {})}
        return await (self._wire.get(path, shown) if body is None else self._wire.post(path, shown, body))


def _require_few(things: Sequence[str]) -> None:
    if not 1 <= len(things) <= MOST_AT_ONCE:
        raise ValueError(f"1 to {MOST_AT_ONCE} at once, not {len(things)}")
