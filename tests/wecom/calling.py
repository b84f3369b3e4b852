"""Call the address that was set up: in order or not, once or twice, at once or when it is said (91116)."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2

from tests.wecom.sealing import Seal, envelope, event
from tests.wecom.world import Corp

TRIES = 3
PATIENCE = 5.0  # seconds; for a look at the address, one


@dataclass
class Habits:
    """`copies`: how often each is sent, whatever was answered. `hold`: keep them until they are let go."""

    copies: int = 1
    hold: bool = False


@dataclass
class Call:
    """One event, and what was answered each time it was sent: a status, or 0 for none in time."""

    at: int
    fields: dict[str, object]
    answers: list[int] = field(default_factory=list)


class Caller:
    """Sends what happens, one after the other."""

    def __init__(self, corp: Corp) -> None:
        self._corp = corp
        self._dice = Random(corp.seed)
        self.habits = Habits()
        self.url: str | None = None
        self.seal: Seal | None = None
        self.calls: list[Call] = []
        self._held: list[Call] = []
        self._queue: list[Call] = []
        self._task: asyncio.Task[None] | None = None
        self._http: httpx2.AsyncClient | None = None

    async def set_up(self, url: str, token: str, aes_key: str) -> bool:
        """Look whether anybody is there who can read; only then is the address taken."""
        seal = Seal(token, aes_key, self._corp.corp_id)
        word = str(self._dice.randrange(10**18))
        params, echo = seal.call(word.encode(), int(self._corp.now.timestamp()), self._dice)
        try:
            answer = await self._client().get(url, params={**params, "echostr": echo}, timeout=1.0)
        except httpx2.HTTPError:
            return False
        if answer.status_code != 200 or answer.text != word:
            return False
        self.url, self.seal = url, seal
        return True

    def tell(self, fields: Any) -> None:
        """Something happened at the corp."""
        call = Call(int(self._corp.now.timestamp()), dict(fields))
        self.calls.append(call)
        if self.url is None:
            return
        if self.habits.hold:
            self._held.append(call)
        else:
            self._queue += [call] * self.habits.copies

    def let_go(self, order: str = "as_it_was") -> int:
        """Send what was kept, in that order; how many there were."""
        held, self._held = self._held, []
        if order == "reversed":
            held.reverse()
        elif order == "shuffled":
            self._dice.shuffle(held)
        for call in held:
            self._queue += [call] * self.habits.copies
        return len(held)

    async def sent(self) -> None:
        """Return when all that isn't kept has been sent."""
        while self._queue or (self._task is not None and not self._task.done()):
            self.start()
            assert self._task is not None
            await asyncio.wait([self._task])

    def start(self) -> None:
        """Begin to send, beside whatever else goes on."""
        if self._queue and (self._task is None or self._task.done()):
            self._task = asyncio.create_task(self._send_all())

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._http is not None:
            await self._http.aclose()

    async def _send_all(self) -> None:
        while self._queue:
            await self._send(self._queue.pop(0))

    async def _send(self, call: Call) -> None:
        """Up to three times, each with a signature of its own, until 200 comes within five seconds."""
        assert self.seal is not None
        assert self.url is not None
        for _ in range(TRIES):
            message = event(self._corp.corp_id, call.at, call.fields)
            params, encrypted = self.seal.call(message, call.at, self._dice)
            body = envelope(self._corp.corp_id, encrypted)
            try:
                answer = await self._client().post(self.url, params=params, content=body, timeout=PATIENCE)
                call.answers.append(answer.status_code)
            except httpx2.HTTPError:
                call.answers.append(0)
            if call.answers[-1] == 200:
                return

    def _client(self) -> httpx2.AsyncClient:
        if self._http is None:
            self._http = httpx2.AsyncClient(headers={"Content-Type": "text/xml"})
        return self._http
