"""Reads of accounts."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, distinct, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, AccountKind, Brand, Staff, StaffState
from directory.policy import accounts_visible_to
from kernel.actor import Actor, Role
from kernel.errors import NotFound

AccountRow = Row[*tuple[Any, ...]]


async def get(session: AsyncSession, actor: Actor, account_id: UUID, *, is_fresh: bool = False) -> Account:
    """The account; `is_fresh`: as it is now, though it was read before. `NOT_FOUND` if it isn't in sight."""
    account = await session.scalar(
        select(Account)
        .where(col(Account.id) == account_id, accounts_visible_to(actor))
        .execution_options(populate_existing=is_fresh)
    )
    if account is None:
        raise NotFound
    return account


async def lock_partner_ids(session: AsyncSession, brand_id: UUID) -> None:
    """Let nobody else say until the commit by which ids the partner knows the brand's accounts."""
    await session.scalar(select(col(Brand.id)).where(col(Brand.id) == brand_id).with_for_update(key_share=True))


async def by_numbers(session: AsyncSession, actor: Actor, numbers: Sequence[str]) -> list[tuple[str, Account]]:
    """All accounts of the staff members with these numbers, each with its number, as they are now."""
    found = await session.execute(
        select(col(Staff.number), Account)
        .join(Account, (col(Account.brand_id) == col(Staff.brand_id)) & (col(Account.staff_id) == col(Staff.id)))
        .where(accounts_visible_to(actor), col(Staff.brand_id) == actor.brand_id, col(Staff.number).in_(numbers))
        .order_by(col(Account.id))
        .execution_options(populate_existing=True)
    )
    return [(row[0], row[1]) for row in found]


async def shared_partner_id(session: AsyncSession, brand_id: UUID, partner_ids: Sequence[str]) -> str | None:
    """The first of these ids by which the partner would know two people, or a person and a public account."""
    whose = func.coalesce(col(Account.staff_id), col(Account.id))
    shared: str | None = await session.scalar(
        select(col(Account.partner_user_id))
        .where(col(Account.brand_id) == brand_id, col(Account.partner_user_id).in_(partner_ids))
        .group_by(col(Account.partner_user_id))
        .having(func.count(distinct(whose)) > 1)
        .order_by(col(Account.partner_user_id))
        .limit(1)
    )
    return shared


async def without_partner_id(session: AsyncSession, brand_id: UUID) -> int:
    """How many accounts of guides at work have no id at the partner: of their customers nothing is settled there."""
    counted = (
        select(func.count())
        .select_from(Account)
        .join(Staff, (col(Staff.brand_id) == col(Account.brand_id)) & (col(Staff.id) == col(Account.staff_id)))
        .where(
            col(Account.brand_id) == brand_id,
            col(Account.partner_user_id).is_(None),
            col(Staff.state) == StaffState.ACTIVE,
        )
    )
    return await session.scalar(counted) or 0


async def own(session: AsyncSession, actor: Actor) -> Account | None:
    """The account through which the actor holds relationships in the store where they work now."""
    # A guide of a store who became its manager acts for two accounts there, and takes customers on for the public one.
    kind = AccountKind.PUBLIC if actor.role is Role.STORE_MANAGER else AccountKind.GUIDE
    account: Account | None = await session.scalar(
        select(Account).where(
            col(Account.id).in_(actor.account_ids), col(Account.kind) == kind, accounts_visible_to(actor)
        )
    )
    return account


async def of_staff_in(session: AsyncSession, staff: Staff, store_id: UUID) -> Account | None:
    """The account that the staff member has, or once had, in that store."""
    return await of_guide(session, staff.brand_id, staff.id, store_id)


async def of_guide(session: AsyncSession, brand_id: UUID, staff_id: UUID, store_id: UUID) -> Account | None:
    """The same for somebody of whom only the id is known."""
    account: Account | None = await session.scalar(
        select(Account).where(
            col(Account.brand_id) == brand_id, col(Account.staff_id) == staff_id, col(Account.store_id) == store_id
        )
    )
    return account


async def owners_of(session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Whose each of these accounts is, by the staff member's id; public accounts are left out."""
    found = await session.execute(
        select(col(Account.id), col(Account.staff_id)).where(
            col(Account.brand_id) == brand_id, col(Account.id).in_(account_ids)
        )
    )
    return {account_id: staff_id for account_id, staff_id in found if staff_id is not None}


async def public_of(session: AsyncSession, brand_id: UUID, store_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """The id of each store's public account."""
    found = await session.execute(
        select(col(Account.store_id), col(Account.id)).where(
            col(Account.brand_id) == brand_id,
            col(Account.store_id).in_(store_ids),
            col(Account.kind) == AccountKind.PUBLIC,
        )
    )
    return dict(found.all())


async def public_account(session: AsyncSession, brand_id: UUID, store_id: UUID) -> Account:
    """The store's public account, which every store has."""
    found = await session.scalars(
        select(Account).where(
            col(Account.brand_id) == brand_id,
            col(Account.store_id) == store_id,
            col(Account.kind) == AccountKind.PUBLIC,
        )
    )
    return found.one()


async def by_ids(session: AsyncSession, actor: Actor, account_ids: Sequence[UUID]) -> dict[UUID, AccountRow]:
    """Those of the accounts that are in sight."""
    found = await session.execute(_rows(actor).where(col(Account.id).in_(account_ids)))
    return {row.id: row for row in found}


async def of_stores(session: AsyncSession, actor: Actor, store_ids: Sequence[UUID]) -> dict[UUID, list[AccountRow]]:
    """The accounts of these stores, the public one first, then by the number of the guide who works there.

    The account of a guide who went to work elsewhere is left out until they come back.
    """
    at_home = or_(col(Account.staff_id).is_(None), col(Staff.store_id) == col(Account.store_id))
    found = await session.execute(
        _rows(actor)
        .where(col(Account.store_id).in_(store_ids), at_home)
        .order_by(col(Account.kind).desc(), col(Staff.number), col(Account.id))
    )
    by_store: dict[UUID, list[AccountRow]] = {store_id: [] for store_id in store_ids}
    for row in found:
        by_store[row.store_id].append(row)
    return by_store


async def of_staff(session: AsyncSession, actor: Actor, staff_ids: Sequence[UUID]) -> dict[UUID, list[AccountRow]]:
    """The accounts of these staff members: one for each store in sight where they are or were a guide; one's own all.

    Whoever answers for a region would otherwise see other accounts of their own each time that it is cut anew.
    """
    own = and_(col(Account.brand_id) == actor.brand_id, col(Account.staff_id) == actor.id)
    found = await session.execute(
        _all_rows()
        .where(or_(accounts_visible_to(actor), own), col(Account.staff_id).in_(staff_ids))
        .order_by(col(Account.id))
    )
    by_staff: dict[UUID, list[AccountRow]] = {staff_id: [] for staff_id in staff_ids}
    for row in found:
        by_staff[row.staff_id].append(row)
    return by_staff


def _rows(actor: Actor) -> Select[*tuple[Any, ...]]:
    return _all_rows().where(accounts_visible_to(actor))


def _all_rows() -> Select[*tuple[Any, ...]]:
    return select(*Account.__table__.columns).outerjoin(  # type: ignore[attr-defined]  # set by SQLModel
        Staff, (col(Staff.brand_id) == col(Account.brand_id)) & (col(Staff.id) == col(Account.staff_id))
    )
