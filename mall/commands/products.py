"""Keep the catalogue."""

from datetime import date
from typing import Any

from kernel import bulk, ids
from kernel.errors import Invalid, NotFound, require_text, require_version
from kernel.work import Work
from mall.commands.amounts import require_amount
from mall.models import Product
from mall.policy import require_catalogue_keeper
from mall.queries import products


async def put_product(
    work: Work,
    *,
    code: str,
    name: str,
    price: int,
    category: str | None = None,
    listed_on: date | None = None,
    expected_version: int | None = None,
) -> Product:
    """Add the product of this code, or bring it up to date; `price` is in the currency's minor unit.

    `listed_on` is the day it came or comes, from 1970 to 2199; without it, what is known of it stays.
    Raises `FORBIDDEN`, `INVALID`, `STALE_VERSION`.
    """
    require_catalogue_keeper(work.actor)
    require_amount("price", price, least=0)
    wanted: dict[str, Any] = {
        "name": require_text("name", name, longest=200),
        "category": require_text("category", category, longest=60) if category is not None else None,
        "price": price,
    }
    if listed_on is not None:
        wanted["listed_on"] = _checked_day(listed_on)
    code = require_text("code", code, longest=64)
    known = await products.lock_by_code(work.session, work.actor, code)
    if known is None:
        product = Product(brand_id=work.actor.brand_id, id=ids.new(), code=code, **wanted)
        if await bulk.insert_missing(work.session, Product, [product.model_dump()]):
            return product
        known = await products.lock_by_code(work.session, work.actor, code)
    if known is None:
        raise NotFound
    return _bring_up_to_date(known, wanted, expected_version)


def _checked_day(day: date) -> date:
    if not 1970 <= day.year < 2200:
        raise Invalid(field="listedOn", reason="from 1970 to 2199.", reason_zh="应在 1970 年至 2199 年之间。")
    return day


def _bring_up_to_date(product: Product, wanted: dict[str, Any], expected_version: int | None) -> Product:
    require_version(product, expected_version)
    if any(getattr(product, name) != value for name, value in wanted.items()):
        for name, value in wanted.items():
            setattr(product, name, value)
        product.version += 1
    return product
