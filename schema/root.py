"""The whole schema, put together from the domains' parts."""

import strawberry
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.tools import merge_types

from schema.scalars import CONFIG
from schema.tasks import TaskMutations, TaskQueries

Query = merge_types("Query", (TaskQueries,))
Mutation = merge_types("Mutation", (TaskMutations,))

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=CONFIG,
    extensions=[lambda: ParserCache(maxsize=500), lambda: ValidationCache(maxsize=500)],
)
