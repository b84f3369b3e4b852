"""Tasks, revisit rules, plans and campaigns in GraphQL."""

import strawberry

from schema.tasks.campaigns import CampaignMutations, CampaignQueries
from schema.tasks.influence import InfluenceQueries
from schema.tasks.many import ManyTaskMutations
from schema.tasks.plans import PlanQueries
from schema.tasks.rules import RuleMutations, RuleQueries
from schema.tasks.settings import SettingMutations, SettingQueries
from schema.tasks.tasks import SingleTaskMutations, SingleTaskQueries
from schema.tasks.types import Task, task_of


@strawberry.type
class TaskQueries(SingleTaskQueries, InfluenceQueries, RuleQueries, SettingQueries, CampaignQueries, PlanQueries):
    """All that can be asked about tasks."""


@strawberry.type
class TaskMutations(SingleTaskMutations, ManyTaskMutations, RuleMutations, SettingMutations, CampaignMutations):
    """All that can be changed about tasks."""


__all__ = ["Task", "TaskMutations", "TaskQueries", "task_of"]
