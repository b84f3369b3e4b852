"""Begin a handover: whose accounts, what they hold now, and by which strategy it is planned."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select
from sqlmodel import col

from customers.models import Relationship
from customers.policy import is_live
from directory import commands as directory
from directory.commands.staff import require_may_manage
from directory.models import Account, Staff, StaffState, Store
from directory.queries import staff, stores
from handover.commands import ledger
from handover.commands.asking import ask_for_plan, checked_options
from handover.commands.chats import LIST
from handover.errors import HandoverInFlight, OwnHandover
from handover.models import IN_FLIGHT, Handover, HandoverAccount, HandoverKind, Strategy
from handover.models.planning.options import Options
from handover.policy import require_manager
from handover.queries import partner
from kernel import audit, clock, ids
from kernel.actor import Role
from kernel.db import flush_or_refuse
from kernel.errors import Forbidden, Invalid
from kernel.work import Work
from mall.models import OPEN_STATES, Order
from tasks.models import Task, TaskState


async def start(
    work: Work,
    *,
    kind: HandoverKind,
    staff_id: UUID | None = None,
    store_id: UUID | None = None,
    strategy: Strategy = Strategy.AFFINITY,
    options: Options | None = None,
) -> Handover:
    """Begin a handover of all that somebody's accounts hold, or all accounts of a store that closes.

    Whoever resigns is leaving from now on, if they weren't yet. Counts the ledger and asks for the plan. A staff
    member's handover is begun by whoever stands above them, a store's by HQ and regional managers. Raises `NOT_FOUND`,
    `FORBIDDEN`, `INVALID`, `OWN_HANDOVER`, `HANDOVER_IN_FLIGHT`, `STORE_CLOSED`.
    """
    require_manager(work.actor)
    place_id: UUID | None
    if kind is HandoverKind.CLOSING:
        place_id, accounts = (await _closing(work, store_id)), await _of_store(work, store_id)
        staff_id = None
    else:
        person = await _leaver(work, kind, staff_id)
        place_id, accounts = person.store_id, await _of_person(work, person)
        staff_id = person.id
    await _require_none_in_flight(work, staff_id, accounts)
    checked = await checked_options(work, kind, strategy, options or Options(), closes=place_id)
    handover = Handover(
        brand_id=work.actor.brand_id,
        id=ids.new(),
        kind=kind,
        staff_id=staff_id,
        store_id=place_id,
        strategy=strategy,
        options=checked.stored(),
        started_by_id=work.actor.staff_id,
        started_at=clock.now(),
    )
    work.session.add(handover)
    # What is unique is named differently by the two engines, and holds that word in both.
    await flush_or_refuse(work.session, "staff" if staff_id else "store", HandoverInFlight())
    work.session.add_all(
        HandoverAccount(
            brand_id=handover.brand_id, handover_id=handover.id, account_id=account.id, store_id=account.store_id
        )
        for account in accounts
    )
    await ledger.take(work, handover)
    await audit.write(work.session, work.actor, "handover.started", "handover", handover.id)
    ask_for_plan(work, handover)
    if await partner.is_tied(work.session, handover.brand_id):
        work.later(LIST, handover_id=str(handover.id))
    return handover


async def _leaver(work: Work, kind: HandoverKind, staff_id: UUID | None) -> Staff:
    if staff_id is None:
        raise Invalid(field="staffId", reason="say who hands over.", reason_zh="请指定交接人。")
    if work.actor.staff_id == staff_id:
        raise OwnHandover
    person = await staff.lock(work.session, work.actor, staff_id)
    await require_may_manage(work, person)
    if kind is HandoverKind.RESIGNATION and person.state is StaffState.ACTIVE:
        return await directory.begin_leaving(work, person.id)
    return person


async def _closing(work: Work, store_id: UUID | None) -> UUID:
    """The store, kept from other writers."""
    if store_id is None:
        raise Invalid(field="storeId", reason="say which store closes.", reason_zh="请指定要关闭的门店。")
    store: Store = await stores.lock(work.session, work.actor, store_id)
    if work.actor.role is Role.STORE_MANAGER:
        raise Forbidden
    store.require_open()
    return store.id


async def _of_store(work: Work, store_id: UUID | None) -> Sequence[Account]:
    """All accounts of the store, the public one included; whoever owns one is locked."""
    found = await work.session.scalars(
        select(Account)
        .where(col(Account.brand_id) == work.actor.brand_id, col(Account.store_id) == store_id)
        .order_by(col(Account.id))
    )
    accounts = found.all()
    await staff.lock_owners(work.session, work.actor.brand_id, [account.id for account in accounts])
    return accounts


async def _of_person(work: Work, person: Staff) -> Sequence[Account]:
    """The accounts of somebody that hold anything, in whatever store; all of them if none does."""
    found = await work.session.scalars(
        select(Account)
        .where(col(Account.brand_id) == person.brand_id, col(Account.staff_id) == person.id)
        .order_by(col(Account.id))
    )
    accounts = found.all()
    holding = await work.session.scalars(
        select(col(Account.id)).where(
            col(Account.brand_id) == person.brand_id, col(Account.staff_id) == person.id, _holds_anything()
        )
    )
    full = set(holding.all())
    return [account for account in accounts if account.id in full] or accounts


def _holds_anything() -> ColumnElement[bool]:
    account_id, brand_id = col(Account.id), col(Account.brand_id)
    return or_(
        exists().where(col(Relationship.brand_id) == brand_id, col(Relationship.holder_id) == account_id, is_live()),
        exists().where(
            col(Task.brand_id) == brand_id,
            col(Task.account_id) == account_id,
            col(Task.state) == TaskState.PENDING,
        ),
        exists().where(
            col(Order.brand_id) == brand_id,
            col(Order.serving_account_id) == account_id,
            col(Order.state).in_(OPEN_STATES),
        ),
    )


async def _require_none_in_flight(work: Work, staff_id: UUID | None, accounts: Sequence[Account]) -> None:
    """A relationship is in one handover at a time: of the person, or of the store where they have an account."""
    brand_id = work.actor.brand_id
    touches = exists().where(
        col(HandoverAccount.brand_id) == brand_id,
        col(HandoverAccount.handover_id) == col(Handover.id),
        col(HandoverAccount.account_id).in_([account.id for account in accounts]),
    )
    theirs = or_(touches, col(Handover.staff_id) == staff_id) if staff_id else touches
    found = await work.session.scalar(
        select(col(Handover.id)).where(col(Handover.brand_id) == brand_id, col(Handover.state).in_(IN_FLIGHT), theirs)
    )
    if found is not None:
        raise HandoverInFlight
