"""Tasks, the rules and campaigns that make them, plans, and workbenches."""

from tasks.models.campaigns import Campaign, CampaignAim, CampaignRecipient, CampaignState, CampaignStore
from tasks.models.plans import PlanCandidate, PlanRun, Verdict
from tasks.models.rules import KIND_OF, PlanSetting, RevisitRule, RevisitRuleState, Trigger
from tasks.models.tasks import (
    CONTACTS,
    Outcome,
    SkipReason,
    StepKind,
    Task,
    TaskKind,
    TaskSource,
    TaskState,
    TaskStep,
)
from tasks.models.workbench import WorkbenchDefault, WorkbenchLayout

__all__ = [
    "CONTACTS",
    "KIND_OF",
    "Campaign",
    "CampaignAim",
    "CampaignRecipient",
    "CampaignState",
    "CampaignStore",
    "Outcome",
    "PlanCandidate",
    "PlanRun",
    "PlanSetting",
    "RevisitRule",
    "RevisitRuleState",
    "SkipReason",
    "StepKind",
    "Task",
    "TaskKind",
    "TaskSource",
    "TaskState",
    "TaskStep",
    "Trigger",
    "Verdict",
    "WorkbenchDefault",
    "WorkbenchLayout",
]
