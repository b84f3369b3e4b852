"""`daogou plan`: show whom stores would have their guides turn to on a day; nothing is changed."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import orjson
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from customers.models import Customer
from directory.models import Account, Staff, Store
from kernel import clock
from kernel.actor import system
from server.errors import CannotStart
from server.operating import brand_of, ready
from server.settings import Settings
from tasks.models import Verdict
from tasks.queries import planning


@dataclass(frozen=True, slots=True)
class Planned:
    """A customer who would be chosen: guides by their numbers, customers by theirs."""

    guide: str
    place: int
    customer: str
    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class StorePlan:
    """What the plan of one store would be; `customers` says how many met each verdict."""

    store: str
    day: date
    quota: int
    customers: Mapping[str, int]
    chosen: Sequence[Planned]


async def dry_run(settings: Settings, brand: str | None, store: str | None, day: date | None) -> list[StorePlan]:
    """The plans of a brand's open stores, or of one, on a day of theirs; today, without one. Raises `CannotStart`."""
    async with ready(settings) as ground:
        chosen = await brand_of(ground, brand)
        async with ground.db.read() as session:
            stores = await planning.stores_of(session, chosen.id, None if store is None else [store])
        if not stores and store is not None:
            raise CannotStart(f"The brand has no store with the code {store!r}.")
        drafts = await planning.previews(ground.db, system(chosen.id), stores, day)
        async with ground.db.read() as session:
            return [await _plan(session, each, draft) for each, draft in zip(stores, drafts, strict=True)]


def show(plans: Sequence[StorePlan], *, as_json: bool) -> None:
    """Print plans: one store's customers, or of several how many; or all as JSON for a machine."""
    if as_json:
        sys.stdout.buffer.write(orjson.dumps(plans, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        return
    Console().print(_customers(plans[0]) if len(plans) == 1 else _summary(plans))


def _customers(plan: StorePlan) -> Table:
    met = ", ".join(f"{name} {count}" for name, count in plan.customers.items()) or "no customers"
    table = Table("Guide", "Place", "Customer", "Rule", "Reason", title=f"{plan.store}, {plan.day}: {met}")
    for each in plan.chosen:
        table.add_row(each.guide, str(each.place), each.customer, each.rule, each.reason)
    return table


def _summary(plans: Sequence[StorePlan]) -> Table:
    table = Table("Store", "Day", "Guides", "Chosen", "In line", "No rule", "Left out")
    for plan in plans:
        met = dict(plan.customers)
        known = [met.pop(verdict.value, 0) for verdict in (Verdict.CHOSEN, Verdict.OVER_QUOTA, Verdict.NO_RULE)]
        guides = len({each.guide for each in plan.chosen})
        table.add_row(plan.store, str(plan.day), str(guides), *map(str, known), str(sum(met.values())))
    return table


async def _plan(session: AsyncSession, store: Store, draft: planning.Draft) -> StorePlan:
    chosen = list(draft.of(Verdict.CHOSEN))
    brand_id = store.brand_id
    guides = await _named(
        session,
        select(col(Account.id), col(Staff.number))
        .join(Staff, (col(Staff.brand_id) == col(Account.brand_id)) & (col(Staff.id) == col(Account.staff_id)))
        .where(col(Account.brand_id) == brand_id, col(Account.store_id) == store.id),
    )
    customers = await _named(
        session,
        select(col(Customer.id), col(Customer.member_number)).where(
            col(Customer.brand_id) == brand_id, col(Customer.id).in_([each.subject.customer_id for each in chosen])
        ),
    )
    return StorePlan(
        store=store.code,
        day=draft.day,
        quota=draft.setting.quota,
        customers={verdict.value: draft.counts[verdict] for verdict in Verdict if draft.counts.get(verdict)},
        chosen=[
            Planned(
                guide=guides.get(each.subject.account_id, "public"),
                place=each.place,
                customer=customers[each.subject.customer_id],
                rule=draft.rules[each.match.rule_id].name,
                reason=each.match.reason,
            )
            for each in chosen
        ],
    )


async def _named(session: AsyncSession, statement: Any) -> dict[UUID, str]:
    return dict((await session.execute(statement)).all())


def parse_day(given: str) -> date:
    """The day as it was typed. Raises `CannotStart`."""
    try:
        day = date.fromisoformat(given)
    except ValueError as error:
        raise CannotStart(f"{given!r} is no day: write it as 2011-09-09.") from error
    if day > clock.now().date():
        raise CannotStart(f"{given} is yet to come: a day can be planned once it has begun.")
    return day
