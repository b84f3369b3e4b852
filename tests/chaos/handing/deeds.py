"""What people ask of the product, and what each answer means for the history."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlmodel import col

from customers.models import Relationship
from kernel.work import Ground
from tests.chaos.handing.asking import Caller, NotSent, Unknown
from tests.chaos.handing.history import History
from tests.chaos.handing.shop import Shop
from tests.chaos.house import House

_REASSIGN = """%s: reassignRelationship(id: $i%s, toAccountId: $t%s, expectedVersion: $v%s, idempotencyKey: $k%s) {
  __typename ... on Problem { code }
}"""
_READ = "%s: customer(id: $i%s) { relationships { id version holder { id } } }"
_NOT_DONE = frozenset({"STALE_VERSION", "HOLDER_UNFIT", "NOT_FOUND", "FORBIDDEN", "STORE_CLOSED", "INVALID"})
_PUZZLED = 0.3  # seconds
_AT_ONCE = 4
_SINGLY, _CLAIMS, _ALL = 0.3, 0.5, 0.2  # of rounds; of writes; of rounds
_PATIENT, _TRIES = 0.9, 20  # of requests


@dataclass(kw_only=True)
class Asker(Caller):
    """Somebody who asks a few things in one request, and then another few. Each of them is a process of the history.

    After an answer that never came they are somebody new. `counts` says how often what happened; `wrong` is what must
    not have.
    """

    house: House
    shop: Shop
    history: History
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        self.number = self.history.newcomer()
        self._numbers = [self.number, *(self.history.newcomer() for _ in range(1, _AT_ONCE))]

    async def one(self) -> None:
        """Look at some contacts, then give each to somebody: whoever holds it, or only if that is who was seen."""
        count = 1 if self.rng.random() < _SINGLY else _AT_ONCE
        contacts = self.rng.sample(list(self.shop.contacts), count)
        try:
            seen = await self._read(contacts)
            await self._write(contacts, seen)
        except Unknown:
            await asyncio.sleep(_PUZZLED)  # others may have more luck
            return
        if self.rng.random() < _ALL:
            await self.all()

    async def all(self) -> None:
        """Who holds whom, in one statement of the database and so at one moment."""
        number = self._numbers[0]
        self.history.invoke(number, "all")
        try:
            rows = await held(self.house.ground, self.shop)
        except Exception:  # the database is away, in whichever way
            self._unknown(0)
            return
        self.history.end(number, "ok", rows=[[contact, holder] for contact, holder in rows.items()])

    async def _read(self, contacts: Sequence[str]) -> list[Any]:
        """Who holds each of them."""
        for number, contact in zip(self._numbers, contacts, strict=False):
            self.history.invoke(number, "read", contact=contact)
        variables = {f"i{place}": self.shop.contacts[contact] for place, contact in enumerate(contacts)}
        found = await self._answers(_READ, "query", {name: (value, "ID!") for name, value in variables.items()})
        seen = [each["relationships"][0] for each in found]
        for number, each in zip(self._numbers, seen, strict=False):
            self.history.end(number, "ok", owner=self.shop.named(each["holder"]["id"]))
        return seen

    async def _write(self, contacts: Sequence[str], seen: Sequence[Any]) -> None:
        """Set the holder of some, whoever it was; compare and set that of the others."""
        variables: dict[str, tuple[Any, str]] = {}
        claims = []
        for place, (contact, each) in enumerate(zip(contacts, seen, strict=True)):
            to, is_claim = self.rng.choice(list(self.shop.guides)), self.rng.random() < _CLAIMS
            claims.append(is_claim)
            former = {} if is_claim else {"from": self.shop.named(each["holder"]["id"])}
            op = "claim" if is_claim else "move"
            self.history.invoke(self._numbers[place], op, contact=contact, to=to, **former)
            variables[f"i{place}"] = self.shop.kept[contact], "ID!"
            variables[f"t{place}"] = self.shop.accounts[to], "ID!"
            variables[f"k{place}"] = str(uuid4()), "String"
            variables[f"v{place}"] = None if is_claim else each["version"], "Int"
        answers = await self._answers(_REASSIGN, "mutation", variables)
        for place, (is_claim, answer) in enumerate(zip(claims, answers, strict=True)):
            self._end(place, answer.get("code"), is_claim)

    def _end(self, place: int, code: str | None, is_claim: bool) -> None:
        # Who holds the relationship already has been given it at this moment.
        if code is None or (is_claim and code == "ALREADY_HELD"):
            self.history.end(self._numbers[place], "ok")
        elif code in _NOT_DONE | {"ALREADY_HELD"}:
            self.history.end(self._numbers[place], "fail")
        else:
            self._unknown(place)

    async def _answers(self, field: str, kind: str, variables: Mapping[str, tuple[Any, str]]) -> list[Any]:
        """One request with this field for each; whoever gets no answer is somebody new. Raises `Unknown`.

        Most who change something ask again until there is an answer: their key lets it be done once. Too much that
        nobody knows would explain everything.
        """
        count = sum(name.startswith("i") for name in variables)
        declared = ", ".join(f"${name}: {type_}" for name, (_, type_) in variables.items())
        fields = " ".join(field.replace("%s:", f"a{place}:").replace("%s", str(place)) for place in range(count))
        values = {name: value for name, (value, _) in variables.items()}
        tries = _TRIES if kind == "mutation" and self.rng.random() < _PATIENT else 1
        try:
            data = await self._asked(f"{kind}({declared}) {{ {fields} }}", values, tries)
        except Unknown as error:
            for place in range(count):
                if isinstance(error, NotSent):
                    self.history.end(self._numbers[place], "fail")
                else:
                    self._unknown(place)
            raise
        return [data[f"a{place}"] for place in range(count)]

    async def _asked(self, document: str, values: Mapping[str, Any], tries: int) -> dict[str, Any]:
        was_sent: Unknown | None = None
        for _ in range(tries - 1):
            try:
                return await self.ask(document, **values)
            except NotSent:
                pass
            except Unknown as error:
                was_sent = error
            await asyncio.sleep(_PUZZLED)
        try:
            return await self.ask(document, **values)
        except NotSent as error:
            raise (was_sent or error) from error

    def _unknown(self, place: int) -> None:
        self.history.end(self._numbers[place], "info")
        self._numbers[place] = self.history.newcomer()

    def unknown(self) -> None:
        """Nobody knows the end of what was asked under their own number: they are somebody new."""
        self.history.end(self.number, "info")
        self.number = self.history.newcomer()


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
