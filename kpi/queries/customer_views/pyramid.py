"""Customers by what they bring: the first fifth of them is A, up to the half B, the rest C."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, String, and_, case, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlmodel import col

from customers.models import Customer
from customers.policy import visible_to
from kernel.actor import Actor
from kernel.pages import Key, Page, paged
from kpi.queries.customer_views import amounts
from kpi.queries.customer_views.purchases import Query, Reach, require_day, rounded, values
from kpi.queries.scoping import Scope

_LONGEST_NUMBER = 64
_ZEROS = "0" * _LONGEST_NUMBER


class Letter(StrEnum):
    """A is the first fifth of the customers, B those up to the half, C the rest; both sizes are rounded up."""

    A = "A"
    B = "B"
    C = "C"


class Worth(StrEnum):
    """By what customers are sorted: what they bought, or that less what they got back."""

    GROSS = "gross"
    NET = "net"


@dataclass(frozen=True, slots=True)
class Wanted:
    """By what, and from which day on; none is since the first order. Raises `INVALID` for a day that no shop has."""

    worth: Worth = Worth.GROSS
    from_day: date | None = None

    def __post_init__(self) -> None:
        require_day("fromDay", self.from_day)


@dataclass(frozen=True, slots=True)
class Group:
    """Customers of one letter. `share` is their part of the amount of all; none where all come to nothing."""

    letter: Letter
    customers: int
    amount: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Pyramid:
    """Amounts are in minor units. The cuts are the amounts of the last A and of the last B; none without customers."""

    on: date
    currency: str
    customers: int
    amount: int
    groups: list[Group]
    cut_a_b: int | None
    cut_b_c: int | None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A customer in the pyramid: how many bring more, and one; and where the list goes on behind them."""

    customer_id: UUID
    amount: int
    rank: int
    place: tuple[int, str]


class by_code_points(FunctionElement[str]):  # noqa: N801 - a function, as SQLAlchemy writes them
    """A text that is compared as Python compares it, whatever the database's language."""

    type = String()
    inherit_cache = True
    name = "by_code_points"


@compiles(by_code_points)
def _plain(element: by_code_points, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(by_code_points, "postgresql")
def _collated(element: by_code_points, compiler: SQLCompiler, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)}) COLLATE "C"'


async def pyramid(session: AsyncSession, scope: Scope, reach: Reach, wanted: Wanted) -> Pyramid:
    """The groups of all customers with an order on these days.

    Who of those with the same amount comes first changes neither the groups' amounts nor the cuts.
    """
    each = _spent(scope, reach, wanted)
    place = func.row_number().over(order_by=each.c.amount.desc())
    ranked = select(each.c.amount, letter_of(place, func.count().over()).label("letter")).cte("ranked")
    found = await session.execute(
        select(
            ranked.c.letter,
            func.count().label("customers"),
            func.sum(ranked.c.amount).label("amount"),
            func.min(ranked.c.amount).label("cut"),
        ).group_by(ranked.c.letter),
        values(scope),
    )
    return _told(reach, {Letter(row.letter): row for row in found})


async def customers(
    session: AsyncSession,
    actor: Actor,
    scope: Scope,
    reach: Reach,
    wanted: Wanted,
    letter: Letter,
    page: Page,
) -> Sequence[Ranked]:
    """The customers of a letter whom the actor sees, and one more if there is a next page.

    The first first: by amount, then by member number, as a number where it is one and before those that are none.
    """
    each = _spent(scope, reach, wanted)
    known = (
        select(each.c.customer_id, each.c.amount, tie(col(Customer.member_number)).label("tie"))
        .join(Customer, and_(col(Customer.brand_id) == scope.brand_id, col(Customer.id) == each.c.customer_id))
        .cte("known")
    )
    place = func.row_number().over(order_by=(known.c.amount.desc(), known.c.tie))
    numbered = select(known, place.label("place"), func.count().over().label("many")).cte("numbered")
    shown: Query = (
        select(numbered.c.customer_id, numbered.c.amount, numbered.c.place, numbered.c.tie)
        .join(Customer, col(Customer.id) == numbered.c.customer_id)
        .where(visible_to(actor), letter_of(numbered.c.place, numbered.c.many) == letter)
    )
    keys = (Key(numbered.c.amount, descending=True), Key(numbered.c.tie))
    found = await session.execute(paged(shown, page, *keys), values(scope))
    return [
        Ranked(row.customer_id, rounded(row.amount, reach.scale), row.place, (row.amount, row.tie)) for row in found
    ]


def letter_of(place: Any, many: Any) -> ColumnElement[str]:
    """The letter of whoever is on that place, from 1, of so many."""
    return case(
        (place <= (many + 4) // 5, literal(Letter.A.value)),
        (place <= (many + 1) // 2, literal(Letter.B.value)),
        else_=literal(Letter.C.value),
    )


def tie(number: Any) -> ColumnElement[str]:
    """What member numbers are sorted by: numbers by their value, before texts; `rankings.member_order` in SQL."""
    is_number = and_(func.ltrim(number, "0123456789") == "", number != "")
    filled = func.substr(literal(_ZEROS).concat(number), func.length(number) + 1, _LONGEST_NUMBER)
    numbers, texts = literal("0").concat(filled).concat(number), literal("1").concat(number)
    return by_code_points(case((is_number, numbers), else_=texts))


def _spent(scope: Scope, reach: Reach, wanted: Wanted) -> CTE:
    after = None if wanted.from_day is None else wanted.from_day - timedelta(days=1)
    return amounts.spent(amounts.moves(scope, reach.scale, after, reach.on, with_refunds=wanted.worth is Worth.NET))


def _told(reach: Reach, found: dict[Letter, Any]) -> Pyramid:
    total = sum(int(row.amount) for row in found.values())
    groups = []
    for letter in Letter:
        row = found.get(letter)
        amount = int(row.amount) if row else 0
        share = amount / total if total else None
        groups.append(Group(letter, row.customers if row else 0, rounded(amount, reach.scale), share))
    # One customer is A alone, and the last of the first half too.
    last_a, last_b = found.get(Letter.A), found.get(Letter.B) or found.get(Letter.A)
    return Pyramid(
        reach.on,
        reach.currency,
        sum(group.customers for group in groups),
        rounded(total, reach.scale),
        groups,
        rounded(int(last_a.cut), reach.scale) if last_a else None,
        rounded(int(last_b.cut), reach.scale) if last_b else None,
    )
