"""Who works at the corp, who is whose contact, and what time it is."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum

DAY = timedelta(days=1)


class Reply(StrEnum):
    """What a customer does who is told of another member: nothing, for 24 hours, lets it happen."""

    SILENT = "silent"
    REFUSE = "refuse"


@dataclass
class Switches:
    """Where sources disagree, and what can be made small enough to be met in a test.

    `resigned_refusal`: what is left of a leaver's link that the customer refused to have moved: `lost`, or
    `back_to_pool`, where it is among the unassigned ones again. `token_repeat`: `same` while the last one lasts, or
    `new`, with which the last one ends. `no_record`: whether results on the job list links that nobody asked for, with
    status 5 (`listed`), or leave them out (`left_out`). `departed_owner`: whether `groupchat/list` refuses an owner
    who has left (`refused`, 40003) or lists their chats (`listed`). `member_codes`: whether what is wrong with a member
    is said of each customer (`each`) or of the whole request (`outer`). `too_old_code`: of a leaver gone for a year.
    """

    resigned_refusal: str = "lost"
    token_repeat: str = "same"
    no_record: str = "listed"
    departed_owner: str = "refused"
    member_codes: str = "each"
    too_old_code: int = 40131
    chats_take_hours: int = 0
    refuse_share: float = 0.0
    token_seconds: int = 7200
    a_minute: int = 10_000
    an_hour: int = 150_000
    at_once: int = 1_000
    most_page: int = 1_000

    def turn(self, values: dict[str, object]) -> None:
        known = {each.name: each.type for each in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"no switch {name}; there are {', '.join(sorted(known))}")
            setattr(self, name, type(getattr(self, name))(value))


@dataclass
class Member:
    """Somebody with a user id. `cap` is how many contacts they may have."""

    user_id: str
    departed_at: datetime | None = None
    logged_in_at: datetime | None = None
    may_have_contacts: bool = True
    is_real_name: bool = True
    is_banned: bool = False
    is_team: bool = False
    cap: int = 50_000


@dataclass
class Link:
    """A member and a customer. One-way: the customer has deleted the member."""

    user_id: str
    external_user_id: str
    since: datetime
    remark: str = ""
    description: str = ""
    state: str = ""
    add_way: int = 1
    tags: set[str] = field(default_factory=set)
    is_one_way: bool = False
    is_lost: bool = False


@dataclass
class Transfer:
    """One attempt to give a link to somebody else. `status` as WeCom counts: 1 done, 2 waiting, 3 refused, 4 full."""

    is_resigned: bool
    from_user_id: str
    to_user_id: str
    external_user_id: str
    asked_at: datetime
    ends_at: datetime
    will: Reply
    status: int = 2


@dataclass
class Chat:
    """A group chat with customers. `inherits_at`: when the owner to be takes over."""

    chat_id: str
    owner: str
    name: str
    since: datetime
    next_owner: str | None = None
    inherits_at: datetime | None = None
    was_inherited: bool = False
    is_external: bool = True
    moved_at: list[datetime] = field(default_factory=list)


@dataclass
class Corp:
    """The whole state of one corp; `secrets` are those of its apps."""

    corp_id: str = "ww0000000000000001"
    secrets: set[str] = field(default_factory=lambda: {"secret"})
    seed: int = 1
    switches: Switches = field(default_factory=Switches)
    members: dict[str, Member] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    links: dict[tuple[str, str], Link] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    awaited: set[tuple[str, str]] = field(default_factory=set)
    chats: dict[str, Chat] = field(default_factory=dict)
    replies: dict[str, Reply] = field(default_factory=dict)
    real_now: Callable[[], datetime] = lambda: datetime.now(UTC)
    travelled: timedelta = timedelta()
    waiting: dict[tuple[str, str], Transfer] = field(default_factory=dict)
    by_pair: dict[tuple[bool, str, str], dict[str, Transfer]] = field(default_factory=lambda: defaultdict(dict))
    on_job_moves: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    chat_days: dict[tuple[str, object], int] = field(default_factory=lambda: defaultdict(int))
    given_away: set[tuple[str, str]] = field(default_factory=set)
    contacts: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    @property
    def now(self) -> datetime:
        return self.real_now() + self.travelled

    def hire(self, user_id: str, **values: object) -> Member:
        member = self.members[user_id] = Member(user_id, logged_in_at=self.now)
        for name, value in values.items():
            if not hasattr(member, name):
                raise ValueError(f"a member has no {name}")
            setattr(member, name, value)
        return member

    def meet(self, external_user_id: str, *user_ids: str, name: str = "", **values: object) -> None:
        """A customer, who is a contact of these members."""
        self.customers[external_user_id] = name or external_user_id
        for user_id in user_ids:
            self.link(user_id, external_user_id, **values)

    def link(self, user_id: str, external_user_id: str, **values: object) -> Link:
        known = self.links.get((user_id, external_user_id))
        if known is None or known.is_lost:
            self.contacts[user_id] += 1
        link = self.links[user_id, external_user_id] = Link(user_id, external_user_id, self.now)
        for name, value in values.items():
            setattr(link, name, set(value) if name == "tags" and isinstance(value, list) else value)
        return link

    def lose(self, link: Link) -> None:
        if not link.is_lost:
            link.is_lost = True
            self.contacts[link.user_id] -= 1

    def open_chat(self, chat_id: str, owner: str, name: str = "") -> Chat:
        chat = self.chats[chat_id] = Chat(chat_id, owner, name or f"群 {chat_id}", self.now)
        return chat

    def leave(self, user_id: str) -> None:
        self.members[user_id].departed_at = self.now

    def has_left(self, user_id: str) -> bool:
        member = self.members.get(user_id)
        return member is not None and member.departed_at is not None

    def is_at_work(self, user_id: str) -> bool:
        member = self.members.get(user_id)
        return member is not None and member.departed_at is None

    def links_of(self, user_id: str) -> Iterator[Link]:
        return (link for link in self.links.values() if link.user_id == user_id and not link.is_lost)

    def unassigned(self) -> list[Link]:
        """What leavers left behind and nobody was asked to take over, those who left first before the others."""
        found = [
            link
            for key, link in self.links.items()
            if not link.is_lost and key not in self.waiting and self.has_left(link.user_id)
        ]
        return sorted(found, key=lambda link: (self.left_at(link.user_id), link.user_id, link.external_user_id))

    def left_at(self, user_id: str) -> datetime:
        at = self.members[user_id].departed_at
        assert at is not None
        return at

    def reply_of(self, external_user_id: str, attempts: int) -> Reply:
        """What the customer will do: as was said, or by a share that depends on the seed only."""
        said = self.replies.get(external_user_id)
        if said is not None:
            return said
        digest = hashlib.sha256(f"{self.seed} {external_user_id} {attempts}".encode()).digest()
        refuses = int.from_bytes(digest[:4], "big") < self.switches.refuse_share * 2**32
        return Reply.REFUSE if refuses else Reply.SILENT


def page(rows: Iterable[dict[str, object]], cursor: str, most: int) -> tuple[list[dict[str, object]], str]:
    """A page, and the cursor of the next one, empty at the end. Raises `ValueError` for a cursor it never gave."""
    every = list(rows)
    begin = 0
    if cursor:
        head, _, number = cursor.partition("-")
        if head != "c" or not number.isdigit():
            raise ValueError("cursor")
        begin = int(number)
    end = begin + most
    return every[begin:end], f"c-{end}" if end < len(every) else ""
