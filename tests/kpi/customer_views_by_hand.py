"""What the views of customers say of purchases, worked out in plain Python: nothing shared with the product."""

import math
from collections.abc import Callable, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any, Protocol, TypeVar

from tests.kpi.customer_histories import MILLIONTHS, NUMBERS, Deal, holder


class Dealt(Protocol):
    """What the views are worked out from; `exact` is in millionths, below zero for what was given back."""

    @property
    def customer(self) -> int: ...
    @property
    def on(self) -> date: ...
    @property
    def exact(self) -> int: ...
    @property
    def is_refund(self) -> bool: ...
    @property
    def stands(self) -> bool: ...


Each = TypeVar("Each", bound=Dealt)
Mine = Callable[[Each], bool]
Worth = Callable[[Each], int]


def days_of(deals: Sequence[Each], mine: Mine[Each], on: date) -> dict[int, list[date]]:
    """Each customer's purchase days, one for each order."""
    found: dict[int, list[date]] = {}
    for deal in deals:
        if mine(deal) and deal.stands and not deal.is_refund and deal.on <= on:
            found.setdefault(deal.customer, []).append(deal.on)
    return found


def flow(deals: Sequence[Each], mine: Mine[Each], months: Sequence[tuple[int, int]]) -> list[tuple[Any, ...]]:
    """Month, active, new, new to the brand, retained, returned, lapsed from the previous month."""
    here = _months(days_of(deals, mine, date.max))
    brand = _months(days_of(deals, lambda _deal: True, date.max))
    rows = []
    for month in months:
        before = (month[0], month[1] - 1) if month[1] > 1 else (month[0] - 1, 12)
        active = {who for who, seen in here.items() if month in seen}
        new = {who for who in active if min(here[who]) == month}
        retained = {who for who in active if before in here[who]}
        gone = {who for who, seen in here.items() if before in seen and month not in seen}
        to_brand = {who for who in new if min(brand[who]) == month}
        returned = active - new - retained
        sizes = [len(each) for each in (active, new, to_brand, retained, returned, gone)]
        rows.append((date(*month, 1), *sizes))
    return rows


def cohorts(deals: Sequence[Each], mine: Mine[Each], months: Sequence[tuple[int, int]]) -> dict[date, list[int]]:
    here = _months(days_of(deals, mine, date.max))
    rows = {}
    for place, month in enumerate(months):
        members = [seen for seen in here.values() if min(seen) == month]
        if members:
            rows[date(*month, 1)] = [sum(later in seen for seen in members) for later in months[place:]]
    return rows


def _months(days: dict[int, list[date]]) -> dict[int, set[tuple[int, int]]]:
    return {who: {(day.year, day.month) for day in found} for who, found in days.items()}


def lapsed(deals: Sequence[Each], mine: Mine[Each], on: date) -> list[tuple[int, int, int]]:
    silent = [(on - max(days)).days for days in days_of(deals, mine, on).values()]
    return [
        (limit, sum(days > limit for days in silent), sum(days >= limit for days in silent))
        for limit in (30, 60, 90, 180, 365)
    ]


def repeat(deals: Sequence[Each], mine: Mine[Each], on: date) -> tuple[int, int, int]:
    days = days_of(deals, mine, on).values()
    return len(days), sum(len(each) > 1 for each in days), sum(len(set(each)) > 1 for each in days)


def gaps(deals: Sequence[Each], mine: Mine[Each], on: date) -> list[tuple[Any, ...]]:
    each = [
        [(later - earlier).days for earlier, later in pairwise(sorted(set(days)))]
        for days in days_of(deals, mine, on).values()
    ]
    return [spread([gap for found in each for gap in found]), spread([median(found) for found in each if found])]


def spread(values: Sequence[float]) -> tuple[Any, ...]:
    if not values:
        return (0, None, None, None, None)
    ordered = sorted(values)

    def quartile(share: float) -> float:
        place = (len(ordered) - 1) * share
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

    mean = float(sum(map(Fraction, ordered), Fraction(0)) / len(ordered))
    return (len(ordered), mean, float(median(ordered)), quartile(0.25), quartile(0.75))


def ranked(
    deals: Sequence[Each],
    mine: Mine[Each],
    worth: Worth[Each],
    first: date,
    on: date,
    number_of: Callable[[int], str] = NUMBERS.__getitem__,
) -> list[tuple[int, int]]:
    """Customers with an order on these days and what they come to, in the pyramid's order."""
    amounts: dict[int, int] = {}
    buyers = set()
    for deal in deals:
        if mine(deal) and deal.stands and first <= deal.on <= on:
            amounts[deal.customer] = amounts.get(deal.customer, 0) + worth(deal)
            if not deal.is_refund:
                buyers.add(deal.customer)

    def order(customer: int) -> tuple[Any, ...]:
        number = number_of(customer)
        is_number = number.isascii() and number.isdigit()
        return (-amounts[customer], not is_number, int(number) if is_number else 0, number)

    return [(customer, amounts[customer]) for customer in sorted(buyers, key=order)]


def letters(customers: Sequence[tuple[int, int]]) -> dict[str, list[tuple[int, int]]]:
    top, half = math.ceil(Fraction(2, 10) * len(customers)), math.ceil(Fraction(5, 10) * len(customers))
    return {"A": list(customers[:top]), "B": list(customers[top:half]), "C": list(customers[half:])}


def minor(exact: int) -> int:
    """Fen, a half away from zero."""
    fen = math.floor(Fraction(abs(exact), MILLIONTHS) + Fraction(1, 2))
    return fen if exact >= 0 else -fen


def concentration(
    deals: Sequence[Deal], mine: Mine[Deal], after: date, on: date
) -> tuple[int, dict[Any, tuple[int, int, int]]]:
    """The net of all, and of each guide, by store and number, the net, customers and A customers."""
    these = [deal for deal in deals if mine(deal) and deal.stands and after < deal.on <= on]
    best = {who for who, _ in letters(ranked(these, mine, lambda deal: deal.exact, date.min, on))["A"]}
    guides: dict[Any, tuple[int, int, int]] = {}
    for store in range(3):
        for guide in range(2):
            theirs = [deal for deal in these if deal.store == store and holder(deal.customer, store) == guide]
            bought = {deal.customer for deal in theirs if not deal.is_refund}
            if theirs:
                guides[store, guide] = (sum(deal.exact for deal in theirs), len(bought), len(bought & best))
    return sum(deal.exact for deal in these), guides
