"""Tiles through GraphQL; what they sum up is proved where they are computed."""

from kernel.work import Ground
from tests.asking import ask
from tests.factories import build_customer, build_task, build_world

TILES = """{ kpiTiles { currency today { orders gross refunds net averageBasket } month { orders }
                     openTasks tasksDueToday tasksDoneToday customersHeld } }"""


async def test_a_day_without_orders_has_no_average_basket(ground: Ground) -> None:
    world = await build_world(ground)
    customer = await build_customer(ground, world.shop.guide)
    await build_task(ground, world.shop.guide, customer)

    mine = (await ask(ground, world.shop.guide, TILES))["kpiTiles"]
    colleagues = (await ask(ground, world.shop.other_guide, TILES))["kpiTiles"]

    assert mine["currency"] == "CNY"
    assert mine["today"] == {"orders": 0, "gross": 0, "refunds": 0, "net": 0, "averageBasket": None}
    assert (mine["openTasks"], mine["customersHeld"]) == (1, 1)
    assert (colleagues["openTasks"], colleagues["customersHeld"]) == (0, 0)
