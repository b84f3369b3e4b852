"""A figure over time as a chart shows it, with the same of the period before beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy.ext.asyncio import AsyncSession

from directory.queries import regions, staff, stores
from kernel.actor import Actor
from kernel.errors import Invalid
from kpi.models import Days, Grain, Span
from kpi.models.definitions import DEFINITIONS, Definition, Figure, Sums
from kpi.models.periods import before, begin_of
from kpi.queries import naming, reading
from kpi.queries.scoping import Asked, scope

Values = Sequence[Fraction | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure's values by the first days of their steps; `name` and `code` are of what is asked for, if it has one.

    `earlier` are those of the period before, in their order and as many, or none where nobody asked.
    """

    definition: Definition
    currency: str
    begins: Sequence[date]
    values: Values
    earlier: Values | None
    name: str
    code: str


async def chart(
    session: AsyncSession, actor: Actor, asked: Asked, days: Days, figure: Figure, step: Span, *, compares: bool
) -> Chart:
    """A figure of what is asked for, as far as the actor sees it, by days, weeks or months.

    The range may cut the outer weeks and months: these are of the days within it. `FORBIDDEN`, `NOT_FOUND`; `INVALID`
    with a channel or source that the figure isn't told apart by.
    """
    definition = DEFINITIONS[figure]
    if not asked.channel is asked.source is None and not definition.is_sales:
        raise Invalid(
            field="figure", reason="not told apart by channel and source.", reason_zh="此指标不按渠道或来源区分。"
        )
    its = await scope(session, actor, asked, Grain.STORE)
    begins = _begins(days, step)
    values = _values(definition, step, begins, await reading.series(session, its, step, days, definition.columns))
    earlier: list[Fraction | None] | None = None
    if compares:
        was = before(days)
        found = await reading.series(session, its, step, was, definition.columns)
        earlier = _values(definition, step, _begins(was, step), found)[: len(begins)]
        earlier += [None] * (len(begins) - len(earlier))
    name, code = await _named(session, actor, asked)
    return Chart(definition, await naming.currency_of(session, actor.brand_id), begins, values, earlier, name, code)


def _begins(days: Days, step: Span) -> list[date]:
    return sorted({begin_of(day, step) for day in days})


def _values(
    definition: Definition, step: Span, begins: Sequence[date], found: Mapping[date, Sums]
) -> list[Fraction | None]:
    """Nothing at all is none of what adds up; of weeks and months that aren't whole nobody knows how many people."""
    unknown = definition.is_distinct and step is not Span.DAY
    return [
        None if unknown and definition.plus not in found.get(begin, {}) else definition.of(found.get(begin, {}))
        for begin in begins
    ]


async def _named(session: AsyncSession, actor: Actor, asked: Asked) -> tuple[str, str]:
    """What is asked for by its name, and by its code or number."""
    if asked.staff_id is not None:
        person = (await staff.by_ids(session, actor, [asked.staff_id])).get(asked.staff_id)
        return (person.name, person.number) if person else ("", "")
    if asked.store_id is not None:
        store = (await stores.by_ids(session, actor, [asked.store_id])).get(asked.store_id)
        return (store.name, store.code) if store else ("", "")
    if asked.region_id is not None:
        region = (await regions.by_ids(session, actor, [asked.region_id])).get(asked.region_id)
        return (region.name, region.code) if region else ("", "")
    return "", ""
