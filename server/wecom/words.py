"""WeCom's codes, read: what each means for a customer or chat, and what to do about one that is for all."""

import re
from types import MappingProxyType

from handover.partner import Found, Told

BUSY = -1
TOKEN_OVER = frozenset({40014, 42001})
TOO_OFTEN = 45009
TOO_MANY_AT_ONCE = 45033
BAD_SECRET = 40001
BAD_USER = 40003
NO_LINK = 84061

TOLD = MappingProxyType(
    {
        0: Told.STARTED,
        BUSY: Told.TRY_LATER,
        TOO_OFTEN: Told.TRY_LATER,
        TOO_MANY_AT_ONCE: Told.TRY_LATER,
        40096: Told.UNKNOWN_CUSTOMER,
        40097: Told.NOT_DEPARTED,
        40098: Told.TAKEOVER_UNFIT,  # not real-name verified
        40099: Told.TAKEOVER_FULL,
        40100: Told.UNDER_WAY,
        40128: Told.TOO_OFTEN,
        40129: Told.UNDER_WAY,
        40130: Told.SAME_PERSON,
        40131: Told.NO_LINK,
        40132: Told.TAKEOVER_UNFIT,  # a team account
        40143: Told.TAKEOVER_UNFIT,  # banned
        NO_LINK: Told.NO_LINK,
        84074: Told.TAKEOVER_UNFIT,  # may not have contacts
        90500: Told.NOT_DEPARTED,
        90503: Told.TAKEOVER_FULL,
        90504: Told.SAME_PERSON,
        90507: Told.UNDER_WAY,
    }
)

# By the numbers that are sent: they begin with 1, so an enumeration's places would shift each by one.
FOUND = MappingProxyType(
    {1: Found.ACCEPTED, 2: Found.WAITING, 3: Found.REFUSED, 4: Found.TAKEOVER_FULL, 5: Found.NO_RECORD}
)

_MEANS = MappingProxyType(
    {
        BAD_SECRET: "the secret is wrong. Look it up once more before the next attempt: after several wrong ones "
        "WeCom shuts this server's address out for an hour",
        40013: "there is no such corp id",
        40056: "the app has no such agent",
        40058: "WeCom doesn't accept what was asked",
        BAD_USER: "there is no such member, or they have left",
        45009: "too many calls",
        48002: "the app may not use this: in the console, under 客户联系 → 可调用接口的应用, tick the app",
        60011: "the app may not see this member: widen what it may see (可见范围)",
        60020: "this server's address isn't allowed: add it to the app's trusted addresses (企业可信IP)",
        60111: "there is no such member",
        81017: "more than 1,000 owners of group chats: name some",
        84074: "the member may not have contacts (客户联系)",
        301002: "the app may not do this",
    }
)
_ADDRESS = re.compile(r"from ip: ?([0-9a-fA-F.:]{3,45})")


def told(code: int) -> Told:
    """What a code of one customer or chat means."""
    return TOLD.get(code, Told.OTHER)


def meaning(code: int, message: object) -> str:
    """What a code that is for the whole request means, in a sentence for an operator; without anybody's id."""
    said = _MEANS.get(code, "WeCom refused")
    address = _ADDRESS.search(message) if isinstance(message, str) else None
    return f"{said} ({address[1]})" if code == 60020 and address else said
