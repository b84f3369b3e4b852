"""Let orders and refunds go on with the successors of their relationships; revenue and credit stay where they are."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, case, select, update
from sqlmodel import col

from customers.models import Relationship
from kernel import bulk, clock
from kernel.db import OneOf
from kernel.work import Work
from mall.commands import steps
from mall.models import OPEN_STATES, Order, OrderStepKind, Refund

_IDS = "ids"
_HANGS_ON: Any = col(Order.relationship_id)
_OPEN = (
    select(col(Order.id))
    .where(
        col(Order.brand_id) == bindparam("brand_id", type_=Uuid()),
        OneOf(_HANGS_ON, _IDS),
        col(Order.state).in_(OPEN_STATES),
    )
    .order_by(col(Order.id))
    .with_for_update(key_share=True)
)


async def hand_on(work: Work, heirs: Mapping[UUID, UUID], kinds: Collection[type]) -> None:
    """Let all orders and refunds, or what of these is named, hang on the successors, which are written already.

    Whoever holds a successor serves what is open of it. Stores, days and credit stay: what was sold was sold there.
    Part of ending the relationships, which the caller has locked and may end; phones are told by that.
    """
    to = bulk.paired(work.session, heirs)
    if Order in kinds:
        found = await work.session.scalars(_OPEN, {"brand_id": work.actor.brand_id, _IDS: list(heirs)})
        was_open = list(found)
        await _hang(work, col(Order.relationship_id) == to.c.key, to)
        await _note_served(work, was_open)
    if Refund in kinds:
        await _hang_refunds(work, col(Refund.relationship_id) == to.c.key, to)


async def of_relationships(work: Work, relationship_ids: Collection[UUID]) -> dict[str, dict[UUID, list[UUID]]]:
    """The ids of what hangs on these relationships: `orders` and `refunds`, by relationship."""
    found: dict[str, dict[UUID, list[UUID]]] = {"orders": {}, "refunds": {}}
    for name, table in (("orders", Order), ("refunds", Refund)):
        relationship_id: Any = col(table.relationship_id)
        rows = await work.session.execute(
            select(relationship_id, col(table.id)).where(
                col(table.brand_id) == work.actor.brand_id, OneOf(relationship_id, _IDS)
            ),
            {_IDS: list(relationship_ids)},
        )
        for key, value in rows:
            found[name].setdefault(key, []).append(value)
    return found


async def give_back(work: Work, order_homes: Mapping[UUID, UUID], refund_homes: Mapping[UUID, UUID]) -> None:
    """Let these orders and refunds hang on the relationships that they came from, which live again."""
    if order_homes:
        to = bulk.paired(work.session, order_homes)
        await _hang(work, col(Order.id) == to.c.key, to)
        served = await work.session.scalars(
            select(col(Order.id))
            .where(
                col(Order.brand_id) == work.actor.brand_id,
                OneOf(col(Order.id), _IDS),
                col(Order.state).in_(OPEN_STATES),
            )
            .order_by(col(Order.id)),
            {_IDS: list(order_homes)},
        )
        await _note_served(work, list(served))
    if refund_homes:
        to = bulk.paired(work.session, refund_homes)
        await _hang_refunds(work, col(Refund.id) == to.c.key, to)


async def _hang(work: Work, which: Any, to: Any) -> None:
    server = case((col(Order.state).in_(OPEN_STATES), col(Relationship.holder_id)), else_=col(Order.serving_account_id))
    await work.session.execute(
        update(Order)
        .where(
            col(Order.brand_id) == work.actor.brand_id,
            which,
            col(Relationship.brand_id) == work.actor.brand_id,
            col(Relationship.id) == to.c.value,
        )
        .values(relationship_id=to.c.value, serving_account_id=server, version=Order.version + 1)
        .execution_options(synchronize_session=False)
    )


async def _hang_refunds(work: Work, which: Any, to: Any) -> None:
    await work.session.execute(
        update(Refund)
        .where(col(Refund.brand_id) == work.actor.brand_id, which)
        .values(relationship_id=to.c.value, version=Refund.version + 1)
        .execution_options(synchronize_session=False)
    )


async def _note_served(work: Work, order_ids: list[UUID]) -> None:
    staff_id = work.actor.staff_id
    await steps.note_many(work, order_ids, OrderStepKind.SERVED, clock.now(), staff_id=staff_id)
