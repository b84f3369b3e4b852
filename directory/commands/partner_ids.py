"""Say by which user id the partner (WeCom, 企业微信) knows an account; without one, nothing can be settled there."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from directory.errors import PartnerUserTaken
from directory.models import Account
from directory.policy import require_headquarters
from directory.queries import accounts
from kernel import audit
from kernel.errors import optional_text, require_version
from kernel.work import Work

LONGEST = 64
MOST_AT_ONCE = 200


async def set_partner_user_id(
    work: Work, account_id: UUID, *, user_id: str | None, expected_version: int | None = None
) -> Account:
    """Say it of one account, or with `None` that there is none. At most 64 characters.

    Accounts of one guide in several stores may have the same; those of two may not. Raises `NOT_FOUND`, `FORBIDDEN`,
    `STALE_VERSION`, `INVALID`, `PARTNER_USER_TAKEN`.
    """
    account = await accounts.get(work.session, work.actor, account_id)
    require_headquarters(work.actor)
    await accounts.lock_partner_ids(work.session, work.actor.brand_id)
    account = await accounts.get(work.session, work.actor, account_id, is_fresh=True)
    require_version(account, expected_version)
    wanted = optional_text("userId", user_id, longest=LONGEST)
    await _set(work, [account], {account.id: wanted})
    return account


async def set_partner_user_ids(work: Work, by_number: Mapping[str, str]) -> Sequence[str]:
    """Say it of all accounts of up to 200 guides, by their staff numbers; those numbers that nobody has.

    All of them or, with `PARTNER_USER_TAKEN` or `INVALID`, none. Raises `FORBIDDEN`.
    """
    require_headquarters(work.actor)
    if len(by_number) > MOST_AT_ONCE:
        raise ValueError(f"at most {MOST_AT_ONCE} at once")
    await accounts.lock_partner_ids(work.session, work.actor.brand_id)
    found = await accounts.by_numbers(work.session, work.actor, list(by_number))
    wanted = {account.id: optional_text("userId", by_number[number], longest=LONGEST) for number, account in found}
    await _set(work, [account for _, account in found], wanted)
    known = {number for number, _ in found}
    return [number for number in by_number if number not in known]


async def _set(work: Work, changed: Sequence[Account], wanted: Mapping[UUID, str | None]) -> None:
    for account in changed:
        if account.partner_user_id == wanted[account.id]:
            continue
        account.partner_user_id = wanted[account.id]
        account.version += 1
        await audit.write(work.session, work.actor, "account.partner_id_set", "account", account.id)
    await work.session.flush()
    ids = sorted({user_id for user_id in wanted.values() if user_id is not None})
    taken = await accounts.shared_partner_id(work.session, work.actor.brand_id, ids)
    if taken is not None:
        raise PartnerUserTaken(user_id=taken)
