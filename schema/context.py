"""What every resolver is given: who asks, in which language, and how to read and write."""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
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
from kernel.idempotency import Reference, once
from kernel.work import Ground, Work, unit_of_work

Batch = Callable[..., Awaitable[Mapping[Any, Any]]]


class Identified(Protocol):
    """A row with an id."""

    @property
    def id(self) -> UUID: ...


Act = Callable[[Work], Awaitable[Identified]]


@dataclass
class Context:
    """One request's context, or one socket's. It holds no database session and remembers no row."""

    ground: Ground
    vault: Vault
    signed_in: Actor | None
    language: str = "zh"
    request_id: str = ""
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

            answer = await once(work.session, work.actor, key, info.field_name, _arguments(info), write)
        return [UUID(changed) for changed in answer["ids"]]

    async def _read_batch(self, batch: Batch, arguments: dict[str, Any], keys: list[Any]) -> list[Any]:
        async with self.read() as session:
            found = await batch(session, self.actor, list(dict.fromkeys(keys)), **arguments)
        return [found.get(key) for key in keys]


Info = StrawberryInfo[Context, None]


async def _only(act: Act, work: Work) -> Sequence[UUID]:
    return [(await act(work)).id]


def _arguments(info: Info) -> dict[str, Any]:
    """What the client asked for, apart from the key itself: two requests under one key must agree on it.

    A password is left out: a fast hash of it would be kept, from which it could be guessed.
    """
    arguments = cast(SelectedField, info.selected_fields[0]).arguments
    return {name: value for name, value in arguments.items() if name not in ("idempotencyKey", "password")}
