"""Everything that a phone keeps a copy of, page by page, and the cursor from which changes keep it fresh."""

from typing import Any
from uuid import UUID

import strawberry

from kernel.pages import BadCursor
from schema import positions
from schema.context import Context
from schema.fields import field
from schema.live.entities import ENTITIES, ChangedNode, EntityType, kept_by, node_of, relationship_of
from schema.live.walking import stretch
from schema.positions import Place, Places, Position, Step
from schema.scalars import Cursor


@strawberry.type(description="One thing of a snapshot.")
class SnapshotItem:
    entity_type: EntityType
    id: strawberry.ID
    version: int
    relationship_id: strawberry.ID | None = strawberry.field(
        description="The relationship that it belongs to: when that is to be forgotten, forget this with it."
    )
    node: ChangedNode


@strawberry.type(description="A page of everything that your changes tell of.")
class Snapshot:
    items: list[SnapshotItem]
    next: Cursor | None = strawberry.field(description="Send it as `after` for the next page; null on the last.")
    places_at_start: strawberry.Private[Places]

    @field(
        "Where to go on with `changes` once the last page is taken over: where the first page was read, and the "
        "same on every page. Later pages may be newer than that; the changes then say the same once more."
    )
    def cursor(self) -> Cursor:
        return positions.write(Position(self.places_at_start))

    @field("How far each feed had come when the first page was read.")
    def places(self) -> list[Place]:
        return positions.shown(self.places_at_start)


async def page(context: Context, after: Cursor | None, first: int, wanted: list[EntityType] | None) -> Snapshot:
    """The page behind that place. Raises `BAD_CURSOR`, also when the viewer follows other feeds than at the start."""
    actor = context.actor
    kinds = [kind for kind in kept_by(actor) if wanted is None or kind in wanted]
    async with context.read() as session:
        ends = positions.ends(await positions.heads(session, actor))
        start, step = _begun(after, kinds) if after is not None else (ends, Step(kinds[0]) if kinds else None)
        if start.keys() != ends.keys():
            raise BadCursor
        found: list[tuple[str, Any]] = []
        if step is not None:
            walks = {kind: ENTITIES[kind].walk for kind in kinds}
            found, step = await stretch(session, actor, walks, step, first)
    return Snapshot(
        items=[_item(kind, row) for kind, row in found],
        next=positions.write_walk(start, step) if step is not None else None,
        places_at_start=start,
    )


def _begun(after: Cursor, kinds: list[str]) -> tuple[Places, Step]:
    begun = positions.read_walk(after)
    if begun is None or begun[1].kind not in kinds:
        raise BadCursor
    return begun


def _item(kind: str, row: Any) -> SnapshotItem:
    belongs_to: UUID | None = relationship_of(kind, row)
    return SnapshotItem(
        entity_type=EntityType(kind),
        id=strawberry.ID(str(row.id)),
        version=row.version,
        relationship_id=strawberry.ID(str(belongs_to)) if belongs_to else None,
        node=node_of(kind, row),
    )
