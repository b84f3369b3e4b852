"""Read what a plan is made from: a fixed number of statements, whatever the number of relationships."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from handover.models import Handover, HandoverState, Strategy
from handover.models.planning import facts
from handover.queries import plan_evidence, seats
from handover.queries.scopes import Scope, homes_of, of_accounts, scope_of
from tasks.models import Task, TaskState


async def read(session: AsyncSession, brand_id: UUID, handover_id: UUID, version: int) -> facts.Facts | None:
    """What the plan of a draft is made from; none if it is no draft any more, or was asked for anew since."""
    handover = await session.get(Handover, (brand_id, handover_id))
    if handover is None or handover.state is not HandoverState.DRAFT or handover.version != version:
        return None
    scope = await scope_of(session, handover)
    takers = await seats.takers(session, brand_id, scope.store_ids, scope.staff_ids)
    homes = await homes_of(session, scope)
    rows = await _rows(session, scope)
    is_affinity = handover.strategy is Strategy.AFFINITY and bool(takers)
    evidence = await plan_evidence.read(session, brand_id, scope.account_ids, rows, takers) if is_affinity else {}
    return facts.Facts(
        strategy=handover.strategy,
        options=scope.options,
        rows=rows,
        seats=await _seats(session, brand_id, takers),
        homes=homes,
        homes_held=await seats.held_by_account(session, brand_id, list(homes.values())),
        is_closing=scope.is_closing,
        **evidence,
    )


async def _rows(session: AsyncSession, scope: Scope) -> list[facts.Row]:
    """The relationships by id, each with how many open tasks it brings."""
    held = of_accounts(scope.brand_id, scope.account_ids)
    tasks: dict[UUID, int] = dict(await _counted(session, _open_tasks(held)))
    known = await _known(session, scope, held) if scope.is_closing else {}
    found = await session.execute(
        select(col(Relationship.id), col(Relationship.holder_id), col(Relationship.store_id))
        .where(held)
        .order_by(col(Relationship.id))
    )
    return [facts.Row(each, holder, store_id, tasks.get(each, 0), known.get(each)) for each, holder, store_id in found]


def _open_tasks(held: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    return (
        select(col(Task.relationship_id), func.count())
        .join(
            Relationship,
            (col(Relationship.brand_id) == col(Task.brand_id)) & (col(Relationship.id) == col(Task.relationship_id)),
        )
        .where(held, col(Task.state) == TaskState.PENDING)
        .group_by(col(Task.relationship_id))
    )


async def _known(session: AsyncSession, scope: Scope, held: ColumnElement[bool]) -> dict[UUID, UUID]:
    """Who holds the customer already in a store that takes over; of several stores, in the one named first."""
    there = select(col(Relationship.customer_id), col(Relationship.store_id), col(Relationship.holder_id)).where(
        col(Relationship.brand_id) == scope.brand_id, col(Relationship.store_id).in_(scope.store_ids)
    )
    other = there.subquery()
    found = await session.execute(
        select(col(Relationship.id), other.c.store_id, other.c.holder_id)
        .join(other, other.c.customer_id == col(Relationship.customer_id))
        .where(held)
    )
    order = {store_id: place for place, store_id in enumerate(scope.store_ids)}
    rows = sorted(found, key=lambda row: order[row.store_id], reverse=True)
    return {row.id: row.holder_id for row in rows}


async def _seats(session: AsyncSession, brand_id: UUID, takers: Sequence[seats.Taker]) -> list[facts.Seat]:
    staff_ids = [taker.staff_id for taker in takers]
    held = await seats.held_by_staff(session, brand_id, staff_ids)
    tasks = await seats.open_tasks_of(session, brand_id, [taker.account_id for taker in takers])
    capacities = await seats.capacities_of(session, brand_id, staff_ids)
    return [
        facts.Seat(
            account_id=taker.account_id,
            store_id=taker.store_id,
            held=held.get(taker.staff_id, 0),
            open_tasks=tasks.get(taker.account_id, 0),
            capacity=capacities[taker.staff_id],
        )
        for taker in takers
    ]


async def _counted(session: AsyncSession, statement: Select[*tuple[Any, ...]]) -> Sequence[Row[*tuple[Any, ...]]]:
    return (await session.execute(statement)).all()
