"""Add a product by hand in the shop: a name, a price, a picture, and how many there are."""

import secrets
from collections.abc import Sequence

from kernel.work import Work
from mall.commands import products, wares
from mall.commands.stock import own_store, set_stock
from mall.models import Product, ProductDetails, ProductNews, Sku, SkuNews
from mall.queries import products as reads
from mall.queries import skus

_SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # nothing that is taken for something else when it is read out
_LONG = 8


async def add_product(
    work: Work,
    *,
    name: str,
    price: int,
    category: str | None = None,
    images: Sequence[str] = (),
    quantity: int | None = None,
) -> Product:
    """Add a product with one SKU of the same code, which is made here; `quantity` is what one's own store has of it.

    For store managers, and for guides where the brand lets them. `price` is in the currency's minor unit.
    Raises `FORBIDDEN`, `INVALID`.
    """
    await own_store(work)
    code = await _free_code(work)
    details = ProductDetails(category=category, images=images)
    news = wares.checked_product("", ProductNews(code, name, price, details, (SkuNews(code),)))
    await products.put(work, [news])
    if quantity is not None:
        known = await skus.places_of_codes(work.session, work.actor, [code])
        await set_stock(work, known[code].id, quantity=quantity)
    return await products.present(work, code)


async def _free_code(work: Work) -> str:
    """A code that neither a product nor a SKU has. Of 32^8 hardly any is taken, and nobody can count them up."""
    while True:
        code = "Q" + "".join(secrets.choice(_SIGNS) for _ in range(_LONG))
        taken = await skus.known_codes(work.session, work.actor, Sku, [code])
        if not taken and not await reads.ids_of_codes(work.session, work.actor, [code]):
            return code
