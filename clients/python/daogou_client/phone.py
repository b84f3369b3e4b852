"""A phone: one person's copy of what they see, kept fresh, and their edits, which survive being offline."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Self

from daogou_client.documents import KINDS, Documents, Kind
from daogou_client.news import Places, Row, reached
from daogou_client.outbox import Edit, Outbox
from daogou_client.pauses import Bell, Patience, Pauses
from daogou_client.sending import OnRefused, OnSent, Sending
from daogou_client.store import Store
from daogou_client.sync import Reach, Sync
from daogou_client.wire import Server, TokenSource

PAGE = 200  # rows that are asked for at once; the server gives at most 500


class Phone:
    """Give it the address, where tokens come from, and a store; `run` it; read rows and queue edits meanwhile.

    Reading and queueing work without `run` too: that is being offline.
    """

    def __init__(
        self,
        url: str,
        tokens: TokenSource,
        store: Store,
        *,
        kinds: Sequence[Kind] = KINDS,
        patience: Patience | None = None,
        page_size: int = PAGE,
        on_sent: OnSent | None = None,
        on_refused: OnRefused | None = None,
    ) -> None:
        self.store = store
        self.outbox = Outbox(store)
        self.bell = Bell()
        self._patience = patience or Patience()
        self._server = Server(url, tokens, self._patience)
        self._sync = Sync(store, self.outbox, self._server, Documents(kinds), self._patience, self.bell, page_size)
        self._sending = Sending(
            self.outbox, self._server, Pauses(self._patience), self.bell, on_sent=on_sent, on_refused=on_refused
        )

    @property
    def reach(self) -> Reach:
        """How the copy stands to the server now."""
        return self._sync.reach

    async def run(self) -> None:
        """Keep the copy fresh and send what is queued, until cancelled. It can be run again afterwards.

        Raises what no retry mends: `SignedOut` when somebody has to sign in again, `Rejected` and `ProtocolBroken`
        when this program and the server don't fit.
        """
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._sync.run())
                group.create_task(self._sending.run())
                group.create_task(self._hurry_when_reached())
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Run for as long as the block lasts, and close the connections then.

        Should `run` raise, the block is cancelled, and what it raised comes out here.
        """
        try:
            async with asyncio.TaskGroup() as group:
                task = group.create_task(self.run())
                yield self
                task.cancel()
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from failed
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. The store stays open: it is its owner's."""
        await self._server.aclose()

    def hurry(self) -> None:
        """Don't wait any longer: the phone has just found a network, or a push has woken it."""
        self._sync.hurry()
        self._sending.hurry()

    def row(self, entity_type: str, id: str) -> Row | None:
        """One row, with the person's own edits that the server has not told of yet."""
        known = self.store.row(entity_type, id)
        shown = self.outbox.shown([known] if known is not None else [], entity_type)
        return next((row for row in shown if row.id == id), None)

    def rows(self, entity_type: str) -> list[Row]:
        """All rows of a kind, with the person's own edits that the server has not told of yet."""
        return self.outbox.shown(self.store.rows(entity_type), entity_type)

    def edit(self, document: str, variables: Mapping[str, Any], edits: Sequence[Edit] = ()) -> str:
        """Queue an edit and return its key; `edits` say how it is to look until the server has told of it."""
        key = self.outbox.queue(document, variables, edits)
        self.bell.ring()
        return key

    async def wait_until(self, places: Places) -> None:
        """Return once the copy has what lies before these places.

        The places of a feed that has started over since are never reached, as it has another name now.
        """
        await self.bell.until(lambda: reached(self.store.progress.places, places))

    async def settled(self, places: Places | None = None) -> None:
        """Return once nothing waits to be sent or told and the copy is up to date (up to these places, if given)."""
        await self.bell.until(
            lambda: (
                self._is_reached() and not self.outbox.waiting() and reached(self.store.progress.places, places or {})
            )
        )

    async def _hurry_when_reached(self) -> None:
        while True:
            await self.bell.until(self._is_reached)
            self._sending.hurry()
            await self.bell.until(lambda: not self._is_reached())

    def _is_reached(self) -> bool:
        return self.reach in (Reach.LIVE, Reach.POLLING)
