"""Links that customers follow: to the brand's mall, and to whoever serves them there now."""

import logging
import re
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from kernel import clock
from kernel.errors import Refusal, Unavailable
from mall.models import Landing
from mall.models.own_taps import BROWSER_LASTS, is_own_browser, is_preview, mark_of_browser
from mall.queries import landing as landings
from server import answers, qr, share_pages
from server.edge import Edge, address_of
from server.visitors import LONGEST_AGENT, is_person

COOKIE = "daogou_own"
PATH = "/s"
_CODE = re.compile(r"[0-9a-z]{1,16}")
_QR_HEADERS = {"Cache-Control": "public, max-age=86400"}
_REDIRECT_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

log = logging.getLogger(__name__)

Endpoint = Callable[[Request], Awaitable[Response]]


def _in_peace(answer: Endpoint) -> Endpoint:
    """The same; where the database is away, a page that says so."""

    async def answered(request: Request) -> Response:
        try:
            return await answer(request)
        except Exception as error:
            if isinstance(answers.refusal_in(error), Unavailable):
                return share_pages.busy()
            raise

    return answered


async def _follow(request: Request) -> Response:
    """Lead a visitor on, and count them if they are one; 404 for a link that never was, 410 for one that is over."""
    edge: Edge = request.app.state.edge
    landing = await _landing(edge, request)
    if landing is None:
        return share_pages.over(404)
    if landing.expires_at <= clock.now():
        return share_pages.over(410)
    address = landing.address
    response = share_pages.shown(landing) if address is None else RedirectResponse(address, 302, _REDIRECT_HEADERS)
    if _is_marked(edge, request, landing):
        _remember(edge, response, landing)
    elif request.method == "GET" and is_person(request.headers) and not await _is_staff(edge, request, landing):
        agent = request.headers.get("user-agent", "")[:LONGEST_AGENT]
        await edge.opens.count(landing, address_of(request), agent)
    return response


async def _as_png(request: Request) -> Response:
    """The QR code as PNG; `?size=` is its longest side in pixels, 100 to 1200."""
    size = request.query_params.get("size", str(qr.USUAL))
    if not re.fullmatch(r"\d{1,4}", size, re.ASCII) or not qr.SMALLEST <= int(size) <= qr.LARGEST:
        return PlainTextResponse(f"size: {qr.SMALLEST} to {qr.LARGEST} pixels\n", 400)
    return await _drawn(request, "image/png", lambda address: qr.png(address, int(size)))


async def _as_svg(request: Request) -> Response:
    """The QR code as SVG."""
    return await _drawn(request, "image/svg+xml", qr.svg)


async def _drawn(request: Request, media_type: str, draw: Callable[[str], bytes]) -> Response:
    edge: Edge = request.app.state.edge
    landing = await _landing(edge, request)
    if landing is None:
        return share_pages.over(404)
    if landing.expires_at <= clock.now():
        return share_pages.over(410)
    address = f"{edge.settings.public_address}{PATH}/{landing.code}"
    return Response(draw(address), headers=_QR_HEADERS, media_type=media_type)


async def _landing(edge: Edge, request: Request) -> Landing | None:
    code = request.path_params["code"].lower()
    if not _CODE.fullmatch(code):
        return None
    async with edge.ground.db.read() as session:
        return await landings.of_code(session, code)


def _is_marked(edge: Edge, request: Request, landing: Landing) -> bool:
    """Whether this is a guide's own look: by the app's mark in the address, or by the one that the browser keeps."""
    at, brand_id = clock.now(), landing.brand_id
    if is_preview(edge.vault, brand_id, landing.share_id, request.query_params.get("own", ""), at):
        return True
    return is_own_browser(edge.vault, brand_id, request.cookies.get(COOKIE, ""), at)


def _remember(edge: Edge, response: Response, landing: Landing) -> None:
    response.set_cookie(
        COOKIE,
        mark_of_browser(edge.vault, landing.brand_id, clock.now()),
        max_age=int(BROWSER_LASTS.total_seconds()),
        path=PATH,
        secure=edge.settings.public_address.startswith("https://"),
        httponly=True,
        samesite="lax",
    )


async def _is_staff(edge: Edge, request: Request, landing: Landing) -> bool:
    """Whether somebody of the brand shows who they are, as an app does."""
    authorization = request.headers.get("authorization")
    if authorization is None:
        return False
    try:
        caller = await edge.caller(authorization)
    except Refusal:
        return False
    return caller is not None and caller.actor.brand_id == landing.brand_id


ROUTES = [
    Route(f"{PATH}/{{code}}.png", _in_peace(_as_png)),
    Route(f"{PATH}/{{code}}.svg", _in_peace(_as_svg)),
    Route(f"{PATH}/{{code}}", _in_peace(_follow)),
]
