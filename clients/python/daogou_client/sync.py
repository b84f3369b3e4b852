"""Keep the copy like the server: a snapshot first, then what changes, from exactly where the copy ends."""

import logging
from asyncio import get_running_loop
from contextlib import aclosing
from enum import StrEnum

from daogou_client.documents import Documents
from daogou_client.errors import NoSocket, Rejected, TokenRefused, Unreachable
from daogou_client.news import Batch
from daogou_client.outbox import Outbox
from daogou_client.pauses import Bell, Patience, Pauses
from daogou_client.store import Store
from daogou_client.wire import Server

_FRUITLESS = 3  # handshakes in a row that came to nothing, after which changes are asked for without a socket too
_MUCH = 3  # failures that it counts for when a server has too much to do, or sends everybody back to the start

log = logging.getLogger("daogou_client")


class Reach(StrEnum):
    """How the copy stands to the server."""

    AWAY = "away"  # not connected: the copy is as it was
    BEHIND = "behind"  # catching up
    LIVE = "live"  # up to date, and told of changes as they happen
    POLLING = "polling"  # up to date as of the last poll


class Sync:
    """Runs one store's copy. Rings `bell` after each batch and each change of `reach`."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        server: Server,
        documents: Documents,
        patience: Patience,
        bell: Bell,
        page_size: int,
    ) -> None:
        self.reach = Reach.AWAY
        self._store = store
        self._outbox = outbox
        self._server = server
        self._documents = documents
        self._patience = patience
        self._bell = bell
        self._page_size = page_size
        self._pauses = Pauses(patience)
        self._fruitless = 0
        self._no_sockets_until = 0.0

    async def run(self) -> None:
        """Go on for ever. Raises what no retry mends: `SignedOut`, `Rejected`, `ProtocolBroken`."""
        self._store.select(self._documents.node)
        try:
            while True:
                try:
                    await self._fill()
                    await self._follow()
                except (Unreachable, TokenRefused) as lost:
                    self._lost(lost)
                await self._pauses.wait()
        finally:
            self._now(Reach.AWAY)

    def hurry(self) -> None:
        """Try again at once, or poll at once: the phone has just found a network, or a push has woken it."""
        self._pauses.cut_short()

    async def _fill(self) -> None:
        """Fetch what is left of the snapshot, page by page; nothing if the copy is whole."""
        # Of edits that were answered before the first page is asked for, the snapshot tells.
        told = self._outbox.sent() if self._store.progress.next_page is None else set()
        while (progress := self._store.progress).cursor is None:
            self._now(Reach.BEHIND)
            variables = {"after": progress.next_page, "first": self._page_size, "types": self._documents.types}
            try:
                page = self._documents.page(await self._server.ask(self._documents.snapshot, variables))
            except Rejected as rejected:
                if progress.next_page is None:
                    raise
                self._store.start_over()  # what led to this page leads nowhere any more
                raise Unreachable(str(rejected)) from rejected
            self._store.take_page(page)
            if page.next is None:
                self._outbox.settle(told)
            self._bell.ring()

    async def _follow(self) -> None:
        if self._patience.poll is None:
            await self._listen()
            return
        is_shut = get_running_loop().time() < self._no_sockets_until
        if is_shut or self._fruitless >= _FRUITLESS:
            await self._poll()
        if self._store.progress.cursor is None:
            return  # the copy is to be fetched anew
        if is_shut:
            await self._pauses.wait(self._patience.poll)
        else:
            await self._listen()

    async def _listen(self) -> None:
        """Take what changes as it happens, until the stream ends."""
        told: set[int] | None = self._outbox.sent()
        after = {"after": self._store.progress.cursor}
        try:
            async with aclosing(self._server.hear(self._documents.live, after)) as answers:
                async for data in answers:
                    batch = self._documents.batch(data)
                    self._fruitless = 0
                    self._take(batch, told or set(), Reach.LIVE)
                    # Of what was answered before the stream began, it has told by the time it is up to date.
                    told = None if batch.is_up_to_date else told
        finally:
            self._now(Reach.AWAY)

    async def _poll(self) -> None:
        """Ask for what changed until there is no more."""
        told = self._outbox.sent()
        while True:
            after = self._store.progress.cursor
            data = await self._server.ask(self._documents.changes, {"after": after, "first": self._page_size})
            batch = self._documents.batch(data)
            self._take(batch, told, Reach.POLLING)
            if batch.is_up_to_date or batch.must_refetch:
                return

    def _take(self, batch: Batch, told: set[int], reach: Reach) -> None:
        self._store.take_batch(batch)
        if batch.must_refetch:
            log.info("the copy is of no use any more, and is fetched anew")
            self._pauses.at_least(_MUCH)
        else:
            self._outbox.settle(told if batch.is_up_to_date else ())
            self._pauses.reset()
        self._now(reach if batch.is_up_to_date and not batch.must_refetch else Reach.BEHIND)
        self._bell.ring()

    def _lost(self, lost: Unreachable | TokenRefused) -> None:
        log.info("lost the server: %s", lost)
        self._now(Reach.AWAY)
        match lost:
            case NoSocket():
                self._no_sockets_until = get_running_loop().time() + self._patience.until_next_socket
            case Unreachable(code="HANDSHAKE"):
                self._fruitless += 1
            case Unreachable(code="TRY_LATER"):
                self._pauses.at_least(_MUCH)

    def _now(self, reach: Reach) -> None:
        if self.reach is not reach:
            self.reach = reach
            self._bell.ring()
