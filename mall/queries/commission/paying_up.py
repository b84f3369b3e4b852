"""Who has left and been paid for the last time: what is given back afterwards is the store's loss."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, Assignment, Staff, StaffState, Store
from kernel import clock
from mall.queries.commission import settings

_NOWHERE = "UTC"


async def paid_up(session: AsyncSession, brand_id: UUID, staff_ids: Collection[UUID]) -> set[UUID]:
    """Those who have departed, and whose commission period of that day is closed (终结); who is hired again is not.

    A brand without commission never pays for the last time. Keeps periods from being closed if anybody has departed.
    """
    if not staff_ids:
        return set()
    found = (
        await session.execute(
            select(col(Staff.id), col(Store.time_zone), func.max(col(Assignment.ends_at)).label("left_at"))
            .join(
                Assignment,
                and_(col(Assignment.brand_id) == col(Staff.brand_id), col(Assignment.staff_id) == col(Staff.id)),
            )
            .outerjoin(
                Store, and_(col(Store.brand_id) == col(Assignment.brand_id), col(Store.id) == col(Assignment.store_id))
            )
            .where(
                col(Staff.brand_id) == brand_id,
                col(Staff.id).in_(staff_ids),
                col(Staff.state) == StaffState.DEPARTED,
                col(Assignment.ends_at).is_not(None),
            )
            .group_by(col(Staff.id), col(Store.time_zone))
        )
    ).all()
    if not found or await settings.setting(session, brand_id) is None:
        return set()
    closed_until = (await settings.keep_open(session, brand_id)).closed_until
    if closed_until is None:
        return set()
    days = [(row.id, clock.store_day(row.left_at, row.time_zone or _NOWHERE)) for row in found]
    return {row.id for row in found} - {staff_id for staff_id, day in days if day > closed_until}


async def paid_up_accounts(session: AsyncSession, brand_id: UUID, account_ids: Collection[UUID]) -> set[UUID]:
    """The accounts of such people among these."""
    if not account_ids:
        return set()
    found = await session.execute(
        select(col(Account.id), col(Account.staff_id))
        .join(Staff, and_(col(Staff.brand_id) == col(Account.brand_id), col(Staff.id) == col(Account.staff_id)))
        .where(
            col(Account.brand_id) == brand_id,
            col(Account.id).in_(account_ids),
            col(Staff.state) == StaffState.DEPARTED,
        )
    )
    owners = {account_id: staff_id for account_id, staff_id in found if staff_id is not None}
    gone = await paid_up(session, brand_id, set(owners.values()))
    return {account_id for account_id, staff_id in owners.items() if staff_id in gone}
