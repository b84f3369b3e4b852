"""What products were called and cost when they were last sold: a pure function of the order lines."""

from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from intake.models import ImportRun
from intake.models.invoice import minor
from mall.commands.catalogue import LastSold
from mall.models import Channel, LineKind, Order, OrderLine, Product


async def out_of_date(session: AsyncSession, run: ImportRun) -> list[LastSold]:
    """Products of this source whose name or price is no longer that of the last sale.

    The last sale is that with the greatest time, then invoice number, then line; a line without a
    description of its own only counts where there is no other.
    """
    own_name = (col(OrderLine.name) != col(OrderLine.product_code)).desc()
    newest = func.row_number().over(
        partition_by=col(OrderLine.product_id),
        order_by=(own_name, col(Order.placed_at).desc(), col(Order.number).desc(), col(OrderLine.line).desc()),
    )
    lines = (
        select(
            col(OrderLine.product_id).label("product_id"),
            col(OrderLine.name).label("name"),
            col(OrderLine.amount).label("amount"),
            col(OrderLine.quantity).label("quantity"),
            newest.label("place"),
        )
        .join(Order, (col(Order.brand_id) == col(OrderLine.brand_id)) & (col(Order.id) == col(OrderLine.order_id)))
        .where(
            col(OrderLine.brand_id) == run.brand_id,
            col(Order.source) == run.source,
            col(Order.channel) == Channel.FILE,
            col(OrderLine.kind) == LineKind.GOODS,
            col(OrderLine.product_id).is_not(None),
        )
        .subquery()
    )
    found = await session.execute(
        select(
            lines.c.product_id, lines.c.name, lines.c.amount, lines.c.quantity, col(Product.name), col(Product.price)
        )
        .join(Product, (col(Product.brand_id) == run.brand_id) & (col(Product.id) == lines.c.product_id))
        .where(lines.c.place == 1, col(Product.is_kept).is_(False))
    )
    sold = [
        (LastSold(product_id, name, minor(Decimal(amount) / (quantity or 1), 0)), known_name, known_price)
        for product_id, name, amount, quantity, known_name, known_price in found
    ]
    return [last for last, name, price in sold if (last.name, last.price) != (name, price)]
