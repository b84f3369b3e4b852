"""Keep what customers' purchases amount to: worked out from their orders and refunds, never counted on.

Whoever changes orders or refunds calls `refresh` in the same commit, or leaves the customers marked as due.
Profiles are locked before orders are read: of two orders at once, the second waits, and then reads both.
"""

from collections.abc import Collection
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CTE,
    Date,
    Executable,
    Uuid,
    bindparam,
    case,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col

from customers.models import Customer
from kernel.db import OneOf
from kernel.work import Work
from mall.events import ProfileRefreshed
from mall.models import DUE, PurchaseProfile, ScoreScale, year_before
from mall.queries import churn, profiles
from mall.queries.purchase_figures import COLUMNS, figures

AT_ONCE = 250  # some tens of milliseconds: orders of the same customers wait meanwhile
SCORES_AT_ONCE = 10_000
_BEGINNING = UUID(int=0)

_table = PurchaseProfile.__table__  # type: ignore[attr-defined]  # set by SQLModel
_SCORES = (*profiles.SCORES, "churn_risk")
_BRAND, _TODAY, _WINDOW = (
    bindparam("brand", type_=Uuid()),
    bindparam("today", type_=Date()),
    bindparam("window", type_=Date()),
)
_ZEROS = ("orders", "purchase_days", "gross", "refunds", "net", "net_12_months", "rhythm")


async def refresh(work: Work, customer_ids: Collection[UUID], today: date | None = None) -> None:
    """Work the profiles of these customers out again, at most 2,000 at once; `today` is the brand's calendar day."""
    if not customer_ids:
        return
    setting = await profiles.setting(work.session, work.actor.brand_id)
    await _lock(work, customer_ids, is_due=False)
    await work.session.execute(_work_out(setting.currency), _given(work, customer_ids, today or setting.today))


async def mark(work: Work, customer_ids: Collection[UUID]) -> None:
    """Leave these customers' profiles to be worked out soon, in the commit that changes their orders or refunds."""
    await _lock(work, customer_ids, is_due=True)


async def build(work: Work, customer_ids: Collection[UUID], today: date | None = None) -> None:
    """Write the profiles of new customers, all of whose orders have just been loaded; who bought nothing gets none."""
    if not customer_ids:
        return
    setting = await profiles.setting(work.session, work.actor.brand_id)
    await work.session.execute(_write(setting.currency), _given(work, customer_ids, today or setting.today))


async def refresh_due(work: Work, today: date | None = None, most: int = AT_ONCE) -> int:
    """Refresh customers whose profile is due; returns how many they were, less than `most` when none is left."""
    setting = await profiles.setting(work.session, work.actor.brand_id)
    found = await profiles.due(work.session, work.actor.brand_id, today or setting.today, most)
    await refresh(work, found, today)
    for customer_id in found:
        work.record(ProfileRefreshed(customer_id))
    return len(found)


async def night_chunk(work: Work, day: date, after: UUID | None) -> UUID | None:
    """One chunk of a brand's night: refresh what is due, then set the scale, then score whose scores it changes.

    Takes the last key done, and returns the next, or nothing when all is done; doing a chunk twice does no harm.
    """
    scale = await profiles.scale(work.session, work.actor.brand_id)
    if after is None or scale is None or scale.scored_on != day:
        if await refresh_due(work, day) < AT_ONCE:
            await _set_scale(work, scale, day)
        return _BEGINNING
    last, found = await profiles.misjudged(work.session, work.actor.brand_id, scale, after, SCORES_AT_ONCE)
    if found:
        await work.session.execute(
            update(PurchaseProfile)
            .where(
                col(PurchaseProfile.brand_id) == work.actor.brand_id, OneOf(col(PurchaseProfile.customer_id), "whose")
            )
            .values(profiles.scores_by(scale))
            .execution_options(synchronize_session=False),
            {"whose": found},
        )
    return last


async def _set_scale(work: Work, scale: ScoreScale | None, day: date) -> None:
    """Where a score begins, of each kind: read once, and by it everybody is scored, chunk by chunk."""
    brand_id = work.actor.brand_id
    patience = await churn.patience_days(work.session, brand_id, day)
    figures = profiles.scored(day, patience)
    cuts = {name: await profiles.cuts(work.session, brand_id, value) for name, value in figures.items()}
    if scale is None:
        work.session.add(ScoreScale(brand_id=brand_id, scored_on=day, cuts=cuts, patience_days=patience))
    else:
        scale.scored_on, scale.cuts, scale.patience_days = day, cuts, patience


async def _lock(work: Work, customer_ids: Collection[UUID], *, is_due: bool) -> None:
    """Make the rows that are missing, and keep all of them from other writers until the commit, in key order."""
    if customer_ids:
        statement = _upsert(work.session.get_bind().dialect.name == "sqlite", is_due)
        await work.session.execute(statement, {"brand": work.actor.brand_id, "whose": sorted(customer_ids)})


def _given(work: Work, customer_ids: Collection[UUID], today: date) -> dict[str, Any]:
    return {
        "brand": work.actor.brand_id,
        "whose": sorted(customer_ids),
        "today": today,
        "window": year_before(today),
    }


# Put together once: it takes longer than asking.
@cache
def _upsert(is_sqlite: bool, is_due: bool) -> Executable:
    rows = (
        select(col(Customer.brand_id), col(Customer.id), *(literal(0) for _ in _ZEROS), literal(DUE), literal(DUE))
        .where(col(Customer.brand_id) == _BRAND, OneOf(col(Customer.id), "whose"))
        .order_by(col(Customer.id))
    )
    inserted: Any = (sqlite if is_sqlite else postgresql).insert(_table)
    # A row that the condition leaves as it is, is locked all the same.
    changes = or_(_table.c.counted_from.is_(None), _table.c.counted_from != DUE) if is_due else literal(False)
    statement: Executable = inserted.from_select(
        ["brand_id", "customer_id", *_ZEROS, "counted_from", "as_of"], rows
    ).on_conflict_do_update(
        index_elements=[_table.c.brand_id, _table.c.customer_id], set_={"counted_from": DUE}, where=changes
    )
    return statement


@cache
def _work_out(currency: str) -> Executable:
    found = figures(_whose(_table.c.brand_id, _table.c.customer_id), currency, _WINDOW).cte("found")
    scores = {name: case((found.c.purchase_days > 0, _table.c[name])) for name in _SCORES}
    return (
        update(_table)
        .where(_table.c.brand_id == _BRAND, _table.c.customer_id == found.c.customer_id)
        .values(**{name: found.c[name] for name in COLUMNS}, **scores, as_of=_TODAY)
    )


@cache
def _write(currency: str) -> Executable:
    found = figures(_whose(col(Customer.brand_id), col(Customer.id)), currency, _WINDOW).cte("found")
    rows = select(_BRAND, found.c.customer_id, *(found.c[name] for name in COLUMNS), _TODAY).where(
        or_(found.c.orders > 0, found.c.refunds > 0)
    )
    return insert(_table).from_select(["brand_id", "customer_id", *COLUMNS, "as_of"], rows)


def _whose(brand_id: Any, customer_id: Any) -> CTE:
    return (
        select(brand_id.label("brand_id"), customer_id.label("customer_id"))
        .where(brand_id == _BRAND, OneOf(customer_id, "whose"))
        .cte("whose")
    )
