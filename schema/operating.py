"""What operators look at in GraphQL: the work that machines do later."""

from datetime import datetime

import strawberry

from kernel import jobs
from kernel.actor import Role
from kernel.errors import Forbidden
from schema.context import Info
from schema.fields import field
from schema.scalars import shown_as


@strawberry.type(description="How the jobs of one name are doing (作业): work that a machine does later.")
class JobFigures:
    name: str
    waiting: int = strawberry.field(description="How many are not done yet, those for a later time included.")
    failed: int = strawberry.field(description="How many were given up after eight attempts.")
    due_since: datetime | None = strawberry.field(
        description="Since when the first that nobody works at should have been done, in UTC; null if none is due."
    )
    last_error: str | None = strawberry.field(description="What one of them ended with last: the kind of error.")


@strawberry.type
class OperatingQueries:
    @field("The brand's jobs that are not done, by name, at most 100 names; for HQ, refused with `FORBIDDEN`.")
    async def job_figures(self, info: Info) -> list[JobFigures]:
        actor = info.context.actor
        if actor.role is not Role.HQ:
            raise Forbidden
        async with info.context.read() as session:
            found = await jobs.figures(session, actor.brand_id)
        return [shown_as(JobFigures, each) for each in found]
