"""A store that closes into another one and is taken back, again and again: nobody acts, so each must be as it was."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlmodel import col

from customers.models import Holding, HoldingReason, Relationship
from customers.policy import is_live
from kernel import ids
from kernel.work import Ground
from tests.chaos.handing.leaving import Manager
from tests.chaos.house import House
from tests.factories import NOON, Shop, build_customer, build_shop, build_task, save
from tests.mall.trading import place

_START = """mutation($id: ID!, $to: ID!, $key: String!) {
  startHandover(kind: CLOSING, storeId: $id, strategy: BALANCED, options: {storeIds: [$to]}, idempotencyKey: $key) {
    __typename ... on Problem { code } ... on HandoverChanged { handover { id } }
  }
}"""
_CUSTOMERS = 12
_KNOWN = 3  # of them, in the other store already
_PAUSED = 0.4
_LOOK = 0.1
_REST = 1.0

Places = Mapping[UUID, set[tuple[UUID, UUID]]]
"""Of each customer the stores, and the account that holds them there."""


@dataclass(kw_only=True)
class Closer(Manager):
    """Headquarters, with a store to close and another one to take over."""

    ground: Ground
    store: Shop
    heir: Shop
    customers: list[UUID]
    patience: float = 120.0
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def closes_and_opens(self) -> None:
        """Close the store, look where everybody is, take it back, and look again."""
        before = await self._places()
        try:
            async with asyncio.timeout(self.patience):
                handover_id = await self._close()
                self.counts["closed"] += 1
                self._look_after(await self._places())
                back = None
                while back is None:
                    back = await self.changed("undoHandover", handover_id)
                await self.until_over(back)
        except TimeoutError:
            self.wrong.append(f"a closing has not come to its end within {self.patience:.0f} seconds")
            return
        self.counts["closings taken back"] += 1
        if await self._places() != before:
            self.wrong.append(f"closing {handover_id} was taken back, and not all is as it was")
        await asyncio.sleep(_REST)

    async def _close(self) -> str:
        store, heir = str(self.store.store.id), str(self.heir.store.id)
        handover_id = None
        while handover_id is None:
            answer = await self.surely(_START, id=store, to=heir, key=str(uuid4()))
            handover_id = answer["handover"]["id"] if "handover" in answer else None
        will_pause = self.rng.random() < _PAUSED
        while (now := await self.state(handover_id))["state"] != "DONE":
            if now["state"] == "DRAFT" and now["plannedAt"] is not None:
                await self.changed("approveHandover", handover_id)
            elif now["state"] == "MOVING" and will_pause:
                will_pause = False
                if await self.changed("pauseHandover", handover_id) is not None:
                    self.counts["closings paused"] += 1
                    if not await self.stands_still(handover_id):
                        self.wrong.append(f"closing {handover_id} moves while it is paused")
            elif now["state"] == "PAUSED":
                await self.changed("resumeHandover", handover_id)
            await asyncio.sleep(_LOOK)
        return str(handover_id)

    def _look_after(self, places: Places) -> None:
        """Everybody is in the other store, once."""
        for customer in self.customers:
            stores = [store_id for store_id, _ in places.get(customer, set())]
            if stores != [self.heir.store.id]:
                self.wrong.append(f"customer {customer} is in {len(stores)} stores once theirs has closed")

    async def _places(self) -> Places:
        while True:
            try:
                return await _places(self.ground, self.store.store.brand_id, self.customers)
            except Exception:  # the database is away, in whichever way
                await asyncio.sleep(_LOOK)


async def closer(house: House, mark: str, **given: Any) -> Closer:
    """Two stores of their own: the guides of one hold customers with a task and an order each."""
    ground, world = house.ground, house.people.world
    store, heir = [
        await build_shop(ground, world.brand, world.regions["east"], f"{name}-{mark}") for name in ("closes", "heir")
    ]
    customers = []
    for number in range(_CUSTOMERS):
        guide = store.guides[number % len(store.guides)]
        customer = await build_customer(ground, guide)
        await build_task(ground, guide, customer)
        await place(ground, world, customer)
        if number < _KNOWN:
            await _known(ground, customer.id, heir)
        customers.append(customer.id)
    return Closer(ground=ground, store=store, heir=heir, customers=customers, **given)


async def _known(ground: Ground, customer_id: UUID, shop: Shop) -> None:
    holder_id = shop.guide.account_ids[0]
    known = Relationship(
        brand_id=shop.store.brand_id,
        id=ids.new(),
        customer_id=customer_id,
        store_id=shop.store.id,
        holder_id=holder_id,
        created_at=NOON,
    )
    since = Holding(
        brand_id=known.brand_id,
        id=ids.new(),
        relationship_id=known.id,
        account_id=holder_id,
        from_at=NOON,
        reason=HoldingReason.CREATED,
        by_actor_id=shop.guide.id,
    )
    await save(ground, known, since)


async def _places(ground: Ground, brand_id: UUID, customers: list[UUID]) -> Places:
    found: dict[UUID, set[tuple[UUID, UUID]]] = {}
    async with ground.db.read() as session:
        rows = await session.execute(
            select(col(Relationship.customer_id), col(Relationship.store_id), col(Relationship.holder_id)).where(
                col(Relationship.brand_id) == brand_id, col(Relationship.customer_id).in_(customers), is_live()
            )
        )
        for customer_id, store_id, holder_id in rows:
            found.setdefault(customer_id, set()).add((store_id, holder_id))
    return found
