"""Every table there is, in one import: for migrations, and for tests that build a database."""

from sqlmodel import SQLModel

import customers.models
import directory.models
import handover.models
import intake.models
import kernel.audit
import kernel.feed
import kernel.idempotency
import kernel.jobs
import kpi.models
import mall.models
import tagging.models
import tasks.models

METADATA = SQLModel.metadata
MODULES = (
    kernel.audit,
    kernel.feed,
    kernel.idempotency,
    kernel.jobs,
    directory.models,
    customers.models,
    mall.models,
    intake.models,
    tagging.models,
    tasks.models,
    handover.models,
    kpi.models,
)
