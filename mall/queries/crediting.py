"""What the credit rules look at, and whom an order names."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Result, Row, and_, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer, Relationship
from directory.models import Account, AccountKind, Assignment, Brand, Staff
from kernel.actor import Actor, Role
from mall.models import CreditSetting, Order, Share, ShareOpen
from mall.models.credit_rules import USUAL, Rule, read, written
from mall.models.crediting import CLOCKS_DIFFER_BY, Facts, Link
from mall.models.naming import folded, spellings
from mall.queries.parties import holding_at
from mall.queries.taking_over import handed_over, taker

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
EARNERS = (Role.GUIDE, Role.STORE_MANAGER)


async def setting_of(session: AsyncSession, brand_id: UUID) -> CreditSetting | None:
    """What the brand has said of its rules; none as long as it goes by the usual ones."""
    return await session.scalar(select(CreditSetting).where(col(CreditSetting.brand_id) == brand_id))


async def setting_or_usual(session: AsyncSession, brand_id: UUID) -> CreditSetting:
    """The same, or the usual rules as version 0, which nobody has written down."""
    found = await setting_of(session, brand_id)
    return found or CreditSetting(brand_id=brand_id, rules=written(USUAL), edited_at=NEVER, version=0)


async def settings_by_ids(
    session: AsyncSession, actor: Actor, brand_ids: Sequence[UUID]
) -> dict[UUID, Row[*tuple[Any, ...]]]:
    """What the actor's brand has said of its rules, if it is among these; everybody of the brand may know."""
    found: Result[*tuple[Any, ...]] = await session.execute(
        select(
            col(CreditSetting.brand_id).label("id"),
            col(CreditSetting.version),
            col(CreditSetting.edited_at),
            col(CreditSetting.rules).label("kept"),
        ).where(col(CreditSetting.brand_id) == actor.brand_id, col(CreditSetting.brand_id).in_(brand_ids))
    )
    return {row[0]: row for row in found}


async def lock_brand(session: AsyncSession, brand_id: UUID) -> None:
    """Keep the brand's rules from other writers until the commit."""
    await session.execute(select(col(Brand.id)).where(col(Brand.id) == brand_id).with_for_update(key_share=True))


async def rules_and_facts(session: AsyncSession, order: Order) -> tuple[tuple[Rule, ...], Facts, UUID | None]:
    """The brand's rules, what they look at, and the account that holds the relationship now.

    One statement; another each for an order that came through a link, and for one that names a guide.
    """
    brand_id, at = order.brand_id, order.paid_at or order.placed_at
    rules = select(col(CreditSetting.rules)).where(col(CreditSetting.brand_id) == brand_id).scalar_subquery()
    held: tuple[Any, Any] = (literal(None), literal(None))
    if order.relationship_id is not None:
        now = select(col(Relationship.holder_id)).where(
            col(Relationship.brand_id) == brand_id, col(Relationship.id) == order.relationship_id
        )
        held = (
            holding_at(brand_id, order.relationship_id, order.store_id, at).scalar_subquery(),
            now.scalar_subquery(),
        )
    said, holder_id, holds_now = (await session.execute(select(rules, *held))).one()
    facts = Facts(
        placed_at=order.placed_at,
        holder_id=holder_id,
        is_guest=order.relationship_id is None,
        named_id=order.named_account_id,
        named_by=order.named_by,
    )
    if order.share_id is not None:
        facts = replace(facts, link=await _link(session, order, at, holder_id))
    if order.named_account_id is not None:
        facts = replace(facts, is_named_at_work=await _is_at_work(session, brand_id, order.named_account_id, at))
    return (USUAL if said is None else read(said)), facts, holds_now


async def _link(session: AsyncSession, order: Order, at: datetime, holder_id: UUID | None) -> Link | None:
    until = order.placed_at + CLOCKS_DIFFER_BY
    opened = (
        select(func.max(col(ShareOpen.opened_at)))
        .where(
            col(ShareOpen.brand_id) == order.brand_id,
            col(ShareOpen.share_id) == order.share_id,
            col(ShareOpen.opened_at) <= until,
        )
        .scalar_subquery()
    )
    found = await session.execute(
        select(
            *(col(getattr(Share, name)) for name in ("id", "account_id", "store_id", "created_at")),
            opened.label("opened_at"),
            and_(_at_work(at), ~handed_over(at)).label("is_theirs"),
            col(Account.kind),
        )
        .join(Account, and_(col(Account.brand_id) == col(Share.brand_id), col(Account.id) == col(Share.account_id)))
        .where(col(Share.brand_id) == order.brand_id, col(Share.id) == order.share_id)
    )
    row = found.first()
    if row is None:
        return None
    fresh_at = max(row.created_at, row.opened_at or row.created_at)
    if row.is_theirs:
        return Link(row.id, row.account_id, fresh_at)
    takes_over = None
    if row.kind is AccountKind.GUIDE:
        takes_over = await taker(session, order, row.store_id, row.account_id, holder_id, at)
    return Link(row.id, None, fresh_at, takes_over)


async def _is_at_work(session: AsyncSession, brand_id: UUID, account_id: UUID, at: datetime) -> bool:
    found = await session.scalar(
        select(_at_work(at)).where(col(Account.brand_id) == brand_id, col(Account.id) == account_id)
    )
    return bool(found)


def _at_work(at: datetime) -> ColumnElement[bool]:
    """Whether whoever an account belongs to worked in a store then, as a guide or its manager."""
    theirs = and_(col(Assignment.brand_id) == col(Account.brand_id), col(Assignment.staff_id) == col(Account.staff_id))
    return and_(col(Account.kind) == AccountKind.GUIDE, exists().where(theirs, *_worked(at)))


def _worked(at: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        col(Assignment.starts_at) <= at,
        or_(col(Assignment.ends_at).is_(None), col(Assignment.ends_at) > at),
        col(Assignment.role).in_(EARNERS),
    )


async def account_of_code(session: AsyncSession, actor: Actor, code: str, store_id: UUID, at: datetime) -> UUID | None:
    """The account of whoever of the brand has this staff number and was at work then.

    That in the order's store if they worked there, or else that in the store where they did.
    """
    for named in (col(Staff.number).in_(spellings(code)), func.lower(col(Staff.number)) == folded(code)):
        found = await session.execute(
            select(col(Account.id), col(Staff.id), col(Staff.number), col(Account.store_id))
            .join(Account, and_(col(Account.brand_id) == col(Staff.brand_id), col(Account.staff_id) == col(Staff.id)))
            .join(
                Assignment,
                and_(
                    col(Assignment.brand_id) == col(Staff.brand_id),
                    col(Assignment.staff_id) == col(Staff.id),
                    col(Assignment.store_id) == col(Account.store_id),
                ),
            )
            .where(col(Staff.brand_id) == actor.brand_id, named, col(Account.kind) == AccountKind.GUIDE, *_worked(at))
        )
        rows = [row for row in found if folded(row.number) == folded(code)]
        if rows:
            # Two whose numbers differ in capitals only: it can't be told who is meant.
            is_one = len({row[1] for row in rows}) == 1
            return min(rows, key=lambda row: row.store_id != store_id)[0] if is_one else None
    return None


async def guides_of(session: AsyncSession, actor: Actor, store_id: UUID, at: datetime) -> dict[UUID, str]:
    """The names of those who could be credited in the store then, by their accounts there."""
    found = await session.execute(
        select(col(Account.id), col(Staff.name))
        .join(Staff, and_(col(Staff.brand_id) == col(Account.brand_id), col(Staff.id) == col(Account.staff_id)))
        .join(
            Assignment,
            and_(
                col(Assignment.brand_id) == col(Account.brand_id),
                col(Assignment.staff_id) == col(Account.staff_id),
                col(Assignment.store_id) == col(Account.store_id),
            ),
        )
        .where(
            col(Account.brand_id) == actor.brand_id,
            col(Account.store_id) == store_id,
            col(Account.kind) == AccountKind.GUIDE,
            *_worked(at),
        )
    )
    return dict(found.all())


async def buyer_of(session: AsyncSession, actor: Actor, customer_id: UUID) -> str | None:
    """What the customer is called."""
    name: str | None = await session.scalar(
        select(col(Customer.name)).where(col(Customer.brand_id) == actor.brand_id, col(Customer.id) == customer_id)
    )
    return name


async def guide_accounts(session: AsyncSession, seen: ColumnElement[bool], account_ids: Collection[UUID]) -> set[UUID]:
    """Those of the accounts in sight that are guides'."""
    found = await session.scalars(
        select(col(Account.id)).where(seen, col(Account.id).in_(account_ids), col(Account.kind) == AccountKind.GUIDE)
    )
    return set(found)
