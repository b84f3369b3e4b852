"""Reads of workbenches: how they are laid out, and what is on the cards that nothing else shows."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, case, extract, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Relationship
from customers.policy import is_live
from customers.queries import customers
from directory.models import Staff, Store
from kernel import clock, ids
from kernel.actor import Actor, Role
from mall.models import ChurnRisk, PurchaseProfile
from mall.policy import profiles_visible_to
from mall.queries import churn, profiles
from tasks.models import STAFF_ROLES, PlacedCard, WorkbenchDefault, WorkbenchLayout, laid_out, restored

CustomerRow = Row[*tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Layout:
    """What somebody's workbench shows. `version` is that of their own arrangement, 0 before the first."""

    id: UUID
    version: int
    is_own: bool
    cards: Sequence[PlacedCard]

    @property
    def _mapping(self) -> dict[str, Any]:
        return _by_name(self)


@dataclass(frozen=True, slots=True)
class Default:
    """What a role begins with in the brand. `version` is 0 where the brand hasn't said."""

    id: UUID
    version: int
    role: Role
    cards: Sequence[PlacedCard]

    @property
    def _mapping(self) -> dict[str, Any]:
        return _by_name(self)


def _by_name(row: "Layout | Default") -> dict[str, Any]:
    """The values under their names, as rows of a table give them."""
    return {each.name: getattr(row, each.name) for each in fields(row)}


async def of_actor(session: AsyncSession, actor: Actor) -> Layout | None:
    """The person's layout; a machine has none."""
    if actor.staff_id is None:
        return None
    row = (await session.execute(_layouts(actor.brand_id).where(col(Staff.id) == actor.staff_id))).first()
    return None if row is None else layout_of(actor.staff_id, row.own, row.version, row.default)


def layout_of(staff_id: UUID, own: Any, version: int | None, default: Any) -> Layout:
    """The layout, from what the tables keep."""
    return Layout(staff_id, version or 0, bool(own), laid_out(restored(own or ()), restored(default or ())))


async def defaults(session: AsyncSession, actor: Actor) -> list[Default]:
    """What each role begins with; those below headquarters see their own role's."""
    if not actor.is_staff:
        return []
    found = await session.scalars(select(WorkbenchDefault).where(col(WorkbenchDefault.brand_id) == actor.brand_id))
    rows = {row.role: row for row in found}
    seen = STAFF_ROLES if actor.role is Role.HQ else (actor.role,)
    return [default_of(actor.brand_id, role, rows.get(role)) for role in seen]


def default_of(brand_id: UUID, role: Role, row: WorkbenchDefault | None) -> Default:
    """The default of a role, from what the table keeps."""
    cards = laid_out((), restored(row.cards if row else ()))
    return Default(ids.derived(brand_id, f"workbench of {role}"), row.version if row else 0, role, cards)


async def at_risk(
    session: AsyncSession, actor: Actor, risks: Collection[ChurnRisk], first: int
) -> Sequence[CustomerRow]:
    """Customers that the actor holds and may turn to, most value at risk first, as of the last night.

    Only those with a risk in one of these bands; without any, all.
    """
    scale = await profiles.scale(session, actor.brand_id)
    if scale is None or scale.patience_days is None:
        return []
    worth = churn.value_at_risk(scale.scored_on, scale.patience_days)
    keys = (
        _held(actor)
        .join(
            PurchaseProfile,
            (col(PurchaseProfile.brand_id) == col(Customer.brand_id))
            & (col(PurchaseProfile.customer_id) == col(Customer.id)),
        )
        .where(profiles_visible_to(actor), worth > 0, *_of_risk(risks))
        .order_by(worth.desc(), col(Customer.id))
        .limit(first)
    )
    return await _customers(session, actor, keys)


async def birthdays(session: AsyncSession, actor: Actor, first: int) -> Sequence[CustomerRow]:
    """Customers that the actor holds with a birthday in this month of the store's calendar: the next ones first."""
    zone = await session.scalar(
        select(col(Store.time_zone)).where(col(Store.brand_id) == actor.brand_id, col(Store.id) == actor.store_id)
    )
    if zone is None:
        return []
    today = clock.store_day(clock.now(), zone)
    day = extract("day", col(Customer.birthday))
    keys = (
        _held(actor)
        .where(extract("month", col(Customer.birthday)) == today.month)
        .order_by(case((day < today.day, 1), else_=0), day, col(Customer.id))
        .limit(first)
    )
    return await _customers(session, actor, keys)


def _layouts(brand_id: UUID) -> Select[*tuple[Any, ...]]:
    own, default = WorkbenchLayout, WorkbenchDefault
    columns: tuple[Any, ...] = (col(own.cards).label("own"), col(own.version), col(default.cards).label("default"))
    return (
        select(*columns)
        .select_from(Staff)
        .outerjoin(own, (col(own.brand_id) == col(Staff.brand_id)) & (col(own.staff_id) == col(Staff.id)))
        .outerjoin(default, (col(default.brand_id) == col(Staff.brand_id)) & (col(default.role) == col(Staff.role)))
        .where(col(Staff.brand_id) == brand_id)
    )


def _held(actor: Actor) -> Select[UUID]:
    """The customers of the accounts that the actor serves, each once, without those who want to be left alone."""
    held = select(col(Relationship.customer_id)).where(
        col(Relationship.brand_id) == actor.brand_id, is_live(), col(Relationship.holder_id).in_(actor.served_ids)
    )
    return select(col(Customer.id)).where(
        col(Customer.brand_id) == actor.brand_id,
        col(Customer.id).in_(held),
        col(Customer.do_not_contact).is_(False),
    )


def _of_risk(risks: Collection[ChurnRisk]) -> list[ColumnElement[bool]]:
    return [col(PurchaseProfile.churn_risk).in_(risks)] if risks else []


async def _customers(session: AsyncSession, actor: Actor, keys: Select[UUID]) -> Sequence[CustomerRow]:
    wanted = (await session.scalars(keys)).all()
    found = await customers.by_ids(session, actor, wanted)
    return [found[key] for key in wanted if key in found]
