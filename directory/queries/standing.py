"""Which sign-ins still count, and for whom: asked of many at once, again and again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Region, ServiceAccount, SignIn, Staff, StaffState
from kernel import clock
from kernel.actor import Role


@dataclass(frozen=True, slots=True)
class Post:
    """What decides a person's sight: as what, and where. A machine has a role only."""

    role: Role
    store_id: UUID | None = None
    region_path: str | None = None


async def posts(session: AsyncSession, sign_in_ids: Mapping[UUID, Collection[UUID]]) -> dict[UUID, Post]:
    """The present posts behind those of the sign-ins, given by brand, that still count."""
    if not sign_in_ids:
        return {}
    wanted = [
        and_(col(SignIn.brand_id) == brand_id, col(SignIn.id).in_(list(some))) for brand_id, some in sign_in_ids.items()
    ]
    found = await session.execute(
        select(col(SignIn.id), col(Staff.role), col(Staff.store_id), col(Region.path))
        .outerjoin(Staff, and_(col(Staff.brand_id) == col(SignIn.brand_id), col(Staff.id) == col(SignIn.staff_id)))
        .outerjoin(Region, and_(col(Region.brand_id) == col(Staff.brand_id), col(Region.id) == col(Staff.region_id)))
        .outerjoin(
            ServiceAccount,
            and_(
                col(ServiceAccount.brand_id) == col(SignIn.brand_id),
                col(ServiceAccount.id) == col(SignIn.service_account_id),
            ),
        )
        .where(
            or_(*wanted),
            col(SignIn.revoked_at).is_(None),
            col(SignIn.expires_at) > clock.now(),
            or_(
                and_(
                    col(Staff.id).is_not(None),
                    col(Staff.state) != StaffState.DEPARTED,
                    col(Staff.access_closed_at).is_(None),
                ),
                and_(col(ServiceAccount.id).is_not(None), col(ServiceAccount.closed_at).is_(None)),
            ),
        )
    )
    return {row[0]: Post(row[1] or Role.SERVICE, row[2], row[3]) for row in found.all()}
