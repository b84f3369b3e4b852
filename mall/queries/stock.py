"""Reads of stock. Everybody of the brand sees what all stores have: a guide looks for a customer's size elsewhere."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Store, StoreState
from kernel.actor import Actor
from mall.models import MallSetting, Stock

StockRow = Row[*tuple[Any, ...]]

MOST_STORES = 50


async def in_store(
    session: AsyncSession, actor: Actor, sku_ids: Sequence[UUID], *, store_id: UUID
) -> dict[UUID, StockRow]:
    """What one store has of each of the SKUs, where it was ever counted."""
    found = await session.execute(_rows(actor).where(col(Stock.sku_id).in_(sku_ids), col(Stock.store_id) == store_id))
    return {row.sku_id: row for row in found}


async def of_skus(session: AsyncSession, actor: Actor, sku_ids: Sequence[UUID]) -> dict[UUID, list[StockRow]]:
    """The open stores that have some of each of the SKUs, those with most first; at most 50 of each."""
    place = func.row_number().over(
        partition_by=col(Stock.sku_id), order_by=(col(Stock.quantity).desc(), col(Stock.store_id))
    )
    ranked = (
        _rows(actor)
        .add_columns(place.label("place"))
        .where(col(Stock.sku_id).in_(sku_ids), col(Stock.quantity) > 0, col(Store.state) == StoreState.OPEN)
        .subquery()
    )
    found = await session.execute(
        select(ranked).where(ranked.c.place <= MOST_STORES).order_by(ranked.c.sku_id, ranked.c.place)
    )
    grouped: dict[UUID, list[StockRow]] = {}
    for row in found:
        grouped.setdefault(row.sku_id, []).append(row)
    return grouped


async def stores_named(
    session: AsyncSession, actor: Actor, ids: Sequence[UUID], codes: Sequence[str]
) -> tuple[set[UUID], dict[str, UUID]]:
    """Those of the ids and codes that are of stores of the brand."""
    found = await session.execute(
        select(col(Store.id), col(Store.code)).where(
            col(Store.brand_id) == actor.brand_id,
            or_(col(Store.id).in_(sorted(set(ids))), col(Store.code).in_(sorted(set(codes)))),
        )
    )
    rows = found.all()
    return {row.id for row in rows}, {row.code: row.id for row in rows}


async def guides_may_keep(session: AsyncSession, actor: Actor) -> bool:
    """Whether the brand lets guides add products and count stock."""
    found = await session.scalar(
        select(col(MallSetting.guides_may_add_products)).where(col(MallSetting.brand_id) == actor.brand_id)
    )
    return bool(found)


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            col(Stock.sku_id),
            col(Stock.store_id),
            col(Stock.quantity),
            col(Stock.counted_at),
            col(Store.code).label("store_code"),
            col(Store.name).label("store_name"),
            col(Store.city).label("store_city"),
        )
        .join(Store, (col(Store.brand_id) == col(Stock.brand_id)) & (col(Store.id) == col(Stock.store_id)))
        .where(col(Stock.brand_id) == actor.brand_id)
    )
