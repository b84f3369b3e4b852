"""Who sees which tasks, and who may change them."""

from sqlalchemy import ColumnElement, and_
from sqlmodel import col

from directory.policy import in_sight
from kernel.actor import Actor, Role
from kernel.errors import Forbidden
from tasks.models import Task


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """A guide sees the tasks their accounts keep; managers those of their stores; HQ all."""
    if actor.role is Role.GUIDE:
        return and_(col(Task.brand_id) == actor.brand_id, col(Task.account_id).in_(actor.account_ids))
    return in_sight(actor, col(Task.brand_id), col(Task.store_id))


def require_keeper(actor: Actor, task: Task) -> None:
    """Only whoever keeps a task closes it, or a manager of its store on their behalf."""
    if actor.role is Role.STORE_MANAGER and actor.store_id == task.store_id:
        return
    if task.account_id not in actor.account_ids:
        raise Forbidden
