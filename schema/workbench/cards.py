"""What somebody sees first when they open the app."""

from collections.abc import Callable
from typing import TypeVar

import strawberry

import tasks.queries.tasks
from mall.models import ChurnRisk, OrderState
from mall.queries import orders
from schema import positions
from schema.context import Info
from schema.customers import Customer
from schema.fields import field
from schema.kpi import KpiTiles, tiles_of
from schema.mall import Order
from schema.scalars import Cursor, shown_as
from schema.tasks import Task
from schema.workbench.layout import WorkbenchLayout
from tasks.models import Card, TaskKind
from tasks.queries import workbench as queries

SHOWN = 20
Word = TypeVar("Word")


@strawberry.type(description="What to do now, what was just ordered, and how the day goes (工作台).")
class Workbench:
    cursor: Cursor | None = strawberry.field(
        description="The place in the feeds from before all of this was read: `changes(after:)` from here misses "
        "nothing. Null for a machine, which has no feed."
    )
    laid_out: strawberry.Private[queries.Layout | None]

    @field("Which cards the viewer sees, in which order; null for a machine.")
    async def layout(self) -> WorkbenchLayout | None:
        return shown_as(WorkbenchLayout, self.laid_out)

    @field(
        "The 20 most pressing open tasks that the viewer keeps: highest priority first, then soonest due. Without "
        "`kinds`, of those that the viewer's card is narrowed down to."
    )
    async def tasks(self, info: Info, kinds: list[TaskKind] | None = None) -> list[Task]:
        return await _tasks(info, kinds if kinds is not None else self._only(Card.TASKS, TaskKind))

    @field("The 20 open tasks in sight that came before the manager because they are overdue: longest overdue first.")
    async def escalated(self, info: Info) -> list[Task]:
        async with info.context.read() as session:
            rows = await tasks.queries.tasks.escalated(session, info.context.actor, SHOWN)
        return shown_as(list[Task], rows)

    @field("The 20 most pressing open tasks of campaigns that the viewer keeps.")
    async def campaigns(self, info: Info) -> list[Task]:
        return await _tasks(info, [TaskKind.CAMPAIGN])

    @field("The 20 most pressing tags that the viewer is to check.")
    async def tag_checks(self, info: Info) -> list[Task]:
        return await _tasks(info, [TaskKind.CHECK_TAG])

    @field(
        "The 20 newest orders: those that a guide serves, or of the stores that a manager answers for. Without "
        "`states`, of those that the viewer's card is narrowed down to."
    )
    async def orders(self, info: Info, states: list[OrderState] | None = None) -> list[Order]:
        wanted = states if states is not None else self._only(Card.ORDERS, OrderState)
        async with info.context.read() as session:
            rows = await orders.latest(session, info.context.actor, SHOWN, wanted)
        return shown_as(list[Order], rows)

    @field(
        "The 20 customers of the viewer's with the most value at risk, most first, as of last night; without those who "
        "want to be left alone. Without `risks`, of those that the viewer's card is narrowed down to. Changes don't "
        "tell of it: ask when you show it."
    )
    async def customers_at_risk(self, info: Info, risks: list[ChurnRisk] | None = None) -> list[Customer]:
        wanted = risks if risks is not None else self._only(Card.CUSTOMERS_AT_RISK, ChurnRisk)
        async with info.context.read() as session:
            rows = await queries.at_risk(session, info.context.actor, wanted, SHOWN)
        return shown_as(list[Customer], rows)

    @field(
        "20 customers of the viewer's with a birthday in this month of the store's calendar: the next ones first, then "
        "those whose day has passed; without those who want to be left alone."
    )
    async def birthdays(self, info: Info) -> list[Customer]:
        async with info.context.read() as session:
            rows = await queries.birthdays(session, info.context.actor, SHOWN)
        return shown_as(list[Customer], rows)

    @field("Figures of today and of this month.")
    async def tiles(self, info: Info) -> KpiTiles:
        return await tiles_of(info)

    def _only(self, card: Card, kind: Callable[[str], Word]) -> list[Word]:
        cards = self.laid_out.cards if self.laid_out else ()
        return [kind(word) for placed in cards if placed.card is card for word in placed.only]


async def _tasks(info: Info, kinds: list[TaskKind]) -> list[Task]:
    async with info.context.read() as session:
        rows = await tasks.queries.tasks.most_pressing(session, info.context.actor, SHOWN, kinds)
    return shown_as(list[Task], rows)


@strawberry.type
class CardQueries:
    @field("What the viewer sees first. `changes` then keeps it up to date.")
    async def workbench(self, info: Info) -> Workbench:
        context = info.context
        if not context.actor.is_staff:
            return Workbench(cursor=None, laid_out=None)
        # Before anything else is read: a resolver below can only see what is newer.
        async with context.read() as session:
            cursor = await positions.here(session, context.actor)
            return Workbench(cursor=cursor, laid_out=await queries.of_actor(session, context.actor))
