"""A brand in which things happen: who works there, what there is by now, and how somebody asks for a mutation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from customers.models import Relationship
from directory.models import Account, SignIn
from directory.queries.actors import of_staff_sign_ins
from kernel import clock, ids
from kernel.actor import Actor
from kernel.work import Ground
from tests.asking import ask
from tests.factories import World, build_world, save
from tests.scenarios.documents import document, roots
from tests.scenarios.writing import machine

MACHINE = "machine"
PUBLIC = "public"


class Person(NamedTuple):
    """Somebody, whatever their post is by now."""

    brand_id: UUID
    id: UUID


@dataclass
class Stage:
    """Who is who by name, what there is by the name that was given to it, and the ids of all that."""

    ground: Ground
    world: World
    people: dict[str, Person]
    things: dict[str, str] = field(default_factory=dict)
    relationships: dict[tuple[str, str], str] = field(default_factory=dict)
    accounts: dict[tuple[str, str], str] = field(default_factory=dict)
    _sign_ins: dict[str, UUID] = field(default_factory=dict)

    def shop(self, number: int = 1) -> str:
        """The id of a store."""
        return str(self.world.shops[number - 1].store.id)

    def region(self, name: str) -> str:
        """The id of a region."""
        return str(self.world.regions[name].id)

    def account(self, who: str, shop: int = 1) -> str:
        """The id of somebody's account in a store, or of the public one."""
        owner = "None" if who == PUBLIC else str(self.people[who].id)
        return self.accounts[owner, self.shop(shop)]

    def held(self, customer: str, shop: int = 1) -> str:
        """The id of a customer's relationship with a store."""
        return self.relationships[self.things[customer], self.shop(shop)]

    async def look(self) -> None:
        """Find out which relationships and accounts there are by now."""
        brand_id = self.world.brand.id
        held = select(col(Relationship.customer_id), col(Relationship.store_id), col(Relationship.id))
        opened = select(col(Account.staff_id), col(Account.store_id), col(Account.id))
        async with self.ground.db.read() as session:
            found = await session.execute(held.where(col(Relationship.brand_id) == brand_id))
            self.relationships = {(str(who), str(where)): str(each) for who, where, each in found}
            found = await session.execute(opened.where(col(Account.brand_id) == brand_id))
            self.accounts = {(str(who), str(where)): str(each) for who, where, each in found}

    async def actors(self) -> dict[str, Actor]:
        """Everybody who can sign in at this moment, as the server knows them."""
        found = await self._signed_in()
        ended = self.people.keys() - found.keys()
        if not ended:
            return found
        # As an app does whose sign-in was ended; it is of no use to whoever has left.
        self._sign_ins |= {who: await self._sign_in(self.people[who]) for who in ended}
        return await self._signed_in()

    async def _signed_in(self) -> dict[str, Actor]:
        actors: dict[UUID, Actor] = {}
        async with self.ground.db.read() as session:
            for brand_id in {person.brand_id for person in self.people.values()}:
                actors |= await of_staff_sign_ins(session, brand_id, list(self._sign_ins.values()))
        return {who: actors[begun] for who in self.people if (begun := self._sign_ins.get(who)) in actors and begun}

    async def _sign_in(self, person: Person) -> UUID:
        at = clock.now()
        begun = SignIn(
            brand_id=person.brand_id,
            id=ids.new(),
            staff_id=person.id,
            created_at=at,
            expires_at=at + timedelta(days=1),
        )
        await save(self.ground, begun)
        return begun.id

    async def ask(self, who: str, mutation: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """What the mutation answers; it must not be a problem."""
        text = document("mutation", mutation, roots("mutation")[mutation], dict(given), depth=2)
        actor = machine(self.world) if who == MACHINE else (await self.actors())[who]
        answer: dict[str, Any] = (await ask(self.ground, actor, text, **given))[mutation]
        assert answer["__typename"] != "Problem", f"{mutation} by {who}: {answer}"
        return answer


async def set_stage(ground: Ground) -> Stage:
    """Two stores of one region, those above them, and somebody of another brand."""
    ours, theirs = await build_world(ground, "ours"), await build_world(ground, "theirs")
    here, next_door, _ = ours.shops
    people = {
        "owner": here.guide,
        "colleague": here.other_guide,
        "manager": here.manager,
        "neighbour": next_door.guide,
        "next manager": next_door.manager,
        "regional": ours.east_manager,
        "hq": ours.hq,
        "stranger": theirs.shop.guide,
    }
    return Stage(ground, ours, {name: Person(actor.brand_id, actor.id) for name, actor in people.items()})
