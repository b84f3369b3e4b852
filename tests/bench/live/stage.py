"""The people, customers and sign-ins to measure with: plain rows, made once."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlmodel import SQLModel

from directory.models import SignIn
from kernel import clock, ids
from kernel.actor import Actor, Role
from kernel.db import Database
from kernel.redis import connect
from kernel.work import Ground, unit_of_work
from server.tokens import Claims, Kind, Signer
from server.wiring import wiring
from tagging import commands as tagging
from tests.bench.programs import SECRET
from tests.factories import Shop, World, build_customer, build_shop, build_world

CUSTOMERS_PER_GUIDE = 4
TAGS = 10
PEOPLE_PER_SHOP = 3  # a manager and two guides


@dataclass(frozen=True, slots=True)
class Held:
    """A customer, and whose sockets hear of the relationship: the guide's who holds it, and the manager's."""

    customer_id: str
    guide: int
    people: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything a program of this folder has to know, as it stands in a file."""

    people: list[dict[str, Any]]
    customers: list[Held]
    hq: dict[str, Any]
    tag_ids: list[str]

    def save(self, path: Path) -> None:
        path.write_bytes(orjson.dumps(asdict(self)))

    @classmethod
    def load(cls, path: Path) -> "Stage":
        said = orjson.loads(path.read_bytes())
        return cls(said["people"], [Held(**held) for held in said["customers"]], said["hq"], said["tag_ids"])

    def held_by(self, among: int) -> list[Held]:
        """What guides hold, who are among the first so many people together with their manager."""
        return [held for held in self.customers if max(held.people) < among]

    def actor(self, person: int) -> Actor:
        return _actor(self.people[person])

    @property
    def librarian(self) -> Actor:
        return _actor(self.hq)


def open_ground(values: Mapping[str, str], kind: type[Database] = Database) -> Ground:
    """A ground as that of the server with this environment, for a program beside it."""
    database = values["DATABASE_URL"] or f"sqlite:///{values['DAOGOU_HOME']}/daogou.db"
    return Ground(kind(database), connect(values["REDIS_URL"] or None), wiring)


async def close_ground(ground: Ground) -> None:
    await ground.redis.aclose(close_connection_pool=True)
    await ground.db.close()


async def build(ground: Ground, people: int) -> Stage:
    """Shops enough for that many people, each guide with a few customers, and tags that everybody knows."""
    world = await build_world(ground)
    shops = list(world.shops)
    while len(shops) * PEOPLE_PER_SHOP < people:
        shops.append(await build_shop(ground, world.brand, world.regions["east"], f"bench-{len(shops)}"))
    actors: list[Actor] = []
    customers: list[Held] = []
    for shop in shops:
        await _fill(ground, shop, actors, customers)
    return Stage([_plain(actor) for actor in actors], customers, _plain(world.hq), await _tags(ground, world))


async def sign_in(ground: Ground, stage: Stage, people: Sequence[int]) -> list[str]:
    """An access token for each of these, of a sign-in of its own, as phones have."""
    until = clock.now() + timedelta(hours=1)
    signer = Signer(SECRET)
    rows: list[SQLModel] = []
    tokens: list[str] = []
    for person in people:
        actor = stage.actor(person)
        row = SignIn(brand_id=actor.brand_id, id=ids.new(), staff_id=actor.id, created_at=clock.now(), expires_at=until)
        rows.append(row)
        tokens.append(signer.sign(Claims(actor.brand_id, actor.id, row.id, Kind.STAFF, until)))
    async with ground.db.write() as session:
        session.add_all(rows)
    return tokens


async def _fill(ground: Ground, shop: Shop, actors: list[Actor], customers: list[Held]) -> None:
    manager = len(actors)
    actors += [shop.manager, *shop.guides]
    for number, guide in enumerate(shop.guides, manager + 1):
        for _ in range(CUSTOMERS_PER_GUIDE):
            customer = await build_customer(ground, guide)
            customers.append(Held(str(customer.id), number, (number, manager)))


async def _tags(ground: Ground, world: World) -> list[str]:
    async with unit_of_work(ground, world.hq) as work:
        group = await tagging.add_group(work, name="measured")
    made: list[str] = []
    for number in range(TAGS):
        async with unit_of_work(ground, world.hq) as work:
            made.append(str((await tagging.add_tag(work, name=f"measured {number}", group_id=group.id)).id))
    return made


def _plain(actor: Actor) -> dict[str, Any]:
    return {
        "brand_id": str(actor.brand_id),
        "id": str(actor.id),
        "role": actor.role.value,
        "store_id": str(actor.store_id) if actor.store_id else None,
        "account_ids": [str(each) for each in actor.account_ids],
    }


def _actor(said: dict[str, Any]) -> Actor:
    return Actor(
        brand_id=UUID(said["brand_id"]),
        id=UUID(said["id"]),
        role=Role(said["role"]),
        staff_id=UUID(said["id"]),
        store_id=UUID(said["store_id"]) if said["store_id"] else None,
        account_ids=tuple(UUID(each) for each in said["account_ids"]),
    )
