"""What figures are, in GraphQL: names, units, formulas and caveats come from the registry alone."""

from collections.abc import Sequence
from datetime import date
from typing import cast

import strawberry
from strawberry.types.enum import StrawberryEnumDefinition

from kpi.models import Days, Span
from kpi.models.definitions import DEFINITIONS, SMALL_SAMPLE, Definition, Figure, Sums, Unit
from kpi.models.exact import shown
from kpi.queries.looking import Value, value_of
from kpi.queries.scoping import Asked
from schema.mall import Channel
from schema.scalars import given_id

strawberry.enum(
    Unit,
    name="KpiUnit",
    description="What a figure counts in: things, the currency's minor unit (分), a share from 0 to 1, or seconds.",
)
strawberry.enum(
    Span, name="KpiSpan", description="A day, a week from Monday on, or a calendar month, of each store's own calendar."
)
strawberry.enum(Figure, name="KpiFigure", description="The figures there are for days of stores and guides.")


def _said_of(definition: Definition) -> str:
    """All that the registry says of a figure, as a description."""
    caveat = f" {definition.caveat}" if definition.caveat else ""
    return (
        f"{definition.name} ({definition.name_zh}), {definition.unit}: {definition.means}{caveat} "
        f"`{definition.formula}`, from {', '.join(f'`{table}`' for table in definition.tables)}."
    )


_ENUM = cast(StrawberryEnumDefinition, Figure.__strawberry_definition__)  # type: ignore[attr-defined]  # set above
for _value in _ENUM.values:
    _value.description = _said_of(DEFINITIONS[Figure(_value.value)])


@strawberry.type(description="What a figure is. `formula` is in the names of the columns that are summed up.")
class KpiDefinition:
    figure: Figure
    name: str = strawberry.field(description="In English.")
    name_zh: str = strawberry.field(description="In Chinese.")
    unit: Unit
    means: str = strawberry.field(description="What is counted.")
    formula: str = strawberry.field(description="Columns of the rows of days, summed up before anything is divided.")
    tables: list[str] = strawberry.field(description="From which it is counted.")
    caveat: str | None = strawberry.field(description="What is easily misread, if anything.")
    is_sales: bool = strawberry.field(description="Whether it can be asked for by channel and source.")


@strawberry.type(description="A figure of some days.")
class KpiValue:
    figure: Figure
    value: float | None = strawberry.field(
        description="In the figure's unit: money in whole minor units and seconds in whole ones, rounded half up; "
        "shares from 0 to 1; counts as they are, and where they are for each of something, as near as a float comes. "
        "Money may be below 0. Null where it would be a part of nothing."
    )
    sample: int | None = strawberry.field(
        description="Of how many it is a share or an average; null for figures that are sums."
    )
    is_small: bool = strawberry.field(
        description=f"Whether that is fewer than {SMALL_SAMPLE}: too few to judge anybody by."
    )


@strawberry.type(description="The figures of a day, week or month, as far as it lies in the range.")
class KpiPoint:
    first_day: date = strawberry.field(description="The first of these days that is in the range.")
    last_day: date = strawberry.field(description="The last of these days that is in the range.")
    figures: list[KpiValue] = strawberry.field(description="Those asked for, in their order.")


def value(of: Value) -> KpiValue:
    return KpiValue(figure=of.figure, value=shown(of.definition, of.value), sample=of.sample, is_small=of.is_small)


def values(figures: Sequence[Figure], sums: Sums) -> list[KpiValue]:
    return [value(value_of(figure, sums)) for figure in figures]


def asked_of(
    region_id: strawberry.ID | None = None,
    store_id: strawberry.ID | None = None,
    staff_id: strawberry.ID | None = None,
    channel: Channel | None = None,
    source: str | None = None,
) -> Asked:
    """What figures are asked of. A malformed id is the id of nothing: `NOT_FOUND`."""
    return Asked(given_id(region_id), given_id(store_id), given_id(staff_id), channel and channel.value, source)


def days_of(from_day: date, until_day: date) -> Days:
    """The range; `INVALID` unless it is 1 to 366 days."""
    return Days(from_day, until_day)


def once(figures: Sequence[Figure]) -> tuple[Figure, ...]:
    """Each once, in their order, however often it was named."""
    return tuple(dict.fromkeys(figures))
