"""The whole schema, put together from the domains' parts."""

from strawberry.tools import merge_types

from schema.customers import CustomerMutations, CustomerQueries
from schema.directory import DirectoryMutations, DirectoryQueries
from schema.execution import EXTENSIONS, Schema
from schema.handover import HandoverMutations, HandoverQueries, HandoverSubscriptions
from schema.hooks import HookMutations, HookQueries
from schema.intake import IntakeQueries
from schema.kpi import KpiMutations, KpiQueries, KpiSubscriptions
from schema.live import LiveQueries, LiveSubscriptions
from schema.mall import (
    CatalogueMutations,
    CatalogueQueries,
    CommissionPeriodMutations,
    CommissionPlanMutations,
    CommissionPlanQueries,
    CommissionStatementQueries,
    CreditMutations,
    CreditQueries,
    MallMutations,
    MallQueries,
    MallSettingMutations,
    MallSettingQueries,
    ShareMutations,
    ShareQueries,
)
from schema.operating import OperatingQueries
from schema.scalars import CONFIG
from schema.sharing import SharingExecutor
from schema.sign_in import SignInMutations
from schema.tagging import TaggingMutations, TaggingQueries
from schema.tasks import TaskMutations, TaskQueries
from schema.workbench import WorkbenchMutations, WorkbenchQueries

Query = merge_types(
    "Query",
    (
        WorkbenchQueries,
        DirectoryQueries,
        CustomerQueries,
        MallQueries,
        MallSettingQueries,
        ShareQueries,
        CreditQueries,
        CatalogueQueries,
        CommissionPlanQueries,
        CommissionStatementQueries,
        IntakeQueries,
        HookQueries,
        TaggingQueries,
        TaskQueries,
        LiveQueries,
        KpiQueries,
        HandoverQueries,
        OperatingQueries,
    ),
)
Mutation = merge_types(
    "Mutation",
    (
        SignInMutations,
        DirectoryMutations,
        CustomerMutations,
        MallMutations,
        MallSettingMutations,
        ShareMutations,
        CreditMutations,
        CatalogueMutations,
        CommissionPlanMutations,
        CommissionPeriodMutations,
        HookMutations,
        TaggingMutations,
        TaskMutations,
        WorkbenchMutations,
        HandoverMutations,
        KpiMutations,
    ),
)
Subscription = merge_types("Subscription", (LiveSubscriptions, HandoverSubscriptions, KpiSubscriptions))

schema = Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=CONFIG,
    extensions=EXTENSIONS,
    execution_context_class=SharingExecutor,
)
