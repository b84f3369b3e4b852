"""What was sold and given back, added up in plain Python from the base rows."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any
from uuid import UUID

from directory.models import Account
from kernel.work import Ground
from kpi.models import Days
from mall.models import COUNTED_STATES, Credit, Order, Refund, RefundCharge
from tests.factories import World
from tests.kpi.test_tiles import everything

NOTHING = {"orders": 0, "gross": 0, "refunds": 0, "customers_active": 0}
Tally = dict[Any, dict[str, int]]


async def by_store(ground: Ground, world: World, days: Days) -> Tally:
    """Orders, gross, refunds and customers of each store."""
    orders = await _counted(ground, world, days)
    tally = _tally()
    for order in orders:
        _add(tally[order.store_id], orders=1, gross=order.amount)
    for refund in await _given_back(ground, world, days):
        _add(tally[refund.store_id], refunds=refund.amount)
    return _with_customers(tally, {(order.store_id, order.store_id, order.customer_id) for order in orders})


async def by_guide(
    ground: Ground, world: World, days: Days, counts: Callable[[UUID], bool] = lambda _store_id: True
) -> Tally:
    """The same of each guide, by what is credited to their accounts and what these bear; of the stores that count."""
    owners = {row.id: row.staff_id for row in await everything(ground, world, Account) if row.staff_id}
    orders = {order.id: order for order in await _counted(ground, world, days) if counts(order.store_id)}
    refunds = {each.id: each for each in await _given_back(ground, world, days) if counts(each.store_id)}
    tally, bought = _tally(), set()
    for part in await everything(ground, world, Credit):
        if part.order_id in orders and part.account_id in owners:
            order = orders[part.order_id]
            _add(tally[owners[part.account_id]], orders=1, gross=part.amount)
            bought.add((owners[part.account_id], (part.account_id, order.store_id), order.customer_id))
    for charge in await everything(ground, world, RefundCharge):
        if charge.refund_id in refunds and charge.account_id in owners:
            _add(tally[owners[charge.account_id]], refunds=charge.amount)
    return _with_customers(tally, bought)


async def _counted(ground: Ground, world: World, days: Days) -> list[Order]:
    orders = await everything(ground, world, Order)
    return [order for order in orders if order.state in COUNTED_STATES and days.first <= order.day <= days.last]


async def _given_back(ground: Ground, world: World, days: Days) -> list[Refund]:
    refunds = await everything(ground, world, Refund)
    return [refund for refund in refunds if not refund.is_void and days.first <= refund.day <= days.last]


def _tally() -> Tally:
    return defaultdict(lambda: dict(NOTHING))


def _add(into: dict[str, int], **values: int) -> None:
    for name, value in values.items():
        into[name] += value


def _with_customers(tally: Tally, bought: set[tuple[UUID, Any, UUID | None]]) -> Tally:
    for key, _, customer_id in bought:
        if customer_id is not None:
            tally[key]["customers_active"] += 1
    return dict(tally)
