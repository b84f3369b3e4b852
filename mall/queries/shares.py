"""Reads of share links."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from kernel import clock
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged
from mall.models import Share
from mall.policy import shares_visible_to

ShareRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which links: all that is given must hold. `is_own` are those of the accounts through which one acts."""

    is_own: bool = False
    is_live: bool = False
    store_id: UUID | None = None
    account_id: UUID | None = None
    product_id: UUID | None = None


async def id_of_code(session: AsyncSession, actor: Actor, code: str) -> UUID | None:
    """The brand's link of that code, whether it has expired or not; none if it knows no such."""
    return await session.scalar(
        select(col(Share.id)).where(col(Share.brand_id) == actor.brand_id, col(Share.code) == code)
    )


async def lock(session: AsyncSession, actor: Actor, share_id: UUID) -> Share:
    """The link, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    share = await session.scalar(
        select(Share).where(shares_visible_to(actor), col(Share.id) == share_id).with_for_update(key_share=True)
    )
    if share is None:
        raise NotFound
    return share


async def by_ids(session: AsyncSession, actor: Actor, share_ids: Sequence[UUID]) -> dict[UUID, ShareRow]:
    """Those of the links that are in sight."""
    found = await session.execute(_rows(actor).where(col(Share.id).in_(share_ids)))
    return {row.id: row for row in found}


async def page(session: AsyncSession, actor: Actor, page: Page, narrowed: Filter | None = None) -> Sequence[ShareRow]:
    """Links in sight, the newest first; one more than asked for when there is a next page."""
    rows = _rows(actor).where(*conditions(actor, narrowed or Filter()))
    keys = (Key(col(Share.created_at), descending=True), Key(col(Share.id), descending=True))
    return (await session.execute(paged(rows, page, *keys))).all()


def conditions(actor: Actor, narrowed: Filter) -> list[ColumnElement[bool]]:
    """What a filter asks of a link."""
    found: list[ColumnElement[bool]] = []
    if narrowed.is_own:
        found.append(col(Share.account_id).in_(actor.account_ids))
    if narrowed.is_live:
        found.append(col(Share.expires_at) > clock.now())
    if narrowed.store_id is not None:
        found.append(col(Share.store_id) == narrowed.store_id)
    if narrowed.account_id is not None:
        found.append(col(Share.account_id) == narrowed.account_id)
    if narrowed.product_id is not None:
        found.append(col(Share.product_id) == narrowed.product_id)
    return found


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*Share.__table__.columns).where(shares_visible_to(actor))  # type: ignore[attr-defined]  # set by SQLModel
