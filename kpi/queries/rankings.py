"""Who and what brings the money: customers in A, B and C, countries, stores, guides."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from kpi.queries.basis import Basis, Parts, Return, Sale


def spent(basis: Basis) -> Counter[UUID]:
    """What each customer has bought, in millionths."""
    totals: Counter[UUID] = Counter()
    for sale in basis.sales:
        if sale.customer is not None:
            totals[sale.customer] += sale.amount
    return totals


def given_back(basis: Basis) -> Counter[UUID]:
    """What each customer has got back, in millionths; only customers with an order."""
    totals: Counter[UUID] = Counter()
    for refund in basis.returns:
        if refund.customer is not None and refund.customer in basis.members:
            totals[refund.customer] += refund.amount
    return totals


def pyramid(amounts: Mapping[UUID, int], members: Mapping[UUID, str]) -> tuple[dict[str, Any], dict[UUID, str]]:
    """A = the first fifth of the customers, B = up to the half, C = the rest, by amount; and each one's letter.

    Sizes are rounded up; ties go by member number, as a number where it is one.
    """
    ordered = sorted(amounts, key=lambda customer: (-amounts[customer], *member_order(members[customer])))
    first, second = -(-len(ordered) // 5), -(-len(ordered) // 2)
    groups = {"A": ordered[:first], "B": ordered[first:second], "C": ordered[second:]}
    total = sum(amounts.values())
    result: dict[str, Any] = {}
    for letter, group in groups.items():
        amount = sum(amounts[customer] for customer in group)
        result[letter] = {
            "customers": len(group),
            "amount": amount,
            "share": round(amount / total, 6) if total else None,
        }
    result["cut_A_B"] = amounts[ordered[first - 1]] if ordered else None
    result["cut_B_C"] = amounts[ordered[second - 1]] if ordered else None
    return result, {customer: letter for letter, group in groups.items() for customer in group}


def member_order(number: str) -> tuple[bool, int, str]:
    plain = number.isascii() and number.isdigit()
    return (not plain, int(number) if plain else 0, number)


def countries(basis: Basis) -> list[dict[str, Any]]:
    """Countries by gross, guests included; a customer who buys from two countries counts in both."""
    gross, orders = Counter[str](), Counter[str]()
    buyers: dict[str, set[UUID]] = defaultdict(set)
    for sale in basis.sales:
        if sale.country is not None:
            gross[sale.country] += sale.amount
            orders[sale.country] += 1
            if sale.customer is not None:
                buyers[sale.country].add(sale.customer)
    ordered = sorted(gross, key=lambda country: (-gross[country], country))
    return [
        {"country": name, "gross": gross[name], "orders": orders[name], "customers": len(buyers[name])}
        for name in ordered
    ]


def stores(basis: Basis) -> list[dict[str, Any]]:
    """Stores by the gross of their customers; guests, and refunds of people without an order, left out."""
    return _ranked(basis, "store", lambda row: ((row.store, row.amount),))


def guides(basis: Basis, limit: int) -> list[dict[str, Any]]:
    """Guides by what is credited to them, less the refunds that they bear."""
    return _ranked(basis, "guide", lambda row: row.guides)[:limit]


def _ranked(basis: Basis, title: str, parts_of: Callable[[Sale | Return], Parts]) -> list[dict[str, Any]]:
    gross, orders, refunds = Counter[str](), Counter[str](), Counter[str]()
    buyers: dict[str, set[UUID]] = defaultdict(set)
    for sale in basis.sales:
        if sale.customer is None:
            continue
        for name, amount in parts_of(sale):
            gross[name] += amount
            orders[name] += 1
            buyers[name].add(sale.customer)
    for refund in basis.returns:
        if refund.customer in basis.members:
            for name, amount in parts_of(refund):
                refunds[name] += amount
    ordered: Sequence[str] = sorted({*gross, *refunds}, key=lambda name: (-gross[name], name))
    return [
        {
            title: name,
            "customers": len(buyers[name]),
            "orders": orders[name],
            "gross": gross[name],
            "refunds": refunds[name],
            "net": gross[name] - refunds[name],
        }
        for name in ordered
    ]
