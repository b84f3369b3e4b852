"""Read what a plan is made from: a fixed number of statements, whatever the number of relationships."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Relationship
from handover.models import Handover, HandoverState, Strategy
from customers.policy import is_live
from directory.models import Account
from handover.models import Handover, HandoverAccount, HandoverKind, HandoverState, Strategy
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


async def scope_of(session: AsyncSession, handover: Handover) -> Scope:
    """Whose relationships a handover moves, and where to."""
    found = await session.execute(
        select(col(HandoverAccount.account_id), col(HandoverAccount.store_id), col(Account.staff_id))
        .join(
            Account,
            (col(Account.brand_id) == col(HandoverAccount.brand_id))
            & (col(Account.id) == col(HandoverAccount.account_id)),
        )
        .where(col(HandoverAccount.brand_id) == handover.brand_id, col(HandoverAccount.handover_id) == handover.id)
        .order_by(col(HandoverAccount.account_id))
    )
    accounts = found.all()
    options = options_of(handover.options)
    is_closing = handover.kind is HandoverKind.CLOSING
    return Scope(
        handover.brand_id,
        [row.account_id for row in accounts],
        list(options.store_ids) if is_closing else sorted({row.store_id for row in accounts}),
        sorted({each for each in (handover.staff_id, *(row.staff_id for row in accounts)) if each}),
        is_closing,
        options,
    )


def of_accounts(brand_id: UUID, account_ids: Sequence[UUID]) -> ColumnElement[bool]:
    """The relationships that these accounts hold."""
    return (col(Relationship.brand_id) == brand_id) & col(Relationship.holder_id).in_(account_ids) & is_live()


async def homes_of(session: AsyncSession, scope: Scope) -> dict[UUID, UUID]:
    """The public account for each store's relationships: its own, or that of the first store to take over."""
    public = await seats.public_accounts(session, scope.brand_id, scope.store_ids)
    if not scope.is_closing:
        return public
    closing = await session.scalars(
        select(col(Account.store_id))
        .where(col(Account.brand_id) == scope.brand_id, col(Account.id).in_(scope.account_ids))
        .distinct()
    )
    return dict.fromkeys(closing, public[scope.store_ids[0]])


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
        col(Relationship.brand_id) == scope.brand_id, col(Relationship.store_id).in_(scope.store_ids), is_live()
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
