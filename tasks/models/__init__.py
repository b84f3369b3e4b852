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
from tasks.models.workbench import (
    BUILT_IN,
    FILTERED,
    STAFF_ROLES,
    Card,
    PlacedCard,
    WorkbenchDefault,
    WorkbenchLayout,
    laid_out,
    restored,
    stored,
)

__all__ = [
    "BUILT_IN",
    "CONTACTS",
    "FILTERED",
    "KIND_OF",
    "STAFF_ROLES",
    "Campaign",
    "CampaignAim",
    "CampaignRecipient",
    "CampaignState",
    "CampaignStore",
    "Card",
    "Outcome",
    "PlacedCard",
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
    "laid_out",
    "restored",
    "stored",
]
