"""A figure over time as a chart shows it, with the same of the period before beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sqlalchemy.ext.asyncio import AsyncSession

from directory.queries import regions, staff, stores
from kernel.actor import Actor
from kpi.models import Days, Span
from kpi.models.definitions import DEFINITIONS, Definition, Figure
from kpi.models.periods import before
from kpi.queries import looking, naming
from kpi.queries.scoping import Asked

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

    As `looking.series` has it, and with what that raises.
    """
    points = await looking.series(session, actor, asked, step, days, [figure])
    earlier: list[Fraction | None] | None = None
    if compares:
        was = await looking.series(session, actor, asked, step, before(days), [figure])
        earlier = [point.values[0].value for point in was[: len(points)]]
        earlier += [None] * (len(points) - len(earlier))
    name, code = await _named(session, actor, asked)
    currency = await naming.currency_of(session, actor.brand_id)
    values = [point.values[0].value for point in points]
    return Chart(DEFINITIONS[figure], currency, [point.first for point in points], values, earlier, name, code)


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
