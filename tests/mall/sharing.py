"""Products and links to them, as guides make them."""

from typing import Any
from uuid import uuid4

from kernel.actor import Actor
from kernel.work import Ground, unit_of_work
from mall import commands
from mall.models import Product, Share
from tests.factories import World


async def build_product(ground: Ground, world: World, name: str = "羊绒衫", **values: Any) -> Product:
    """A product of the brand."""
    usual: dict[str, Any] = {"code": f"P{uuid4().hex[:8]}", "price": 19_900}
    async with unit_of_work(ground, world.hq) as work:
        return await commands.put_product(work, name=name, **usual | values)


async def build_share(ground: Ground, actor: Actor, product: Product, days: int | None = None) -> Share:
    """The actor's link to a product."""
    async with unit_of_work(ground, actor) as work:
        return await commands.share_product(work, product.id, days=days)


async def build_page_share(ground: Ground, actor: Actor, page: str = "/new", title: str = "春装上新") -> Share:
    """The actor's link to a page."""
    async with unit_of_work(ground, actor) as work:
        return await commands.share_page(work, page, title=title)


async def lead_to(ground: Ground, world: World, **urls: Any) -> None:
    """Where links lead; unless something else is said, a mall with all slots."""
    usual: dict[str, Any] = {
        "product_url": "https://mall.example/p/{product}?s={share}&g={guide}&m={store}",
        "page_url": "https://mall.example/open?to={page}&g={guide}",
        "look_url": "https://mall.example/look?p={look}&g={guide}",
    }
    async with unit_of_work(ground, world.hq) as work:
        await commands.change_mall_setting(work, **usual | urls)
