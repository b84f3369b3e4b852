"""Who sees which stores and people: the sight that the other domains build on."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, false, or_, select
from sqlmodel import col

from directory.models import Account, Region, Staff, Store
from kernel.actor import Actor, Role


def regions_under(actor: Actor) -> Select[UUID]:
    """The ids of a regional manager's region and of all below it."""
    return select(col(Region.id)).where(
        col(Region.brand_id) == actor.brand_id,
        col(Region.path).startswith(actor.region_path or "\x00", autoescape=True),
    )


def stores_under(actor: Actor) -> Select[UUID]:
    """The ids of the stores that a manager answers for."""
    stores = select(col(Store.id)).where(col(Store.brand_id) == actor.brand_id)
    if actor.role is Role.REGIONAL_MANAGER:
        return stores.where(col(Store.region_id).in_(regions_under(actor)))
    return stores.where(col(Store.id) == actor.store_id)


def in_sight(actor: Actor, brand_id: Any, store_id: Any) -> ColumnElement[bool]:
    """Rows of the actor's brand, and for staff below HQ of the stores they work in or answer for."""
    ours: ColumnElement[bool] = brand_id == actor.brand_id
    match actor.role:
        case Role.HQ | Role.SERVICE | Role.SYSTEM:
            return ours
        case Role.REGIONAL_MANAGER:
            return and_(ours, store_id.in_(stores_under(actor)))
        case Role.STORE_MANAGER | Role.GUIDE:
            # One store: said plainly, so that the index on it serves.
            return and_(ours, store_id == actor.store_id) if actor.store_id else and_(ours, false())


def stores_visible_to(actor: Actor) -> ColumnElement[bool]:
    return in_sight(actor, col(Store.brand_id), col(Store.id))


def accounts_visible_to(actor: Actor) -> ColumnElement[bool]:
    return in_sight(actor, col(Account.brand_id), col(Account.store_id))


def staff_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Colleagues of the stores in sight; a regional manager also sees who works over those regions."""
    of_stores = in_sight(actor, col(Staff.brand_id), col(Staff.store_id))
    own = and_(col(Staff.brand_id) == actor.brand_id, col(Staff.id) == actor.id)
    if actor.role is Role.REGIONAL_MANAGER:
        over = and_(col(Staff.brand_id) == actor.brand_id, col(Staff.region_id).in_(regions_under(actor)))
        return or_(of_stores, over, own)
    return or_(of_stores, own)


def regions_visible_to(actor: Actor) -> ColumnElement[bool]:
    """HQ sees the tree, a regional manager their part of it, the others the region of their store."""
    ours = col(Region.brand_id) == actor.brand_id
    match actor.role:
        case Role.HQ | Role.SERVICE | Role.SYSTEM:
            return ours
        case Role.REGIONAL_MANAGER:
            return and_(ours, col(Region.id).in_(regions_under(actor)))
        case Role.STORE_MANAGER | Role.GUIDE:
            region = select(col(Store.region_id)).where(
                col(Store.brand_id) == actor.brand_id, col(Store.id) == actor.store_id
            )
            return and_(ours, col(Region.id).in_(region))
