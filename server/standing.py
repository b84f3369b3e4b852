"""Know who is connected, let nobody have too many sockets, and end those whose sign-in no longer counts."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy.exc import SQLAlchemyError

from directory.queries import covers, standing
from directory.queries.standing import Post
from kernel import clock
from kernel.actor import Actor
from kernel.errors import Unavailable
from kernel.work import Ground

CHECK_SECONDS = 1.0
SOCKETS_PER_PERSON = 10
_PER_QUERY = 1_000  # sockets: some milliseconds, in which nobody else is served

log = logging.getLogger(__name__)


class TooManySockets(Unavailable):
    """This person, or whoever comes from this address without a sign-in, has as many sockets as one may have."""

    code = "TOO_MANY_SOCKETS"
    en = "Too many connections at once."
    zh = "同时连接数过多。"


class Guest(Protocol):
    """A socket, as far as it concerns whoever minds the door."""

    @property
    def actor(self) -> Actor | None: ...

    @property
    def expires_at(self) -> datetime | None: ...

    def end_sign_in(self, reason: str) -> None:
        """Close the socket: who came with it may not stay."""


class Standing:
    """The sockets of this process, by whoever they belong to."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._guests: set[Guest] = set()
        self._counts: Counter[UUID | str] = Counter()

    @property
    def count(self) -> int:
        """How many sockets are open."""
        return len(self._guests)

    @contextmanager
    def admitted(self, guest: Guest, address: str) -> Iterator[None]:
        """Let a socket in for as long as the block lasts. Raises `TOO_MANY_SOCKETS`."""
        person = guest.actor.id if guest.actor is not None else address
        if self._counts[person] >= SOCKETS_PER_PERSON:
            raise TooManySockets
        self._counts[person] += 1
        self._guests.add(guest)
        try:
            yield
        finally:
            self._guests.discard(guest)
            self._counts[person] -= 1
            if not self._counts[person]:
                del self._counts[person]

    @asynccontextmanager
    async def minded(self) -> AsyncIterator[None]:
        """Check every second for as long as the block lasts."""
        task = asyncio.create_task(self._mind())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def check(self) -> None:
        """End the sockets whose token has expired, whose sign-in is over, or whose owner has another post now.

        Or covers for somebody else than when they came: what they see from then on are other rows and other feeds.
        """
        now = clock.now()
        signed_in: list[tuple[Guest, Actor, UUID]] = []
        for guest in list(self._guests):
            if guest.expires_at is not None and guest.expires_at <= now:
                guest.end_sign_in("The token has expired")
            elif guest.actor is not None and guest.actor.sign_in_id is not None:
                signed_in.append((guest, guest.actor, guest.actor.sign_in_id))
        for start in range(0, len(signed_in), _PER_QUERY):
            await self._check(signed_in[start : start + _PER_QUERY])

    async def _check(self, signed_in: list[tuple[Guest, Actor, UUID]]) -> None:
        by_brand: dict[UUID, set[UUID]] = {}
        for _, actor, sign_in_id in signed_in:
            by_brand.setdefault(actor.brand_id, set()).add(sign_in_id)
        async with self._ground.db.read() as session:
            posts = await standing.posts(session, by_brand)
            covered = {brand_id: await covers.covered(session, brand_id) for brand_id in by_brand}
        for guest, actor, sign_in_id in signed_in:
            post = posts.get(sign_in_id)
            if post is None:
                guest.end_sign_in("The sign-in has ended")
            elif actor.covered != covered[actor.brand_id].get(actor.id, ()):
                guest.end_sign_in("What is covered has changed")
            elif post != Post(actor.role, actor.store_id, actor.region_path):
                # Come back with the same token: what is seen from the new post is other rows and other feeds.
                guest.end_sign_in("The post has changed")

    async def _mind(self) -> None:
        while True:
            started = time.monotonic()
            try:
                await self.check()
            except (SQLAlchemyError, OSError, TimeoutError) as error:
                log.warning("sign_ins_unchecked", extra={"error": type(error).__name__})
            except Exception:
                log.exception("sign_ins_unchecked")
            await asyncio.sleep(max(0.05, CHECK_SECONDS - (time.monotonic() - started)))
