"""Writes of the catalogue and of stock."""

from datetime import timedelta

from kernel import clock
from kernel.work import Ground
from tests.factories import World
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Prepare, Write, answer, machine, manager, name, new


async def put_products(_ground: Ground, world: World) -> Write:
    product = {"code": name(), "name": "羊绒衫", "price": 19900, "skus": [{"code": name(), "variant": "M"}]}
    return Write(machine(world), {"input": [product]})


async def put_stock(ground: Ground, world: World) -> Write:
    code = name()
    mine = {"code": name(), "name": "羊绒衫", "price": 19900, "skus": [{"code": code}]}
    await answer(ground, "putProducts", Write(world.hq, {"input": [mine]}))
    counted_at = (clock.now() - timedelta(minutes=1)).isoformat()
    row = {"skuCode": code, "storeCode": world.shop.store.code, "quantity": 3}
    return Write(machine(world), {"rows": [row | {"countedAt": counted_at}]})


async def set_stock(ground: Ground, world: World) -> Write:
    sku = (await furnish(ground, world, world.shop))["sku"]
    return Write(world.shop.manager, {"skuId": str(sku), "quantity": 2})


WRITES: dict[str, Prepare] = {
    "putProducts": put_products,
    "putStock": put_stock,
    "addProduct": new(manager, name="手工皂", price=3900, quantity=12),
    "setStock": set_stock,
}
