"""Links and chats that go from one member to another: what is refused, and what time brings about (94081, 92125)."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from tests.wecom.world import DAY, Chat, Corp, Link, Member, Reply, Transfer

YEAR = 365 * DAY
QUOTA = 2
QUOTA_DAYS = 90 * DAY
CHATS_A_DAY = 300
CALM = timedelta(hours=24)

Tell = Callable[[Mapping[str, object]], None]


def ask(corp: Corp, from_id: str, to_id: str, external_ids: list[str], *, is_resigned: bool) -> tuple[int, list[int]]:
    """The code of the request, and one for each customer."""
    wrong = _wrong_with_members(corp, from_id, to_id, is_resigned)
    if wrong and (wrong == 40003 or corp.switches.member_codes == "outer"):
        return wrong, []
    return 0, [wrong or _begin(corp, from_id, to_id, each, is_resigned) for each in external_ids]


def _wrong_with_members(corp: Corp, from_id: str, to_id: str, is_resigned: bool) -> int:
    former, successor = corp.members.get(from_id), corp.members.get(to_id)
    if former is None or successor is None or successor.departed_at is not None:
        return 40003
    if is_resigned and former.departed_at is None:
        return 40097
    if not is_resigned and former.departed_at is not None:
        return 40003
    if from_id == to_id:
        return 40130
    if former.departed_at is not None and corp.now - former.departed_at > YEAR:
        return corp.switches.too_old_code
    return _unfit(corp, successor)


def _unfit(corp: Corp, successor: Member) -> int:
    if successor.is_team:
        return 40132
    if successor.is_banned:
        return 40143
    if not successor.is_real_name:
        return 40098
    sleeps = successor.logged_in_at is None or corp.now - successor.logged_in_at > YEAR
    return 84074 if sleeps or not successor.may_have_contacts else 0


def _begin(corp: Corp, from_id: str, to_id: str, external_id: str, is_resigned: bool) -> int:
    code = _wrong_with_link(corp, from_id, to_id, external_id, is_resigned)
    if code:
        return code
    corp.attempts[external_id] += 1
    will = corp.reply_of(external_id, corp.attempts[external_id])
    transfer = Transfer(is_resigned, from_id, to_id, external_id, corp.now, corp.now + CALM, will)
    corp.awaited.add((to_id, external_id))
    corp.waiting[from_id, external_id] = transfer
    corp.by_pair[is_resigned, from_id, to_id][external_id] = transfer
    if not is_resigned:
        corp.on_job_moves[external_id].append(corp.now)
    return 0


def _wrong_with_link(corp: Corp, from_id: str, to_id: str, external_id: str, is_resigned: bool) -> int:
    if external_id not in corp.customers:
        return 40096
    link = corp.links.get((from_id, external_id))
    if link is None:
        return 40131
    if (from_id, external_id) in corp.waiting:
        return 40100
    if link.is_lost:
        return 84061
    if (to_id, external_id) in corp.awaited:
        return 40129
    if not is_resigned and len(_recent(corp, corp.on_job_moves[external_id])) >= QUOTA:
        return 40128
    return 40099 if _is_full(corp, to_id, external_id) else 0


def _is_full(corp: Corp, to_id: str, external_id: str) -> bool:
    has_it = (link := corp.links.get((to_id, external_id))) is not None and not link.is_lost
    return not has_it and corp.contacts[to_id] >= corp.members[to_id].cap


def _recent(corp: Corp, moments: list[datetime]) -> list[datetime]:
    return [at for at in moments if at > corp.now - QUOTA_DAYS]


def pass_time(corp: Corp, until: timedelta, tell: Tell) -> None:
    """Let time go by. What ends meanwhile ends at its moment, in order."""
    goal = corp.now + until
    ends: list[tuple[datetime, int, Callable[[], None]]] = []
    for transfer in corp.waiting.values():
        if transfer.ends_at <= goal:
            ends.append((transfer.ends_at, len(ends), partial(settle, corp, transfer, tell)))
    for chat in corp.chats.values():
        if chat.inherits_at is not None and chat.inherits_at <= goal:
            ends.append((chat.inherits_at, len(ends), partial(_inherit, corp, chat, tell)))
    for at, _, end in sorted(ends, key=lambda each: each[:2]):
        corp.travelled += max(at - corp.now, timedelta())
        end()
    corp.travelled += max(goal - corp.now, timedelta())


def settle(corp: Corp, transfer: Transfer, tell: Tell) -> None:
    """End an attempt: the customer refused, the successor has become full, or it goes through."""
    key = (transfer.from_user_id, transfer.external_user_id)
    del corp.waiting[key]
    corp.awaited.discard((transfer.to_user_id, transfer.external_user_id))
    link = corp.links[key]
    if transfer.will is Reply.REFUSE:
        transfer.status = 3
        if transfer.is_resigned and corp.switches.resigned_refusal == "lost":
            corp.lose(link)
        _tell_of(tell, "transfer_fail", transfer.to_user_id, link, FailReason="customer_refused")
    elif _is_full(corp, transfer.to_user_id, transfer.external_user_id):
        transfer.status = 4
        _tell_of(tell, "transfer_fail", transfer.to_user_id, link, FailReason="customer_limit_exceed")
    else:
        transfer.status = 1
        _go_over(corp, transfer, link, tell)


def _go_over(corp: Corp, transfer: Transfer, link: Link, tell: Tell) -> None:
    """The successor hears of it only if the customer is new to them, and never was given away by them (96325)."""
    there = (transfer.to_user_id, transfer.external_user_id)
    known = corp.links.get(there)
    has_it = known is not None and not known.is_lost
    corp.lose(link)
    corp.given_away.add((transfer.from_user_id, transfer.external_user_id))
    if not has_it:
        corp.link(*there, add_way=202)
    if not has_it and there not in corp.given_away:
        _tell_of(tell, "add_external_contact", transfer.to_user_id, link, State="")
    if not transfer.is_resigned:
        _tell_of(tell, "del_external_contact", transfer.from_user_id, link, Source="DELETE_BY_TRANSFER")


def _tell_of(tell: Tell, change: str, user_id: str, link: Link, **more: object) -> None:
    tell(
        {
            "Event": "change_external_contact",
            "ChangeType": change,
            "UserID": user_id,
            "ExternalUserID": link.external_user_id,
            **more,
        }
    )


def ask_chats(corp: Corp, chat_ids: list[str], to_id: str, *, is_resigned: bool) -> tuple[int, list[tuple[str, int]]]:
    """The code of the request, and those chats that can't be had (92127, 95703)."""
    if not corp.is_at_work(to_id):
        return 40003, []
    codes = [(chat_id, _begin_chat(corp, chat_id, to_id, is_resigned)) for chat_id in chat_ids]
    return 0, [(chat_id, code) for chat_id, code in codes if code]


def _begin_chat(corp: Corp, chat_id: str, to_id: str, is_resigned: bool) -> int:
    chat = corp.chats.get(chat_id)
    if chat is None or not chat.is_external:
        return 90501 if chat is not None else 90509
    code = _wrong_with_chat(corp, chat, to_id, is_resigned)
    if code:
        return code
    corp.chat_days[chat.owner, corp.now.date()] += 1
    chat.moved_at.append(corp.now)
    chat.next_owner = to_id
    chat.inherits_at = corp.now + timedelta(hours=corp.switches.chats_take_hours)
    if not corp.switches.chats_take_hours:
        _inherit(corp, chat, None)  # what the interface does at once, nobody is told of
    return 0


def _wrong_with_chat(corp: Corp, chat: Chat, to_id: str, is_resigned: bool) -> int:
    if chat.inherits_at is not None:
        return 90507
    if chat.owner == to_id:
        return 90508 if is_resigned and chat.was_inherited else 90504
    if is_resigned and not corp.has_left(chat.owner):
        return 90508 if chat.was_inherited else 90500
    if not is_resigned and corp.has_left(chat.owner):
        return 90502
    if _unfit(corp, corp.members[to_id]):
        return 84074
    if not is_resigned and len(_recent(corp, chat.moved_at)) >= QUOTA:
        return 40128
    return 45009 if corp.chat_days[chat.owner, corp.now.date()] >= CHATS_A_DAY else 0


def _inherit(corp: Corp, chat: Chat, tell: Tell | None) -> None:
    assert chat.next_owner is not None
    chat.was_inherited = chat.was_inherited or corp.has_left(chat.owner)
    chat.owner, chat.next_owner, chat.inherits_at = chat.next_owner, None, None
    if tell is not None:
        tell(
            {
                "Event": "change_external_chat",
                "ChangeType": "update",
                "ChatId": chat.chat_id,
                "UpdateDetail": "change_owner",
            }
        )
