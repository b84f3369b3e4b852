"""Say who writes what, in tests that walk through all mutations."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from directory import commands as directory
from kernel import clock, ids
from kernel.actor import Actor, Role, Scope
from kernel.work import Ground, unit_of_work
from tests.asking import ask
from tests.factories import World, build_customer
from tests.scenarios.belongings import furnish
from tests.scenarios.documents import document, roots

Given = dict[str, Any]
Who = Callable[[World], Actor]


@dataclass(frozen=True)
class Write:
    """Who asks for what; `edited` is the id of the row that it changes, where there was one before."""

    actor: Actor
    given: Given
    edited: UUID | None = None


Prepare = Callable[[Ground, World], Awaitable[Write]]


async def answer(ground: Ground, name: str, write: Write, **also: Any) -> Given:
    """What the mutation answers: the row's own fields, the places, or the problem with what it shows."""
    given = write.given | also
    text = document("mutation", name, roots("mutation")[name], given, depth=2)
    answered: Given = (await ask(ground, write.actor, text, **given))[name]
    return answered


def hq(world: World) -> Actor:
    return world.hq


def manager(world: World) -> Actor:
    return world.shop.manager


def guide(world: World) -> Actor:
    return world.shop.guide


def machine(world: World) -> Actor:
    return Actor(brand_id=world.brand.id, id=ids.new(), role=Role.SERVICE, scopes=frozenset(Scope))


def name() -> str:
    return f"x{uuid4().hex[:12]}"


def phone() -> str:
    return f"138{uuid4().int % 10**8:08}"


def soon() -> str:
    return (clock.now() + timedelta(days=1)).isoformat()


def _made(given: Given) -> Given:
    """The values, where a function stands for a new one."""
    return {key: value() if callable(value) else value for key, value in given.items()}


def new(who: Who, **given: Any) -> Prepare:
    """A mutation that needs nothing to be there."""

    async def prepare(_ground: Ground, world: World) -> Write:
        return Write(who(world), _made(given))

    return prepare


def of(kind: str, who: Who, **given: Any) -> Prepare:
    """A mutation of something that the first guide of the first shop holds."""

    async def prepare(ground: Ground, world: World) -> Write:
        thing = (await furnish(ground, world, world.shop))[kind]
        return Write(who(world), {"id": str(thing)} | _made(given), thing)

    return prepare


def of_newcomer(**given: Any) -> Prepare:
    """A mutation of somebody who has just been hired into the first shop."""

    async def prepare(ground: Ground, world: World) -> Write:
        person = await hire(ground, world)
        return Write(world.hq, {"id": str(person)} | _made(given), person)

    return prepare


def about_customer(**given: Any) -> Prepare:
    """A mutation that names the customer, of what hangs on them."""

    async def prepare(ground: Ground, world: World) -> Write:
        customer = await build_customer(ground, world.shop.guide)
        return Write(world.shop.guide, {"customerId": str(customer.id)} | given)

    return prepare


async def hire(ground: Ground, world: World) -> UUID:
    """Somebody new, a guide of the first shop."""
    store_id = world.shop.store.id
    async with unit_of_work(ground, world.hq) as work:
        return (await directory.hire(work, number=name(), name="新人", role=Role.GUIDE, store_id=store_id)).id
