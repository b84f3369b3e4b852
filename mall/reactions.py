"""What follows for customers' profiles and for commission when something happens to orders, or many were loaded."""

from collections.abc import Sequence
from uuid import UUID

from kernel import jobs
from kernel.work import Work
from mall.commands import commission, profiles
from mall.commands.commission.catching_up import CATCH_UP
from mall.commands.commission.periods import FREEZE
from mall.events import CreditCorrected, OrderChanged, OrderPaid, OrderPlaced, PurchasesLoaded, RefundRecorded

REFRESH_DUE = "mall.refresh_due_profiles"


async def refresh_profiles(work: Work, events: Sequence[OrderPlaced | OrderChanged | RefundRecorded]) -> None:
    """The customers' profiles say at once what these orders and refunds change."""
    await profiles.refresh(work, {event.customer_id for event in events if event.customer_id is not None})


async def mark_profiles(work: Work, events: Sequence[PurchasesLoaded]) -> None:
    """Many are worked out when all is in: until then, a row in the same commit says that they are due."""
    await profiles.mark(work, frozenset[UUID]().union(*(event.customer_ids for event in events)))


def on_import_applied(_event: object) -> jobs.Request:
    """All is in: what was marked on the way is worked out now."""
    return jobs.Request(REFRESH_DUE, {})


async def refresh_due_profiles(work: Work) -> None:
    """One chunk, and the next by another job."""
    if await profiles.refresh_due(work) == profiles.AT_ONCE:
        work.later(REFRESH_DUE)


async def post_commission(
    work: Work, events: Sequence[OrderPaid | OrderChanged | CreditCorrected | RefundRecorded]
) -> None:
    """The ledger says in the same commit what these orders and refunds are worth to whoever earned them."""
    order_ids = {event.order_id for event in events if event.order_id is not None}
    if order_ids:
        await commission.post(work, sorted(order_ids))


def catch_up_on_import(_event: object) -> jobs.Request:
    """Imported orders earn commission too; nothing was said of them one by one."""
    return jobs.Request(CATCH_UP, {"after": None})


async def catch_up_commission(work: Work, after: str | None) -> None:
    """Some orders, and the next by another job."""
    last = await commission.catch_up(work, UUID(after) if after else None)
    if last is not None:
        work.later(CATCH_UP, after=str(last))


async def freeze_commission(work: Work, period_id: str) -> None:
    if await commission.freeze(work, UUID(period_id)):
        work.later(FREEZE, period_id=period_id)
