"""Whether an account may take over what a plan gives it."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from directory.models import Account, Staff
from directory.queries import staff
from handover.errors import TakeoverFull, TakeoverUnfit
from handover.models import Handover
from handover.queries import approvals, scopes
from kernel.errors import NotFound
from kernel.work import Work

_LEAVER = TakeoverUnfit(why="it belongs to who hands over.", why_zh="该账号属于交接人本人。")
_LEAVING = TakeoverUnfit(
    why="its guide is leaving, or no guide here.", why_zh="该账号的导购即将离职或已不在本店任导购。"
)
_ELSEWHERE = TakeoverUnfit(why="it belongs to another store.", why_zh="该账号属于其他门店。")


async def require_fit(work: Work, handover: Handover, account_ids: Sequence[UUID]) -> Mapping[UUID, Account]:
    """The accounts, if all of them may take over now; their owners stay as they are until the commit.

    Raises `NOT_FOUND` for an account of another brand, `TAKEOVER_UNFIT`.
    """
    scope = await scopes.scope_of(work.session, handover)
    found = await work.session.scalars(
        select(Account).where(col(Account.brand_id) == handover.brand_id, col(Account.id).in_(account_ids))
    )
    accounts = {account.id: account for account in found}
    if len(accounts) < len(set(account_ids)):
        raise NotFound
    owners = await staff.lock_owners(work.session, handover.brand_id, sorted(accounts))
    for account in accounts.values():
        _require_fit(account, owners.get(account.id), scope)
    return accounts


def _require_fit(account: Account, owner: Staff | None, scope: scopes.Scope) -> None:
    if account.id in scope.account_ids or (owner is not None and owner.id in scope.staff_ids):
        raise _LEAVER
    if account.store_id not in scope.store_ids:
        raise _ELSEWHERE
    if owner is not None and not owner.can_hold_in(account.store_id):
        raise _LEAVING


async def require_room(work: Work, handover: Handover, accounts: Mapping[UUID, Account]) -> None:
    """Refuse a plan that gives one of these accounts more than its guide takes on: `TAKEOVER_FULL`.

    A store's public account takes everybody.
    """
    given = await approvals.shares(work.session, handover)
    owned = {account.id: account.staff_id for account in accounts.values() if account.staff_id is not None}
    held = await approvals.held_by(work.session, handover.brand_id, sorted(set(owned.values())))
    for account_id, staff_id in owned.items():
        holds, capacity = held[staff_id]
        asked = given.get(account_id, 0)
        if asked and holds + asked > capacity:
            raise TakeoverFull(room=max(0, capacity - holds), asked=asked)
