"""The simulator as an application: WeCom's interfaces under `/cgi-bin/`, and what steers it under `/_control/`."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.wecom import control, interfaces, transfers
from tests.wecom.calling import Caller
from tests.wecom.gate import Gate, wrong
from tests.wecom.world import Corp

MOST_BYTES = 1_000_000


class Simulator:
    """One corp, and all that stands around it."""

    def __init__(self, seed: int = 1, real_now: Callable[[], datetime] | None = None) -> None:
        self._real_now = real_now or (lambda: datetime.now(UTC))
        self.begin(seed)

    def begin(self, seed: int) -> None:
        """Forget everything."""
        self.corp = Corp(seed=seed, real_now=self._real_now)
        self.gate = Gate(self.corp)
        self.caller = Caller(self.corp)

    async def travel(self, by: timedelta) -> None:
        """Let time go by, and wait until all that happened is told."""
        transfers.pass_time(self.corp, by, self.caller.tell)
        await self.caller.sent()

    async def told(self, *, order: str = "as_it_was") -> None:
        """Let go of what was held back, and wait until it is told."""
        self.caller.let_go(order)
        await self.caller.sent()


def create_app(simulator: Simulator) -> Starlette:
    """The application; its state is the simulator's, which a test may change directly."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await simulator.caller.close()

    async def gettoken(request: Request) -> Response:
        query = request.query_params
        return await _through(simulator, "gettoken", lambda: _token(simulator, query.get("corpid"), query))

    async def ask(request: Request) -> Response:
        path = request.path_params["path"]
        known = interfaces.POSTED if request.method == "POST" else interfaces.GOT
        body = await _body(request)
        token = request.query_params.get("access_token", "")
        return await _through(simulator, path, lambda: _ask(simulator, known.get(path), path, token, body))

    return Starlette(
        routes=[
            Route("/cgi-bin/gettoken", gettoken),
            Route("/cgi-bin/{path:path}", ask, methods=["GET", "POST"]),
            *control.routes(simulator),
        ],
        lifespan=lifespan,
    )


def _token(simulator: Simulator, corp_id: str | None, query: object) -> dict[str, object]:
    secret = query.get("corpsecret") if hasattr(query, "get") else None
    return simulator.gate.get_token(corp_id or "", secret or "")


def _ask(
    simulator: Simulator,
    interface: interfaces.Interface | None,
    path: str,
    token: str,
    body: dict[str, object] | None,
) -> dict[str, object]:
    code = simulator.gate.check_token(token) or simulator.gate.check_rate(path)
    if code:
        return wrong(code)
    if interface is None:
        return wrong(404, "no such interface")
    if body is None:
        return wrong(47001, "no JSON")
    transfers.pass_time(simulator.corp, timedelta(), simulator.caller.tell)
    answer = interfaces.answer(simulator.corp, interface, body)
    simulator.caller.start()
    return answer


async def _through(simulator: Simulator, path: str, act: Callable[[], dict[str, object]]) -> Response:
    """What goes wrong on the way there and back."""
    gate = simulator.gate
    gate.asked[path] += 1
    gate.inside += 1
    try:
        await gate.delay(path)
        fault = gate.fault(path, ("drop", "status", "code"))
        if fault is None:
            answer = act()
            return _cut_off() if gate.fault(path, ("lose_answer",)) else JSONResponse(answer)
        if fault.kind == "drop":
            return _cut_off()
        return JSONResponse(wrong(int(fault.value)), status_code=int(fault.value) if fault.kind == "status" else 200)
    finally:
        gate.inside -= 1


def _cut_off() -> Response:
    """An answer that ends before it began: the server closes the connection."""

    async def nothing() -> AsyncIterator[bytes]:
        return
        yield

    return StreamingResponse(nothing(), headers={"Content-Length": "2"}, media_type="application/json")


async def _body(request: Request) -> dict[str, object] | None:
    if request.method == "GET":
        return dict(request.query_params)
    content = await request.body()
    try:
        body = json.loads(content[:MOST_BYTES])
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


Handler = Callable[[Request], Awaitable[Response]]
