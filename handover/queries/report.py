"""Everything about one handover, as it is in one snapshot, page by page: what its report says."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Result, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Relationship
from directory.models import Account, Brand, Staff, Store
from directory.policy import accounts_visible_to, in_sight
from handover.errors import ReportTooLarge
from handover.models import Handover, HandoverAccount, HandoverItem
from handover.models.report import FORMAT, ITEM, assembled, canonical, listed
from handover.policy import handovers_visible_to, items_visible_to
from handover.queries import ledger, report_money
from handover.queries.sight import seen_violations
from kernel.actor import Actor
from kernel.errors import NotFound
from kernel.pages import along

EXPORTED = "handover.exported"
MOST_ITEMS = 200_000
MOST_IN_A_BOOK = 50_000
_AT_ONCE = 1_000
_HEAD = (
    *("id", "kind", "state", "strategy", "started_at", "planned_at", "approved_at", "moved_at", "ended_at"),
    *("undo_until", "undoes_id", "version"),
)


async def report(session: AsyncSession, actor: Actor, handover_id: UUID, *, in_a_book: bool = False) -> bytes:
    """The report in canonical JSON: the same bytes as long as nothing has changed, since it has no clock in it.

    `NOT_FOUND` out of sight; `HANDOVER_REPORT_TOO_LARGE` beyond 200,000 relationships, for a workbook 50,000. Of
    relationships, accounts and money it says what is of the stores in sight; the ledger is the whole handover's.
    """
    head = await _head(session, actor, handover_id)
    brand_id = actor.brand_id
    accounts = await _accounts(session, actor, handover_id)
    await _require_room(session, actor, handover_id, MOST_IN_A_BOOK if in_a_book else MOST_ITEMS)
    counts: dict[str, Counter[str]] = {name: Counter() for name in ("here", "there", "reason")}
    apart: dict[str, list[str]] = {"kept": [], "elsewhere": [], "refused": [], "lost": []}
    items = []
    async for item in _items(session, actor, handover_id):
        _note(item, counts, apart)
        items.append(canonical(item))
    return assembled(
        {
            "format": canonical(FORMAT),
            "brand": canonical({"code": head.pop("brand")}),
            "plan": canonical(_part_of(head.pop("plan"), accounts)),
            "handover": canonical(head),
            "accounts": canonical(accounts),
            "ledger": canonical(await _ledger(session, brand_id, handover_id)),
            "violations": canonical([asdict(each) for each in await seen_violations(session, actor, handover_id)]),
            "items": listed(items),
            "counts": canonical(counts),
            **{name: canonical(found) for name, found in apart.items()},
            "money": canonical(await report_money.split(session, actor, handover_id, head["started_at"])),
        }
    )


async def _head(session: AsyncSession, actor: Actor, handover_id: UUID) -> dict[str, Any]:
    leaver = _number(Handover.staff_id)
    found = (
        await session.execute(
            select(
                *(col(getattr(Handover, name)) for name in _HEAD),
                col(Handover.plan),
                leaver.label("leaver"),
                _number(Handover.started_by_id).label("started_by"),
                _number(Handover.approved_by_id).label("approved_by"),
                col(Store.code).label("store"),
                col(Brand.code).label("brand"),
            )
            .join(Brand, col(Brand.id) == col(Handover.brand_id))
            .outerjoin(
                Store, and_(col(Store.brand_id) == col(Handover.brand_id), col(Store.id) == col(Handover.store_id))
            )
            .where(col(Handover.id) == handover_id, handovers_visible_to(actor))
        )
    ).first()
    if found is None:
        raise NotFound
    return dict(found._mapping)


def _number(staff_id: Any) -> Any:
    """The staff number of whoever it is."""
    return (
        select(col(Staff.number))
        .where(col(Staff.brand_id) == col(Handover.brand_id), col(Staff.id) == col(staff_id))
        .correlate(Handover)
        .scalar_subquery()
    )


async def _require_room(session: AsyncSession, actor: Actor, handover_id: UUID, most: int) -> None:
    count = await session.scalar(
        select(func.count())
        .select_from(HandoverItem)
        .where(items_visible_to(actor), col(HandoverItem.handover_id) == handover_id)
    )
    if int(count or 0) > most:
        raise ReportTooLarge(most=most)


async def _items(session: AsyncSession, actor: Actor, handover_id: UUID) -> AsyncIterator[dict[str, Any]]:
    seen = in_sight(actor, col(Relationship.brand_id), col(Relationship.store_id))
    number = case((seen, col(Customer.member_number)), else_=None).label("member_number")
    brand_id, item = actor.brand_id, HandoverItem
    rows = (
        select(*(number if name == "member_number" else col(getattr(item, name)) for name in ITEM))
        .outerjoin(
            Relationship,
            and_(col(Relationship.brand_id) == brand_id, col(Relationship.id) == col(item.relationship_id)),
        )
        .outerjoin(
            Customer, and_(col(Customer.brand_id) == brand_id, col(Customer.id) == col(Relationship.customer_id))
        )
        .where(items_visible_to(actor), col(item.handover_id) == handover_id)
    )
    after: UUID | None = None
    while True:
        found = (await session.execute(along(rows, col(item.relationship_id), after, _AT_ONCE))).all()
        for row in found:
            yield dict(row._mapping)
        if len(found) < _AT_ONCE:
            return
        after = found[-1].relationship_id


def _note(item: dict[str, Any], counts: dict[str, Counter[str]], apart: dict[str, list[str]]) -> None:
    """Count it, and list what didn't go as planned."""
    for name, counted in counts.items():
        counted[item[name].value if item[name] is not None else ""] += 1
    for state in (item["here"].value, item["there"].value):
        if state in apart:
            apart[state].append(str(item["relationship_id"]))


def _part_of(plan: dict[str, Any], accounts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the plan says in total, and of these accounts."""
    if "accounts" not in plan:
        return plan
    seen = {str(each["id"]) for each in accounts}
    return plan | {"accounts": [each for each in plan["accounts"] if each["account_id"] in seen]}


async def _accounts(session: AsyncSession, actor: Actor, handover_id: UUID) -> list[dict[str, Any]]:
    """Whose accounts of the stores in sight it is about: those that hand over, and those that take over."""
    brand_id = actor.brand_id
    mine = select(col(HandoverAccount.account_id)).where(
        col(HandoverAccount.brand_id) == brand_id, col(HandoverAccount.handover_id) == handover_id
    )
    takers = (
        select(col(HandoverItem.to_account_id))
        .where(col(HandoverItem.brand_id) == brand_id, col(HandoverItem.handover_id) == handover_id)
        .distinct()
    )
    found: Result[*tuple[Any, ...]] = await session.execute(
        select(col(Account.id), col(Account.kind), col(Store.code).label("store"), col(Staff.number).label("staff"))
        .join(Store, and_(col(Store.brand_id) == brand_id, col(Store.id) == col(Account.store_id)))
        .outerjoin(Staff, and_(col(Staff.brand_id) == brand_id, col(Staff.id) == col(Account.staff_id)))
        .where(accounts_visible_to(actor), col(Account.id).in_(mine.union(takers)))
        .order_by(col(Account.id))
    )
    return [dict(row._mapping) for row in found]


async def _ledger(session: AsyncSession, brand_id: UUID, handover_id: UUID) -> list[dict[str, Any]]:
    """Line by line what there was and where it is now, counted from the tables themselves."""
    handover = await session.scalar(
        select(Handover).where(col(Handover.brand_id) == brand_id, col(Handover.id) == handover_id)
    )
    if handover is None:
        return []
    return [
        asdict(each) | {"missing": each.missing, "adds_up": each.adds_up}
        for each in await ledger.lines(session, handover)
    ]
