"""The whole schema, put together from the domains' parts."""

import strawberry
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.tools import merge_types

from schema.customers import CustomerMutations, CustomerQueries
from schema.directory import DirectoryMutations, DirectoryQueries
from schema.scalars import CONFIG
from schema.tasks import TaskMutations, TaskQueries

Query = merge_types("Query", (DirectoryQueries, CustomerQueries, TaskQueries))
Mutation = merge_types("Mutation", (DirectoryMutations, CustomerMutations, TaskMutations))

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=CONFIG,
    extensions=[lambda: ParserCache(maxsize=500), lambda: ValidationCache(maxsize=500)],
)
