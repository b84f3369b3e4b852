"""`POST /hooks/mall/{source}`: is it signed, can it be an order, keep it, say so; all else happens after the answer."""

import asyncio
import re
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from intake.commands import inbox
from intake.models.schemes import Arrived, Scheme, Signed, scheme
from intake.queries import hook_mappings, hooks
from kernel import clock
from kernel.actor import system
from kernel.errors import Unavailable
from kernel.work import Work, carry_out, settle
from server import answers, bodies, files, negotiation
from server.edge import Edge
from server.hooks.refusals import BodyWrong, SignatureWrong, TimeWrong, status_of
from server.refusals import TooLarge, TooSlow, WrongMediaType

MOST_BYTES = 256 * 1024
BODY_SECONDS = 10.0
TAKE_SECONDS = 10.0
CLOCKS_DIFFER_BY = timedelta(minutes=5)
MOST_LEVELS = 32
_MOST_VALUES = 20_000  # objects and lists: what is in memory is many times longer than what it says
_SLUG = re.compile(r"[a-z0-9_-]{1,32}\.[a-z0-9-]{1,32}")
_JSON = re.compile(r"application/(json|[a-z0-9.-]+\+json)|text/json")
# WooCommerce asks whether anybody is there, unsigned, before it stores a webhook.
_PING = re.compile(rb"webhook_id=[0-9]{1,20}")
_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*(?:"|\\?\Z)', re.DOTALL)  # one that never ends is one, too
_BRACKETS = re.compile(rb"[\[\]{}]")
# What a stranger's signature is compared with, so that it takes as long as where there is a source.
_NOBODYS = "whsec_bm9ib2R5IGhhcyB0aGlzIHNlY3JldCwgbm90IGV2ZW4gdXM="


@dataclass(slots=True)
class _Attempt:
    """How far a request has come: whose it is, once somebody has looked, and what is vouched for."""

    slug: str
    sender: hooks.Sender | None = None
    signed: Signed | None = None


async def receive(request: Request) -> Response:
    """Take one message of a mall. `docs/mall-webhooks.md` lists what is answered."""
    edge: Edge = request.app.state.edge
    attempt = _Attempt(request.path_params["source"])
    try:
        async with asyncio.timeout(BODY_SECONDS + TAKE_SECONDS):
            return await _take(edge, request, attempt)
    except ClientDisconnect:
        return Response(status_code=400)  # nobody is there to read it
    except Exception as error:
        return _turned_down(edge, request, attempt, error)


async def _take(edge: Edge, request: Request, attempt: _Attempt) -> Response:
    body = await bodies.read(request, MOST_BYTES, seconds=BODY_SECONDS, give_up_at=MOST_BYTES + bodies.PATIENCE)
    if _PING.fullmatch(body):
        return Response(status_code=200)
    attempt.sender, signing = await _sender(edge, attempt.slug)
    attempt.signed = _signed(edge, request, body, attempt.sender, signing)
    _require_sound(request, attempt.signed)
    return await _keep(edge, attempt.sender, signing, attempt.signed)


ROUTES = [Route("/hooks/mall/{source}", receive, methods=["POST"])]


async def _sender(edge: Edge, slug: str) -> tuple[hooks.Sender | None, Scheme]:
    # What can't be an address is asked for all the same: it takes as long.
    asked = slug if _SLUG.fullmatch(slug) else "nobody.nobody"
    async with edge.ground.db.read() as session:
        found = await hooks.sender(session, asked, clock.now())
    if found is None:
        return None, scheme("standard-webhooks")
    return found, scheme(hook_mappings.load(found.mapping).scheme)


def _signed(edge: Edge, request: Request, body: bytes, sender: hooks.Sender | None, signing: Scheme) -> Signed:
    secrets = [edge.vault.open(sender.brand_id, sealed) for sealed in sender.sealed] if sender is not None else []
    found = signing.verify(Arrived(request.headers, body), secrets or [_NOBODYS])
    if found is None or sender is None or not secrets:
        raise SignatureWrong
    return found


def _require_sound(request: Request, signed: Signed) -> None:
    """Only who has signed is told what else is wrong."""
    if signed.at is not None and abs(clock.now() - signed.at) > CLOCKS_DIFFER_BY:
        raise TimeWrong(minutes=CLOCKS_DIFFER_BY // timedelta(minutes=1))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not _JSON.fullmatch(kind):
        raise WrongMediaType("Content-Type must be application/json.")
    if _is_bomb(signed.body):
        raise BodyWrong(deep=MOST_LEVELS)
    try:
        orjson.loads(signed.body)
    except orjson.JSONDecodeError as error:
        raise BodyWrong(deep=MOST_LEVELS) from error


def _is_bomb(body: bytes) -> bool:
    """Whether there is too much in it, or too deep, to be worth reading; found out without reading it."""
    plain = _TEXTS.sub(b"", body)
    if plain.count(b"[") + plain.count(b"{") > _MOST_VALUES:
        return True
    depth = 0
    for bracket in _BRACKETS.findall(plain):
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST_LEVELS:
            return True
    return False


async def _keep(edge: Edge, sender: hooks.Sender | None, signing: Scheme, signed: Signed) -> Response:
    if sender is None:
        raise SignatureWrong
    notice = inbox.read(sender, signed.body)
    job_ids: list[UUID] = []

    async def take_in(work: Work) -> bool:
        is_new = await inbox.take_in(work, edge.vault, sender, signed, notice)
        await settle(edge.ground, work)
        # This process does it at once; no worker is woken.
        job_ids[:] = work.job_ids
        work.job_ids.clear()
        return is_new

    is_new = await carry_out(edge.ground, system(sender.brand_id), take_in)
    if not sender.is_paused:  # otherwise there is no hurry: a worker finds the job, and has nothing to do
        await edge.applier.see_to(job_ids)
    if signing.thanks is not None:
        return Response(signing.thanks, 200, media_type="application/json")
    state = "repeated" if not is_new else "accepted" if notice is not None else "ignored"
    return files.as_json({"state": state}, 202 if is_new else 200)


def _turned_down(edge: Edge, request: Request, attempt: _Attempt, error: Exception) -> Response:
    language = negotiation.language(request.headers.get("accept-language"))
    refusal = Unavailable() if isinstance(error, TimeoutError) else answers.refusal_in(error)
    if refusal is None:
        shown = answers.masked(error, language, request.state.request_id)
        return files.as_json({"code": shown["extensions"]["code"], "message": shown["message"]}, 500)
    status = status_of(refusal)
    if attempt.sender is not None:
        edge.hook_notes.note(attempt.sender, refusal, status, is_signed=attempt.signed is not None)
    elif not isinstance(refusal, SignatureWrong):
        # Whose it was to be is looked up for the audit only, after the answer.
        edge.hook_notes.note_unread(attempt.slug, refusal, status)
    hints = {"Connection": "close"} if isinstance(refusal, TooLarge | TooSlow) else {}
    if isinstance(refusal, Unavailable):
        hints["Retry-After"] = "5"
    return files.as_json({"code": refusal.code, "message": refusal.say(language)}, status, hints)
