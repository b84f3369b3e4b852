"""Reads for a drawing: how many tags there are of each kind, and those that were drawn.

A tag counts once, in the store of the customer's primary relationship: so the stores of a region add up to it.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, and_, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Holding, HoldingReason, Relationship
from customers.policy import is_live
from directory.models import Account, Region, Store
from tagging.models import AuditScope, CustomerTag, Tag
from tagging.models.sampling import NOBODY, Cell

CARRIERS_AT_ONCE = 500
_MOVED = (HoldingReason.REASSIGNED, HoldingReason.HANDOVER)

DrawnRow = Row[*tuple[Any, ...]]

_SETTER = func.coalesce(col(CustomerTag.by_staff_id), literal(NOBODY, Uuid()))
_KEYS = (col(Relationship.store_id), _SETTER, col(CustomerTag.tag_id))


async def cells(session: AsyncSession, brand_id: UUID, scope: AuditScope) -> dict[Cell, int]:
    """How many tags in the scope each store, setter and tag has. Reads every tag in the scope once."""
    found = await session.execute(_tags(brand_id, scope, *_KEYS, func.count()).group_by(*_KEYS))
    return {Cell(store_id, setter_id, tag_id): count for store_id, setter_id, tag_id, count in found}


async def at(session: AsyncSession, brand_id: UUID, scope: AuditScope, places: Collection[int]) -> dict[int, DrawnRow]:
    """The tags at these places of the scope: by store, setter, tag and customer. Sorts every tag in the scope once.

    `is_inherited`: the customer came to the present holder after the tag was set or last confirmed.
    """
    numbered = _tags(
        brand_id,
        scope,
        col(Relationship.store_id),
        _SETTER.label("setter_id"),
        col(CustomerTag.tag_id),
        col(CustomerTag.customer_id),
        col(CustomerTag.checked_at),
        col(Relationship.id).label("relationship_id"),
        (func.row_number().over(order_by=(*_KEYS, col(CustomerTag.customer_id))) - 1).label("place"),
    ).subquery()
    held = and_(
        col(Holding.brand_id) == brand_id,
        col(Holding.relationship_id) == numbered.c.relationship_id,
        col(Holding.until_at).is_(None),
    )
    came_later = and_(col(Holding.reason).in_(_MOVED), col(Holding.from_at) > numbered.c.checked_at)
    found = await session.execute(
        select(numbered, case((came_later, 1), else_=0).label("is_inherited"))
        .outerjoin(Holding, held)
        .where(numbered.c.place.in_(sorted(places)))
    )
    return {row.place: row for row in found}


async def carried(
    session: AsyncSession, brand_id: UUID, customer_ids: Collection[UUID], group_ids: Collection[UUID]
) -> dict[tuple[UUID, UUID | None], list[UUID]]:
    """The tags in use that customers carry of these groups, by customer and group."""
    tags: dict[tuple[UUID, UUID | None], list[UUID]] = defaultdict(list)
    wanted = sorted(set(customer_ids))
    for start in range(0, len(wanted), CARRIERS_AT_ONCE):
        found = await session.execute(
            select(col(CustomerTag.customer_id), col(Tag.group_id), col(Tag.id))
            .join(Tag, _is_tag())
            .where(
                col(CustomerTag.brand_id) == brand_id,
                col(CustomerTag.customer_id).in_(wanted[start : start + CARRIERS_AT_ONCE]),
                col(Tag.group_id).in_(sorted(set(group_ids))),
                col(Tag.retired_at).is_(None),
            )
            .order_by(col(CustomerTag.customer_id), col(Tag.id))
        )
        for customer_id, group_id, tag_id in found:
            tags[customer_id, group_id].append(tag_id)
    return dict(tags)


async def holders(
    session: AsyncSession, brand_id: UUID, customer_ids: Collection[UUID]
) -> dict[UUID, set[UUID | None]]:
    """Whoever holds a relationship with each customer, in any store: they see the customer's tags."""
    staff: dict[UUID, set[UUID | None]] = defaultdict(set)
    wanted = sorted(set(customer_ids))
    for start in range(0, len(wanted), CARRIERS_AT_ONCE):
        found = await session.execute(
            select(col(Relationship.customer_id), col(Account.staff_id))
            .join(
                Account,
                and_(
                    col(Account.brand_id) == col(Relationship.brand_id), col(Account.id) == col(Relationship.holder_id)
                ),
            )
            .where(
                col(Relationship.brand_id) == brand_id,
                col(Relationship.customer_id).in_(wanted[start : start + CARRIERS_AT_ONCE]),
                is_live(),
                col(Account.staff_id).is_not(None),
            )
        )
        for customer_id, staff_id in found:
            staff[customer_id].add(staff_id)
    return dict(staff)


def _tags(brand_id: UUID, scope: AuditScope, *columns: Any) -> Select[*tuple[Any, ...]]:
    """The brand's tags in use on customers, as far as they are in the scope."""
    statement = (
        select(*columns)
        .select_from(CustomerTag)
        .join(Tag, _is_tag())
        .join(
            Relationship,
            and_(
                col(Relationship.brand_id) == col(CustomerTag.brand_id),
                col(Relationship.customer_id) == col(CustomerTag.customer_id),
                col(Relationship.is_primary),
            ),
        )
        .where(
            col(CustomerTag.brand_id) == brand_id,
            col(Tag.owner_id).is_(None),
            col(Tag.retired_at).is_(None),
            *_narrowed(scope),
        )
    )
    return statement if scope.region_id is None else statement.where(_in_region(brand_id, scope.region_id))


def _narrowed(scope: AuditScope) -> Sequence[Any]:
    wanted = {
        col(Relationship.store_id): scope.store_id,
        col(CustomerTag.by_staff_id): scope.setter_id,
        col(Tag.group_id): scope.group_id,
        col(Tag.id): scope.tag_id,
    }
    conditions = [column == value for column, value in wanted.items() if value is not None]
    return [*conditions, col(CustomerTag.set_by).in_(scope.set_by)] if scope.set_by else conditions


def _in_region(brand_id: UUID, region_id: UUID) -> Any:
    above = (
        select(col(Region.path)).where(col(Region.brand_id) == brand_id, col(Region.id) == region_id).scalar_subquery()
    )
    regions = select(col(Region.id)).where(
        col(Region.brand_id) == brand_id, func.substr(col(Region.path), 1, func.length(above)) == above
    )
    stores = select(col(Store.id)).where(col(Store.brand_id) == brand_id, col(Store.region_id).in_(regions))
    return col(Relationship.store_id).in_(stores)


def _is_tag() -> Any:
    return and_(col(Tag.brand_id) == col(CustomerTag.brand_id), col(Tag.id) == col(CustomerTag.tag_id))
