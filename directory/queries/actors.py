"""Who is calling: from a sign-in to the actor with today's role, place and accounts."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Uuid, and_, bindparam, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from directory.errors import SignInEnded
from directory.models import (
    Account,
    AccountKind,
    Brand,
    Cover,
    Region,
    ServiceAccount,
    SignIn,
    Staff,
    StaffState,
    Store,
)
from directory.queries.covers import in_force
from kernel import clock
from kernel.actor import Actor, Covered, Role
from kernel.db import OneOf, UtcDateTime


@dataclass(frozen=True, slots=True)
class Credentials:
    """What there is to check a password against."""

    brand_id: UUID
    staff_id: UUID
    password_hash: str | None
    may_sign_in: bool


async def credentials(session: AsyncSession, brand_code: str, number: str) -> Credentials | None:
    """The credentials of a brand's staff member by number, whether they may still sign in or not."""
    found = await session.execute(
        select(
            col(Staff.brand_id),
            col(Staff.id),
            col(Staff.password_hash),
            and_(col(Staff.state) != StaffState.DEPARTED, col(Staff.access_closed_at).is_(None)),
        )
        .join(Brand, col(Brand.id) == col(Staff.brand_id))
        .where(col(Brand.code) == brand_code, col(Staff.number) == number)
    )
    row = found.one_or_none()
    return Credentials(row[0], row[1], row[2], bool(row[3])) if row is not None else None


# Both are asked for every request and every socket: put together once, for that takes longer than asking.
_IS_OPEN = (
    col(SignIn.brand_id) == bindparam("brand_id", type_=Uuid()),
    OneOf(col(SignIn.id), "sign_in_ids"),
    col(SignIn.revoked_at).is_(None),
    col(SignIn.expires_at) > bindparam("now", type_=UtcDateTime()),
)
_own, _public = aliased(Account), aliased(Account)
_STAFF = (
    select(
        col(SignIn.id),
        col(Staff.id),
        col(Staff.role),
        col(Staff.store_id),
        col(Region.path),
        col(_own.id),
        col(_public.id),
        col(Cover.account_id),
        col(Cover.staff_id),
    )
    .select_from(SignIn)
    .join(Staff, and_(col(Staff.brand_id) == col(SignIn.brand_id), col(Staff.id) == col(SignIn.staff_id)))
    .outerjoin(Region, and_(col(Region.brand_id) == col(Staff.brand_id), col(Region.id) == col(Staff.region_id)))
    .outerjoin(_own, and_(col(_own.brand_id) == col(Staff.brand_id), col(_own.staff_id) == col(Staff.id)))
    .outerjoin(
        _public,
        and_(
            col(_public.brand_id) == col(Staff.brand_id),
            col(_public.store_id) == col(Staff.store_id),
            col(_public.kind) == AccountKind.PUBLIC,
            col(Staff.role) == Role.STORE_MANAGER,
        ),
    )
    .outerjoin(
        Cover,
        and_(
            col(Cover.brand_id) == col(Staff.brand_id),
            col(Cover.delegate_id) == col(Staff.id),
            *in_force(bindparam("now", type_=UtcDateTime())),
        ),
    )
    .where(
        *_IS_OPEN,
        col(Staff.state) != StaffState.DEPARTED,
        col(Staff.access_closed_at).is_(None),
    )
    .order_by(case((col(_own.store_id) == col(Staff.store_id), 0), else_=1), col(_own.id))
)
_SERVICE = (
    select(col(ServiceAccount.id), col(ServiceAccount.scopes))
    .select_from(SignIn)
    .join(
        ServiceAccount,
        and_(
            col(ServiceAccount.brand_id) == col(SignIn.brand_id),
            col(ServiceAccount.id) == col(SignIn.service_account_id),
        ),
    )
    .where(*_IS_OPEN, col(ServiceAccount.closed_at).is_(None))
)


async def of_staff_sign_ins(session: AsyncSession, brand_id: UUID, sign_in_ids: Collection[UUID]) -> dict[UUID, Actor]:
    """The staff members behind those of these sign-ins that still count, by sign-in, in one query.

    A guide acts for their own accounts, that of the present store first; a store manager also for the
    store's public account. Either serves the accounts that they cover at this moment besides.
    """
    found = await session.execute(_STAFF, _asked(brand_id, sign_in_ids))
    by_sign_in: dict[UUID, list[Any]] = {}
    for row in found.all():
        by_sign_in.setdefault(row[0], []).append(row)
    return {sign_in_id: _actor(brand_id, rows) for sign_in_id, rows in by_sign_in.items()}


def _actor(brand_id: UUID, rows: Sequence[Any]) -> Actor:
    """The actor whom these rows, one for each of their own accounts and each that they cover, describe."""
    sign_in_id, staff_id, role, store_id, region_path, _, public_id, *_ = rows[0]
    account_ids = list(dict.fromkeys(row[5] for row in rows if row[5] is not None))
    return Actor(
        brand_id=brand_id,
        id=staff_id,
        role=role,
        staff_id=staff_id,
        store_id=store_id,
        region_path=region_path,
        account_ids=tuple(account_ids if public_id is None else [*account_ids, public_id]),
        sign_in_id=sign_in_id,
        covered=tuple(sorted({Covered(row[7], row[8]) for row in rows if row[7] is not None})),
    )


async def of_staff(session: AsyncSession, brand_id: UUID, staff_id: UUID) -> Actor | None:
    """Somebody with today's role and place, for what is carried out in their name; none if they may not sign in.

    They act for no account.
    """
    found = await session.execute(
        select(col(Staff.role), col(Staff.store_id), col(Region.path))
        .outerjoin(Region, and_(col(Region.brand_id) == col(Staff.brand_id), col(Region.id) == col(Staff.region_id)))
        .where(
            col(Staff.brand_id) == brand_id,
            col(Staff.id) == staff_id,
            col(Staff.state) != StaffState.DEPARTED,
            col(Staff.access_closed_at).is_(None),
        )
    )
    row = found.one_or_none()
    if row is None:
        return None
    role, store_id, region_path = row
    return Actor(brand_id, staff_id, role, staff_id=staff_id, store_id=store_id, region_path=region_path)


async def of_service_sign_in(session: AsyncSession, brand_id: UUID, sign_in_id: UUID) -> Actor:
    """The service account behind a sign-in, with its scopes. Raises `SIGN_IN_ENDED`."""
    found = await session.execute(_SERVICE, _asked(brand_id, [sign_in_id]))
    row = found.one_or_none()
    if row is None:
        raise SignInEnded
    return Actor(brand_id=brand_id, id=row[0], role=Role.SERVICE, scopes=frozenset(row[1]), sign_in_id=sign_in_id)


async def open_sign_ins(
    session: AsyncSession, brand_id: UUID, limit: int = 1000
) -> Sequence[Row[UUID, str | None, str | None, datetime, datetime]]:
    """Sign-ins that still count, newest first: id, staff number, service account's name, made, expires."""
    found = await session.execute(
        select(
            col(SignIn.id),
            col(Staff.number),
            col(ServiceAccount.name),
            col(SignIn.created_at),
            col(SignIn.expires_at),
        )
        .outerjoin(Staff, and_(col(Staff.brand_id) == col(SignIn.brand_id), col(Staff.id) == col(SignIn.staff_id)))
        .outerjoin(
            ServiceAccount,
            and_(
                col(ServiceAccount.brand_id) == col(SignIn.brand_id),
                col(ServiceAccount.id) == col(SignIn.service_account_id),
            ),
        )
        .where(
            col(SignIn.brand_id) == brand_id,
            col(SignIn.revoked_at).is_(None),
            col(SignIn.expires_at) > clock.now(),
            or_(col(SignIn.staff_id).is_not(None), col(SignIn.service_account_id).is_not(None)),
        )
        .order_by(col(SignIn.created_at).desc(), col(SignIn.id))
        .limit(limit)
    )
    return found.all()


async def brands(session: AsyncSession) -> Sequence[Brand]:
    """All brands by code, for whoever runs the product; nobody else sees more than one."""
    return (await session.scalars(select(Brand).order_by(col(Brand.code)))).all()


async def with_numbers(
    session: AsyncSession, brand_codes: Sequence[str], numbers: Sequence[str]
) -> Sequence[Row[str, str, Role, str, str, str | None, str | None]]:
    """Who has these numbers and may sign in: brand's code and name, role, number, name, workplace, password's hash."""
    found = await session.execute(
        select(
            col(Brand.code),
            col(Brand.name),
            col(Staff.role),
            col(Staff.number),
            col(Staff.name),
            func.coalesce(col(Store.name), col(Region.name)),
            col(Staff.password_hash),
        )
        .join(Staff, col(Staff.brand_id) == col(Brand.id))
        .outerjoin(Store, and_(col(Store.brand_id) == col(Staff.brand_id), col(Store.id) == col(Staff.store_id)))
        .outerjoin(Region, and_(col(Region.brand_id) == col(Staff.brand_id), col(Region.id) == col(Staff.region_id)))
        .where(
            col(Brand.code).in_(brand_codes),
            col(Staff.number).in_(numbers),
            col(Staff.state) != StaffState.DEPARTED,
            col(Staff.access_closed_at).is_(None),
        )
        .order_by(col(Brand.code), col(Staff.number))
    )
    return found.all()


def _asked(brand_id: UUID, sign_in_ids: Collection[UUID]) -> dict[str, Any]:
    return {"brand_id": brand_id, "sign_in_ids": list(sign_in_ids), "now": clock.now()}
