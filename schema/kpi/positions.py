"""Where a guide stands among the others, in GraphQL: nobody else is named."""

from datetime import date

import strawberry

from kpi.models.definitions import DEFINITIONS, Figure
from kpi.models.exact import shown
from kpi.queries import ranking
from kpi.queries.ranking import Position
from schema.context import Info
from schema.fields import field
from schema.kpi.types import days_of


@strawberry.type(description="A guide's value, and its place among all guides who have one; nobody else's is shown.")
class KpiStanding:
    value: float | None = strawberry.field(description="As `KpiValue.value`.")
    position: int | None = strawberry.field(description="From 1 on, the most first; null without a value.")
    of: int = strawberry.field(description="How many guides have a value.")


@strawberry.type(description="How a guide stands.")
class KpiMyPosition:
    in_store: KpiStanding = strawberry.field(description="In their store, by what was done there.")
    in_brand: KpiStanding = strawberry.field(description="In the brand, by all that they did.")


@strawberry.type
class PositionQueries:
    @field(
        "How the guide who asks stands in their store and in the brand, by a figure, the most first. Guides who begin "
        "or leave show in the brand after ten seconds at most. `FORBIDDEN` for everybody but guides; `INVALID` unless "
        "the range is 1 to 366 days."
    )
    async def kpi_my_position(self, info: Info, figure: Figure, from_day: date, until_day: date) -> KpiMyPosition:
        days = days_of(from_day, until_day)
        async with info.context.read() as session:
            own = await ranking.own(session, info.context.actor, figure, days)
        return KpiMyPosition(in_store=_standing(figure, own.in_store), in_brand=_standing(figure, own.in_brand))


def _standing(figure: Figure, position: Position) -> KpiStanding:
    return KpiStanding(value=shown(DEFINITIONS[figure], position.value), position=position.position, of=position.of)
