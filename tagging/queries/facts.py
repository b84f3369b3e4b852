"""Reads of what is known of customers, for many at once."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Relationship
from customers.policy import is_live
from directory.models import Brand, Store
from directory.queries.stores import home_zone
from kernel import clock
from kernel.db import OneOf
from mall.models import PurchaseProfile, minor_digits
from tagging.models import CustomerTag
from tagging.models.facts import Facts, Today

IDS = "ids"


async def today_of(session: AsyncSession, brand_id: UUID) -> Today:
    """The brand's day."""
    zone = await home_zone(session, brand_id)
    return Today(clock.store_day(clock.now(), zone), zone)


async def digits_of(session: AsyncSession, brand_id: UUID) -> int:
    """How many decimals the brand's currency has."""
    return minor_digits(await session.scalar(select(col(Brand.currency)).where(col(Brand.id) == brand_id)) or "CNY")


async def of_customers(
    session: AsyncSession, brand_id: UUID, customer_ids: Sequence[UUID], today: Today
) -> dict[UUID, Facts]:
    """The facts of those of the brand's customers that there are."""
    asked = {IDS: list(customer_ids)}
    people = await session.execute(_people(brand_id), asked)
    places, tags = await _places(session, brand_id, asked, today), await _tags(session, brand_id, asked, today)
    bought = {row.customer_id: _bought(row) for row in await session.execute(_profiles(brand_id), asked)}
    return {
        row.id: Facts(
            tier=row.tier,
            city=row.city,
            birthday_month=row.birthday.month if row.birthday else None,
            do_not_contact=row.do_not_contact,
            joined=today.of(row.joined_at),
            tags=tags.get(row.id, {}),
            **places.get(row.id, {}),
            **bought.get(row.id, {}),
        )
        for row in people
    }


def _people(brand_id: UUID) -> Any:
    columns = (
        Customer.id,
        Customer.tier,
        Customer.city,
        Customer.birthday,
        Customer.do_not_contact,
        Customer.joined_at,
    )
    return select(*map(col, columns)).where(col(Customer.brand_id) == brand_id, OneOf(col(Customer.id), IDS))


def _profiles(brand_id: UUID) -> Any:
    return select(*PurchaseProfile.__table__.columns).where(  # type: ignore[attr-defined]  # set by SQLModel
        col(PurchaseProfile.brand_id) == brand_id, OneOf(col(PurchaseProfile.customer_id), IDS)
    )


async def _places(session: AsyncSession, brand_id: UUID, asked: Any, today: Today) -> dict[UUID, dict[str, Any]]:
    found = await session.execute(
        select(
            col(Relationship.customer_id),
            col(Relationship.store_id),
            col(Store.region_id),
            func.max(col(Relationship.last_contact_at))
            .over(partition_by=col(Relationship.customer_id))
            .label("contact"),
        )
        .join(Store, (col(Store.brand_id) == brand_id) & (col(Store.id) == col(Relationship.store_id)))
        .where(col(Relationship.brand_id) == brand_id, OneOf(col(Relationship.customer_id), IDS), is_live()),
        asked,
    )
    stores: dict[UUID, set[UUID]] = defaultdict(set)
    areas: dict[UUID, set[UUID]] = defaultdict(set)
    contacts: dict[UUID, datetime | None] = {}
    for customer_id, store_id, region_id, contact in found:
        stores[customer_id].add(store_id)
        areas[customer_id].add(region_id)
        contacts[customer_id] = contact
    return {
        customer_id: {
            "stores": frozenset(stores[customer_id]),
            "areas": frozenset(areas[customer_id]),
            "contact": today.of(contacts[customer_id]),
        }
        for customer_id in stores
    }


async def _tags(session: AsyncSession, brand_id: UUID, asked: Any, today: Today) -> dict[UUID, dict[UUID, date | None]]:
    found = await session.execute(
        select(col(CustomerTag.customer_id), col(CustomerTag.tag_id), col(CustomerTag.valid_until)).where(
            col(CustomerTag.brand_id) == brand_id, OneOf(col(CustomerTag.customer_id), IDS)
        ),
        asked,
    )
    tags: dict[UUID, dict[UUID, date | None]] = defaultdict(dict)
    for customer_id, tag_id, until in found:
        tags[customer_id][tag_id] = today.of(until)
    return dict(tags)


def _bought(profile: Any) -> dict[str, Any]:
    return {
        "orders": profile.orders,
        "purchase_days": profile.purchase_days,
        "spend": profile.net,
        "spend_12_months": profile.net_12_months,
        "first_purchase": profile.first_day,
        "last_purchase": profile.last_day,
        "at_risk_from": profile.at_risk_from,
        "lapsed_from": profile.lapsed_from,
        "recency_score": profile.recency_score,
        "frequency_score": profile.frequency_score,
        "monetary_score": profile.monetary_score,
        "value_at_risk_score": profile.value_at_risk_score,
        "churn_risk": profile.churn_risk,
    }
