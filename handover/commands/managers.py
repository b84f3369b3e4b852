"""Have a store's managers look at something, as a task on the store's public account."""

from datetime import datetime, timedelta
from uuid import UUID

from directory.models import StoreState
from directory.queries import accounts, stores
from kernel import clock
from kernel.work import Work
from tasks import commands as tasks
from tasks.models import Task, TaskSource

DUE_IN = timedelta(days=1)
PRIORITY = 80


async def ask_managers(
    work: Work, store_id: UUID, *, title: str, reason: str, source_key: str, expires_at: datetime | None = None
) -> Task | None:
    """Make the to-do, due in a day, once for each key; none in a store that is closed, which nobody manages."""
    store = (await stores.by_ids(work.session, work.actor, [store_id])).get(store_id)
    if store is None or store.state is not StoreState.OPEN:
        return None
    public = await accounts.public_account(work.session, work.actor.brand_id, store_id)
    return await tasks.add(
        work,
        title=title,
        reason=reason,
        due_at=clock.now() + DUE_IN,
        account_id=public.id,
        priority=PRIORITY,
        source=TaskSource.RULE,
        source_key=source_key,
        expires_at=expires_at,
    )
