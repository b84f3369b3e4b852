"""Tiles through GraphQL; what they sum up is proved where they are computed."""

from kernel.errors import Forbidden
from kernel.work import Ground
from tests.asking import ask, refused
from tests.factories import build_customer, build_task, build_world
from tests.mall.trading import place, refund, till

TILES = """{ kpiTiles { currency today { orders gross refunds net averageBasket } month { orders net }
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


async def test_everybody_sees_the_figures_of_their_own_sight(ground: Ground) -> None:
    world = await build_world(ground)
    order = await place(ground, world, await build_customer(ground, world.shop.guide), amount=10_001)
    await place(ground, world, amount=5_000)
    await refund(ground, world, order.id, amount=1_000)

    shown = [
        (await ask(ground, actor, TILES))["kpiTiles"]["month"]
        for actor in (world.shop.guide, world.shop.manager, world.shops[1].manager)
    ]

    assert shown == [{"orders": 1, "net": 9_001}, {"orders": 2, "net": 14_001}, {"orders": 0, "net": 0}]


async def test_a_machine_reads_figures_if_its_scopes_say_so(ground: Ground) -> None:
    world = await build_world(ground)

    [error] = await refused(ground, till(world), TILES)
    allowed = await ask(ground, till(world, "reports:read"), TILES)

    assert isinstance(error, Forbidden)
    assert allowed["kpiTiles"]["openTasks"] == 0
