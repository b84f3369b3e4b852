"""Read what speaks for each takeover guide: their orders, visits and tasks with a customer, and likeness of tags."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship, Visit
from directory.models import Account
from handover.models.planning.facts import Evidence, Likeness, Row
from handover.queries.seats import Taker
from mall.models import Credit, Order
from tagging.models import CustomerTag, Tag, TagGroup
from tasks.models import Task, TaskState

LANGUAGE = ("语言", "language", "languages")
"""Names of the tag group that says which language a customer speaks."""


async def read(
    session: AsyncSession, brand_id: UUID, account_ids: Sequence[UUID], rows: Sequence[Row], takers: Sequence[Taker]
) -> dict[str, Any]:
    """The evidence as `Facts` takes it, by the places of rows and takers."""
    held = (col(Relationship.brand_id) == brand_id) & col(Relationship.holder_id).in_(account_ids)
    places = {row.relationship_id: place for place, row in enumerate(rows)}
    by_staff = {taker.staff_id: place for place, taker in enumerate(takers)}
    by_account = await _accounts_of(session, brand_id, by_staff)
    return {
        "orders": await _evidence(session, _orders(held, list(by_account)), places, by_account),
        "visits": await _evidence(session, _visits(held, list(by_staff)), places, by_staff),
        "tasks": await _evidence(session, _tasks(held, list(by_staff)), places, by_staff),
        "likeness": await _likeness(session, brand_id, held, places, by_account, len(takers)),
    }


async def _accounts_of(session: AsyncSession, brand_id: UUID, by_staff: Mapping[UUID, int]) -> dict[UUID, int]:
    """The place of the taker whose each account is, those of stores where they once worked among them."""
    found = await session.execute(
        select(col(Account.id), col(Account.staff_id)).where(
            col(Account.brand_id) == brand_id, col(Account.staff_id).in_(list(by_staff))
        )
    )
    return {account_id: by_staff[staff_id] for account_id, staff_id in found if staff_id}


def _orders(held: ColumnElement[bool], account_ids: Sequence[UUID]) -> Select[*tuple[Any, ...]]:
    """How many orders of a customer each account is credited with."""
    return (
        select(col(Relationship.id), col(Credit.account_id), func.count(col(Order.id).distinct()))
        .join(
            Order,
            (col(Order.brand_id) == col(Relationship.brand_id))
            & (col(Order.customer_id) == col(Relationship.customer_id)),
        )
        .join(Credit, (col(Credit.brand_id) == col(Order.brand_id)) & (col(Credit.order_id) == col(Order.id)))
        .where(held, col(Credit.account_id).in_(account_ids))
        .group_by(col(Relationship.id), col(Credit.account_id))
    )


def _visits(held: ColumnElement[bool], staff_ids: Sequence[UUID]) -> Select[*tuple[Any, ...]]:
    """How many visits of a customer each of them noted."""
    return (
        select(col(Relationship.id), col(Visit.by_staff_id), func.count())
        .join(
            Visit,
            (col(Visit.brand_id) == col(Relationship.brand_id)) & (col(Visit.relationship_id) == col(Relationship.id)),
        )
        .where(held, col(Visit.by_staff_id).in_(staff_ids))
        .group_by(col(Relationship.id), col(Visit.by_staff_id))
    )


def _tasks(held: ColumnElement[bool], staff_ids: Sequence[UUID]) -> Select[*tuple[Any, ...]]:
    """How many tasks about a customer each of them carried out."""
    return (
        select(col(Relationship.id), col(Task.closed_by_id), func.count())
        .join(
            Task,
            (col(Task.brand_id) == col(Relationship.brand_id))
            & (col(Task.customer_id) == col(Relationship.customer_id)),
        )
        .where(held, col(Task.closed_by_id).in_(staff_ids), col(Task.state) == TaskState.DONE)
        .group_by(col(Relationship.id), col(Task.closed_by_id))
    )


async def _evidence(
    session: AsyncSession,
    counted: Select[*tuple[Any, ...]],
    places: Mapping[UUID, int],
    seats: Mapping[UUID, int],
) -> Evidence:
    counts: dict[tuple[int, int], int] = {}
    for relationship_id, who, count in await session.execute(counted):
        key = (places[relationship_id], seats[who])
        counts[key] = counts.get(key, 0) + count
    if not counts:
        return Evidence()
    where = np.array(list(counts), np.int64)
    return Evidence(where[:, 0], where[:, 1], np.array(list(counts.values()), np.int64))


async def _likeness(
    session: AsyncSession,
    brand_id: UUID,
    held: ColumnElement[bool],
    places: Mapping[UUID, int],
    by_account: Mapping[UUID, int],
    seats: int,
) -> Likeness:
    """The customers' tags of the brand, and how many of each guide's own customers carry the same."""
    languages = {name.casefold() for name in LANGUAGE}
    groups = await session.execute(
        select(col(Tag.id), col(TagGroup.name))
        .join(TagGroup, (col(TagGroup.brand_id) == col(Tag.brand_id)) & (col(TagGroup.id) == col(Tag.group_id)))
        .where(col(Tag.brand_id) == brand_id, col(Tag.retired_at).is_(None), col(TagGroup.retired_at).is_(None))
        .order_by(col(Tag.id))
    )
    known = groups.all()
    tags = {row.id: place for place, row in enumerate(known)}
    carried = await session.execute(_carried(held))
    found = [(places[each], tags[tag_id]) for each, tag_id in carried if tag_id in tags]
    if not found:
        return Likeness()
    where = np.array(found, np.int64)
    return Likeness(
        rows=where[:, 0],
        tags=where[:, 1],
        shares=await _shares(session, brand_id, by_account, tags, seats),
        is_language=np.array([row.name.strip().casefold() in languages for row in known], np.bool_),
    )


def _carried(held: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(col(Relationship.id), col(CustomerTag.tag_id))
        .join(
            CustomerTag,
            (col(CustomerTag.brand_id) == col(Relationship.brand_id))
            & (col(CustomerTag.customer_id) == col(Relationship.customer_id)),
        )
        .where(held)
    )


async def _shares(
    session: AsyncSession, brand_id: UUID, by_account: Mapping[UUID, int], tags: Mapping[UUID, int], seats: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Tag × taker: what part of a taker's own customers carries the tag, in thousandths."""
    own = (col(Relationship.brand_id) == brand_id) & col(Relationship.holder_id).in_(list(by_account))
    counts = np.zeros((len(tags), seats), np.int64)
    carried = _carried(own).with_only_columns(col(Relationship.holder_id), col(CustomerTag.tag_id), func.count())
    for account_id, tag_id, count in await session.execute(
        carried.group_by(col(Relationship.holder_id), col(CustomerTag.tag_id))
    ):
        if tag_id in tags:
            counts[tags[tag_id], by_account[account_id]] += count
    held = np.zeros(seats, np.int64)
    for account_id, count in await session.execute(
        select(col(Relationship.holder_id), func.count()).where(own).group_by(col(Relationship.holder_id))
    ):
        held[by_account[account_id]] += count
    return 1_000 * counts // np.maximum(held, 1)
