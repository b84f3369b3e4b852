"""What people ask of the product, and what each answer means for the history."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlmodel import col

from customers.models import Relationship
from daogou_client import Rejected, Server, TokenRefused, Unreachable
from kernel.work import Ground
from tests.chaos.handing.history import History
from tests.chaos.handing.shop import Shop
from tests.chaos.house import House

_REASSIGN = """mutation($id: ID!, $to: ID!, $version: Int) {
  reassignRelationship(id: $id, toAccountId: $to, expectedVersion: $version) {
    __typename ... on Problem { code }
  }
}"""
_READ = """query($id: ID!) { customer(id: $id) { relationships { id version holder { id } } } }"""
_NOT_DONE = frozenset({"STALE_VERSION", "HOLDER_UNFIT", "NOT_FOUND", "FORBIDDEN", "STORE_CLOSED", "INVALID"})


_PUZZLED = 0.3  # seconds


class Unknown(Exception):
    """Nobody can say whether it was done."""


@dataclass
class Asker:
    """Somebody who asks one thing after the other. After an answer that never came they are somebody new."""

    house: House
    shop: Shop
    history: History
    rng: random.Random
    server_of: Callable[[random.Random], Server]
    number: int = 0
    is_puzzled: bool = False

    def __post_init__(self) -> None:
        self.number = self.history.newcomer()

    async def one(self) -> None:
        """One thing, by chance; after an answer that never came, a moment later: others may have more luck."""
        if self.is_puzzled:
            self.is_puzzled = False
            await asyncio.sleep(_PUZZLED)
        draw = self.rng.random()
        if draw < 0.45:
            await self.read()
        elif draw < 0.70:
            await self.claim()
        elif draw < 0.97:
            await self.move()
        else:
            await self.all()

    async def claim(self) -> None:
        """Set the holder, whoever it was."""
        contact, to = self._contact(), self._guide()
        self.history.invoke(self.number, "claim", contact=contact, to=to)
        try:
            code = await self._reassign(contact, to, None)
        except Unknown:
            self._unknown()
            return
        # Who holds the relationship already has been given it at this moment.
        self.history.end(self.number, "ok" if code in (None, "ALREADY_HELD") else "fail")

    async def move(self) -> None:
        """Compare and set: the holder is that of the version that was read before."""
        contact, to = self._contact(), self._guide()
        try:
            seen = await self._seen(contact)
        except Unknown:
            self.is_puzzled = True
            return
        former = self.shop.named(seen["holder"]["id"])
        self.history.invoke(self.number, "move", contact=contact, to=to, **{"from": former})
        try:
            code = await self._reassign(contact, to, seen["version"])
        except Unknown:
            self._unknown()
            return
        self.history.end(self.number, "ok" if code is None else "fail")

    async def read(self) -> None:
        """Who holds the contact."""
        contact = self._contact()
        self.history.invoke(self.number, "read", contact=contact)
        try:
            seen = await self._seen(contact)
        except Unknown:
            self._unknown()
            return
        self.history.end(self.number, "ok", owner=self.shop.named(seen["holder"]["id"]))

    async def all(self) -> None:
        """Who holds whom, in one statement of the database and so at one moment."""
        self.history.invoke(self.number, "all")
        try:
            rows = await held(self.house.ground, self.shop)
        except Exception:  # the database is away, in whichever way
            self._unknown()
            return
        self.history.end(self.number, "ok", rows=[[contact, holder] for contact, holder in rows.items()])

    async def _seen(self, contact: str) -> Any:
        data = await self.ask(_READ, id=self.shop.contacts[contact])
        [seen] = data["customer"]["relationships"]
        return seen

    async def _reassign(self, contact: str, to: str, version: int | None) -> str | None:
        """The code of a refusal that changed nothing; none if it was done."""
        [answer] = (
            await self.ask(_REASSIGN, id=self.shop.kept[contact], to=self.shop.accounts[to], version=version)
        ).values()
        code: str | None = answer.get("code")
        if code is not None and code not in _NOT_DONE | {"ALREADY_HELD"}:
            raise Unknown(code)
        return code

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer. Raises `Unknown` where none came that says what was done."""
        try:
            answer: dict[str, Any] = await self.server_of(self.rng).ask(document, variables)
        except (Unreachable, Rejected, TokenRefused) as error:
            raise Unknown(str(error)) from error
        return answer

    def _unknown(self) -> None:
        self.is_puzzled = True
        self.history.end(self.number, "info")
        self.number = self.history.newcomer()

    def _contact(self) -> str:
        return self.rng.choice(list(self.shop.contacts))

    def _guide(self) -> str:
        return self.rng.choice(list(self.shop.guides))


_STAFF = """query($id: ID!) { staffMember(id: $id) { version state accessClosedAt } }"""
_START = """mutation($id: ID!, $key: String!) {
  startHandover(kind: RESIGNATION, staffId: $id, strategy: BALANCED, idempotencyKey: $key) {
    __typename ... on Problem { code } ... on HandoverChanged { handover { id } }
  }
}"""
_OF_STAFF = """query($id: ID!) {
  handovers(staffId: $id, states: [DRAFT, APPROVED, MOVING, PAUSED, SETTLING], first: 1) {
    edges { node { id state plannedAt } }
  }
}"""
_STATE = """query($id: ID!) { handover(id: $id) { id state plannedAt } }"""
_APPROVE = """mutation($id: ID!) {
  approveHandover(id: $id) { __typename ... on Problem { code } }
}"""
_CLOSE = """mutation($id: ID!) { closeAccess(id: $id) { __typename ... on Problem { code } } }"""
_REOPEN = """mutation($id: ID!) { reopenAccess(id: $id) { __typename ... on Problem { code } } }"""
_PAUSE = 0.1


@dataclass
class Leaver(Asker):
    """Has guides leave, one after the other, and come back."""

    patience: float = 60.0
    finished: int = 0

    async def goes_and_comes(self) -> None:
        """A guide leaves until nothing is held, and comes back."""
        guide = self._guide()
        self.history.invoke(self.number, "handover", guide=guide)
        try:
            async with asyncio.timeout(self.patience):
                await self._leave(guide)
        except TimeoutError:
            self._unknown()
            return
        self.history.end(self.number, "ok")
        self.finished += 1
        await asyncio.sleep(self.rng.uniform(0, 0.5))
        self.history.invoke(self.number, "rejoin", guide=guide)
        try:
            async with asyncio.timeout(self.patience):
                await self._come_back(guide)
        except TimeoutError:
            self._unknown()
            return
        self.history.end(self.number, "ok")

    async def _leave(self, guide: str) -> None:
        """Whatever has been done of it by somebody who never heard: go on with that."""
        staff_id = self.shop.guides[guide]
        await self._surely(_CLOSE, id=staff_id)
        found = None
        while found is None:
            await self._surely(_START, id=staff_id, key=str(uuid4()))
            found = await self._under_way(staff_id)
            if found is None and await self._has_departed(staff_id):
                return
        await self._until_done(found)

    async def _until_done(self, handover_id: str) -> None:
        while True:
            handover = (await self._surely(_STATE, id=handover_id))["handover"]
            if handover["state"] == "DONE":
                return
            if handover["state"] == "DRAFT" and handover["plannedAt"] is not None:
                await self._surely(_APPROVE, id=handover_id)
            await asyncio.sleep(_PAUSE)

    async def _come_back(self, guide: str) -> None:
        staff_id = self.shop.guides[guide]
        while (await self._staff(staff_id))["accessClosedAt"] is not None:
            await self._surely(_REOPEN, id=staff_id)

    async def _under_way(self, staff_id: str) -> str | None:
        edges = (await self._surely(_OF_STAFF, id=staff_id))["handovers"]["edges"]
        return edges[0]["node"]["id"] if edges else None

    async def _has_departed(self, staff_id: str) -> bool:
        return bool((await self._staff(staff_id))["state"] == "DEPARTED")

    async def _staff(self, staff_id: str) -> Any:
        return (await self._surely(_STAFF, id=staff_id))["staffMember"]

    async def _surely(self, document: str, **variables: Any) -> dict[str, Any]:
        """Asked until somebody answers: each of these may be done twice."""
        while True:
            try:
                return await self.ask(document, **variables)
            except Unknown:
                await asyncio.sleep(_PAUSE)


async def held(ground: Ground, shop: Shop) -> dict[str, str]:
    """Who holds each contact now."""
    names = {UUID(kept): contact for contact, kept in shop.kept.items()}
    async with ground.db.read() as session:
        found = await session.execute(
            select(col(Relationship.id), col(Relationship.holder_id)).where(
                col(Relationship.brand_id) == shop.manager.actor.brand_id, col(Relationship.store_id) == shop.store_id
            )
        )
        return {names[key]: shop.named(str(holder)) for key, holder in found if key in names}
