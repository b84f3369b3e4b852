"""Views of customers over imported orders, against the figures of the brand and against the file itself."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from directory.models import Brand, Staff, Store
from intake.queries import ledger
from kernel.actor import system
from kernel.pages import Page
from kernel.work import Ground
from kpi.models import Grain
from kpi.models.months import Months
from kpi.queries import basis as base
from kpi.queries import rankings, rhythm, scoping
from kpi.queries.basis import Basis
from kpi.queries.customer_views import concentration, flow, pyramid
from kpi.queries.customer_views import rhythm as views
from kpi.queries.customer_views.purchases import reach
from kpi.queries.customer_views.pyramid import Wanted, Worth
from kpi.queries.scoping import Asked
from mall.models import year_before
from tests.kpi import customer_views_by_hand as oracle
from tests.oracle_online_retail import open_text

ENDED = date(2011, 12, 9)
DAYS = (date(2011, 12, 8), date(2011, 6, 30), ENDED)
MONTHS = [(2010, 12), *((2011, month) for month in range(1, 13))]
STORES = ("UK-05", "Germany")
_FLOW = ("active", "new", "retained", "returned", "lapsed_from_prev")
_SPREAD = ("count", "mean", "median", "p25", "p75")


@dataclass(frozen=True)
class Paper:
    """An invoice of the file that counts; exact in millionths, below zero for money given back."""

    number: str
    customer: int
    at: datetime
    exact: int
    country: str
    is_refund: bool
    stands: bool = True

    @property
    def on(self) -> date:
        return self.at.date()


async def wrong_customer_views(ground: Ground, path: Path) -> list[str]:
    """Views of the whole brand that are not its figures, and views of stores that are not what the file says."""
    papers = list(_papers(path))
    async with ground.db.read() as session:
        brand = await ledger.brand_of(session, "online-retail")
        assert brand
        wrong = await _wrong_of_brand(session, brand)
        for code in STORES:
            wrong += [f"{code}: {each}" for each in await _wrong_of_store(session, brand, code, papers)]
    return wrong


async def _wrong_of_brand(session: AsyncSession, brand: Brand) -> list[str]:
    rows = await base.read(session, brand.id, brand.currency, ENDED)
    scope = await scoping.scope(session, system(brand.id), Asked(), Grain.STORE)
    found = await _views(session, scope)
    expected: dict[str, Any] = {
        "monthly": [tuple(row[name] for name in _FLOW) for row in rhythm.monthly(rows)],
        "cohorts": rhythm.cohorts(rows),
    }
    for day in DAYS:
        seen = _until(rows, day)
        lapsed = rhythm.lapsed(seen, day)
        expected |= {
            f"lapsed {day}": [(days, lapsed[f"gt_{days}"], lapsed[f"ge_{days}"]) for days in rhythm.LAPSES],
            f"repeat {day}": _again(seen),
            f"gaps {day}": [tuple(each[name] for name in _SPREAD) for each in rhythm.gaps(seen).values()],
        }
    spent, returned = rankings.spent(rows), rankings.given_back(rows)
    net = {key: spent[key] - returned[key] for key in spent}
    for worth, amounts in ((Worth.GROSS, spent), (Worth.NET, net)):
        shape, _ = rankings.pyramid(amounts, rows.members)
        expected[f"pyramid {worth}"] = [
            *((shape[it]["customers"], oracle.minor(shape[it]["amount"]), shape[it]["share"]) for it in "ABC"),
            *(oracle.minor(shape[cut]) for cut in ("cut_A_B", "cut_B_C")),
        ]
    return [f"brand: {name}" for name in expected if found[name] != expected[name]]


async def _views(session: AsyncSession, scope: scoping.Scope) -> dict[str, Any]:
    months = Months(date(*MONTHS[0], 1), ENDED)
    found: dict[str, Any] = {
        "monthly": [
            (row.active, row.new, row.retained, row.returned, row.lapsed_from_previous)
            for row in await flow.monthly(session, scope, months)
        ],
        "cohorts": {rhythm.month_of(row.month): row.active for row in await flow.cohorts(session, scope, months)},
    }
    for day in DAYS:
        again, gaps = await views.repeat(session, scope, day), await views.gaps(session, scope, day)
        found |= {
            f"lapsed {day}": [astuple(each) for each in (await views.lapsed(session, scope, day)).lapses],
            f"repeat {day}": (again.customers, again.with_two_orders, again.with_two_days),
            f"gaps {day}": [_spread(each) for each in (gaps.pooled, gaps.customer_medians)],
        }
    seen = await reach(session, scope, ENDED)
    for worth in Worth:
        shape = await pyramid.pyramid(session, scope, seen, Wanted(worth))
        found[f"pyramid {worth}"] = [
            *((each.customers, each.amount, each.share and round(each.share, 6)) for each in shape.groups),
            shape.cut_a_b,
            shape.cut_b_c,
        ]
    return found


def _spread(each: views.Spread) -> tuple[Any, ...]:
    return astuple(replace(each, mean=None if each.mean is None else round(each.mean, 6)))


def _until(rows: Basis, day: date) -> Basis:
    """What is dated up to a day."""
    days = {customer: [each for each in found if each <= day] for customer, found in rows.days.items()}
    return Basis(sales=[sale for sale in rows.sales if sale.day <= day], days={key: d for key, d in days.items() if d})


def _again(rows: Basis) -> tuple[int, int, int]:
    orders: dict[Any, int] = defaultdict(int)
    for sale in rows.sales:
        if sale.customer is not None:
            orders[sale.customer] += 1
    days = rows.days.values()
    return len(days), sum(count > 1 for count in orders.values()), sum(len(each) > 1 for each in days)


async def _wrong_of_store(session: AsyncSession, brand: Brand, code: str, papers: list[Paper]) -> list[str]:
    store = await session.scalar(select(Store).where(col(Store.brand_id) == brand.id, col(Store.code) == code))
    assert store
    scope = await scoping.scope(session, system(brand.id), Asked(store_id=store.id), Grain.STORE)
    found = await _views(session, scope)
    homes = _homes(papers)

    def mine(paper: Paper) -> bool:
        return homes.get(paper.customer) == code

    expected: dict[str, Any] = {
        "monthly": [(*row[1:3], *row[4:]) for row in oracle.flow(papers, mine, MONTHS)],
        "cohorts": {f"{day:%Y-%m}": row for day, row in oracle.cohorts(papers, mine, MONTHS).items()},
    }
    for day in DAYS:
        expected |= {
            f"lapsed {day}": oracle.lapsed(papers, mine, day),
            f"repeat {day}": oracle.repeat(papers, mine, day),
            f"gaps {day}": [_spread(views.Spread(*each)) for each in oracle.gaps(papers, mine, day)],
        }
    for worth in Worth:
        amount = partial(_amount, worth is Worth.NET)
        expected[f"pyramid {worth}"] = _shape(oracle.ranked(papers, mine, amount, date.min, ENDED, str))
    wrong = [name for name in expected if found[name] != expected[name]]
    held = await _held(session, scope)
    return wrong if held == _held_on_paper(papers, homes, code) else [*wrong, "concentration"]


def _amount(is_net: bool, paper: Paper) -> int:
    return paper.exact if is_net or not paper.is_refund else 0


def _shape(ranked: list[tuple[int, int]]) -> list[Any]:
    groups = oracle.letters(ranked)
    total = sum(amount for _, amount in ranked)
    sums = {name: sum(amount for _, amount in group) for name, group in groups.items()}
    return [
        *((len(groups[it]), oracle.minor(sums[it]), round(sums[it] / total, 6)) for it in "ABC"),
        oracle.minor(groups["A"][-1][1]),
        oracle.minor((groups["A"] + groups["B"])[-1][1]),
    ]


async def _held(session: AsyncSession, scope: scoping.Scope) -> dict[Any, Any]:
    """The net, customers and A customers of the year by the guide's number."""
    found = await concentration.concentration(session, scope, await reach(session, scope, ENDED), Page(100))
    names = await session.execute(select(col(Staff.id), col(Staff.number)).where(col(Staff.brand_id) == scope.brand_id))
    numbers = {row.id: row.number for row in names}
    return {numbers[row.staff_id]: (row.net, row.customers, row.a_customers) for row in found.rows}


def _held_on_paper(papers: list[Paper], homes: dict[int, str], code: str) -> dict[Any, Any]:
    after = year_before(ENDED)
    theirs = [each for each in papers if homes.get(each.customer) == code and after < each.on <= ENDED]
    ranked = oracle.ranked(theirs, lambda _: True, lambda paper: paper.exact, date.min, ENDED, str)
    best = {customer for customer, _ in oracle.letters(ranked)["A"]}
    guides: dict[str, list[Paper]] = defaultdict(list)
    for paper in theirs:
        guides[f"{code}-G{paper.customer // 12 % 4}"].append(paper)
    found = {}
    for number, held in guides.items():
        bought = {paper.customer for paper in held if not paper.is_refund}
        found[number] = (oracle.minor(sum(paper.exact for paper in held)), len(bought), len(bought & best))
    return found


def _homes(papers: list[Paper]) -> dict[int, str]:
    """The store of each customer with an order, as `definitions.md` suggests it."""
    homes: dict[int, str] = {}
    for paper in sorted(papers, key=lambda paper: (paper.at, paper.number)):
        if not paper.is_refund and paper.customer not in homes:
            is_british = paper.country == "United Kingdom"
            homes[paper.customer] = f"UK-{paper.customer % 12:02}" if is_british else paper.country
    return homes


def _papers(path: Path) -> Iterator[Paper]:
    """Orders and refunds of known customers."""
    with open_text(path) as lines:
        rows = sorted((row for row in csv.DictReader(lines) if row["CustomerID"]), key=lambda row: row["InvoiceNo"])
    for number, each in groupby(rows, key=lambda row: row["InvoiceNo"]):
        is_refund = number.startswith("C")
        counted = [
            row
            for row in each
            if is_refund or (number[0].isdigit() and int(row["Quantity"]) > 0 and Decimal(row["UnitPrice"]) > 0)
        ]
        if counted:
            amount = sum((Decimal(row["Quantity"]) * Decimal(row["UnitPrice"]) for row in counted), Decimal(0))
            yield Paper(
                number,
                int(counted[0]["CustomerID"]),
                min(datetime.fromisoformat(row["InvoiceDate"]) for row in counted),
                int(amount * 1_000_000),
                counted[0]["Country"],
                is_refund,
            )
