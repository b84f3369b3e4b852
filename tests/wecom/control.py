"""Steer the simulator over HTTP, as a test in any language can: who is there, what goes wrong, what time it is."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.wecom.gate import Fault
from tests.wecom.transfers import CALM
from tests.wecom.world import Corp, Reply

if TYPE_CHECKING:
    from tests.wecom.app import Simulator

Act = Callable[["Simulator", dict[str, Any]], Awaitable[dict[str, Any]]]


def routes(simulator: "Simulator") -> list[Route]:
    return [
        *(Route(f"/_control/{name}", _steered(simulator, act), methods=["POST"]) for name, act in ACTS.items()),
        Route("/_control/state", _steered(simulator, state), methods=["GET"]),
    ]


def _steered(simulator: "Simulator", act: Act) -> Callable[[Request], Awaitable[Response]]:
    async def steer(request: Request) -> Response:
        try:
            body = await request.json() if await request.body() else {}
            return JSONResponse(await act(simulator, body))
        except (KeyError, TypeError, ValueError) as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 400)

    return steer


async def reset(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """`{"seed": 1}`: forget everything."""
    await simulator.caller.close()
    simulator.begin(int(body.get("seed", 1)))
    return {}


async def corp(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """`{"corp_id": "ww…", "secrets": ["…"]}`."""
    simulator.corp.corp_id = str(body.get("corp_id", simulator.corp.corp_id))
    simulator.corp.secrets = set(body.get("secrets", simulator.corp.secrets))
    return {}


async def callback(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """`{"url", "token", "aes_key"}` sets the address up, as the console does; `{"copies", "hold"}` are habits."""
    for name in ("copies", "hold"):
        if name in body:
            setattr(simulator.caller.habits, name, body[name])
    if "url" not in body:
        return {}
    return {"is_set_up": await simulator.caller.set_up(body["url"], body["token"], body["aes_key"])}


async def release(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """`{"order": "as_it_was" | "reversed" | "shuffled"}`: send what was held back."""
    count = simulator.caller.let_go(body.get("order", "as_it_was"))
    await simulator.caller.sent()
    return {"count": count}


async def members(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """`{"members": [{"user_id", "cap", "is_real_name", …}]}`; times are ISO 8601."""
    for each in body["members"]:
        values = {name: _value(name, value) for name, value in each.items() if name != "user_id"}
        simulator.corp.hire(each["user_id"], **values)
    return {"members": len(simulator.corp.members)}


async def customers(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """`{"customers": [{"external_user_id", "of": ["user", …], "reply": "refuse", "remark", "tags"}]}`."""
    for each in body["customers"]:
        more = {name: value for name, value in each.items() if name in ("remark", "description", "state", "tags")}
        simulator.corp.meet(each["external_user_id"], *each.get("of", ()), name=each.get("name", ""), **more)
        if "reply" in each:
            simulator.corp.replies[each["external_user_id"]] = Reply(each["reply"])
    return {"customers": len(simulator.corp.customers)}


async def chats(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """`{"chats": [{"chat_id", "owner", "name"}]}`."""
    for each in body["chats"]:
        simulator.corp.open_chat(each["chat_id"], each["owner"], each.get("name", ""))
    return {"chats": len(simulator.corp.chats)}


async def people(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """`{"members": 3, "customers_each": 100}`: some of each, `user-1` … with `wm-1-1` …"""
    for number in range(1, int(body["members"]) + 1):
        simulator.corp.hire(f"user-{number}")
        for each in range(1, int(body.get("customers_each", 0)) + 1):
            simulator.corp.meet(f"wm-{number}-{each}", f"user-{number}")
    return {"members": len(simulator.corp.members), "customers": len(simulator.corp.customers)}


async def happen(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """Something that people do, not an interface, and that is therefore told: see `HAPPENINGS`."""
    fields = HAPPENINGS[body["what"]](simulator.corp, body)
    if fields:
        simulator.caller.tell(fields)
    await simulator.caller.sent()
    return {}


async def accept(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """`{"external_user_id"}`: the 24 hours of a customer are over now, whatever they do."""
    for transfer in simulator.corp.waiting.values():
        if transfer.external_user_id == body["external_user_id"]:
            transfer.ends_at = simulator.corp.now
    await simulator.travel(timedelta())
    return {}


async def faults(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """`{"kind", "path", "times", "value"}`; `{}` takes all back."""
    if not body:
        simulator.gate.faults.clear()
    else:
        simulator.gate.faults.append(Fault(**body))
    return {}


async def switches(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    simulator.corp.switches.turn(body)
    return asdict(simulator.corp.switches)


async def end_tokens(simulator: "Simulator", _body: dict[str, Any]) -> dict[str, Any]:
    simulator.gate.end_tokens()
    return {}


async def advance(simulator: "Simulator", body: dict[str, Any]) -> dict[str, Any]:
    """`{"hours": 24}`, `{"days": 90}`: let time go by, and wait until all that happens is told."""
    by = timedelta(hours=float(body.get("hours", 0)), days=float(body.get("days", 0)))
    if by < timedelta():
        raise ValueError("time goes on")
    await simulator.travel(by)
    return {"now": simulator.corp.now.isoformat()}


async def state(simulator: "Simulator", _body: dict[str, Any]) -> dict[str, Any]:
    """What there is now, for a look at it."""
    known = simulator.corp
    return {
        "now": known.now.isoformat(),
        "members": {each.user_id: known.contacts[each.user_id] for each in known.members.values()},
        "departed": sorted(user_id for user_id in known.members if known.has_left(user_id)),
        "waiting": len(known.waiting),
        "unassigned": len(known.unassigned()),
        "chats": {chat.chat_id: chat.owner for chat in known.chats.values()},
        "asked": dict(simulator.gate.asked),
        "told": [{**call.fields, "at": call.at, "answers": call.answers} for call in simulator.caller.calls],
        "switches": asdict(known.switches),
        "calm_hours": CALM / timedelta(hours=1),
    }


def _leave(known: Corp, body: dict[str, Any]) -> dict[str, Any]:
    known.leave(body["user_id"])
    return {"Event": "change_contact", "ChangeType": "delete_user", "UserID": body["user_id"]}


def _add(known: Corp, body: dict[str, Any]) -> dict[str, Any]:
    known.customers.setdefault(body["external_user_id"], body["external_user_id"])
    known.link(body["user_id"], body["external_user_id"])
    return _of_link("add_external_contact", body) | {"State": "", "WelcomeCode": f"w{len(known.links)}"}


def _half(known: Corp, body: dict[str, Any]) -> dict[str, Any]:
    return _add(known, body) | {"ChangeType": "add_half_external_contact"}


def _staff_deletes(known: Corp, body: dict[str, Any]) -> dict[str, Any]:
    known.lose(known.links[body["user_id"], body["external_user_id"]])
    return _of_link("del_external_contact", body)


def _customer_deletes(known: Corp, body: dict[str, Any]) -> dict[str, Any]:
    known.links[body["user_id"], body["external_user_id"]].is_one_way = True
    return _of_link("del_follow_user", body)


def _dismiss(known: Corp, body: dict[str, Any]) -> dict[str, Any]:
    del known.chats[body["chat_id"]]
    return {"Event": "change_external_chat", "ChangeType": "dismiss", "ChatId": body["chat_id"]}


def _of_link(change: str, body: dict[str, Any]) -> dict[str, Any]:
    ids = {"UserID": body["user_id"], "ExternalUserID": body["external_user_id"]}
    return {"Event": "change_external_contact", "ChangeType": change, **ids}


def _value(name: str, value: object) -> object:
    return datetime.fromisoformat(value) if name.endswith("_at") and isinstance(value, str) else value


HAPPENINGS: dict[str, Callable[[Corp, dict[str, Any]], dict[str, Any]]] = {
    "member_leaves": _leave,
    "customer_adds": _add,
    "customer_half_adds": _half,
    "staff_deletes_customer": _staff_deletes,
    "customer_deletes_staff": _customer_deletes,
    "chat_dismissed": _dismiss,
}
ACTS: dict[str, Act] = {
    "reset": reset,
    "corp": corp,
    "callback": callback,
    "callbacks/release": release,
    "members": members,
    "customers": customers,
    "people": people,
    "chats": chats,
    "happen": happen,
    "accept": accept,
    "faults": faults,
    "switches": switches,
    "tokens/end": end_tokens,
    "advance": advance,
}
