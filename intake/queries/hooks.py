"""Reads of sources and of their secrets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand
from intake.models import HookSecret, HookSource
from intake.policy import hooks_visible_to
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import Key, Page, paged

MOST_SOURCES = 50
_MOST_SECRETS = 20  # of a source, those that have ended lately included

HookRow = Row[*tuple[Any, ...]]
Kept = TypeVar("Kept", HookSource, HookSecret)

_SECRET = tuple(
    column
    for column in HookSecret.__table__.columns  # type: ignore[attr-defined]  # set by SQLModel
    if column.name != "sealed"
)


@dataclass(frozen=True, slots=True)
class Sender:
    """A source as it is needed to take a message in; `sealed` are its secrets that count."""

    brand_id: UUID
    id: UUID
    code: str
    mapping: str
    store_code: str | None
    currency: str
    is_paused: bool
    sealed: tuple[bytes, ...] = ()


async def sender(session: AsyncSession, slug: str, at: datetime) -> Sender | None:
    """The source at that address. Its brand is the one that the address begins with."""
    brand_code, _, _ = slug.partition(".")
    counts = and_(
        col(HookSecret.brand_id) == col(HookSource.brand_id),
        col(HookSecret.source_id) == col(HookSource.id),
        or_(col(HookSecret.ends_at).is_(None), col(HookSecret.ends_at) > at),
    )
    found = await session.execute(
        _senders()
        .add_columns(col(HookSecret.sealed))
        .outerjoin(HookSecret, counts)
        .where(col(Brand.code) == brand_code, col(HookSource.slug) == slug)
    )
    rows = found.all()
    if not rows:
        return None
    sealed = tuple(row.sealed for row in rows if row.sealed is not None)
    return _sender(rows[0], sealed)


async def sender_of(session: AsyncSession, brand_id: UUID, source_id: UUID) -> Sender | None:
    """The same of a source that is known, without secrets; none while it is paused."""
    found = await session.execute(
        _senders().where(
            col(HookSource.brand_id) == brand_id, col(HookSource.id) == source_id, col(HookSource.is_paused).is_(False)
        )
    )
    row = found.one_or_none()
    if row is None:
        return None
    return _sender(row, ())


async def brand_code(session: AsyncSession, brand_id: UUID) -> str:
    """The brand's code; others who add sources of the brand wait until the commit."""
    return (await session.scalars(select(col(Brand.code)).where(col(Brand.id) == brand_id).with_for_update())).one()


async def has_slug(session: AsyncSession, brand_id: UUID, slug: str) -> bool:
    """Whether the brand has a source at that address."""
    found = select(col(HookSource.id)).where(col(HookSource.brand_id) == brand_id, col(HookSource.slug) == slug)
    return await session.scalar(found) is not None


async def count_sources(session: AsyncSession, brand_id: UUID) -> int:
    """How many sources the brand has."""
    counted = select(func.count()).select_from(HookSource).where(col(HookSource.brand_id) == brand_id)
    return await session.scalar(counted) or 0


async def page_of_sources(session: AsyncSession, actor: Actor, page: Page) -> Sequence[HookRow]:
    """The brand's sources, the newest first."""
    return (await session.execute(paged(_sources(actor), page, Key(col(HookSource.id), descending=True)))).all()


async def sources_by_ids(session: AsyncSession, actor: Actor, source_ids: Sequence[UUID]) -> dict[UUID, HookRow]:
    """Those of the sources that are in sight."""
    found = await session.execute(_sources(actor).where(col(HookSource.id).in_(source_ids)))
    return {row.id: row for row in found}


async def lock_source(session: AsyncSession, actor: Actor, source_id: UUID) -> HookSource:
    """The source, kept from other writers until the commit. `NOT_FOUND` if it isn't in sight."""
    return await _locked(session, HookSource, hooks_visible_to(HookSource, actor), source_id)


async def by_slug(session: AsyncSession, actor: Actor, slug: str) -> HookSource:
    """The source at that address. `NOT_FOUND` if it isn't in sight."""
    found = await session.scalar(
        select(HookSource).where(hooks_visible_to(HookSource, actor), col(HookSource.slug) == slug)
    )
    if found is None:
        raise NotFound
    return found


async def lock_secret(session: AsyncSession, actor: Actor, secret_id: UUID) -> HookSecret:
    """The same of a secret."""
    return await _locked(session, HookSecret, hooks_visible_to(HookSecret, actor), secret_id)


async def live_secrets(session: AsyncSession, source: HookSource, at: datetime) -> Sequence[HookSecret]:
    """The source's secrets that count, the oldest first."""
    found = await session.scalars(
        select(HookSecret)
        .where(
            col(HookSecret.brand_id) == source.brand_id,
            col(HookSecret.source_id) == source.id,
            or_(col(HookSecret.ends_at).is_(None), col(HookSecret.ends_at) > at),
        )
        .order_by(col(HookSecret.id))
    )
    return found.all()


async def secrets_of(session: AsyncSession, actor: Actor, source_ids: Sequence[UUID]) -> dict[UUID, Sequence[HookRow]]:
    """The secrets of sources in sight, the newest first, without what they are; of each at most 20."""
    place = func.row_number().over(partition_by=col(HookSecret.source_id), order_by=col(HookSecret.id).desc())
    numbered = (
        select(*_SECRET, place.label("place"))
        .where(hooks_visible_to(HookSecret, actor), col(HookSecret.source_id).in_(source_ids))
        .subquery()
    )
    found = await session.execute(
        select(numbered).where(numbered.c.place <= _MOST_SECRETS).order_by(numbered.c.source_id, numbered.c.place)
    )
    secrets: dict[UUID, list[HookRow]] = {source_id: [] for source_id in source_ids}
    for row in found:
        secrets[row.source_id].append(row)
    return dict(secrets)


async def sealed_secret(session: AsyncSession, actor: Actor, secret_id: UUID) -> bytes | None:
    """What a secret in sight is, sealed."""
    sealed: bytes | None = await session.scalar(
        select(col(HookSecret.sealed)).where(hooks_visible_to(HookSecret, actor), col(HookSecret.id) == secret_id)
    )
    return sealed


async def secrets_by_ids(session: AsyncSession, actor: Actor, secret_ids: Sequence[UUID]) -> dict[UUID, HookRow]:
    """Those of the secrets that are in sight, without what they are."""
    found = await session.execute(
        select(*_SECRET).where(hooks_visible_to(HookSecret, actor), col(HookSecret.id).in_(secret_ids))
    )
    return {row.id: row for row in found}


def _sender(row: HookRow, sealed: tuple[bytes, ...]) -> Sender:
    code = row.slug.partition(".")[2]
    return Sender(row.brand_id, row.id, code, row.mapping, row.store_code, row.currency, row.is_paused, sealed)


def _senders() -> Select[*tuple[Any, ...]]:
    return select(
        col(HookSource.brand_id),
        col(HookSource.id),
        col(HookSource.slug),
        col(HookSource.mapping),
        col(HookSource.store_code),
        col(HookSource.is_paused),
        col(Brand.currency),
    ).join(Brand, col(Brand.id) == col(HookSource.brand_id))


def _sources(actor: Actor) -> Select[*tuple[Any, ...]]:
    return select(*HookSource.__table__.columns).where(hooks_visible_to(HookSource, actor))  # type: ignore[attr-defined]  # set by SQLModel


async def _locked(session: AsyncSession, model: type[Kept], sight: ColumnElement[bool], row_id: UUID) -> Kept:
    found = await session.scalar(select(model).where(sight, col(model.id) == row_id).with_for_update())
    if found is None:
        raise NotFound
    return found
