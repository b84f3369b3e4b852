"""What somebody sees first when they open the app."""

import strawberry

import tasks.queries.tasks
from mall.queries import orders
from schema import positions
from schema.context import Info
from schema.fields import field
from schema.kpi import KpiTiles, tiles_of
from schema.mall import Order
from schema.scalars import Cursor, shown_as
from schema.tasks import Task

SHOWN = 20


@strawberry.type(description="What to do now, what was just ordered, and how the day goes (工作台).")
class Workbench:
    cursor: Cursor | None = strawberry.field(
        description="The place in the feeds from before all of this was read: `changes(after:)` from here misses "
        "nothing. Null for a machine, which has no feed."
    )

    @field("The 20 most pressing open tasks that the viewer keeps: highest priority first, then soonest due.")
    async def tasks(self, info: Info) -> list[Task]:
        async with info.context.read() as session:
            rows = await tasks.queries.tasks.most_pressing(session, info.context.actor, SHOWN)
        return shown_as(list[Task], rows)

    @field("The 20 open tasks in sight that came before the manager because they are overdue: longest overdue first.")
    async def escalated(self, info: Info) -> list[Task]:
        async with info.context.read() as session:
            rows = await tasks.queries.tasks.escalated(session, info.context.actor, SHOWN)
        return shown_as(list[Task], rows)

    @field("The 20 newest orders: those that a guide serves, or of the stores that a manager answers for.")
    async def orders(self, info: Info) -> list[Order]:
        async with info.context.read() as session:
            rows = await orders.latest(session, info.context.actor, SHOWN)
        return shown_as(list[Order], rows)

    @field("Figures of today and of this month.")
    async def tiles(self, info: Info) -> KpiTiles:
        return await tiles_of(info)


@strawberry.type
class WorkbenchQueries:
    @field("What the viewer sees first. `changes` then keeps it up to date.")
    async def workbench(self, info: Info) -> Workbench:
        context = info.context
        if not context.actor.is_staff:
            return Workbench(cursor=None)
        # Before anything else is read: a resolver below can only see what is newer.
        async with context.read() as session:
            return Workbench(cursor=await positions.here(session, context.actor))
