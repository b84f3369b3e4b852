"""What can be asked once one is inside: contacts, handovers, group chats, tags. Each answers as WeCom's page says."""

from collections.abc import Callable, Iterable
from typing import Any

from tests.wecom import transfers
from tests.wecom.gate import wrong
from tests.wecom.world import Corp, Link, Transfer, page

Body = dict[str, Any]
Interface = Callable[[Corp, Body], Body]

MOST_AT_ONCE = 100
MOST_WORDS = 200
BAD = 40058


class BadRequest(Exception):
    """40058, or another code."""

    def __init__(self, code: int = BAD) -> None:
        self.code = code


def answer(corp: Corp, interface: Interface, body: Body) -> Body:
    try:
        return {"errcode": 0, "errmsg": "ok", **interface(corp, body)}
    except BadRequest as error:
        return wrong(error.code)


def get_unassigned_list(corp: Corp, body: Body) -> Body:
    """By cursor; with `page_id`, which is older, only the first 50,000 and without a cursor (92124)."""
    size = _number(body, "page_size", corp.switches.most_page, corp.switches.most_page)
    rows: list[dict[str, object]] = [
        {
            "handover_userid": link.user_id,
            "external_userid": link.external_user_id,
            "dimission_time": int(corp.left_at(link.user_id).timestamp()),
        }
        for link in corp.unassigned()
    ]
    if "page_id" in body and not body.get("cursor"):
        begin = _number(body, "page_id", 0, 50_000) * size
        if begin >= 50_000:
            raise BadRequest
        return {"info": rows[begin : begin + size], "is_last": begin + size >= len(rows)}
    found, cursor = _page(rows, body, size)
    return {"info": found, "is_last": not cursor, "next_cursor": cursor}


def transfer_customer(corp: Corp, body: Body) -> Body:
    return _transfer(corp, body, is_resigned=False)


def resigned_transfer_customer(corp: Corp, body: Body) -> Body:
    if "transfer_success_msg" in body:
        raise BadRequest
    return _transfer(corp, body, is_resigned=True)


def _transfer(corp: Corp, body: Body, *, is_resigned: bool) -> Body:
    ids = _texts(body, "external_userid")
    words = body.get("transfer_success_msg", "")
    if not isinstance(words, str) or len(words) > MOST_WORDS:
        raise BadRequest
    code, codes = transfers.ask(
        corp, _text(body, "handover_userid"), _text(body, "takeover_userid"), ids, is_resigned=is_resigned
    )
    if code:
        raise BadRequest(code)
    return {"customer": [{"external_userid": each, "errcode": said} for each, said in zip(ids, codes, strict=True)]}


def transfer_result(corp: Corp, body: Body) -> Body:
    return _results(corp, body, is_resigned=False)


def resigned_transfer_result(corp: Corp, body: Body) -> Body:
    return _results(corp, body, is_resigned=True)


def _results(corp: Corp, body: Body, *, is_resigned: bool) -> Body:
    """The last attempt of each customer; there is nothing that tells attempts apart (94088, 94082)."""
    former, successor = _text(body, "handover_userid"), _text(body, "takeover_userid")
    asked = corp.by_pair.get((is_resigned, former, successor), {})
    rows: list[dict[str, object]] = [_result(each) for _, each in sorted(asked.items())]
    if not is_resigned and corp.switches.no_record == "listed":
        unasked = sorted(link.external_user_id for link in corp.links_of(former) if link.external_user_id not in asked)
        rows += [{"external_userid": each, "status": 5, "takeover_time": 0} for each in unasked]
    found, cursor = _page(rows, body, corp.switches.most_page)
    return {"customer": found, "next_cursor": cursor}


def _result(transfer: Transfer) -> dict[str, object]:
    at = 0 if transfer.status == 3 else int(transfer.ends_at.timestamp())
    return {"external_userid": transfer.external_user_id, "status": transfer.status, "takeover_time": at}


def groupchat_transfer(corp: Corp, body: Body) -> Body:
    return _transfer_chats(corp, body, is_resigned=True)


def groupchat_onjob_transfer(corp: Corp, body: Body) -> Body:
    return _transfer_chats(corp, body, is_resigned=False)


def _transfer_chats(corp: Corp, body: Body, *, is_resigned: bool) -> Body:
    ids = _texts(body, "chat_id_list")
    code, failed = transfers.ask_chats(corp, ids, _text(body, "new_owner"), is_resigned=is_resigned)
    if code:
        raise BadRequest(code)
    return {"failed_chat_list": [{"chat_id": each, "errcode": said, "errmsg": "refused"} for each, said in failed]}


def groupchat_list(corp: Corp, body: Body) -> Body:
    """Without a filter, for at most a thousand owners; an owner who has left is refused (92120)."""
    wanted = _number(body, "status_filter", 0, 3)
    limit = _number(body, "limit", None, 1_000)
    owners = (body.get("owner_filter") or {}).get("userid_list") or []
    if not isinstance(owners, list) or len(owners) > MOST_AT_ONCE:
        raise BadRequest
    if any(owner not in corp.members for owner in owners):
        raise BadRequest(40003)
    if corp.switches.departed_owner == "refused" and any(corp.has_left(owner) for owner in owners):
        raise BadRequest(40003)
    if not owners and len({chat.owner for chat in corp.chats.values()}) > 1_000:
        raise BadRequest(81017)
    rows: list[dict[str, object]] = []
    for chat_id, chat in sorted(corp.chats.items()):
        inherits = chat.inherits_at is not None
        status = 2 if inherits else 1 if corp.has_left(chat.owner) else 3 if chat.was_inherited else 0
        if (not owners or chat.owner in owners) and wanted in (0, status):
            rows.append({"chat_id": chat_id, "status": status})
    found, cursor = _page(rows, body, limit)
    return {"group_chat_list": found, "next_cursor": cursor}


def groupchat_get(corp: Corp, body: Body) -> Body:
    chat = corp.chats.get(_text(body, "chat_id"))
    if chat is None:
        raise BadRequest(90509)
    told = {"chat_id": chat.chat_id, "name": chat.name, "owner": chat.owner, "create_time": int(chat.since.timestamp())}
    return {"group_chat": {**told, "member_list": []}}


def contacts(corp: Corp, body: Body) -> Body:
    """`externalcontact/list`: nobody is 84061, somebody who has left 40003 (92113)."""
    user_id = _text(body, "userid")
    if not corp.is_at_work(user_id):
        raise BadRequest(40003)
    found = sorted(link.external_user_id for link in corp.links_of(user_id))
    if not found:
        raise BadRequest(84061)
    return {"external_userid": found}


def contact(corp: Corp, body: Body) -> Body:
    """`externalcontact/get`: up to 500 of those who have the customer at once (92114)."""
    external_id = _text(body, "external_userid")
    if external_id not in corp.customers:
        raise BadRequest(40096)
    followers = [link for link in corp.links.values() if link.external_user_id == external_id and not link.is_lost]
    if not followers:
        raise BadRequest(84061)
    rows = [{**_follow(link), "tags": [{"tag_id": tag, "type": 1} for tag in sorted(link.tags)]} for link in followers]
    found, cursor = _page(rows, body, 500)
    return {"external_contact": _person(corp, external_id), "follow_user": found, "next_cursor": cursor}


def batch_get_by_user(corp: Corp, body: Body) -> Body:
    users, limit = _texts(body, "userid_list"), _number(body, "limit", 50, MOST_AT_ONCE)
    if not all(corp.is_at_work(user_id) for user_id in users):
        raise BadRequest(40003)
    rows: list[dict[str, object]] = [
        {
            "external_contact": _person(corp, link.external_user_id),
            "follow_info": {**_follow(link), "tag_id": sorted(link.tags)},
        }
        for user_id in users
        for link in sorted(corp.links_of(user_id), key=lambda each: each.external_user_id)
    ]
    found, cursor = _page(rows, body, limit)
    return {"external_contact_list": found, "next_cursor": cursor}


def mark_tag(corp: Corp, body: Body) -> Body:
    """Tags are of a link, not of a customer (92118)."""
    added, removed = body.get("add_tag") or [], body.get("remove_tag") or []
    link = corp.links.get((_text(body, "userid"), _text(body, "external_userid")))
    if not added and not removed:
        raise BadRequest
    if link is None or link.is_lost:
        raise BadRequest(84061)
    link.tags |= set(added)
    link.tags -= set(removed)
    return {}


def _person(corp: Corp, external_id: str) -> dict[str, object]:
    return {"external_userid": external_id, "name": corp.customers[external_id], "type": 1}


def _follow(link: Link) -> dict[str, object]:
    return {
        "userid": link.user_id,
        "remark": link.remark,
        "description": link.description,
        "createtime": int(link.since.timestamp()),
        "add_way": link.add_way,
        "state": link.state,
    }


def _page(rows: Iterable[dict[str, object]], body: Body, most: int) -> tuple[list[dict[str, object]], str]:
    cursor = body.get("cursor") or ""
    try:
        return page(rows, cursor if isinstance(cursor, str) else "?", most)
    except ValueError as error:
        raise BadRequest from error


def _text(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest
    return value


def _texts(body: Body, name: str) -> list[str]:
    value = body.get(name)
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_AT_ONCE:
        raise BadRequest
    if not all(isinstance(each, str) and each for each in value):
        raise BadRequest
    return value


def _number(body: Body, name: str, usual: int | None, most: int) -> int:
    value = body.get(name, usual)
    least = 0 if name in ("status_filter", "page_id") else 1
    if type(value) is not int or not least <= value <= most:
        raise BadRequest
    return value


POSTED: dict[str, Interface] = {
    "externalcontact/get_unassigned_list": get_unassigned_list,
    "externalcontact/transfer_customer": transfer_customer,
    "externalcontact/resigned/transfer_customer": resigned_transfer_customer,
    "externalcontact/transfer_result": transfer_result,
    "externalcontact/resigned/transfer_result": resigned_transfer_result,
    "externalcontact/groupchat/transfer": groupchat_transfer,
    "externalcontact/groupchat/onjob_transfer": groupchat_onjob_transfer,
    "externalcontact/groupchat/list": groupchat_list,
    "externalcontact/groupchat/get": groupchat_get,
    "externalcontact/batch/get_by_user": batch_get_by_user,
    "externalcontact/mark_tag": mark_tag,
}
GOT: dict[str, Interface] = {"externalcontact/list": contacts, "externalcontact/get": contact}
