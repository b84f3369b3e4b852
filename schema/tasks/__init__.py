"""Tasks, revisit rules, plans and campaigns in GraphQL."""

import strawberry

from schema.tasks.influence import InfluenceQueries
from schema.tasks.many import ManyTaskMutations
from schema.tasks.tasks import SingleTaskMutations, SingleTaskQueries
from schema.tasks.types import Task, task_of


@strawberry.type
class TaskQueries(SingleTaskQueries, InfluenceQueries):
    """All that can be asked about tasks."""


@strawberry.type
class TaskMutations(SingleTaskMutations, ManyTaskMutations):
    """All that can be changed about tasks."""


__all__ = ["Task", "TaskMutations", "TaskQueries", "task_of"]
