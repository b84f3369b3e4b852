"""Send what is in the outbox, one edit after the other, until the server has answered each."""

import logging
from collections.abc import Callable
from typing import Protocol

from daogou_client.errors import Rejected, TokenRefused, Unreachable
from daogou_client.news import Json
from daogou_client.outbox import TOO_OLD, Mutation, Outbox
from daogou_client.pauses import Bell, Pauses
from daogou_client.wire import TRANSIENT

_PATIENCE_WITH_BUGS = 5  # times that the server may stumble on an edit before those behind it are let past

_PROBLEM_TOO_OLD = {
    "code": TOO_OLD,
    "message": "This was sent so long ago that sending it again could do it twice.",
    "current": None,
}

log = logging.getLogger("daogou_client")

OnSent = Callable[[Mutation, Json], None]
OnRefused = Callable[[Mutation], None]


class Asks(Protocol):
    """Whoever carries an operation to the server and brings its data back."""

    async def ask(self, document: str, variables: Json) -> Json:
        """Raises `Unreachable`, `TokenRefused`, `Rejected`."""


class Sending:
    """Runs one outbox. `on_sent` is told each answer, `on_refused` each edit that the server won't carry out."""

    def __init__(
        self,
        outbox: Outbox,
        server: Asks,
        pauses: Pauses,
        bell: Bell,
        on_sent: OnSent | None = None,
        on_refused: OnRefused | None = None,
    ) -> None:
        self._outbox = outbox
        self._server = server
        self._pauses = pauses
        self._bell = bell
        self._on_sent = on_sent
        self._on_refused = on_refused

    async def run(self) -> None:
        """Go on for ever. Raises `SignedOut` and `ProtocolBroken`; the queue is kept."""
        while True:
            await self._bell.until(lambda: self._outbox.first() is not None)
            mutation = self._outbox.first()
            if mutation is not None:
                await self._send(mutation)
                self._bell.ring()

    def hurry(self) -> None:
        """Try again at once: there is reason to believe that the server can be reached."""
        self._pauses.cut_short()

    async def _send(self, mutation: Mutation) -> None:
        if not self._outbox.may_send(mutation):
            self._refuse(mutation, _PROBLEM_TOO_OLD)
            return
        variables = {**mutation.variables, "idempotencyKey": mutation.key}
        try:
            [payload] = (await self._server.ask(mutation.document, variables)).values()
            if payload["__typename"] == "Problem" and payload["code"] in TRANSIENT:
                raise Unreachable(payload["message"], payload["code"])
        except (Unreachable, TokenRefused) as lost:
            await self._try_later(mutation, lost)
        except Rejected as rejected:
            self._refuse(mutation, {"code": rejected.code, "message": rejected.message, "current": None})
        else:
            self._take(mutation, payload)

    def _take(self, mutation: Mutation, payload: Json) -> None:
        self._pauses.reset()
        if payload["__typename"] == "Problem":
            self._refuse(mutation, payload)
            return
        self._outbox.take_answer(mutation, payload)
        if self._on_sent is not None:
            self._on_sent(mutation, payload)

    def _refuse(self, mutation: Mutation, problem: Json) -> None:
        refused = self._outbox.refuse(mutation, problem)
        if self._on_refused is not None:
            self._on_refused(refused)

    async def _try_later(self, mutation: Mutation, lost: Unreachable | TokenRefused) -> None:
        log.info("an edit has to wait: %s", lost)
        is_bug = isinstance(lost, Unreachable) and lost.code == "INTERNAL"
        if is_bug and self._outbox.count_failure(mutation) >= _PATIENCE_WITH_BUGS:
            self._refuse(mutation, {"code": "INTERNAL", "message": str(lost), "current": None})
        else:
            await self._pauses.wait()
