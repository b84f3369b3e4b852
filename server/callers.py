"""Find who is behind sign-ins: those that come at the same time, as after a restart, in one query."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast
from uuid import UUID

from directory.errors import SignInEnded
from directory.queries import actors
from kernel.actor import Actor
from kernel.work import Ground

_AT_ONCE = 2
_PER_QUERY = 50
_LONGEST_SECONDS = 10.0


class _Call(NamedTuple):
    brand_id: UUID
    sign_in_id: UUID
    answer: asyncio.Future[Actor | None]


@dataclass(slots=True)
class Callers:
    """Looks sign-ins up, in the order in which they come. What comes while two queries are under way shares the next.

    So thousands of sockets that come back at once take two connections of the pool, and not all.
    """

    ground: Ground
    _waiting: list[_Call] = field(default_factory=list)
    _looking: set[asyncio.Task[None]] = field(default_factory=set)

    async def staff(self, brand_id: UUID, sign_in_id: UUID) -> Actor:
        """The staff member behind a sign-in, as the directory knows them now. Raises `SIGN_IN_ENDED`."""
        call = _Call(brand_id, sign_in_id, asyncio.get_running_loop().create_future())
        self._waiting.append(call)
        if len(self._looking) < _AT_ONCE:
            self._looking.add(asyncio.create_task(self._look()))
        actor = await call.answer
        if actor is None:
            raise SignInEnded
        return actor

    async def _look(self) -> None:
        while calls := self._next():
            try:
                async with asyncio.timeout(_LONGEST_SECONDS):
                    found = await self._read(calls)
            except Exception as error:
                for call in calls:
                    if not call.answer.done():
                        call.answer.set_exception(error)
            else:
                for call in calls:
                    if not call.answer.done():
                        call.answer.set_result(found.get(call.sign_in_id))
        # Here, and not when the task is seen to be done: whoever comes in between would wait for nobody.
        self._looking.discard(cast(asyncio.Task[None], asyncio.current_task()))

    def _next(self) -> Sequence[_Call]:
        """The calls that have waited longest, as far as they are of one brand; whoever has gone away is passed over."""
        waiting = [call for call in self._waiting if not call.answer.done()]
        calls = [call for call in waiting[:_PER_QUERY] if call.brand_id == waiting[0].brand_id]
        taken = set(map(id, calls))
        self._waiting = [call for call in waiting if id(call) not in taken]
        return calls

    async def _read(self, calls: Sequence[_Call]) -> Mapping[UUID, Actor]:
        async with self.ground.db.read() as session:
            return await actors.of_staff_sign_ins(session, calls[0].brand_id, {call.sign_in_id for call in calls})
