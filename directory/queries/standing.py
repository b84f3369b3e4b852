"""Which sign-ins still count, and for whom: asked of many at once, again and again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import String, Uuid, and_, bindparam, or_, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

from directory.models import Region, ServiceAccount, SignIn, Staff, StaffState
from kernel import clock
from kernel.actor import Role
from kernel.db import OneOf, UtcDateTime


@dataclass(frozen=True, slots=True)
class Post:
    """What decides a person's sight: as what, and where. A machine has a role only."""

    role: Role
    store_id: UUID | None = None
    region_path: str | None = None


# Columns of tables, not of classes: of thousands of rows nothing has to be known but what they say.
_sign_in, _staff, _region, _service = (
    SQLModel.metadata.tables[str(model.__tablename__)] for model in (SignIn, Staff, Region, ServiceAccount)
)
_ROLES = {role.value: role for role in Role}
_POSTS = (
    select(_sign_in.c.id, type_coerce(_staff.c.role, String), _staff.c.store_id, _region.c.path)
    .select_from(_sign_in)
    .outerjoin(_staff, and_(_staff.c.brand_id == _sign_in.c.brand_id, _staff.c.id == _sign_in.c.staff_id))
    .outerjoin(_region, and_(_region.c.brand_id == _staff.c.brand_id, _region.c.id == _staff.c.region_id))
    .outerjoin(
        _service, and_(_service.c.brand_id == _sign_in.c.brand_id, _service.c.id == _sign_in.c.service_account_id)
    )
    .where(
        _sign_in.c.brand_id == bindparam("brand_id", type_=Uuid()),
        OneOf(_sign_in.c.id, "sign_in_ids"),
        _sign_in.c.revoked_at.is_(None),
        _sign_in.c.expires_at > bindparam("now", type_=UtcDateTime()),
        or_(
            and_(
                _staff.c.id.is_not(None),
                _staff.c.state != StaffState.DEPARTED,
                _staff.c.access_closed_at.is_(None),
            ),
            and_(_service.c.id.is_not(None), _service.c.closed_at.is_(None)),
        ),
    )
)


async def posts(session: AsyncSession, sign_in_ids: Mapping[UUID, Collection[UUID]]) -> dict[UUID, Post]:
    """The present posts behind those of the sign-ins, given by brand, that still count."""
    now = clock.now()
    found: dict[UUID, Post] = {}
    for brand_id, some in sign_in_ids.items():
        rows = await session.execute(_POSTS, {"brand_id": brand_id, "sign_in_ids": list(some), "now": now})
        found |= {row[0]: Post(_ROLES.get(row[1], Role.SERVICE), row[2], row[3]) for row in rows}
    return found
