"""What may go wrong with the views of customers goes wrong here on purpose, and is noticed."""

import inspect
import random
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import astuple
from datetime import date
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from kernel.actor import system
from kernel.pages import Page
from kernel.work import Ground, unit_of_work
from kpi.models import Grain
from kpi.models.months import Months
from kpi.queries import scoping
from kpi.queries.customer_views import amounts, concentration, flow, purchases, pyramid, rhythm
from kpi.queries.customer_views.purchases import reach
from mall.commands import profiles
from tests.factories import World, build_world
from tests.kpi import customer_views_by_hand as oracle
from tests.kpi.customer_histories import BEGIN, BOTH, NOBODY, Deal, tell
from tests.kpi.customer_views_by_hand import Mine
from tests.kpi.test_customer_views import (
    TODAY,
    in_time,
    in_time_on_paper,
    scopes,
    weighed,
    weighed_on_paper,
)

ON = date(2024, 5, 1)
"""90 days after the first of February, the fifth day of the history."""
MONTHS = [(2024, 3), (2024, 4), (2024, 5)]


def deal(customer: int, day: int, fen: int = 500, **values: Any) -> Deal:
    usual: dict[str, Any] = {"store": 0, "earner": 0, "left": 0, "is_refund": False, "stands": True}
    return Deal(customer=customer, day=day, fen=fen, **usual | values)


def history() -> list[Deal]:
    """Each of these is where some break shows; the rest is chance, the same each time."""
    rng = random.Random(8)
    return [
        deal(0, 4),  # 90 days before
        deal(1, 3, left=3_333),  # 91
        deal(2, 2, stands=False),
        deal(2, 12),
        deal(2, 12),  # twice on a day, and never again
        deal(2, 380, 100, store=1, is_refund=True),
        deal(3, 94),  # on the day itself
        deal(3, 95, 90_001),  # and behind it
        deal(4, 20, 700),
        deal(4, 20, 100),
        deal(4, 41, 100),
        deal(4, 93, 100, earner=BOTH, left=5_000),
        deal(5, 30, 100, is_refund=True),  # bought nothing
        deal(5, 31, 100, is_refund=True, stands=False),
        deal(6, 70, 300),
        deal(6, 75, 200, store=1),
        deal(7, 50, 300),
        deal(7, 60, 90_001, is_refund=True, left=-4_999),
        deal(1, 375, 90_001, store=1, is_refund=True),
        deal(0, 50, 100, earner=1),
        deal(1, 50, 100, earner=1),  # the same: number 3 comes before 20
        deal(0, 396, 100, earner=1),
        deal(0, 397, 100, earner=1, is_refund=True),
    ] + [
        deal(
            rng.choice((0, 1, 3, 4, 5, 6, 7)),
            rng.randrange(8, 390),
            rng.choice((100, 500)),
            store=rng.randrange(3),
            earner=rng.choice((0, NOBODY)),
            left=rng.choice((0, 0, 0, 3_333)),
            is_refund=rng.random() < 0.2,
            stands=rng.random() < 0.8,
        )
        for _ in range(12)
    ]


Mutant = tuple[ModuleType, str, str, str]

MUTANTS: dict[str, Mutant] = {
    # New, retained, returned, and those who stayed away.
    "new is whoever wasn't here last month": (
        flow, "_flow", "walked.c.before.is_(None)",
        "func.coalesce(walked.c.before, 0) < walked.c.month - 1",
    ),
    "new to the range": (
        flow, "_active", "bought(scope, months.last_day, *columns)",
        "bought(scope, months.last_day, *columns).where(DAY >= months.first_day)",
    ),
    "retained is whoever was here before": (
        flow, "_flow", "walked.c.before == walked.c.month - 1", "walked.c.before.is_not(None)",
    ),
    "returned are the retained too": (
        flow, "_flow", "walked.c.before < walked.c.month - 1", "walked.c.before < walked.c.month",
    ),
    "lapsed is who never came again": (
        flow, "_flow", "walked.c.next == walked.c.month + 1", "walked.c.next.is_not(None)",
    ),
    "known to the brand by this very month": (
        flow, "_new_to_brand",
        "month_of(col(earlier.day)) < news.c.month",
        "month_of(col(earlier.day)) <= news.c.month",
    ),
    "known to the brand by what was cancelled": (
        flow, "_new_to_brand", "col(earlier.state).in_(COUNTED_STATES)", "col(earlier.state).is_not(None)",
    ),
    # Cohorts.
    "cohorts of those who came earlier": (
        flow, "cohorts", "walked.c.first >= months.first", "walked.c.month >= months.first",
    ),
    "the first cohort is left out": (
        flow, "cohorts", "walked.c.first >= months.first", "walked.c.first > months.first",
    ),
    "a cohort is of the latest month": (flow, "cohorts", "func.min(active.c.month)", "func.max(active.c.month)"),
    # Which orders are seen at all.
    "the day itself isn't seen": (purchases, "bought", "until >= DAY", "until > DAY"),
    "what comes later is seen": (purchases, "bought", "until >= DAY", "DAY.is_not(None)"),
    "cancelled orders count": (
        purchases, "bought", "col(Order.state).in_(COUNTED_STATES)", "col(Order.state).is_not(None)",
    ),
    "profiles of whoever bought since are left out": (
        purchases, "standing", "or_(counted_from == DUE, col(PurchaseProfile.last_day) > on)", "counted_from == DUE",
    ),
    "profiles know what comes later": (purchases, "standing", "col(PurchaseProfile.last_day) <= on", "on is not None"),
    # Lapsed, repeated, and gaps.
    "more than is at least": (rhythm, "lapsed", "each.c.last_day < line", "each.c.last_day <= line"),
    "at least is more than": (rhythm, "lapsed", "each.c.last_day <= line", "each.c.last_day < line"),
    "silent since the first purchase": (purchases, "standing", "func.max(DAY)", "func.min(DAY)"),
    "repeated is three times": (rhythm, "repeat", "each.c.orders >= 2", "each.c.orders > 2"),
    "two orders are two days": (rhythm, "repeat", "each.c.purchase_days >= 2", "each.c.orders >= 2"),
    "an order is a purchase day": (purchases, "standing", "func.count(DAY.distinct())", "func.count(DAY)"),
    "gaps between orders": (rhythm, "_counted", ".distinct().cte(", ".cte("),
    "the lower median": (
        rhythm, "_counted", "between(ranked.c.many, ranked.c.many + 2)", "between(ranked.c.many, ranked.c.many + 1)",
    ),
    "quartiles without interpolation": (rhythm, "spread", "(above - below) * (place - low)", "0"),
    # The pyramid.
    "A rounded down": (pyramid, "letter_of", "(many + 4) // 5", "many // 5"),
    "B rounded down": (pyramid, "letter_of", "(many + 1) // 2", "many // 2"),
    "member numbers are text": (pyramid, "tie", "case((is_number, numbers), else_=texts)", "texts"),
    "the last C is the cut": (pyramid, "_told", "found.get(Letter.B) or", "found.get(Letter.C) or"),
    "gross is less refunds": (pyramid, "_spent", "wanted.worth is Worth.NET", "True"),
    "from the day after": (pyramid, "_spent", "wanted.from_day - timedelta(days=1)", "wanted.from_day"),
    "who only gave back has a letter": (amounts, "spent", "func.sum(found.c.orders) > 0", "func.count() > 0"),
    "void refunds count": (amounts, "_refunds", "col(Refund.is_void).is_(False)", "col(Refund.is_void).is_not(None)"),
    "what rounding left over is lost": (amounts, "_sold_residue", "col(OrderLine.residue)).join", "literal(0)).join"),
    "refunds' rounding is lost": (amounts, "_back_residue", "-col(RefundLine.residue)).join", "literal(0)).join"),
    "everybody has what rounding left over": (
        amounts, "_sold_residue", "col(Credit.part) == _FIRST_PART", "col(Credit.part) >= _FIRST_PART",
    ),
    "a guide has all of a shared order": (amounts, "_sold", "col(Credit.amount) * scale", "col(Order.amount) * scale"),
    # What hangs on whom.
    "of all time": (concentration, "concentration", "year_before(reach.on)", "None"),
    "who gave back is a customer": (concentration, "_by_guide", "each.c.orders > 0", "each.c.orders >= 0"),
    "the last are A": (concentration, "_ranked", "spent.c.amount.desc()", "spent.c.amount"),
    "squares of what is below zero": (concentration, "_totals", "case((net > 0, cast", "case((net != 0, cast"),
    "less than nothing is at stake": (
        concentration, "_share", "max(0, rounded(row.net, scale))", "rounded(row.net, scale)",
    ),
}  # fmt: skip


def plant(monkeypatch: pytest.MonkeyPatch, mutant: Mutant) -> None:
    """Put one thing of a function otherwise, wherever the function is used."""
    module, name, old, new = mutant
    function = getattr(module, name)
    source = inspect.getsource(function)
    assert source.count(old) == 1, f"{module.__name__}.{name} has no {old!r} to be broken"
    made: dict[str, Any] = {}
    exec(compile(source.replace(old, new), name, "exec"), vars(module), made)  # noqa: S102 - our own source
    for user in (amounts, concentration, flow, purchases, pyramid, rhythm):
        if getattr(user, name, None) is function:
            monkeypatch.setattr(user, name, made[name])


async def differences(ground: Ground, world: World, deals: Sequence[Deal]) -> AsyncGenerator[str, None]:
    """Which views, of which scope, aren't as plain Python says."""
    story = await tell(ground, world, deals)
    async with unit_of_work(ground, system(world.brand.id)) as work:
        await profiles.refresh_due(work, TODAY)
    for name in ("brand", "guide", "colleague", "store"):
        actor, asked, mine, worth = scopes(world)[name]
        async with ground.db.read() as session:
            scope = await scoping.scope(session, actor, asked, Grain.STORE)
            if (by_month := await monthly(session, scope)) != (should := monthly_on_paper(deals, mine)):
                yield f"{name}: {by_month}, not {should}"
            for on in (ON, TODAY):
                seen = [await in_time(session, scope, on), await weighed(session, scope, story, on)]
                paper = [in_time_on_paper(deals, mine, on), weighed_on_paper(deals, mine, worth, on)]
                if seen != paper:
                    yield f"{name} on {on}: {seen}, not {paper}"
            if scope.account_ids is None:
                hangs, should = await hanging(session, scope, world, deals, mine)
                if hangs != should:
                    yield f"{name}: {hangs}, not {should}"


async def monthly(session: AsyncSession, scope: scoping.Scope) -> list[Any]:
    """Of months in the middle of it all."""
    months = Months(date(*MONTHS[0], 1), date(*MONTHS[-1], 1))
    rows = [astuple(row) for row in await flow.monthly(session, scope, months)]
    return [rows, {row.month: row.active for row in await flow.cohorts(session, scope, months)}]


def monthly_on_paper(deals: Sequence[Deal], mine: Mine[Deal]) -> list[Any]:
    return [oracle.flow(deals, mine, MONTHS), oracle.cohorts(deals, mine, MONTHS)]


async def hanging(
    session: AsyncSession, scope: scoping.Scope, world: World, deals: Sequence[Deal], mine: Mine[Deal]
) -> tuple[Any, Any]:
    """What hangs on each guide, and what should."""
    found = await concentration.concentration(session, scope, await reach(session, scope, TODAY), Page(100))
    net, each = oracle.concentration(deals, mine, date(TODAY.year - 1, TODAY.month, TODAY.day), TODAY)
    above = [held for held, _, _ in each.values() if held > 0]
    ids = {
        (number, place): guide.staff_id
        for number, shop in enumerate(world.shops)
        for place, guide in enumerate(shop.guides)
    }
    rows = {row.staff_id: (row.net, row.customers, row.a_customers, row.at_stake) for row in found.rows}
    should = {
        ids[key]: (oracle.minor(held), *rest, round(max(0, oracle.minor(held)) * 0.154))
        for key, (held, *rest) in each.items()
    }
    index = sum((held / sum(above)) ** 2 for held in above)
    return (found.net, rows, round(found.herfindahl or 0, 9)), (oracle.minor(net), should, round(index, 9))


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("mutant", [None, *MUTANTS])
async def test_what_is_worked_out_otherwise_is_noticed(
    ground: Ground, mutant: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mutant is not None:
        plant(monkeypatch, MUTANTS[mutant])
    world = await build_world(ground)

    try:
        async with aclosing(differences(ground, world, history())) as found:
            first = await anext(found, None)
    except IndexError as error:  # a month that there is no place for
        first = repr(error)

    assert (first is not None) is (mutant is not None), first


def test_the_history_begins_where_the_limits_need_it() -> None:
    assert (ON - history()[0].on).days == 90
    assert (BEGIN.year, BEGIN.month) < MONTHS[0]
