"""Find who should check a stale tag, and note that they were asked."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import update
from sqlmodel import col

from directory.models import Account, AccountKind
from kernel import clock
from kernel.actor import Actor, Role
from kernel.work import Work
from tagging.events import TagsWentStale
from tagging.models import CustomerTag, Night
from tagging.policy import is_for
from tagging.queries import freshness, library
from tagging.queries.freshness import Worn

ACCOUNTS_AT_ONCE = 200
ASKED_TOGETHER = 10


async def look_for_stale(work: Work, night: Night) -> UUID | None:
    """A step of the night: tell which of the next accounts hold customers with stale tags that may be asked about."""
    accounts, holders = await freshness.holders_after(
        work.session, work.actor.brand_id, night.after_id, clock.now(), ACCOUNTS_AT_ONCE
    )
    for start in range(0, len(holders), ASKED_TOGETHER):
        work.record(TagsWentStale(account_ids=tuple(holders[start : start + ASKED_TOGETHER])))
    night.count(holders_with_stale_tags=len(holders))
    return accounts[-1] if len(accounts) == ACCOUNTS_AT_ONCE else None


async def ask_to_check(work: Work, account: Account, most: int) -> Sequence[Worn]:
    """Up to so many stale tags that the account's keeper is to check, the longest unchecked first.

    Each is given once for each time that it goes stale, and only of groups that are for the keeper.
    """
    at = clock.now()
    groups = await library.groups(work.session, work.actor)
    theirs = [group.id for group in groups if group.shelf_life_days is not None and is_for(_keeper(account), group)]
    rows = await freshness.to_check(work.session, account.brand_id, account.id, at, theirs, most)
    asked = set()
    for row in rows:
        # Whoever checks it at this very moment has locked it: then it is stale no more.
        noted = await work.session.scalar(
            update(CustomerTag)
            .where(
                col(CustomerTag.brand_id) == account.brand_id,
                col(CustomerTag.customer_id) == row.customer_id,
                col(CustomerTag.tag_id) == row.tag_id,
                col(CustomerTag.valid_until) <= at,
                col(CustomerTag.asked_at).is_(None),
            )
            .values(asked_at=at)
            .returning(col(CustomerTag.tag_id))
            .execution_options(synchronize_session=False)
        )
        if noted is not None:
            asked.add((row.customer_id, row.tag_id))
    return [row for row in rows if (row.customer_id, row.tag_id) in asked]


def _keeper(account: Account) -> Actor:
    """Whoever acts for the account; a store's own is the manager's."""
    role = Role.GUIDE if account.kind is AccountKind.GUIDE else Role.STORE_MANAGER
    return Actor(brand_id=account.brand_id, id=account.id, role=role, store_id=account.store_id)
