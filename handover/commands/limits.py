"""Warn managers in time of what the partner takes no more once a year has gone by since somebody left."""

from uuid import UUID

from directory.queries import staff, stores
from handover.commands.managers import ask_managers
from handover.models import UNSETTLED, Handover
from handover.models.chats import PARTNER_ZONE
from handover.models.settlement import INHERITABLE_FOR
from handover.queries import handovers, limits, scopes
from kernel import clock
from kernel.work import Work
from tasks.commands import closing

_TITLE = "{name}：还有 {customers} 位顾客、{chats} 个客户群未在企业微信转交"
_REASON = "离职满一年后企业微信不再受理，截止 {day.year} 年 {day.month} 月 {day.day} 日。请在交接中查看原因，尽快处理。"


async def warn(work: Work, handover_id: UUID) -> bool:
    """Have the managers of each store see to what of a handover isn't settled 30 days before it is too late.

    Once for each handover; says whether there was any. The to-do ends by itself when it is too late.
    """
    handover = await handovers.lock(work.session, work.actor, handover_id)
    at = clock.now()
    if handover.warned_at is not None or handover.state not in UNSETTLED:
        return False
    leavers = await limits.leavers(work.session, handover, at)
    open_ones = await limits.unsettled(work.session, handover, leavers)
    if not open_ones:
        return False
    handover.warned_at = at
    limit = min(leavers.values()) + INHERITABLE_FOR
    name = await _name(work, handover)
    for store_id, found in sorted(open_ones.items()):
        await ask_managers(
            work,
            store_id,
            title=_TITLE.format(name=name, customers=found.customers, chats=found.chats),
            reason=_REASON.format(day=clock.store_day(limit, PARTNER_ZONE)),
            source_key=_key(handover, store_id),
            expires_at=limit,
        )
    return True


async def retire(work: Work, handover_id: UUID) -> None:
    """What managers were given to do about a handover is done: it is settled, or nothing is to be settled any more."""
    handover = await handovers.lock(work.session, work.actor, handover_id)
    if handover.warned_at is None or handover.state in UNSETTLED:
        return
    scope = await scopes.scope_of(work.session, handover)
    for store_id in sorted({*scope.store_ids, *filter(None, [handover.store_id])}):
        await closing.complete_made(work, _key(handover, store_id))
    handover.warned_at = None


async def _name(work: Work, handover: Handover) -> str:
    """Of whoever left, or of the store that closes."""
    if handover.staff_id is not None:
        people = await staff.by_ids(work.session, work.actor, [handover.staff_id])
        return str(people[handover.staff_id].name)
    found = await stores.by_ids(work.session, work.actor, [handover.store_id] if handover.store_id else [])
    return next((store.name for store in found.values()), "")


def _key(handover: Handover, store_id: UUID) -> str:
    return f"partner-limit:{handover.id}:{store_id}"
