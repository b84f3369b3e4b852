"""Looking at malls, and at what they sent."""

from uuid import UUID

import strawberry

from intake.models import HookMessageState
from intake.queries import hook_mappings, hook_messages
from intake.queries import hooks as queries
from schema.context import Info
from schema.fields import field
from schema.hooks.types import HookMapping, HookMessage, HookRefusal, HookSource, message_of, source_of
from schema.paging import Connection, connection, page_of
from schema.scalars import Cursor, sought_id

_MOST_MAPPINGS = 100


@strawberry.type
class HookQueries:
    @field("The mappings that malls can be connected with, by name.")
    def hook_mappings(self) -> list[HookMapping]:
        found = [hook_mappings.load(name) for name in sorted(hook_mappings.shipped())[:_MOST_MAPPINGS]]
        return [HookMapping(name=each.name, title=each.title, scheme=each.scheme) for each in found]

    @field("The malls that are connected, the newest first; at most 100 a page. Empty for all but headquarters.")
    async def hook_sources(self, info: Info, first: int = 20, after: Cursor | None = None) -> Connection[HookSource]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await queries.page_of_sources(session, info.context.actor, page)
        return connection(HookSource, rows, page, lambda row: (row.id,))

    @field("One of them; null if there is none in sight.")
    async def hook_source(self, info: Info, id: strawberry.ID) -> HookSource | None:
        return await source_of(info, sought_id(id))

    @field("What malls sent, the newest first; at most 100 a page. Empty for all but headquarters.")
    async def hook_messages(
        self,
        info: Info,
        source_id: strawberry.ID | None = None,
        state: HookMessageState | None = None,
        order_number: str | None = None,
        first: int = 20,
        after: Cursor | None = None,
    ) -> Connection[HookMessage]:
        page = page_of(first, after)
        async with info.context.read() as session:
            rows = await hook_messages.page_of_messages(
                session,
                info.context.actor,
                page,
                source_id=sought_id(source_id),
                state=state,
                order_number=order_number,
            )
        return connection(HookMessage, rows, page, lambda row: (row.id,))

    @field("One of them; null if there is none in sight.")
    async def hook_message(self, info: Info, id: strawberry.ID) -> HookMessage | None:
        return await message_of(info, sought_id(id))

    @field(
        "What was refused in a source's name within the last 30 days, the newest first; at most 100 a page, and of "
        "what was not signed at most 10 a minute are written down. Empty for all but headquarters."
    )
    async def hook_refusals(
        self, info: Info, source_id: strawberry.ID, first: int = 20, after: Cursor | None = None
    ) -> Connection[HookRefusal]:
        page = page_of(first, after)
        source = sought_id(source_id) or UUID(int=0)
        async with info.context.read() as session:
            rows = await hook_messages.refusals(session, info.context.actor, source, page)
        return connection(HookRefusal, rows, page, lambda row: (row.id,))
