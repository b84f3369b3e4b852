"""Figures in GraphQL: what the tiles on top of a workbench say."""

import strawberry

from kpi.queries import tiles as figures
from schema.context import Info
from schema.fields import field
from schema.scalars import Fen, shown_as


@strawberry.type(
    description="What was sold in a period of store-local days. Cancelled orders don't count; refunds count on the "
    "day when the money was given back, so that `net` may be below zero."
)
class Figures:
    orders: int = strawberry.field(description="How many orders.")
    gross: Fen = strawberry.field(description="The sum of the orders, in minor units.")
    refunds: Fen = strawberry.field(description="What was given back, in minor units.")
    net: Fen = strawberry.field(description="`gross - refunds`, in minor units.")
    average_basket: Fen | None = strawberry.field(
        description="`gross / orders`, rounded half up to a whole minor unit; null without orders."
    )


@strawberry.type(
    description="Figures by each store's own calendar. A guide's are what was credited to their accounts; managers' "
    "are those of their stores."
)
class Tiles:
    currency: str = strawberry.field(description="ISO 4217, for all amounts.")
    today: Figures = strawberry.field(description="Today, by the calendar on the wall of each store.")
    month: Figures = strawberry.field(description="This calendar month up to today.")
    open_tasks: int = strawberry.field(description="Pending tasks, snoozed ones among them.")
    tasks_due_today: int = strawberry.field(description="Pending tasks that are due by the end of today.")
    tasks_done_today: int = strawberry.field(description="Tasks carried out today.")
    customers_held: int = strawberry.field(description="Relationships in sight.")


@strawberry.type
class KpiQueries:
    @field("Figures of today and of this month for what the viewer answers for.")
    async def tiles(self, info: Info) -> Tiles:
        return await tiles_of(info)


async def tiles_of(info: Info) -> Tiles:
    """The tiles of whoever asks."""
    async with info.context.read() as session:
        return shown_as(Tiles, await figures.tiles(session, info.context.actor))
