"""Keep the catalogue as last sold, for products that nobody keeps there."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlmodel import col

from kernel.work import Work
from mall.models import Product


class LastSold(NamedTuple):
    """What a product was called, and what a piece cost in minor units, when it was last sold."""

    product_id: UUID
    name: str
    price: int


async def refresh(work: Work, products: Sequence[LastSold]) -> None:
    """Take these names and prices over; a product that the catalogue was told of keeps its own."""
    if not products:
        return
    connection = await work.session.connection()
    await connection.execute(
        update(Product.__table__)  # type: ignore[attr-defined]  # a table
        .where(
            col(Product.brand_id) == work.actor.brand_id,
            col(Product.id) == bindparam("key"),
            col(Product.is_kept).is_(False),
        )
        .values(name=bindparam("new_name"), price=bindparam("new_price")),
        [{"key": sold.product_id, "new_name": sold.name, "new_price": sold.price} for sold in products],
    )
