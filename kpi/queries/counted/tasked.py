"""What a task that was due counts as, wherever tasks are counted."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, and_, case, literal, or_
from sqlmodel import col

from tasks.models import CONTACTS, Outcome, Task, TaskState

_DONE = col(Task.state) == TaskState.DONE
_CONTACT = and_(col(Task.kind).in_(CONTACTS), col(Task.customer_id).is_not(None))
_BOUGHT = or_(col(Task.outcome) == Outcome.BOUGHT, col(Task.closed_by_order_id).is_not(None))
_REACHED = or_(
    col(Task.outcome).in_((Outcome.REACHED, Outcome.APPOINTMENT, Outcome.BOUGHT, Outcome.NOT_INTERESTED)), _BOUGHT
)


def one(condition: Any) -> ColumnElement[int]:
    """1 where it holds, otherwise 0."""
    return case((condition, 1), else_=0)


TASKS: Mapping[str, Any] = {
    "tasks_due": literal(1),
    "tasks_done": one(_DONE),
    "tasks_on_time": one(and_(_DONE, col(Task.closed_at) <= col(Task.due_at))),
    "contacts_due": one(_CONTACT),
    "contacts_reached": one(and_(_CONTACT, _DONE, _REACHED)),
    "contacts_bought": one(and_(_CONTACT, _DONE, _BOUGHT)),
}
