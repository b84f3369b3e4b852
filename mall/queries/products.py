"""Reads of the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, false, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from kernel.pages import Key, Page, paged
from mall.models import Product, Sku, Stock
from mall.policy import products_visible_to

ProductRow = Row[*tuple[Any, ...]]

MOST_CATEGORIES = 500


@dataclass(frozen=True, slots=True)
class Filter:
    """What the catalogue is narrowed down to. `text` is part of a name, or a code or barcode as a whole.

    `in_store` leaves those of which that store has a SKU that is sold.
    """

    text: str | None = None
    category: str | None = None
    only_offered: bool = False
    in_store: UUID | None = None


async def lock_by_code(session: AsyncSession, actor: Actor, code: str, *, anew: bool = False) -> Product | None:
    """The product of this code, kept from other writers until the commit; `anew` if it was changed in between."""
    return await session.scalar(
        select(Product)
        .where(products_visible_to(actor), col(Product.code) == code)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=anew)
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


async def by_code(session: AsyncSession, actor: Actor, code: str) -> ProductRow | None:
    """The product of this code, if the brand sells it."""
    if "\x00" in code:
        return None  # PostgreSQL can't even be asked for it
    return (await session.execute(_rows(actor).where(col(Product.code) == code))).first()


async def page(session: AsyncSession, actor: Actor, page: Page, wanted: Filter | None = None) -> Sequence[ProductRow]:
    """The catalogue by code; one more than asked for when there is a next page."""
    rows = _rows(actor).where(*_conditions(actor, wanted or Filter()))
    found = await session.execute(paged(rows, page, Key(col(Product.code))))
    return found.all()


async def categories(session: AsyncSession, actor: Actor) -> Sequence[ProductRow]:
    """Each category with how many products it has, and how many of them are sold; the first 500 by name."""
    offered = func.sum(case((col(Product.is_withdrawn), 0), else_=1))
    found = await session.execute(
        select(col(Product.category).label("name"), func.count().label("products"), offered.label("offered"))
        .where(products_visible_to(actor), col(Product.category).is_not(None))
        .group_by(col(Product.category))
        .order_by(col(Product.category))
        .limit(MOST_CATEGORIES)
    )
    return list(found)


def _conditions(actor: Actor, wanted: Filter) -> list[ColumnElement[bool]]:
    if "\x00" in (wanted.text or "") + (wanted.category or ""):
        return [false()]
    conditions: list[ColumnElement[bool]] = []
    if wanted.text is not None and wanted.text.strip():
        conditions.append(_matches(actor, wanted.text.strip()))
    if wanted.category is not None:
        conditions.append(col(Product.category) == wanted.category)
    if wanted.only_offered:
        conditions.append(col(Product.is_withdrawn).is_(False))
    if wanted.in_store is not None:
        conditions.append(_is_in(actor, wanted.in_store))
    return conditions


def _matches(actor: Actor, text: str) -> ColumnElement[bool]:
    sku = _of_product(actor).where(or_(col(Sku.code) == text, col(Sku.barcode) == text))
    return or_(col(Product.code) == text, col(Product.name).icontains(text, autoescape=True), sku.exists())


def _is_in(actor: Actor, store_id: UUID) -> ColumnElement[bool]:
    there = exists().where(
        col(Stock.brand_id) == actor.brand_id,
        col(Stock.store_id) == store_id,
        col(Stock.sku_id) == col(Sku.id),
        col(Stock.quantity) > 0,
    )
    return _of_product(actor).where(and_(there, col(Sku.is_withdrawn).is_(False))).exists()


def _of_product(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(col(Sku.id)).where(col(Sku.brand_id) == actor.brand_id, col(Sku.product_id) == col(Product.id))


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Product.__table__.columns).where(products_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel
