"""Bring customers who declined their new guide before the store manager: no machine asks them again."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from customers.models import Relationship
from directory.models import Account, AccountKind
from handover.commands import attempting
from handover.models import HandoverAttempt, LinkedThere, Todo
from handover.models.settlement import Step
from handover.queries import settling as queries
from kernel import clock
from kernel.work import Work
from tasks import commands as tasks
from tasks.models import TaskKind, TaskSource
from tasks.queries import hours

TITLE = "顾客未接受新的服务导购"
REASON = "交接时顾客在企业微信中选择了“暂不添加”。请您联系顾客，决定由谁继续服务，或在交接中再次发起添加。"
DUE_IN = timedelta(days=2)
PRIORITY = 80
AT_A_TIME = 100


async def call_managers(work: Work) -> bool:
    """Make a retention task of the store manager's for each customer who declined; says whether there were any.

    Once for each attempt that was declined; it is about the customer, and stays with the store whoever holds them.
    """
    due = queries.is_due(work.actor.brand_id, Todo.CALL_MANAGER, clock.now())
    attempts = await queries.take(work.session, due, most=AT_A_TIME)
    if not attempts:
        return False
    undone = await queries.undone(work.session, work.actor.brand_id, {each.handover_id for each in attempts})
    rows = await _rows(work, [each for each in attempts if each.handover_id not in undone])
    await attempting.go_on(work, [(each, Step(LinkedThere.REFUSED)) for each in attempts])
    await tasks.add_made(work, rows)
    return True


async def _rows(work: Work, attempts: list[HandoverAttempt]) -> list[dict[str, Any]]:
    brand_id, now = work.actor.brand_id, clock.now()
    taker, public = aliased(Account), aliased(Account)
    found: Any = await work.session.execute(
        select(
            col(HandoverAttempt.id),
            col(Relationship.customer_id),
            col(public.store_id),
            col(public.id).label("account_id"),
        )
        .join(Relationship, _is(Relationship, HandoverAttempt.relationship_id, brand_id))
        .join(taker, _is(taker, HandoverAttempt.to_account_id, brand_id))
        .join(
            public,
            and_(
                col(public.brand_id) == brand_id,
                col(public.store_id) == col(taker.store_id),
                col(public.kind) == AccountKind.PUBLIC,
            ),
        )
        .where(col(HandoverAttempt.brand_id) == brand_id, col(HandoverAttempt.id).in_([each.id for each in attempts]))
        .order_by(col(HandoverAttempt.id))
    )
    about = found.all()
    times = await hours.of_stores(work.session, brand_id, {row.store_id for row in about})
    return [
        {
            "store_id": row.store_id,
            "account_id": row.account_id,
            "customer_id": row.customer_id,
            "kind": TaskKind.RETENTION,
            "title": TITLE,
            "reason": REASON,
            "priority": PRIORITY,
            "due_at": now + DUE_IN,
            "alert_at": times[row.store_id].heard_from(now, PRIORITY),
            "escalates_at": times[row.store_id].escalates_at(now + DUE_IN),
            "source": TaskSource.RULE,
            "source_key": f"partner-refused:{row.id}",
        }
        for row in about
    ]


def _is(model: Any, column: Any, brand_id: UUID) -> ColumnElement[bool]:
    return and_(col(model.brand_id) == brand_id, col(model.id) == col(column))
