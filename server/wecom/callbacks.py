"""`/hooks/wecom/{brand}`: what WeCom tells. Is it signed, is it for this corp, keep it, say so; all else comes after.

WeCom waits one second for the answer to its look at the address and five for one to an event, which it sends up to
three times.
"""

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from handover.commands import listening
from handover.models.news import News
from handover.queries import partner
from kernel.actor import system
from kernel.db import is_away
from kernel.work import Work, carry_out, settle
from server import bodies
from server.edge import Edge
from server.refusals import TooLarge, TooSlow
from server.wecom import telling
from server.wecom.crypto import Letterbox, SignatureWrong, Unreadable

MOST_BYTES = 256 * 1024
BODY_SECONDS = 3.0
TAKE_SECONDS = 4.5  # of the five that WeCom waits
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
# What a stranger's signature is compared with, so that it takes as long as where there is a brand.
_NOBODYS = Letterbox(secrets.token_hex(16), "A" * 43, "nobody")

log = logging.getLogger(__name__)


Take = Callable[[Request], Awaitable[Response]]


async def look(request: Request) -> Response:
    """`GET`: WeCom looks whether anybody is there who has the key, and wants to read what it sent."""
    return await _in_time(request, _echo)


async def hear(request: Request) -> Response:
    """`POST`: an event. 200 once it is kept; also for one that is known already, or no news for a handover."""
    return await _in_time(request, _take)


ROUTES = [
    Route("/hooks/wecom/{brand}", look, methods=["GET"]),
    Route("/hooks/wecom/{brand}", hear, methods=["POST"]),
]


async def _in_time(request: Request, take: Take) -> Response:
    try:
        async with asyncio.timeout(TAKE_SECONDS):
            return await take(request)
    except SignatureWrong:
        return _said("the signature doesn't match, or nobody is at this address", 401)
    except (Unreadable, telling.NotXml):
        return _said("this can't be read: look at EncodingAESKey and the corp", 400)
    except ClientDisconnect:
        return _said("", 400)  # nobody is there to read it
    except TooLarge:
        return _said("too much at once", 413, close=True)
    except TooSlow:
        return _said("too slow", 408, close=True)
    except Exception as error:
        if isinstance(error, TimeoutError) or is_away(error):
            log.warning("wecom_news_not_kept", extra={"error": type(error).__name__})
            return _said("busy", 503)  # WeCom tries again
        raise


async def _echo(request: Request) -> Response:
    _, box = await _letterbox(request)
    plain = box.open(request.query_params.get("echostr", ""), **_given(request.query_params))
    return Response(plain, media_type="text/plain; charset=utf-8")


async def _take(request: Request) -> Response:
    body = await bodies.read(request, MOST_BYTES, seconds=BODY_SECONDS, give_up_at=MOST_BYTES + bodies.PATIENCE)
    brand_id, box = await _letterbox(request)
    encrypted = telling.fields_of(body).get("Encrypt", "")
    plain = box.open(encrypted, **_given(request.query_params))
    news = telling.news_of(telling.fields_of(plain))
    if news is not None and brand_id is not None:
        await _keep(request.app.state.edge, brand_id, news)
    return Response(status_code=200)


async def _letterbox(request: Request) -> tuple[UUID | None, Letterbox]:
    """With what the brand's address is set up; that of nobody opens nothing."""
    edge: Edge = request.app.state.edge
    code = request.path_params["brand"]
    # What can't be a code is asked for all the same: it takes as long.
    async with edge.ground.db.read() as session:
        tie = await partner.tie_by_code(session, code if _CODE.fullmatch(code) else "nobody")
    if tie is None:
        return None, _NOBODYS
    token = edge.vault.open(tie.brand_id, tie.callback_token_sealed)
    return tie.brand_id, Letterbox(token, edge.vault.open(tie.brand_id, tie.callback_key_sealed), tie.corp_id)


async def _keep(edge: Edge, brand_id: UUID, news: News) -> None:
    job_ids: list[UUID] = []

    async def keep(work: Work) -> None:
        await listening.keep(work, news)
        await settle(edge.ground, work)
        # This process applies it at once; no worker is woken.
        job_ids[:] = work.job_ids
        work.job_ids.clear()

    await carry_out(edge.ground, system(brand_id), keep)
    await edge.applier.see_to(job_ids)


def _given(query: Mapping[str, str]) -> dict[str, str]:
    return {
        "signature": query.get("msg_signature", ""),
        "timestamp": query.get("timestamp", ""),
        "nonce": query.get("nonce", ""),
    }


def _said(text: str, status: int, *, close: bool = False) -> Response:
    return PlainTextResponse(text and f"{text}\n", status, {"Connection": "close"} if close else None)
