"""Writes of many orders at once."""

from kernel.work import Ground
from tests.factories import NOON, World
from tests.scenarios.writing import Prepare, Write, machine, name


async def record_orders(_ground: Ground, world: World) -> Write:
    line = {"productCode": "P1", "name": "羊绒衫", "quantity": 1, "amount": 19900}
    said = {
        "source": "pos",
        "number": name(),
        "placedAt": NOON.isoformat(),
        "amount": 19900,
        "currency": "CNY",
        "storeId": str(world.shop.store.id),
        "lines": [line],
    }
    return Write(machine(world), {"input": [said]})


WRITES: dict[str, Prepare] = {"recordOrders": record_orders}
