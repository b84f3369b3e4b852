"""Say who holds a relationship, which one comes first, and what it is about."""

from uuid import UUID

from customers.commands.profile import optional_text
from customers.commands.register import begun_holding
from customers.errors import AlreadyHeld, HolderUnfit, OtherStore
from customers.events import PrimaryChanged, RelationshipReassigned, RemarkChanged
from customers.models import HoldingReason, Relationship
from customers.policy import require_may_rank, require_may_reassign, require_serves
from customers.queries import customers, relationships
from directory import commands as directory
from directory.models import Account, Staff, StaffState
from directory.queries import accounts, staff, stores
from kernel import clock
from kernel.errors import Forbidden, NotFound, require_version
from kernel.work import Work

LONGEST_REMARK = 200


async def reassign(
    work: Work,
    relationship_id: UUID,
    *,
    to_account_id: UUID,
    reason: HoldingReason = HoldingReason.REASSIGNED,
    expected_version: int | None = None,
) -> Relationship:
    """Give a relationship to another account of its store: a guide's who is at work, or the public one.

    Moves the relationship alone; open tasks and orders are the caller's to move in the same work. Whoever
    is leaving and held nothing else has departed then. Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`,
    `ALREADY_HELD`, `OTHER_STORE`, `HOLDER_UNFIT`, `STORE_CLOSED`.
    """
    relationship = await relationships.lock(work.session, work.actor, relationship_id)
    require_may_reassign(work.actor)
    require_version(relationship, expected_version)
    account = await accounts.get(work.session, work.actor, to_account_id)
    if account.store_id != relationship.store_id:
        raise OtherStore
    former_id = relationship.holder_id
    if former_id == account.id:
        raise AlreadyHeld
    former = await _lock_ends(work, former_id, account)
    at = clock.now()
    (await relationships.open_holding(work.session, relationship)).until_at = at
    relationship.move(account.id, at)
    await work.session.flush()
    work.session.add(begun_holding(work, relationship, reason, at))
    await work.session.flush()
    work.record(
        RelationshipReassigned(
            relationship_id=relationship.id,
            customer_id=relationship.customer_id,
            from_account_id=former_id,
            to_account_id=account.id,
            version=relationship.version,
        )
    )
    if former is not None and former.state is StaffState.LEAVING:
        await _depart_empty_handed(work, former)
    return relationship


async def set_primary(work: Work, relationship_id: UUID, *, expected_version: int | None = None) -> Relationship:
    """Let a relationship decide from now on which store a customer's credit and planning belong to.

    Raises `NOT_FOUND`, `FORBIDDEN` also if the present one is out of sight, `STALE_VERSION`.
    """
    seen = await relationships.get(work.session, work.actor, relationship_id)
    require_may_rank(work.actor)
    customer = await customers.lock(work.session, work.actor, seen.customer_id)
    theirs = {each.id: each for each in await relationships.of_customer(work.session, customer)}
    chosen = theirs[relationship_id]
    require_version(chosen, expected_version)
    if chosen.is_primary:
        return chosen
    for former in theirs.values():
        if former.is_primary:
            await _require_in_sight(work, former)
            _rank(work, former, is_primary=False)
    await work.session.flush()
    _rank(work, chosen, is_primary=True)
    return chosen


async def edit_remark(
    work: Work, customer_id: UUID, *, remark: str | None, expected_version: int | None = None
) -> Relationship:
    """Say in one line what to know of the customer, or nothing.

    Raises `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `INVALID`.
    """
    relationship = await relationships.lock_of_customer(work.session, work.actor, customer_id)
    require_serves(work.actor, relationship)
    require_version(relationship, expected_version)
    relationship.describe(optional_text("remark", remark, LONGEST_REMARK), clock.now())
    work.record(
        RemarkChanged(relationship_id=relationship.id, account_id=relationship.holder_id, version=relationship.version)
    )
    return relationship


async def _lock_ends(work: Work, former_id: UUID, account: Account) -> Staff | None:
    """Keep both owners as they are until the commit, refuse an unfit one, and return the former."""
    owners = await staff.lock_owners(work.session, work.actor.brand_id, [former_id, account.id])
    owner = owners.get(account.id)
    if owner is not None and not owner.can_hold_in(account.store_id):
        raise HolderUnfit
    await stores.hold_open(work.session, work.actor, account.store_id)
    return owners.get(former_id)


async def _depart_empty_handed(work: Work, person: Staff) -> None:
    if await relationships.count_held_by(work.session, person.brand_id, person.id) == 0:
        await directory.depart(work, person)


async def _require_in_sight(work: Work, relationship: Relationship) -> None:
    """Nobody takes the first place from a store that isn't theirs to manage."""
    try:
        await relationships.get(work.session, work.actor, relationship.id)
    except NotFound as error:
        raise Forbidden from error


def _rank(work: Work, relationship: Relationship, *, is_primary: bool) -> None:
    relationship.is_primary = is_primary
    relationship.version += 1
    work.record(
        PrimaryChanged(relationship_id=relationship.id, account_id=relationship.holder_id, version=relationship.version)
    )
