"""The churn score in SQL is the churn score in Python, on both engines, and outlives whatever is dated."""

import sqlite3
from datetime import date, timedelta
from math import exp
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Date, Float, literal, select, union_all, update
from sqlmodel import col

from kernel import numbers
from kernel.actor import system
from kernel.work import Ground, unit_of_work
from mall.commands import profiles
from mall.models import ChurnRisk, PurchaseProfile
from mall.models import churn as formulas
from mall.queries import churn
from mall.queries import profiles as reads
from mall.queries.churn_evaluation import evaluate
from tests.factories import World, build_world
from tests.mall.purchases import History, load, people
from tests.mall.test_profiles_random import kept

TODAY = date(2026, 11, 22)
days = st.dates(date(2001, 1, 1), date(2090, 12, 31))
customers = st.tuples(
    st.lists(st.integers(0, 2_000), max_size=30),  # days of purchases behind the first
    days,
    st.integers(-(10**9), 10**12),
)


def rhythm(first: date, later: list[int]) -> float:
    return sum(exp(((first - formulas.EPOCH).days + number) / 365) for number in later)


def row(number: int, customer: tuple[list[int], date, int]) -> Any:
    later, first, spend = customer
    return select(
        literal(number).label("number"),
        literal(rhythm(first, later), Float()).label("rhythm"),
        literal(first, Date()).label("first_day"),
        literal(spend, BigInteger()).label("net_12_months"),
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    crowd=st.lists(customers, min_size=1, max_size=12),
    ahead=st.integers(-2, 4_000),
    patience=st.floats(0.5, 3_000),
)
async def test_sql_and_python_say_the_same(
    ground: Ground, crowd: list[tuple[list[int], date, int]], ahead: int, patience: float
) -> None:
    day = max(first + timedelta(days=max(later, default=0)) for later, first, _ in crowd) + timedelta(days=ahead)
    of = union_all(*(row(number, customer) for number, customer in enumerate(crowd))).subquery()
    async with ground.db.read() as session:
        found = await session.execute(
            select(
                churn.decayed(day, of.c),
                churn.exposure(day, of.c),
                churn.stays_away(day, patience, of.c),
                churn.value_at_risk(day, patience, of.c),
                churn.risk(day, patience, of.c),
            ).order_by(of.c.number)
        )
    for (later, first, spend), (decayed, exposure, probability, value, risk) in zip(crowd, found, strict=True):
        kept = rhythm(first, later)
        true = formulas.stays_away(kept, first, day, patience)
        assert decayed == pytest.approx(formulas.decayed(kept, day), rel=1e-9, abs=1e-12)
        assert exposure == pytest.approx(formulas.exposure(first, day), rel=1e-9, abs=1e-9)
        assert probability == pytest.approx(true, rel=1e-9)
        assert value == pytest.approx(formulas.value_at_risk(true, spend), rel=1e-9, abs=1)
        if all(abs(true - edge) > 1e-9 for edge in (0.4, 0.65)):
            assert risk is formulas.risk_of(true)


def test_bands_begin_where_they_say() -> None:
    assert [formulas.risk_of(chance) for chance in (0.0, 0.399, 0.4, 0.649, 0.65, 1.0)] == [
        ChurnRisk.LOW,
        ChurnRisk.LOW,
        ChurnRisk.MEDIUM,
        ChurnRisk.MEDIUM,
        ChurnRisk.HIGH,
        ChurnRisk.HIGH,
    ]


async def begin(ground: Ground, *histories: History) -> World:
    world = await build_world(ground)
    keys = await people(ground, world, len(histories))
    await load(ground, world, dict(zip(keys, histories, strict=True)))
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await profiles.refresh_due(work, TODAY)
    return world


async def test_what_was_bought_in_another_age_stops_nobody(ground: Ground) -> None:
    ancient = [(date(1, 1, 2), 100, 0, True), (date(1200, 5, 5), 100, 0, True), (date(1999, 12, 31), 100, 0, True)]

    world = await begin(ground, History(ancient), History([(TODAY, 100, 0, True)]))

    async with ground.db.read() as session:
        assert await churn.patience_days(session, world.brand.id, TODAY)
        assert (await evaluate(session, world.brand.id, date(1200, 5, 5))).customers == 1
        chances = await session.scalars(
            select(churn.stays_away(TODAY, 90.0)).where(col(PurchaseProfile.brand_id) == world.brand.id)
        )
        assert all(0 < chance < 1 for chance in chances)


@pytest.mark.parametrize(("factor", "is_found"), [(1 + 1e-12, False), (1 + 1e-6, True), (0.0, True)])
async def test_a_rhythm_that_is_not_its_orders_is_found_and_rounding_is_not(
    ground: Ground, factor: float, is_found: bool
) -> None:
    history = [(TODAY - timedelta(days=number * 17), 100, 0, True) for number in range(9)]
    world = await begin(ground, History(history))
    async with ground.db.write() as session:
        await session.execute(
            update(PurchaseProfile)
            .where(col(PurchaseProfile.brand_id) == world.brand.id)
            .values(rhythm=PurchaseProfile.rhythm * factor)
        )

    async with ground.db.read() as session:
        found = (await session.scalars(await reads.disagreeing(session, world.brand.id))).all()

    assert [*found] == ([*await kept(ground, world)] if is_found else [])


class Bare:
    """An SQLite that was built without powers: it knows those only that it learnt."""

    def __init__(self) -> None:
        self.inner, self.learnt = sqlite3.connect(":memory:"), set[str]()

    def cursor(self) -> "Bare":
        return self

    def execute(self, statement: str) -> None:
        if not self.learnt >= {"exp", "power"}:
            raise sqlite3.OperationalError("no such function: exp")
        self.inner.execute(statement)

    def close(self) -> None:
        pass

    def create_function(self, name: str, *arguments: Any, **options: Any) -> None:
        self.learnt.add(name)
        self.inner.create_function(name, *arguments, **options)


def test_an_sqlite_without_powers_learns_them() -> None:
    plain, bare = sqlite3.connect(":memory:"), Bare()
    numbers.teach(plain)
    numbers.teach(bare)

    assert bare.learnt == {"exp", "power"}
    asked = "SELECT exp(-2.5), power(0.3, 4.25), exp(NULL) IS NULL"
    [theirs], [ours] = bare.inner.execute(asked).fetchall(), plain.execute(asked).fetchall()
    assert theirs == pytest.approx(ours, rel=1e-12)
