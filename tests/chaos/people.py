"""Who uses the product while it is shaken: two shops at work, with customers and tags."""

from dataclasses import dataclass
from datetime import timedelta

from directory.models import ServiceAccount, SignIn
from kernel import clock, ids
from kernel.actor import Actor, Role, Scope
from kernel.work import Ground
from server.tokens import Claims, Kind, Signer
from tests.factories import World, build_customer, build_world, save
from tests.serving import SECRET
from tests.tagging.labels import build_group, build_tag

CUSTOMERS = 5  # of each guide
_SIGNED_IN = timedelta(hours=4)


@dataclass(frozen=True)
class Person:
    """Somebody with a sign-in that outlasts the test."""

    name: str
    actor: Actor
    token: str

    async def __call__(self, refused: str | None = None) -> str:
        """The token, as a phone asks for it."""
        return self.token


@dataclass(frozen=True)
class People:
    """The first shop hands customers from guide to guide; in the second everybody keeps theirs.

    `customer_of_second` is one that the second shop's first guide holds.
    """

    world: World
    first: list[Person]
    second: list[Person]
    headquarters: Person
    till: Person
    customer_of_second: str


async def settle_in(ground: Ground) -> People:
    """Fill an empty database with a brand at work."""
    world = await build_world(ground)
    group = await build_group(ground, world)
    for name in ("通勤", "亚麻", "浅色"):
        await build_tag(ground, world, group, name)
    for shop in world.shops[:2]:
        for guide in reversed(shop.guides):
            customers = [await build_customer(ground, guide, name=f"顾客{number}") for number in range(CUSTOMERS)]
    first, second = [
        [
            await signed_in(ground, f"{place}-{role}", actor)
            for role, actor in zip(("manager", "guide", "other"), (shop.manager, *shop.guides), strict=True)
        ]
        for place, shop in zip(("first", "second"), world.shops, strict=False)
    ]
    hq = await signed_in(ground, "hq", world.hq)
    till = await signed_in(ground, "till", await _till(ground, world))
    return People(world, first, second, hq, till, str(customers[0].id))


async def _till(ground: Ground, world: World) -> Actor:
    scopes = [Scope.ORDERS_WRITE]
    account = ServiceAccount(
        brand_id=world.brand.id, id=ids.new(), name="till", scopes=list(scopes), created_at=clock.now()
    )
    await save(ground, account)
    return Actor(brand_id=world.brand.id, id=account.id, role=Role.SERVICE, scopes=frozenset(scopes))


async def signed_in(ground: Ground, name: str, actor: Actor) -> Person:
    """Somebody with a sign-in."""
    until = clock.now() + _SIGNED_IN
    begun = SignIn(
        brand_id=actor.brand_id,
        id=ids.new(),
        staff_id=actor.staff_id,
        service_account_id=None if actor.is_staff else actor.id,
        created_at=clock.now(),
        expires_at=until,
    )
    await save(ground, begun)
    kind = Kind.STAFF if actor.is_staff else Kind.SERVICE
    return Person(name, actor, Signer(SECRET).sign(Claims(actor.brand_id, actor.id, begun.id, kind, until)))
