"""Files over HTTP, for what GraphQL can't carry: who asks, how long a body may be, and refusals as JSON.

A refusal is `{"code": …, "message": …}` in the language of `Accept-Language`, with the status that fits its kind.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from kernel.actor import Actor
from kernel.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Refusal
from server import answers, bodies, negotiation
from server.edge import OPERATION_SECONDS, Edge
from server.refusals import CHALLENGE, BadRequest, BadToken, TookTooLong, TooLarge, TooSlow

BODY_SECONDS = 30.0
_JSON = "application/json; charset=utf-8"
_HEADERS = {"Cache-Control": "no-store", "Vary": "Accept-Language, Authorization"}
_STATUS: tuple[tuple[type[Refusal], int], ...] = (
    (NotSignedIn, 401),
    (BadToken, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (Invalid, 400),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request by somebody who is signed in."""

    edge: Edge
    actor: Actor
    request: Request
    language: str

    async def body(self, most: int) -> bytes:
        """The whole body. Refused with `REQUEST_TOO_LARGE` beyond `most` bytes, or `REQUEST_TIMEOUT`."""
        return await bodies.read(self.request, most, seconds=BODY_SECONDS, give_up_at=most + bodies.PATIENCE)


Answer = Callable[[Asked], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(answer: Answer, *, seconds: float = OPERATION_SECONDS + BODY_SECONDS) -> Endpoint:
    """What answers at a path: `answer` is given somebody signed in, and whatever it refuses is told as JSON.

    It is stopped after `seconds`. A response that streams is beyond that, and refuses nothing any more.
    """

    async def answered(request: Request) -> Response:
        edge: Edge = request.app.state.edge
        language = negotiation.language(request.headers.get("accept-language"))
        try:
            caller = await edge.caller(request.headers.get("authorization"))
            if caller is None:
                raise NotSignedIn
            async with asyncio.timeout(seconds):
                found = await answer(Asked(edge, caller.actor, request, language))
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is there to read it
        except TimeoutError as error:
            return _turned_down(request, TookTooLong(), language, error)
        except Exception as error:
            return _turned_down(request, answers.refusal_in(error), language, error)
        for name, value in _HEADERS.items():
            found.headers.setdefault(name, value)
        return found

    return answered


def as_json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON."""
    return Response(orjson.dumps(content), status, {**_HEADERS, **(headers or {})}, _JSON)


def attachment(content: bytes, media_type: str, name: str) -> Response:
    """A file to be saved under this plain name."""
    return Response(content, headers={"Content-Disposition": f'attachment; filename="{name}"'}, media_type=media_type)


def _turned_down(request: Request, refusal: Refusal | None, language: str, error: Exception) -> Response:
    if refusal is None:
        shown = answers.masked(error, language, request.state.request_id)
        return as_json({"code": shown["extensions"]["code"], "message": shown["message"]}, 500)
    said: dict[str, Any] = {"code": refusal.code, "message": refusal.say(language)}
    # What is wrong place by place, where a refusal knows.
    if (problems := getattr(refusal, "problems", None)) is not None:
        said["problems"] = [problem.said(language) for problem in problems]
    status = refusal.status if isinstance(refusal, BadRequest) else _status(refusal)
    return as_json(said, status, _hints(refusal))


def _status(refusal: Refusal) -> int:
    return next((status for kind, status in _STATUS if isinstance(refusal, kind)), 503)


def _hints(refusal: Refusal) -> dict[str, str]:
    match refusal:
        case TooLarge() | TooSlow():
            return {"Connection": "close"}  # the rest isn't waited for
        case NotSignedIn() | BadToken():
            return {"WWW-Authenticate": CHALLENGE}
        case _:
            return {}
