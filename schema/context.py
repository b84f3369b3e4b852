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
from kernel.feed import Place
from kernel.idempotency import Reference, fingerprint, once
from kernel.work import Ground, Work, unit_of_work

Batch = Callable[..., Awaitable[Mapping[Any, Any]]]


class Identified(Protocol):
    """A row with an id."""

    @property
    def id(self) -> UUID: ...


Act = Callable[[Work], Awaitable[Identified]]


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

    def turn(self) -> AbstractAsyncContextManager[None]:
        """Whoever is woken reads within this: many are woken at once."""


@dataclass
class Context:
    """One operation's context. It holds no database session and remembers no row.

    `address` is where the request came from, for counting attempts to sign in.
    """

    ground: Ground
    vault: Vault
    auth: Auth
    hub: Hub
    signed_in: Actor | None
    language: str = "zh"
    address: str = ""
    request_id: str = ""
    may_introspect: bool = True
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

    def work(self) -> AbstractAsyncContextManager[Work]:
        """A unit of work of the actor."""
        return unit_of_work(self.ground, self.actor)

    async def load(self, batch: Batch, key: Hashable, **arguments: Hashable) -> Any:
        """One row of a batch read `batch(session, actor, keys, **arguments) -> {key: row}`; `None` if it has none.

        All that resolvers ask of one batch read in the same breath becomes one call of it. Nothing is
        remembered between calls: on a socket, the next change must be read anew.
        """
        name = (batch, *sorted(arguments.items()))
        loader = self._loaders.get(name)
        if loader is None:
            loader = DataLoader(load_fn=partial(self._read_batch, batch, arguments), cache=False)
            self._loaders[name] = loader
        return await loader.load(key)

    async def mutate(self, info: "Info", key: str | None, act: Act) -> UUID:
        """Run a command in a unit of work, once per idempotency key, and return the id of what it changed."""
        [changed] = await self.mutate_many(info, key, partial(_only, act))
        return changed

    async def mutate_many(
        self, info: "Info", key: str | None, act: Callable[[Work], Awaitable[Sequence[UUID]]]
    ) -> list[UUID]:
        """The same for a command that changes several rows; `act` returns their ids."""
        async with self.work() as work:

            async def write() -> Reference:
                return {"ids": [str(changed) for changed in await act(work)]}

            asked = fingerprint(self.vault, work.actor.brand_id, _arguments(info)) if key is not None else ""
            answer = await once(work.session, work.actor, key, info.field_name, asked, write)
        return [UUID(changed) for changed in answer["ids"]]

    async def _read_batch(self, batch: Batch, arguments: dict[str, Any], keys: list[Any]) -> list[Any]:
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
