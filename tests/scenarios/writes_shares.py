"""Writes of share links, and of how the mini-mall is run."""

from kernel.work import Ground
from tests.factories import World
from tests.mall.sharing import build_product, lead_to
from tests.scenarios.belongings import furnish
from tests.scenarios.writing import Prepare, Write, guide, name, new, of


async def share_product(ground: Ground, world: World) -> Write:
    things = await furnish(ground, world, world.shop)
    return Write(world.shop.guide, {"productId": str(things["product"])})


async def share_look(ground: Ground, world: World) -> Write:
    products = [await build_product(ground, world) for _ in range(2)]
    return Write(world.shop.guide, {"productIds": [str(product.id) for product in products], "title": name()})


async def change_setting(ground: Ground, world: World) -> Write:
    await lead_to(ground, world)
    given = {"shareDays": 14, "productUrl": "https://mall.example/{product}"}
    return Write(world.hq, {"input": given}, world.brand.id)


WRITES: dict[str, Prepare] = {
    "shareProduct": share_product,
    "sharePage": new(guide, page="/new", title=name),
    "shareLook": share_look,
    "endShare": of("share", guide),
    "changeMallSetting": change_setting,
}
