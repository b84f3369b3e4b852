"""Who sees which tasks, and who may change them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory import policy as directory
from directory.models import Staff, Store
from directory.policy import in_sight
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden
from tasks.events import TaskEvent, TaskMoved, WorkbenchArranged, WorkbenchDefaultSet, WorkbenchEvent
from tasks.models import Task

TASK = "task"


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """A guide sees the tasks their accounts keep; managers those of their stores; HQ all."""
    if not actor.may(Scope.TASKS_READ, Scope.TASKS_WRITE):
        return and_(col(Task.brand_id) == actor.brand_id, false())
    if actor.role is Role.GUIDE:
        return and_(col(Task.brand_id) == actor.brand_id, col(Task.account_id).in_(actor.account_ids))
    return in_sight(actor, col(Task.brand_id), col(Task.store_id))


def require_keeper(actor: Actor, task: Task) -> None:
    """Only whoever keeps a task closes it, or a manager of its store on their behalf."""
    if actor.role is Role.STORE_MANAGER and actor.store_id == task.store_id:
        return
    if task.account_id not in actor.account_ids:
        raise Forbidden


def require_may_add(actor: Actor) -> None:
    """People make tasks, the product itself does, and machines that may."""
    if not actor.may(Scope.TASKS_WRITE):
        raise Forbidden


def require_may_give(actor: Actor, account_id: UUID) -> None:
    """A guide has no say over a colleague's to-do list; managers do."""
    if actor.role is Role.GUIDE and account_id not in actor.account_ids:
        raise Forbidden


async def seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[TaskEvent]) -> list[feed.Entry]:
    """Whoever keeps a task, and the managers of its store; whoever kept it before forgets it."""
    accounts = {account_id for event in events for account_id in _accounts(event)}
    watchers = await directory.watchers(session, brand_id, accounts)
    entries: list[feed.Entry] = []
    for event in events:
        former, keeper = watchers[_accounts(event)[0]], watchers[_accounts(event)[-1]]
        if former.own and former.own != keeper.own:
            entries.append(feed.Entry(former.own, TASK, event.task_id, event.version, feed.Op.DEL))
        entries += keeper.entries(TASK, event.task_id, event.version)
    return entries


def _accounts(event: TaskEvent) -> tuple[UUID, ...]:
    if isinstance(event, TaskMoved):
        return event.from_account_id, event.to_account_id
    return (event.account_id,)


def require_default_keeper(actor: Actor) -> None:
    """What a role's workbench begins with is headquarters' to say."""
    if actor.role is not Role.HQ:
        raise Forbidden


async def workbench_seen_by(
    session: AsyncSession, brand_id: UUID, events: Sequence[WorkbenchEvent]
) -> list[feed.Entry]:
    """A phone keeps no copy of a layout, and asks for it anew when it is told of its owner, or of their store.

    So an own arrangement is one entry, and a default for everybody in the shops is one for each store.
    """
    arranged = [event.staff_id for event in events if isinstance(event, WorkbenchArranged)]
    roles = {Role(event.role) for event in events if isinstance(event, WorkbenchDefaultSet)}
    over_stores = roles & {Role.REGIONAL_MANAGER, Role.HQ}
    entries: list[feed.Entry] = []
    if arranged or over_stores:
        told = await session.execute(
            select(col(Staff.id), col(Staff.version)).where(
                col(Staff.brand_id) == brand_id, col(Staff.id).in_(arranged) | col(Staff.role).in_(over_stores)
            )
        )
        entries += [feed.Entry(feed.of_staff(key), directory.STAFF, key, version) for key, version in told]
    of_place = {Role.GUIDE: feed.of_store, Role.STORE_MANAGER: feed.of_desk}
    feeds = [of_place[role] for role in of_place if role in roles]
    if feeds:
        stores = await session.execute(select(col(Store.id), col(Store.version)).where(col(Store.brand_id) == brand_id))
        for key, version in stores:
            entries += [feed.Entry(of(key), directory.STORE, key, version) for of in feeds]
    return entries
