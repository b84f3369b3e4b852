"""How a phone asks for its copy, and for what has changed since."""

import strawberry

from kernel import feed
from kernel.pages import BadPageSize
from schema.context import Info
from schema.fields import field
from schema.live import snapshot
from schema.live.changes import Changes, begun, require_follower
from schema.live.entities import EntityType
from schema.live.snapshot import Snapshot
from schema.scalars import Cursor


@strawberry.type
class LiveQueries:
    @field(
        "What changed for you after a cursor, at most `first` (1 to 500) things. Without a cursor: nothing yet, "
        "and the cursor of now. For phones that poll, or that a push has woken. `BAD_PAGE_SIZE`, `FORBIDDEN`."
    )
    async def changes(self, info: Info, after: Cursor | None = None, first: int = 100) -> Changes:
        require_follower(info.context.actor)
        _require_size(first)
        return await begun(info.context, after, first)

    @field(
        "Everything that `changes` keeps fresh for you, at most `first` (1 to 500) things a page: in a store all "
        "that you see there; who works over stores has only what is their own. `types` narrows it down and is the "
        "same for all pages. Take all pages over, then go on with `changes` from the snapshot's `cursor`. "
        "`BAD_PAGE_SIZE`, `BAD_CURSOR`, `FORBIDDEN`."
    )
    async def snapshot(
        self, info: Info, after: Cursor | None = None, first: int = 200, types: list[EntityType] | None = None
    ) -> Snapshot:
        require_follower(info.context.actor)
        _require_size(first)
        return await snapshot.page(info.context, after, first, types)


def _require_size(first: int) -> None:
    if not 1 <= first <= feed.BATCH:
        raise BadPageSize(most=feed.BATCH)
