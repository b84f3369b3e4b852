"""Tasks, revisit rules, plans and campaigns in GraphQL."""

import strawberry

from schema.tasks.campaigns import CampaignMutations, CampaignQueries
from schema.tasks.tasks import SingleTaskMutations, SingleTaskQueries, Task, task_of


@strawberry.type
class TaskQueries(SingleTaskQueries, CampaignQueries):
    """All that can be asked about tasks."""


@strawberry.type
class TaskMutations(SingleTaskMutations, CampaignMutations):
    """All that can be changed about tasks."""


__all__ = ["Task", "TaskMutations", "TaskQueries", "task_of"]
