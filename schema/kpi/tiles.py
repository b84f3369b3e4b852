"""How the day and the month go, in GraphQL."""

import strawberry

from kpi.queries.tiles import tiles
from schema.context import Info
from schema.fields import field
from schema.scalars import Fen, shown_as


@strawberry.type(description="What was sold in a period. Cancelled orders don't count.")
class Figures:
    orders: int = strawberry.field(description="Orders that are paid for and not cancelled.")
    gross: Fen = strawberry.field(description="The amounts of the orders.")
    refunds: Fen = strawberry.field(description="Given back in the period, whenever the orders were placed.")
    net: Fen = strawberry.field(description="Gross without refunds; may be below zero.")
    average_basket: Fen | None = strawberry.field(description="Gross per order, rounded half up; null without orders.")


@strawberry.type(
    description="How the day and the month go, by each store's own calendar: for a guide the orders credited to them, "
    "the refunds they bear and what they keep; for managers their stores; for HQ the brand."
)
class KpiTiles:
    currency: str = strawberry.field(description="Of all amounts: three letters, ISO 4217.")
    today: Figures = strawberry.field(description="From midnight on.")
    month: Figures = strawberry.field(description="From the first of the month up to today.")
    open_tasks: int = strawberry.field(description="Tasks that are still to be done, whenever they are due.")
    tasks_due_today: int = strawberry.field(description="Open tasks due by the end of today, overdue ones included.")
    tasks_done_today: int = strawberry.field(description="Tasks that were done today, whenever they were due.")
    customers_held: int = strawberry.field(description="Relationships that are held.")


@strawberry.type
class TileQueries:
    @field("How the day and the month go for the viewer: `FORBIDDEN` for a machine without `reports:read`.")
    async def kpi_tiles(self, info: Info) -> KpiTiles:
        return await tiles_of(info)


async def tiles_of(info: Info) -> KpiTiles:
    """The tiles of whoever asks."""
    async with info.context.read() as session:
        return shown_as(KpiTiles, await tiles(session, info.context.actor))
