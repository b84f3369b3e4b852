"""Who sees which tasks, and who may change them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory import policy as directory
from directory.policy import in_sight
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden
from tasks.events import TaskEvent, TaskMoved
from tasks.models import Campaign, CampaignRecipient, CampaignStore, Task

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


def campaigns_visible_to(actor: Actor) -> ColumnElement[bool]:
    """HQ sees all; managers their own, and what was sent into their stores; a guide sees tasks, not campaigns."""
    ours = col(Campaign.brand_id) == actor.brand_id
    if actor.role in (Role.HQ, Role.SYSTEM):
        return ours
    if actor.role is Role.GUIDE or not actor.may(Scope.TASKS_READ, Scope.TASKS_WRITE):
        return and_(ours, false())
    if actor.role is Role.SERVICE:
        return ours
    came = exists().where(col(CampaignStore.campaign_id) == col(Campaign.id), campaign_stores_visible_to(actor))
    return and_(ours, or_(col(Campaign.created_by_id) == actor.staff_id, came))


def campaign_stores_visible_to(actor: Actor) -> ColumnElement[bool]:
    return in_sight(actor, col(CampaignStore.brand_id), col(CampaignStore.store_id))


def recipients_visible_to(actor: Actor) -> ColumnElement[bool]:
    return in_sight(actor, col(CampaignRecipient.brand_id), col(CampaignRecipient.store_id))


def require_campaigner(actor: Actor) -> None:
    """Campaigns are made by whoever answers for stores."""
    if actor.role not in (Role.HQ, Role.REGIONAL_MANAGER, Role.STORE_MANAGER):
        raise Forbidden


def require_author(actor: Actor, campaign: Campaign) -> None:
    """What isn't sent is its author's, and HQ's."""
    require_campaigner(actor)
    if actor.role is not Role.HQ and campaign.created_by_id != actor.staff_id:
        raise Forbidden
