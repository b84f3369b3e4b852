"""Which stores and people a question about figures is about: what isn't in the asker's sight isn't found."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, Region, Store, StoreState
from directory.policy import in_sight, stores_visible_to
from directory.queries import regions
from kernel.actor import Actor, Role
from kernel.errors import Invalid, NotFound
from kpi.models import Grain
from kpi.models.definitions import DEFINITIONS, Figure
from kpi.policy import require_reader

StoreRow = Row[*tuple[Any, ...]]


class By(StrEnum):
    """What figures are told apart by; `whole` is one of all."""

    WHOLE = "whole"
    STORE = "store"
    GUIDE = "guide"
    CHANNEL = "channel"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Asked:
    """What figures are asked of: a region with all below it, a store, or a person; and of which orders."""

    region_id: UUID | None = None
    store_id: UUID | None = None
    staff_id: UUID | None = None
    channel: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Stores by their ids, none for all of the brand, and accounts likewise; which is in the asker's sight.

    `grain` says whose rows are read: the stores', or those of accounts.
    """

    brand_id: UUID
    grain: Grain
    store_ids: tuple[UUID, ...] | None = None
    account_ids: tuple[UUID, ...] | None = None
    channel: str | None = None
    source: str | None = None


def require_fitting(asked: Asked, figures: Iterable[Figure]) -> None:
    """Channel and source are known of orders and refunds alone. Raises `INVALID`."""
    if asked.channel is asked.source is None:
        return
    strangers = sorted(figure.value for figure in figures if not DEFINITIONS[figure].is_sales)
    if strangers:
        raise Invalid(
            field="source" if asked.channel is None else "channel",
            reason=f"not told apart in {', '.join(strangers)}.",
            reason_zh=f"以下指标不按渠道或来源区分：{'、'.join(strangers)}。",
        )


async def scope(session: AsyncSession, actor: Actor, asked: Asked, grain: Grain) -> Scope:
    """What is asked for, as far as the actor sees; a guide's own figures are all that a guide sees.

    Of a person it is always the rows of accounts. Raises `FORBIDDEN` for a machine that may not read reports,
    `NOT_FOUND`.
    """
    require_reader(actor)
    if actor.role is Role.GUIDE:
        return await _own(session, actor, asked)
    found = () if _is_whole(actor, asked) else await stores(session, actor, asked)
    return await of_stores(session, actor, asked, grain, found)


async def of_stores(
    session: AsyncSession, actor: Actor, asked: Asked, grain: Grain, found: Sequence[StoreRow]
) -> Scope:
    """The same when the stores in sight that are asked for are known already."""
    accounts = None if asked.staff_id is None else await _accounts_of(session, actor, asked.staff_id)
    grain = grain if accounts is None else Grain.ACCOUNT
    store_ids = None if _is_whole(actor, asked) else tuple(sorted(row.id for row in found))
    return Scope(actor.brand_id, grain, store_ids, accounts, asked.channel, asked.source)


async def stores(session: AsyncSession, actor: Actor, asked: Asked) -> Sequence[StoreRow]:
    """The stores in sight that are asked for: id, code, name, region and its path, time zone, whether open; by code.

    A guide sees no figures of stores. Raises `NOT_FOUND`.
    """
    require_reader(actor)
    if actor.role is Role.GUIDE:
        raise NotFound
    statement: Select[*tuple[Any, ...]] = (
        select(
            col(Store.id),
            col(Store.code),
            col(Store.name),
            col(Store.region_id),
            col(Region.path).label("region_path"),
            col(Store.time_zone),
            (col(Store.state) == StoreState.OPEN).label("is_open"),
        )
        .join(Region, (col(Region.brand_id) == col(Store.brand_id)) & (col(Region.id) == col(Store.region_id)))
        .where(stores_visible_to(actor))
        .order_by(col(Store.code))
    )
    if asked.region_id is not None:
        region = await regions.get(session, actor, asked.region_id)
        statement = statement.where(col(Region.path).startswith(region.path, autoescape=True))
    if asked.store_id is not None:
        statement = statement.where(col(Store.id) == asked.store_id)
    found: Sequence[StoreRow] = (await session.execute(statement)).all()
    if asked.store_id is not None and not found:
        raise NotFound
    return found


async def _own(session: AsyncSession, actor: Actor, asked: Asked) -> Scope:
    if asked.staff_id not in (None, actor.staff_id) or asked.region_id is not None:
        raise NotFound
    if asked.store_id not in (None, actor.store_id):
        raise NotFound
    store_ids = None if asked.store_id is None else (asked.store_id,)
    return Scope(
        actor.brand_id, Grain.ACCOUNT, store_ids, tuple(sorted(actor.account_ids)), asked.channel, asked.source
    )


def _is_whole(actor: Actor, asked: Asked) -> bool:
    """Whether it is all of the brand."""
    return asked.region_id is asked.store_id is None and actor.role in (Role.HQ, Role.SERVICE, Role.SYSTEM)


async def _accounts_of(session: AsyncSession, actor: Actor, staff_id: UUID) -> tuple[UUID, ...]:
    """The accounts of somebody who has, or had, one in a store in sight."""
    found = await session.execute(
        select(col(Account.id), in_sight(actor, col(Account.brand_id), col(Account.store_id)).label("is_seen")).where(
            col(Account.brand_id) == actor.brand_id, col(Account.staff_id) == staff_id
        )
    )
    rows = found.all()
    if not any(row.is_seen for row in rows):
        raise NotFound
    return tuple(sorted(row.id for row in rows))
