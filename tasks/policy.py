"""Who sees which tasks, and who may change them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory import policy as directory
from directory.models import Staff, Store
from directory.policy import in_sight
from kernel import feed
from kernel.actor import Actor, Role, Scope
from kernel.errors import Forbidden
from tasks.errors import SkipInstead
from tasks.events import TaskEvent, TaskMoved, WorkbenchArranged, WorkbenchDefaultSet, WorkbenchEvent
from tasks.models import Campaign, CampaignRecipient, CampaignStore, PlanRun, RevisitRule, Task, TaskSource

TASK = "task"


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """A guide sees the tasks of the accounts that they serve; managers those of their stores; HQ all."""
    if not actor.may(Scope.TASKS_READ, Scope.TASKS_WRITE):
        return and_(col(Task.brand_id) == actor.brand_id, false())
    if actor.role is Role.GUIDE:
        return and_(col(Task.brand_id) == actor.brand_id, col(Task.account_id).in_(actor.served_ids))
    return in_sight(actor, col(Task.brand_id), col(Task.store_id))


def require_keeper(actor: Actor, task: Task) -> None:
    """Only whoever keeps a task closes it, or covers for them, or a manager of its store on their behalf."""
    if actor.role is Role.STORE_MANAGER and actor.store_id == task.store_id:
        return
    if task.account_id not in actor.served_ids:
        raise Forbidden


def require_own(actor: Actor, task: Task) -> None:
    """Only whoever keeps a task, or covers for them, can have opened it as theirs."""
    if task.account_id not in actor.served_ids:
        raise Forbidden


def require_may_cancel(actor: Actor, task: Task) -> None:
    """Whoever made a task takes it back, or a manager of its store; a keeper does with what a person asked for.

    What the product asked for its keeper skips, and says why.
    """
    if actor.staff_id is not None and task.created_by_id == actor.staff_id:
        return
    require_keeper(actor, task)
    if task.source is not TaskSource.PERSON and actor.role is Role.GUIDE:
        raise SkipInstead


def require_may_reassign(actor: Actor, _task: Task) -> None:
    """Managers say who does what in the stores that they see."""
    if actor.role not in (Role.STORE_MANAGER, Role.REGIONAL_MANAGER, Role.HQ):
        raise Forbidden


def require_may_add(actor: Actor) -> None:
    """People make tasks, the product itself does, and machines that may."""
    if not actor.may(Scope.TASKS_WRITE):
        raise Forbidden


def require_may_give(actor: Actor, account_id: UUID) -> None:
    """A guide has no say over a colleague's to-do list; managers do."""
    if actor.role is Role.GUIDE and account_id not in actor.account_ids:
        raise Forbidden


def rules_visible_to(actor: Actor) -> ColumnElement[bool]:
    """Rules say why tasks are there: all staff see them, and machines that see tasks."""
    ours = col(RevisitRule.brand_id) == actor.brand_id
    return ours if actor.may(Scope.TASKS_READ, Scope.TASKS_WRITE) else and_(ours, false())


def require_ruler(actor: Actor) -> None:
    """Rules, and how the brand's stores plan, are headquarters' to say."""
    if actor.role not in (Role.HQ, Role.SYSTEM):
        raise Forbidden


def plans_visible_to(actor: Actor) -> ColumnElement[bool]:
    """How stores planned is for those who answer for them, and machines that see tasks; guides see their tasks."""
    if actor.role is Role.GUIDE or not actor.may(Scope.TASKS_READ, Scope.TASKS_WRITE):
        return and_(col(PlanRun.brand_id) == actor.brand_id, false())
    return in_sight(actor, col(PlanRun.brand_id), col(PlanRun.store_id))


def require_planner(actor: Actor) -> None:
    """How a store plans is its managers' to say, or headquarters'; the store is in sight already."""
    if actor.role not in (Role.HQ, Role.SYSTEM, Role.REGIONAL_MANAGER, Role.STORE_MANAGER):
        raise Forbidden


async def seen_by(session: AsyncSession, brand_id: UUID, events: Sequence[TaskEvent]) -> list[feed.Entry]:
    """Whoever keeps a task, and the managers of its store; whoever kept it before forgets it."""
    accounts = {account_id for event in events for account_id in _accounts(event)}
    watchers = await directory.watchers(session, brand_id, accounts)
    entries: list[feed.Entry] = []
    for event in events:
        former, keeper = watchers[_accounts(event)[0]], watchers[_accounts(event)[-1]]
        left = {former.own, former.desk} - {keeper.own, keeper.desk, None}
        entries += [feed.Entry(feed_id, TASK, event.task_id, event.version, feed.Op.DEL) for feed_id in left if feed_id]
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
