"""Guides against their peers: whose figures are compared with whose, read from the rows of days."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Account, Staff
from kernel.actor import Actor, Role
from kernel.errors import Invalid
from kernel.pages import Key, Page, paged
from kpi.models import Days, Grain, KpiWork, Span
from kpi.models.definitions import Sums
from kpi.models.diagnosing import COLUMNS, FEWEST_PEERS, Diagnosis, diagnose, pooled
from kpi.queries import adjusting, naming, reading, scoping
from kpi.queries.reading import Question, Summed
from kpi.queries.scoping import Asked, By, Scope

_SIZES = 3


class PeerKind(StrEnum):
    """Who the peers are: guides of stores of the same size, or all guides in the asker's sight."""

    SAME_SIZE = "same_size"
    IN_SIGHT = "in_sight"


@dataclass(frozen=True, slots=True)
class Diagnosed:
    """A guide's diagnosis; none where they weren't at work, or there are fewer than 5 peers.

    `peers` is how many there are, never fewer than 5; `handed` what was taken off the guide's figures, if that was
    asked for. Amounts are in minor units of `currency`.
    """

    staff_id: UUID
    currency: str
    was_at_work: bool
    peer_kind: PeerKind | None
    peers: int | None
    diagnosis: Diagnosis | None
    handed: Sums | None


@dataclass(frozen=True, slots=True)
class _Pool:
    """All guides who were at work, each with their sums, and what these are together."""

    kind: PeerKind
    each: Summed
    total: Sums

    @classmethod
    def of(cls, kind: PeerKind, found: Summed) -> "_Pool":
        at_work = {key: sums for key, sums in found.items() if sums.get("at_work")}
        return cls(kind, at_work, pooled(at_work.values()))

    def number_without(self, staff_id: UUID) -> int:
        return len(self.each) - (staff_id in self.each)

    def without(self, staff_id: UUID) -> Sums:
        own = self.each.get(staff_id, {})
        return {name: value - own.get(name, 0) for name, value in self.total.items()}


async def page(
    session: AsyncSession, actor: Actor, page: Page, asked: Asked, days: Days, *, adjusted: bool = False
) -> list[Diagnosed]:
    """The diagnoses of one guide, or of the guides at work in a store, by id; one more if there is a next page.

    Peers are the guides at work in stores of the same kind: the third of the brand's stores, by gross per guide's day
    at work in the range, that the guide's store is in. Where these are fewer than 5, all guides in sight. Nothing is
    shown of peers but rates of all together. `adjusted` leaves out what was handed over, of the guide and of peers.
    Guides are shown themselves, whatever store is named.

    Raises `FORBIDDEN` for a machine that may not read reports, `NOT_FOUND`, `INVALID` unless a guide or a store is
    named. The number of statements is the same for each page.
    """
    scope = await scoping.scope(session, actor, _named(actor, asked), Grain.ACCOUNT)
    guides = await _guides(session, actor, scope, page, asked, days)
    if not guides:
        return []
    staff_ids = list(guides)
    mine = replace(scope, account_ids=await _accounts(session, actor, scope, staff_ids))
    found, taken_off = await _sums(session, mine, days, adjusted)
    pools = [await _of_same_size(session, actor, next(iter(guides.values())), days, adjusted)]
    if any(pools[0].number_without(staff_id) < FEWEST_PEERS for staff_id in staff_ids):
        in_sight = await scoping.scope(session, actor, Asked(), Grain.ACCOUNT)
        pools.append(_Pool.of(PeerKind.IN_SIGHT, (await _sums(session, in_sight, days, adjusted))[0]))
    currency = await naming.currency_of(session, actor.brand_id)
    return [
        _diagnosed(each, currency, found.get(each, {}), pools, taken_off.get(each, {}) if adjusted else None)
        for each in staff_ids
    ]


def _named(actor: Actor, asked: Asked) -> Asked:
    if actor.role is not Role.GUIDE and (asked.staff_id is None) is (asked.store_id is None):
        raise Invalid(field="staffId", reason="name a guide or a store.", reason_zh="请指定一位导购或一家门店。")
    return asked


async def _guides(
    session: AsyncSession, actor: Actor, scope: Scope, page: Page, asked: Asked, days: Days
) -> Mapping[UUID, UUID | None]:
    """Whom the page is about, and the store whose kind counts for them."""
    staff_id = actor.staff_id if actor.role is Role.GUIDE else asked.staff_id
    if staff_id is not None:
        return {staff_id: await _store_of(session, scope, staff_id)} if page.after is None else {}
    was_at_work = exists().where(
        col(KpiWork.brand_id) == scope.brand_id,
        col(KpiWork.account_id) == col(Account.id),
        col(KpiWork.span) == Span.DAY,
        col(KpiWork.grain) == Grain.ACCOUNT,
        col(KpiWork.starts_on) >= days.first,
        col(KpiWork.starts_on) <= days.last,
        col(KpiWork.at_work) > 0,
    )
    statement = select(col(Account.staff_id)).where(
        col(Account.brand_id) == scope.brand_id,
        col(Account.store_id) == asked.store_id,
        col(Account.staff_id).is_not(None),
        was_at_work,
    )
    found = await session.scalars(paged(statement, page, Key(col(Account.staff_id))))
    return {key: asked.store_id for key in found if key is not None}


async def _store_of(session: AsyncSession, scope: Scope, staff_id: UUID) -> UUID | None:
    """Where somebody works, or last had an account."""
    last = (
        select(col(Account.store_id))
        .where(col(Account.brand_id) == scope.brand_id, col(Account.staff_id) == staff_id)
        .order_by(col(Account.id).desc())
        .limit(1)
        .scalar_subquery()
    )
    row = (
        await session.execute(
            select(col(Staff.store_id), last).where(col(Staff.brand_id) == scope.brand_id, col(Staff.id) == staff_id)
        )
    ).one()
    return row[0] or row[1]


async def _accounts(session: AsyncSession, actor: Actor, scope: Scope, staff_ids: Collection[UUID]) -> tuple[UUID, ...]:
    if scope.account_ids is not None:
        return scope.account_ids
    found = await session.scalars(
        select(col(Account.id)).where(col(Account.brand_id) == actor.brand_id, col(Account.staff_id).in_(staff_ids))
    )
    return tuple(sorted(found))


async def _of_same_size(
    session: AsyncSession, actor: Actor, store_id: UUID | None, days: Days, adjusted: bool
) -> _Pool:
    brand = Scope(actor.brand_id, Grain.STORE)
    stores = await reading.sums(session, brand, Question(days, ("gross", "at_work"), By.STORE))
    alike = same_size(stores, store_id)
    their = Scope(actor.brand_id, Grain.ACCOUNT, alike)
    found = (await _sums(session, their, days, adjusted))[0] if alike else {}
    return _Pool.of(PeerKind.SAME_SIZE, found)


def same_size(stores: Summed, store_id: UUID | None) -> tuple[UUID, ...]:
    """The stores of the third that one is in, by gross per guide's day at work; none if nobody was at work there."""
    sizes = {
        key: Fraction(sums.get("gross", 0), sums["at_work"]) for key, sums in stores.items() if sums.get("at_work")
    }
    if store_id not in sizes:
        return ()
    ordered = sorted(sizes, key=lambda key: (sizes[key], key))
    thirds = {key: place * _SIZES // len(ordered) for place, key in enumerate(ordered)}
    return tuple(sorted(key for key in ordered if thirds[key] == thirds[store_id]))


async def _sums(session: AsyncSession, scope: Scope, days: Days, adjusted: bool) -> tuple[Summed, Summed]:
    """The guides' sums, and what was taken off them."""
    found = await reading.sums(session, scope, Question(days, COLUMNS, By.GUIDE))
    if not adjusted:
        return found, {}
    taken_off = await adjusting.handed(session, scope, days)
    return adjusting.less(found, taken_off), taken_off


def _diagnosed(staff_id: UUID, currency: str, own: Sums, pools: Sequence[_Pool], handed: Sums | None) -> Diagnosed:
    was_at_work = bool(own.get("at_work"))
    for pool in pools:
        number = pool.number_without(staff_id)
        if number >= FEWEST_PEERS:
            diagnosis = diagnose(own, pool.without(staff_id))
            return Diagnosed(staff_id, currency, was_at_work, pool.kind, number, diagnosis, handed)
    return Diagnosed(staff_id, currency, was_at_work, None, None, None, handed)
