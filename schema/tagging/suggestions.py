"""What rules suggest for customers, and deciding on it, in GraphQL."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import strawberry

from schema.context import Act, Info
from schema.customers import Customer, customer_of
from schema.directory import Staff, staff_of
from schema.fields import OUT_OF_SIGHT, field, mutation
from schema.paging import Connection, connection, page_of
from schema.payloads import seen, told
from schema.positions import Place
from schema.problems import Problem
from schema.scalars import Cursor, read_id, shown_as
from schema.tagging.library import Tag, tag_of
from schema.versioned import Versioned
from tagging.commands import suggestions as commands
from tagging.models import SuggestionState
from tagging.queries import suggestions

strawberry.enum(
    SuggestionState, description="`OPEN` until somebody decides, or the evidence is gone and it is withdrawn."
)


@strawberry.type(description="A tag that a rule would put on a customer, for whoever serves them to decide.")
class TagSuggestion(Versioned):
    reason: str = strawberry.field(description="What the customer did that speaks for it.")
    state: SuggestionState
    at: datetime = strawberry.field(description="When it was made, in UTC.")
    decided_at: datetime | None = strawberry.field(description="When it was decided or withdrawn, in UTC.")
    customer_id: strawberry.Private[UUID]
    tag_id: strawberry.Private[UUID]
    decided_by_id: strawberry.Private[UUID | None]

    @field("The customer.")
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info, self.customer_id)

    @field("The tag.")
    async def tag(self, info: Info) -> Tag | None:
        return await tag_of(info, self.tag_id)

    @field(f"Who decided; {OUT_OF_SIGHT}.")
    async def decided_by(self, info: Info) -> Staff | None:
        return await staff_of(info, self.decided_by_id)


@strawberry.type(description="The suggestion as it is after the decision.")
class TagSuggestionDecided:
    suggestion: TagSuggestion | None = seen()
    places: list[Place] = told()


TagSuggestionResult = Annotated[TagSuggestionDecided | Problem, strawberry.union("TagSuggestionResult")]


@strawberry.type
class SuggestionQueries:
    @field("Open suggestions for customers in sight, the newest first; at most 100 a page.")
    async def tag_suggestions(
        self, info: Info, first: int = 20, after: Cursor | None = None
    ) -> Connection[TagSuggestion]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await suggestions.page(session, info.context.actor, page)
        return connection(TagSuggestion, rows, page, lambda row: (row.id,))


async def suggestion_of(info: Info, suggestion_id: UUID | None) -> TagSuggestion | None:
    """The suggestion, if there is one in sight."""
    if suggestion_id is None:
        return None
    return shown_as(TagSuggestion, await info.context.load(suggestions.by_ids, suggestion_id))


@strawberry.type
class SuggestionMutations:
    @mutation(
        "Put a suggested tag on the customer, as one's own opinion; for guides and managers of stores: `NOT_FOUND`, "
        "`FORBIDDEN`, `STALE_VERSION`, `SUGGESTION_DECIDED`.",
        edited=(TagSuggestion, suggestion_of),
    )
    async def accept_tag_suggestion(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> TagSuggestionResult:
        return await _suggestion(
            info,
            idempotency_key,
            lambda work: commands.accept_suggestion(work, read_id(id), expected_version=expected_version),
        )

    @mutation(
        "Say that a suggested tag doesn't fit; no rule suggests or sets it for 180 days. For guides and managers of "
        "stores: `NOT_FOUND`, `FORBIDDEN`, `STALE_VERSION`, `SUGGESTION_DECIDED`.",
        edited=(TagSuggestion, suggestion_of),
    )
    async def decline_tag_suggestion(
        self, info: Info, id: strawberry.ID, expected_version: int | None = None, idempotency_key: str | None = None
    ) -> TagSuggestionResult:
        return await _suggestion(
            info,
            idempotency_key,
            lambda work: commands.decline_suggestion(work, read_id(id), expected_version=expected_version),
        )


async def _suggestion(info: Info, key: str | None, act: Act) -> TagSuggestionDecided:
    done = await info.context.mutate(info, key, act)
    return TagSuggestionDecided(suggestion=await suggestion_of(info, done.id), places=done.places)
