"""The shop of which people ask: nine guides, so many customers, and a manager who asks for everything."""

from dataclasses import dataclass
from uuid import UUID

from customers.queries import relationships
from directory import commands as directory
from directory.queries import accounts
from kernel.actor import Role
from kernel.work import unit_of_work
from tests.chaos.house import House
from tests.chaos.people import Person, signed_in
from tests.factories import build_customer, build_shop, build_task
from tests.mall.trading import place

GUIDES = 9


@dataclass(frozen=True)
class Shop:
    """By their names: staff, account, and customer (`contacts`) ids, and the ids of the relationships `kept`."""

    manager: Person
    store_id: UUID
    guides: dict[str, str]
    accounts: dict[str, str]
    contacts: dict[str, str]
    kept: dict[str, str]

    def named(self, account_id: str) -> str:
        """Who holds, as the history says it; `store` is the public account."""
        names = {known: name for name, known in self.accounts.items()}
        return names.get(account_id, "store")


async def furnished(house: House, mark: str, customers: int) -> Shop:
    """A shop of its own in the house's brand; the first guide holds everybody, with a task and an order each."""
    ground, world = house.ground, house.people.world
    made = await build_shop(ground, world.brand, world.regions["east"], f"handing-{mark}")
    for number in range(3, GUIDES + 1):
        async with unit_of_work(ground, world.hq) as work:
            await directory.hire(
                work, number=f"{mark}-g{number}", name=f"导购{number}", role=Role.GUIDE, store_id=made.store.id
            )
    people = []
    for _ in range(customers):
        people.append(await build_customer(ground, made.guide))
        await build_task(ground, made.guide, people[-1])
        await place(ground, world, people[-1], store_id=made.store.id)
    async with ground.db.read() as session:
        [rows] = (await accounts.of_stores(session, world.hq, [made.store.id])).values()
        held = await relationships.of_customers(session, world.hq, [customer.id for customer in people])
    own = [row for row in rows if row.staff_id is not None]
    first = sorted(own, key=lambda row: row.id != made.guide.account_ids[0])
    return Shop(
        manager=await signed_in(ground, "handing-manager", made.manager),
        store_id=made.store.id,
        guides={f"g{number}": str(row.staff_id) for number, row in enumerate(first, 1)},
        accounts={f"g{number}": str(row.id) for number, row in enumerate(first, 1)},
        contacts={f"c{number}": str(customer.id) for number, customer in enumerate(people, 1)},
        kept={f"c{number}": str(held[customer.id][0].id) for number, customer in enumerate(people, 1)},
    )
