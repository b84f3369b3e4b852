"""Reads of the catalogue."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from kernel.pages import Key, Page, paged
from mall.models import Product
from mall.policy import products_visible_to

ProductRow = Row[*tuple[Any, ...]]


async def lock_by_code(session: AsyncSession, actor: Actor, code: str) -> Product | None:
    """The product of this code, kept from other writers until the commit."""
    return await session.scalar(
        select(Product).where(products_visible_to(actor), col(Product.code) == code).with_for_update(key_share=True)
    )


async def ids_of_codes(session: AsyncSession, actor: Actor, codes: Sequence[str]) -> dict[str, UUID]:
    """The ids of those codes that the catalogue knows."""
    found = await session.execute(
        select(col(Product.code), col(Product.id)).where(products_visible_to(actor), col(Product.code).in_(codes))
    )
    return dict(found.all())


async def by_ids(session: AsyncSession, actor: Actor, product_ids: Sequence[UUID]) -> dict[UUID, ProductRow]:
    """Those of the products that the brand sells."""
    found = await session.execute(_rows(actor).where(col(Product.id).in_(product_ids)))
    return {row.id: row for row in found}


async def page(session: AsyncSession, actor: Actor, page: Page, category: str | None = None) -> Sequence[ProductRow]:
    """The catalogue by code; one more than asked for when there is a next page."""
    rows = _rows(actor)
    if category is not None:
        rows = rows.where(col(Product.category) == category)
    found = await session.execute(paged(rows, page, Key(col(Product.code))))
    return found.all()


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Product.__table__.columns).where(products_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel
