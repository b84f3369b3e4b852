"""Reads of SKUs, for whoever may see the catalogue: everybody in the brand."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel.actor import Actor
from mall.models import Product, Sku

SkuRow = Row[*tuple[Any, ...]]
Ware = type[Product] | type[Sku]

MOST_OF_BARCODE = 20


async def by_ids(session: AsyncSession, actor: Actor, sku_ids: Sequence[UUID]) -> dict[UUID, SkuRow]:
    """Those of the SKUs that the brand sells."""
    found = await session.execute(_rows(actor).where(col(Sku.id).in_(sku_ids)))
    return {row.id: row for row in found}


async def of_products(session: AsyncSession, actor: Actor, product_ids: Sequence[UUID]) -> dict[UUID, list[SkuRow]]:
    """The SKUs of products by code; a product never has more than 200."""
    found = await session.execute(
        _rows(actor).where(col(Sku.product_id).in_(product_ids)).order_by(col(Sku.product_id), col(Sku.code))
    )
    grouped: dict[UUID, list[SkuRow]] = {}
    for row in found:
        grouped.setdefault(row.product_id, []).append(row)
    return grouped


async def by_code(session: AsyncSession, actor: Actor, code: str) -> SkuRow | None:
    """The SKU of this code, if the brand sells it."""
    if "\x00" in code:
        return None  # PostgreSQL can't even be asked for it
    return (await session.execute(_rows(actor).where(col(Sku.code) == code))).first()


async def by_barcode(session: AsyncSession, actor: Actor, barcode: str) -> Sequence[SkuRow]:
    """The SKUs with this barcode by code: one, unless the same was stuck on several; at most 20."""
    if "\x00" in barcode:
        return []
    found = await session.execute(
        _rows(actor).where(col(Sku.barcode) == barcode).order_by(col(Sku.code)).limit(MOST_OF_BARCODE)
    )
    return found.all()


async def places_of_codes(session: AsyncSession, actor: Actor, codes: Sequence[str]) -> dict[str, SkuRow]:
    """`id` and `product_id` of those codes that the catalogue knows."""
    if not codes:
        return {}
    found = await session.execute(
        select(col(Sku.code), col(Sku.id), col(Sku.product_id)).where(
            col(Sku.brand_id) == actor.brand_id, col(Sku.code).in_(sorted(set(codes)))
        )
    )
    return {row.code: row for row in found}


async def known_codes(session: AsyncSession, actor: Actor, table: Ware, codes: Sequence[str]) -> set[str]:
    """Those of the codes that products, or SKUs, have."""
    found = await session.scalars(
        select(col(table.code)).where(col(table.brand_id) == actor.brand_id, col(table.code).in_(codes))
    )
    return set(found)


async def unknown_codes(session: AsyncSession, actor: Actor, codes: Sequence[str]) -> list[str]:
    """Those of the codes that no SKU has, each once, in their order; none where the brand has no SKUs at all."""
    if not codes:
        return []
    known = await known_codes(session, actor, Sku, codes)
    unknown = [code for code in dict.fromkeys(codes) if code not in known]
    if not unknown or known:
        return unknown
    any_sku = await session.scalar(select(col(Sku.id)).where(col(Sku.brand_id) == actor.brand_id).limit(1))
    return unknown if any_sku is not None else []


async def lock_by_codes(session: AsyncSession, actor: Actor, table: Ware, codes: Sequence[str]) -> Sequence[Any]:
    """The rows of these codes, kept from other writers until the commit; locked in the order of their keys."""
    found = await session.execute(
        select(*table.__table__.columns)  # type: ignore[union-attr]  # set by SQLModel
        .where(col(table.brand_id) == actor.brand_id, col(table.code).in_(codes))
        .order_by(col(table.id))
        .with_for_update(key_share=True)
    )
    return found.all()


async def count_of(session: AsyncSession, actor: Actor, product_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many SKUs each of the products has, where it has any."""
    found = await session.execute(
        select(col(Sku.product_id), func.count())
        .where(col(Sku.brand_id) == actor.brand_id, col(Sku.product_id).in_(product_ids))
        .group_by(col(Sku.product_id))
    )
    return dict(found.all())


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Sku.__table__.columns).where(col(Sku.brand_id) == actor.brand_id)  # type: ignore[attr-defined]  # set by SQLModel
