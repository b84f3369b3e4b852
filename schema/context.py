"""What every resolver is given: who asks, in which language, and how to read and write."""

from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Protocol, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from strawberry.dataloader import DataLoader
from strawberry.types import Info as StrawberryInfo
from strawberry.types.nodes import SelectedField

from kernel.actor import Actor
from kernel.crypto import Vault
from kernel.errors import Forbidden, NotSignedIn
from kernel.feed import Place, followed_by
from kernel.idempotency import Reference, fingerprint, once
from kernel.work import Ground, Work, carry_out, settle
from schema import positions
from schema.positions import Position

Batch = Callable[..., Awaitable[Mapping[Any, Any]]]


class Identified(Protocol):
    """A row with an id."""

    @property
    def id(self) -> UUID: ...


Act = Callable[[Work], Awaitable[Identified]]
ActOnMany = Callable[[Work], Awaitable[Sequence[UUID]]]


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a mutation: the ids of what it changed, and where the actor's feeds tell of it."""

    ids: Sequence[UUID]
    places: list[positions.Place]

    @property
    def id(self) -> UUID:
        """The id of the one thing that changed."""
        [only] = self.ids
        return only


class Tokens(Protocol):
    """What a sign-in hands out."""

    @property
    def access_token(self) -> str: ...
    @property
    def access_expires_at(self) -> datetime: ...
    @property
    def refresh_token(self) -> str: ...
    @property
    def refresh_expires_at(self) -> datetime: ...


class Auth(Protocol):
    """Hands out, renews and ends sign-ins; the server knows how."""

    async def sign_in(self, brand_code: str, number: str, password: str, address: str) -> Tokens: ...

    async def refresh(self, refresh_token: str) -> Tokens: ...

    async def sign_out(self, actor: Actor) -> None: ...


class Waiter(Protocol):
    """Somebody who waits for feeds to grow; `reached` is how far they have read."""

    reached: Mapping[UUID, Place]

    async def changed(self) -> None:
        """Return at once if one of the feeds may have grown since the last call, otherwise when it does."""


class Hub(Protocol):
    """Wakes whoever waits for feeds; the server knows how."""

    def watch(self, feed_ids: Collection[UUID]) -> AbstractContextManager[Waiter]: ...


class Readings(Protocol):
    """Reads for many who wait for news, together."""

    async def behind(self, actor: Actor, position: Position | None) -> Any:
        """What changed for the actor behind a position; without one nothing yet, but the position of now."""


@dataclass
class Context:
    """One operation's context. It holds no database session and remembers no row.

    `address` is where the request came from, for counting attempts to sign in; `public_url` is where the product is
    reached from outside. `allows_loopback` says whether this very machine may be posted to.
    """

    ground: Ground
    vault: Vault
    auth: Auth
    hub: Hub
    readings: Readings
    signed_in: Actor | None
    language: str = "zh"
    address: str = ""
    public_url: str = ""
    request_id: str = ""
    may_introspect: bool = True
    allows_loopback: bool = False
    _loaders: dict[Hashable, DataLoader[Any, Any]] = field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """Who asks. `UNAUTHENTICATED` if nobody is signed in."""
        if self.signed_in is None:
            raise NotSignedIn
        return self.signed_in

    def require_staff(self) -> UUID:
        """The id of the person who asks; a machine is refused with `FORBIDDEN`."""
        if self.actor.staff_id is None:
            raise Forbidden
        return self.actor.staff_id

    def read(self) -> AbstractAsyncContextManager[AsyncSession]:
        """A short session: resolvers run side by side and may not share one."""
        return self.ground.db.read()

    async def load(self, batch: Batch, key: Hashable, **arguments: Hashable) -> Any:
        """One row of a batch read `batch(session, actor, keys, **arguments) -> {key: row}`; `None` if it has none.

        All that resolvers ask of one batch read in the same breath becomes one call of it. Nothing is
        remembered between calls: on a socket, the next change must be read anew.
        """
        name = (batch, *sorted(arguments.items()))
        loader = self._loaders.get(name)
        if loader is None:
            loader = DataLoader(load_fn=partial(self._read_batch, name, batch, arguments), cache=False)
            self._loaders[name] = loader
        return await loader.load(key)

    async def mutate(self, info: "Info", key: str | None, act: Act) -> Done:
        """Run a command in a unit of work, once per idempotency key.

        What it answers under a known key is what it answered then: which row, and the places in the feeds.
        """
        return await self.mutate_many(info, key, partial(_only, act))

    async def mutate_many(self, info: "Info", key: str | None, act: ActOnMany) -> Done:
        """The same for a command that changes several rows; `act` returns their ids."""
        asked = fingerprint(self.vault, self.actor.brand_id, _arguments(info)) if key is not None else ""

        async def once_per_key(work: Work) -> Done:
            write = partial(self._write, work, act)
            return await self._done(work, await once(work.session, work.actor, key, info.field_name, asked, write))

        return await carry_out(self.ground, self.actor, once_per_key)

    async def _write(self, work: Work, act: ActOnMany) -> Reference:
        """Act, and keep what is answered: which rows, and where the actor's own feeds told of them."""
        changed = await act(work)
        heads = await settle(self.ground, work)
        followed = {feed_id: heads[feed_id] for feed_id in followed_by(work.actor) if feed_id in heads}
        return {"ids": [str(each) for each in changed], "places": positions.stored(followed)}

    async def _done(self, work: Work, kept: Reference) -> Done:
        # What was kept by an older program holds no places.
        told = positions.restored(kept.get("places", ()))
        if not work.is_settled:
            told = await positions.still_good(work.session, work.actor, told)
        return Done([UUID(each) for each in kept["ids"]], positions.shown(told))

    async def _read_batch(self, name: Hashable, batch: Batch, arguments: dict[str, Any], keys: list[Any]) -> list[Any]:
        # A loader holds on to what it loaded last, and a subscription to its loaders.
        self._loaders.pop(name, None)
        async with self.read() as session:
            found = await batch(session, self.actor, list(dict.fromkeys(keys)), **arguments)
        return [found.get(key) for key in keys]


Info = StrawberryInfo[Context, None]


async def _only(act: Act, work: Work) -> Sequence[UUID]:
    return [(await act(work)).id]


def _arguments(info: Info) -> dict[str, Any]:
    """What the client asked for, apart from the key itself: two requests under one key must agree on it."""
    arguments = cast(SelectedField, info.selected_fields[0]).arguments
    return {name: value for name, value in arguments.items() if name != "idempotencyKey"}
