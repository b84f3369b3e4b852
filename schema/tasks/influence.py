"""What came of tasks, in GraphQL."""

from datetime import datetime
from typing import Annotated

import strawberry

from schema.context import Info
from schema.fields import question
from schema.problems import Problem
from schema.scalars import Fen
from schema.tasks.tasks import TaskFilter, wanted
from tasks.queries import influence


@strawberry.type(
    description="What came of all tasks that reached somebody: orders influenced by them, never caused. Each order is "
    "counted once."
)
class TaskInfluenceTotal:
    tasks: int = strawberry.field(description="How many tasks reached somebody.")
    orders: int = strawberry.field(description="As for `Task.influence`.")
    amount: Fen = strawberry.field(description="What they amount to, less what was given back on them.")
    currency: str


TaskInfluenceResult = Annotated[TaskInfluenceTotal | Problem, strawberry.union("TaskInfluenceResult")]


@strawberry.type
class InfluenceQueries:
    @question(
        "What came of the tasks in sight that were done from then until then (left out), at most 366 days, and that "
        "the filter lets through: `FORBIDDEN`, `INVALID`."
    )
    async def task_influence(
        self, info: Info, closed_from: datetime, closed_until: datetime, filter: TaskFilter | None = None
    ) -> TaskInfluenceResult:
        actor = info.context.actor
        async with info.context.read() as session:
            total = await influence.total(session, actor, closed_from, closed_until, wanted(filter))
        return TaskInfluenceTotal(
            tasks=total.tasks, orders=total.orders, amount=Fen(total.amount), currency=total.currency
        )
