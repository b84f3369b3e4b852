"""Where a link leads to at present, and who is asked there: nothing moves when a guide leaves, it is read."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Holding, Relationship
from directory.models import Account, Brand, Staff, StaffState, Store
from directory.policy import serves
from kernel.actor import Role
from mall.models import Landing, MallSetting, Product, Share, ShareKind, Shown

HELD_LAST = timedelta(days=30)
"""How long before the last relationship went to somebody else a guide's departure may have begun."""


_SHOWN: tuple[Any, ...] = (
    col(Product.code).label("product_code"),
    col(Product.name).label("product_name"),
    col(Product.price).label("product_price"),
    col(Product.images).label("product_images"),
)


async def of_code(session: AsyncSession, code: str) -> Landing | None:
    """The link of that code, over all brands, whether it has expired or not; none if there is none."""
    share = await _share(session, code)
    if share is None:
        return None
    guide: str | None = share.guide
    if guide is None and share.staff_id is not None:
        guide = await takeover_guide(session, share.brand_id, share.store_id, share.account_id)
    template = {
        ShareKind.PRODUCT: share.product_url,
        ShareKind.PAGE: share.page_url,
        ShareKind.LOOK: share.look_url,
    }[share.kind]
    return Landing(
        brand_id=share.brand_id,
        share_id=share.id,
        code=share.code,
        kind=share.kind,
        title=share.title,
        page=share.page,
        expires_at=share.expires_at,
        store_code=share.store_code,
        guide=guide,
        currency=share.currency,
        template=template,
        products=await _products(session, share),
    )


async def takeover_guide(session: AsyncSession, brand_id: UUID, store_id: UUID, account_id: UUID) -> str | None:
    """The staff number of the guide at work in the store who now holds most of what an account held last.

    What it held last went to others within `HELD_LAST` before the last of it did. Among equals the lowest number;
    none if no guide at work has any of it.
    """
    held = and_(col(Holding.brand_id) == brand_id, col(Holding.account_id) == account_id)
    last = await session.scalar(select(func.max(col(Holding.until_at))).where(held))
    if last is None:
        return None
    many = func.count(col(Relationship.id).distinct()).desc()
    return await session.scalar(
        select(col(Staff.number))
        .select_from(Holding)
        .join(Relationship, _same(Relationship, col(Holding.relationship_id), brand_id))
        .join(Account, _same(Account, col(Relationship.holder_id), brand_id))
        .join(Staff, _same(Staff, col(Account.staff_id), brand_id))
        .where(
            held,
            col(Holding.until_at) >= last - HELD_LAST,
            col(Relationship.store_id) == store_id,
            _at_work_in(store_id),
        )
        .group_by(col(Staff.number))
        .order_by(many, col(Staff.number))
        .limit(1)
    )


async def _share(session: AsyncSession, code: str) -> Row[*tuple[Any, ...]] | None:
    """By its code alone, which is all that an address says; everything else is of the link's own brand."""
    brand_id = col(Share.brand_id)
    at_work = and_(_same(Staff, col(Account.staff_id), brand_id), _works_in(col(Share.store_id)), serves())
    found = await session.execute(
        select(
            *Share.__table__.columns,  # type: ignore[attr-defined]  # set by SQLModel
            col(Store.code).label("store_code"),
            col(Brand.currency),
            col(Account.staff_id),
            col(Staff.number).label("guide"),
            col(MallSetting.product_url),
            col(MallSetting.page_url),
            col(MallSetting.look_url),
            *_SHOWN,
        )
        .join(Store, _same(Store, col(Share.store_id), brand_id))
        .join(Account, _same(Account, col(Share.account_id), brand_id))
        .join(Brand, col(Brand.id) == brand_id)
        .outerjoin(Staff, at_work)
        .outerjoin(MallSetting, col(MallSetting.brand_id) == brand_id)
        .outerjoin(Product, _same(Product, col(Share.product_id), brand_id))
        .where(col(Share.code) == code)
    )
    return found.first()


async def _products(session: AsyncSession, share: Row[*tuple[Any, ...]]) -> Sequence[Shown]:
    if share.kind is ShareKind.PRODUCT:
        return [_shown(share)]
    if share.kind is ShareKind.PAGE:
        return ()
    wanted = [UUID(each) for each in share.look]
    found = await session.execute(
        select(col(Product.id), *_SHOWN).where(col(Product.brand_id) == share.brand_id, col(Product.id).in_(wanted))
    )
    known = {row.id: _shown(row) for row in found}
    return [known[product_id] for product_id in wanted]


def _shown(row: Row[*tuple[Any, ...]]) -> Shown:
    return Shown(row.product_code, row.product_name, row.product_price, next(iter(row.product_images), None))


def _same(model: Any, key: Any, brand_id: Any) -> ColumnElement[bool]:
    return and_(col(model.brand_id) == brand_id, col(model.id) == key)


def _at_work_in(store_id: Any) -> ColumnElement[bool]:
    """As `Staff.can_hold_in` says."""
    return and_(_works_in(store_id), serves(), col(Staff.state) == StaffState.ACTIVE)


def _works_in(store_id: Any) -> ColumnElement[bool]:
    return and_(col(Staff.role) == Role.GUIDE, col(Staff.store_id) == store_id)
